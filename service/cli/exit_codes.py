"""The exit codes of the command ``alsolike``, which ``docs/operations.md`` explains."""

from __future__ import annotations

from collections.abc import Mapping

from index.errors import BuildError, BusyError, DatabaseError, GateError, UnavailableError
from recommender.errors import (
    AlsoLikeError,
    InputError,
    ModelError,
    NotFoundError,
    VectorFileError,
)
from service.errors import ConflictError

CODES: Mapping[type[AlsoLikeError], int] = {
    InputError: 2,
    ModelError: 3,
    BusyError: 5,
    UnavailableError: 9,
    BuildError: 4,
    VectorFileError: 4,
    NotFoundError: 6,
    DatabaseError: 7,
    ConflictError: 8,
}
"""The exit code of each class of error; subclasses come first, as the first match counts."""


def exit_code(error: AlsoLikeError) -> int:
    """Returns the exit code for an error; 1 if its class has none."""
    if isinstance(error, GateError):
        return error.gate
    return next((code for kind, code in CODES.items() if isinstance(error, kind)), 1)

"""The base class of all errors that AlsoLike raises on purpose, and this package's errors.

::

    AlsoLikeError                 the message names the value at fault and the remedy
    ├── InputError                an input from a person can't be used
    │   ├── ArticleError          an article breaks a rule of the input format
    │   └── SettingError          a setting is unknown or out of range
    ├── ModelError                the encoder's model is missing, damaged or unsuitable
    ├── VectorFileError           the file of a neighbor index can't be written or read
    └── NotFoundError             there is no such article, build or root

:mod:`index.errors` and :mod:`service.errors` define the others. Their HTTP statuses are in
:mod:`service.http.error_handlers`, their exit codes in :mod:`service.cli.entry_point`.
"""

import difflib
from collections.abc import Iterable


def one_line(text: str) -> str:
    """Escape line breaks, control characters and direction marks in ``text``.

    Error messages quote file names and texts from outside, which must not be able to forge a
    log line.
    """
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean …?)"`` with the known name closest to a mistyped one, if any."""
    known = list(known)
    near = [] if name in known else difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


class AlsoLikeError(Exception):
    """Base class of all errors that AlsoLike raises on purpose."""

    def __str__(self) -> str:
        return one_line(super().__str__())

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle it though the arguments of its class are others than a message."""
        return _made, (type(self), self.args), vars(self)


def _made(kind: type[AlsoLikeError], arguments: tuple[object, ...]) -> AlsoLikeError:
    return kind.__new__(kind, *arguments)


class InputError(AlsoLikeError):
    """An input from a person can't be used."""


class ArticleError(InputError):
    """An article breaks a rule of the input format.

    Args:
        field: The field at fault, by its name in the input format.
        reason: A short name of the kind of error, by which errors are counted (``"missing"``, …).
        message: A sentence for people that names the value at fault and the remedy.
    """

    def __init__(self, field: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.reason = reason


class SettingError(InputError):
    """A setting is unknown or out of range."""


class ModelError(AlsoLikeError):
    """The encoder's model is missing, damaged or unsuitable."""


class VectorFileError(AlsoLikeError):
    """The file of a nearest-neighbor index can't be written or read."""


class NotFoundError(AlsoLikeError):
    """The article, the build or the folder of builds that was asked for does not exist."""

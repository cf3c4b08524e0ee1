"""The errors of reading articles, making builds and publishing them.

::

    AlsoLikeError                 see recommender.errors
    ├── InputError
    │   └── SourceError           a source as a whole can't be read
    ├── BuildError                a build can't be made, or is not what its manifest says
    │   ├── GateError             a build was made, and is held back from publishing
    │   ├── BusyError             another process builds or publishes in the same root
    │   └── UnavailableError      a server that holds a part of builds is away
    └── DatabaseError             a database can't be used
"""

from recommender.errors import AlsoLikeError, InputError

__all__ = [
    "BuildError",
    "BusyError",
    "DatabaseError",
    "GateError",
    "SourceError",
    "UnavailableError",
]


class SourceError(InputError):
    """A source as a whole can't be read."""


class BuildError(AlsoLikeError):
    """A build can't be made, or is not what its manifest says."""


class BusyError(BuildError):
    """Another process builds or publishes in the same root."""


class UnavailableError(BuildError):
    """A server that holds a part of builds does not answer, or not usefully."""


class GateError(BuildError):
    """A build was made, and is held back from publishing.

    Args:
        message: What was measured, what is allowed, and how to publish all the same.
        gate: The number of the gate, so that a nightly job can tell them apart; see
            :class:`index.publishing.gates.Gate`.
    """

    def __init__(self, message: str, gate: int) -> None:
        super().__init__(message)
        self.gate = gate


class DatabaseError(AlsoLikeError):
    """A database can't be used; the message is one line and never holds a password."""

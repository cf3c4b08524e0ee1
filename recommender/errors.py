"""Every error that AlsoLike raises on purpose, as one tree.

::

    AlsoLikeError                 the message names the value at fault and the remedy
    ├── InputError                something a person gave can't be used (CLI: exit 2, HTTP: 422)
    │   ├── ArticleError          one article breaks a rule of the format
    │   ├── SourceError           a source as a whole can't be read
    │   ├── SettingError          a setting is unknown or out of range
    │   └── DecisionError         an editor's decision can't be taken as it was given
    ├── ModelError                the encoder's model is missing, damaged or not what was asked for
    ├── BuildError                a build can't be made, or is not what its manifest says
    │   ├── GateError             a build was made, and is held back from publishing
    │   ├── BusyError             another process builds or publishes in the same root
    │   └── UnavailableError      a server that holds a part of builds is away (HTTP: 503)
    ├── NotFoundError             no such article, build or root
    ├── DatabaseError             a database can't be used (HTTP: 503)
    └── ConflictError             someone else changed it in the meantime (HTTP: 412)
"""

__all__ = [
    "AlsoLikeError",
    "ArticleError",
    "BuildError",
    "BusyError",
    "ConflictError",
    "DatabaseError",
    "DecisionError",
    "GateError",
    "InputError",
    "ModelError",
    "NotFoundError",
    "SettingError",
    "SourceError",
    "UnavailableError",
    "one_line",
]


def one_line(text: str) -> str:
    """``text`` with line breaks, control and direction marks escaped.

    File names and texts from outside stand in messages: none may look like a log line of its own.
    """
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)


class AlsoLikeError(Exception):
    """Base of the tree; ``exit_code`` is what the command line ends with."""

    exit_code = 1

    def __str__(self) -> str:
        return one_line(super().__str__())


class InputError(AlsoLikeError):
    """Something a person gave can't be used."""

    exit_code = 2


class ArticleError(InputError):
    """One article breaks a rule of the format.

    Args:
        field: The field at fault, as the format names it.
        reason: A stable, short key for counting (``"missing"``, ``"too-long"``, …).
        message: The sentence for people, with the value and the remedy.
    """

    def __init__(self, field: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.reason = reason


class SourceError(InputError):
    """A source as a whole can't be read."""


class SettingError(InputError):
    """A setting is unknown or out of range."""


class DecisionError(InputError):
    """An editor's decision can't be taken as it was given.

    Args:
        field: Which part of it is at fault: ``"position"``, ``"reason"``, ``"until"``, …
        message: The sentence for people, with the value and the remedy.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ModelError(AlsoLikeError):
    """The encoder's model is missing, damaged or not what was asked for."""

    exit_code = 3


class BuildError(AlsoLikeError):
    """A build can't be made, or is not what its manifest says."""

    exit_code = 4


class BusyError(BuildError):
    """Another process builds or publishes in the same root."""

    exit_code = 5


class UnavailableError(BuildError):
    """A server that holds a part of builds does not answer, or not usefully."""

    exit_code = 9


class GateError(BuildError):
    """A build was made, and is held back from publishing.

    Args:
        message: What was measured, what is allowed, and how to publish all the same.
        exit_code: One code per gate, so that a nightly job can tell them apart.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class NotFoundError(AlsoLikeError):
    """No such article, build or root."""

    exit_code = 6


class DatabaseError(AlsoLikeError):
    """A database can't be used; the message is one line and never holds a password."""

    exit_code = 7


class ConflictError(AlsoLikeError):
    """Someone else changed it in the meantime; nothing was overwritten.

    Args:
        message: What was changed, and what to do.
        version: The version that is there now.
    """

    exit_code = 8

    def __init__(self, message: str, version: int) -> None:
        super().__init__(message)
        self.version = version

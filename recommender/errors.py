"""The errors that AlsoLike raises on purpose: the top of one tree, and this floor's part of it.

::

    AlsoLikeError                 the message names the value at fault and the remedy
    ├── InputError                something a person gave can't be used
    │   ├── ArticleError          one article breaks a rule of the format
    │   └── SettingError          a setting is unknown or out of range
    ├── ModelError                the encoder's model is missing, damaged or not what was asked for
    ├── VectorFileError           the file of a neighbor index can't be written or read
    └── NotFoundError             no such article, build or root

:mod:`index.errors` and :mod:`service.errors` hold the rest. HTTP statuses stand in
:mod:`service.http.error_handlers`, exit codes in :mod:`service.cli.exit_codes`.
"""


def one_line(text: str) -> str:
    """``text`` with line breaks, control and direction marks escaped.

    File names and texts from outside stand in messages: none may look like a log line of its own.
    """
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)


class AlsoLikeError(Exception):
    """Base of the tree."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class InputError(AlsoLikeError):
    """Something a person gave can't be used."""


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


class SettingError(InputError):
    """A setting is unknown or out of range."""


class ModelError(AlsoLikeError):
    """The encoder's model is missing, damaged or not what was asked for."""


class VectorFileError(AlsoLikeError):
    """The file of a neighbor index can't be written or read."""


class NotFoundError(AlsoLikeError):
    """No such article, build or root."""

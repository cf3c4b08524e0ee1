"""The errors of deciding and of publishing.

::

    AlsoLikeError                 see recommender.errors
    ├── InputError
    │   └── DecisionError         an editor's decision can't be taken as it was given
    ├── NotFoundError
    │   ├── NotReadyError         no build is served now
    │   └── UnknownArticleError   the live build has no such article
    ├── ConflictError             someone else changed it in the meantime
    │   └── SupersededError       a newer decision on the same thing stands in the way of an undo
    └── BuildError                see index.errors
        └── PublishError          the root or the build does not allow it
"""

from index.errors import BuildError
from recommender.errors import AlsoLikeError, InputError, NotFoundError

__all__ = [
    "ConflictError",
    "DecisionError",
    "NotReadyError",
    "PublishError",
    "SupersededError",
    "UnknownArticleError",
]


class DecisionError(InputError):
    """An editor's decision can't be taken as it was given.

    Args:
        field: Which part of it is at fault: ``"position"``, ``"reason"``, ``"until"``, …
        message: The sentence for people, with the value and the remedy.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class UnknownArticleError(NotFoundError):
    """The live build has no such article.

    Args:
        field: The parameter that names it.
        message: The sentence for people, with the id.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ConflictError(AlsoLikeError):
    """Someone else changed it in the meantime; nothing was overwritten.

    Args:
        message: What was changed, and what to do.
        version: The version that is there now.
    """

    def __init__(self, message: str, version: int) -> None:
        super().__init__(message)
        self.version = version


class SupersededError(ConflictError):
    """A decision can't be undone: a newer one on the same thing would be lost."""


class NotReadyError(NotFoundError):
    """No build is served now, so nothing can be said of its articles."""


class PublishError(BuildError):
    """A build can't be made live, or another taken back: the root or the build forbids it."""

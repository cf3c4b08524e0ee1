"""The errors of editors' decisions.

::

    AlsoLikeError                 see recommender.errors
    ├── InputError
    │   └── DecisionError         an editor's decision can't be taken as it was given
    └── ConflictError             someone else changed it in the meantime
"""

from recommender.errors import AlsoLikeError, InputError

__all__ = ["ConflictError", "DecisionError"]


class DecisionError(InputError):
    """An editor's decision can't be taken as it was given.

    Args:
        field: Which part of it is at fault: ``"position"``, ``"reason"``, ``"until"``, …
        message: The sentence for people, with the value and the remedy.
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

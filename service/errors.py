"""The exceptions that the service raises about editors' decisions, articles and publishing.

::

    AlsoLikeError                 the base of all errors, in recommender.errors
    ├── InputError
    │   └── DecisionError         an editor's decision is not valid
    ├── NotFoundError
    │   ├── NotReadyError         no build is served now
    │   └── UnknownArticleError   the live build has no such article
    ├── ConflictError             someone else changed the same thing in the meantime
    │   └── SupersededError       a newer decision on the same thing prevents an undo
    └── BuildError                a build can't be made or is damaged, in index.errors
        └── PublishError          a build can't be published or rolled back
"""

from collections.abc import Iterator
from contextlib import contextmanager

from index.errors import BuildError, UnavailableError
from recommender.errors import AlsoLikeError, InputError, NotFoundError


class DecisionError(InputError):
    """An editor's decision is not valid.

    Args:
        field: The field at fault: ``"position"``, ``"reason"``, ``"until"``, …
        message: A sentence for people that names the wrong value and says what to do.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class UnknownArticleError(NotFoundError):
    """The live build does not contain the article.

    Args:
        field: The request's parameter that names the article.
        message: A sentence for people, with the article's id.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ConflictError(AlsoLikeError):
    """A change was refused, since someone else changed the same thing in the meantime."""


class SupersededError(ConflictError):
    """An editor's decision can't be undone, because a newer decision would be lost with it.

    The newer one is about the same pin, hide, takedown or judgment.
    """


class NotReadyError(NotFoundError):
    """No build is being served, so there is no answer about any article."""


class PublishError(BuildError):
    """A build can't be published, or there is no earlier build to roll back to."""


@contextmanager
def importing(refusal: str) -> Iterator[None]:
    """Context manager for imports that need many files, such as that of FAISS.

    A package that is not installed raises :class:`ModuleNotFoundError`, as without this function.

    Args:
        refusal: What the error says can't be done now, such as ``"links can't be suggested"``.

    Raises:
        UnavailableError: If the import fails since the process can't open any more files.
    """
    try:
        yield
    except ModuleNotFoundError:
        raise
    except ImportError as error:
        raise UnavailableError(
            f"{refusal} now, as a file can't be opened ({error}); try again in a minute"
        ) from error


def missing_package(error: ModuleNotFoundError) -> str:
    """Returns an error message that names a package which is not installed, and how to get it.

    Args:
        error: The error that importing the package raised.
    """
    return (
        f"{error.name} is not installed: this installation only serves builds; to build, to follow "
        "sources and for drafts install all of AlsoLike with: pip install alsolike"
    )

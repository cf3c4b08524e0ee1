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
    """A decision can't be undone, because a newer decision on the same thing would be lost."""


class NotReadyError(NotFoundError):
    """No build is being served, so there is no answer about any article."""


class PublishError(BuildError):
    """A build can't be published or rolled back, since it is damaged or no earlier one is left."""


@contextmanager
def importing(refusal: str) -> Iterator[None]:
    """Imports what page views do without, as it loads FAISS; a missing package is told as it is.

    Args:
        refusal: What can't be done where no more files can be opened.

    Raises:
        UnavailableError: If no more files can be opened.
    """
    try:
        yield
    except ModuleNotFoundError:
        raise
    except ImportError as error:
        raise UnavailableError(f"{refusal} now; try again in a minute: {error}") from error


def missing_package(error: ModuleNotFoundError) -> str:
    """Returns what to do where a package is missing, as in an installation that only serves.

    Args:
        error: What importing it raised.
    """
    return (
        f"{error.name} is not installed: this installation only serves builds; to build, to follow "
        "sources and for drafts install all of AlsoLike with: pip install alsolike"
    )

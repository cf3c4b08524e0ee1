"""The errors raised when reading sources, making builds and publishing them.

::

    AlsoLikeError                 see recommender.errors
    ├── InputError
    │   ├── SourceError           a source as a whole can't be read
    │   └── ArticleError
    │       └── RecordError       one record of a source can't be used as an article
    ├── BuildError                a build can't be made, or does not match its manifest
    │   ├── GateError             a finished build may not be published
    │   ├── FormatError           a build has another format than this version reads
    │   ├── BusyError             another process builds or publishes in the same root
    │   └── UnavailableError      the Milvus server with a build's vectors does not answer
    └── DatabaseError             a database can't be used
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from recommender.errors import AlsoLikeError, ArticleError, InputError


@contextmanager
def raised_as(
    make: Callable[[str], Exception], before: str, *kinds: type[Exception]
) -> Iterator[None]:
    """Convert exceptions of some classes that the ``with`` block raises to one of our own.

    Args:
        make: Makes our exception from its message, such as an exception class.
        before: A text to put before the message of the original exception.
        kinds: The classes of exceptions to convert.
    """
    try:
        yield
    except kinds as error:
        raise make(f"{before}{error}") from error


class SourceError(InputError):
    """A source of articles can't be read at all."""


class RecordError(ArticleError):
    """One record of a source can't be used as an article, or says that it is not one.

    Args:
        reason: A short name of the kind of problem, by which reports count problems.
        message: The explanation for people.
        field: The field at fault; empty if it is the whole record.
    """

    def __init__(self, reason: str, message: str, field: str = "") -> None:
        super().__init__(field, reason, message)


class BuildError(AlsoLikeError):
    """A build can't be made, or does not match its manifest."""


class FormatError(BuildError):
    """A build has another format than this version of AlsoLike reads.

    Args:
        message: Which format it has, and the remedy.
        newer: Whether a newer version of AlsoLike made the build.
        pushed: The number of the newest pushed change that the build contains.
    """

    def __init__(self, message: str, *, newer: bool = False, pushed: int = 0) -> None:
        super().__init__(message)
        self.newer, self.pushed = newer, pushed


class BusyError(BuildError):
    """Another process builds or publishes in the same folder of builds."""


class UnavailableError(BuildError):
    """The Milvus server with a build's vectors does not answer, or gives an unusable answer."""


class GateError(BuildError):
    """A finished build may not be published: a check (gate) refuses it, or publishing is on hold.

    Args:
        message: What was measured, what is allowed, and how to publish the build nevertheless.
        gate: The command's exit code, which differs for each gate, so that a nightly job can tell
            them apart. The codes are listed in :class:`index.publishing.gates.Gate`.
    """

    def __init__(self, message: str, gate: int) -> None:
        super().__init__(message)
        self.gate = gate


class DatabaseError(AlsoLikeError):
    """A database can't be used; the message is one line and never holds a password.

    Args:
        message: What is wrong, for operators; it may name files and servers.
        public: The same in general words, for whoever asks the service.
    """

    def __init__(
        self, message: str, public: str = "a database can't be used: the service's log says why"
    ) -> None:
        super().__init__(message)
        self.public = public

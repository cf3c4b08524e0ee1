"""The protocol of sources, which yield a site's articles as records, or problems with records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, runtime_checkable

from index.articles.record import Record, RecordProblem, unreadable


class Source(Protocol):
    """A source of articles, such as a file, a feed or a database."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The source's name for messages and the manifest, without secrets."""
        ...

    def records(self) -> Iterator[Record | RecordProblem]:
        """Yields every record once, or a problem for one that can't be read, in source order.

        Raises:
            SourceError: If the source as a whole can't be read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSource:
    """Base class for sources that are read from a path.

    Attributes:
        path: The file.
    """

    path: str

    @property
    def name(self) -> str:
        """The source's name for messages: its path."""
        return self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRecords:
    """The first records of another source.

    Attributes:
        source: The other source.
        most: Most records to read of it.
        count: Called for each record.
    """

    source: Source
    most: int
    count: Callable[[], object]

    @property
    def name(self) -> str:
        """The other source's name."""
        return self.source.name

    def records(self) -> Iterator[Record | RecordProblem]:
        """Yields the first records."""
        for item in islice(self.source.records(), self.most):
            self.count()
            yield item


@runtime_checkable
class SplitSource(Source, Protocol):
    """A source that is read in one process, while its records can be parsed in others."""

    __slots__ = ()

    def records(self) -> Iterator[Record | RecordProblem]:
        """Yields every record once, or a problem for one that can't be read, in source order.

        If the caller stops early, the source is closed.
        """
        raw, parse = self.split()
        for item in raw:
            yield parse(item)

    def split(self) -> tuple[Iterator[Any], Callable[[Any], Record | RecordProblem]]:
        """Returns the raw records in order, and the function that parses one of them.

        Applying the function to each raw record gives the same records as :meth:`records`. Function
        and raw records can be pickled and sent to other machines; neither holds a secret.
        """
        ...


def split_records(source: Source) -> tuple[Iterator[Any], Callable[[Any], Record | RecordProblem]]:
    """Returns a source's raw records, and the function that parses one of them.

    If the source can't be split, the records are parsed already, and the function returns each
    unchanged.
    """
    return source.split() if isinstance(source, SplitSource) else (source.records(), pass_through)


def pass_through(record: Record | RecordProblem) -> Record | RecordProblem:
    """Returns a record unchanged; used as parser for sources that yield parsed records."""
    return record


def read_record(
    location: str, make: Callable[..., Record | RecordProblem], *args: Any
) -> Record | RecordProblem:
    """Returns ``make(location, *args)`` or, if this raises an exception, a problem.

    So a record with bad values is skipped, and does not end the build.
    """
    try:
        return make(location, *args)
    except MemoryError:
        raise  # the parser process, which limits memory, reports it
    except Exception as error:  # noqa: BLE001 - parsers raise anything on hostile values
        return unreadable(location, error)

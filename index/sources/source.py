"""The protocol of sources, which yield a site's articles as records, or problems with records."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Protocol, runtime_checkable

from index.articles.record import Record, RecordProblem, SourceItem, unreadable

SplitItems = tuple[Iterator[Any], Callable[[Any], SourceItem]]
"""A source's raw records in order, and the function that parses one of them."""


class Source(Protocol):
    """A source of articles, such as a file, a feed or a database."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The source's name in messages and in the manifest of a build; holds no secret."""
        ...

    def records(self) -> Iterator[SourceItem]:
        """Yields each record of the source once, in order; a problem for one that can't be read.

        Raises:
            SourceError: If the source as a whole can't be read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSource:
    """Base class for sources that are read from a path.

    Attributes:
        path: The path to read from.
    """

    path: str

    @property
    def name(self) -> str:
        """The source's name for messages: its path."""
        return self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRecords:
    """A source that yields only the first records of another source.

    Attributes:
        source: The other source.
        most: Most records to read from the other source.
        count: Called, without arguments, once for each record that is read.
    """

    source: Source
    most: int
    count: Callable[[], object]

    @property
    def name(self) -> str:
        """The other source's name."""
        return self.source.name

    def records(self) -> Iterator[SourceItem]:
        """Yields the first ``most`` records of the other source, and calls ``count`` for each."""
        for item in islice(self.source.records(), self.most):
            self.count()
            yield item


@runtime_checkable
class SplitSource(Source, Protocol):
    """A source that one process reads, while other processes can parse its raw records."""

    __slots__ = ()

    def records(self) -> Iterator[SourceItem]:
        """Yields each record of the source once, in order; a problem for one that can't be read.

        If the caller stops early, the source is closed.
        """
        raw, parse = split_records(self)
        for item in raw:
            yield parse(item)

    def split(self) -> SplitItems:
        """Returns the raw records in order, and the function that parses one of them.

        Applying the function to each raw record gives the same records as :meth:`records`; a
        ``RecordProblem`` among the raw records is not parsed but kept. Function and raw records can
        be pickled and sent to other machines; neither holds a secret.
        """
        ...


def split_records(source: Source) -> SplitItems:
    """Returns a source's raw records, and the function that parses one of them.

    If the source can't be split, the records are parsed already, and the function returns each
    unchanged.
    """
    if not isinstance(source, SplitSource):
        return source.records(), pass_through
    raw, parse = source.split()
    return raw, parse if parse is pass_through else partial(_parse_raw, parse)


def _parse_raw(parse: Callable[[Any], SourceItem], raw: Any) -> SourceItem:
    return raw if isinstance(raw, RecordProblem) else parse(raw)


def pass_through(record: SourceItem) -> SourceItem:
    """Returns a record unchanged; used as parser for sources that yield parsed records."""
    return record


def read_record(location: str, make: Callable[..., Record], *args: Any) -> SourceItem:
    """Makes a record by ``make(location, *args)``; if that raises, returns a problem instead.

    So a record with bad values is skipped, and does not end the build. The problem has the reason
    and message of the exception, if it is a :class:`RecordError`.
    """
    try:
        return make(location, *args)
    except MemoryError:
        raise  # the parser process, which limits memory, reports it
    except Exception as error:  # noqa: BLE001 - parsers raise anything on hostile values
        return unreadable(location, error)

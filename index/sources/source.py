"""The source protocol: an iterator of records, or of problems with their location."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from index.articles.record import Record, RecordProblem, unreadable


class Source(Protocol):
    """Where articles are read from."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The source's name in messages and the manifest; holds no secret."""
        ...

    def records(self) -> Iterator[Record | RecordProblem]:
        """Every record once, in the source's own order.

        Raises:
            SourceError: If the source as a whole can't be read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSource:
    """What sources that are read from a path have in common.

    Attributes:
        path: The file.
    """

    path: str

    @property
    def name(self) -> str:
        """The path."""
        return self.path


@runtime_checkable
class SplitSource(Source, Protocol):
    """A source that is read in one process, and whose records are parsed in others."""

    __slots__ = ()

    def records(self) -> Iterator[Record | RecordProblem]:
        """See :class:`Source`; a generator, so that stopping midway closes the source."""
        raw, parse = self.split()
        for item in raw:
            yield parse(item)

    def split(self) -> tuple[Iterator[Any], Callable[[Any], Record | RecordProblem]]:
        """The raw records in their order, and the function that parses one of them.

        Together they give what :meth:`Source.records` gives. The function and the raw records can
        be pickled and sent to other machines; neither holds a secret.
        """
        ...


def split_records(source: Source) -> tuple[Iterator[Any], Callable[[Any], Record | RecordProblem]]:
    """A source's raw records and their parser; where it can't be split, they are parsed already."""
    return source.split() if isinstance(source, SplitSource) else (source.records(), pass_through)


def pass_through(record: Record | RecordProblem) -> Record | RecordProblem:
    """Parse a record that is parsed already."""
    return record


def read_record(
    location: str, make: Callable[..., Record | RecordProblem], *args: Any
) -> Record | RecordProblem:
    """``make(location, *args)``, or a problem if that raises: no value of a source ends a build."""
    try:
        return make(location, *args)
    except MemoryError:
        raise  # reported by whoever limits the parser's memory
    except Exception as error:  # noqa: BLE001 - parsers raise anything on hostile values
        return unreadable(location, error)

"""What every source gives: records with their place, or a located complaint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

from index.articles.record import Record, RecordProblem, unreadable


class Source(Protocol):
    """A place where articles are kept."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """For messages and the manifest; never holds a secret."""
        ...

    def records(self) -> Iterator[Record | RecordProblem]:
        """Every record once, in the source's own order.

        Raises:
            SourceError: If the source as a whole can't be read.
        """
        ...


@runtime_checkable
class SplitSource(Source, Protocol):
    """A source that can be read in one place and be made sense of in others."""

    __slots__ = ()

    def records(self) -> Iterator[Record | RecordProblem]:
        """See :class:`Source`; a generator, as whoever stops midway closes what is read."""
        raw, parse = self.parted()
        for item in raw:
            yield parse(item)

    def parted(self) -> tuple[Iterator[Any], Callable[[Any], Record | RecordProblem]]:
        """What it holds, in its order, hardly looked at, and what makes a record of each.

        Both together give what :meth:`Source.records` gives. What makes records can be sent to
        other machines, and so can what they are made of; neither holds a secret.
        """
        ...


def split_records(source: Source) -> tuple[Iterator[Any], Callable[[Any], Record | RecordProblem]]:
    """See :class:`SplitSource`; other sources give records that are made already."""
    return source.parted() if isinstance(source, SplitSource) else (source.records(), as_it_is)


def as_it_is(record: Record | RecordProblem) -> Record | RecordProblem:
    """Makes a record of what is one."""
    return record


def read_record(
    place: str, make: Callable[..., Record | RecordProblem], *args: Any
) -> Record | RecordProblem:
    """What ``make(place, *args)`` gives; a problem if it fails: no value ends a build."""
    try:
        return make(place, *args)
    except MemoryError:
        raise  # whoever limits a parser's memory tells of it
    except Exception as error:  # noqa: BLE001 - parsers raise what they like over hostile values
        return unreadable(place, error)

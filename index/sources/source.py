"""What every source gives: records with their place, or a located complaint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One raw record.

    Attributes:
        place: Where it stands, for messages (``"articles.jsonl line 12"``).
        values: Field names as the source has them.
    """

    place: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something a source held that is not, or not wholly, an article.

    Attributes:
        place: Where it stands.
        field: The field at fault, ``""`` for the record as a whole.
        reason: Stable, short key for counting.
        message: For people: the value at fault and the remedy.
    """

    place: str
    field: str
    reason: str
    message: str

    @property
    def key(self) -> str:
        """What it is counted by."""
        return f"{self.field}: {self.reason}" if self.field else self.reason

    def __str__(self) -> str:
        """Place, field and message, in one line."""
        named = not self.field or self.message.startswith(f"{self.field} ")
        return f"{self.place}: {self.message if named else f'{self.field}: {self.message}'}"


class Source(Protocol):
    """A place where articles are kept."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """For messages and the manifest; never holds a secret."""
        ...

    def records(self) -> Iterator[Record | Problem]:
        """Every record once, in the source's own order.

        Raises:
            SourceError: If the source as a whole can't be read.
        """
        ...


@runtime_checkable
class Parted(Source, Protocol):
    """A source that can be read in one place and be made sense of in others."""

    __slots__ = ()

    def records(self) -> Iterator[Record | Problem]:
        """See :class:`Source`; a generator, as whoever stops midway closes what is read."""
        raw, parse = self.parted()
        for item in raw:
            yield parse(item)

    def parted(self) -> tuple[Iterator[Any], Callable[[Any], Record | Problem]]:
        """What it holds, in its order, hardly looked at, and what makes a record of each.

        Both together give what :meth:`Source.records` gives. What makes records can be sent to
        other machines, and so can what they are made of; neither holds a secret.
        """
        ...


def take_apart(source: Source) -> tuple[Iterator[Any], Callable[[Any], Record | Problem]]:
    """See :class:`Parted`; other sources give records that are made already."""
    return source.parted() if isinstance(source, Parted) else (source.records(), as_it_is)


def as_it_is(record: Record | Problem) -> Record | Problem:
    """Makes a record of what is one."""
    return record


def look_up(values: Mapping[str, Any], name: str) -> Any:
    """A value by its name, or by a dotted path to it; ``None`` if there is none."""
    if name in values:
        return values[name]
    found: Any = values
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found

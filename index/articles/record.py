"""One raw record of a source, and the problems that records have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.errors import one_line

MAX_MESSAGE = 500
"""Longest message of a problem, in characters: a thousand of them are kept."""


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
class RecordProblem:
    """A problem of one record: it is no article, or a field of it can't be used.

    Attributes:
        place: Where it stands.
        field: The field at fault, ``""`` for the record as a whole.
        reason: Stable, short key for counting.
        message: For people: the value at fault and the remedy; cut at :data:`MAX_MESSAGE`.
    """

    place: str
    field: str
    reason: str
    message: str

    def __post_init__(self) -> None:
        if not self.place.isprintable():
            object.__setattr__(self, "place", one_line(self.place))
        if len(self.message) > MAX_MESSAGE or not self.message.isprintable():
            object.__setattr__(self, "message", one_line(self.message[:MAX_MESSAGE]))

    @property
    def key(self) -> str:
        """The key under which it is counted."""
        return f"{self.field}: {self.reason}" if self.field else self.reason

    def __str__(self) -> str:
        """Place, field and message, in one line."""
        named = not self.field or self.message.startswith(f"{self.field} ")
        return f"{self.place}: {self.message if named else f'{self.field}: {self.message}'}"


def unreadable(place: str, error: Exception, field: str = "") -> RecordProblem:
    """The problem of a record over which a parser failed."""
    message = f"can't be read ({describe(error)}): correct the value, or leave it out"
    return RecordProblem(place=place, field=field, reason="unreadable", message=message)


def describe(error: Exception) -> str:
    """An exception's kind and its first words."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - it may hold a number too long to print
        text = ""
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def short(value: Any, limit: int = 40) -> str:
    """``repr(value)`` for messages, cut, whatever the value is and however large."""
    if isinstance(value, str | bytes | list | tuple):
        value = value[: limit + 1]
    elif isinstance(value, Mapping):
        return f"an object of {len(value)}"
    try:
        return repr(value)[:limit]
    except Exception:  # noqa: BLE001 - a number too long to print, a list too deep
        return f"a {type(value).__name__} too large to show"


def get_field(values: Mapping[str, Any], name: str) -> Any:
    """A value by its name, or by a dotted path to it; ``None`` if there is none."""
    if name in values:
        return values[name]
    found: Any = values
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found

"""One raw record of a source, or the problem with it; both know their location in the source."""

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
        location: Where it is in the source, for messages (``"articles.jsonl line 12"``).
        values: The fields, named as the source names them.
    """

    location: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordProblem:
    """What is wrong with a record, or with one field of it.

    Attributes:
        location: Where the record is in the source.
        field: The field at fault; empty for the record as a whole.
        reason: Stable, short key for counting.
        message: For people: the value at fault and the remedy; cut at :data:`MAX_MESSAGE`.
    """

    location: str
    field: str = ""
    reason: str
    message: str

    def __post_init__(self) -> None:
        if not self.location.isprintable():
            object.__setattr__(self, "location", one_line(self.location))
        if len(self.message) > MAX_MESSAGE or not self.message.isprintable():
            object.__setattr__(self, "message", one_line(self.message[:MAX_MESSAGE]))

    @property
    def key(self) -> str:
        """The key by which reports count the problem."""
        return f"{self.field}: {self.reason}" if self.field else self.reason

    def to_dict(self) -> dict[str, str]:
        """The problem as reports and ``--json`` have it."""
        return {
            "place": self.location,
            "field": self.field,
            "reason": self.reason,
            "message": self.message,
        }

    def __str__(self) -> str:
        """Location, field and message, in one line."""
        named = not self.field or self.message.startswith(f"{self.field} ")
        return f"{self.location}: {self.message if named else f'{self.field}: {self.message}'}"


def unreadable(location: str, error: Exception, field: str = "") -> RecordProblem:
    """The problem of a record on which a parser raised an exception."""
    message = f"can't be read ({describe(error)}): correct the value, or leave it out"
    return RecordProblem(location=location, field=field, reason="unreadable", message=message)


def describe(error: Exception) -> str:
    """An exception's type and the beginning of its message."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - it may hold a number too long to print
        text = ""
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def short(value: Any, limit: int = 40) -> str:
    """``repr(value)`` for messages, cut at ``limit``; never fails, and is quick for any size."""
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

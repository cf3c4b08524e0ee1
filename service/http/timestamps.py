"""Moments over HTTP: ISO 8601 with a zone; inside, microseconds since 1970 UTC."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, WithJsonSchema

from recommender.visibility import NEVER, microseconds

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LAST = microseconds(dt.datetime(9999, 1, 1, tzinfo=dt.UTC))


def format_timestamp(moment: int | None) -> str | None:
    """A moment as text in UTC; ``None`` for one that never comes."""
    if moment is None or moment >= _LAST:
        return None
    return (_EPOCH + dt.timedelta(microseconds=moment)).isoformat().replace("+00:00", "Z")


def _format(value: Any) -> Any:
    return format_timestamp(value) if isinstance(value, int) else value


Timestamp = Annotated[str | None, BeforeValidator(_format)]
"""A moment in an answer, made of microseconds since 1970 UTC; ``null`` for one that never comes."""


def read_local_moment(text: str, zone: ZoneInfo) -> int:
    """A moment as ISO text, microseconds since 1970 UTC; without a zone it is in ``zone``.

    Of an hour that a clock change repeats, the first is meant.

    Raises:
        ValueError: If it is not a moment.
        OverflowError: If it lies beyond the calendar.
    """
    local = dt.datetime.fromisoformat(text)
    return microseconds(local.replace(tzinfo=zone) if local.tzinfo is None else local)


def _read_moment(value: Any) -> Any:
    if value is None:
        return NEVER
    if not isinstance(value, str):
        raise ValueError("write the moment as text, like 2026-12-31T18:00:00+01:00")
    try:
        instant = dt.datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("write the moment like 2026-12-31T18:00:00+01:00") from None
    if instant.tzinfo is None:
        raise ValueError("the moment has no time zone; write it like 2026-12-31T18:00:00+01:00")
    moment = microseconds(instant)
    if moment >= _LAST:
        raise ValueError("the moment lies beyond the year 9998; leave it out for no end")
    return moment


Until = Annotated[
    int,
    BeforeValidator(_read_moment),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}),
]
"""The end of a decision in a request's body; ``null`` for no end."""

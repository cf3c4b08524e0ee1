"""Timestamps: ISO 8601 with a time zone in HTTP, microseconds since 1970 UTC inside."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, WithJsonSchema

from recommender.visibility import NEVER, microseconds

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LAST = microseconds(dt.datetime(9999, 1, 1, tzinfo=dt.UTC))


def format_timestamp(moment: int | None) -> str | None:
    """Formats a timestamp as ISO 8601 in UTC; ``None`` for a time that never comes."""
    if moment is None or moment >= _LAST:
        return None
    return (_EPOCH + dt.timedelta(microseconds=moment)).isoformat().replace("+00:00", "Z")


def _format(value: Any) -> Any:
    return format_timestamp(value) if isinstance(value, int) else value


Timestamp = Annotated[str | None, BeforeValidator(_format)]
"""A timestamp in a response, made of microseconds since 1970 UTC; ``null`` means never."""


def read_local_moment(text: str, zone: ZoneInfo) -> int:
    """Parses an ISO timestamp into microseconds since 1970 UTC.

    A timestamp without a time zone is read in ``zone``; in an hour that a clock change repeats,
    the first of the two is used.

    Raises:
        ValueError: If the text is not a timestamp.
        OverflowError: If the timestamp is outside the range of dates.
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
"""The time at which a decision ends, in a request body; ``null`` for no end."""

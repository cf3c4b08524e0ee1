"""Converts timestamps: HTTP has ISO 8601 texts, the code has microseconds since 1970 UTC."""

import datetime as dt
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, WithJsonSchema

from recommender.visibility import NEVER, microseconds

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LAST = microseconds(dt.datetime(9999, 1, 1, tzinfo=dt.UTC))


def format_timestamp(moment: int | None) -> str | None:
    """Formats a time as ISO 8601 in UTC, such as ``2026-12-31T17:00:00Z``.

    Args:
        moment: Microseconds since 1970 UTC.

    Returns:
        The text; ``None`` if there is no time or it lies after the year 9998, which means never.
    """
    if moment is None or moment >= _LAST:
        return None
    return (_EPOCH + dt.timedelta(microseconds=moment)).isoformat().replace("+00:00", "Z")


def _format(value: Any) -> Any:
    return format_timestamp(value) if isinstance(value, int) else value


Timestamp = Annotated[str | None, BeforeValidator(_format)]
"""A response field that turns microseconds since 1970 UTC into ISO 8601; ``null`` means never."""


def read_local_moment(text: str, zone: ZoneInfo) -> int:
    """Parses an ISO timestamp such as ``2026-12-31T18:00`` into microseconds since 1970 UTC.

    Args:
        text: The timestamp, with or without a time zone.
        zone: The time zone of a timestamp that has none. If a clock change makes a local time occur
            twice, the first is meant.

    Raises:
        ValueError: If the text is not a timestamp.
        OverflowError: If the timestamp is outside the range of dates.
    """
    local = dt.datetime.fromisoformat(text)
    return microseconds(local.replace(tzinfo=zone) if local.tzinfo is None else local)


def local_time(moment: int, zone: ZoneInfo) -> dt.datetime | None:
    """Converts a time to a time zone.

    Args:
        moment: Microseconds since 1970 UTC.
        zone: The time zone.

    Returns:
        The local time; ``None`` for a time outside the range of dates.
    """
    try:
        return (_EPOCH + dt.timedelta(microseconds=moment)).astimezone(zone)
    except (OverflowError, ValueError):
        return None


def format_local_moment(moment: int, zone: ZoneInfo) -> str:
    """Formats a time as a browser's field for a date and time, such as ``2026-12-31T18:00``.

    Args:
        moment: Microseconds since 1970 UTC; outside the range of dates, the result is empty.
        zone: The time zone.
    """
    local = local_time(moment, zone)
    return "" if local is None else local.strftime("%Y-%m-%dT%H:%M")


def _read_moment(value: Any) -> Any:
    if value is None:
        return NEVER
    if not isinstance(value, str):
        raise ValueError("the time must be a string; write it like 2026-12-31T18:00:00+01:00")
    try:
        instant = dt.datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(
            "this is not an ISO 8601 time; write it like 2026-12-31T18:00:00+01:00"
        ) from None
    if instant.tzinfo is None:
        raise ValueError("the time has no time zone; write it like 2026-12-31T18:00:00+01:00")
    moment = microseconds(instant)
    if moment >= _LAST:
        raise ValueError("the time is later than the year 9998; leave it out for no end")
    return moment


_MOMENT = WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]})
Until = Annotated[int, BeforeValidator(_read_moment), _MOMENT]
"""The time at which a decision ends, in a request body; ``null`` for no end."""

Since = Annotated[
    int, BeforeValidator(lambda value: 0 if value is None else _read_moment(value)), _MOMENT
]
"""The time at which a decision begins, in a request body; ``null`` for at once."""

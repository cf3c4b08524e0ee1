"""When a record was last changed, by its own word: compared with what was pushed about the page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from index.articles.date_words import DateError
from index.articles.foreign_dates import DateReader
from index.articles.record import Record, plain_name
from recommender.visibility import microseconds

if TYPE_CHECKING:
    from index.articles.parse import FieldMapping

_GMT = ("modifiedgmt", "postmodifiedgmt")
_NAMES = (
    *("updated", *_GMT, "updatedat", "updatedon", "modified", "modifiedat", "modifiedon"),
    *("datemodified", "dateupdated", "lastmodified", "lastmod", "lastupdated"),
)


def find_updated(values: Mapping[str, Any]) -> tuple[str, Any]:
    """Returns the field that says when a record was last changed, and its value.

    Args:
        values: The record's values, by the source's names.

    Returns:
        The source's name and the value; "" and ``None`` if there is none.
    """
    found = {plain_name(name): name for name, value in values.items() if value not in (None, "")}
    name = next((found[one] for one in _NAMES if one in found), "")
    return name, values.get(name)


def updated_at(record: Record, mapping: FieldMapping) -> int | None:
    """Returns when a record was last changed, microseconds since 1970 UTC.

    Returns ``None`` if it does not say, or says only the day.

    Args:
        record: The record.
        mapping: How records are made into articles.
    """
    name, value = find_updated(record.values)
    zone = dt.UTC if plain_name(name) in _GMT else mapping.timezone
    reader = DateReader(timezone=zone, date_format=record.date_format or mapping.date_format)
    with suppress(DateError):
        found = reader.instant(value)
        if found is not None and found.astimezone(zone).time() != dt.time():
            return microseconds(found)
    return None

"""When a record was last changed, by its own word: compared with what was pushed about the page."""

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from index.articles.date_words import DateError
from index.articles.foreign_dates import DateReader, find_zone
from index.articles.parse import FieldMapping
from index.articles.record import Record, plain_name
from recommender.visibility import microseconds

_GMT = ("modifiedgmt", "postmodifiedgmt")
_NAMES = (
    *("updated", *_GMT, "updatedat", "updatedon", "modified", "modifiedat", "modifiedon"),
    *("datemodified", "dateupdated", "lastmodified", "lastmod", "lastupdated"),
)


def find_updated(values: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the field that says when a record was last changed, and its value.

    Args:
        values: The record's values by field name.

    Returns:
        The field's name and its value; "" and ``None`` if no field says it.
    """
    found = {plain_name(name): name for name, value in values.items() if value not in (None, "")}
    name = next((found[one] for one in _NAMES if one in found), "")
    return name, values.get(name)


def updated_at(record: Record, mapping: FieldMapping) -> int | None:
    """Return when a record says that it was last changed, in microseconds since 1970 UTC.

    It is ``None`` if the record does not say it, or gives only the day.

    Args:
        record: The record.
        mapping: Gives the time zone and the format of dates that the record leaves open.
    """
    name, value = find_updated(record.values)
    is_gmt = plain_name(name) in _GMT
    zone = dt.UTC if is_gmt else find_zone(record.timezone) or mapping.timezone
    reader = DateReader(timezone=zone, date_format=record.date_format or mapping.date_format)
    with suppress(DateError):
        found = reader.instant(value)
        if found is not None and found.astimezone(zone).time() != dt.time():
            return microseconds(found)
    return None

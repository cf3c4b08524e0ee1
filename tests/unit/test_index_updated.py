"""When a record was last changed, by its own word."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from index.articles.parse import FieldMapping
from index.articles.record import Record
from index.articles.updated import updated_at
from recommender.visibility import microseconds

BERLIN = FieldMapping(url_template="/{id}", timezone=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("name", "zone", "hour"),
    [
        ("updated", "America/New_York", 15),
        ("updated", "", 9),
        ("updated", "Nowhere/At_All", 9),
        ("modified_gmt", "America/New_York", 10),
    ],
)
def test_a_change_is_dated_in_the_time_zone_of_its_record(name: str, zone: str, hour: int) -> None:
    record = Record(location="a", values={name: "2026-03-02 10:00:00"}, timezone=zone)
    assert updated_at(record, BERLIN) == microseconds(dt.datetime(2026, 3, 2, hour, tzinfo=dt.UTC))

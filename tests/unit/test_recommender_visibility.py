"""Visibility fails closed, and time is exact."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.article import Article, Status
from recommender.visibility import ALWAYS, NEVER, epochs, microseconds, window

MAY = dt.datetime(2026, 5, 1, 8, tzinfo=dt.UTC)


def article(**fields: Any) -> Article:
    return Article(id="kelp", title="Kelp", url="/kelp", **fields)


def test_a_published_article_without_times_is_always_shown() -> None:
    assert window(article()) == (ALWAYS, NEVER)


@pytest.mark.parametrize("status", [Status.DRAFT, Status.HIDDEN])
def test_what_is_not_published_has_a_window_that_never_opens(status: Status) -> None:
    start, end = window(article(status=status, visible_from=MAY))
    assert (start, end) == (NEVER, NEVER)
    assert not start <= NEVER < end


def test_a_date_in_the_future_hides_nothing() -> None:
    assert window(article(date=dt.date(2999, 1, 1))) == (ALWAYS, NEVER)


def test_a_window_begins_with_its_first_instant_and_ends_before_its_last() -> None:
    start, end = window(article(visible_from=MAY, visible_until=MAY + dt.timedelta(hours=1)))
    assert start == microseconds(MAY)
    assert end - start == 3_600_000_000


@given(st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 1, 1), timezones=st.timezones()))  # noqa: DTZ001 - their zones are drawn
def test_microseconds_are_exact_in_every_zone(instant: dt.datetime) -> None:
    found = microseconds(instant)
    assert dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(
        microseconds=found
    ) == instant.astimezone(dt.UTC)


def test_epochs_are_the_instants_at_which_anything_changes() -> None:
    visibility = np.array([[ALWAYS, 30], [10, NEVER], [10, 20], [NEVER, NEVER]], dtype=np.int64)
    assert epochs(visibility).tolist() == [10, 20, 30]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ALWAYS, NEVER, *range(10)]),
            st.sampled_from([ALWAYS, NEVER, *range(10)]),
        ),
        min_size=1,
    )
)
def test_two_moments_of_one_epoch_show_the_same(windows: list[tuple[int, int]]) -> None:
    visibility = np.array(windows, dtype=np.int64)
    changes = epochs(visibility)
    shown: dict[int, list[bool]] = {}
    for now in range(-1, 12):
        epoch = int(np.searchsorted(changes, now, side="right"))
        visible = [start <= now < end for start, end in windows]
        assert shown.setdefault(epoch, visible) == visible

"""Visibility windows: from when until when an article may be shown."""

import datetime as dt
import time

import numpy as np
from numpy.typing import NDArray

from recommender.article import Article, Status

NEVER = np.iinfo(np.int64).max
ALWAYS = np.iinfo(np.int64).min

DAY_ZERO = 719_163  # date(1970, 1, 1).toordinal()
NO_DAY = np.iinfo(np.int32).min
"""The day of an article without a date."""

Visibility = NDArray[np.int64]
"""When each article may be shown: shape (n, 2), int64, microseconds since 1970 UTC. The first
column is the time from which, the second the time until which: ``from <= now < until``."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def utc_now() -> int:
    """Return the current time in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def microseconds(instant: dt.datetime) -> int:
    """Convert a time to microseconds since 1970 UTC, without floats, which would round it."""
    return (instant - _EPOCH) // _MICROSECOND


def window(article: Article) -> tuple[int, int]:
    """Return the two times (from, until) between which an article may be shown.

    Both are in microseconds since 1970 UTC. An unpublished article is never visible.
    """
    if article.status is not Status.PUBLISHED:
        return NEVER, NEVER
    start = ALWAYS if article.visible_from is None else microseconds(article.visible_from)
    end = NEVER if article.visible_until is None else microseconds(article.visible_until)
    return start, end


def day_number(article: Article) -> int:
    """Return an article's date in days since 1970; :data:`NO_DAY` if it has none."""
    return NO_DAY if article.date is None else article.date.toordinal() - DAY_ZERO


def visible_at(visibility: Visibility, now: int) -> NDArray[np.bool_]:
    """Return which rows may be shown at ``now`` (microseconds since 1970 UTC); shape (n,), bool."""
    shown: NDArray[np.bool_] = (visibility[:, 0] <= now) & (now < visibility[:, 1])
    return shown


def epochs(visibility: Visibility) -> NDArray[np.int64]:
    """Return the sorted times at which any article appears or disappears.

    The number of these times up to now is the current epoch. Within an epoch, the set of visible
    articles does not change, so a cache key can contain the epoch instead of the time.
    """
    instants: NDArray[np.int64] = np.unique(visibility)
    changes: NDArray[np.int64] = instants[(instants != NEVER) & (instants != ALWAYS)]
    return changes

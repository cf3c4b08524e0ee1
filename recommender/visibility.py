"""When an article may be shown. Fails closed: what is unclear is not shown."""

from __future__ import annotations

import datetime as dt
import time

import numpy as np
from numpy.typing import NDArray

from recommender.article import Article, Status

NEVER = np.iinfo(np.int64).max
ALWAYS = np.iinfo(np.int64).min

Visibility = NDArray[np.int64]
"""Shape (n, 2): microseconds since 1970 UTC, shown while ``from <= now < until``."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def utc_now() -> int:
    """This moment: microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def microseconds(instant: dt.datetime) -> int:
    """Microseconds since 1970 UTC, exactly (floats lose them)."""
    return (instant - _EPOCH) // _MICROSECOND


def window(article: Article) -> tuple[int, int]:
    """The article's row of :data:`Visibility`; a draft's window never opens."""
    if article.status is not Status.PUBLISHED:
        return NEVER, NEVER
    start = ALWAYS if article.visible_from is None else microseconds(article.visible_from)
    end = NEVER if article.visible_until is None else microseconds(article.visible_until)
    return start, end


def visible_at(visibility: Visibility, now: int) -> NDArray[np.bool_]:
    """Shape (n,): which rows may be shown at ``now`` (microseconds since 1970 UTC)."""
    shown: NDArray[np.bool_] = (visibility[:, 0] <= now) & (now < visibility[:, 1])
    return shown


def epochs(visibility: Visibility) -> NDArray[np.int64]:
    """Sorted instants at which anything appears or disappears.

    The number of these that lie at or before now is the epoch: two moments of the same
    epoch show the same articles, so it can stand for the clock in a cache key.
    """
    instants: NDArray[np.int64] = np.unique(visibility)
    changes: NDArray[np.int64] = instants[(instants != NEVER) & (instants != ALWAYS)]
    return changes

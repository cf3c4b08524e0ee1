"""Whether an article can be seen at a moment, and if not, why not."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recommender.visibility import NEVER
from service.serving.serving_view import Served


class Standing(enum.StrEnum):
    """Where an article stands with its readers."""

    VISIBLE = "visible"
    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    UNPUBLISHED = "unpublished"
    TAKEN_DOWN = "taken-down"


def standing(served: Served, row: int, now: int) -> Standing:
    """Where one article stands.

    Args:
        served: A build under what editors decided.
        row: The article.
        now: Microseconds since 1970 UTC.
    """
    until = served.state.takedowns.get(served.build.article_id(row))
    if until is not None and now < until:
        return Standing.TAKEN_DOWN
    start, end = served.build.visibility[row].tolist()
    if start == NEVER:
        return Standing.UNPUBLISHED
    if now >= end:
        return Standing.EXPIRED
    return Standing.SCHEDULED if now < start else Standing.VISIBLE


def standings(served: Served, now: int) -> Mapping[Standing, NDArray[np.bool_]]:
    """For each standing the rows that have it, each of shape (n,); every row has one."""
    start, end = served.build.visibility[:, 0], served.build.visibility[:, 1]
    taken_down = np.zeros(served.build.count, dtype=bool)
    taken_down[served.taken_down(now)] = True
    unpublished = (start == NEVER) & ~taken_down
    open_to_time = ~taken_down & ~unpublished
    expired = open_to_time & (now >= end)
    scheduled = open_to_time & ~expired & (now < start)
    return {
        Standing.VISIBLE: open_to_time & ~expired & ~scheduled,
        Standing.SCHEDULED: scheduled,
        Standing.EXPIRED: expired,
        Standing.UNPUBLISHED: unpublished,
        Standing.TAKEN_DOWN: taken_down,
    }

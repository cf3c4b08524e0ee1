"""Finds out whether readers can see an article at a time, and if not, why."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recommender.visibility import NEVER
from service.serving.serving_view import ServingView


class VisibilityStatus(enum.StrEnum):
    """Whether readers can see an article, and if not, why."""

    VISIBLE = "visible"
    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    UNPUBLISHED = "unpublished"
    TAKEN_DOWN = "taken-down"


def visibility_status(served: ServingView, row: int, now: int) -> VisibilityStatus:
    """Returns whether readers can see an article at a time, and if not, why.

    Args:
        served: A build with the editors' decisions.
        row: The article's row number in the build.
        now: The time, in microseconds since 1970 UTC.
    """
    until = served.state.takedowns.get(served.build.article_id(row))
    if until is not None and now < until:
        return VisibilityStatus.TAKEN_DOWN
    start, end = served.build.visibility[row].tolist()
    if start == NEVER:
        return VisibilityStatus.UNPUBLISHED
    if now >= end:
        return VisibilityStatus.EXPIRED
    return VisibilityStatus.SCHEDULED if now < start else VisibilityStatus.VISIBLE


def visibility_masks(served: ServingView, now: int) -> Mapping[VisibilityStatus, NDArray[np.bool_]]:
    """Returns for each status which articles have it at a time.

    Every article has exactly one status.

    Args:
        served: A build with n articles and the editors' decisions.
        now: The time, in microseconds since 1970 UTC.

    Returns:
        For each status a bool array of shape (n,), indexed by row number.
    """
    start, end = served.build.visibility[:, 0], served.build.visibility[:, 1]
    taken_down = np.zeros(served.build.count, dtype=bool)
    taken_down[served.taken_down(now)] = True
    unpublished = (start == NEVER) & ~taken_down
    open_to_time = ~taken_down & ~unpublished
    expired = open_to_time & (now >= end)
    scheduled = open_to_time & ~expired & (now < start)
    return {
        VisibilityStatus.VISIBLE: open_to_time & ~expired & ~scheduled,
        VisibilityStatus.SCHEDULED: scheduled,
        VisibilityStatus.EXPIRED: expired,
        VisibilityStatus.UNPUBLISHED: unpublished,
        VisibilityStatus.TAKEN_DOWN: taken_down,
    }

"""Moments in microseconds since 1970, for tests that set the clock."""

from __future__ import annotations

import datetime as dt

SECOND = 1_000_000
NOON = 1_800_000_000 * SECOND


def moment(microseconds: int) -> str:
    """As a record gives it."""
    return dt.datetime.fromtimestamp(microseconds / SECOND, dt.UTC).isoformat()


class Clock:
    """Time that passes when a test says so."""

    now = NOON

    def __call__(self) -> int:
        return self.now

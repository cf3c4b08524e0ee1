"""What readers are served from: one build under one state of editors' decisions."""

from __future__ import annotations

import numpy as np

from index.build import Build
from index.state import NO_STATE, Override, State


class Served:
    """A build and a state, put together once so that a request looks nothing up twice.

    Args:
        build: The build.
        state: What editors decided; nothing by default.
    """

    def __init__(self, build: Build, state: State = NO_STATE) -> None:
        self.build = build
        self.state = state
        self._taken_down = {
            row: until
            for article_id, until in state.takedowns.items()
            if (row := build.row(article_id)) is not None
        }

    def is_visible(self, row: int, now: int) -> bool:
        """Whether a row may be shown at ``now`` (microseconds since 1970 UTC)."""
        until = self._taken_down.get(row)
        return (until is None or now >= until) and self.build.is_visible(row, now)

    def overrides(self, row: int, now: int) -> list[Override]:
        """The overrides of a row's list that hold at ``now``, pins by position, then hides."""
        if not self.state.overrides:
            return []
        found = self.state.overrides.get(self.build.article_id(row), ())
        return [override for override in found if now < override.until]

    def epoch(self, now: int) -> int:
        """How many instants at which anything may change lie at or before ``now``."""
        ended = int(np.searchsorted(self.state.instants, now, side="right"))
        return self.build.epoch(now) + ended

    def next_change(self, now: int) -> int | None:
        """The next instant at which anything may appear, disappear or move."""
        instants = self.state.instants
        place = int(np.searchsorted(instants, now, side="right"))
        coming = [int(instants[place])] if place < len(instants) else []
        change = self.build.next_change(now)
        return min(coming if change is None else [change, *coming], default=None)

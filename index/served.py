"""What readers are served from: one build under one state of editors' decisions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.build import Build
from index.ragged import Ragged
from index.state import NO_STATE, Override, State
from recommender.neighbors import NO_ROW
from recommender.visibility import ALWAYS, NEVER

_KEPT = 3
"""Showings held: the present, and what an editor previews meanwhile."""


class Showing(NamedTuple):
    """Who may be seen between two instants at which that changes; all rows at once.

    Attributes:
        since: The moment from which it holds, microseconds since 1970 UTC.
        until: The moment at which it ends.
        visible: By row: whether it may be shown.
        newest: By row: the newest visible version of its story, or -1.
    """

    since: int
    until: int
    visible: memoryview
    newest: memoryview


def newest_visible(
    visible: NDArray[np.bool_], stories: NDArray[np.int32], members: Ragged
) -> NDArray[np.int32]:
    """The newest visible version of each row's story, or -1; shape (n,).

    Args:
        visible: Shape (n,): which rows may be shown.
        stories: Shape (n,): which story each belongs to.
        members: Each story's rows, newest version first.
    """
    shown = members.values[visible[members.values]][::-1]
    newest = np.full(len(members), NO_ROW, dtype=np.int32)
    newest[stories[shown]] = shown  # of several the last is kept: the newest
    return newest[stories]


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
        self._showings: tuple[Showing, ...] = ()

    def showing(self, now: int) -> Showing:
        """Who may be seen at ``now``.

        Worked out for all rows together when first asked for (some 30 ms for a million), so that
        a request, which looks at dozens, takes each from a table.
        """
        for showing in self._showings:
            if showing.since <= now < showing.until:
                return showing
        showing = self._show(now)
        self._showings = (showing, *self._showings[: _KEPT - 1])
        return showing

    def _show(self, now: int) -> Showing:
        build = self.build
        visible = (build.visibility[:, 0] <= now) & (now < build.visibility[:, 1])
        visible[self.taken_down(now)] = False
        newest = newest_visible(visible, build.stories, build.members)
        since, until = self._span(now)
        return Showing(since, until, visible.data, newest.data)

    def _span(self, now: int) -> tuple[int, int]:
        since, until = ALWAYS, NEVER
        for instants in (self.build.epochs, self.state.instants):
            place = int(np.searchsorted(instants, now, side="right"))
            if place:
                since = max(since, int(instants[place - 1]))
            if place < len(instants):
                until = min(until, int(instants[place]))
        return since, until

    def taken_down(self, now: int) -> list[int]:
        """Rows that are taken down at ``now`` (microseconds since 1970 UTC)."""
        return [row for row, until in self._taken_down.items() if now < until]

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

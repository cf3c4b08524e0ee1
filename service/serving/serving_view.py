"""A build combined with the editors' decisions: which articles are visible, pinned or hidden.

Requests are answered from such a view. It is replaced when the build or a decision changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.shown_lists import newest_visible
from recommender.visibility import ALWAYS, NEVER
from service.decisions.decision_state import NO_STATE, DecisionState, Override, differing

_TABLES = 3
"""How many visibility tables are cached: for now, and for other times that editors preview."""


class VisibilityTable(NamedTuple):
    """Says for every article of a build whether readers may see it, in a time span without changes.

    Attributes:
        since: The start of the time span, microseconds since 1970 UTC.
        until: The end of the time span, microseconds since 1970 UTC.
        visible: For each row number, whether readers may see the article.
        newest: For each row number, the row number of the newest visible version of the article;
            -1 if no version is visible.
    """

    since: int
    until: int
    visible: memoryview
    newest: memoryview


class ServingView:
    """A build combined with the editors' decisions up to a moment, for answering requests.

    Args:
        build: The build, which holds the articles and their lists.
        state: The editors' decisions; none by default.
        before: A view of the same build with earlier decisions; if given, only the newer decisions
            are processed.
    """

    def __init__(
        self, build: Build, state: DecisionState = NO_STATE, before: ServingView | None = None
    ) -> None:
        self.build = build
        self.state = state
        self._tables: tuple[VisibilityTable, ...] = ()
        self._taken_rows: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        self._taken_until: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        decided: Iterable[str] | None = None
        if before is not None and before.build is build:
            decided = differing(state.takedowns, before.state.takedowns)
        if decided is None or before is None:
            decided = state.takedowns
        else:
            self._taken_rows, self._taken_until = before._taken_rows, before._taken_until
        rows = sorted({row for key in decided if (row := build.row(key)) is not None})
        self._take(np.array(rows, dtype=np.int32))
        same = before is not None and before._taken_rows is self._taken_rows
        self._earlier: tuple[VisibilityTable, ...] = ()
        """The visibility tables of ``before``, if no newer decision has changed them."""
        if before is not None and same:
            self._earlier = before._tables or before._earlier

    def showing(self, now: int) -> VisibilityTable:
        """Returns the table that says which articles readers may see at a time.

        The first call computes it for all articles (about 30 ms for a million). Requests, which
        look at dozens of articles, then only read the table.

        Args:
            now: The time, in microseconds since 1970 UTC.
        """
        for table in self._tables:
            if table.since <= now < table.until:
                return table
        table = self._make_table(now)
        self._tables = (table, *self._tables[: _TABLES - 1])
        return table

    def _take(self, rows: NDArray[np.int32]) -> None:
        """Notes for some articles whether they are taken down now, and until when.

        Args:
            rows: The row numbers of the articles about which editors decided, sorted.
        """
        if not len(rows):
            return
        takedowns, article_id = self.state.takedowns, self.build.article_id
        ends = [takedowns.get(article_id(row)) for row in rows.tolist()]
        others = ~np.isin(self._taken_rows, rows)
        taken = rows[[end is not None for end in ends]]
        until = np.array([end for end in ends if end is not None], dtype=np.int64)
        together = np.concatenate([self._taken_rows[others], taken])
        order = np.argsort(together)
        self._taken_until = np.concatenate([self._taken_until[others], until])[order]
        self._taken_rows = together[order]

    def _make_table(self, now: int) -> VisibilityTable:
        build = self.build
        for table in self._earlier:  # still valid, since no newer decision changed it
            if table.since <= now < table.until:
                return VisibilityTable(*self._span(now), table.visible, table.newest)
        visible = build.visible(now)
        visible[self.taken_down(now)] = False
        newest = newest_visible(visible, build.stories, build.members)
        since, until = self._span(now)
        return VisibilityTable(since, until, visible.data, newest.data)

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
        """Returns the row numbers of the articles that editors have taken down at a time.

        Args:
            now: The time, in microseconds since 1970 UTC.
        """
        rows: list[int] = self._taken_rows[now < self._taken_until].tolist()
        return rows

    def is_visible(self, row: int, now: int) -> bool:
        """Whether readers may see an article at a time.

        Args:
            row: The article's row number in the build.
            now: The time, in microseconds since 1970 UTC.
        """
        if not self.build.is_visible(row, now):
            return False
        place = int(np.searchsorted(self._taken_rows, row))
        taken = place < len(self._taken_rows) and self._taken_rows[place] == row
        return not (taken and now < self._taken_until[place])

    def overrides(self, row: int, now: int) -> list[Override]:
        """Returns an article's pins by position, then its hides, without those that have ended.

        Args:
            row: The row number of the article whose list they change.
            now: The time, in microseconds since 1970 UTC.
        """
        if not self.state.overrides:
            return []
        overrides = self.state.overrides.get(self.build.article_id(row), ())
        return [override for override in overrides if now < override.until]

    def epoch(self, now: int) -> int:
        """Returns a number that stays the same as long as no scheduled change takes effect.

        Scheduled changes are articles that appear or disappear, and decisions that end. The number
        counts those up to and including ``now``, so caches can use it as a part of their keys.

        Args:
            now: The time, in microseconds since 1970 UTC.
        """
        ended = int(np.searchsorted(self.state.instants, now, side="right"))
        return self.build.epoch(now) + ended

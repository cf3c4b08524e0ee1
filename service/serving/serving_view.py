"""A build combined with the editors' decisions: which articles are visible, pinned or hidden.

Requests are answered from such a view. It is replaced when the build or a decision changes.
"""

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.shown_lists import shown_versions
from recommender.visibility import ALWAYS, NEVER
from service.decisions.decision_state import NO_STATE, DecisionState, Override, OverrideKind
from service.serving.list_rules import NO_RULES, ListRules, RulesOfList


class VisibilityTable(NamedTuple):
    """Says for every article of a build whether readers may see it, in a time span without changes.

    Attributes:
        since: The start of the time span, microseconds since 1970 UTC.
        until: The end of the time span, microseconds since 1970 UTC.
        visible: For each row number, whether readers may see the article.
        listed: For each row number, whether lists may show it, too: no boost keeps it out of them.
        newest: For each row number, the row number of the newest visible version of the article;
            -1 if no version is visible.
        standing: For each row number, the row number of the version that lists show for the
            article: the article itself, unless a visible version is newer.
        rules: The pins and hides in force in the lists of many articles; ``None`` without any.
        seen_since: Since when the same articles are visible, microseconds since 1970 UTC.
        seen_until: Until when they are, if no newer decision changes it.
    """

    since: int
    until: int
    visible: memoryview
    listed: memoryview
    newest: memoryview
    standing: memoryview
    rules: ListRules | None
    seen_since: int
    seen_until: int


class ServingView:
    """A build combined with the editors' decisions up to a moment, for answering requests.

    Args:
        build: The build, which holds the articles and their lists.
        state: The editors' decisions; none by default.
        before: A view of the same build with earlier decisions; if given, only decisions that are
            newer are processed, which is faster.
    """

    def __init__(
        self, build: Build, state: DecisionState = NO_STATE, before: "ServingView | None" = None
    ) -> None:
        self.build = build
        self.state = state
        self._table: VisibilityTable | None = None
        self._tag_masks: dict[int, memoryview] = {}
        self._taken_rows: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        self._taken_until: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        decided: Iterable[str] = state.takedowns
        if before is not None and before.build is build:
            self._tag_masks = before._tag_masks
            changes = state.changes_since(before.state)
            if changes is not None:
                decided = changes.takedowns
                self._taken_rows, self._taken_until = before._taken_rows, before._taken_until
        rows = sorted({row for key in decided if (row := build.row(key)) is not None})
        self._take(np.array(rows, dtype=np.int32))
        same = before is not None and before._taken_rows is self._taken_rows
        self._earlier: VisibilityTable | None = (
            (before._table or before._earlier) if before is not None and same else None
        )
        """The visibility table of ``before``, if no newer decision has changed it."""

    def showing(self, now: int) -> VisibilityTable:
        """Returns the table that says which articles readers may see at a time.

        The first call computes it for all articles (about 30 ms for a million). Requests, which
        look at dozens of articles, then only read the table.

        Args:
            now: The time, in microseconds since 1970 UTC.
        """
        table = self._table
        if table is None or not table.since <= now < table.until:
            table = self._table = self._make_table(now)
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
        self._taken_rows = np.concatenate([self._taken_rows[others], taken])
        self._taken_until = np.concatenate([self._taken_until[others], until])

    def _make_table(self, now: int) -> VisibilityTable:
        build, earlier = self.build, self._table or self._earlier
        since, until = _span(now, build.epochs, self.state.instants)
        every = self.state.rules
        rules = ListRules(build, every, now, self._tag_masks) if every else None
        if earlier is not None and earlier.seen_since <= now < earlier.seen_until:
            return earlier._replace(since=since, until=until, rules=rules)
        visible = build.visible(now)
        visible[self.taken_down(now)] = False
        listed, newest, standing = shown_versions(build, visible)
        views = (visible.data, listed.data, newest.data, standing.data)
        seen = _span(now, build.epochs, np.sort(self._taken_until))
        return VisibilityTable(since, until, *views, rules, *seen)

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
        return bool(self.showing(now).visible[row])

    def overrides(self, row: int, now: int) -> list[Override]:
        """Returns the pins and hides in force in one article's list: pins by position, then hides.

        Rules, which pin or hide in the lists of many articles, are left out.

        Args:
            row: The row number of the article that the list belongs to.
            now: The time, in microseconds since 1970 UTC.
        """
        if not self.state.overrides:
            return []
        overrides = self.state.overrides.get(self.build.article_id(row), ())
        return [override for override in overrides if override.holds(now)]

    def rules(self, tags: Callable[[], Iterable[int]], now: int) -> RulesOfList:
        """Returns what rules (decisions about the lists of many articles) pin and hide in a list.

        Args:
            tags: A function that returns the tags of the article or draft, by their numbers in the
                build.
            now: The time, in microseconds since 1970 UTC.
        """
        rules = self.showing(now).rules
        return NO_RULES if rules is None else rules.of(tags())

    def rules_of(self, row: int, now: int) -> RulesOfList:
        """Returns what rules (decisions about the lists of many articles) pin and hide in a list.

        Args:
            row: The row number of the article that the list belongs to.
            now: The time, in microseconds since 1970 UTC.
        """
        return self.rules(lambda: self.build.tags.numbers(row), now)

    def hidden_here(self, row: int, now: int) -> set[int]:
        """Returns the stories that editors hid in the list of just this article, not by a rule.

        Args:
            row: The row number of the article that the list belongs to.
            now: The time, in microseconds since 1970 UTC.

        Returns:
            The numbers of the stories in the build; a story is all versions of an article.
        """
        hides = (each for each in self.overrides(row, now) if each.kind is OverrideKind.HIDE)
        rows = (self.build.row(hide.target_id) for hide in hides)
        return {self.build.story_of[hidden] for hidden in rows if hidden is not None}

    def epoch(self, now: int) -> int:
        """Returns a number that stays the same as long as no scheduled change takes effect.

        Scheduled changes are articles that appear or disappear, and decisions that begin or end.
        The number counts those up to and including ``now``, so caches can use it as a part of their
        keys.

        Args:
            now: The time, in microseconds since 1970 UTC.
        """
        turned = int(np.searchsorted(self.state.instants, now, side="right"))
        return self.build.epoch(now) + turned


def _span(now: int, *turns: NDArray[np.int64]) -> tuple[int, int]:
    """Returns the span around a time in which none of some sorted instants lies."""
    since, until = ALWAYS, NEVER
    for instants in turns:
        place = int(np.searchsorted(instants, now, side="right"))
        if place:
            since = max(since, int(instants[place - 1]))
        if place < len(instants):
            until = min(until, int(instants[place]))
    return since, until


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
    """Returns for each visibility status which articles have it at a time.

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

"""The golden set: links that editors called good or bad, and how far a build's lists follow it.

Measured without pins and hides, because the question is what a build does by itself. A pair's
verdict is the sum of all judgments of it; a pin counts as a good one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from index.build.build import Build
from index.query import RelatedQuery
from service.decisions.database import Database
from service.decisions.decision_state import DecisionState, Override, OverrideKind
from service.decisions.judgments import Judgment
from service.serving.selection import select
from service.serving.serving_view import ServingView

Pair = tuple[str, str]
"""An article, and one that may be in its list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenSet:
    """Pairs that editors judged.

    Attributes:
        good: Good links.
        bad: Bad links.
    """

    good: frozenset[Pair]
    bad: frozenset[Pair]


NO_GOLDEN = GoldenSet(good=frozenset(), bad=frozenset())
"""No judgments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far a build's lists follow a golden set.

    Attributes:
        good: Number of good pairs whose articles are visible.
        good_shown: How many of those are shown.
        bad: Number of bad pairs whose articles are visible.
        bad_shown: How many of those are shown nevertheless.
        missed: The good pairs that are not shown, in order.
        wrong: The bad pairs that are shown, in order.
        pairs: All of these pairs.
    """

    good: int
    good_shown: int
    bad: int
    bad_shown: int
    missed: tuple[Pair, ...]
    wrong: tuple[Pair, ...]
    pairs: frozenset[Pair]

    @property
    def share(self) -> float:
        """The share of pairs that are as they should be; 1 where nothing was judged."""
        count = self.good + self.bad
        right = self.good_shown + self.bad - self.bad_shown
        return right / count if count else 1.0

    def failed(self, pairs: frozenset[Pair]) -> int:
        """How many of these pairs are not as they should be."""
        return len(pairs.intersection([*self.missed, *self.wrong]))


def read_golden(database: Database, *, now: int) -> GoldenSet:
    """The golden set of a database, as of ``now`` (microseconds since 1970 UTC).

    Raises:
        DatabaseError: If it can't be read.
    """
    state = database.state()
    pins = [
        override
        for some in state.overrides.values()
        for override in some
        if override.kind is OverrideKind.PIN and now < override.until
    ]
    return weigh(database.judgments.all(), pins)


def weigh(judgments: Iterable[Judgment], pins: Iterable[Override]) -> GoldenSet:
    """Sum up all judgments of each pair; where they cancel out, the pair is left out."""
    sums: defaultdict[Pair, int] = defaultdict(int)
    for judgment in judgments:
        sums[judgment.article_id, judgment.target_id] += judgment.verdict
    for pin in pins:
        sums[pin.article_id, pin.target_id] += 1
    return GoldenSet(
        good=frozenset(pair for pair, verdict in sums.items() if verdict > 0),
        bad=frozenset(pair for pair, verdict in sums.items() if verdict < 0),
    )


def measure_agreement(
    build: Build, state: DecisionState, golden: GoldenSet, query: RelatedQuery, *, now: int
) -> Agreement:
    """Compare a build's lists, as ``query`` asks for them, with a golden set.

    A target counts as shown if any version of its story is.

    Args:
        build: The build.
        state: Its takedowns count; its pins and hides do not.
        golden: The pairs.
        query: What a request asks for by default.
        now: Microseconds since 1970 UTC.
    """
    served = ServingView(build, DecisionState(takedowns=state.takedowns))
    shown: dict[int, set[int]] = {}

    def is_shown(pair: Pair) -> bool | None:
        row, target = build.row(pair[0]), build.row(pair[1])
        if row is None or target is None:
            return None
        if not served.is_visible(row, now) or not served.is_visible(target, now):
            return None
        if row not in shown:
            chosen = select(served, row, now=now, query=query)
            shown[row] = {int(build.stories[item.row]) for item in chosen}
        return int(build.stories[target]) in shown[row]

    good = {pair: found for pair in sorted(golden.good) if (found := is_shown(pair)) is not None}
    bad = {pair: found for pair in sorted(golden.bad) if (found := is_shown(pair)) is not None}
    return Agreement(
        good=len(good),
        good_shown=sum(good.values()),
        bad=len(bad),
        bad_shown=sum(bad.values()),
        missed=tuple(pair for pair, found in good.items() if not found),
        wrong=tuple(pair for pair, found in bad.items() if found),
        pairs=frozenset([*good, *bad]),
    )

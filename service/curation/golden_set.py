"""The links that editors judged good or bad, and how far a build's lists agree with them.

Together these links are called the golden set. Agreement is measured without pins and hides, and
as if pages had no links, to rate the ranking of the build itself. If several editors judged a link,
the majority counts; a pin counts as a good judgment.
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
"""A link: the id of an article, and the id of a target that the article's list may show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenSet:
    """The links that editors judged, each as a pair: id of an article, id of the linked article.

    Attributes:
        good: The pairs in which the first article's list should show the second.
        bad: The pairs in which the first article's list should not show the second.
    """

    good: frozenset[Pair]
    bad: frozenset[Pair]


NO_GOLDEN = GoldenSet(good=frozenset(), bad=frozenset())
"""The golden set of a site whose editors have not judged any link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far a build's lists agree with the links that editors judged.

    A pair is a judged link: the id of an article and the id of a target in the article's list.

    Attributes:
        good: The number of good pairs whose articles are both visible.
        good_shown: How many good pairs are shown.
        bad: The number of bad pairs whose articles are both visible.
        bad_shown: How many bad pairs are shown nevertheless.
        missed: The good pairs that are not shown, sorted.
        wrong: The bad pairs that are shown, sorted.
        pairs: All good and bad pairs whose articles are both visible.
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
        """The share of the judged links that the lists get right, in [0, 1]; 1 without any."""
        count = self.good + self.bad
        right = self.good_shown + self.bad - self.bad_shown
        return right / count if count else 1.0

    def failed(self, pairs: frozenset[Pair]) -> int:
        """Returns how many of some judged links the lists get wrong.

        These are good links that are missing and bad links that are shown.

        Args:
            pairs: The links, each as article id and target id.
        """
        return len(pairs.intersection([*self.missed, *self.wrong]))


def read_golden(database: Database, *, now: int) -> GoldenSet:
    """Reads the links that editors judged or pinned from the database.

    Args:
        database: The database of decisions.
        now: The current time, in microseconds since 1970 UTC; pins that have ended don't count.

    Raises:
        DatabaseError: If the database can't be read.
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
    """Decides for each link whether it is good or bad, by all judgments and pins of editors.

    Each judgment counts 1 or -1, each pin 1. A link with a positive sum is good, one with a
    negative sum bad; links with the sum 0 are left out.
    """
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
    """Measures how far a build's lists of related articles agree with editors' judgments.

    A target counts as shown if the list shows any version of it.

    Args:
        build: The build to rate.
        state: The decisions; only the takedowns among them are applied, not the pins and hides.
        golden: The judged links.
        query: What the site asks for by default; the pages' own links are ignored.
        now: The current time, in microseconds since 1970 UTC.
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
            chosen = select(served, row, now=now, query=query.by_ranking())
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

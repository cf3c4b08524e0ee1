"""The links that editors judged good or bad, and how far a build's lists agree with them.

Together these links are called the golden set. Agreement is measured without pins and hides, and
as if pages had no links, to rate the ranking of the build itself. If several editors judged a link,
the majority counts; a pin counts as a good judgment.

A gate refuses builds that agree too little. The setting ``min_golden`` is the lowest share of
judged links that the build must get right. ``max_golden_drop`` is how much lower this share may be
than in the published build; since a new judgment changes both shares, it blocks no build by itself.
The gate needs lists as readers get them, and the database of decisions, which the package ``index``
never opens. So it is passed as a function to the code that makes or publishes a build.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from index.build.build import Build
from index.errors import BuildError, DatabaseError
from index.publishing.gates import Gate, GoldenGate, Limits, Verdict
from index.query import RelatedQuery
from index.root.root import Root
from recommender.errors import NotFoundError
from recommender.relevance_judgments import read_qrels
from recommender.visibility import utc_now
from service.decisions.database import Database
from service.decisions.decision_state import NO_STATE, DecisionState, Override, OverrideKind
from service.decisions.judgments import Judgment
from service.decisions.list_scope import is_rule
from service.decisions.open_decisions import nothing_decided, open_decisions
from service.serving.selection import select
from service.serving.serving_view import ServingView
from service.settings import Settings

Pair = tuple[str, str]
"""A link: the id of an article, and the id of a target that the article's list may show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenSet:
    """The links that editors judged, each as a pair: id of an article, id of the linked article.

    Attributes:
        good: The pairs in which the first article's list should show the second.
        bad: The pairs in which the first article's list should not show the second.
    """

    good: frozenset[Pair] = frozenset()
    bad: frozenset[Pair] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far a build's lists agree with the links that editors judged.

    A pair is a judged link: the id of an article and the id of a target in the article's list.

    Attributes:
        good: The number of links judged good whose articles are both visible.
        good_shown: How many of these good links the lists show.
        bad: The number of links judged bad whose articles are both visible.
        bad_shown: How many of these bad links the lists show nevertheless.
        missed: The good pairs that the lists don't show, sorted.
        wrong: The bad pairs that the lists show, sorted.
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
        """The share of judged links that the lists get right, in [0, 1]; 1 if none is judged."""
        count = self.good + self.bad
        right = self.good_shown + self.bad - self.bad_shown
        return right / count if count else 1.0

    def failed(self, pairs: frozenset[Pair]) -> int:
        """Returns how many of some judged links the lists get wrong.

        Wrong are good links that no list shows and bad links that a list shows.
        """
        return len(pairs.intersection([*self.missed, *self.wrong]))


def read_golden(database: Database, *, now: int) -> GoldenSet:
    """Reads the links that editors judged or pinned from the database.

    Args:
        database: The database of decisions.
        now: The current time, in microseconds since 1970 UTC. Pins that have ended or not begun
            by then don't count, nor do pins by rules.

    Raises:
        DatabaseError: If the database can't be read.
    """
    pins = [
        override
        for override in database.state().in_force(now)
        if override.kind is OverrideKind.PIN and not is_rule(override.article_id)
    ]
    return weigh(database.judgments.all(), pins)


def read_judgments(settings: Settings) -> dict[tuple[str, str], int]:
    """Reads all judged links that weights are learned from: those in a file, and the editors'.

    Args:
        settings: The effective settings; ``learn`` may name the file.

    Returns:
        The grade of each pair of article id and target id; 0 means that they are not related.

    Raises:
        InputError: If the file that the setting ``learn`` names can't be read.
        DatabaseError: If the editors' judgments can't be read.
    """
    found: dict[tuple[str, str], int] = {}
    if settings.learn not in ("auto", "off"):
        for seed, grades in read_qrels(Path(settings.learn)).items():
            found |= {(seed, target): grade for target, grade in grades.items()}
    if not nothing_decided(settings):
        with closing(open_decisions(settings)) as database:
            golden = read_golden(database, now=utc_now())
        found |= dict.fromkeys(golden.good, 1) | dict.fromkeys(golden.bad, 0)
    return found


def weigh(judgments: Iterable[Judgment], pins: Iterable[Override]) -> GoldenSet:
    """Decides for each link whether it is good or bad, by all judgments and pins of editors.

    Each judgment counts 1 or -1, each pin 1. A link with a positive sum is good, one with a
    negative sum bad; links with the sum 0 are left out.

    Args:
        judgments: Editors' ratings of links as good or bad.
        pins: Editors' pins in single lists.
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


def limits_of(settings: Settings, *, accept_change: bool = False) -> Limits:
    """Returns the limits that a build must keep to be published, as the settings say.

    Args:
        settings: The effective settings.
        accept_change: Whether a build may have another model or way to prepare texts than before.
    """
    return replace(settings.limits, golden=golden_gate(settings), accept_change=accept_change)


def golden_gate(settings: Settings) -> GoldenGate | None:
    """Returns the function that decides whether a build agrees with editors' judgments well enough.

    Returns ``None`` if the settings ``min_golden`` and ``max_golden_drop`` are both off.
    """
    demanded = settings.min_golden or settings.max_golden_drop is not None
    return partial(_judge, settings) if demanded else None


def agreements_of(builds: Sequence[Build], settings: Settings) -> list[Agreement]:
    """Measures for each build how far its lists agree with all judgments and pins of editors.

    The lists are those that a request without parameters gets.

    Args:
        builds: The builds to rate.
        settings: The effective settings, which name the database of decisions.

    Raises:
        DatabaseError: If the judgments can't be read.
    """
    moment = utc_now()
    query = settings.query
    state, golden = NO_STATE, GoldenSet()
    if not nothing_decided(settings):
        with closing(open_decisions(settings, upgrade=False)) as database:
            state, golden = database.state(), read_golden(database, now=moment)
    return [measure_agreement(build, state, golden, query, now=moment) for build in builds]


def _judge(settings: Settings, build: Build) -> Verdict:
    try:
        root, compares = Root(settings.root), settings.max_golden_drop is not None
        live = root.open_live() if compares and root.live != build.name else None
        found, *before = agreements_of([build] if live is None else [build, live], settings)
    except (DatabaseError, BuildError, NotFoundError) as error:
        # Refuse the build if the judgments or the published build can't be read.
        return Verdict(
            gate=Gate.GOLDEN,
            value=0.0,
            limit=settings.min_golden,
            passed=False,
            message=f"editors' judgments can't be read: {error}"
            if isinstance(error, DatabaseError)
            else f"the live build can't be read for a comparison: {error}",
        )
    verdicts = [_judge_drop(found, live, settings.max_golden_drop or 0.0) for live in before]
    if settings.min_golden or not before:
        verdicts.insert(0, _judge_share(found, settings.min_golden))
    first = min(verdicts, key=lambda verdict: verdict.passed)
    return replace(first, message="; ".join(verdict.message for verdict in verdicts))


def _judge_share(found: Agreement, least: float) -> Verdict:
    message = (
        f"{found.share:.1%} of the {len(found.pairs)} links that editors judged or pinned are as "
        f"they want them; at least {least:.1%} are required"
        if found.pairs
        else "editors have not judged or pinned any link between visible articles"
    )
    return Verdict(
        gate=Gate.GOLDEN,
        value=found.share,
        limit=least,
        passed=found.share >= least,
        message=message,
    )


def _judge_drop(found: Agreement, live: Agreement, most: float) -> Verdict:
    """Checks that a build agrees with editors' judgments nearly as well as the published build.

    Only judgments of links that both builds could show count, not those of articles that were
    added or removed.

    Args:
        found: How far the build agrees with the judgments.
        live: How far the published build agrees with them.
        most: How much lower the build's share of right links may be, in [0, 1].
    """
    pairs = found.pairs & live.pairs
    failed, before = found.failed(pairs), live.failed(pairs)
    share, live_share = (1 - count / max(len(pairs), 1) for count in (failed, before))
    return Verdict(
        gate=Gate.GOLDEN,
        value=share,
        limit=max(0.0, live_share - most),
        passed=failed - before <= most * len(pairs) + 1e-9,  # whole counts have no rounding error
        message=f"of the {len(pairs)} judged or pinned links that both builds could show, "
        f"{share:.1%} are as editors want them, in the live build {live_share:.1%}; a drop of at "
        f"most {most:.1%} is allowed"
        if pairs
        else "editors have not judged or pinned any link that both builds could show",
    )

"""A check before a build is published: its lists must agree with editors' judgments of links.

An editor judges a link from one article to another as good or bad. Pins and hides are left out of
the lists that are checked. The setting ``min_golden`` is the lowest share of judged links that the
build must get right. ``max_golden_drop`` is how much lower this share may be than in the published
build; since a new judgment changes both shares, it blocks no build by itself.

The check needs lists as readers get them, and the database of decisions, which the package
``index`` never opens. So the check is passed as a function to the code that makes or publishes a
build; without these settings no function is passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

from index.build.build import Build
from index.errors import BuildError, DatabaseError
from index.publishing.gates import Gate, GoldenGate, Verdict
from index.root.root import Root
from recommender.errors import NotFoundError
from recommender.visibility import utc_now
from service.curation.golden_set import NO_GOLDEN, Agreement, measure_agreement, read_golden
from service.decisions.decision_state import NO_STATE
from service.decisions.open_decisions import nothing_decided, open_decisions
from service.settings import Settings


def golden_gate(settings: Settings) -> GoldenGate | None:
    """Returns the function that decides whether a build agrees with editors' judgments well enough.

    Returns ``None`` if the settings ``min_golden`` and ``max_golden_drop`` are both off.
    """
    demanded = settings.min_golden or settings.max_golden_drop is not None
    return partial(_judge, settings) if demanded else None


def agreement_of(build: Build, settings: Settings) -> Agreement:
    """Measures how far a build's lists of related articles agree with editors' judgments.

    The lists are those that a request without parameters gets.

    Raises:
        DatabaseError: If the judgments can't be read.
    """
    return _measure([build], settings)[0]


def _measure(builds: Sequence[Build], settings: Settings) -> list[Agreement]:
    """Measures for each build how far its lists agree with all judgments and pins of editors."""
    moment = utc_now()
    query = settings.query
    state, golden = NO_STATE, NO_GOLDEN
    if not nothing_decided(settings):
        with closing(open_decisions(settings)) as database:
            state, golden = database.state(), read_golden(database, now=moment)
    return [measure_agreement(build, state, golden, query, now=moment) for build in builds]


def _judge(settings: Settings, build: Build) -> Verdict:
    try:
        live = None if settings.max_golden_drop is None else _live(Root(settings.root), build)
        found, *before = _measure([build] if live is None else [build, live], settings)
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


def _live(root: Root, build: Build) -> Build | None:
    """Opens and returns the published build.

    Returns ``None`` if no build is published, or if ``build`` is the published one.
    """
    pointer = root.current()
    if pointer is None or pointer.build == build.name:
        return None
    return root.open(pointer.build)


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

"""The gate *golden*: a build's lists must follow editors' judgments by themselves.

Either as often as ``min_golden`` demands, or nearly as often as the live build, by
``max_golden_drop``: then a new judgment, which moves the figures of both, holds no build back.

It needs the lists as readers get them and the database of decisions, which ``index`` never opens.
So it is passed as a function to whoever makes or publishes a build, and left out where the
settings demand nothing.
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
    """The gate that a site's settings demand; ``None`` if they demand none."""
    demanded = settings.min_golden or settings.max_golden_drop is not None
    return partial(_judge, settings) if demanded else None


def agreement_of(build: Build, settings: Settings) -> Agreement:
    """How far a build's lists, as readers get them by default, follow editors' judgments.

    Raises:
        DatabaseError: If the judgments can't be read.
    """
    return _measure([build], settings)[0]


def _measure(builds: Sequence[Build], settings: Settings) -> list[Agreement]:
    """The agreement of several builds with what editors have said by now."""
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
        # Fails closed, as with a live build that can't be compared.
        return Verdict(
            gate=Gate.GOLDEN,
            value=0.0,
            limit=settings.min_golden,
            passed=False,
            message=f"what editors said can't be read: {error}"
            if isinstance(error, DatabaseError)
            else f"there is no live build to compare with: {error}",
        )
    verdicts = [_judge_drop(found, live, settings.max_golden_drop or 0.0) for live in before]
    if settings.min_golden or not before:
        verdicts.insert(0, _judge_share(found, settings.min_golden))
    first = min(verdicts, key=lambda verdict: verdict.passed)
    return replace(first, message="; ".join(verdict.message for verdict in verdicts))


def _live(root: Root, build: Build) -> Build | None:
    """The live build, unless it is this one or there is none."""
    pointer = root.current()
    if pointer is None or pointer.build == build.name:
        return None
    return root.open(pointer.build)


def _judge_share(found: Agreement, least: float) -> Verdict:
    message = (
        f"{found.share:.1%} of {len(found.pairs)} links that editors judged or pinned are as they "
        f"want them, at least {least:.1%} are asked for"
        if found.pairs
        else "editors judged or pinned no link of articles that readers may see"
    )
    return Verdict(
        gate=Gate.GOLDEN,
        value=found.share,
        limit=least,
        passed=found.share >= least,
        message=message,
    )


def _judge_drop(found: Agreement, live: Agreement, most: float) -> Verdict:
    """Compare a build with the live one, by the pairs that both could show.

    Judgments of articles that were added or removed don't count.
    """
    pairs = found.pairs & live.pairs
    failed, before = found.failed(pairs), live.failed(pairs)
    share, live_share = (1 - count / max(len(pairs), 1) for count in (failed, before))
    return Verdict(
        gate=Gate.GOLDEN,
        value=share,
        limit=max(0.0, live_share - most),
        passed=failed - before <= most * len(pairs) + 1e-9,  # counted: shares would be rounded
        message=f"of {len(pairs)} judged or pinned links that both builds could show, {share:.1%} "
        f"are as editors want them, in the live build {live_share:.1%}; at most {most:.1%} may be "
        "lost"
        if pairs
        else "editors judged or pinned no link that both this and the live build could show",
    )

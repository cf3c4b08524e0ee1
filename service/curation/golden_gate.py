"""The gate *golden*: a build must do by itself what editors said of links.

Either as often as ``min_golden`` demands, or nearly as often as the live build does, by
``max_golden_drop``: then a new judgment, which moves the figures of both, holds nothing back.

It asks for more than two snapshots can tell, the lists as readers get them and the database of
decisions, so it is handed to whoever makes or publishes a build, and left out where the settings
demand nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

from index.build.build import Build
from index.errors import BuildError, DatabaseError
from index.publishing.gates import Gate, GoldenGate, Verdict
from index.publishing.publish import publish_build
from index.root.root import Root
from recommender.errors import NotFoundError
from service.curation.golden_set import NO_GOLDEN, Agreement, measure_agreement, read_golden
from service.decisions.decision_state import NO_STATE
from service.decisions.open_decisions import nothing_decided, open_decisions
from service.settings import Settings


def golden_gate(settings: Settings) -> GoldenGate | None:
    """The gate as a site's settings ask for it; ``None`` if they demand nothing."""
    asked = settings.min_golden or settings.max_golden_drop is not None
    return partial(_judge, settings) if asked else None


def publish_as_set(
    root: Root,
    name: str,
    settings: Settings,
    *,
    accept_change: bool = False,
    force: bool = False,
    reason: str = "",
) -> list[Verdict]:
    """Publish by the gates as a site's settings have them; see :func:`.publish_build`."""
    return publish_build(
        root,
        name,
        settings.limits,
        golden=golden_gate(settings),
        accept_change=accept_change,
        force=force,
        reason=reason,
    )


def agreement_of(build: Build, settings: Settings) -> Agreement:
    """How far a build's lists, as readers get them by default, are what editors want.

    Raises:
        DatabaseError: If what they said can't be read.
    """
    return _measure([build], settings)[0]


def _measure(builds: Sequence[Build], settings: Settings) -> list[Agreement]:
    """The agreement of several builds with what editors have said by now."""
    moment = time.time_ns() // 1000
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
        # What can't be read may have been broken: as with a live build that can't be compared.
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
    return Build(root.folder(), manifest_sha256=pointer.manifest_sha256)


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
    """Hold a build to the live one, by the pairs that either could show.

    An article that left, or came, takes the words about it along.
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

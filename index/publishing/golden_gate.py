"""The gate *golden*: a build must do by itself what editors said of links.

It asks for more than two snapshots can tell, the lists as readers get them and the database of
decisions, so it is handed to whoever makes or publishes a build, and left out where the setting
``min_golden`` demands nothing.
"""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial

from index.build import Build
from index.decisions import nothing_decided, open_decisions
from index.editing.golden import NO_GOLDEN, Agreement, measure_agreement, read_golden
from index.publishing.gates import Gate, GoldenGate, Verdict
from index.selection import Wish
from index.settings import Settings
from index.state import NO_STATE
from recommender.errors import DatabaseError


def golden_gate(settings: Settings) -> GoldenGate | None:
    """The gate as a site's settings ask for it; ``None`` if they demand nothing."""
    return partial(_judge, settings) if settings.min_golden else None


def agreement_of(build: Build, settings: Settings) -> Agreement:
    """How far a build's lists, as readers get them by default, are what editors want.

    Raises:
        DatabaseError: If what they said can't be read.
    """
    moment = time.time_ns() // 1000
    wish = Wish(limit=settings.limit, min_score=settings.min_score, fallback=settings.fallback)
    if nothing_decided(settings):
        return measure_agreement(build, NO_STATE, NO_GOLDEN, wish, now=moment)
    with closing(open_decisions(settings)) as database:
        golden = read_golden(database, now=moment)
        return measure_agreement(build, database.state(), golden, wish, now=moment)


def _judge(settings: Settings, build: Build) -> Verdict:
    least = settings.min_golden
    try:
        found = agreement_of(build, settings)
    except DatabaseError as error:
        # What can't be read may have been broken: as with a live build that can't be compared.
        share, message = 0.0, f"what editors said can't be read: {error}"
    else:
        share = found.share
        count = found.good + found.bad
        message = (
            f"{share:.1%} of {count} links that editors judged or pinned are as they want them, "
            f"at least {least:.1%} are asked for"
            if count
            else "editors judged or pinned no link of articles that readers may see"
        )
    return Verdict(
        gate=Gate.GOLDEN, value=share, limit=least, passed=share >= least, message=message
    )

"""Gates: what a build must pass before readers see it, each with an exit code of its own.

=======  =============  ==========================================================================
code     gate           refuses a build when
=======  =============  ==========================================================================
10       articles       it has fewer articles, or fewer visible ones, than the live build
11       lists          too many lists that readers see show other articles than the live build's
12       weak           too many visible articles have no good link
13       hub            one article is in too many shown lists
14       recall         its index misses too many true neighbors
15       encoder        the model or the text recipe changed (``--accept-change``)
17       comparison     the live build can't be read, so there is nothing to compare with
18       golden         its lists are too seldom what editors said of links, or more seldom than the
                        live build's, if that is demanded
=======  =============  ==========================================================================

A root's first build is only held to recall (:func:`index.publishing.publish.publish_build`).
Code 16 is no gate of a build's: a rollback holds publishing (:meth:`index.root.root.Root.release`).
The gate *golden* asks the editors' database: ``service.curation.golden_gate``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from index.build.build import Build
from index.build.manifest import Manifest
from index.build.shown_lists import count_inbound, list_heads
from index.publishing.churn import Churn
from index.query import DEFAULT_LIMIT, RelatedQuery
from recommender.parameters import SHOWN

FEW = 20
"""Below this many articles a share of them holds nothing back: one is too large a part."""

_NATURAL_HUB = 25.0
"""In a neighbor graph some article has many times an even share of links without any fault."""


class Gate(enum.IntEnum):
    """The gates, by the exit code of a refusal."""

    ARTICLES = 10
    LISTS = 11
    WEAK = 12
    HUB = 13
    RECALL = 14
    ENCODER = 15
    COMPARISON = 17
    GOLDEN = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of the gates.

    Attributes:
        max_loss: Largest share of the live build's articles that may be missing.
        max_churn: Largest share of lists that may show other articles than before.
        max_weak: Largest share of visible articles that may have no good link.
        good_score: What the best related article must score to be a good link: as much as
            readers are shown.
        max_hub: Largest share of shown lists that one article may be in. On a small site an
            even spread comes near it, so 25 times an even share is always let through.
        min_recall: Least share of true neighbors that the index must find.
        limit: How many places of a list readers see.
    """

    max_loss: float = 0.1
    max_churn: float = 0.5
    max_weak: float = 0.2
    good_score: float = 0.05
    max_hub: float = 0.1
    min_recall: float = 0.98
    limit: int = DEFAULT_LIMIT

    @property
    def query(self) -> RelatedQuery:
        """The query by which lists are compared."""
        return RelatedQuery(limit=self.limit, min_score=self.good_score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one gate measured.

    Attributes:
        gate: Which.
        value: What was measured.
        limit: What is let through, at most (for recall and golden: at least).
        passed: Whether it is let through.
        message: Both as a sentence.
    """

    gate: Gate
    value: float
    limit: float
    passed: bool
    message: str


GoldenGate = Callable[[Build], Verdict]
"""Measures an open build by what editors said."""


def judge(
    new: Build,
    live: Build | None,
    churn: Churn | None,
    limits: Limits,
    *,
    accept_change: bool,
    now: int,
) -> list[Verdict]:
    """Measure a build at every gate.

    Args:
        new: The build.
        live: The live one; ``None`` if there is none, when only the build itself is judged.
        churn: What :func:`index.publishing.churn.compare` found between the two.
        limits: What is let through.
        accept_change: Let another encoder or recipe through, and the churn it brings.
        now: The moment at which they are looked at, microseconds since 1970 UTC.
    """
    verdicts = [*_judge_alone(new, limits, now)]
    if live is None or churn is None:
        return verdicts
    old, made = live.manifest, new.manifest
    changed = old.encoder != made.encoder or old.recipe != made.recipe
    return [
        Verdict(
            gate=Gate.ENCODER,
            value=float(changed),
            limit=0.0,
            passed=accept_change or not changed,
            message=_encoder_message(made, old, changed=changed),
        ),
        _judge_loss(new, live, limits, now),
        Verdict(
            gate=Gate.LISTS,
            value=churn.changed,
            limit=limits.max_churn,
            passed=churn.changed <= limits.max_churn
            or (changed and accept_change)
            or len(churn.rows) < FEW,
            message=f"{churn.changed:.0%} of {len(churn.rows)} lists show other articles than "
            f"the live build's, at most {limits.max_churn:.0%} may",
        ),
        *verdicts,
    ]


def _judge_loss(new: Build, live: Build, limits: Limits, now: int) -> Verdict:
    """Whether too many articles were deleted or hidden; expired ones are gone from both builds."""
    before, after = int(live.visible(now).sum()), int(new.visible(now).sum())
    kind = "visible articles"
    if new.count * before <= after * live.count or not before:
        before, after, kind = live.count, new.count, "articles"
    loss = max(0.0, 1.0 - after / before)
    return Verdict(
        gate=Gate.ARTICLES,
        value=loss,
        limit=limits.max_loss,
        passed=loss <= limits.max_loss or before < FEW,
        message=f"{after} {kind} against {before} in the live build, a loss of {loss:.0%}, "
        f"at most {limits.max_loss:.0%} may go",
    )


def _judge_alone(new: Build, limits: Limits, now: int) -> list[Verdict]:
    visible = new.visible(now)
    count = int(visible.sum())
    heads, best = list_heads(new, visible)
    weak = float((best[visible] < limits.good_score).mean()) if count else 1.0
    inbound = count_inbound(heads, visible)
    hub = int(np.argmax(inbound))
    share = float(inbound[hub] / count) if count else 0.0
    recall = new.manifest.index.recall
    max_hub = max(limits.max_hub, min(1.0, _NATURAL_HUB * SHOWN / max(count, 1)))
    return [
        Verdict(
            gate=Gate.WEAK,
            value=weak,
            limit=limits.max_weak,
            passed=weak <= limits.max_weak or count < FEW,
            message=f"{weak:.0%} of {count} visible articles have no related article that scores "
            f"{limits.good_score:g} or more, at most {limits.max_weak:.0%} may",
        ),
        Verdict(
            gate=Gate.HUB,
            value=share,
            limit=max_hub,
            passed=share <= max_hub or count < FEW,
            message=f"{new.article_id(hub)} is in {share:.0%} of the shown lists, at most "
            f"{max_hub:.0%} may hold the same article",
        ),
        Verdict(
            gate=Gate.RECALL,
            value=recall,
            limit=limits.min_recall,
            passed=recall >= limits.min_recall,
            message=f"the index finds {recall:.1%} of the true neighbors, at least "
            f"{limits.min_recall:.1%} are asked for",
        ),
    ]


def _encoder_message(new: Manifest, live: Manifest, *, changed: bool) -> str:
    if not changed:
        return "model and text recipe are those of the live build"
    if live.recipe != new.recipe:
        return f"the text recipe changed from {live.recipe} to {new.recipe}"
    old, made = live.encoder.model_dump(), new.encoder.model_dump()
    parts = ", ".join(
        f"{key} {old[key]!r:.20} → {made[key]!r:.20}" for key in made if old[key] != made[key]
    )
    return f"the encoder changed: {parts}"

"""Gates: the checks that a build must pass before it is published, each with its own exit code.

=======  =============  ==========================================================================
code     gate           refuses a build when
=======  =============  ==========================================================================
10       articles       it has fewer articles, or fewer visible ones, than the live build, or most
                        of that build's articles are not in it, as if their ids had changed
11       lists          too many lists show readers other articles than those of the live build
12       weak           too many visible articles have no good related article, unlike those of the
                        live build
13       hub            one article is in too many shown lists, unlike those of the live build
14       recall         its index misses too many true neighbors
15       encoder        the model or the text preparation changed (``--accept-change``)
17       comparison     the live build can't be read, so the new one can't be compared with it
18       golden         its lists agree too seldom with editors' judgments of links or, if the
                        settings say so, more seldom than those of the live build
19       text           most of its articles have no text, unlike those of the live build
20       undecided      its model, weights or depth differ from the live build's while a variant is
                        compared with it, if the settings say so
21       links          most of its articles lack a field that the template of their links names,
                        or have an address that isn't known, unlike those of the live build
=======  =============  ==========================================================================

A root's first build must only pass *recall*, *text* and *links*
(:func:`index.publishing.publish.publish_build`).
Code 16 is not a gate: it means that a rollback holds publishing
(:meth:`index.root.root.Root.check_hold`). The gate *golden* reads the editors' database; it is in
``service.curation.golden_set``.
"""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from index.build.build import Build
from index.build.manifest import Manifest
from index.build.shown_lists import count_inbound, list_heads
from index.publishing.churn import Churn
from index.query import RelatedQuery
from recommender.parameters import SHOWN

FEW = 20
"""With fewer articles than this, gates that limit a share let every build pass, because a single
article is too large a share."""

_NATURAL_HUB = 4.0
"""An article always passes the gate *hub* if it is in no more lists than this many times the
average, because some articles of every site are in many lists."""

_NO_WORSE = 1.1
"""*weak* and *hub* pass up to this many times the share of the live build, or of the last full one
for a small build."""

_MOST_LACKING = 0.5
"""The largest share of articles that may lack a text, or a field for their link."""


class Gate(enum.IntEnum):
    """The gates; each value is the command's exit code when that gate refuses a build."""

    ARTICLES = 10
    LISTS = 11
    WEAK = 12
    HUB = 13
    RECALL = 14
    ENCODER = 15
    COMPARISON = 17
    GOLDEN = 18
    TEXT = 19
    UNDECIDED = 20
    LINKS = 21


_LACKING = (
    (
        Gate.TEXT,
        ("summary: no-text",),
        "have no text, only a title",
        "if they do, name the field that holds it with --map summary=FIELD",
    ),
    (
        Gate.LINKS,
        ("url: no-field", "url: unknown-address"),
        "lack a field that url_template names, or have an address that isn't known",
        "set or correct url_template (docs/sources.md)",
    ),
)
"""What most articles must not lack: the gate, what notes say so, and the words of its message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of one gate for a build.

    Attributes:
        gate: The gate.
        value: The measured value.
        limit: The largest value that passes; for recall and golden, the smallest.
        passed: Whether the build passes the gate.
        message: A sentence with the value and the limit.
    """

    gate: Gate
    value: float
    limit: float
    passed: bool
    message: str


GoldenGate = Callable[[Build], Verdict]
"""A function that compares an open build with the editors' judgments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of the gates, and what else decides about a build.

    Attributes:
        max_loss: Largest share of the live build's articles that may be missing.
        max_churn: Largest share of lists that may show other articles than before.
        max_weak: Largest share of visible articles without a good related article.
        max_hub: Largest share of shown lists that one article may be in. On a small site an equal
            share for every article is already large, so 4 times an equal share always passes.
        min_recall: Least share of true neighbors that the index must find.
        undecided: The name of the variant that is being compared with the live build, if that must
            be decided before a build with another model or other weights; else empty.
        query: The site's default query, with which lists are computed and compared. Its
            ``min_score`` is the least score of a good related article.
        golden: The gate that compares the lists with editors' judgments; ``None`` to skip it.
        accept_change: Let the build pass though its encoder, or the way texts are prepared for it,
            differs from the live build's, and its lists with them.
    """

    max_loss: float = 0.1
    max_churn: float = 0.5
    max_weak: float = 0.2
    max_hub: float = 0.1
    min_recall: float = 0.98
    undecided: str = ""
    query: RelatedQuery = field(default_factory=lambda: RelatedQuery(min_score=0.05))
    golden: GoldenGate | None = None
    accept_change: bool = False


def judge(
    new: Build,
    live: Build | None,
    churn: Churn | None,
    limits: Limits,
    *,
    now: int,
    full: tuple[Build, float] | None = None,
) -> list[Verdict]:
    """Measure a build at every gate, except *golden* and *comparison*.

    Args:
        new: The build to judge.
        live: The live build to compare with; ``None`` to measure only the gates that don't need it.
        churn: The result of :func:`index.publishing.churn.compare` for the two builds.
        limits: The limits of the gates.
        now: The time at which visibility is decided, in microseconds since 1970 UTC.
        full: For a small build, the last full build, to which it is compared too, so that small
            losses don't add up; and the share of lists changed since, new articles not counted.
    """
    verdicts = [
        *judge_reading(new.manifest.reading, new.count, None if live is None else live.manifest),
        *_judge_alone(new, live if full is None else full[0], limits, now),
    ]
    if full is not None:
        verdicts.append(_judge_loss(new, full[0], limits, now, "the last full build"))
        verdicts.append(_judge_lists(new, full[1], new.count, limits, "the last full build"))
    if live is None or churn is None:
        return verdicts
    old, made = live.manifest, new.manifest
    changed = old.encoder != made.encoder or old.recipe != made.recipe
    reweighed = old.weights != made.weights
    if limits.undecided:
        same = not (changed or reweighed) and old.depth == made.depth
        verdicts.append(_judge_undecided(limits.undecided, same=same))
    return [
        Verdict(
            gate=Gate.ENCODER,
            value=float(changed),
            limit=0.0,
            passed=limits.accept_change or not changed,
            message=_encoder_message(made, old, changed=changed),
        ),
        _judge_loss(new, live, limits, now, "the live build", gone=len(churn.removed)),
        _judge_lists(
            new,
            churn.upset if made.small else churn.changed,
            len(churn.rows),
            limits,
            "the live build",
            accepted=limits.accept_change and (changed or reweighed),
            hint=", unless you accept the new weights of evidence with --accept-change" * reweighed,
        ),
        *verdicts,
    ]


def _judge_undecided(variant: str, *, same: bool) -> Verdict:
    """Judge whether another recipe may replace one that is being compared with a variant."""
    return Verdict(
        gate=Gate.UNDECIDED,
        value=float(not same),
        limit=0.0,
        passed=same,
        message=f"variant {variant} is compared with the live lists, and this build has "
        f"{'the same' if same else 'another'} model, depth and weights of evidence"
        + "; decide first: alsolike compare status"
        * (not same),
    )


def _judge_lists(
    new: Build,
    changed: float,
    count: int,
    limits: Limits,
    called: str,
    *,
    accepted: bool = False,
    hint: str = "",
) -> Verdict:
    """Judge how many lists changed; in a small build, new articles come to lists as they should."""
    passed = changed <= limits.max_churn or accepted or count < FEW
    told = (
        f"{share_of(changed, count)} lists show other articles than in {called}"
        f"{', new ones not counted' * new.manifest.small}"
        if count
        else f"no list is in {called}, too, so that there is nothing to compare"
    )
    return Verdict(
        gate=Gate.LISTS,
        value=changed,
        limit=limits.max_churn,
        passed=passed,
        message=f"{told}; at most {percent(limits.max_churn)} may change{hint * (not passed)}"
        f"{_not_judged(changed, limits.max_churn, count)}",
    )


def _judge_loss(
    new: Build, live: Build, limits: Limits, now: int, called: str, *, gone: int = 0
) -> Verdict:
    """Judge whether too many articles were removed or hidden, not counting expired articles.

    Articles may be replaced by new ones, as in a feed; but if most are gone (``gone``), others with
    new ids probably stand for them, for which no page asks and no decision holds.
    """
    if gone > _MOST_LACKING * live.count and live.count >= FEW:
        return Verdict(
            gate=Gate.ARTICLES,
            value=gone / live.count,
            limit=_MOST_LACKING,
            passed=False,
            message=f"{share_of(gone / live.count, live.count)} articles of {called} are missing: "
            "if their ids changed, correct the source's path or --map id=FIELD; pages ask for the "
            "old ids, and editors' decisions name them",
        )
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
        message=f"{after} {kind} against {before} in {called}, a loss of {percent(loss)}; "
        f"at most {percent(limits.max_loss)} may be lost",
    )


def judge_reading(reading: Mapping[str, Any], count: int, live: Manifest | None) -> list[Verdict]:
    """Judge at the gates *text* and *links* what a build has read of its sources.

    A build fails if most of its articles lack something that those of the live build, if any, have.

    Args:
        reading: What was read, as the build's manifest says it.
        count: The number of articles.
        live: The manifest of the live build; ``None`` if there is none.
    """
    verdicts = []
    for gate, notes, what, hint in _LACKING:
        share = _share_noted(reading, count, notes)
        passed = share <= _MOST_LACKING or count < FEW
        if live is not None and not passed:
            whole = whole_reading(live)
            passed = whole is None or _share_noted(whole, whole["count"], notes) > _MOST_LACKING
        verdicts.append(
            Verdict(
                gate=gate,
                value=share,
                limit=_MOST_LACKING,
                passed=passed,
                message=f"{share_of(share, count)} articles {what}"
                + f"; {hint}" * (not passed)
                + _not_judged(share, _MOST_LACKING, count),
            )
        )
    return verdicts


def whole_reading(manifest: Manifest) -> dict[str, Any] | None:
    """Return the notes and the count of a build's articles when all of them were last read.

    A small build reads changed articles only, and keeps this of the build before. ``None`` if it
    is unknown, as in small builds of earlier versions, which did not keep it.

    Args:
        manifest: The build's manifest.
    """
    reading = manifest.reading
    if "whole" not in reading and not manifest.small:
        return {"notes": reading.get("notes", {}), "count": manifest.count}
    return reading.get("whole")


def _share_noted(reading: Mapping[str, Any], count: int, notes: Sequence[str]) -> float:
    said = reading.get("notes", {})
    noted = sum(said.get(note, 0) for note in notes)
    return float(min(1.0, noted / max(count, 1)))


def _judge_alone(new: Build, before: Build | None, limits: Limits, now: int) -> list[Verdict]:
    """Judge a build's lists by themselves; those that are no worse than before pass.

    So a site whose first build was published is not held back by what is in its nature. A few
    articles say nothing of more than twice as many.

    Args:
        new: The build to judge.
        before: The live build, or for a small build the last full one, so that what many small
            builds worsen does not add up; ``None`` if there is none.
        limits: The limits of the gates.
        now: The time at which visibility is decided, in microseconds since 1970 UTC.
    """
    count, weak, hub, share = _measure_lists(new, limits, now)
    recall = new.manifest.index.recall
    max_hub = max(limits.max_hub, min(1.0, _NATURAL_HUB * SHOWN / max(count, 1)))
    most_weak, most_hub = limits.max_weak, max_hub
    if before is not None and (weak > most_weak or share > most_hub):
        count_before, weak_before, _, share_before = _measure_lists(before, limits, now)
        if count_before >= FEW or count <= 2 * count_before:
            most_weak = max(most_weak, min(1.0, _NO_WORSE * weak_before))
            most_hub = max(most_hub, min(1.0, _NO_WORSE * share_before))
    return [
        Verdict(
            gate=Gate.WEAK,
            value=weak,
            limit=most_weak,
            passed=weak <= most_weak or count < FEW,
            message=f"{share_of(weak, count)} visible articles have no related article that scores "
            f"{limits.query.min_score:g} or more; at most {percent(most_weak)} may lack one"
            f"{_no_worse(most_weak, limits.max_weak)}{_not_judged(weak, most_weak, count)}",
        ),
        Verdict(
            gate=Gate.HUB,
            value=share,
            limit=most_hub,
            passed=share <= most_hub or count < FEW,
            message=f"article {new.article_id(hub)} is in {share_of(share, count)} lists; "
            f"one article may be in at most {percent(most_hub)}"
            f"{_no_worse(most_hub, max_hub)}{_not_judged(share, most_hub, count)}",
        ),
        Verdict(
            gate=Gate.RECALL,
            value=recall,
            limit=limits.min_recall,
            passed=recall >= limits.min_recall,
            message=f"the index finds {recall:.1%} of the true nearest neighbors; at least "
            f"{limits.min_recall:.1%} are required",
        ),
    ]


def _measure_lists(build: Build, limits: Limits, now: int) -> tuple[int, float, int, float]:
    """Measure the shown lists of a build's visible articles.

    Returns:
        The number of these articles; the share of them without a good related article; the row of
        the article in most lists, and its share of them.
    """
    visible = build.visible(now)
    count = int(visible.sum())
    heads, best = list_heads(build, visible)
    weak = float((best[visible] < limits.query.min_score).mean()) if count else 1.0
    inbound = count_inbound(heads, visible)
    hub = int(np.argmax(inbound))
    return count, weak, hub, float(inbound[hub] / count) if count else 0.0


def _no_worse(most: float, limit: float) -> str:
    """Return what is added to the message of a gate whose limit is what was live before."""
    return ", a tenth more than before" * (most > limit)


def _not_judged(measured: float, limit: float, count: int) -> str:
    """Return what is added to the message of a gate that passes only as there are too few."""
    return f" (not judged, as there are fewer than {FEW})" * (measured > limit and count < FEW)


def percent(share: float) -> str:
    """Return a share (0 to 1) in percent, with one decimal unless that is 0: ``50.1%``, ``50%``."""
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def share_of(share: float, whole: int) -> str:
    """Return a share of a whole as a count and in percent, as in ``330 of 659 (50.1%)``."""
    return f"{round(share * whole)} of {whole} ({percent(share)})"


def _encoder_message(new: Manifest, live: Manifest, *, changed: bool) -> str:
    if not changed:
        return "the model and the text preparation are the same as in the live build"
    if live.recipe != new.recipe:
        return f"the text preparation changed from version {live.recipe} to {new.recipe}"
    old, made = asdict(live.encoder), asdict(new.encoder)
    parts = ", ".join(
        f"{key} {old[key]!r:.20} → {made[key]!r:.20}" for key in made if old[key] != made[key]
    )
    return f"the encoder changed: {parts}"

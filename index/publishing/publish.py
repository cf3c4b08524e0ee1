"""The decision to publish: compare with the live build, verify, then make live or refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from index.build.build import Build
from index.errors import BuildError, GateError
from index.publishing.churn import Churn, compare
from index.publishing.gates import Gate, GoldenGate, Limits, Verdict, judge
from index.root.journal import append_journal
from index.root.pointer import CURRENT
from index.root.root import Root
from recommender.errors import NotFoundError
from recommender.visibility import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What the gates say of a build, and under which conditions.

    Attributes:
        build: The name of the build.
        live: The name of the live build that it was compared with; ``None`` without one.
        limits: What the gates let through.
        accept_change: Whether another encoder or text recipe is let through.
        verdicts: What each gate found.
        churn: The difference from the live build; ``None`` without one.
    """

    build: str
    live: str | None
    limits: Limits
    accept_change: bool
    verdicts: list[Verdict]
    churn: Churn | None = field(repr=False)


def assess(
    new: Build,
    live: Build | None,
    limits: Limits,
    *,
    golden: GoldenGate | None,
    accept_change: bool,
    now: int,
) -> Assessment:
    """Compare a build with the live one, and measure it at every gate.

    Args:
        new: The build.
        live: The live one, if there is one to compare with.
        limits: What the gates let through.
        golden: The gate that asks what editors said, if it is wanted.
        accept_change: Let another encoder or text recipe through.
        now: The moment at which both are looked at, microseconds since 1970 UTC.

    Raises:
        BuildError: If a file of either is damaged.
    """
    churn = None if live is None else compare(live, new, now=now, query=limits.query)
    verdicts = judge(new, live, churn, limits, accept_change=accept_change, now=now)
    if golden is not None:
        verdicts.append(golden(new))
    return Assessment(
        build=new.name,
        live=None if live is None else live.name,
        limits=limits,
        accept_change=accept_change,
        verdicts=verdicts,
        churn=churn,
    )


def publish_build(
    root: Root,
    name: str,
    limits: Limits,
    *,
    golden: GoldenGate | None = None,
    accept_change: bool = False,
    force: bool = False,
    reason: str = "",
    assessment: Assessment | None = None,
) -> list[Verdict]:
    """Make a build live if it passes every gate; the caller holds the root's lock.

    Args:
        root: The root.
        name: The build.
        limits: What the gates let through.
        golden: The gate that asks what editors said; none by default.
        accept_change: Let another encoder or text recipe through.
        force: Publish even what a gate refuses; the journal keeps what was overruled.
        reason: Why, for the journal.
        assessment: What was found when the build was made, just now and under the same lock. It
            counts if the same build is live still and the same is asked for; otherwise the gates
            measure anew.

    Returns:
        What the gates found.

    Raises:
        GateError: If a gate refuses it; the exit code is the first such gate's. The build
            stays for inspection, and what was live stays live.
        BuildError: If it does not verify.
    """
    root.check_hold()
    manifest = root.verify(name)
    verdicts = (
        assessment.verdicts
        if assessment is not None
        and _still_holds(assessment, root, name, limits, golden, accept_change=accept_change)
        else _assess_anew(
            root,
            Build(root.folder(name), manifest, verify=False),
            limits,
            golden=golden,
            accept_change=accept_change,
        )
    )
    # A first build has nothing to protect: weak lists are better than none, and are reported.
    first = not (root.path / CURRENT).exists()
    refusals = [v for v in verdicts if not v.passed and (not first or v.gate is Gate.RECALL)]
    if not refusals:
        root.make_live(manifest, reason=reason)
        return verdicts
    overruled = {verdict.gate.name.lower(): round(verdict.value, 4) for verdict in refusals}
    if force:
        root.make_live(manifest, event="force", reason=reason, gates=overruled)
        return verdicts
    message = _refusal(name, refusals)
    append_journal(
        root.path,
        "refuse",
        build=name,
        gates=overruled,
        found=[verdict.message for verdict in refusals],
        reason=message,
    )
    raise GateError(message, int(refusals[0].gate))


def _still_holds(
    assessment: Assessment,
    root: Root,
    name: str,
    limits: Limits,
    golden: GoldenGate | None,
    *,
    accept_change: bool,
) -> bool:
    try:
        pointer = root.current()
    except BuildError:
        return False
    asked_golden = any(verdict.gate is Gate.GOLDEN for verdict in assessment.verdicts)
    return (
        assessment.build == name
        and assessment.live == (None if pointer is None else pointer.build)
        and assessment.limits == limits
        and assessment.accept_change == accept_change
        and asked_golden == (golden is not None)
    )


def _assess_anew(
    root: Root, new: Build, limits: Limits, *, golden: GoldenGate | None, accept_change: bool
) -> list[Verdict]:
    def against(live: Build | None) -> list[Verdict]:
        return assess(
            new,
            live,
            limits,
            golden=golden,
            accept_change=accept_change,
            now=utc_now(),
        ).verdicts

    try:
        pointer = root.current()
        if pointer is None or pointer.build == new.name:
            return against(None)
        # Unverified: publishing is what replaces a live build of which a byte is damaged.
        return against(root.open(pointer.build, verify=False))
    except (BuildError, NotFoundError) as error:
        message = f"there is nothing to compare with: {error}"
        unreadable = Verdict(
            gate=Gate.COMPARISON, value=1.0, limit=0.0, passed=False, message=message
        )
    return [unreadable, *against(None)]


def _refusal(name: str, refusals: Sequence[Verdict]) -> str:
    only_change = all(verdict.gate in (Gate.ENCODER, Gate.LISTS) for verdict in refusals) and any(
        verdict.gate is Gate.ENCODER for verdict in refusals
    )
    option = "--accept-change" if only_change else "--force"
    reasons = "; ".join(f"{verdict.gate.name.lower()}: {verdict.message}" for verdict in refusals)
    looks = [f"alsolike report {name}"]
    if any(verdict.gate is Gate.GOLDEN for verdict in refusals):
        looks.append(f"alsolike evaluate {name} --golden")
    return (
        f"build {name} is held back: {reasons}. It stays for inspection ({', '.join(looks)}); "
        f"to publish it all the same: alsolike publish {name} {option}"
    )

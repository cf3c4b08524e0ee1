"""The decision to publish: verify, compare with what is live, then swap or refuse."""

from __future__ import annotations

import time
from collections.abc import Sequence

from index.build.build import Build
from index.errors import BuildError, GateError
from index.publishing.churn import compare
from index.publishing.gates import Gate, GoldenGate, Limits, Verdict, judge
from index.root.journal import append_journal
from index.root.pointer import CURRENT
from index.root.root import Root
from recommender.errors import NotFoundError


def publish_build(
    root: Root,
    name: str,
    limits: Limits,
    *,
    golden: GoldenGate | None = None,
    accept_change: bool = False,
    force: bool = False,
    reason: str = "",
) -> list[Verdict]:
    """Make a build live if it passes every gate; the caller holds the root's lock.

    Args:
        root: The root.
        name: The build.
        limits: What the gates let through.
        golden: The gate that asks what editors said; none by default.
        accept_change: Another encoder or recipe is meant.
        force: Publish even what a gate refuses; the journal keeps what was overruled.
        reason: Why, for the journal.

    Returns:
        What the gates found.

    Raises:
        GateError: If a gate refuses it; the exit code is the first such gate's. The build
            stays for inspection, and what was live stays live.
        BuildError: If it does not verify.
    """
    root.check_hold()
    manifest = root.verify(name)
    new = Build(root.folder(name), manifest, verify=False)
    verdicts = _judge(root, new, limits, accept_change=accept_change)
    if golden is not None:
        verdicts.append(golden(new))
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


def _judge(root: Root, new: Build, limits: Limits, *, accept_change: bool) -> list[Verdict]:
    now = time.time_ns() // 1000
    live = churn = None
    unreadable: list[Verdict] = []
    try:
        pointer = root.current()
        if pointer is not None and pointer.build != new.name:
            live = root.open()
            churn = compare(live, new, now=now, query=limits.query)
    except (BuildError, NotFoundError) as error:
        live = churn = None
        unreadable.append(
            Verdict(
                gate=Gate.COMPARISON,
                value=1.0,
                limit=0.0,
                passed=False,
                message=f"there is nothing to compare with: {error}",
            )
        )
    return unreadable + judge(new, live, churn, limits, accept_change=accept_change, now=now)


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

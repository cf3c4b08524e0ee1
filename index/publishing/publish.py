"""Publishes a build: makes it live if it passes the gates, and refuses it otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from index.build.build import Build
from index.build.list_dates import build_date
from index.build.manifest import Manifest, read_manifest
from index.errors import BuildError, BusyError, GateError
from index.publishing.churn import Churn, compare
from index.publishing.gates import Gate, Limits, Verdict, judge, judge_reading
from index.root.journal import append_journal
from index.root.pointer import CURRENT
from index.root.root import Root
from recommender.errors import NotFoundError
from recommender.visibility import utc_now

_ALWAYS = (Gate.RECALL, Gate.TEXT, Gate.LINKS)
"""The gates that a root's first build must pass, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The verdicts of all gates on a build, and the conditions under which they were made.

    Attributes:
        build: The name of the build.
        live: The name of the live build it was compared with; ``None`` if there was none.
        limits: The limits of the gates.
        verdicts: The verdict of each gate.
        churn: The difference from the live build; ``None`` if there was none.
    """

    build: str
    live: str | None
    limits: Limits
    verdicts: list[Verdict]
    churn: Churn | None = field(repr=False)

    @property
    def failures(self) -> list[str]:
        """The messages of the gates that the build fails."""
        return [verdict.message for verdict in self.verdicts if not verdict.passed]


def assess(new: Build, live: Build | None, limits: Limits, *, now: int) -> Assessment:
    """Compare a build with the live one, and measure it at every gate.

    Args:
        new: The build to assess.
        live: The live build, if there is one to compare with.
        limits: The limits of the gates.
        now: The time at which visibility is decided, in microseconds since 1970 UTC.

    Raises:
        BuildError: If a file of one of the builds is damaged.
    """
    churn = None if live is None else compare(live, new, now=now, query=limits.query)
    full = None if live is None else _last_full(new, live)
    since = None if full is None else (full, _upset(full, new, limits, now))
    judged = churn
    if live is not None and churn is not None and not new.manifest.small:
        judged = _without_new(churn, new, _last_full(live, live))
    verdicts = judge(new, live, judged, limits, now=now, full=since)
    if limits.golden is not None:
        verdicts.append(limits.golden(new))
    return Assessment(
        build=new.name,
        live=None if live is None else live.name,
        limits=limits,
        verdicts=verdicts,
        churn=churn,
    )


def check_reading(reading: Mapping[str, Any], count: int, live: Manifest | None) -> None:
    """Check what a build has read, before much time is spent on it.

    Args:
        reading: What was read, as the build's manifest says it.
        count: The number of articles.
        live: The manifest of the live build; ``None`` if there is none.

    Raises:
        GateError: If a gate would refuse the finished build for it.
    """
    refusals = [verdict for verdict in judge_reading(reading, count, live) if not verdict.passed]
    if refusals:
        raise GateError(
            f"the build would be held back, so it ends here: {_reasons(refusals)}. To make it for "
            "inspection: --no-publish; to publish it anyway: --force",
            int(refusals[0].gate),
        )


def _last_full(new: Build, live: Build) -> Build | None:
    """Open the full build that a small build goes back to, unless it is live or gone."""
    folder = live.folder.parent / new.manifest.full
    if not new.manifest.small or new.manifest.full == live.name or not folder.is_dir():
        return None
    return Build(folder, read_manifest(folder), verify=False)


def _without_new(churn: Churn, new: Build, full: Build | None) -> Churn:
    """Leave out lists of articles that only small builds had, for a full one to be judged by.

    A small build makes their lists without the words that are new to the site: a full one turns
    them over, as it should, however many came at once.
    """
    if full is None:
        return churn
    known = (full.rows_of(new.ids) >= 0)[churn.rows]
    names = ("rows", "old_rows", "turned", "replaced", "reordered")
    return replace(churn, **{name: getattr(churn, name)[known] for name in names})


def _upset(full: Build, new: Build, limits: Limits, now: int) -> float:
    """Return the share of lists that changed since a full build, new articles not counted.

    Their dates give an upper bound at once, which mostly is far below the limit.
    """
    known = full.rows_of(new.ids) >= 0
    changed = new.listed_in[:, 0][known] > build_date(full.name)
    bound = float(changed.mean()) if known.any() else 0.0
    if bound <= limits.max_churn:
        return bound
    return compare(full, new, now=now, query=limits.query).upset


def publish_build(
    root: Root,
    name: str,
    limits: Limits,
    *,
    force: bool = False,
    reason: str = "",
    assessment: Assessment | None = None,
) -> list[Verdict]:
    """Make a build live if it passes every gate.

    Another process may change what is live while a build is made; it waits while one is published.

    Args:
        root: The folder of all builds.
        name: The name of the build to publish.
        limits: The limits of the gates.
        force: Publish the build even if a gate refuses it; the journal records which gates.
        reason: The reason for publishing, for the journal.
        assessment: What the gates found when the build was made, if the root's lock has been held
            since then. If the live build and the limits are still the same, the gates need not
            measure again.

    Returns:
        The verdicts of the gates.

    Raises:
        GateError: If publishing is held or a gate refuses the build; the error has the code of the
            first gate that refused. The build is kept for inspection, and the live build stays
            live.
        BuildError: If a file of the build is damaged.
        BusyError: If a small build was just made from a build that is no longer live.
    """
    with root.switching("publish"):
        root.folder(name)  # a mistyped name is told of before a hold
        root.check_hold()
        manifest = root.verify(name)
        if manifest.small and assessment is not None and assessment.live != root.live:
            raise BusyError(
                f"{name}, made of the changes since {assessment.live}, is not published: another "
                "build was made live meanwhile, so that the changes have to be made again"
            )
        verdicts = (
            assessment.verdicts
            if assessment is not None and _still_holds(assessment, root, name, limits)
            else _assess_anew(root, Build(root.folder(name), manifest, verify=False), limits)
        )
        # On the first build, weak lists are better than none; they are reported.
        first = not (root.path / CURRENT).exists()
        refusals = [v for v in verdicts if not v.passed and (not first or v.gate in _ALWAYS)]
        if not refusals:
            root.make_live(manifest, reason=reason)
            return verdicts
        overruled = {verdict.gate.name.lower(): round(verdict.value, 4) for verdict in refusals}
        found = [verdict.message for verdict in refusals]
        if force:
            root.make_live(manifest, event="force", reason=reason, gates=overruled, found=found)
            return verdicts
        message = _refusal(name, refusals)
        append_journal(
            root.path,
            "refuse",
            build=name,
            gates=overruled,
            found=found,
            reason=message,
            **({"small": True} if manifest.small else {}),
        )
        raise GateError(message, int(refusals[0].gate))


def _still_holds(assessment: Assessment, root: Root, name: str, limits: Limits) -> bool:
    try:
        conditions = name, root.live, limits
    except BuildError:
        return False
    return (assessment.build, assessment.live, assessment.limits) == conditions


def _assess_anew(root: Root, new: Build, limits: Limits) -> list[Verdict]:
    def against(live: Build | None) -> list[Verdict]:
        return assess(new, live, limits, now=utc_now()).verdicts

    try:
        live = root.live
        if live is None or live == new.name:
            return against(None)
        # Not verified, since publishing is the way to replace a damaged live build.
        return against(root.open(live, verify=False))
    except (BuildError, NotFoundError) as error:
        message = f"the live build can't be read, so there is nothing to compare with: {error}"
        unreadable = Verdict(
            gate=Gate.COMPARISON, value=1.0, limit=0.0, passed=False, message=message
        )
    return [unreadable, *against(None)]


def _refusal(name: str, refusals: Sequence[Verdict]) -> str:
    gates = {verdict.gate for verdict in refusals}
    only_change = Gate.ENCODER in gates and gates <= {Gate.ENCODER, Gate.LISTS}
    option = "--accept-change" if only_change else "--force"
    looks = [f"alsolike report {name}"]
    if Gate.GOLDEN in gates:
        looks.append(f"alsolike evaluate {name} --golden")
    return (
        f"build {name} is held back: {_reasons(refusals)}. It is kept for inspection "
        f"({', '.join(looks)}); to publish it anyway: alsolike publish {name} {option}"
    )


def _reasons(refusals: Sequence[Verdict]) -> str:
    return "; ".join(f"{verdict.gate.name.lower()}: {verdict.message}" for verdict in refusals)

"""API routes for builds: list, compare, publish, roll back, release."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from index.publishing.build_history import describe_builds, shown_again
from index.publishing.churn import compare, describe_churn
from index.publishing.gates import Gate
from service.api.api_models import ApiModel, ReasonText, RequestModel
from service.api.editorial_router import PAGE, make_router, problems
from service.http.auth import Identity
from service.http.editorial_context import EditorialContext
from service.http.problems import ProblemError
from service.roles import Role

Name = Annotated[
    str, Path(pattern=r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$", description="the build's name")
]


class Reason(RequestModel):
    """Why a build is rolled back or publishing is allowed again; recorded in the journal."""

    reason: ReasonText = ""


class RollingBack(Reason):
    """Which build to roll back to, and why."""

    full: bool = Field(False, strict=True)
    """go back to the last full build, not to a small one"""


class Publishing(Reason):
    """Options for publishing a build."""

    accept_change: bool = Field(False, strict=True)
    """publish even if the model or the preparation of texts has changed"""

    force: bool = Field(False, strict=True)
    """publish even if a gate refuses the build"""


class BuildItem(ApiModel):
    """One build in the list of builds: its state, and figures about it."""

    build: str
    state: str
    """live, rollback, refused, damaged, outdated or newer (of another format) or empty"""

    note: str
    """the journal's last entry about the build, as a sentence"""

    found: list[str] = Field([])
    """why gates refused the build, one sentence for each gate"""

    small: bool = False
    """whether the build was made of changes alone, as alsolike watch does"""

    created: str | None = None
    articles: int | None = None
    encoder: str | None = None
    recall: float | None = None
    mb: float | None = None


class Held(ApiModel):
    """Why publishing is on hold: who rolled back to an earlier build, when, and why."""

    since: str
    who: str
    reason: str


class DayOfBuilds(ApiModel):
    """How many small builds (made of changes alone) were published and refused on a day."""

    day: str
    """the date in UTC"""

    published: int
    refused: int
    last: str
    """when the last of them was published or refused"""


class BuildsAnswer(ApiModel):
    """All builds, oldest first, and which of them is live."""

    live: str | None
    held: Held | None
    problem: str | None
    """why the file that names the live build can't be read; null if it can"""

    items: list[BuildItem]

    days: list[DayOfBuilds]
    """the small builds of the last days, oldest first"""

    rollback: list[str]
    """the build that a rollback returns to, and the last full build before it if that is another"""


class VerdictItem(ApiModel):
    """The result of one gate, which is a check that a build must pass to be published."""

    gate: str
    value: float
    limit: float
    passed: bool
    message: str


class PublishAnswer(ApiModel):
    """The build that was published, and the result of each gate."""

    build: str
    verdicts: list[VerdictItem]
    shown_again: list[str]
    """up to a thousand ids that the build before did not show, if that is the newer one: some may
    be drafts now"""


class RollbackAnswer(ApiModel):
    """The earlier build that is live again; new builds are not published until ``/v1/release``."""

    build: str
    shown_again: list[str]
    """up to a thousand ids that the build before did not show: some may be drafts now"""


class ReleaseAnswer(ApiModel):
    """The answer to a request that allows publishing again."""

    released: bool
    """false if publishing was not on hold"""


def builds_router(context: EditorialContext) -> APIRouter:
    """Returns the routes for builds."""
    router = make_router("operations")
    readers = [Depends(context.auth.require(Role.EDITOR))]
    admin = context.auth.require(Role.ADMIN)

    @router.get("/builds", summary="List all builds, oldest first", dependencies=readers)
    def builds() -> BuildsAnswer:
        return BuildsAnswer(**describe_builds(context.root))

    @router.get(
        "/builds/{name}/report",
        summary="Get the report about a build, measured when it was made",
        dependencies=readers,
        responses=problems(404),
    )
    def report(name: Name) -> dict[str, Any]:
        return context.root.open(name).report()

    @router.get(
        "/builds/{name}/changes",
        summary="Compare a build's lists with those of the live build",
        dependencies=readers,
        responses=problems(404, 409),
    )
    def changes(name: Name) -> dict[str, Any]:
        root = context.root
        new = root.open(name)
        if root.current() is None:
            raise ProblemError(409, "there is no live build to compare with; publish one first")
        live = root.open()
        now = context.live.clock()
        churn = compare(live, new, now=now, query=context.settings.limits.query)
        return describe_churn(live, new, churn, now=now)

    @router.post(
        "/builds/{name}/publish",
        summary="Publish a build, if it passes every gate",
        responses=problems(404, 409),
    )
    def publish(name: Name, how: Publishing, identity: Identity = Depends(admin)) -> PublishAnswer:
        verdicts = context.builds.publish(identity, name, **how.model_dump())
        return PublishAnswer(
            build=name,
            verdicts=[
                VerdictItem(**{**asdict(each), "gate": Gate(each.gate).name.lower()})
                for each in verdicts
            ],
            shown_again=shown_again(context.root, now=context.live.clock())[:PAGE],
        )

    @router.post(
        "/rollback",
        summary="Roll back to the previous build, and put publishing on hold",
        responses=problems(409),
    )
    def rollback(how: RollingBack, identity: Identity = Depends(admin)) -> RollbackAnswer:
        return RollbackAnswer(
            build=context.builds.roll_back(identity, **how.model_dump()),
            shown_again=shown_again(context.root, now=context.live.clock())[:PAGE],
        )

    @router.post(
        "/release", summary="Allow publishing again after a rollback", responses=problems(409)
    )
    def release(why: Reason, identity: Identity = Depends(admin)) -> ReleaseAnswer:
        return ReleaseAnswer(released=context.builds.release(identity, reason=why.reason))

    return router

"""Routes for builds: list, compare, publish, roll back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from index.publishing.build_history import describe_builds
from index.publishing.churn import compare, describe_churn
from index.publishing.gates import Gate
from service.api.editorial_router import make_router, problems
from service.decisions.decision_rules import MAX_REASON
from service.http.auth import Identity
from service.http.editorial_context import EditorialContext
from service.http.problems import ProblemError
from service.roles import Role

Name = Annotated[str, Path(pattern=r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$", description="of a build")]


class Reason(BaseModel):
    """The reason, for the journal."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=MAX_REASON)


class Publishing(Reason):
    """How to publish."""

    accept_change: bool = Field(
        False, strict=True, description="the changed encoder or text recipe is intended"
    )
    force: bool = Field(False, strict=True, description="publish even what a gate refuses")


class BuildItem(BaseModel):
    """One build."""

    build: str
    state: str = Field(description="live, rollback, refused, damaged or empty")
    note: str = Field(description="what the journal records of it")
    found: list[str] = Field(
        [], description="what each gate that refused it measured, a sentence each"
    )
    created: str | None = None
    articles: int | None = None
    encoder: str | None = None
    recall: float | None = None
    mb: float | None = None


class Held(BaseModel):
    """The rollback that holds publishing."""

    since: str
    who: str
    reason: str


class BuildsAnswer(BaseModel):
    """The builds, oldest first."""

    live: str | None
    held: Held | None
    problem: str | None = Field(description="what is wrong with the pointer to the live build")
    items: list[BuildItem]


class VerdictItem(BaseModel):
    """What a gate measured."""

    gate: str
    value: float
    limit: float
    passed: bool
    message: str


class PublishAnswer(BaseModel):
    """A build is live."""

    build: str
    verdicts: list[VerdictItem]


class RollbackAnswer(BaseModel):
    """The previous build is live again; publishing is held until it is released."""

    build: str


class ReleaseAnswer(BaseModel):
    """Builds can be published again."""

    released: bool = Field(description="false if nothing held them")


def builds_router(context: EditorialContext) -> APIRouter:
    """Routes for builds."""
    router = make_router("operations")
    readers = [Depends(context.auth.require(Role.EDITOR))]
    admin = context.auth.require(Role.ADMIN)

    @router.get(
        "/builds", summary="The builds, oldest first", dependencies=readers, responses=problems()
    )
    def builds() -> BuildsAnswer:
        return BuildsAnswer(**describe_builds(context.root))

    @router.get(
        "/builds/{name}/report",
        summary="The figures measured when a build was made",
        dependencies=readers,
        responses=problems(404),
    )
    def report(name: Name) -> dict[str, Any]:
        return context.root.open(name).report()

    @router.get(
        "/builds/{name}/changes",
        summary="What a build would change for readers, compared with the live one",
        dependencies=readers,
        responses=problems(404, 409),
    )
    def changes(name: Name) -> dict[str, Any]:
        root = context.root
        new = root.open(name)
        if root.current() is None:
            raise ProblemError(409, "nothing is live to compare with")
        live = root.open()
        now = context.live.clock()
        churn = compare(live, new, now=now, query=context.settings.limits.query)
        return describe_churn(live, new, churn, now=now)

    @router.post(
        "/builds/{name}/publish",
        summary="Make a build live, if it passes every gate",
        responses=problems(400, 404, 409, 413),
    )
    def publish(name: Name, how: Publishing, identity: Identity = Depends(admin)) -> PublishAnswer:
        verdicts = context.builds.publish(
            identity.actor,
            name,
            accept_change=how.accept_change,
            force=how.force,
            reason=how.reason,
        )
        return PublishAnswer(
            build=name,
            verdicts=[
                VerdictItem(**{**asdict(each), "gate": Gate(each.gate).name.lower()})
                for each in verdicts
            ],
        )

    @router.post(
        "/rollback",
        summary="Make the previous build live again, and hold publishing",
        responses=problems(400, 409, 413),
    )
    def rollback(why: Reason, identity: Identity = Depends(admin)) -> RollbackAnswer:
        return RollbackAnswer(build=context.builds.roll_back(identity.actor, reason=why.reason))

    @router.post(
        "/release",
        summary="Let builds be published again after a rollback",
        responses=problems(400, 409, 413),
    )
    def release(why: Reason, identity: Identity = Depends(admin)) -> ReleaseAnswer:
        return ReleaseAnswer(released=context.builds.release(identity.actor, reason=why.reason))

    return router

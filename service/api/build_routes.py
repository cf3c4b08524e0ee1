"""Builds over HTTP: what is live, what waits behind a gate, publishing and going back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from index.errors import BuildError, GateError
from index.publishing.build_history import describe_builds
from index.publishing.churn import compare, describe_churn
from index.publishing.gates import Gate
from index.root.journal import acting_for
from index.root.root import Root
from recommender.errors import NotFoundError
from recommender.visibility import utc_now
from service.api.api_context import ApiContext, make_router, problems
from service.curation.golden_gate import publish_as_set
from service.decisions.decision_rules import MAX_REASON
from service.http.auth import Identity
from service.http.problems import ProblemError
from service.roles import Role

Name = Annotated[str, Path(pattern=r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$", description="of a build")]


class Reason(BaseModel):
    """Why, for the journal."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=MAX_REASON)


class Publishing(Reason):
    """How to publish."""

    accept_change: bool = Field(False, strict=True, description="another encoder is meant")
    force: bool = Field(False, strict=True, description="publish even what a gate refuses")


class BuildItem(BaseModel):
    """One build."""

    build: str
    state: str = Field(description="live, rollback, refused, damaged or empty")
    note: str = Field(description="what the journal says of it")
    found: list[str] = Field([], description="what each gate that refused it measured")
    created: str | None = None
    articles: int | None = None
    encoder: str | None = None
    recall: float | None = None
    mb: float | None = None


class Held(BaseModel):
    """Publishing is held since a rollback."""

    since: str
    who: str
    reason: str


class BuildsAnswer(BaseModel):
    """The builds, oldest first."""

    live: str | None
    held: Held | None
    problem: str | None = Field(description="what is wrong with the pointer to the live one")
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
    """The build before is live again; publishing is held until it is released."""

    build: str


class ReleaseAnswer(BaseModel):
    """Builds can be published again."""

    released: bool = Field(description="false if nothing held them")


def builds_router(desk: ApiContext) -> APIRouter:
    """Routes for builds."""
    router = make_router("operations")
    looking = [Depends(desk.auth.require(Role.EDITOR))]
    admin = desk.auth.require(Role.ADMIN)

    @router.get(
        "/builds", summary="The builds, oldest first", dependencies=looking, responses=problems()
    )
    def builds() -> BuildsAnswer:
        return BuildsAnswer(**describe_builds(desk.root))

    @router.get(
        "/builds/{name}/report",
        summary="The figures that were taken when a build was made",
        dependencies=looking,
        responses=problems(404),
    )
    def report(name: Name) -> dict[str, Any]:
        return desk.root.open(name).report()

    @router.get(
        "/builds/{name}/changes",
        summary="What a build changes for readers, against the live one",
        dependencies=looking,
        responses=problems(404, 409),
    )
    def changes(name: Name) -> dict[str, Any]:
        root = desk.root
        new = root.open(name)
        if root.current() is None:
            raise ProblemError(409, "nothing is live to compare with")
        live = root.open()
        moment = utc_now()
        return describe_churn(
            live, new, compare(live, new, now=moment, query=desk.settings.limits.query), now=moment
        )

    @router.post(
        "/builds/{name}/publish",
        summary="Make a build live, if it passes every gate",
        responses=problems(400, 404, 409, 413),
    )
    def publish(name: Name, how: Publishing, identity: Identity = Depends(admin)) -> PublishAnswer:
        root = desk.root
        root.folder(name)
        with at_work(root, identity, "publish"):
            verdicts = publish_as_set(
                root,
                name,
                desk.settings,
                accept_change=how.accept_change,
                force=how.force,
                reason=how.reason,
            )
        desk.live.refresh()
        return PublishAnswer(
            build=name,
            verdicts=[
                VerdictItem(
                    gate=Gate(each.gate).name.lower(),
                    value=each.value,
                    limit=each.limit,
                    passed=each.passed,
                    message=each.message,
                )
                for each in verdicts
            ],
        )

    @router.post(
        "/rollback",
        summary="Make the build live that was live before, and hold publishing",
        responses=problems(400, 409, 413),
    )
    def rollback(why: Reason, identity: Identity = Depends(admin)) -> RollbackAnswer:
        with at_work(desk.root, identity, "rollback"):
            name = desk.root.rollback(reason=why.reason)
        desk.live.refresh()
        return RollbackAnswer(build=name)

    @router.post(
        "/release",
        summary="Let builds be published again after a rollback",
        responses=problems(400, 409, 413),
    )
    def release(why: Reason, identity: Identity = Depends(admin)) -> ReleaseAnswer:
        with at_work(desk.root, identity, "release"):
            return ReleaseAnswer(released=desk.root.release(reason=why.reason))

    return router


@contextmanager
def at_work(root: Root, identity: Identity, what: str) -> Iterator[None]:
    """Hold the root, as the person who asks.

    Raises:
        ProblemError: 409, if the root or the build does not allow it.
    """
    with acting_for(f"{identity.name} ({identity.how})"):
        try:
            with root.locked(f"{what} by {identity.name}"):
                yield
        except (GateError, NotFoundError):
            raise
        except BuildError as error:
            raise ProblemError(409, str(error)) from None

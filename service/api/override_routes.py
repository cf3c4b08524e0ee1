"""Pins and hides: writing what editors decide about single lists, without overwriting each other.

An article's list has a version, its ``ETag``. A write names in ``If-Match`` the version that the
editor looked at, or ``*`` for any; if someone else was faster it is refused with the list as it
is now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from recommender.visibility import NEVER, utc_now
from service.api.api_context import ApiContext, Id, Target, make_router, problems
from service.decisions.decision_rules import MAX_POSITION, MAX_REASON
from service.decisions.decision_state import OverrideKind
from service.decisions.overrides import StoredOverride
from service.errors import ConflictError
from service.http.auth import Identity
from service.http.problems import ProblemError
from service.http.timestamps import Until, format_timestamp
from service.roles import Role
from service.serving.visibility_status import VisibilityStatus

_TAG = re.compile(r'"(0|[1-9][0-9]{0,17})"')
_PAGE = 1_000


class OverrideChange(BaseModel):
    """A decision about one article in another's list."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["pin", "hide"] = Field(description="show it at a position, or leave it out")
    position: int | None = Field(
        None, strict=True, ge=1, le=MAX_POSITION, description="for a pin, and for no hide"
    )
    reason: str = Field("", max_length=MAX_REASON)
    not_related: bool = Field(False, strict=True, description="of a hide: counts as a judgment too")
    until: Until = Field(NEVER, description="when it ends by itself; null for never")


class OverrideItem(BaseModel):
    """A decision, and whether it can do anything."""

    article_id: str
    target_id: str
    kind: OverrideKind
    position: int | None
    reason: str
    not_related: bool
    author: str
    created: str | None
    until: str | None = Field(description="null for no end")
    ended: bool
    target: VisibilityStatus | None = Field(
        description="null if the live build has no such article"
    )
    warning: str | None = Field(description="why it does nothing now, though it has not ended")


class OverridesAnswer(BaseModel):
    """Decisions: of one list, pins by position, then hides; else by their number."""

    article_id: str | None
    version: int | None = Field(description="of the list: what ETag and If-Match carry")
    items: list[OverrideItem]
    next: int | None = Field(description="the parameter after of the next page")


class UndoRequest(BaseModel):
    """What is to be taken back."""

    model_config = ConfigDict(extra="forbid")

    seq: int = Field(strict=True, ge=1, le=2**53, description="its number in the audit trail")
    reason: str = Field("", max_length=MAX_REASON)


class UndoAnswer(BaseModel):
    """It was."""

    seq: int = Field(description="of the new entry: undoing that is redoing")


IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", description='the list\'s ETag, or * for any: "0" for an untouched one'
    ),
]


def overrides_router(desk: ApiContext) -> APIRouter:
    """Routes for pins and hides."""
    router = make_router("editors")
    editor = desk.auth.require(Role.EDITOR)

    @router.get(
        "/overrides",
        summary="Pins and hides: of one list, into lists, or all",
        dependencies=[Depends(editor)],
        responses=problems(),
    )
    def get_overrides(
        response: Response,
        article_id: Id | None = None,
        target_id: Target | None = None,
        after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    ) -> OverridesAnswer:
        return _read(desk, article_id, target_id, after, response)

    @router.put(
        "/overrides",
        summary="Pin or hide an article in a list",
        description="The target must be in the live build. One that readers can't see now is "
        "accepted with a warning: it takes effect once they can.",
        responses=problems(400, 404, 412, 413, 428),
    )
    def put_override(
        article_id: Id,
        target_id: Target,
        change: OverrideChange,
        response: Response,
        identity: Identity = Depends(editor),
        if_match: IfMatch = None,
    ) -> OverridesAnswer:
        version = read_version(if_match)
        _check_known(desk, article_id, target_id)
        with _conflicts_told(desk, article_id):
            desk.database().overrides.put(
                identity.actor,
                article_id=article_id,
                target_id=target_id,
                kind=OverrideKind(change.kind),
                position=change.position,
                reason=change.reason,
                not_related=change.not_related,
                until=change.until,
                if_version=version,
            )
        desk.live.refresh()
        return _list(desk, article_id, response)

    @router.delete(
        "/overrides",
        summary="Take back what was decided about an article in a list",
        responses=problems(404, 412, 428),
    )
    def delete_override(
        article_id: Id,
        target_id: Target,
        response: Response,
        identity: Identity = Depends(editor),
        reason: Annotated[str, Query(max_length=MAX_REASON)] = "",
        if_match: IfMatch = None,
    ) -> OverridesAnswer:
        version = read_version(if_match)
        with _conflicts_told(desk, article_id):
            desk.database().overrides.remove(
                identity.actor,
                article_id=article_id,
                target_id=target_id,
                reason=reason,
                if_version=version,
            )
        desk.live.refresh()
        return _list(desk, article_id, response)

    @router.post(
        "/undo",
        summary="Take back a decision, if nothing newer touched the same thing",
        responses=problems(400, 404, 409, 413),
    )
    def undo(request: UndoRequest, identity: Identity = Depends(editor)) -> UndoAnswer:
        try:
            written = desk.database().undo(identity.actor, request.seq, reason=request.reason)
        except ConflictError as error:
            raise ProblemError(409, str(error)) from None
        desk.live.refresh()
        return UndoAnswer(seq=written.seq)

    return router


def _read(
    desk: ApiContext, article_id: str | None, target_id: str | None, after: int, response: Response
) -> OverridesAnswer:
    if article_id is not None and target_id is not None:
        raise ProblemError(422, "give article_id or target_id, not both", field="target_id")
    if article_id is not None:
        return _list(desk, article_id, response)
    overrides = desk.database().overrides
    if target_id is not None:
        return _answer(desk, overrides.into(target_id))
    found = overrides.all(after=after, limit=_PAGE)
    return _answer(desk, found, found[-1].id if len(found) == _PAGE else None)


def read_version(if_match: str | None) -> int | None:
    """The version that an ``If-Match`` names; ``None`` for any.

    Raises:
        ProblemError: 428 without one, 422 for what is no version.
    """
    if if_match is None:
        raise ProblemError(428, "send If-Match with the ETag of the list that you looked at, or *")
    if if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise ProblemError(
            422, f"If-Match is {if_match[:80]!r}; it must be an ETag of the list, or *"
        )
    return int(found[1])


def _check_known(desk: ApiContext, article_id: str, target_id: str) -> None:
    build = desk.served().build
    if build.row(article_id) is None:
        raise ProblemError(404, "the live build has no such article", field="article_id")
    if build.row(target_id) is None:
        raise ProblemError(
            422, f"target_id is {target_id[:80]!r}; the live build has none", field="target_id"
        )


@contextmanager
def _conflicts_told(desk: ApiContext, article_id: str) -> Iterator[None]:
    """Refuse a write on an older version with the list as it is now.

    Raises:
        ProblemError: 412.
    """
    try:
        yield
    except ConflictError as error:
        response = Response()
        current = _list(desk, article_id, response).model_dump(mode="json")
        raise ProblemError(
            412, str(error), headers={"ETag": response.headers["ETag"]}, current=current
        ) from None


def _list(desk: ApiContext, article_id: str, response: Response) -> OverridesAnswer:
    found = desk.database().overrides.of(article_id)
    response.headers["ETag"] = f'"{found.version}"'
    answer = _answer(desk, list(found.items))
    return answer.model_copy(update={"article_id": article_id, "version": found.version})


def _answer(
    desk: ApiContext, found: list[StoredOverride], following: int | None = None
) -> OverridesAnswer:
    items = [OverrideItem(**_describe(desk, each)) for each in found]
    return OverridesAnswer(article_id=None, version=None, items=items, next=following)


def _describe(desk: ApiContext, found: StoredOverride) -> dict[str, Any]:
    target = desk.standing(found.target_id)
    ended = found.until <= utc_now()
    warning = None
    if not ended and target is None:
        warning = "the live build has no such article"
    elif not ended and found.kind is OverrideKind.PIN and target is not VisibilityStatus.VISIBLE:
        warning = f"it is pinned, but {target}: readers don't see it"
    return {
        "article_id": found.article_id,
        "target_id": found.target_id,
        "kind": found.kind,
        "position": found.position,
        "reason": found.reason,
        "not_related": found.not_related,
        "author": found.author,
        "created": format_timestamp(found.created),
        "until": format_timestamp(found.until),
        "ended": ended,
        "target": target,
        "warning": warning,
    }

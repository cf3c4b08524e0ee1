"""API routes for judgments of links and for the audit trail."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, BeforeValidator, Field

from service.api.api_models import ApiModel, ReasonText, RequestModel
from service.api.editorial_router import Id, Target, make_router, problems
from service.decisions.decision_rules import MAX_NAME
from service.decisions.judgments import Judgment
from service.http.audit_export import download
from service.http.auth import Identity
from service.http.editorial_context import EditorialContext
from service.http.timestamps import Timestamp
from service.roles import Role

MAX_PAGE = 1_000


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a verdict must be 1 or -1, not a boolean")
    return value


class JudgmentChange(RequestModel):
    """A request to judge a link, an article in another one's list, as good or bad."""

    verdict: Annotated[Literal[-1, 1], BeforeValidator(_no_boolean)]
    """1 for a good link, -1 for a bad one"""

    build: str = Field("", max_length=40, pattern=r"^([0-9]{8}T[0-9]{6}Z-[0-9a-f]{6})?$")
    """the build whose list was judged"""

    reason: ReasonText = ""


class JudgmentItem(ApiModel):
    """One editor's judgment whether an article in another one's list is a good or bad link."""

    article_id: str
    target_id: str
    verdict: Literal[-1, 1]
    author: str
    build: str
    reason: str
    created: Timestamp


class JudgmentsAnswer(ApiModel):
    """Judgments, sorted by article, target and author."""

    items: list[JudgmentItem]


class AuditItem(ApiModel):
    """One entry of the audit trail."""

    seq: int
    at: Timestamp
    who: str
    how: str
    action: str
    article_id: str
    """empty if the entry is about an account or a token"""

    target_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str


class AuditAnswer(ApiModel):
    """A page of the audit trail, latest first."""

    items: list[AuditItem]
    next: int | None
    """the value of before to get the next page; null on the last page"""


_NAME = r"^[^\u0000-\u001f\u007f-\u009f]+$"


def _printable(value: str) -> str:
    if not re.fullmatch(_NAME, value):
        raise ValueError("a name must not contain control characters")
    return value


Name = Annotated[
    str,
    Query(min_length=1, max_length=MAX_NAME, json_schema_extra={"pattern": _NAME}),
    AfterValidator(_printable),
]


def judgments_router(context: EditorialContext) -> APIRouter:
    """Returns the routes for judgments and the audit trail."""
    editor = context.auth.require(Role.EDITOR)
    router = make_router("editors", editor)

    @router.get("/judgments", summary="List judgments of links as good or bad")
    def get_judgments(article_id: Id | None = None) -> JudgmentsAnswer:
        judgments = context.database().judgments
        return _judgments(judgments.all() if article_id is None else judgments.of(article_id))

    @router.put(
        "/judgments",
        summary="Judge a link as good or bad; replaces your earlier judgment",
        responses=problems(404),
    )
    def put_judgment(
        article_id: Id,
        target_id: Target,
        change: JudgmentChange,
        identity: Identity = Depends(editor),
    ) -> JudgmentsAnswer:
        context.actions.store(
            lambda database: database.judgments.put(
                identity, article_id=article_id, target_id=target_id, **change.model_dump()
            ),
            known=(article_id, target_id),
        )
        return _judgments(context.database().judgments.of(article_id))

    @router.delete("/judgments", summary="Remove your judgment of a link", responses=problems(404))
    def delete_judgment(
        article_id: Id, target_id: Target, identity: Identity = Depends(editor)
    ) -> JudgmentsAnswer:
        judgments = context.database().judgments
        judgments.remove(identity, article_id=article_id, target_id=target_id)
        return _judgments(judgments.of(article_id))

    @router.get("/audit", summary="List the audit trail, latest first")
    def audit(
        before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
        article_id: Id | None = None,
        who: Name | None = None,
    ) -> AuditAnswer:
        found = context.database().audit.latest(
            before=before, limit=limit, article_id=article_id, who=who
        )
        return AuditAnswer(
            items=[AuditItem(**asdict(entry)) for entry in found],
            next=found[-1].seq if len(found) == limit else None,
        )

    @router.get(
        "/audit.csv",
        summary="Download the whole audit trail as CSV, oldest first",
        response_class=Response,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    def audit_csv() -> Response:
        return download(context.database().audit.all(), "audit.csv")

    return router


def _judgments(found: Iterable[Judgment]) -> JudgmentsAnswer:
    return JudgmentsAnswer(items=[JudgmentItem(**asdict(each)) for each in found])

"""Finding articles, and seeing why their lists are as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from index.query import MAX_LIMIT
from service.api.api_context import ApiContext, Card, Id, describe_row, make_router, now, problems
from service.api.openapi import RelatedItem
from service.curation.article_search import SearchQuery as SearchQuery
from service.curation.preview import LeftOut, Preview, make_preview
from service.decisions.decision_state import OverrideKind
from service.http.list_rendering import items_json
from service.http.problems import ProblemError
from service.http.timestamps import format_timestamp
from service.roles import Role
from service.serving.serving_view import ServingView
from service.serving.visibility_status import VisibilityStatus

MAX_PAGE = 100
MAX_OFFSET = 10_000_000


class Counts(BaseModel):
    """How many of all hits each filter would keep."""

    standing: dict[VisibilityStatus, int]
    weak: int
    orphans: int
    overridden: int
    changed: int | None = Field(description="null if there is no earlier build to compare with")
    language: dict[str, int] = Field(description="the commonest 100")
    tag: dict[str, int] = Field(description="the commonest 100")


class SearchAnswer(BaseModel):
    """Articles found."""

    build: str
    total: int
    near: bool = Field(description="some hits hold only words that are spelled nearly so")
    items: list[Card] = Field(max_length=MAX_PAGE)
    counts: Counts


class CandidateCard(Card):
    """An article that was considered for a list."""

    score: float | None = Field(description="null for what the build left out, as it keeps none")
    shared_terms: list[str] = Field(max_length=4)
    position: int | None = Field(description="where readers see it; null if they don't")
    left_out: LeftOut | None = Field(description="why readers don't see it; null if they do")
    same_as: str | None = Field(description="the article that stands for the story of both")
    moment: str | None = Field(description="when it appears or returns")


class PreviewOverride(BaseModel):
    """What an editor decided about this list, and whether it can do anything."""

    target_id: str
    kind: OverrideKind
    position: int | None
    until: str | None
    target: VisibilityStatus | None = Field(
        description="null if the live build has no such article"
    )
    shown: bool = Field(description="whether readers see the target in this list")


class InboundCard(Card):
    """An article in whose list this one is shown."""

    position: int


class PreviewAnswer(BaseModel):
    """One list: what readers see, and why."""

    build: str
    version: int = Field(description="of the decisions that were looked at")
    article: Card
    items: list[RelatedItem] = Field(
        max_length=MAX_LIMIT,
        description="exactly what /v1/related gives the site, or would while the article itself "
        "is not visible",
    )
    candidates: list[CandidateCard] = Field(
        description="what the build ranked, best first, then what it left out itself"
    )
    overrides: list[PreviewOverride]
    inbound: list[InboundCard]
    more_inbound: bool


def articles_router(desk: ApiContext) -> APIRouter:
    """Routes for editors that look at the live build."""
    router = make_router("editors")
    identity = Depends(desk.auth.require(Role.EDITOR))

    @router.get(
        "/articles",
        summary="Find articles by words or by what is wrong with their links",
        dependencies=[identity],
        responses=problems(),
    )
    def search(
        q: Annotated[
            str,
            Query(
                max_length=200,
                description="beginnings of words in id, title or text; one letter of a word of "
                "five or more may be wrong",
            ),
        ] = "",
        standing: VisibilityStatus | None = None,
        language: Annotated[str | None, Query(max_length=35)] = None,
        tag: Annotated[str | None, Query(max_length=500)] = None,
        weak: Annotated[bool, Query(description="their best link is too weak to be shown")] = False,
        orphans: Annotated[bool, Query(description="they are in nobody's shown list")] = False,
        overridden: Annotated[bool, Query(description="editors pinned or hid something")] = False,
        changed: Annotated[bool, Query(description="the last build changed their list")] = False,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    ) -> SearchAnswer:
        served, moment = desk.served(), now()
        query = SearchQuery(
            words=q,
            standing=standing,
            language=language,
            tag=tag,
            weak=weak,
            orphans=orphans,
            overridden=overridden,
            changed=changed,
        )
        found = desk.finder.find(served, query, now=moment, limit=limit, offset=offset)
        counts = found.counts
        return SearchAnswer(
            build=served.build.name,
            total=found.total,
            near=found.near,
            items=[Card(**describe_row(served, row, moment)) for row in found.rows],
            counts=Counts(
                standing=dict(counts.standings),
                weak=counts.weak,
                orphans=counts.orphans,
                overridden=counts.overridden,
                changed=counts.changed,
                language=dict(counts.languages),
                tag=dict(counts.tags),
            ),
        )

    @router.get(
        "/preview",
        summary="An article's list as the site gets it, and why it is so",
        dependencies=[identity],
        responses=problems(404),
    )
    def preview(id: Id) -> PreviewAnswer:
        return article_preview(desk, id)

    return router


def article_preview(desk: ApiContext, article_id: str) -> PreviewAnswer:
    """The preview of one article.

    Raises:
        ProblemError: 404 if the live build has no such article.
    """
    served, moment = desk.served(), now()
    row = served.build.row(article_id)
    if row is None:
        raise ProblemError(404, "the live build has no such article", field="id")
    found = make_preview(served, row, now=moment, query=desk.settings.query)

    def card(of: int) -> dict[str, Any]:
        return describe_row(served, of, moment)

    return PreviewAnswer(
        build=served.build.name,
        version=served.state.version,
        article=Card(**card(row)),
        items=json.loads(items_json(served.build, found.chosen)),
        candidates=_candidates(served, found, card),
        overrides=[
            PreviewOverride(
                target_id=each.override.target_id,
                kind=each.override.kind,
                position=each.override.position,
                until=format_timestamp(each.override.until),
                target=each.target,
                shown=each.shown,
            )
            for each in found.overrides
        ],
        inbound=[InboundCard(**card(link.row), position=link.position) for link in found.inbound],
        more_inbound=found.more_inbound,
    )


def _candidates(
    served: ServingView, found: Preview, card: Callable[[int], dict[str, Any]]
) -> list[CandidateCard]:
    return [
        CandidateCard(
            **card(each.row),
            score=each.score,
            shared_terms=list(each.shared_terms),
            position=each.position,
            left_out=each.left_out,
            same_as=None if each.same_as is None else served.build.article_id(each.same_as),
            moment=format_timestamp(each.moment),
        )
        for each in found.candidates
    ]

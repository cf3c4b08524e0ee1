"""Routes that find articles and explain their lists."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from index.query import MAX_LIMIT
from service.api.editorial_router import Id, make_router, problems
from service.api.openapi import RelatedItem
from service.curation.article_row import read_article_row
from service.curation.article_search import SearchQuery
from service.curation.preview import LeftOut, make_preview
from service.decisions.decision_state import OverrideKind
from service.errors import UnknownArticleError
from service.http.editorial_context import EditorialContext
from service.http.list_json import items_json
from service.http.timestamps import Timestamp
from service.roles import Role
from service.serving.visibility_status import VisibilityStatus

MAX_PAGE = 100
MAX_OFFSET = 10_000_000


class Card(BaseModel):
    """An article in a list."""

    article_id: str
    title: str
    url: str
    date: str | None = Field(description="YYYY-MM-DD; may lie in the future")
    language: str | None
    standing: VisibilityStatus


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
    """A page of hits."""

    build: str
    total: int
    near: bool = Field(description="some hits hold only words of a similar spelling")
    items: list[Card] = Field(max_length=MAX_PAGE)
    counts: Counts


class CandidateCard(Card):
    """A candidate for a list."""

    score: float | None = Field(
        description="null for an article that the build left out, as it keeps none"
    )
    shared_terms: list[str] = Field(max_length=4)
    position: int | None = Field(description="where readers see it; null if they don't")
    left_out: LeftOut | None = Field(description="why readers don't see it; null if they do")
    same_as: str | None = Field(description="the article that readers get for the story of both")
    moment: Timestamp = Field(
        description="when a scheduled one appears, or a taken-down one returns"
    )


class PreviewOverride(BaseModel):
    """A pin or hide in this list, and whether it has an effect."""

    target_id: str
    kind: OverrideKind
    position: int | None
    until: Timestamp
    target: VisibilityStatus | None = Field(
        description="null if the live build has no such article"
    )
    shown: bool = Field(description="whether readers see the target in this list")


class InboundCard(Card):
    """An article in whose list this one is shown."""

    position: int


class PreviewAnswer(BaseModel):
    """One article's list: what readers see, and why."""

    build: str
    version: int = Field(description="of the decisions that this preview is based on")
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


def articles_router(context: EditorialContext) -> APIRouter:
    """Routes that search and explain the live build."""
    router = make_router("editors")
    identity = Depends(context.auth.require(Role.EDITOR))

    @router.get(
        "/articles",
        summary="Find articles by words or by problems with their links",
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
        view, now = context.live.view()
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
        result = context.search.find(view, query, now=now, limit=limit, offset=offset)
        return SearchAnswer(
            build=view.build.name,
            total=result.total,
            near=result.near,
            items=[Card(**asdict(read_article_row(view, row, now))) for row in result.rows],
            counts=Counts(**asdict(result.counts)),
        )

    @router.get(
        "/preview",
        summary="An article's list as the site gets it, and the reasons for it",
        dependencies=[identity],
        responses=problems(404),
    )
    def preview(id: Id) -> PreviewAnswer:
        return _preview(context, id)

    return router


def _preview(context: EditorialContext, article_id: str) -> PreviewAnswer:
    """The preview of one article.

    Raises:
        UnknownArticleError: If the live build has no such article.
    """
    view, now = context.live.view()
    build = view.build
    row = build.row(article_id)
    if row is None:
        raise UnknownArticleError(
            "id", f"the live build {build.name} has no article {article_id[:80]!r}"
        )
    preview = make_preview(view, row, now=now, query=context.query)

    def values(of: int) -> dict[str, Any]:
        return asdict(read_article_row(view, of, now))

    return PreviewAnswer(
        build=build.name,
        version=view.state.version,
        article=Card(**values(row)),
        items=json.loads(items_json(build, preview.chosen)),
        candidates=[
            CandidateCard(
                **values(each.row)
                | asdict(each)
                | {"same_as": None if each.same_as is None else build.article_id(each.same_as)}
            )
            for each in preview.candidates
        ],
        overrides=[
            PreviewOverride(**asdict(each.override), target=each.target, shown=each.shown)
            for each in preview.overrides
        ],
        inbound=[
            InboundCard(**values(link.row), position=link.position) for link in preview.inbound
        ],
        more_inbound=preview.more_inbound,
    )

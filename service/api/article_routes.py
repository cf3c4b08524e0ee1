"""API routes that search articles and preview their lists."""

import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from index.query import MAX_LIMIT
from service.api.api_models import ApiModel, RelatedItem
from service.api.editorial_router import Id, make_router, problems
from service.api.override_routes import NamedOverride
from service.curation.article_search import (
    MAX_QUERY,
    SearchCounts,
    SearchQuery,
    SortOrder,
    read_article_row,
)
from service.curation.decision_actions import find_row
from service.curation.preview import LeftOut, make_preview
from service.decisions.list_scope import scope_values
from service.http.editorial_context import EditorialContext
from service.http.list_json import items_json
from service.http.timestamps import Timestamp
from service.roles import Role
from service.serving.serving_view import VisibilityStatus

MAX_PAGE = 100
MAX_OFFSET = 10_000_000


class SearchParameters(ApiModel):
    """The query parameters of a search for articles."""

    q: str = Field(
        "",
        max_length=MAX_QUERY,
        description="words, or beginnings of words, in id, title or text; words of five "
        "or more letters are also found with one wrong letter",
    )
    standing: VisibilityStatus | None = None
    language: Annotated[str, Field(max_length=35)] | None = None
    tag: Annotated[str, Field(max_length=500)] | None = None
    weak: bool = False
    """only articles without a good related article"""

    orphans: bool = False
    """only articles that no other list shows"""

    overridden: bool = False
    """only articles with pins or hides in their list"""

    changed: bool = False
    """only articles that are new, or whose list changed"""

    sort: SortOrder | None = Field(
        None,
        description="what comes first: the newest articles, those with the weakest best link, or "
        "those in the fewest or most lists of the build, before pins, hides and the pages' own "
        "links; by default the best matches, without words the newest",
    )
    limit: int = Field(20, ge=1, le=MAX_PAGE)
    offset: int = Field(0, ge=0, le=MAX_OFFSET)


class Card(ApiModel):
    """One article among the search hits, with the fields that editors see."""

    article_id: str
    title: str
    url: str
    date: str | None
    """YYYY-MM-DD; may be in the future"""

    language: str | None
    standing: VisibilityStatus


class SearchAnswer(ApiModel):
    """One page of the articles that a search found."""

    build: str
    total: int
    near: bool
    """true if the words were only found in a similar spelling"""

    items: list[Card] = Field(max_length=MAX_PAGE)
    counts: SearchCounts


class CandidateCard(Card):
    """An article that was considered for another article's list, shown there or not."""

    score: float | None
    """how close the two articles are; null if the build rejected the candidate"""

    shared_terms: list[str] = Field(max_length=4)
    sentence: str
    """why the two articles are related, for people"""

    position: int | None
    """position in the list; null if the list does not show it"""

    left_out: LeftOut | None
    """why the list does not show it; null if the list does"""

    same_as: str | None
    """the version of the same story that the list shows instead, if left_out is same-story"""

    moment: Timestamp
    """when the article becomes visible, if it is scheduled or taken down"""


class PreviewOverride(NamedOverride):
    """A pin or hide of an editor in the previewed list, and whether the list shows its article."""

    shown: bool
    """whether the list shows the pinned or hidden article"""


class InboundCard(Card):
    """An article whose list shows the previewed article."""

    position: int


class PreviewAnswer(ApiModel):
    """One article's list as readers see it, and why other candidates are left out."""

    build: str
    version: int
    """version of the decisions that this preview is based on"""

    article: Card
    items: list[RelatedItem] = Field(
        max_length=MAX_LIMIT,
        description="the list exactly as /v1/related returns it, or would return it if the "
        "article itself were visible",
    )
    candidates: list[CandidateCard]
    """the candidates that the build ranked, best first, then those it rejected"""

    overrides: list[PreviewOverride]
    inbound: list[InboundCard]
    more_inbound: bool


def articles_router(context: EditorialContext) -> APIRouter:
    """Returns the routes that search articles and preview lists."""
    router = make_router("editors", context.auth.require(Role.EDITOR))

    @router.get("/articles", summary="Search articles by words, visibility, tag or weak links")
    def search(given: Annotated[SearchParameters, Query()]) -> SearchAnswer:
        context.live.follow_decisions()  # those of other workers, too
        view, now = context.live.view()
        query = SearchQuery(words=given.q, **given.model_dump(exclude={"q", "limit", "offset"}))
        limit, offset = given.limit, given.offset
        result = context.search.find(view, query, now=now, limit=limit, offset=offset)
        return SearchAnswer(
            build=view.build.name,
            total=result.total,
            near=result.near,
            items=[Card(**asdict(read_article_row(view, row, now))) for row in result.rows],
            counts=result.counts,
        )

    @router.get(
        "/preview",
        summary="Preview an article's list, with its candidates, pins and hides",
        responses=problems(404),
    )
    def preview(id: Id) -> PreviewAnswer:
        context.live.follow_decisions()  # those of other workers, too
        view, now = context.live.view()
        build = view.build
        row = find_row(build, id)
        found = make_preview(view, row, now=now, query=context.query)

        def values(of: int) -> dict[str, Any]:
            return asdict(read_article_row(view, of, now))

        return PreviewAnswer(
            build=build.name,
            version=view.state.version,
            article=Card(**values(row)),
            items=json.loads(items_json(build, found.chosen)),
            candidates=[
                CandidateCard(
                    **values(each.row)
                    | asdict(each)
                    | {"same_as": None if each.same_as is None else build.article_id(each.same_as)}
                )
                for each in found.candidates
            ],
            overrides=[
                PreviewOverride(
                    **asdict(each.override)
                    | scope_values(each.override.article_id, each.override.target_id),
                    target=each.target,
                    shown=each.shown,
                )
                for each in found.overrides
            ],
            inbound=[
                InboundCard(**values(link.row), position=link.position) for link in found.inbound
            ],
            more_inbound=found.more_inbound,
        )

    return router

"""Many lists by one request, for pages that show several articles and for warming caches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.params import Depends
from pydantic import BaseModel, ConfigDict, Field

from index.query import MAX_LIMIT, Fallback, Order, RelatedQuery
from recommender.article import check_id
from recommender.errors import ArticleError
from service.api.editorial_router import problems
from service.api.openapi import Problem, RelatedAnswer
from service.http.header_lines import by_name
from service.http.problems import MEDIA_TYPE, ProblemError
from service.http.query_params import MAX_EXCLUDE, check_language
from service.http.related_lists import ListRequest, RelatedLists, not_ready
from service.serving.live import Generation, Live

MAX_IDS = 100

_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


class BatchQuestion(BaseModel):
    """What is asked; all but the ids means what it means for one list."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[str], Field(min_length=1, max_length=MAX_IDS)]
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, strict=True)] | None = None
    min_score: Annotated[float, Field(ge=0, le=1, strict=True)] | None = None
    fallback: Fallback | None = None
    sort: Order | None = None
    language: str | None = None
    exclude: Annotated[list[str], Field(max_length=MAX_EXCLUDE)] = []


class BatchResult(BaseModel):
    """What became of one id."""

    article_id: str
    status: int = Field(description="200, 404 (unknown or not visible) or 422 (no article's id)")
    answer: RelatedAnswer | None = Field(None, description="what the id alone would get, if 200")
    problem: Problem | None = Field(None, description="if not")


class BatchAnswer(BaseModel):
    """One result for each id, in the order asked; all from one build and one moment."""

    build: str
    results: list[BatchResult]


def batch_router(live: Live, lists: RelatedLists, reading: Sequence[Depends]) -> APIRouter:
    """The route ``/v1/related/batch``.

    Args:
        live: What is served.
        lists: Makes and keeps related lists.
        reading: Lets those through who may read, where that takes a token.
    """
    router = APIRouter(tags=["site"], dependencies=reading)

    @router.post(
        "/v1/related/batch",
        summary="Related articles of up to 100 articles",
        response_class=Response,
        responses={
            200: {"description": "One result for each id", "model": BatchAnswer},
            400: {"description": "The body is not UTF-8", **_PROBLEM},
            408: {"description": "The body came too slowly", **_PROBLEM},
            413: {"description": "The body is too large", **_PROBLEM},
            422: {"description": "A parameter is wrong; it is named", **_PROBLEM},
            503: {"description": "Nothing is served now", **_PROBLEM},
            **(problems() if reading else {}),
        },
    )
    async def related_batch(question: BatchQuestion, request: Request) -> Response:
        now = live.clock()
        generation = live.at(now)
        if generation is None:
            raise not_ready()
        query = _query(question, lists.defaults)
        results = []
        for article_id in question.ids:
            results.append(_result(lists, generation, article_id, query, now))
            await asyncio.sleep(0)  # readers of single lists come in between
        body = b'{"build":"%b","results":[%b]}' % (
            generation.served.build.name.encode(),
            b",".join(results),
        )
        response = Response(body, media_type="application/json")
        allowed = lists.cors.allow(by_name(request.headers.raw))
        vary = lists.cors.vary(*lists.private)
        for name, value in (*lists.cors.always, *allowed, vary):
            if value:
                response.headers.append(name.decode(), value.decode())
        response.headers["cache-control"] = "no-store"
        return response

    return router


def _query(question: BatchQuestion, defaults: RelatedQuery) -> RelatedQuery:
    for article_id in question.exclude:
        try:
            check_id(article_id, field="exclude")
        except ArticleError as error:
            raise ProblemError(422, str(error), field="exclude") from None

    def given(value: Any, default: Any) -> Any:
        return default if value is None else value

    return RelatedQuery(
        limit=given(question.limit, defaults.limit),
        min_score=given(question.min_score, defaults.min_score),
        fallback=given(question.fallback, defaults.fallback),
        order=given(question.sort, defaults.order),
        language=None if question.language is None else check_language(question.language),
        exclude=frozenset(question.exclude),
    )


def _result(
    lists: RelatedLists, generation: Generation, article_id: str, query: RelatedQuery, now: int
) -> bytes:
    name = json.dumps(article_id).encode()  # escaped, as it may be no valid Unicode
    try:
        try:
            check_id(article_id, field="ids")
        except ArticleError as error:
            raise ProblemError(422, str(error), field="ids") from None
        answer = lists.find(generation, ListRequest(article_id, False, query), now)
    except ProblemError as problem:
        return b'{"article_id":%b,"status":%d,"problem":%b}' % (
            name,
            problem.status,
            problem.body(),
        )
    return b'{"article_id":%b,"status":200,"answer":%b}' % (name, answer.body)

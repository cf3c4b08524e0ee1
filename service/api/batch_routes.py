"""Related lists of many articles in one request, for pages that show several articles."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.params import Depends
from pydantic import BaseModel, Field, Strict

from index.query import Limit, MinScore, RelatedQuery
from service.api.editorial_router import problems
from service.api.openapi import Problem, RelatedAnswer
from service.api.query_body import QueryBody, described
from service.http.headers import by_name
from service.http.problems import ProblemError, not_ready
from service.http.query_params import check_article_id, check_language
from service.http.related_lists import ListRequest, RelatedLists
from service.serving.live import Generation, Live

MAX_IDS = 100


class BatchQuestion(QueryBody):
    """Articles, and a query that holds for each of their lists."""

    ids: Annotated[
        list[str], Field(min_length=1, max_length=MAX_IDS, description="the articles asked about")
    ]
    limit: Annotated[Limit, Strict()] | None = described("limit")
    min_score: Annotated[MinScore, Strict()] | None = described("min_score")
    language: str | None = described("language")


class BatchResult(BaseModel):
    """The result for one id."""

    article_id: str = Field(description="the id as it was given")
    status: int = Field(description="200, 404 (unknown or not visible) or 422 (no article's id)")
    answer: RelatedAnswer | None = Field(None, description="what the id alone would get, if 200")
    problem: Problem | None = Field(None, description="what is wrong, if not 200")


class BatchAnswer(BaseModel):
    """One result for each id, in the order asked; all from one build and one moment."""

    build: str = Field(description="the name of the build that all lists are from")
    results: list[BatchResult] = Field(description="one for each id")


def batch_router(live: Live, lists: RelatedLists, reading: Sequence[Depends]) -> APIRouter:
    """The route ``/v1/related/batch``.

    Args:
        live: What is served.
        lists: Makes and caches related lists.
        reading: Checks who may read, where that takes a token.
    """
    router = APIRouter(tags=["site"], dependencies=reading)

    @router.post(
        "/v1/related/batch",
        summary="Related articles of up to 100 articles",
        response_class=Response,
        responses={
            200: {"description": "One result for each id", "model": BatchAnswer},
            400: {"description": "The body is not UTF-8"},
            408: {"description": "The body came too slowly"},
            413: {"description": "The body is too large"},
            422: {"description": "A parameter is wrong; it is named"},
            503: {"description": "Nothing is served now"},
            **(problems() if reading else {}),
        },
    )
    async def related_batch(question: BatchQuestion, request: Request) -> Response:
        """Each id gets the list that /v1/related would give it, all from the same build.

        An id that is unknown or invisible has a problem in place of its list.
        """
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
        check_article_id("exclude", article_id)
    if question.language is not None:
        check_language(question.language)
    return question.query(defaults)


def _result(
    lists: RelatedLists, generation: Generation, article_id: str, query: RelatedQuery, now: int
) -> bytes:
    quoted_id = json.dumps(article_id).encode()  # escaped, as it may be no valid Unicode
    try:
        check_article_id("ids", article_id)
        response = lists.find(generation, ListRequest(article_id, False, query), now)
    except ProblemError as problem:
        return b'{"article_id":%b,"status":%d,"problem":%b}' % (
            quoted_id,
            problem.status,
            problem.body(),
        )
    return b'{"article_id":%b,"status":200,"answer":%b}' % (quoted_id, response.body)

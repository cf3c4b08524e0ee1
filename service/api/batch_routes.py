"""The API route that returns the related lists of several articles in one request."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.params import Depends
from pydantic import Field, Strict

from index.query import Limit, MinScore, RelatedQuery
from service.api.api_models import ApiModel, Problem, RelatedAnswer
from service.api.editorial_router import problems
from service.api.query_body import QueryBody, described
from service.http.headers import by_name
from service.http.problems import ProblemError, not_ready
from service.http.query_params import check_article_id, check_excluded, check_language
from service.http.related_lists import RelatedLists
from service.serving.live import Generation, Live

MAX_IDS = 100


class BatchQuestion(QueryBody):
    """The ids of several articles, and one query for all of their lists."""

    ids: Annotated[
        list[str], Field(min_length=1, max_length=MAX_IDS, description="the ids of the articles")
    ]
    limit: Annotated[Limit, Strict()] | None = described("limit")
    min_score: Annotated[MinScore, Strict()] | None = described("min_score")
    language: str | None = described("language")
    distinct: Annotated[bool, Strict()] = False
    """leave out of each list what an earlier list of the answer shows"""


class BatchResult(ApiModel):
    """The related list of one of the requested articles, or why there is none."""

    article_id: str
    """the id as given in the request"""

    status: int
    """200, 404 (unknown or not visible) or 422 (invalid id)"""

    answer: RelatedAnswer | None = None
    """the answer that /v1/related gives for the id, if the status is 200"""

    problem: Problem | None = None
    """the error, if the status is not 200"""


class BatchAnswer(ApiModel):
    """One result for each id, in the order of the request; all from one build at one moment."""

    build: str
    """the name of the build from which all lists were answered"""

    results: list[BatchResult]
    """one result for each id"""


def batch_router(live: Live, lists: RelatedLists, reading: Sequence[Depends]) -> APIRouter:
    """Returns the route ``/v1/related/batch``.

    Args:
        live: Holds the build that is served.
        lists: Renders and caches related lists.
        reading: FastAPI dependencies that check the client's token, if reading requires one.
    """
    router = APIRouter(tags=["site"], dependencies=reading)

    @router.post(
        "/v1/related/batch",
        summary="Related articles of up to 100 articles",
        response_class=Response,
        responses={
            200: {"description": "One result for each id", "model": BatchAnswer},
            400: {"description": "The body is not UTF-8"},
            408: {"description": "The body arrived too slowly"},
            422: {"description": "A parameter is invalid; the answer names it"},
            503: {"description": "No build is served now"},
            **(problems() if reading else {}),
        },
    )
    async def related_batch(question: BatchQuestion, request: Request) -> Response:
        """Returns for each id the list that /v1/related returns, all from one build.

        For an id that is unknown or not visible, the result holds an error instead of a list.
        With `distinct`, no article is in two of the lists.
        """
        now = live.clock()
        generation = live.at(now)
        if generation is None:
            raise not_ready()
        for article_id in question.exclude:
            check_excluded(article_id)
        if question.language is not None:
            check_language(question.language)
        query = question.query(lists.defaults)
        results = []
        for article_id in question.ids:
            results.append(_result(lists, generation, article_id, query, now))
            if question.distinct:
                query = replace(query, exclude=query.exclude | _shown(results[-1]))
            await asyncio.sleep(0)  # lets other requests be answered in between
        body = b'{"build":"%b","results":[%b]}' % (
            generation.served.build.name.encode(),
            b",".join(results),
        )
        response = Response(body, media_type="application/json")
        allowed = lists.cors.allow(by_name(request.headers.raw))
        vary = lists.cors.vary(*lists.private)
        for name, value in (*lists.cors.always, *allowed, *vary):
            response.headers.append(name.decode(), value.decode())
        return response

    return router


def _shown(result: bytes) -> set[str]:
    """Returns the ids of the articles that a result's list shows."""
    answer = json.loads(result).get("answer", {"items": []})
    return {item["article_id"] for item in answer["items"]}


def _result(
    lists: RelatedLists, generation: Generation, article_id: str, query: RelatedQuery, now: int
) -> bytes:
    quoted_id = json.dumps(article_id).encode()  # escaped: it may be invalid Unicode
    try:
        check_article_id("ids", article_id)
        response = lists.find(generation, article_id, query, now, as_html=False)
    except ProblemError as problem:
        return b'{"article_id":%b,"status":%d,"problem":%b}' % (
            quoted_id,
            problem.status,
            problem.body(),
        )
    return b'{"article_id":%b,"status":200,"answer":%b}' % (quoted_id, response.body)

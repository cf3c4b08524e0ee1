"""What the editors' routes have in common: the desk they work at, parameters, documented errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from index.build.build import Build
from index.query import ID_PATTERN
from index.root.root import Root
from recommender.article import MAX_ID_BYTES, check_id
from recommender.errors import ArticleError
from service.curation.article_search import ArticleSearch
from service.decisions.database import Database
from service.http.auth import Auth
from service.http.problems import MEDIA_TYPE, ProblemError, not_ready
from service.http.query_params import parse_query
from service.serving.live import Live
from service.serving.serving_view import ServingView
from service.serving.visibility_status import VisibilityStatus, visibility_status
from service.settings import Settings


class ApiContext:
    """What the routes read and change.

    Args:
        live: What is served.
        settings: The effective ones.
        database: Gives the database of decisions, or raises
            :class:`~index.errors.DatabaseError`.
    """

    def __init__(self, live: Live, settings: Settings, database: Callable[[], Database]) -> None:
        self.live = live
        self.settings = settings
        self.database = database
        self.auth = Auth(settings, database)
        self.finder = ArticleSearch(live.root, settings.min_score, settings.limit)

    @property
    def root(self) -> Root:
        """Where builds are."""
        return self.live.root

    def served(self) -> ServingView:
        """What readers get now.

        Raises:
            ProblemError: 503, while nothing is served.
        """
        found = self.find_served()
        if found is None:
            raise not_ready()
        return found

    def find_served(self) -> ServingView | None:
        """What readers get now; ``None`` while nothing is served."""
        generation = self.live.at(now())
        return None if generation is None else generation.served

    def standing(self, article_id: str) -> VisibilityStatus | None:
        """Where an article stands with readers; ``None`` if the live build has no such article."""
        served = self.find_served()
        row = None if served is None else served.build.row(article_id)
        return None if served is None or row is None else visibility_status(served, row, now())


class Card(BaseModel):
    """An article in few words."""

    article_id: str
    title: str
    url: str
    date: str | None = Field(description="YYYY-MM-DD; may lie in the future")
    language: str | None
    standing: VisibilityStatus


def now() -> int:
    """This moment, microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def describe_row(served: ServingView, row: int, moment: int) -> dict[str, Any]:
    """The values of a :class:`Card`."""
    build = served.build
    card = read_card(build, row)
    return {
        **{name: card[name] for name in ("article_id", "title", "url", "date")},
        "language": build.language_names[int(build.languages[row])] or None,
        "standing": visibility_status(served, row, moment),
    }


def read_card(build: Build, row: int) -> dict[str, Any]:
    """A row's card, as the site gets it."""
    card: dict[str, Any] = json.loads(b"{%b}" % build.cards[row])
    return card


def private(request: Request, response: Response) -> None:
    """Of every editors' route: no cache may keep its answer, and its query must be plain.

    Raises:
        ProblemError: 422, for a parameter that is no UTF-8 or is given twice.
    """
    response.headers["Cache-Control"] = "no-store"
    for name, values in parse_query(request.scope["query_string"]).items():
        if len(values) > 1:
            raise ProblemError(
                422, f"the parameter {name[:80]} is given {len(values)} times", field=name[:80]
            )


def make_router(tag: str) -> APIRouter:
    """A router whose routes answer nobody but who asked."""
    return APIRouter(prefix="/v1", tags=[tag], dependencies=[Depends(private)])


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for its documentation; those that any may have come by themselves."""
    return {
        status: {
            "description": _DESCRIPTIONS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({401, 403, 422, 429, 503, *statuses})
    }


def _id(value: str) -> str:
    try:
        return check_id(value)
    except ArticleError as error:
        raise ValueError(str(error)) from None


def _query(description: str) -> Any:
    return Query(
        min_length=1,
        max_length=MAX_ID_BYTES,
        description=description,
        json_schema_extra={"pattern": ID_PATTERN},
    )


Id = Annotated[str, _query("the site's own id of an article"), AfterValidator(_id)]
"""An article's id as a query parameter: it may hold slashes, so it is none of the path's."""

Target = Annotated[str, _query("the article in that list"), AfterValidator(_id)]

_DESCRIPTIONS: Mapping[int, str] = {
    400: "The body can't be read",
    401: "Nobody known asks: the token is missing, or opens nothing",
    403: "The role is too low, or another site may have sent it",
    404: "There is no such thing",
    409: "It can't be done now; the detail says why",
    412: "Someone else changed it in the meantime; nothing was overwritten",
    413: "The body is too large",
    422: "A parameter is wrong; it is named",
    428: "If-Match is missing",
    429: "Too many wrong tokens from this address",
    503: "The database or the build is away; nothing was changed",
}

"""Code that the editors' JSON routes share: the router, id parameters and documented errors."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator

from index.query import ArticleId
from recommender.article import check_id
from recommender.errors import ArticleError
from service.decisions.list_scope import EVERY, tag_scope
from service.http.auth import Identity
from service.http.problems import ProblemError
from service.http.query_params import parse_query, refuse_repeated

PAGE = 1_000
"""How many items a page of a list has, where the request does not say it."""


def make_router(tag: str, *required: Callable[..., Identity]) -> APIRouter:
    """Returns a router for ``/v1`` that refuses repeated parameters.

    Args:
        tag: The group of its routes in the OpenAPI document.
        *required: FastAPI dependencies that refuse senders without a role, as ``Auth.require``
            returns them; they apply to each of its routes.
    """
    dependencies = [Depends(_check_query), *map(Depends, required)]
    return APIRouter(prefix="/v1", tags=[tag], dependencies=dependencies, responses=problems())


def _check_query(request: Request) -> None:
    """Refuses a parameter that is not UTF-8 or is given more than once, with status 422."""
    for name, values in parse_query(request.scope["query_string"]).items():
        refuse_repeated(name, values)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the error responses of a route, in the form of FastAPI's argument ``responses``.

    Those of bodies that can't be read are left out: the document adds them to every such route.

    Args:
        *statuses: The HTTP statuses; without any, those that all of the editors' routes share.
    """
    return {
        status: {"description": _DESCRIPTIONS[status]}
        for status in statuses or (401, 403, 422, 429, 503)
    }


def json_body(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the OpenAPI document's ``requestBody`` of a route that parses its JSON body itself.

    Args:
        schema: The JSON Schema of the body.
    """
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def _id(value: str) -> str:
    try:
        return check_id(value)
    except ArticleError as error:
        raise ValueError(str(error)) from None


_Id = Annotated[ArticleId, AfterValidator(_id)]

Id = Annotated[_Id, Query(description="the site's own id of an article")]
"""An article's id as a query parameter; it may hold slashes, so it can't be part of the path."""

After = Annotated[int, Query(ge=0, le=2**53)]
"""A query parameter that says after which item a page of a list begins; 0 for the first page."""

Target = Annotated[_Id, Query(description="the id of the article in the list")]

_Tag = Annotated[_Id, Query(description="a tag; upper and lower case are the same")]


def read_lists(
    article_id: Id | None = None, tag: _Tag | None = None, every: bool = False
) -> str | None:
    """FastAPI dependency that reads from the query string whose lists a pin or hide changes.

    Args:
        article_id: The article whose list it is.
        tag: The tag, if the lists of all articles with a tag are meant.
        every: Whether the lists of all articles are meant.

    Returns:
        The article's id, or the scope of the tag or of all, as
        :mod:`service.decisions.list_scope` writes it; ``None`` if none is given.

    Raises:
        ProblemError: 422 if more than one is given.
    """
    return _one("tag", article_id, tag, EVERY if every else None)


def read_target(target_id: Target | None = None, target_tag: _Tag | None = None) -> str | None:
    """FastAPI dependency that reads from the query string what is pinned or hidden.

    Args:
        target_id: The article.
        target_tag: The tag, if all articles with a tag are meant.

    Returns:
        The article's id, or the scope of the tag, as :mod:`service.decisions.list_scope` writes
        it; ``None`` if none is given.
    """
    return _one("target_tag", target_id, target_tag)


def _one(
    field: str, article_id: str | None, tag: str | None, scope: str | None = None
) -> str | None:
    given = [each for each in (article_id, tag and tag_scope(tag), scope) if each is not None]
    if len(given) > 1:
        raise ProblemError(
            422, "give only one of these: an article, a tag, or all articles", field=field
        )
    return given[0] if given else None


_DESCRIPTIONS: Mapping[int, str] = {
    401: "The token or session is missing, unknown or expired",
    403: "The role is too low, or the request may come from another site",
    404: "Not found; the detail says what",
    409: "The action is not possible now; the detail says why",
    412: "Someone else has changed the list in the meantime; nothing was overwritten",
    422: "A parameter is invalid; the answer names it",
    428: "If-Match is missing",
    429: "Too many wrong tokens from this address",
    503: "The database or the build is not available; nothing was changed",
}

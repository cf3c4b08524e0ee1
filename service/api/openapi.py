"""The OpenAPI document: the framework's own routes, and those that run in front of it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from index.articles.cleaning import MAX_URL
from index.query import MAX_LIMIT, Fallback, Order
from recommender.article import MAX_ID_BYTES
from service.http.problems import MEDIA_TYPE
from service.http.query_params import LANGUAGE_PATTERN, MAX_EXCLUDE
from service.serving.selection import Origin
from service.settings import Settings

ID_PATTERN = r"^(?!\.{1,2}$)(?!\s)[^\u0000-\u001f\u007f-\u009f]+(?<!\s)$"
"""What :func:`recommender.article.check_id` lets through, but for the length in bytes."""

_ID = {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES, "pattern": ID_PATTERN}


_PROBLEM = {"$ref": "#/components/schemas/Problem"}

_REFUSALS = {
    "401": "No token, or one that is unknown",
    "403": "The token's role is too low",
    "429": "Too many wrong tokens from this address",
}


class CardImage(BaseModel):
    """A card's picture."""

    src: str = Field(max_length=MAX_URL)
    alt: str


class RelatedItem(BaseModel):
    """One related article, ready to be shown."""

    article_id: str
    title: str
    url: str = Field(description="http, https, or relative to the site", max_length=MAX_URL)
    excerpt: str = Field(description="at most 140 characters, cut at a word")
    image: CardImage | None
    date: str | None = Field(description="YYYY-MM-DD; may lie in the future")
    score: float = Field(
        ge=0, le=1, description="0: no closer than two random articles of the site; 1: the same"
    )
    origin: Origin
    position: int = Field(ge=1, le=MAX_LIMIT)
    shared_terms: list[str] = Field(max_length=4, description="what the two articles share")


class RelatedAnswer(BaseModel):
    """Related articles, best first."""

    article_id: str
    build: str
    items: list[RelatedItem] = Field(max_length=MAX_LIMIT)


class Problem(BaseModel):
    """RFC 9457 problem details: the shape of every error."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = Field(None, description="the parameter at fault")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request that works now.

    Attributes:
        article_id: The article asked about.
        answer: What the service says.
    """

    article_id: str
    answer: dict[str, Any]


def openapi(app: FastAPI, settings: Settings, example: Example | None) -> dict[str, Any]:
    """The whole document.

    Args:
        app: The framework's app.
        settings: Its defaults are the document's.
        example: Shown with the related routes, if there is a build to take it from.
    """
    document = get_openapi(
        title="AlsoLike",
        version=app.version,
        description="Related articles for a site's “You May Also Like”. "
        "Parameters that no route names are ignored.",
        routes=app.routes,
    )
    _, definitions = models_json_schema(
        [(RelatedAnswer, "serialization"), (Problem, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.update(definitions["$defs"])
    query_id = {
        "name": "id",
        "in": "query",
        "required": True,
        "description": "the site's own id of the article shown",
        "schema": _ID,
        **({} if example is None else {"example": example.article_id}),
    }
    path_id = {
        **query_id,
        "name": "article_id",
        "in": "path",
        "description": "the article's id as one percent-encoded segment (a slash as %2F)",
    }
    paths: dict[str, Any] = {}
    for first, prefix in (
        (query_id, "/v1/related"),
        (path_id, "/v1/articles/{article_id}/related"),
    ):
        json_route = _operation(first, settings, prefix, as_html=False)
        if example is not None:
            answer = json_route["responses"]["200"]["content"]["application/json"]
            answer["example"] = example.answer
        paths[prefix] = {"get": json_route}
        paths[prefix + ".html"] = {"get": _operation(first, settings, prefix, as_html=True)}
    for path, operations in document["paths"].items():  # what a site needs, then the rest
        paths.setdefault(path, {}).update(operations)
    document["paths"] = paths
    for operations in paths.values():
        for operation in operations.values():
            _tell_problems(operation)
    return document


def _tell_problems(operation: dict[str, Any]) -> None:
    """Every error is a problem, whoever answers; an address or a body may be too large."""
    responses = operation["responses"]
    if "requestBody" in operation:
        responses.setdefault("400", {"description": "The body can't be read"})
        responses.setdefault("413", {"description": "The body is too large"})
    if "parameters" in operation and "422" in responses:
        refusal = copy.deepcopy(responses["422"].get("content", {}))
        responses.setdefault("414", {"description": "The address is too long", "content": refusal})
    for status, response in responses.items():
        told = response.get("content", {}).get("application/json", {}).get("schema", _PROBLEM)
        if status >= "400" and told == _PROBLEM and "text/html" not in response.get("content", {}):
            response["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}
    operation["responses"] = dict(sorted(responses.items()))


def _operation(
    id_parameter: dict[str, Any], settings: Settings, prefix: str, *, as_html: bool
) -> dict[str, Any]:
    by_path = "{" in prefix
    content: dict[str, Any] = (
        {"text/html": {"schema": {"type": "string"}}}
        if as_html
        else {"application/json": {"schema": {"$ref": "#/components/schemas/RelatedAnswer"}}}
    )
    failure: dict[str, Any] = (
        {"text/html": {"schema": {"type": "string", "maxLength": 0}}}
        if as_html
        else {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    )
    refusals = {
        status: {"description": description, "content": failure}
        for status, description in _REFUSALS.items()
    }
    needs: dict[str, Any] = {"security": [{"token": []}, {"session": []}]}
    return {
        **(needs if settings.read_token else {}),
        "operationId": f"related{'_html' if as_html else ''}{'_by_path' if by_path else ''}",
        "summary": "Related articles as an HTML fragment" if as_html else "Related articles",
        "tags": ["site"],
        "parameters": [copy.deepcopy(id_parameter), *_options(settings)],
        "responses": {
            "200": {"description": "Related articles, best first", "content": content},
            "404": {"description": "Unknown or invisible article", "content": failure},
            "422": {"description": "A parameter is wrong; it is named", "content": failure},
            "503": {"description": "No build is open yet", "content": failure},
            **(refusals if settings.read_token else {}),
        },
    }


def _options(settings: Settings) -> list[dict[str, Any]]:
    def option(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "in": "query", "description": description, "schema": schema}

    return [
        option(
            "limit",
            "most articles to return",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": settings.limit},
        ),
        option(
            "exclude",
            "ids that must not appear; may be repeated",
            {"type": "array", "items": _ID, "maxItems": MAX_EXCLUDE},
        ),
        option(
            "min_score",
            "leave out related articles below this score",
            {"type": "number", "minimum": 0, "maximum": 1, "default": settings.min_score},
        ),
        option(
            "fallback",
            "what fills a list that is too short",
            {"type": "string", "enum": list(Fallback), "default": settings.fallback},
        ),
        option(
            "sort",
            "order of the articles chosen",
            {"type": "string", "enum": list(Order), "default": Order.RELEVANCE},
        ),
        option(
            "language",
            "only articles of this language",
            {"type": "string", "minLength": 2, "maxLength": 35, "pattern": LANGUAGE_PATTERN},
        ),
    ]

"""Generates the OpenAPI document: FastAPI's routes, and those answered without FastAPI."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.json_schema import models_json_schema

from index.articles.card import ArticleCard
from index.query import MAX_LIMIT, ArticleId, RelatedQuery, query_options
from service.api.api_models import ApiModel
from service.api.operation_routes import PROBES, Alive, NotReady, Ready
from service.http.problems import MEDIA_TYPE
from service.serving.selection import Origin
from service.settings import Settings

_PROBLEM = {"$ref": "#/components/schemas/Problem"}

_JSON_TEXT = (
    "Returns the articles to show with one article: pinned ones at their positions, related ones, "
    "and fallbacks if these are too few. Missing parameters take their defaults from the site's "
    "settings."
)
_HTML_TEXT = (
    "Returns the same list as an HTML section, for a server-side include or the widget. The body "
    "is empty if there are no articles, and for every error."
)

_REFUSALS = {
    "401": "The token is missing or unknown",
    "403": "The token's role is too low",
    "429": "Too many wrong tokens from this address",
}


class RelatedItem(ArticleCard):
    """One related article, with the fields to show."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    score: float = Field(ge=0, le=1)
    """similarity: 0 as two random articles of the site, 1 identical"""

    origin: Origin
    """why the article is in the list; site: the page itself names it as related"""

    position: int = Field(ge=1, le=MAX_LIMIT)
    """its position in the list"""

    shared_terms: list[str] = Field(max_length=4)
    """phrases that the two articles share"""


class RelatedAnswer(ApiModel):
    """The related articles of one article, best first."""

    article_id: str
    """the id of the article whose list it is"""

    build: str
    """the name of the build that the list is from"""

    items: list[RelatedItem] = Field(max_length=MAX_LIMIT)
    """the related articles"""


class Problem(ApiModel):
    """The JSON object that every error is sent as: problem details (RFC 9457)."""

    type: str
    """always about:blank"""

    title: str
    """the HTTP status in words"""

    status: int
    """the HTTP status"""

    detail: str
    """what is wrong, and what to do"""

    field: str | None = None
    """the parameter or field at fault, if there is one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An example request that works now, with its response.

    Attributes:
        article_id: The id of the article whose list is requested.
        answer: The JSON response.
    """

    article_id: str
    answer: dict[str, Any]


def openapi(app: FastAPI, settings: Settings, example: Example | None) -> dict[str, Any]:
    """Generates the OpenAPI document.

    Args:
        app: The FastAPI app.
        settings: The effective settings, for the parameters' defaults.
        example: An example for the related routes; ``None`` if no build is served.
    """
    document = get_openapi(
        title="AlsoLike",
        version=app.version,
        description="Related articles for a site's “You May Also Like”. "
        "Unknown parameters are ignored.",
        routes=app.routes,
    )
    _, definitions = models_json_schema(
        [(model, "serialization") for model in (RelatedAnswer, Problem, Alive, Ready, NotReady)],
        ref_template="#/components/schemas/{model}",
    )
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.update(definitions["$defs"])
    query_id = {
        "name": "id",
        "in": "query",
        "required": True,
        "description": "the site's own id of the article",
        "schema": TypeAdapter(ArticleId).json_schema(),
        **({} if example is None else {"example": example.article_id}),
    }
    path_id = {
        **query_id,
        "name": "article_id",
        "in": "path",
        "description": "the article's id as one percent-encoded path segment (a slash as %2F)",
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
    probes = {path: {"get": copy.deepcopy(operation)} for path, operation in PROBES.items()}
    rest = probes | document["paths"]
    for path, operations in sorted(rest.items(), key=_is_for_operators):
        paths.setdefault(path, {}).update(operations)
    document["paths"] = paths
    for operations in paths.values():
        for operation in operations.values():
            _add_problems(operation)
    return document


def _is_for_operators(path_item: tuple[str, dict[str, Any]]) -> bool:
    return all(operation["tags"] != ["site"] for operation in path_item[1].values())


def _add_problems(operation: dict[str, Any]) -> None:
    """Adds the errors that any route may return, and gives every error the problem schema."""
    responses = operation["responses"]
    if "requestBody" in operation:
        responses.setdefault("400", {"description": "The body can't be read"})
        responses.setdefault("413", {"description": "The body is too large"})
    if "parameters" in operation and "422" in responses:
        refusal = copy.deepcopy(responses["422"].get("content", {}))
        refusal[MEDIA_TYPE] = {"schema": _PROBLEM}  # a far too long URL reaches no route
        responses.setdefault("414", {"description": "The URL is too long", "content": refusal})
    for status, response in responses.items():
        content = response.get("content", {})
        schema = content.get("application/json", {}).get("schema", _PROBLEM)
        if status >= "400" and schema == _PROBLEM and "text/html" not in content:
            response["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}
    operation["responses"] = dict(sorted(responses.items()))


def _operation(
    id_parameter: dict[str, Any], settings: Settings, prefix: str, *, as_html: bool
) -> dict[str, Any]:
    by_path = "{" in prefix
    content: dict[str, Any] = {
        "application/json": {"schema": {"$ref": "#/components/schemas/RelatedAnswer"}}
    }
    failure: dict[str, Any] = {}
    if as_html:
        content = {"text/html": {"schema": {"type": "string"}}}
        failure = {"content": {"text/html": {"schema": {"type": "string", "maxLength": 0}}}}
    refusals = {
        status: {"description": description, **failure}
        for status, description in (_REFUSALS if settings.read_token else {}).items()
    }
    needs: dict[str, Any] = {"security": [{"token": []}, {"session": []}]}
    return {
        **(needs if settings.read_token else {}),
        "operationId": f"related{'_html' if as_html else ''}{'_by_path' if by_path else ''}",
        "summary": "Related articles as an HTML fragment" if as_html else "Related articles",
        "description": _HTML_TEXT if as_html else _JSON_TEXT,
        "tags": ["site"],
        "parameters": [copy.deepcopy(id_parameter), *_query_parameters(settings.query)],
        "responses": {
            "200": {"description": "Related articles, best first", "content": content},
            "404": {"description": "The article is unknown or not visible", **failure},
            "422": {"description": "A parameter is invalid; the answer names it", **failure},
            "503": {"description": "No build is served yet", **failure},
            **refusals,
        },
    }


def _query_parameters(defaults: RelatedQuery) -> list[dict[str, Any]]:
    parameters = []
    for name, option in query_options().items():
        schema, default = dict(option.schema), getattr(defaults, name)
        if default not in (None, frozenset()):
            schema["default"] = default
        parameters.append(
            {"name": name, "in": "query", "description": option.description, "schema": schema}
        )
    return parameters

"""Generates the OpenAPI document, and serves it, its page and the widget's files.

The document describes FastAPI's routes, and those that are answered without FastAPI.
"""

import asyncio
import copy
import json
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from index.query import ArticleId, RelatedQuery, query_options
from service.api.api_models import Problem, RelatedAnswer
from service.api.draft_models import DraftRequest
from service.api.operation_routes import PLAIN_ROUTES, Alive, NotReady, Ready
from service.clicks.click_events import EventBatch
from service.http.content_policy import page_policy
from service.http.html_fragment import templates
from service.http.list_json import related_json
from service.http.problems import MEDIA_TYPE
from service.http.static_files import MEDIA_TYPES, STATIC, add_static_file
from service.serving.live import Live
from service.serving.selection import select
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


def openapi(app: FastAPI, settings: Settings, example: dict[str, Any] | None) -> dict[str, Any]:
    """Generates the OpenAPI document, which describes all routes.

    Args:
        app: The FastAPI app.
        settings: The effective settings, for the parameters' defaults.
        example: The JSON response to a request for related articles that works now; ``None`` if
            no build is served.
    """
    document = get_openapi(
        title="AlsoLike",
        version=app.version,
        description="Related articles for a site's “You May Also Like”. "
        "Unknown parameters are ignored.",
        routes=app.routes,
        servers=[{"url": settings.path_prefix}] if settings.path_prefix else None,
    )
    answers = (RelatedAnswer, Problem, Alive, Ready, NotReady)
    _, definitions = models_json_schema(
        [
            *((model, "serialization") for model in answers),
            *((model, "validation") for model in (DraftRequest, EventBatch)),
        ],
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
        **({} if example is None else {"example": example["article_id"]}),
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
            answer["example"] = example
        paths[prefix] = {"get": json_route}
        paths[prefix + ".html"] = {"get": _operation(first, settings, prefix, as_html=True)}
    rest = copy.deepcopy(PLAIN_ROUTES) | document["paths"]
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


_SITE_FILES = {
    "widget.js": (
        "The widget's script",
        'Puts the HTML fragment into every <alsolike-related article="ARTICLE_ID"> of the page.',
    ),
    "clicks.js": (
        "The script that reports clicks",
        "For lists in the page's own markup and the HTML fragment; the widget loads it itself.",
    ),
    "widget.css": (
        "The widget's stylesheet",
        "For pages that include the HTML fragment; the script loads it by itself.",
    ),
}
NO_TRACKING = b' || navigator.doNotTrack === "1" || navigator.globalPrivacyControl'
"""Where clicks.js obeys readers who do not want to be counted."""

_ANY_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def add_documentation(app: FastAPI, live: Live, settings: Settings) -> None:
    """Adds the routes ``/docs`` and ``/openapi.json``, and those of the widget's files.

    Args:
        app: The app that gets the routes, and which the documentation describes.
        live: Holds the published build, from which the documentation takes an example.
        settings: The effective settings.
    """
    for name, (summary, description) in _SITE_FILES.items():
        media_type = MEDIA_TYPES["." + name.rpartition(".")[2]].partition(";")[0]
        add_static_file(
            app,
            f"/{name}",
            STATIC / name,
            _ANY_ORIGIN,
            without=b"" if settings.respect_do_not_track else NO_TRACKING,
            tags=["site"],
            summary=summary,
            description=description,
            operation_id=name.replace(".", "_"),
            response_class=Response,
            responses={200: {"content": {media_type: {"schema": {"type": "string"}}}}},
        )

    def document() -> dict[str, Any]:
        # The page is public, so it shows no list if reading lists requires a token.
        example = None if settings.read_token else _example(live, settings)
        return openapi(app, settings, example)

    def render() -> tuple[Response, Response]:
        content = document()
        page = templates.get_template("docs.html").render(document=content, pretty=_pretty)
        policy = {"Content-Security-Policy": page_policy(page, more="img-src data:")}
        return JSONResponse(content), HTMLResponse(page, headers=policy)

    rendering, latest = asyncio.Lock(), dict[bytes, tuple[Response, Response]]()

    async def rendered() -> tuple[Response, Response]:
        """Returns the OpenAPI document and the page made from it.

        Both are cached until the build or the decisions change, because rendering is slow.
        """
        generation = live.at(live.clock())
        tag = b"" if generation is None else generation.tag
        async with rendering:
            if tag not in latest:
                responses = await asyncio.to_thread(render)
                latest.clear()
                latest[tag] = responses
            return latest[tag]

    @app.api_route("/openapi.json", methods=["GET", "HEAD"], include_in_schema=False)
    async def openapi_json() -> Response:
        return (await rendered())[0]

    @app.api_route("/docs", methods=["GET", "HEAD"], include_in_schema=False)
    async def docs() -> Response:
        return (await rendered())[1]


_pretty = partial(json.dumps, ensure_ascii=False, indent=2)


def _example(live: Live, settings: Settings) -> dict[str, Any] | None:
    """Returns the list of an article that is visible now; ``None`` if there is none."""
    now = live.clock()
    generation = live.at(now)
    if generation is None:
        return None
    served = generation.served
    build = served.build
    visible = (row for row in range(min(build.count, 1_000)) if served.is_visible(row, now))
    row = next(visible, None)
    if row is None:
        return None
    article_id = build.article_id(row)
    items = select(served, row, now=now, query=settings.query)
    example: dict[str, Any] = json.loads(related_json(build, article_id, items))
    return example

"""Routes for the documentation page, the OpenAPI document and the widget's files."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response

from service.api.openapi import Example, openapi
from service.http.html_fragment import templates
from service.http.list_json import related_json
from service.http.static_files import MEDIA_TYPES, STATIC, add_static_file
from service.serving.live import Live
from service.serving.selection import select
from service.settings import Settings

_WIDGET = {
    "widget.js": (
        "The widget's script",
        'Puts the HTML fragment into every <div data-alsolike="ARTICLE_ID"> of the page.',
    ),
    "widget.css": (
        "The widget's stylesheet",
        "For pages that include the HTML fragment; the script loads it by itself.",
    ),
}
_ANY_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def add_documentation(app: FastAPI, live: Live, settings: Settings) -> None:
    """Adds the routes of the documentation and of the widget's files."""
    for name, (summary, description) in _WIDGET.items():
        media_type = MEDIA_TYPES["." + name.rpartition(".")[2]].partition(";")[0]
        add_static_file(
            app,
            f"/{name}",
            STATIC / name,
            _ANY_ORIGIN,
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
        policy = {"Content-Security-Policy": page_policy(page)}
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

    @app.head("/openapi.json", include_in_schema=False)
    @app.get("/openapi.json", include_in_schema=False)
    async def openapi_json() -> Response:
        return (await rendered())[0]

    @app.head("/docs", include_in_schema=False)
    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return (await rendered())[1]


def page_policy(page: str, *, styles: str = "", more: str = "") -> str:
    """Returns a ``Content-Security-Policy`` that allows a page's own styles and the given sources.

    Args:
        page: The HTML; each ``<style>`` in it is allowed by its hash, so injected styles are
            blocked.
        styles: Further sources of styles.
        more: Further directives.
    """
    hashes = [
        base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        for style in _STYLE.findall(page)
    ]
    allowed = " ".join([*(f"'sha256-{digest}'" for digest in hashes), styles]).strip() or "'none'"
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src {allowed}; {more}"
    ).rstrip("; ")


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _example(live: Live, settings: Settings) -> Example | None:
    """Returns an article that is visible now, with its list; ``None`` if there is none."""
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
    return Example(article_id=article_id, answer=json.loads(related_json(build, article_id, items)))

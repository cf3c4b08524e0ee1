"""The service: composed here, in the app's lifespan, and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import importlib.resources
import logging
import time
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp

from index.root import Root
from index.settings import Settings, load_settings
from service.fragment import templates
from service.live import Live
from service.openapi import openapi
from service.problems import MEDIA_TYPE, ProblemError
from service.related import RelatedRoutes

log = logging.getLogger("alsolike")

_STATIC = {"widget.js": "text/javascript; charset=utf-8", "widget.css": "text/css; charset=utf-8"}


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The ASGI app that ``alsolike serve`` runs.

    Args:
        settings: The effective settings; read from file and environment by default.
    """
    settings = settings or load_settings()
    live = Live(Root(settings.root))

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(live.refresh)
        if live.refused is not None:
            log.error("not ready: %s", live.refused)
        watcher = asyncio.create_task(live.watch())
        yield
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher

    app = FastAPI(
        title="AlsoLike",
        version=version("alsolike"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    _add_operations(app, live)
    _add_pages(app, live, settings)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(HTTPException, _http_problem)
    return RelatedRoutes(app, live, settings)


def _add_operations(app: FastAPI, live: Live) -> None:
    @app.get("/livez", tags=["operations"], summary="Whether the process answers")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @app.get(
        "/readyz",
        tags=["operations"],
        summary="Whether related articles can be served, and from which build",
        responses={503: {"description": "No build is open"}},
    )
    async def readyz() -> JSONResponse:
        build = live.build
        if build is None:
            return JSONResponse({"status": "not ready", "reason": live.refused}, 503)
        created = dt.datetime.fromisoformat(build.manifest.created)
        return JSONResponse(
            {
                "status": "ready",
                "build": build.name,
                "articles": build.count,
                "age_seconds": round((dt.datetime.now(dt.UTC) - created).total_seconds()),
                "refused": live.refused,
            }
        )


def _add_pages(app: FastAPI, live: Live, settings: Settings) -> None:
    any_origin = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}
    static = importlib.resources.files("service") / "static"
    contents = {name: (static / name).read_bytes() for name in _STATIC}

    @app.get(
        "/widget.js", tags=["site"], summary="The script for any page", response_class=Response
    )
    async def widget_js() -> Response:
        return Response(contents["widget.js"], media_type=_STATIC["widget.js"], headers=any_origin)

    @app.get("/widget.css", tags=["site"], summary="The cards' style", response_class=Response)
    async def widget_css() -> Response:
        return Response(
            contents["widget.css"], media_type=_STATIC["widget.css"], headers=any_origin
        )

    def document() -> dict[str, Any]:
        return openapi(app, settings, _example_id(live))

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi_json() -> JSONResponse:
        return JSONResponse(await asyncio.to_thread(document))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        page = templates.get_template("docs.html")
        return HTMLResponse(page.render(document=await asyncio.to_thread(document)))


def _example_id(live: Live) -> str | None:
    """An article that can be asked for now."""
    build = live.build
    if build is None:
        return None
    now = time.time_ns() // 1000
    visible = (row for row in range(min(build.count, 1_000)) if build.is_visible(row, now))
    row = next(visible, None)
    return None if row is None else build.article_id(row)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this type only
    return Response(error.body(), error.status, media_type=MEDIA_TYPE)


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    problem = ProblemError(error.status_code, str(error.detail))
    return Response(problem.body(), problem.status, error.headers, media_type=MEDIA_TYPE)

"""The service: composed here, in the app's lifespan, and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import importlib.resources
import json
import logging
import time
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp

from index.root import Root
from index.selection import select
from index.served import Served
from index.settings import Settings, load_settings
from service.fragment import templates
from service.live import Live
from service.openapi import Example, openapi
from service.parameters import default_wish
from service.problems import MEDIA_TYPE, ProblemError, server_error
from service.related import RelatedRoutes, related_json

log = logging.getLogger("alsolike")

_STATIC = {
    "widget.js": ("The script for any page", "text/javascript; charset=utf-8"),
    "widget.css": ("The cards' style", "text/css; charset=utf-8"),
}


class Ready(BaseModel):
    """Related articles can be served."""

    status: Literal["ready"] = "ready"
    build: str
    articles: int
    age_seconds: int = Field(description="since the build was begun")
    refused: str | None = Field(description="why a newer build is not served, if it was refused")


class NotReady(BaseModel):
    """No build is open."""

    status: Literal["not ready"] = "not ready"
    reason: str


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
    _add_pages(app, live, settings)
    _add_operations(app, live)
    _include_routers(app, live, settings)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _failed)
    return RelatedRoutes(app, live, settings)


def _include_routers(app: FastAPI, live: Live, settings: Settings) -> None:
    """Where further routes join the app, one ``app.include_router(…)`` each."""


def _add_operations(app: FastAPI, live: Live) -> None:
    @app.head("/livez", include_in_schema=False)
    @app.get("/livez", tags=["operations"], summary="Whether the process answers")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @app.head("/readyz", include_in_schema=False, response_model=None)
    @app.get(
        "/readyz",
        tags=["operations"],
        summary="Whether related articles can be served, and from which build",
        response_model=Ready,
        responses={503: {"description": "No build is open", "model": NotReady}},
    )
    async def readyz() -> Ready | JSONResponse:
        build = live.build
        if build is None:
            return JSONResponse(NotReady(reason=live.refused or "starting").model_dump(), 503)
        created = dt.datetime.fromisoformat(build.manifest.created)
        return Ready(
            build=build.name,
            articles=build.count,
            age_seconds=round((dt.datetime.now(dt.UTC) - created).total_seconds()),
            refused=live.refused,
        )


def _add_pages(app: FastAPI, live: Live, settings: Settings) -> None:
    any_origin = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}
    static = importlib.resources.files("service") / "static"
    for name, (summary, media_type) in _STATIC.items():
        _add_file(app, name, summary, (static / name).read_bytes(), media_type, any_origin)

    def document() -> dict[str, Any]:
        return openapi(app, settings, _example(live, settings))

    @app.head("/openapi.json", include_in_schema=False)
    @app.get("/openapi.json", include_in_schema=False)
    async def openapi_json() -> JSONResponse:
        return JSONResponse(await asyncio.to_thread(document))

    @app.head("/docs", include_in_schema=False)
    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        page = templates.get_template("docs.html")
        return HTMLResponse(page.render(document=await asyncio.to_thread(document), pretty=_pretty))


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _add_file(
    app: FastAPI, name: str, summary: str, content: bytes, media_type: str, headers: dict[str, str]
) -> None:
    media, _, _ = media_type.partition(";")

    @app.head(f"/{name}", include_in_schema=False)
    @app.get(
        f"/{name}",
        tags=["site"],
        summary=summary,
        operation_id=name.replace(".", "_"),
        response_class=Response,
        responses={200: {"content": {media: {"schema": {"type": "string"}}}}},
    )
    async def file() -> Response:
        return Response(content, media_type=media_type, headers=headers)


def _example(live: Live, settings: Settings) -> Example | None:
    """An article that can be asked for now, and the answer that it gets."""
    build = live.build
    if build is None:
        return None
    now = time.time_ns() // 1000
    visible = (row for row in range(min(build.count, 1_000)) if build.is_visible(row, now))
    row = next(visible, None)
    if row is None:
        return None
    article_id = build.article_id(row)
    chosen = select(Served(build), row, now=now, wish=default_wish(settings))
    return Example(
        article_id=article_id, answer=json.loads(related_json(build, article_id, chosen))
    )


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this type only
    return Response(error.body(), error.status, error.headers, media_type=MEDIA_TYPE)


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    detail = str(error.detail)
    if error.status_code == 404:
        detail = f"there is nothing at {request.url.path[:80]}; /docs says what there is"
    problem = ProblemError(error.status_code, detail)
    return Response(problem.body(), problem.status, error.headers, media_type=MEDIA_TYPE)


async def _failed(_: Request, __: Exception) -> Response:
    problem = server_error()
    return Response(problem.body(), problem.status, media_type=MEDIA_TYPE)

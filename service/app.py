"""The service: composed here, in the app's lifespan, and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp

from index.decisions import keep_state
from index.keeper import StateKeeper
from index.root import Root
from index.settings import Settings, load_settings
from service.auth import Auth
from service.batch import batch_router
from service.drafts import Drafts, drafts_router
from service.edge import Edge
from service.editor.guests import Invitation
from service.editor.routes import editor_routers
from service.editorial import Desk
from service.editorial_api import editorial_routers
from service.failures import add_failures
from service.limits import BodyLimits
from service.lists import RelatedLists
from service.live import Live
from service.metrics import Metrics
from service.operations import add_metrics, add_operations
from service.pages import add_pages
from service.problems import MEDIA_TYPE, ProblemError, server_error
from service.read_gate import ReadGate
from service.related import RelatedRoutes
from service.tally import Tally

log = logging.getLogger("alsolike")

FLUSH_SECONDS = 1.0


def create_app(settings: Settings | None = None, invitation: Invitation | None = None) -> ASGIApp:
    """The ASGI app that ``alsolike serve`` runs.

    Args:
        settings: The effective settings; read from file and environment by default.
        invitation: Lets the first visitor of a demo in as an editor.
    """
    settings = settings or load_settings()
    keeper = keep_state(settings)
    live = Live(Root(settings.root), keeper=keeper, cache_bytes=settings.cache_mb * 1_000_000)
    tally = Tally()
    lists = RelatedLists(settings, tally)
    metrics = Metrics(live, tally)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await live.refresh_now()
        if live.unready is not None:
            log.error("not ready: %s", live.unready)
        metrics.flush()
        _collect_rarely()
        tasks = [asyncio.create_task(live.watch()), asyncio.create_task(_flush(metrics))]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        metrics.flush()
        await asyncio.to_thread(keeper.close)

    app = FastAPI(
        title="AlsoLike",
        version=version("alsolike"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    add_pages(app, live, settings)
    app.include_router(batch_router(live, lists))
    add_operations(app, live)
    if settings.metrics and settings.metrics_port is None:
        add_metrics(app, metrics)
    _include_routers(app, live, settings, keeper, metrics, invitation)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _failed)
    limits = BodyLimits(size=settings.max_body_kb * 1024, seconds=settings.body_seconds)
    edge = Edge(app, limits, tally, access_log=settings.access_log)
    related = RelatedRoutes(edge, live, lists, settings, tally)
    if not settings.read_token:
        return related
    return ReadGate(related, Auth(settings, lambda: keeper.database))


def _collect_rarely() -> None:
    """Keep the garbage collector off what stays.

    It would look through all that was imported and every answer kept, again and again, and find
    nothing: tens of milliseconds in which no one is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _include_routers(
    app: FastAPI,
    live: Live,
    settings: Settings,
    keeper: StateKeeper,
    metrics: Metrics,
    invitation: Invitation | None,
) -> None:
    """Where further routes join the app, one ``app.include_router(…)`` each."""
    add_failures(app)
    desk = Desk(live, settings, lambda: keeper.database)
    drafts = Drafts(live, settings, desk.auth, metrics.queue.set)
    pages = editor_routers(desk, settings, drafts, invitation)
    for router in [*editorial_routers(desk), drafts_router(drafts), *pages]:
        app.include_router(router)


async def _flush(metrics: Metrics) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        metrics.flush()


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

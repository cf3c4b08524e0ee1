"""Creates the ASGI app of the service in two steps.

First the routes for page views are created, so that they answer as soon as the process has started.
The editors' API and pages take longer to import, so a thread adds them meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.routing import Router
from starlette.types import ASGIApp

from index.root.root import Root
from service.clicks.click_counter import ClickCounter
from service.clicks.placement import open_placements
from service.decisions.open_decisions import keep_state
from service.http.event_route import EventRoute
from service.http.metrics import Metrics, RequestCounts
from service.http.middleware import LateApp, Middleware, Probes
from service.http.related_lists import RelatedLists
from service.http.related_routes import RelatedRoutes
from service.serving.background import keep_warm
from service.serving.live import Live
from service.settings import Settings, load_settings

if TYPE_CHECKING:
    from service.editor.sign_in import Invitation

log = logging.getLogger("alsolike")

FLUSH_SECONDS = 1.0


def create_app(settings: Settings | None = None, invitation: Invitation | None = None) -> ASGIApp:
    """Returns the ASGI app that ``alsolike serve`` runs.

    Args:
        settings: The effective settings; read from file and environment by default.
        invitation: The secret of the link with which a demo's first visitor signs in as an editor;
            ``None`` outside a demo.
    """
    settings = settings or load_settings()
    keeper = keep_state(settings)
    live = Live(
        Root(settings.root),
        keeper=keeper,
        cache_bytes=settings.cache_mb * 1_000_000,
        exploring=settings.explore > 0,
    )
    counts = RequestCounts()
    placements = open_placements(settings)
    clicks = None if placements is None else ClickCounter(settings, placements)
    lists = RelatedLists(settings, counts, placements)
    metrics = Metrics(live, counts, clicks)

    def compose() -> ASGIApp:
        from service.fastapi_app import compose_api

        return compose_api(live, lists, metrics, invitation)

    api = LateApp(compose)

    @contextlib.asynccontextmanager
    async def running(_: object) -> AsyncIterator[None]:
        await live.refresh_now()
        if live.unready is not None:
            log.error("no related articles can be served yet: %s", live.unready)
        metrics.flush()
        if clicks is not None:
            clicks.start()
        tasks = [
            asyncio.create_task(task)
            for task in (live.watch(), _flush(metrics), _follow(api, live))
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if clicks is not None:
            await asyncio.to_thread(clicks.stop)
        metrics.flush()
        live.close()
        await asyncio.to_thread(keeper.close)

    router = Router(default=api, redirect_slashes=False, lifespan=running)
    probes = Probes(router, live, clicks)
    events = EventRoute(probes, live, settings, clicks)
    edge = Middleware(events, settings, counts)
    readers = None
    if settings.read_token:
        # Imported here, since only a service that requires a token needs it this early.
        from service.http.auth import Auth, ReadAccess

        readers = ReadAccess(Auth(settings, lambda: keeper.database))
    return RelatedRoutes(edge, live, lists, readers)


async def _follow(api: LateApp, live: Live) -> None:
    """Creates the editors' API and pages, then keeps reading the files of each new live build.

    In between, all objects that exist are exempted from garbage collection. Otherwise the
    collector would scan them again and again without finding any garbage, and block all requests
    for tens of milliseconds each time.
    """
    try:
        await api.composed()
    except Exception:
        log.exception("failed to load the editors' pages and API; related articles are served")
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()
    await keep_warm(live)


async def _flush(metrics: Metrics) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        metrics.flush()

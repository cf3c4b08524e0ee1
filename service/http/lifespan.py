"""The ASGI lifespan protocol: what runs beside the requests, from the first to the last."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.types import ASGIApp, Receive, Scope, Send


class Lifespan:
    """Runs a context while the server runs, and hands requests on.

    Args:
        app: Where requests go.
        running: Entered before the first request, left after the last.
    """

    def __init__(
        self, app: ASGIApp, running: Callable[[], AbstractAsyncContextManager[None]]
    ) -> None:
        self._app = app
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the whole life of the server."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        stage = "startup"
        await receive()
        try:
            async with self._running():
                await send({"type": "lifespan.startup.complete"})
                stage = "shutdown"
                await receive()
        except BaseException:
            await send({"type": f"lifespan.{stage}.failed", "message": traceback.format_exc()})
            raise
        await send({"type": "lifespan.shutdown.complete"})

"""An app that is composed while the process already answers."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from service.http.problems import out_of_files

log = logging.getLogger("alsolike")


class LateApp:
    """Stands for an app that takes long to import and to compose.

    What every page view of a site asks for need not wait for the editors' pages. Whoever asks for
    these before they are there waits, and no one else.

    Args:
        compose: Imports and makes the app; called once, on a thread.
    """

    def __init__(self, compose: Callable[[], ASGIApp]) -> None:
        self._compose = compose
        self._composing = threading.Lock()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            app = self._app or await self.composed()
        except OSError as error:  # no file can be opened; the next request tries again
            log.error("pages and API can't be composed now: %s", error)
            problem = out_of_files()
            headers, body = problem.response()
            await send(
                {"type": "http.response.start", "status": problem.status, "headers": headers}
            )
            await send({"type": "http.response.body", "body": body})
            return
        await app(scope, receive, send)

    async def composed(self) -> ASGIApp:
        """The app, once it is there."""
        return await asyncio.to_thread(self._compose_once)

    def _compose_once(self) -> ASGIApp:
        with self._composing:
            if self._app is None:
                self._app = self._compose()
            return self._app

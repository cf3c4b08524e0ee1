"""An app that is composed while the process already answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


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
        app = self._app or await self.composed()
        await app(scope, receive, send)

    async def composed(self) -> ASGIApp:
        """The app, once it is there."""
        return await asyncio.to_thread(self._compose_once)

    def _compose_once(self) -> ASGIApp:
        with self._composing:
            if self._app is None:
                self._app = self._compose()
            return self._app

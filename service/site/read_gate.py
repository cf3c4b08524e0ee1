"""The setting ``read_token``: related articles for those who may read them, and no others.

Composed in front of the related routes only where the setting asks for it, so that a public
service pays nothing for it.
"""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.roles import Role
from recommender.errors import DatabaseError
from service.api.failures import problem_of
from service.auth import Auth
from service.problems import ProblemError
from service.site.related import find_target

KNOWN_SECONDS = 1.0
"""How long a token is taken for good without asking again: within this it is revoked."""

_BATCH = b"/v1/related/batch"
_MOST_KNOWN = 1_000


class ReadGate:
    """Asks for the role ``read`` on the routes that answer with related articles.

    Args:
        app: The related routes, and all behind them.
        auth: Who asks.
    """

    def __init__(self, app: ASGIApp, auth: Auth) -> None:
        self._app = app
        self._auth = auth
        self._known: dict[bytes, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not _is_reading(scope):
            await self._app(scope, receive, send)
            return
        try:
            await self._check(scope)
        except ProblemError as problem:
            await _refuse(scope, problem, send)
        except DatabaseError as error:  # nobody known, so nobody let in
            await _refuse(scope, problem_of(error), send)
        else:
            await self._app(scope, receive, _only_for_them(send))

    async def _check(self, scope: Scope) -> None:
        token = dict(scope["headers"]).get(b"authorization")
        if token is not None and self._known.get(token, 0.0) > time.monotonic():
            return
        await asyncio.to_thread(self._auth.authorize, scope, Role.READ)
        if token is not None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[token] = time.monotonic() + KNOWN_SECONDS


def _is_reading(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] == "OPTIONS":
        return False
    if scope["raw_path"] == _BATCH:
        return True
    return scope["method"] in ("GET", "HEAD") and find_target(scope["raw_path"]) is not None


def _only_for_them(send: Send) -> Send:
    """No cache that others share may keep what takes a token."""

    async def send_privately(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            cached = headers.get("cache-control", "")
            headers["cache-control"] = cached.replace("public", "private") or "no-store"
            headers.add_vary_header("Authorization")
            headers.add_vary_header("Cookie")
        await send(message)

    return send_privately


async def _refuse(scope: Scope, problem: ProblemError, send: Send) -> None:
    headers, body = problem.response(as_html=scope["raw_path"].endswith(b".html"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

"""What every request but the related ones passes: limits, a name, a count, safe headers."""

from __future__ import annotations

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.header_lines import by_name
from service.http.problems import ProblemError
from service.http.related_routes import log_access
from service.http.request_counts import RequestCounts
from service.http.request_id import HEADER, current, request_id
from service.http.request_limits import BodyLimits, check_head, has_body, read_body, replay

_SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Unless a route says otherwise, its answer may load nothing and stand in no frame."""


class Middleware:
    """Wraps the FastAPI app.

    Args:
        app: The app.
        limits: On bodies.
        tally: Where requests are counted.
        access_log: Whether each is logged.
    """

    def __init__(
        self, app: ASGIApp, limits: BodyLimits, tally: RequestCounts, *, access_log: bool
    ) -> None:
        self._app = app
        self._limits = limits
        self._tally = tally
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500
        name = request_id(by_name(scope["headers"]).get(HEADER))
        token = current.set(name.decode())

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = name.decode()
                for header, value in _SAFE.items():
                    headers.setdefault(header, value)
                if status >= 400:
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            try:
                check_head(scope)
                body = await read_body(scope, receive, self._limits) if has_body(scope) else None
            except ProblemError as problem:
                await _refuse(problem, send_named)
            else:
                again = receive if body is None else replay(body, receive)
                await self._app(scope, again, send_named)
        finally:
            current.reset(token)
            seconds = time.perf_counter() - start
            self._tally.add(_route(scope), status, seconds)
            if self._access_log:
                log_access(scope["method"], scope["raw_path"], status, seconds, name)


def _route(scope: Scope) -> str:
    """The route's template: addresses that lead nowhere are counted as one."""
    return getattr(scope.get("route"), "path", None) or "other"


async def _refuse(problem: ProblemError, send: Send) -> None:
    headers, body = problem.response()
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

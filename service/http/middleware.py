"""ASGI apps that wrap each other in front of the FastAPI app, the outermost first.

:class:`Middleware` applies limits, request ids, counters and logging to every request except page
views (requests for related articles). :class:`Probes` answers ``/livez`` and ``/readyz``.
:class:`LateApp` imports and creates the FastAPI app on a thread, since this is the slowest part of
the start.
"""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.clicks.click_counter import ClickCounter
from service.decisions.snapshot import PUBLIC_UNSAVED
from service.http.headers import by_name
from service.http.logs import REQUEST_ID_HEADER, current_request_id, log_access, request_id
from service.http.metrics import RequestCounts
from service.http.problems import ProblemError, out_of_files, send_response
from service.http.related_lists import POLICY
from service.http.request_limits import check_address, check_headers, has_body, read_body, replay
from service.serving.live import Live
from service.settings import Settings

log = logging.getLogger("alsolike")

LIVEZ = "/livez"
READYZ = "/readyz"

REFUSED = "alsolike.refused"
"""The key of an ASGI scope under which an editors' page finds why its form was not read."""

_SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "content-security-policy": POLICY[1].decode(),
    "cache-control": "no-store",
}
"""The security headers of a response, unless the route sets its own.

They forbid a browser to load anything for the response, or to show it in a frame, and caches to
keep it, for which some have a time of their own where a response says none.
"""


_VARIANT_REFUSED = "the variant's build can't be opened: the service's log says why"
_CLICKS_KEPT = "clicks can't be stored and are kept in memory: the service's log says why"


class Middleware:
    """Adds limits, request ids, counters, logging and security headers to all but page views.

    Page views (requests for related articles) are answered before they reach this class.

    Args:
        app: The app that answers the requests.
        settings: The effective settings; they limit bodies, and say whether to log each request.
        counts: Counts the requests.
    """

    def __init__(self, app: ASGIApp, settings: Settings, counts: RequestCounts) -> None:
        self._app = app
        self._settings = settings
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request to the app, or answers it with an error if it exceeds a limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500
        name = request_id(by_name(scope["headers"]).get(REQUEST_ID_HEADER))
        token = current_request_id.set(name.decode())

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = name.decode()
                if headers.get("location", "").startswith("/"):
                    headers["location"] = self._settings.path_prefix + headers["location"]
                for header, value in _SAFE.items():
                    headers.setdefault(header, value)
            await send(message)

        try:
            try:
                check_address(scope["raw_path"], scope["query_string"])
                check_headers(scope["headers"])
                body = await read_body(scope, receive, self._settings) if has_body(scope) else None
            except ProblemError as problem:
                if scope["method"] == "POST" and scope["path"].startswith("/editor/"):
                    scope[REFUSED] = problem  # the route shows it on a page
                    await self._app(scope, receive, send_named)
                else:
                    await problem.send(send_named)
            else:
                again = receive if body is None else replay(body, receive)
                await self._app(scope, again, send_named)
        finally:
            current_request_id.reset(token)
            seconds = time.perf_counter() - start
            route = getattr(scope.get("route"), "path", None) or "other"  # no route has the path
            self._counts.add(route, status, seconds)
            if self._settings.access_log:
                log_access(scope["method"], scope["raw_path"], status, seconds, name)


class Probes:
    """Answers ``/livez`` and ``/readyz``, by which a load balancer sees that the service works.

    It answers as soon as the process runs, when the FastAPI app is not loaded yet.
    :mod:`service.api.operation_routes` describes both routes in the OpenAPI document.

    Args:
        app: The app that answers all other requests.
        live: Holds the published build, which the service serves.
        clicks: Counts clicks; ``None`` while none are counted.
    """

    def __init__(self, app: ASGIApp, live: Live, clicks: ClickCounter | None = None) -> None:
        self._app = app
        self._live = live
        self._clicks = clicks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request to ``/livez`` or ``/readyz``; passes any other to the app."""
        if scope["type"] != "http" or scope["path"] not in (LIVEZ, READYZ):
            await self._app(scope, receive, send)
            return
        scope["route"] = SimpleNamespace(path=scope["path"])  # as Starlette's, for the metrics
        if scope["method"] not in ("GET", "HEAD"):
            await ProblemError(405, "Method Not Allowed", headers={"Allow": "GET"}).send(send)
            return
        alive: tuple[int, dict[str, Any]] = (200, {"status": "alive"})
        status, content = alive if scope["path"] == LIVEZ else readiness(self._live)
        if self._clicks is not None and "build" in content:
            content["clicks"] = self._clicks.problem and _CLICKS_KEPT
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send_response(send, status, headers, b"" if scope["method"] == "HEAD" else body)


def readiness(live: Live) -> tuple[int, dict[str, Any]]:
    """Returns the HTTP status and the JSON content of the response to ``/readyz``.

    The status is 200 if the service can answer requests for related articles, else 503. Faults are
    told in general words, since anybody may ask; the log names files and servers.
    """
    generation = live.generation
    if generation is None:
        return 503, {"status": "not ready", "reason": live.public_unready}
    build = generation.served.build
    return 200, {
        "status": "ready",
        "build": build.name,
        "articles": build.count,
        "age_seconds": round(build.age()),
        "refused": live.refused and live.public_refused,
        "variant_refused": live.variant_refused and _VARIANT_REFUSED,
        "decisions": generation.served.state.version,
        "database": live.keeper.kept.public,
        "snapshot": live.keeper.kept.unsaved and PUBLIC_UNSAVED,
    }


class LateApp:
    """Passes requests to an app that is created on a thread while the process already serves.

    Requests that come before the app is created wait for it. Page views (requests for related
    articles) are answered before they reach this class.

    Args:
        compose: Imports and creates the app; called on a thread, until it succeeds once.
    """

    def __init__(self, compose: Callable[[], ASGIApp]) -> None:
        self._compose = compose
        self._composing = threading.Lock()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request to the app, after creating the app if nobody has done so."""
        try:
            app = self._app or await self.composed()
        except OSError as error:  # no file can be opened; the next request tries again
            log.error("failed to load the editors' pages and API: %s", error)
            await out_of_files().send(send)
            return
        await app(scope, receive, send)

    async def composed(self) -> ASGIApp:
        """Returns the app; creates it first if no earlier call has done so."""
        return await asyncio.to_thread(self._compose_once)

    def _compose_once(self) -> ASGIApp:
        with self._composing:
            if self._app is None:
                self._app = self._compose()
            return self._app

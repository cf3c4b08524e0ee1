"""``/livez`` and ``/readyz``, for those who watch the service: there before any page is.

Plain ASGI like the related routes, since a service is ready when these can be answered. They are
described in the OpenAPI document by :mod:`service.api.operation_routes`.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from service.serving.live import Live

LIVEZ = "/livez"
READYZ = "/readyz"


class _Route(NamedTuple):
    """As whoever counts requests looks for it in the scope."""

    path: str


class Probes:
    """Answers both and hands everything else on.

    Args:
        app: Everything else.
        live: What is served.
    """

    def __init__(self, app: ASGIApp, live: Live) -> None:
        self._app = app
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        probed = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if not probed or scope["path"] not in (LIVEZ, READYZ):
            await self._app(scope, receive, send)
            return
        scope["route"] = _Route(scope["path"])
        found = (200, {"status": "alive"}) if scope["path"] == LIVEZ else readiness(self._live)
        status, content = found
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": body})


def readiness(live: Live) -> tuple[int, dict[str, Any]]:
    """Status and content of ``/readyz``; see :class:`service.api.operation_routes.Ready`."""
    generation = live.generation
    if generation is None:
        return 503, {"status": "not ready", "reason": live.unready or "starting"}
    build = generation.served.build
    return 200, {
        "status": "ready",
        "build": build.name,
        "articles": build.count,
        "age_seconds": round(build.age()),
        "refused": live.refused,
        "decisions": generation.served.state.version,
        "database": live.keeper.kept.problem,
        "snapshot": live.keeper.kept.unsaved,
    }

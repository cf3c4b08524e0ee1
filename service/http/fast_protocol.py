"""Answers page views as soon as their headers are read, without an ASGI task for each.

For every request an ASGI server builds a scope, a task and a response, and checks and joins its
headers one by one: several times the cost of a cache hit. uvicorn lets its protocol be replaced;
this one calls :meth:`service.http.related_routes.RelatedRoutes.reply` when the headers are read,
and writes the result. Everything else (other routes, old clients, readers slower than the answers)
goes through ASGI as usual, and gets the same bytes.

It relies on internals of uvicorn's protocol, so :func:`service.server.http_protocol` uses it with
tested versions only.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.http.headers import Header, as_lines
from service.http.http_connection import Connection
from service.http.related_routes import RelatedReply, RelatedRequest

log = logging.getLogger("alsolike")

_METHODS = {b"GET": "GET", b"HEAD": "HEAD"}


class _DoneCycle:
    """Stands in for uvicorn's request cycle once the request is answered."""

    response_complete = True
    more_body = False

    class message_event:  # noqa: N801 - stands for an asyncio.Event that nobody waits for
        set = staticmethod(lambda: None)


class FastProtocol(Connection):
    """One connection."""

    _default_headers: Sequence[Header] = ()
    _always = b""

    def answer(self) -> None:
        """Answer a page view; hand any other request on."""
        reply = self._reply()
        if reply is None:
            super().answer()
            return
        status, head, tail, _, closes = reply
        if self.server_state.default_headers is not self._default_headers:  # new ones each second
            self._default_headers = self.server_state.default_headers
            self._always = as_lines(self._default_headers)
        self.transport.raw.write(b"".join((STATUS_LINE[status], self._always, head, tail)))
        self.cycle = _DoneCycle  # type: ignore[assignment]
        self.server_state.total_requests += 1
        self.rested = self.loop.time()
        if closes:
            self.transport.close()

    def _reply(self) -> RelatedReply | None:
        """The response, if it can be given without waiting for anything."""
        url, parser, routes, named = self.url, self.parser, self.routes, self.named
        method = _METHODS.get(parser.get_method())
        if (
            method is None
            or routes is None
            or routes.readers is not None  # finding out who may read takes a while
            or not url.startswith(b"/v1/")
            or b"#" in url
            or not url.isascii()
            or b"content-length" in named  # so does reading a body
            or b"transfer-encoding" in named
            or not parser.should_keep_alive()
            or parser.get_http_version() != "1.1"
            or parser.should_upgrade()
            or not (self.cycle is None or self.cycle.response_complete)  # others wait before it
            or self.flow.write_paused
            or self.transport.raw.is_closing()
        ):
            return None
        try:
            return routes.reply(RelatedRequest(method, url, named))
        except Exception:
            log.exception("a page view could not be answered at once; it goes through ASGI")
            return None

"""Answers page views as soon as their bytes are there, before the server makes a task of each.

For every request an ASGI server builds a scope, a task and a response, and checks and joins its
headers one by one: several times what finding a kept list costs. uvicorn lets its protocol be
replaced; this one asks :meth:`service.http.related_routes.RelatedRoutes.reply` when the headers are
read, and writes what it gives. All else (other routes, old clients, readers slower than the
answers) takes the way it always took, and gets the same bytes.

It leans on what uvicorn's protocol keeps in itself, which no version promises to the next: see
:func:`service.server.http_protocol` for where it is used.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.http.header_lines import Header, as_lines, split_headers
from service.http.http_connection import Connection
from service.http.related_routes import RelatedReply, RelatedRequest

log = logging.getLogger("alsolike")

_METHODS = {b"GET": "GET", b"HEAD": "HEAD"}
_CLOSE = (b"connection", b"close")


class _Answered:
    """What uvicorn finds in place of the request at hand once it is answered."""

    response_complete = True
    more_body = False

    class message_event:  # noqa: N801 - stands for an asyncio.Event that nobody waits for
        set = staticmethod(lambda: None)


class FastProtocol(Connection):
    """One connection."""

    _default_headers: Sequence[Header] = ()
    _always = b""

    def answer(self) -> None:
        """Answer a request, or hand it on."""
        reply = self._reply()
        if reply is None:
            super().answer()
            return
        status, head, tail = reply
        if self.server_state.default_headers is not self._default_headers:  # new ones each second
            self._default_headers = self.server_state.default_headers
            self._always = as_lines(self._default_headers)
        self.transport.raw.write(b"".join((STATUS_LINE[status], self._always, head, tail)))
        self.cycle = _Answered  # type: ignore[assignment]
        self.server_state.total_requests += 1
        self.rested = self.loop.time()
        if status >= 400 and _CLOSE in split_headers(tail)[0]:
            self.transport.close()

    def _reply(self) -> RelatedReply | None:
        """The answer, if it can be given without waiting for anything."""
        url, parser, routes, named = self.url, self.parser, self.routes, self.named
        method = _METHODS.get(parser.get_method())
        if (
            method is None
            or routes is None
            or routes.readers is not None  # who may read is not known at once
            or not url.startswith(b"/v1/")
            or b"#" in url
            or not url.isascii()
            or b"content-length" in named  # nor is what else may come
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
            log.exception("a page view could not be answered at once; it takes the longer way")
            return None

"""Answers page views as soon as their bytes are there, before the server makes a task of each.

For every request an ASGI server builds a scope, a task and a response, and checks and joins its
headers one by one: several times what finding a kept list costs. uvicorn lets its protocol be
replaced; this one asks :meth:`service.site.related.RelatedRoutes.reply` when the headers are read,
and writes what it gives. All else (other routes, old clients, readers slower than the answers)
takes the way it always took, and gets the same bytes.

It leans on what uvicorn's protocol keeps in itself, which no version promises to the next: see
:func:`service.server.http_protocol` for where it is used.
"""

from __future__ import annotations

import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.site.headers import as_lines, by_name, take_apart
from service.site.related import Asked, RelatedRoutes, Reply

log = logging.getLogger("alsolike")

_METHODS = {b"GET": "GET", b"HEAD": "HEAD"}
_CLOSE = (b"connection", b"close")


class _Answered:
    """What uvicorn finds in place of the request at hand once it is answered."""

    response_complete = True

    class message_event:  # noqa: N801 - stands for an asyncio.Event that nobody waits for
        set = staticmethod(lambda: None)


class QuickProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        routes = self.app if isinstance(self.app, RelatedRoutes) else None
        # Who may read where that takes a token is not known at once.
        self._routes = routes if routes is not None and routes.readers is None else None

    def on_headers_complete(self) -> None:
        """Answer a request, or hand it on."""
        reply = self._reply()
        if reply is None:
            super().on_headers_complete()
            return
        status, head, tail = reply
        always = as_lines(self.server_state.default_headers)
        self.transport.write(b"".join((STATUS_LINE[status], always, head, tail)))
        self.cycle = _Answered  # type: ignore[assignment]
        if status >= 400 and _CLOSE in take_apart(tail)[0]:
            self.transport.close()
        self.on_response_complete()

    def _reply(self) -> Reply | None:
        """The answer, if it can be given without waiting for anything."""
        url, parser = self.url, self.parser
        method = _METHODS.get(parser.get_method())
        if (
            method is None
            or self._routes is None
            or not url.startswith(b"/v1/")
            or b"#" in url
            or not url.isascii()
            or self.expect_100_continue
            or not parser.should_keep_alive()
            or parser.get_http_version() != "1.1"
            or parser.should_upgrade()
            or not (self.cycle is None or self.cycle.response_complete)  # others wait before it
            or self.flow.write_paused
            or self.transport.is_closing()
        ):
            return None
        try:
            return self._routes.reply(Asked(method, url, by_name(self.headers)))
        except Exception:
            log.exception("a page view could not be answered at once; it takes the longer way")
            return None

"""A uvicorn protocol that answers page views directly, without an ASGI task for each.

A page view here is a request for the related articles of one article. For every request an ASGI
server creates a scope, a task and a response, and processes the headers one by one. This takes
several times as long as finding a response in the cache. So this class replaces uvicorn's protocol:
as soon as the headers are read, it calls
:meth:`service.http.related_routes.RelatedRoutes.reply` and writes the result. All other requests
(other routes, HTTP/1.0, clients that read slowly) go through ASGI as usual.

The class relies on internals of uvicorn's protocol, so :func:`service.server.http_protocol` uses
it only with tested versions.
"""

import logging
from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.http.headers import Header, as_lines
from service.http.http_connection import Connection
from service.http.related_routes import RelatedReply, RelatedRequest

log = logging.getLogger("alsolike")

_METHODS = {b"GET": "GET", b"HEAD": "HEAD"}


class _DoneCycle:
    """Stands in for uvicorn's ``RequestResponseCycle`` of a request that is answered already.

    uvicorn looks at the last cycle to see whether the connection is free for the next request.
    """

    response_complete = True
    more_body = False

    class message_event:  # noqa: N801 - replaces an asyncio.Event that nobody waits for
        set = staticmethod(lambda: None)


class FastProtocol(Connection):
    """An HTTP connection that answers page views itself and leaves other requests to uvicorn.

    A page view is a request for the related articles of one article.
    """

    _default_headers: Sequence[Header] = ()
    _always = b""

    def answer(self) -> None:
        """Answers the current request if it is for related articles, else passes it to uvicorn."""
        reply = self._reply()
        if reply is None:
            super().answer()
            return
        status, head, tail, _, closes = reply
        # uvicorn makes new default headers each second, since they hold the date.
        if self.server_state.default_headers is not self._default_headers:
            self._default_headers = self.server_state.default_headers
            self._always = as_lines(self._default_headers)
        self.transport.raw.write(b"".join((STATUS_LINE[status], self._always, head, tail)))
        self.cycle = _DoneCycle  # type: ignore[assignment]
        self.server_state.total_requests += 1
        self.rested = self.loop.time()
        if closes:
            self.transport.close()

    def _reply(self) -> RelatedReply | None:
        """Returns the response to the current request, if it can be made at once.

        Returns ``None`` if the request must go through ASGI: it is for another route, or it may
        have to wait for the database, for a body or for an earlier response.
        """
        parser, routes, named = self.parser, self.routes, self.named
        method = _METHODS.get(parser.get_method())
        if (
            method is None
            or routes is None
            or routes.readers is not None  # checking a token may need the database
            or not (url := self.url.removeprefix(routes.prefix)).startswith(b"/v1/")
            or b"#" in url
            or not url.isascii()
            or b"content-length" in named  # a body may take time to arrive
            or b"transfer-encoding" in named
            or not parser.should_keep_alive()
            or parser.get_http_version() != "1.1"
            or parser.should_upgrade()
            # An earlier request of this connection has not been answered yet.
            or not (self.cycle is None or self.cycle.response_complete)
            or self.flow.write_paused
            or self.transport.raw.is_closing()
        ):
            return None
        try:
            return routes.reply(RelatedRequest(method, url, named))
        except Exception:
            log.exception("the fast path failed for a page view; it is answered through ASGI")
            return None

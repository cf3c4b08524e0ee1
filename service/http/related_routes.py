"""The routes that a site calls on every page view: the related articles of one article.

These routes bypass FastAPI's routing, dependency injection and response models, which would take
several times as long as the answer itself. Instead, :meth:`RelatedRoutes.reply` computes the
response from the request's method, URL and headers. It is called by the ASGI app in this module
and, under ``alsolike serve``, by :mod:`service.http.fast_protocol`. :mod:`service.api.openapi`
describes the same routes in the OpenAPI document.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from index.query import DAY
from service.http.headers import (
    Freshness,
    Header,
    accepts_gzip,
    as_lines,
    by_name,
    matches,
    parse_lines,
)
from service.http.logs import REQUEST_ID_HEADER, log_access, request_id
from service.http.problems import ProblemError, not_ready, send_response, server_error
from service.http.query_params import parse_query, read_article_id, read_related_query
from service.http.related_lists import POLICY, ROUTES, RelatedLists
from service.http.request_limits import check_address, has_body, read_body
from service.serving.live import Generation, Live
from service.serving.response_cache import CachedResponse

if TYPE_CHECKING:
    from service.http.auth import ReadAccess

log = logging.getLogger("alsolike")

_TARGET = re.compile(rb"/v1/(?:articles/([^/]+)/)?related(\.html)?")
BATCH = b"/v1/related/batch"
_METHODS = ("GET", "HEAD")


class RelatedRequest(NamedTuple):
    """The parts of a request for related articles that decide about its response.

    Attributes:
        method: The HTTP method, in capitals.
        url: Path and query as received, percent-encoded.
        headers: The headers by name, in lower case.
    """

    method: str
    url: bytes
    headers: dict[bytes, bytes]


class RelatedReply(NamedTuple):
    """A response to a request for related articles, ready to be sent.

    Attributes:
        status: The HTTP status.
        head: The headers that differ between requests, as HTTP sends them.
        tail: The other headers as HTTP sends them, an empty line, and the body.
        body_at: The offset in ``tail`` at which the body begins, in bytes.
        closes: Whether the connection must be closed after the response.
    """

    status: int
    head: bytes
    tail: bytes
    body_at: int
    closes: bool = False


_Parts = tuple[int, bytes, bytes, int, bool]
"""The fields of a :class:`RelatedReply` as a plain tuple, which is faster to create."""


class RelatedRoutes:
    """Answers the routes for related articles; passes all other requests to another app.

    The path prefix of the settings is cut from all requests.

    Args:
        app: The app that answers all other routes.
        live: Holds the published build, which the service serves.
        lists: Renders and caches the responses; also holds the settings and the request counts.
        readers: Checks API tokens; ``None`` if the setting ``read_token`` requires no token.
    """

    def __init__(
        self, app: ASGIApp, live: Live, lists: RelatedLists, readers: ReadAccess | None = None
    ) -> None:
        self.readers = readers
        settings = self.settings = lists.settings
        self.prefix = settings.path_prefix.encode()
        self._app = app
        self._live = live
        self._lists = lists
        self._counts = lists.counts
        self._cors = lists.cors
        self._freshness = Freshness(
            settings.max_age,
            settings.stale_while_revalidate,
            "private" if settings.read_token else "public",
        )
        self._fresh = self._freshness.line(self._freshness.span)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request for related articles; passes any other to the app."""
        if scope["type"] == "http":
            if self.prefix:
                scope = _below(scope, self.prefix)
            path, query = scope["raw_path"], scope["query_string"]
            url = b"%b?%b" % (path, query) if query else path
            request = RelatedRequest(scope["method"], url, by_name(scope["headers"]))
            reply = self.reply(request, await self._refusal(request, scope, receive))
            if reply is not None:
                status, head, tail, body_at, _ = reply
                headers = parse_lines(head + tail[:body_at])
                await send_response(send, status, headers, tail[body_at:])
                return
        await self._app(scope, receive, send)

    async def _refusal(
        self, request: RelatedRequest, scope: Scope, receive: Receive
    ) -> ProblemError | None:
        """Returns the error for a request without the required token or with an invalid body.

        Returns ``None`` if token and body are in order, or the request is for another route.
        """
        if request.method not in _METHODS or find_target(request.url.partition(b"?")[0]) is None:
            return None
        refusal = None if self.readers is None else await self.readers.refusal(scope)
        if refusal is None and has_body(scope):
            try:
                await read_body(scope, receive, self.settings)
            except ProblemError as problem:
                refusal = problem
        return refusal

    def count_refusal(self, status: int) -> None:
        """Counts an error response to a client whose request was incomplete or not valid HTTP.

        Args:
            status: The HTTP status of the error.
        """
        self._counts.add("other", status, 0.0)

    def reply(
        self, request: RelatedRequest, refusal: ProblemError | None = None
    ) -> RelatedReply | None:
        """Returns the response to a request for related articles, and counts and logs it.

        Args:
            request: The method, URL and headers that were received.
            refusal: An error with which to answer instead, if the caller found one.

        Returns:
            The response; ``None`` if the request is for another route, which the app answers.
        """
        start = time.perf_counter()
        now = self._live.clock()
        generation = self._live.at(now)
        cached = None
        if generation is not None and refusal is None and request.method in _METHODS:
            cached = generation.cache.by_address.get(request.url)
        if (
            cached is not None
            and generation is not None
            and cached.holds(generation.served.build, generation.other)
        ):
            cached.used = True
            self._counts.hits += 1
            route = cached.route
            parts = self._send(generation, cached, request, now, generation.until)
        else:
            path = request.url.partition(b"?")[0]
            target = find_target(path)
            if target is not None and not (request.method == "POST" and target == (None, False)):
                route = ROUTES[target[1]]
                parts = (
                    self._answer(generation, target, request, now)
                    if refusal is None
                    else self._failure(refusal, request, as_html=target[1])
                )
            elif path == BATCH and request.method == "OPTIONS":
                route = BATCH.decode()
                parts = self._preflight(request, b"POST")
            else:
                return None
        status, head, tail, body_at, closes = parts
        name = request_id(request.headers.get(REQUEST_ID_HEADER))
        seconds = time.perf_counter() - start
        self._counts.add(route, status, seconds)
        if self.settings.access_log:
            path = request.url.partition(b"?")[0]
            log_access(request.method, path, status, seconds, name)
        if request.method == "HEAD":
            tail = tail[:body_at]
        head = b"%b%b: %b\r\n" % (head, REQUEST_ID_HEADER, name)
        return RelatedReply(status, head, tail, body_at, closes)

    def _answer(
        self,
        generation: Generation | None,
        target: tuple[bytes | None, bool],
        request: RelatedRequest,
        now: int,
    ) -> _Parts:
        path_id, as_html = target
        try:
            if request.method not in _METHODS:
                if request.method == "OPTIONS":
                    return self._preflight(request, b"GET, HEAD")
                raise ProblemError(
                    405,
                    "use GET or HEAD to read related articles",
                    headers={"Allow": "GET, HEAD, OPTIONS"},
                )
            if generation is None:
                raise not_ready()
            path, _, raw_query = request.url.partition(b"?")
            check_address(path, raw_query)
            parameters = parse_query(raw_query)
            article_id = read_article_id(path_id, parameters)
            query = read_related_query(parameters, self._lists.defaults)
            response = self._lists.find(generation, article_id, query, now, as_html=as_html)
            until = generation.until
            if query.at(now) is not query:  # tomorrow, the same address asks for something else
                until = min(until, (now // DAY + 1) * DAY)
            elif not query.exclude:
                generation.cache.alias(request.url, response)
            return self._send(generation, response, request, now, until)
        except ProblemError as problem:
            return self._failure(problem, request, as_html=as_html)
        except Exception:
            log.exception("failed to render a related list")
            return self._failure(server_error(), request, as_html=as_html)

    def _send(
        self,
        generation: Generation,
        response: CachedResponse,
        request: RelatedRequest,
        now: int,
        until: int,
    ) -> _Parts:
        accepted = request.headers.get(b"accept-encoding")
        if accepted is not None and accepts_gzip(accepted):
            data, body_at, gzipped = generation.cache.gzipped(response)
        else:
            data, body_at, gzipped = response.plain
        left = until - now
        head = self._fresh if left >= self._freshness.span else self._freshness.line(left)
        if self._cors.narrow:
            head += as_lines(self._cors.allow(request.headers))
        condition = request.headers.get(b"if-none-match")
        if condition is not None and matches(condition, etag := response.etag(gzipped=gzipped)):
            unchanged = b"%betag: %b\r\n\r\n" % (self._lists.common, etag)
            return 304, head, unchanged, len(unchanged), False
        return 200, head, data, body_at, False

    def _preflight(self, request: RelatedRequest, methods: bytes) -> _Parts:
        return _parts(204, self._cors.preflight(request.headers, methods))

    def _failure(self, problem: ProblemError, request: RelatedRequest, *, as_html: bool) -> _Parts:
        headers, body = problem.response(as_html=as_html)
        headers += [
            POLICY,
            *self._cors.always,
            *self._lists.vary,
            *self._cors.allow(request.headers),
        ]
        return _parts(problem.status, headers, body)


def _below(scope: Scope, prefix: bytes) -> Scope:
    """Returns a request without the path prefix, which a proxy may or may not have cut already."""
    root = prefix.decode()
    rest = scope["raw_path"].removeprefix(prefix)
    if rest == scope["raw_path"] or rest[:1] not in (b"", b"/"):
        return {**scope, "root_path": root}
    path = scope["path"].removeprefix(root) or "/"
    return {**scope, "root_path": root, "path": path, "raw_path": rest or b"/"}


def _parts(status: int, headers: Iterable[Header], body: bytes = b"") -> _Parts:
    lines = as_lines(headers) + b"\r\n"
    closes = b"connection: close\r\n" in lines
    return status, b"", lines + body, len(lines), closes


def find_target(raw_path: bytes) -> tuple[bytes | None, bool] | None:
    """Finds out which article and format a path asks for.

    For example, ``b"/v1/articles/a/related.html"`` gives ``(b"a", True)``.

    Returns:
        The percent-encoded article id in the path (``None`` on a route that takes the id as a
        query parameter), and whether the route returns HTML. For a path that is not a route for
        related articles the whole result is ``None``.
    """
    found = _TARGET.fullmatch(raw_path)
    return None if found is None else (found[1], found[2] is not None)

"""The routes that a site asks on every page view: related articles by id.

Found and answered without routing, dependency injection and response models, which would cost
several times what the answer itself does: a plain function of what was asked, behind a plain ASGI
callable and, under ``alsolike serve``, behind :mod:`service.http.fast_protocol`. The same routes
are described in the app's OpenAPI document by :mod:`service.api.openapi`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from service.http.caching_headers import Freshness, accepts_gzip, matches
from service.http.header_lines import END, Header, as_lines, by_name, split_headers
from service.http.problems import ProblemError, server_error
from service.http.query_params import parse_query, read_article_id, read_related_query
from service.http.related_lists import POLICY, ROUTES, ListRequest, RelatedLists, not_ready
from service.http.request_counts import RequestCounts
from service.http.request_id import HEADER, request_id
from service.http.request_limits import body_limits, check_address, has_body, read_body
from service.http.response_cache import CachedResponse
from service.serving.live import Generation, Live
from service.settings import Settings

if TYPE_CHECKING:
    from service.http.read_access import ReadAccess

log = logging.getLogger("alsolike")
access_log = logging.getLogger("alsolike.access")

_ARTICLES = b"/v1/articles/"
BATCH = b"/v1/related/batch"
_METHODS = ("GET", "HEAD")
_OF_THE_BODY = frozenset({b"content-type", b"content-length", b"content-encoding"})


class RelatedRequest(NamedTuple):
    """What of a request decides its answer.

    Attributes:
        method: In capitals.
        url: Path and query as they came, percent-encoded.
        headers: By name, in lower case.
    """

    method: str
    url: bytes
    headers: dict[bytes, bytes]


class RelatedReply(NamedTuple):
    """A response, ready to send.

    Attributes:
        status: As in HTTP.
        head: The headers that are this request's own, as lines.
        tail: The other headers as lines, an empty line, and the body; as it is kept.
    """

    status: int
    head: bytes
    tail: bytes


class RelatedRoutes:
    """Answers the related routes and hands everything else on.

    Args:
        app: The FastAPI app.
        live: What is served.
        lists: Makes and keeps the answers.
        settings: Defaults for what a request leaves open, freshness, limits.
        tally: Where requests are counted.
        readers: Who may read, where the setting ``read_token`` asks for a token.
    """

    def __init__(
        self,
        app: ASGIApp,
        live: Live,
        lists: RelatedLists,
        settings: Settings,
        tally: RequestCounts,
        readers: ReadAccess | None = None,
    ) -> None:
        self.readers = readers
        self.limits = body_limits(settings)
        self._app = app
        self._live = live
        self._lists = lists
        self._tally = tally
        self._cors = lists.cors
        self._freshness = Freshness(
            settings.max_age,
            settings.stale_while_revalidate,
            "private" if settings.read_token else "public",
        )
        self._fresh = self._freshness.line(self._freshness.span)
        self._access_log = settings.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            path, query = scope["raw_path"], scope["query_string"]
            url = b"%b?%b" % (path, query) if query else path
            asked = RelatedRequest(scope["method"], url, by_name(scope["headers"]))
            reply = self.reply(asked, await self._refusal(asked, scope, receive))
            if reply is not None:
                status, head, tail = reply
                headers, body = split_headers(head + tail)
                start = {"type": "http.response.start", "status": status, "headers": headers}
                await send(start)
                await send({"type": "http.response.body", "body": body})
                return
        await self._app(scope, receive, send)

    async def _refusal(
        self, asked: RelatedRequest, scope: Scope, receive: Receive
    ) -> ProblemError | None:
        """Why a request gets no list before it is looked at, if it asks for one."""
        if asked.method not in _METHODS or find_target(asked.url.partition(b"?")[0]) is None:
            return None
        refusal = None if self.readers is None else await self.readers.refusal(scope)
        if refusal is None and has_body(scope):
            try:
                await read_body(scope, receive, self.limits)
            except ProblemError as problem:
                refusal = problem
        return refusal

    def count_refusal(self, status: int) -> None:
        """Count what was refused before it was a request."""
        self._tally.add("other", status, 0.0)

    def reply(
        self, asked: RelatedRequest, refusal: ProblemError | None = None
    ) -> RelatedReply | None:
        """The response to a request, counted and logged; ``None`` if another is to answer it.

        Args:
            asked: The request.
            refusal: Why whoever asks gets no list, if so.
        """
        start = time.perf_counter()
        now = self._live.clock()
        generation = self._live.at(now)
        kept = None
        if generation is not None and refusal is None and asked.method in _METHODS:
            kept = generation.cache.raw.get(asked.url)
        if kept is not None and generation is not None:
            kept.used = True
            self._tally.hits += 1
            route = kept.route
            status, head, tail = self._send(generation, kept, asked, now)
        else:
            path = asked.url.partition(b"?")[0]
            target = find_target(path)
            if target is not None and not (asked.method == "POST" and target == (None, False)):
                route = ROUTES[target[1]]
                status, head, tail = (
                    self._answer(generation, target, asked, now)
                    if refusal is None
                    else self._failure(refusal, asked, as_html=target[1])
                )
            elif path == BATCH and asked.method == "OPTIONS":
                route = BATCH.decode()
                status, head, tail = self._preflight(asked, b"POST")
            else:
                return None
        name = request_id(asked.headers.get(HEADER))
        seconds = time.perf_counter() - start
        self._tally.add(route, status, seconds)
        if self._access_log:
            path = asked.url.partition(b"?")[0]
            log_access(asked.method, path, status, seconds, name)
        if asked.method == "HEAD":
            tail = tail[: tail.index(END) + len(END)]
        return RelatedReply(status, b"%b%b: %b\r\n" % (head, HEADER, name), tail)

    def _answer(
        self,
        generation: Generation | None,
        target: tuple[bytes | None, bool],
        asked: RelatedRequest,
        now: int,
    ) -> RelatedReply:
        path_id, as_html = target
        try:
            if asked.method not in _METHODS:
                if asked.method == "OPTIONS":
                    return self._preflight(asked, b"GET, HEAD")
                raise ProblemError(
                    405,
                    "related articles are read with GET or HEAD",
                    headers={"Allow": "GET, HEAD, OPTIONS"},
                )
            if generation is None:
                raise not_ready()
            path, _, raw_query = asked.url.partition(b"?")
            check_address(path, raw_query)
            parameters = parse_query(raw_query)
            article_id = read_article_id(path_id, parameters)
            query = read_related_query(parameters, self._lists.defaults)
            question = ListRequest(article_id, as_html, query)
            answer = self._lists.find(generation, question, now)
            if not query.exclude:
                generation.cache.alias(asked.url, answer)
            return self._send(generation, answer, asked, now)
        except ProblemError as problem:
            return self._failure(problem, asked, as_html=as_html)
        except Exception:
            log.exception("a related list could not be made")
            return self._failure(server_error(), asked, as_html=as_html)

    def _send(
        self, generation: Generation, answer: CachedResponse, asked: RelatedRequest, now: int
    ) -> RelatedReply:
        accepted = asked.headers.get(b"accept-encoding")
        if accepted is not None and accepts_gzip(accepted):
            tail = generation.cache.gzipped(answer)
        else:
            tail = answer.expanded()
        left = generation.until - now
        head = self._fresh if left >= self._freshness.span else self._freshness.line(left)
        if self._cors.narrow:
            head += as_lines(self._cors.allow(asked.headers))
        condition = asked.headers.get(b"if-none-match")
        if condition is not None:
            headers, _ = split_headers(tail)
            if matches(condition, dict(headers)[b"etag"]):
                about = [header for header in headers if header[0] not in _OF_THE_BODY]
                return _made(304, about, head)
        return RelatedReply(200, head, tail)

    def _preflight(self, asked: RelatedRequest, methods: bytes) -> RelatedReply:
        return _made(204, self._cors.preflight(asked.headers, methods))

    def _failure(
        self, problem: ProblemError, asked: RelatedRequest, *, as_html: bool
    ) -> RelatedReply:
        headers, body = problem.response(as_html=as_html)
        headers += [
            POLICY,
            *self._cors.always,
            self._lists.vary,
            *self._cors.allow(asked.headers),
        ]
        return _made(problem.status, headers, body=body)


def _made(
    status: int, headers: Iterable[Header], head: bytes = b"", body: bytes = b""
) -> RelatedReply:
    return RelatedReply(status, head, b"%b\r\n%b" % (as_lines(headers), body))


def log_access(method: str, path: bytes, status: int, seconds: float, name: bytes) -> None:
    """A line for a request, if the setting ``access_log`` asks for them."""
    access_log.info(
        "%s %s %d",
        method,
        path.decode("latin-1"),
        status,
        extra={"seconds": round(seconds, 6), "request_id": name.decode()},
    )


def find_target(raw_path: bytes) -> tuple[bytes | None, bool] | None:
    """The id in the path (still percent-encoded) and whether HTML is asked for."""
    if raw_path == b"/v1/related":
        return None, False
    if raw_path == b"/v1/related.html":
        return None, True
    if not raw_path.startswith(_ARTICLES):
        return None
    article_id, slash, rest = raw_path[len(_ARTICLES) :].partition(b"/")
    if not article_id or not slash or rest not in (b"related", b"related.html"):
        return None
    return article_id, rest == b"related.html"

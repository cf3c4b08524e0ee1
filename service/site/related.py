"""The routes that a site asks on every page view: related articles by id.

A plain ASGI callable in front of the FastAPI app, since routing, dependency injection and
response models would cost several times what the answer itself does. The same routes are
described in the app's OpenAPI document by :mod:`service.api.openapi`.
"""

from __future__ import annotations

import logging
import time
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from index.settings import Settings
from service.limits import check_address
from service.live import Generation, Live
from service.problems import ProblemError, server_error
from service.request_id import HEADER, request_id
from service.site.answers import Answer, Header
from service.site.freshness import Freshness, accepts_gzip, matches
from service.site.lists import POLICY, ROUTES, Question, RelatedLists, not_ready
from service.site.parameters import parse_query, read_article_id, read_wish
from service.tally import Tally

log = logging.getLogger("alsolike")
access_log = logging.getLogger("alsolike.access")

_ARTICLES = b"/v1/articles/"
BATCH = b"/v1/related/batch"
_METHODS = ("GET", "HEAD")
_OF_THE_BODY = frozenset({b"content-type", b"content-length", b"content-encoding"})


class Reply(NamedTuple):
    """A response, ready to send."""

    status: int
    headers: list[Header]
    body: bytes


class RelatedRoutes:
    """Answers the related routes and hands everything else on.

    Args:
        app: The FastAPI app.
        live: What is served.
        lists: Makes and keeps the answers.
        settings: Defaults for what a request leaves open, freshness, origins.
        tally: Where requests are counted.
    """

    def __init__(
        self, app: ASGIApp, live: Live, lists: RelatedLists, settings: Settings, tally: Tally
    ) -> None:
        self._app = app
        self._live = live
        self._lists = lists
        self._tally = tally
        self._cors = lists.cors
        self._freshness = Freshness(settings.max_age, settings.stale_while_revalidate)
        self._fresh = self._freshness.header(self._freshness.span)
        self._access_log = settings.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        now = self._live.clock()
        generation = self._live.at(now)
        kept = None
        if generation is not None and scope["method"] in _METHODS:
            kept = generation.cache.raw.get((scope["raw_path"], scope["query_string"]))
        if kept is not None and generation is not None:
            kept.used = True
            self._tally.hits += 1
            route = kept.route
            asked = dict(scope["headers"])
            reply = self._reply(generation, kept, asked, now)
        else:
            target = find_target(scope["raw_path"])
            asked = dict(scope["headers"])
            if target is not None and not (scope["method"] == "POST" and target == (None, False)):
                route = ROUTES[target[1]]
                reply = self._answer(generation, target, scope, asked, now)
            elif scope["raw_path"] == BATCH and scope["method"] == "OPTIONS":
                route = BATCH.decode()
                reply = Reply(204, self._cors.preflight(asked, b"POST"), b"")
            else:
                await self._app(scope, receive, send)
                return
        name = request_id(asked.get(HEADER))
        status, headers, body = reply
        headers.append((HEADER, name))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["method"] == "HEAD":
            body = b""
        await send({"type": "http.response.body", "body": body})
        seconds = time.perf_counter() - start
        self._tally.add(route, status, seconds)
        if self._access_log:
            log_access(scope, status, seconds, name)

    def _answer(
        self,
        generation: Generation | None,
        target: tuple[bytes | None, bool],
        scope: Scope,
        asked: dict[bytes, bytes],
        now: int,
    ) -> Reply:
        path_id, as_html = target
        try:
            if scope["method"] not in _METHODS:
                if scope["method"] == "OPTIONS":
                    return Reply(204, self._cors.preflight(asked, b"GET, HEAD"), b"")
                raise ProblemError(
                    405,
                    "related articles are read with GET or HEAD",
                    headers={"Allow": "GET, HEAD, OPTIONS"},
                )
            if generation is None:
                raise not_ready()
            check_address(scope)
            parameters = parse_query(scope["query_string"])
            article_id = read_article_id(path_id, parameters)
            wish = read_wish(parameters, self._lists.defaults)
            question = Question(article_id, as_html, wish)
            answer = self._lists.find(generation, question, now)
            if not wish.exclude:
                generation.cache.alias(scope["raw_path"], scope["query_string"], answer)
            return self._reply(generation, answer, asked, now)
        except ProblemError as problem:
            return self._failure(problem, asked, as_html=as_html)
        except Exception:
            log.exception("a related list could not be made")
            return self._failure(server_error(), asked, as_html=as_html)

    def _reply(
        self, generation: Generation, answer: Answer, asked: dict[bytes, bytes], now: int
    ) -> Reply:
        accepted = asked.get(b"accept-encoding")
        if accepted is not None and accepts_gzip(accepted):
            found, body = generation.cache.gzipped(answer)
        else:
            found, body = answer.headers, answer.body
        left = generation.until - now
        fresh = self._fresh if left >= self._freshness.span else self._freshness.header(left)
        headers = [*found, fresh]
        if self._cors.narrow:
            headers += self._cors.allow(asked)
        condition = asked.get(b"if-none-match")
        if condition is not None and matches(condition, dict(found)[b"etag"]):
            return Reply(304, [header for header in headers if header[0] not in _OF_THE_BODY], b"")
        return Reply(200, headers, body)

    def _failure(self, problem: ProblemError, asked: dict[bytes, bytes], *, as_html: bool) -> Reply:
        headers, body = problem.response(as_html=as_html)
        headers += [
            POLICY,
            *self._cors.always,
            self._cors.vary(b"Accept-Encoding"),
            *self._cors.allow(asked),
        ]
        return Reply(problem.status, headers, body)


def log_access(scope: Scope, status: int, seconds: float, name: bytes) -> None:
    """A line for a request, if the setting ``access_log`` asks for them."""
    access_log.info(
        "%s %s %d",
        scope["method"],
        scope["raw_path"].decode("latin-1"),
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

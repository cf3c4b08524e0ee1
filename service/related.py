"""The routes that a site asks on every page view: related articles by id.

A plain ASGI callable in front of the FastAPI app, since routing, dependency injection and
response models would cost several times what the answer itself does. The same routes are
described in the app's OpenAPI document by :mod:`service.openapi`.
"""

from __future__ import annotations

import hashlib
import logging
import time
from importlib.metadata import version
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from index.selection import Wish, select
from index.settings import Settings
from service.answers import Answer, Header, Headers
from service.cors import Cors
from service.freshness import NO_STORE, Freshness, accepts_gzip, matches
from service.live import Generation, Live
from service.parameters import default_wish, parse_query, read_article_id, read_wish
from service.problems import MEDIA_TYPE, ProblemError, not_found, server_error
from service.rendering import related_html, related_json
from service.request_id import HEADER, request_id
from service.tally import Tally

log = logging.getLogger("alsolike")
access_log = logging.getLogger("alsolike.access")

_ARTICLES = b"/v1/articles/"
_METHODS = ("GET", "HEAD")
_JSON = (b"content-type", b"application/json")
_HTML = (b"content-type", b"text/html; charset=utf-8")
_PROBLEM = (b"content-type", MEDIA_TYPE.encode())
_SAFE: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_OF_THE_BODY = frozenset({b"content-type", b"content-length", b"content-encoding"})
_ROUTES = {False: "/v1/related", True: "/v1/related.html"}


class Question(NamedTuple):
    """What is asked, whichever way it was written; together with the generation, the cache key."""

    article_id: str
    as_html: bool
    wish: Wish


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
        settings: Defaults for what a request leaves open, freshness, origins.
        tally: Where requests are counted.
    """

    def __init__(self, app: ASGIApp, live: Live, settings: Settings, tally: Tally) -> None:
        self._app = app
        self._live = live
        self._settings = settings
        self._tally = tally
        self._defaults = default_wish(settings)
        self._cors = Cors(settings.cors_origins)
        self._freshness = Freshness(settings.max_age, settings.stale_while_revalidate)
        self._fresh = self._freshness.header(self._freshness.span)
        shared = (*_SAFE, *self._cors.always, self._cors.vary(b"Accept-Encoding"))
        self._shared = {False: (_JSON, *shared), True: (_HTML, *shared)}
        rendered_by = (version("alsolike"), settings.heading, settings.locale)
        self._salt = repr(rendered_by).encode()
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
            if target is None or (scope["method"] == "POST" and target == (None, False)):
                await self._app(scope, receive, send)
                return
            route = _ROUTES[target[1]]
            asked = dict(scope["headers"])
            reply = self._answer(generation, target, scope, asked, now)
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
            parameters = parse_query(scope["query_string"])
            article_id = read_article_id(path_id, parameters)
            question = Question(article_id, as_html, read_wish(parameters, self._defaults))
            answer = self.find(generation, question, now)
            if not question.wish.exclude:
                generation.cache.alias(scope["raw_path"], scope["query_string"], question)
            return self._reply(generation, answer, asked, now)
        except ProblemError as problem:
            return self._failure(problem, asked, as_html=as_html)
        except Exception:
            log.exception("a related list could not be made")
            return self._failure(server_error(), asked, as_html=as_html)

    def find(self, generation: Generation, question: Question, now: int) -> Answer:
        """The answer to a question: the one that is kept, or a new one, which then is.

        Raises:
            ProblemError: For an unknown or invisible article.
        """
        kept = generation.cache.get(question)
        if kept is not None:
            self._tally.hits += 1
            return kept
        self._tally.misses += 1
        served = generation.served
        build = served.build
        article_id, as_html, wish = question
        row = build.row(article_id)
        if row is None or not served.is_visible(row, now):
            raise not_found()
        chosen = select(served, row, now=now, wish=wish)
        if as_html:
            body = related_html(
                build,
                row,
                chosen,
                heading=self._settings.heading,
                locale=self._settings.locale,
            )
        else:
            body = related_json(build, article_id, chosen)
        answer = Answer(
            self._tag(generation, question), self._shared[as_html], body, route=_ROUTES[as_html]
        )
        if not wish.exclude:  # as many lists of those as there are pages that ask
            generation.cache.put(question, answer)
        return answer

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
        """An error; without a body for an include, which puts the body into a page as it is."""
        body = b"" if as_html else problem.body()
        headers = [
            _HTML if as_html else _PROBLEM,
            (b"content-length", b"%d" % len(body)),
            NO_STORE,
            *_SAFE,
            *self._cors.always,
            self._cors.vary(b"Accept-Encoding"),
            *self._cors.allow(asked),
            *(
                (name.lower().encode(), value.encode())
                for name, value in (problem.headers or {}).items()
            ),
        ]
        return Reply(problem.status, headers, body)

    def _tag(self, generation: Generation, question: Question) -> bytes:
        article_id, as_html, wish = question
        meaning = (
            article_id, as_html, wish.limit, wish.min_score, str(wish.fallback), str(wish.order),
            wish.language, sorted(wish.exclude),
        )  # fmt: skip
        digest = hashlib.blake2b(repr(meaning).encode(), digest_size=12, key=generation.tag)
        digest.update(self._salt)
        return b'"%b"' % digest.hexdigest().encode()


def not_ready() -> ProblemError:
    """Nothing can be served; why is the operator's to know."""
    return ProblemError(503, "not ready; /readyz says why", headers={"Retry-After": "5"})


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

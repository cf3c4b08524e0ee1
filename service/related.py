"""The route that a site asks on every page view: related articles by id.

A plain ASGI callable in front of the FastAPI app, since routing, dependency injection and
response models would cost several times what the answer itself does. The same routes are
described in the app's OpenAPI document by :mod:`service.openapi`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from index.build import Build
from index.selection import Chosen, select
from index.served import Served
from index.settings import Settings
from service.fragment import make_card, make_heading, render_fragment
from service.live import Live
from service.parameters import default_wish, parse_query, read_article_id, read_wish
from service.problems import MEDIA_TYPE, ProblemError, not_found, server_error

_ARTICLES = b"/v1/articles/"
_JSON = b"application/json"
_HTML = b"text/html; charset=utf-8"
_EXTRA_HEADERS: Mapping[int, list[tuple[bytes, bytes]]] = {
    405: [(b"allow", b"GET, HEAD")],
    503: [(b"retry-after", b"5")],
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, ready to send."""

    status: int
    media_type: bytes
    body: bytes


class RelatedRoutes:
    """Answers the related routes and hands everything else on.

    Args:
        app: The FastAPI app.
        live: What is served.
        settings: Defaults for what a request leaves open.
    """

    def __init__(self, app: ASGIApp, live: Live, settings: Settings) -> None:
        self._app = app
        self._live = live
        self._settings = settings
        self._defaults = default_wish(settings)
        self._any_origin = "*" in settings.cors_origins
        self._origins = {origin.rstrip("/").encode() for origin in settings.cors_origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        target = _target(scope["raw_path"]) if scope["type"] == "http" else None
        if target is None:
            await self._app(scope, receive, send)
            return
        path_id, as_html = target
        try:
            if scope["method"] not in ("GET", "HEAD"):
                raise ProblemError(405, "related articles are read with GET or HEAD")
            answer = self.answer(path_id, scope["query_string"], as_html=as_html)
        except ProblemError as problem:
            answer = _failure(problem, as_html=as_html)
        except Exception:  # answered like every other error; the server logs it
            await self._send(_failure(server_error(), as_html=as_html), scope, send)
            raise
        await self._send(answer, scope, send)

    async def _send(self, answer: Answer, scope: Scope, send: Send) -> None:
        headers = [
            (b"content-type", answer.media_type),
            (b"content-length", str(len(answer.body)).encode()),
            (b"x-content-type-options", b"nosniff"),
            *_EXTRA_HEADERS.get(answer.status, ()),
            *self._cors(scope),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    def answer(self, path_id: bytes | None, query: bytes, *, as_html: bool) -> Answer:
        """Answer one request.

        Args:
            path_id: The percent-encoded id from the path, if the route has one.
            query: The raw query string.
            as_html: The fragment instead of JSON.

        Raises:
            ProblemError: For a wrong parameter, an unknown article, or no build.
        """
        build = self._live.build
        if build is None:
            raise ProblemError(503, "not ready: no build is open yet; /readyz says why")
        parameters = parse_query(query)
        article_id = read_article_id(path_id, parameters)
        wish = read_wish(parameters, self._defaults)
        row = build.row(article_id)
        now = time.time_ns() // 1000
        if row is None or not build.is_visible(row, now):
            raise not_found()
        chosen = select(Served(build), row, now=now, wish=wish)
        if as_html:
            return Answer(200, _HTML, self._fragment(build, row, chosen))
        return Answer(200, _JSON, related_json(build, article_id, chosen))

    def _fragment(self, build: Build, row: int, chosen: list[Chosen]) -> bytes:
        def language(of: int) -> str | None:
            return build.language_names[int(build.languages[of])] or None

        locale = self._settings.locale
        cards = [
            make_card(json.loads(b"{%b}" % build.cards[item.row]), language(item.row), locale)
            for item in chosen
        ]
        return render_fragment(cards, make_heading(self._settings.heading, language(row), locale))

    def _cors(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        if self._any_origin:
            return [(b"access-control-allow-origin", b"*")]
        vary = (b"vary", b"Origin")
        for name, value in scope["headers"]:
            if name == b"origin" and value in self._origins:
                return [(b"access-control-allow-origin", value), vary]
        return [vary]


def _failure(problem: ProblemError, *, as_html: bool) -> Answer:
    """An error; without a body for an include, which puts the body into a page as it is."""
    if as_html:
        return Answer(problem.status, _HTML, b"")
    return Answer(problem.status, MEDIA_TYPE.encode(), problem.body())


def related_json(build: Build, article_id: str, chosen: list[Chosen]) -> bytes:
    """The body of an answer."""
    return b'{"article_id":%b,"build":"%b","items":%b}' % (
        json.dumps(article_id, ensure_ascii=False).encode(),
        build.name.encode(),
        items_json(build, chosen),
    )


def items_json(build: Build, chosen: list[Chosen]) -> bytes:
    """A list as a JSON array: the build's card bytes, joined with what this list adds."""
    return b"[%b]" % b",".join(
        b'{%b,"score":%b,"origin":"%b","position":%d,"shared_terms":%b}'
        % (
            build.cards[item.row],
            repr(item.score).encode(),
            item.origin.encode(),
            position,
            json.dumps(item.shared_terms, ensure_ascii=False).encode(),
        )
        for position, item in enumerate(chosen, 1)
    )


def _target(raw_path: bytes) -> tuple[bytes | None, bool] | None:
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

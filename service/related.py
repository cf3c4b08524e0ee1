"""The route that a site asks on every page view: related articles by id.

A plain ASGI callable in front of the FastAPI app, since routing, dependency injection and
response models would cost several times what the answer itself does. The same routes are
described in the app's OpenAPI document by :mod:`service.openapi`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from index.build import Build
from index.selection import MAX_LIMIT, Chosen, Fallback, Order, Wish, select
from index.settings import Settings
from recommender.article import check_id
from recommender.errors import ArticleError
from service.fragment import make_card, make_heading, render_fragment
from service.live import Live
from service.problems import MEDIA_TYPE, ProblemError, not_found

MAX_EXCLUDE = 100
MAX_FIELDS = 200

_FALLBACKS = frozenset(Fallback)
_ORDERS = frozenset(Order)
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
        self._defaults = Wish(
            limit=settings.limit, min_score=settings.min_score, fallback=settings.fallback
        )
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
            failed = ProblemError(500, "the service failed to answer; its log says why")
            await self._send(_failure(failed, as_html=as_html), scope, send)
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
        parameters = _parse(query)
        article_id = _article_id(path_id, parameters)
        wish = read_wish(parameters, self._defaults)
        row = build.row(article_id)
        now = time.time_ns() // 1000
        if row is None or not build.is_visible(row, now):
            raise not_found()
        chosen = select(build, row, now=now, wish=wish)
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
    """The body of an answer: the build's card bytes, joined with what this list adds."""
    items = b",".join(
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
    return b'{"article_id":%b,"build":"%b","items":[%b]}' % (
        json.dumps(article_id, ensure_ascii=False).encode(),
        build.name.encode(),
        items,
    )


def read_wish(parameters: Mapping[str, list[str]], defaults: Wish) -> Wish:
    """What a request asks for.

    Raises:
        ProblemError: 422, naming the parameter and its value.
    """
    wish = defaults
    for name, read in _READERS.items():
        text = _single(parameters, name)
        if text is not None:
            wish = read(text, wish)
    if excluded := parameters.get("exclude"):
        if len(excluded) > MAX_EXCLUDE:
            raise _wrong("exclude", f"{len(excluded)} ids", f"at most {MAX_EXCLUDE} ids")
        for article_id in excluded:
            _check_id("exclude", article_id)
        wish = replace(wish, exclude=frozenset(excluded))
    return wish


def _read_limit(text: str, wish: Wish) -> Wish:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise _wrong("limit", text, f"a whole number from 1 to {MAX_LIMIT}")
    return replace(wish, limit=int(text))


def _read_min_score(text: str, wish: Wish) -> Wish:
    try:
        score = float(text)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise _wrong("min_score", text, "a number from 0 to 1")
    return replace(wish, min_score=score)


def _read_fallback(text: str, wish: Wish) -> Wish:
    if text not in _FALLBACKS:
        raise _wrong("fallback", text, f"one of {', '.join(Fallback)}")
    return replace(wish, fallback=Fallback(text))


def _read_sort(text: str, wish: Wish) -> Wish:
    if text not in _ORDERS:
        raise _wrong("sort", text, f"one of {', '.join(Order)}")
    return replace(wish, order=Order(text))


def _read_language(text: str, wish: Wish) -> Wish:
    if not 2 <= len(text) <= 35 or not text.replace("-", "").isalnum():
        raise _wrong("language", text, "a language tag like en or pt-BR")
    return replace(wish, language=text.lower())


_READERS: Mapping[str, Callable[[str, Wish], Wish]] = {
    "limit": _read_limit,
    "min_score": _read_min_score,
    "fallback": _read_fallback,
    "sort": _read_sort,
    "language": _read_language,
}


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


def _parse(query: bytes) -> dict[str, list[str]]:
    """The parameters by name. Bytes travel as Latin-1 until each is known by its name."""
    try:
        pairs = parse_qsl(
            query.decode("latin-1"),
            keep_blank_values=True,
            encoding="latin-1",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise ProblemError(422, f"the query string has over {MAX_FIELDS} fields") from None
    parameters: dict[str, list[str]] = {}
    for name, value in pairs:
        try:
            parameters.setdefault(name, []).append(value.encode("latin-1").decode())
        except UnicodeDecodeError:
            raise ProblemError(
                422, f"{name[:80]} is not percent-encoded UTF-8", field=name[:80]
            ) from None
    return parameters


def _article_id(path_id: bytes | None, parameters: Mapping[str, list[str]]) -> str:
    if path_id is not None:
        try:
            return _check_id("article_id", unquote_to_bytes(path_id).decode())
        except UnicodeDecodeError:
            raise ProblemError(
                422, "article_id in the path is not percent-encoded UTF-8", field="article_id"
            ) from None
    article_id = _single(parameters, "id")
    if article_id is None:
        raise ProblemError(422, "the parameter id is missing: /v1/related?id=…", field="id")
    return _check_id("id", article_id)


def _check_id(name: str, value: str) -> str:
    try:
        return check_id(value, field=name)
    except ArticleError as error:
        raise ProblemError(422, str(error), field=name) from None


def _single(parameters: Mapping[str, list[str]], name: str) -> str | None:
    values = parameters.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise ProblemError(422, f"the parameter {name} is given {len(values)} times", field=name)
    return values[0]


def _wrong(name: str, value: str, allowed: str) -> ProblemError:
    return ProblemError(422, f"{name} is {value[:80]!r}; it must be {allowed}", field=name)

"""Answers requests for related lists from a cache; renders the responses that it lacks."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from importlib.metadata import version
from typing import NamedTuple

from index.query import RelatedQuery
from service.http.headers import Cors, Header, as_lines
from service.http.html_fragment import related_html
from service.http.list_json import related_json
from service.http.problems import not_found
from service.http.request_counts import RequestCounts
from service.serving.live import Generation
from service.serving.response_cache import CachedResponse
from service.serving.selection import select
from service.settings import Settings

JSON = (b"content-type", b"application/json")
HTML = (b"content-type", b"text/html; charset=utf-8")
POLICY: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
ROUTES = {False: "/v1/related", True: "/v1/related.html"}
"""The name of the route in the metrics, by whether it returns HTML."""


class ListRequest(NamedTuple):
    """What a request for a related list asks for: article, format and query.

    URLs that mean the same give equal requests.
    """

    article_id: str
    as_html: bool
    query: RelatedQuery


class RelatedLists:
    """Renders and caches the responses with related articles.

    Args:
        settings: The effective settings.
        counts: Counts cache hits and misses.

    Attributes:
        defaults: What a request without parameters asks for: how many articles, and which.
        cors: The CORS headers.
        private: The names of the request headers that may hold a reader's token; empty if reading
            needs no token.
        vary: The ``Vary`` header, naming all request headers that affect a response.
        common: The headers that every response has, in the form that HTTP sends.
    """

    def __init__(self, settings: Settings, counts: RequestCounts) -> None:
        self._settings = settings
        self._counts = counts
        self.defaults = settings.query
        self.cors = Cors(settings.cors_origins)
        self.private = (b"Authorization", b"Cookie") if settings.read_token else ()
        self.vary = self.cors.vary(b"Accept-Encoding", *self.private)
        nosniff = (b"x-content-type-options", b"nosniff")
        self.common = as_lines([nosniff, POLICY, *self.cors.always, self.vary])
        self._headers = {
            False: as_lines([JSON]) + self.common,
            True: as_lines([HTML]) + self.common,
        }
        rendered_by = (version("alsolike"), settings.heading, settings.locale)
        self._salt = repr(rendered_by).encode()

    def find(self, generation: Generation, request: ListRequest, now: int) -> CachedResponse:
        """Returns the response to a request, from the cache if possible; else renders it.

        Args:
            generation: The build and the decisions that are served at ``now``, with their cache.
            request: The article, the format and the query.
            now: Microseconds since 1970 UTC.

        Raises:
            ProblemError: 404, for an unknown or invisible article.
        """
        article_id, as_html, query = request
        key = f"{_cache_key(query)}{as_html:d}{article_id}"
        cached = generation.cache.get(key)
        if cached is not None:
            self._counts.hits += 1
            return cached
        self._counts.misses += 1
        served = generation.served
        build = served.build
        row = build.row(article_id)
        if row is None or not served.showing(now).visible[row]:
            raise not_found()
        items = select(served, row, now=now, query=query)
        if as_html:
            heading, locale = self._settings.heading, self._settings.locale
            body = related_html(build, row, items, heading=heading, locale=locale)
        else:
            body = related_json(build, article_id, items)
        response = CachedResponse(
            self._tag(generation, key), self._headers[as_html], body, route=ROUTES[as_html]
        )
        if not query.exclude:  # lists with exclusions are rarely requested twice
            generation.cache.put(key, response)
        return response

    def _tag(self, generation: Generation, key: str) -> bytes:
        content = self._salt + key.encode()
        digest = hashlib.blake2b(content, digest_size=12, key=generation.tag)
        return digest.hexdigest().encode()


@functools.lru_cache(maxsize=1_000)
def _cache_key(query: RelatedQuery) -> str:
    """Returns a text that identifies a query, for the cache.

    No text is the beginning of another query's text.
    """
    values = [getattr(query, field.name) for field in dataclasses.fields(query)]
    return repr([sorted(value) if isinstance(value, frozenset) else value for value in values])

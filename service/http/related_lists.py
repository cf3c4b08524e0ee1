"""Answers requests for related articles from a cache; renders the responses that it lacks."""

import functools
import hashlib
from importlib.metadata import version

from index.query import Order, RelatedQuery
from index.root.comparison import Variant
from service.clicks.placement import Placements
from service.http.headers import Cors, Header, as_lines
from service.http.list_json import related_json
from service.http.metrics import RequestCounts
from service.http.problems import not_found
from service.serving.exploration import explore
from service.serving.list_date import list_date
from service.serving.live import Generation
from service.serving.response_cache import CachedResponse
from service.serving.selection import select
from service.settings import Settings

JSON = (b"content-type", b"application/json")
HTML = (b"content-type", b"text/html; charset=utf-8")
POLICY: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
ROUTES = {False: "/v1/related", True: "/v1/related.html"}
"""The route's name in the metrics: ``ROUTES[True]`` for HTML, ``ROUTES[False]`` for JSON."""


class RelatedLists:
    """Renders and caches the responses to requests for related articles.

    Args:
        settings: The effective settings.
        counts: Counts cache hits and misses.
        placements: Makes the signed texts by which clicks on lists are counted; ``None`` if no
            clicks are counted.

    Attributes:
        defaults: What a request without parameters asks for: how many articles, and which.
        cors: The CORS headers.
        private: The names of the request headers that may hold a reader's token; empty if reading
            needs no token.
        vary: The header ``Vary``, which names all request headers that affect a response, in a
            tuple; empty if there are none.
        common: The headers that every response has, as HTTP sends them.
    """

    def __init__(
        self, settings: Settings, counts: RequestCounts, placements: Placements | None = None
    ) -> None:
        self.settings = settings
        self.counts = counts
        self.placements = placements
        self.defaults = settings.query
        self.cors = Cors(settings.cors_origins)
        self.private = (b"Authorization", b"Cookie") if settings.read_token else ()
        self.vary = self.cors.vary(b"Accept-Encoding", *self.private)
        nosniff = (b"x-content-type-options", b"nosniff")
        self.common = as_lines([nosniff, POLICY, *self.cors.always, *self.vary])
        self._headers = {
            False: as_lines([JSON]) + self.common,
            True: as_lines([HTML]) + self.common,
        }
        rendered_by = (version("alsolike"), settings.heading, settings.locale)
        self._salt = repr(rendered_by).encode()

    def find(
        self, generation: Generation, article_id: str, query: RelatedQuery, now: int, as_html: bool
    ) -> CachedResponse:
        """Returns the response to a request, from the cache if it is there; else renders it.

        Args:
            generation: The published build with the editors' decisions, and its response cache.
            article_id: The article whose list is requested.
            query: How many articles may be shown, and which.
            now: The current time, in microseconds since 1970 UTC.
            as_html: Whether to return HTML rather than JSON.

        Raises:
            ProblemError: 404, if the article is unknown or readers may not see it.
        """
        query = query.at(now)
        # A query with exclusions rarely comes again, and may be large.
        identity = query.identity() if query.exclude else _identity(query)
        key = f"{identity}{as_html:d}{article_id}"  # no query's identity begins another's
        cached = generation.cache.get(key, generation.served.build, generation.other)
        if cached is not None:
            self.counts.hits += 1
            return cached
        self.counts.misses += 1
        served, variant = generation.choose(article_id)
        build = served.build
        row = build.row(article_id)
        if row is None or not served.showing(now).visible[row]:
            raise not_found()
        items = select(served, row, now=now, query=query)
        if self.settings.explore and query.sort is not Order.NEWEST:
            explore(items, self.settings.explore, article_id, generation.block)
        listed = list_date(served, row, items, query)
        placement = None
        if self.placements is not None:
            compared = generation.comparison if variant is Variant.COMPARED else None
            recipe = "" if compared is None else compared.key
            placement = self.placements.token(build, row, items, query, variant, recipe)
        if as_html:
            # Imported here, as the first lists in JSON need not wait for Jinja and Babel.
            from service.http.html_fragment import related_html

            body = related_html(self.settings, build, row, items, placement)
        else:
            body = related_json(build, article_id, items, listed.date, placement)
        response = CachedResponse(
            self._tag(key, body), self._headers[as_html], body, route=ROUTES[as_html]
        )
        response.build = build.name
        if listed.lasting:
            date = build.list_dates[row][listed.column]
            full_build = None if placement is None else build.full_name
            varied = variant is Variant.COMPARED
            response.listed = article_id, listed.column, date, full_build, varied
        if not query.exclude:  # lists with exclusions are rarely requested twice
            generation.cache.put(key, response)
        return response

    def _tag(self, key: str, body: bytes) -> bytes:
        """Returns the ``ETag``: it stays the same as long as the bytes of the body do."""
        digest = hashlib.blake2b(self._salt + key.encode(), digest_size=12)
        digest.update(body)
        return digest.hexdigest().encode()


_identity = functools.lru_cache(maxsize=1_000)(RelatedQuery.identity)

"""Answers to what is asked of a generation: kept ones, or made now and then kept."""

from __future__ import annotations

import functools
import hashlib
from importlib.metadata import version
from typing import NamedTuple

from index.query import RelatedQuery
from service.http.cors import Cors
from service.http.header_lines import Header, as_lines
from service.http.list_rendering import related_html, related_json
from service.http.problems import ProblemError, not_found
from service.http.query_params import default_query
from service.http.request_counts import RequestCounts
from service.http.response_cache import CachedResponse
from service.serving.live import Generation
from service.serving.selection import select
from service.settings import Settings

JSON = (b"content-type", b"application/json")
HTML = (b"content-type", b"text/html; charset=utf-8")
POLICY: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
ROUTES = {False: "/v1/related", True: "/v1/related.html"}
"""What requests are counted under, by whether HTML is asked for, whichever way the id is given."""


class ListRequest(NamedTuple):
    """What is asked, whichever way it was written."""

    article_id: str
    as_html: bool
    query: RelatedQuery


class RelatedLists:
    """Makes answers and keeps them.

    Args:
        settings: What a request leaves open, and who may read.
        tally: Where hits and misses are counted.

    Attributes:
        defaults: What is meant by a request that leaves everything open.
        cors: Which pages may read.
        private: The headers that say who may read at all.
        vary: All that decide about an answer.
    """

    def __init__(self, settings: Settings, tally: RequestCounts) -> None:
        self._settings = settings
        self._tally = tally
        self.defaults = default_query(settings)
        self.cors = Cors(settings.cors_origins)
        self.private = (b"Authorization", b"Cookie") if settings.read_token else ()
        self.vary = self.cors.vary(b"Accept-Encoding", *self.private)
        shared = (
            (b"x-content-type-options", b"nosniff"),
            POLICY,
            *self.cors.always,
            self.vary,
        )
        self._shared = {False: as_lines([JSON, *shared]), True: as_lines([HTML, *shared])}
        rendered_by = (version("alsolike"), settings.heading, settings.locale)
        self._salt = repr(rendered_by).encode()

    def find(self, generation: Generation, question: ListRequest, now: int) -> CachedResponse:
        """The answer to a question: the one that is kept, or a new one, which then is.

        Raises:
            ProblemError: For an unknown or invisible article.
        """
        article_id, as_html, query = question
        key = f"{_meaning(query)}{as_html:d}{article_id}"
        kept = generation.cache.get(key)
        if kept is not None:
            self._tally.hits += 1
            return kept
        self._tally.misses += 1
        served = generation.served
        build = served.build
        row = build.row(article_id)
        if row is None or not served.showing(now).visible[row]:
            raise not_found()
        chosen = select(served, row, now=now, query=query)
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
        answer = CachedResponse(
            self._tag(generation, key), self._shared[as_html], body, route=ROUTES[as_html]
        )
        if not query.exclude:  # as many lists of those as there are pages that ask
            generation.cache.put(key, answer)
        return answer

    def _tag(self, generation: Generation, key: str) -> bytes:
        content = self._salt + key.encode()
        digest = hashlib.blake2b(content, digest_size=12, key=generation.tag)
        return b'"%b"' % digest.hexdigest().encode()


@functools.lru_cache(maxsize=1_000)
def _meaning(query: RelatedQuery) -> str:
    """A wish as text; no two have the same, nor one that the other begins with."""
    parts = (
        query.limit, query.min_score, str(query.fallback), str(query.order),
        query.language, sorted(query.exclude),
    )  # fmt: skip
    return repr(parts)


def not_ready() -> ProblemError:
    """Nothing can be served; why is the operator's to know."""
    return ProblemError(503, "not ready; /readyz says why", headers={"Retry-After": "5"})

"""A cache of responses with related articles, limited to a number of bytes."""

import gzip
from collections import OrderedDict
from collections.abc import Hashable

from index.build.build import Build
from service.serving.serving_view import ServingView

GZIP_FROM = 860
"""The smallest body that is compressed, in bytes; a smaller one fits in one packet anyway."""

_OVERHEAD = 520
"""Estimated bytes of memory that a cached response takes in addition to its data."""
_ALIAS_OVERHEAD = 150
_MAX_ALIASES = 4

Encoded = tuple[bytes, int, bool]
"""A response's bytes, the offset of the body in them, and whether the body is compressed.

The bytes are the header lines, an empty line and the body. They are one object, since fetching
several objects from memory would slow down a cache hit.
"""


class CachedResponse:
    """A successful response, without the headers that differ between requests.

    Nearly all clients accept gzip. After the first request of such a client, only the compressed
    form of the response is kept.

    Args:
        tag: The value of the header ``ETag``, without quotes.
        headers: The headers that all responses share, as HTTP sends them.
        body: The uncompressed body.
        route: The name under which the metrics count requests for this response.

    Attributes:
        size: The estimated size in memory, in bytes.
        used: Whether the response was requested since the cache last considered removing it.
        is_cached: Whether a cache holds the response.
        for_gzip: Whether the response is stored in the form for clients that accept gzip, which
            :meth:`compress` makes.
        aliases: The raw URLs (path and query as received) under which the cache finds the response.
        build: The name of the newest build that the response is known to hold in.
        listed: By what :meth:`holds` finds out that the list is the same in another build: the
            article's id, the column of ``build.list_dates`` for the part of the list that is shown,
            the date there, the last full build if the response names it, and whether it is the
            variant's list. ``None`` if the response holds in one build only.
    """

    __slots__ = (
        "_body_at", "_data", "_gzipped", "_headers", "_tag",
        "aliases", "build", "for_gzip", "is_cached", "listed", "route", "size", "used",
    )  # fmt: skip

    def __init__(self, tag: bytes, headers: bytes, body: bytes, *, route: str) -> None:
        self.route = route
        self.used = False
        self.is_cached = False
        self.for_gzip = False
        self.aliases: list[bytes] = []
        self.build = ""
        self.listed: tuple[str, int, int, str | None, bool] | None = None
        self._tag = tag
        self._headers = headers
        self._data, self._body_at, self._gzipped = self._encode(body, gzipped=False)
        self.size = _OVERHEAD + len(self._data)

    @property
    def encoded(self) -> Encoded:
        """The stored response: its bytes, where the body begins, and if it is compressed."""
        return self._data, self._body_at, self._gzipped

    @property
    def plain(self) -> Encoded:
        """The uncompressed response, as a tuple like :attr:`encoded`; any client can read it."""
        return self._encode(self.body, gzipped=False) if self._gzipped else self.encoded

    @property
    def body(self) -> bytes:
        """The response's uncompressed body."""
        body = self._data[self._body_at :]
        return gzip.decompress(body) if self._gzipped else body

    def etag(self, *, gzipped: bool) -> bytes:
        """Returns the value of the header ``ETag``, such as ``b'"4f1e-gzip"'``.

        The compressed and the uncompressed form have different values.
        """
        return b'"%b-gzip"' % self._tag if gzipped else b'"%b"' % self._tag

    def holds(self, build: Build, other: ServingView | None = None) -> bool:
        """Whether a build still gives the list that this response shows.

        The caller makes sure that the editors' decisions are the same as when the response was
        made, and that no article has appeared or disappeared by the clock since.

        Args:
            build: The published build.
            other: The build with the lists of the compared variant, which has the same name;
                ``None`` if there is none.
        """
        if self.build != build.name:
            if self.listed is None:
                return False
            article_id, column, date, full_build, varied = self.listed
            if varied and other is not None:
                build = other.build
            row = build.row(article_id)
            if row is None or build.list_dates[row][column] != date:
                return False
            if full_build is not None and full_build != build.full_name:
                return False
            self.build = build.name
        return True

    def compress(self) -> None:
        """Compresses the stored response with gzip if its body has :data:`GZIP_FROM` bytes or more.

        A shorter body stays as it is. Either way, this is then the form for clients that accept
        gzip, and :attr:`for_gzip` is set.
        """
        self.for_gzip = True
        body = self.body
        if len(body) >= GZIP_FROM:
            before = len(self._data)
            packed = gzip.compress(body, 6, mtime=0)
            self._data, self._body_at, self._gzipped = self._encode(packed, gzipped=True)
            self.size += len(self._data) - before

    def _encode(self, body: bytes, *, gzipped: bool) -> Encoded:
        data = b"%b%bcontent-length: %d\r\netag: %b\r\n\r\n%b" % (
            self._headers,
            b"content-encoding: gzip\r\n" if gzipped else b"",
            len(body),
            self.etag(gzipped=gzipped),
            body,
        )
        return data, len(data) - len(body), gzipped


class ResponseCache:
    """A cache of responses with related articles, limited in bytes; not thread-safe.

    A response is found by its raw URL (path and query as received) without any parsing, or else by
    a key for the parsed request. If the cache is full, the oldest response is removed; but one
    that was used since it was last considered for removal is kept (the CLOCK algorithm). So a hit
    only sets a flag. A full cache accepts a response only when it is requested for the second time,
    because most rare pages are requested once and would push out others.

    Args:
        capacity: The capacity in bytes; 0 turns the cache off.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.size = 0
        self.by_address: dict[bytes, CachedResponse] = {}
        """Responses by raw URL: path and query as received."""
        self._responses: OrderedDict[Hashable, CachedResponse] = OrderedDict()
        self._turned_away: set[int] = set()

    def __len__(self) -> int:
        return len(self._responses)

    def get(
        self, key: Hashable, build: Build, other: ServingView | None = None
    ) -> CachedResponse | None:
        """Returns the cached response for a key, if a build still gives the list that it shows.

        Args:
            key: Identifies the request, as for :meth:`put`.
            build: The published build.
            other: The build with the lists of the compared variant; ``None`` if there is none.

        Returns:
            The response; ``None`` if there is none, or its list has changed.
        """
        response = self._responses.get(key)
        if response is None or not response.holds(build, other):
            return None
        response.used = True
        return response

    def put(self, key: Hashable, response: CachedResponse) -> None:
        """Caches a response; if the cache is full, only at the second call with the same key.

        Rarely requested responses would otherwise push out those that are requested often.

        Args:
            key: Identifies the request; :meth:`get` finds the response by it.
            response: The response to cache.
        """
        before = self._responses.get(key)
        if response.size > self.capacity or (before and before.build == response.build):
            return
        if before is not None:
            self._remove(self._responses.pop(key))
        elif self.size + response.size > self.capacity and self._is_new(key):
            return
        self._grow(response.size)  # make room before adding, or the new one could be removed
        self._responses[key] = response
        response.is_cached = True

    def _is_new(self, key: Hashable) -> bool:
        mark = hash(key)
        if mark in self._turned_away:
            self._turned_away.remove(mark)
            return False
        if len(self._turned_away) >= len(self._responses):
            self._turned_away.clear()  # so that this set stays small; most entries are old
        self._turned_away.add(mark)
        return True

    def alias(self, address: bytes, response: CachedResponse) -> None:
        """Makes the cache find a cached response by a raw URL too, which needs no parsing.

        Each response has at most four such URLs. Otherwise a site that adds a counter to its URLs
        would fill the cache.

        Args:
            address: The URL's path and query as received.
            response: The response; nothing happens if the cache does not hold it.
        """
        full = len(response.aliases) >= _MAX_ALIASES
        if not response.is_cached or address in self.by_address or full:
            return
        response.aliases.append(address)
        response.size += (more := _ALIAS_OVERHEAD + len(address))
        self.by_address[address] = response
        self._grow(more)

    def gzipped(self, response: CachedResponse) -> Encoded:
        """Returns a response for a client that accepts gzip, compressed unless it is short.

        This is a tuple like :attr:`CachedResponse.encoded`. The first call compresses the response,
        and keeps only this form.
        """
        if not response.for_gzip:
            before = response.size
            response.compress()
            if response.is_cached:
                self._grow(response.size - before)
        return response.encoded

    def _grow(self, more: int) -> None:
        self.size += more
        while self.size > self.capacity:
            key, response = self._responses.popitem(last=False)
            if response.used:
                response.used = False
                self._responses[key] = response
            else:
                self._remove(response)

    def _remove(self, response: CachedResponse) -> None:
        response.is_cached = False
        for address in response.aliases:
            del self.by_address[address]
        self.size -= response.size

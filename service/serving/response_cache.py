"""Responses to page views, ready to send, and a cache of them bounded in bytes."""

from __future__ import annotations

import gzip
from collections import deque
from collections.abc import Hashable

GZIP_FROM = 860
"""Bytes from which compressing pays: below, an answer fits one packet either way."""

_OVERHEAD = 500
"""What a response takes in memory beside its bytes: headers, keys, table entries."""
_ALIAS_OVERHEAD = 150
_MAX_ALIASES = 4

Encoded = tuple[bytes, int, bool]
"""A response on the wire, where in it the body begins, and whether that is compressed.

The bytes are header lines, an empty line and the body, in one piece of memory, as a cache hit costs
hardly more than fetching that.
"""


class CachedResponse:
    """A successful response to one request, without the headers that each request has of its own.

    Once a reader took it with gzip, as nearly all do, it is kept in that form only.

    Args:
        tag: What its ``ETag`` says, without quotes.
        headers: Those that it shares with other responses, as lines.
        body: Its body.
        route: The route that made it, for the counts.

    Attributes:
        size: What it takes in memory, in bytes.
        used: Whether it was asked for since the cache last looked.
        is_cached: Whether a cache holds it.
        for_gzip: Whether it is in the form for readers who take gzip; see :meth:`compress`.
        aliases: The raw addresses under which the cache finds it.
    """

    __slots__ = (
        "_body_at", "_data", "_gzipped", "_headers", "_tag",
        "aliases", "for_gzip", "is_cached", "route", "size", "used",
    )  # fmt: skip

    def __init__(self, tag: bytes, headers: bytes, body: bytes, *, route: str) -> None:
        self.route = route
        self.used = False
        self.is_cached = False
        self.for_gzip = False
        self.aliases: list[bytes] = []
        self._tag = tag
        self._headers = headers
        self._data, self._body_at, self._gzipped = self._encode(body, gzipped=False)
        self.size = _OVERHEAD + len(self._data)

    @property
    def encoded(self) -> Encoded:
        """The form that is kept."""
        return self._data, self._body_at, self._gzipped

    @property
    def plain(self) -> Encoded:
        """The form for any reader."""
        return self._encode(self.body, gzipped=False) if self._gzipped else self.encoded

    @property
    def body(self) -> bytes:
        """The body, not compressed."""
        body = self._data[self._body_at :]
        return gzip.decompress(body) if self._gzipped else body

    def etag(self, *, gzipped: bool) -> bytes:
        """Its ``ETag``; that of the compressed form differs, as its bytes do."""
        return b'"%b-gzip"' % self._tag if gzipped else b'"%b"' % self._tag

    def compress(self) -> None:
        """Keep the form for readers who take gzip: compressed, unless the body is short."""
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
    """Responses by request, bounded in bytes; what nobody asked for lately goes first.

    Requests are found by their meaning and, before any parsing, by their raw address. Eviction is
    second chance (CLOCK): the oldest goes unless it was used since it was last looked at, which
    costs a hit no more than setting a flag. Once full, only what is asked for a second time gets
    in: most pages of a long tail are asked for once, and would push out others. Not for use by
    several threads.

    Args:
        capacity: Bytes; 0 keeps nothing.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.size = 0
        self.by_address: dict[bytes, CachedResponse] = {}
        """Responses by path and query as they came."""
        self._responses: dict[Hashable, CachedResponse] = {}
        self._queue: deque[Hashable] = deque()
        self._turned_away: set[int] = set()

    def __len__(self) -> int:
        return len(self._responses)

    def get(self, key: Hashable) -> CachedResponse | None:
        """The response to a request, if it is cached."""
        response = self._responses.get(key)
        if response is not None:
            response.used = True
        return response

    def put(self, key: Hashable, response: CachedResponse) -> None:
        """Cache a response, if there is room and reason."""
        if response.size > self.capacity or key in self._responses:
            return
        if self.size + response.size > self.capacity and self._is_new(key):
            return
        self._grow(response.size)  # first, or the newest might go when all others were used
        self._responses[key] = response
        self._queue.append(key)
        response.is_cached = True

    def _is_new(self, key: Hashable) -> bool:
        mark = hash(key)
        if mark in self._turned_away:
            self._turned_away.remove(mark)
            return False
        if len(self._turned_away) >= len(self._responses):
            self._turned_away.clear()  # long ago by now
        self._turned_away.add(mark)
        return True

    def alias(self, address: bytes, response: CachedResponse) -> None:
        """Find a cached response by this raw address from now on.

        Only a few addresses of each are kept: a counter in the query is no reason to fill up.
        """
        full = len(response.aliases) >= _MAX_ALIASES
        if not response.is_cached or address in self.by_address or full:
            return
        response.aliases.append(address)
        response.size += (more := _ALIAS_OVERHEAD + len(address))
        self.by_address[address] = response
        self._grow(more)

    def gzipped(self, response: CachedResponse) -> Encoded:
        """A response for a reader who takes gzip; compressed when first asked for."""
        if not response.for_gzip:
            before = response.size
            response.compress()
            if response.is_cached:
                self._grow(response.size - before)
        return response.encoded

    def _grow(self, more: int) -> None:
        self.size += more
        while self.size > self.capacity:
            key = self._queue.popleft()
            response = self._responses[key]
            if response.used:
                response.used = False
                self._queue.append(key)
                continue
            del self._responses[key]
            response.is_cached = False
            for address in response.aliases:
                del self.by_address[address]
            self.size -= response.size

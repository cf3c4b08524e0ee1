"""Ready answers: the bytes and headers of a response, and a cache of them bounded in bytes."""

from __future__ import annotations

import gzip
from collections import deque
from collections.abc import Hashable

from service.http.header_lines import END, split_headers

GZIP_FROM = 860
"""Bytes from which compressing pays: below, an answer fits one packet either way."""

_OVERHEAD = 400
"""What an answer takes in memory beside its bytes: headers, keys, table entries."""
_ALIAS_OVERHEAD = 150
_MOST_ALIASES = 4


class CachedResponse:
    """A successful answer to one question, ready to send as often as it is asked.

    It is held as what goes over the wire after the headers that each request has of its own:
    its headers as lines, an empty line, its body, in one piece of memory, as a hit costs hardly
    more than fetching that. Once a reader took it with gzip, as nearly all do, it is kept in that
    form only.

    Args:
        tag: Its ``ETag``.
        shared: Headers that it has in common with others, as lines.
        body: What follows its headers.
        route: What asked for it, for the counts.

    Attributes:
        plain: As it is; ``None`` where ``gzipped`` has it, see :meth:`expanded`.
        gzipped: For a reader who takes gzip, once one did; with a tag of its own, as its bytes
            differ.
        size: What it takes in memory, in bytes.
        used: Whether it was asked for since the cache last looked.
        kept: Whether a cache holds it.
        aliases: The raw bytes under which the cache finds it.
    """

    __slots__ = ("_shared", "aliases", "gzipped", "kept", "plain", "route", "size", "used")

    def __init__(self, tag: bytes, shared: bytes, body: bytes, *, route: str) -> None:
        self.route = route
        self.plain: bytes | None = _tail(tag, shared, body)
        self.gzipped: bytes | None = None
        self.size = _OVERHEAD + len(self.plain)
        self.used = False
        self.kept = False
        self.aliases: list[bytes] = []
        self._shared = shared

    def compress(self) -> int:
        """Make :attr:`gzipped`; returns how many bytes more the answer takes now, or less."""
        assert self.plain is not None  # noqa: S101 - it goes here alone
        headers, body = split_headers(self.plain)
        if len(body) < GZIP_FROM:
            self.gzipped = self.plain
            return 0
        tag = dict(headers)[b"etag"][:-1] + b'-gzip"'
        packed = gzip.compress(body, 6, mtime=0)
        self.gzipped = _tail(tag, self._shared + b"content-encoding: gzip\r\n", packed)
        more = len(self.gzipped) - len(self.plain)
        self.plain = None
        self.size += more
        return more

    def expanded(self) -> bytes:
        """The answer as it is."""
        if self.plain is not None:
            return self.plain
        assert self.gzipped is not None  # noqa: S101 - one of them is there
        headers, body = split_headers(self.gzipped)
        tag = dict(headers)[b"etag"].removesuffix(b'-gzip"') + b'"'
        return _tail(tag, self._shared, gzip.decompress(body))

    @property
    def body(self) -> bytes:
        """Its body as it is."""
        return self.expanded().partition(END)[2]


def _tail(tag: bytes, shared: bytes, body: bytes) -> bytes:
    return b"%bcontent-length: %d\r\netag: %b\r\n\r\n%b" % (shared, len(body), tag, body)


class ResponseCache:
    """Answers by question, bounded in bytes; what nobody asked for lately goes first.

    Questions are found by their meaning and, before any parsing, by the raw bytes that asked for
    them. Eviction is second chance (CLOCK): the oldest goes unless it was used since it was last
    looked at, which costs a hit no more than setting a flag. Once full, only what is asked for a
    second time gets in: most pages of a long tail are asked for once, and would push out others.
    Not for use by several threads.

    Args:
        capacity: Bytes; 0 keeps nothing.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.size = 0
        self.raw: dict[bytes, CachedResponse] = {}
        """Answers by path and query as they came."""
        self._answers: dict[Hashable, CachedResponse] = {}
        self._queue: deque[Hashable] = deque()
        self._turned_away: set[int] = set()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, question: Hashable) -> CachedResponse | None:
        """The answer to a question, if it is kept."""
        answer = self._answers.get(question)
        if answer is not None:
            answer.used = True
        return answer

    def put(self, question: Hashable, answer: CachedResponse) -> None:
        """Keep an answer."""
        if answer.size > self.capacity or question in self._answers:
            return
        if self.size + answer.size > self.capacity and self._is_new(question):
            return
        self._grow(answer.size)  # first, or the newest might go when all others were used
        self._answers[question] = answer
        self._queue.append(question)
        answer.kept = True

    def _is_new(self, question: Hashable) -> bool:
        mark = hash(question)
        if mark in self._turned_away:
            self._turned_away.remove(mark)
            return False
        if len(self._turned_away) >= len(self._answers):
            self._turned_away.clear()  # long ago by now
        self._turned_away.add(mark)
        return True

    def alias(self, url: bytes, answer: CachedResponse) -> None:
        """Find a kept answer by these raw bytes from now on.

        Only a few ways of asking are remembered: a counter in the query is no reason to fill up.
        """
        if not answer.kept or url in self.raw or len(answer.aliases) >= _MOST_ALIASES:
            return
        answer.aliases.append(url)
        answer.size += (more := _ALIAS_OVERHEAD + len(url))
        self.raw[url] = answer
        self._grow(more)

    def gzipped(self, answer: CachedResponse) -> bytes:
        """For a reader who takes gzip; compressed when first asked for."""
        if answer.gzipped is None:
            more = answer.compress()
            if answer.kept:
                self._grow(more)
        assert answer.gzipped is not None  # noqa: S101 - made just now
        return answer.gzipped

    def _grow(self, more: int) -> None:
        self.size += more
        while self.size > self.capacity:
            question = self._queue.popleft()
            answer = self._answers[question]
            if answer.used:
                answer.used = False
                self._queue.append(question)
                continue
            del self._answers[question]
            answer.kept = False
            for raw in answer.aliases:
                del self.raw[raw]
            self.size -= answer.size

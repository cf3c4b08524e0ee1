"""Headers: as lines on the wire, how long an answer is fresh, and who may read it (CORS).

What must not show any more must go from every cache at its instant, so no answer outlives the
epoch in which it was given: ``max-age`` and ``stale-while-revalidate`` together end before it.
``stale-if-error`` is never sent: it would show what was taken down while the service is away.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Header = tuple[bytes, bytes]
Headers = tuple[Header, ...]

_SECOND = 1_000_000

_CODING = re.compile(
    rb"([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)

_ANY_ORIGIN: Header = (b"access-control-allow-origin", b"*")
_PREFLIGHT: Headers = (
    (b"access-control-allow-headers", b"Content-Type, If-None-Match, X-Request-ID"),
    (b"access-control-max-age", b"7200"),
)


def by_name(headers: Sequence[Header]) -> dict[bytes, bytes]:
    """Headers by name; one that came on several lines becomes one list, as in RFC 9110."""
    named = dict(headers)
    if len(named) < len(headers):
        named = {}
        for name, value in headers:
            named[name] = b"%b, %b" % (named[name], value) if name in named else value
    return named


def as_lines(headers: Iterable[Header]) -> bytes:
    """Headers as bytes, each line with its end."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def parse_lines(lines: bytes) -> list[Header]:
    """The headers that :func:`as_lines` wrote; an empty line may follow them."""
    pairs = [line.partition(b": ") for line in lines.split(b"\r\n") if line]
    return [(name, value) for name, _, value in pairs]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long answers may be cached, as the settings say.

    Attributes:
        max_age: Seconds for which an answer is fresh.
        stale: Seconds after that in which a cache may hand it out while it asks anew.
        scope: ``public``, or ``private`` for what no shared cache may keep.
    """

    max_age: int
    stale: int
    scope: str = "public"

    @property
    def span(self) -> int:
        """Microseconds for which an answer may be shown at most."""
        return (self.max_age + self.stale) * _SECOND

    def line(self, left: int) -> bytes:
        """``Cache-Control`` of an answer given ``left`` microseconds before the next change."""
        seconds = min(left, self.span) // _SECOND
        return _cache_control(self.scope, self.max_age, self.stale, seconds)


@functools.lru_cache(maxsize=1_000)
def _cache_control(scope: str, max_age: int, stale: int, seconds: int) -> bytes:
    fresh = min(max_age, seconds)
    value = f"{scope}, max-age={fresh}"
    if after := min(stale, seconds - fresh):
        value += f", stale-while-revalidate={after}"
    return as_lines([(b"cache-control", value.encode())])


@functools.lru_cache(maxsize=1_000)
def accepts_gzip(accepted: bytes) -> bool:
    """Whether an ``Accept-Encoding`` names gzip, or anything, and does not refuse it.

    A malformed header gets what everyone can read: no gzip.
    """
    takes: dict[bytes, bool] = {}
    for part in accepted.lower().split(b","):
        coding = _CODING.fullmatch(part.strip(b" \t"))
        if coding is not None:
            refused = (coding[2] or b"1").strip(b"0.") == b""
            takes[coding[1]] = takes.get(coding[1], True) and not refused
        elif part.strip(b" \t"):
            return False
    return takes.get(b"gzip", takes.get(b"x-gzip", takes.get(b"*", False)))


def matches(condition: bytes, etag: bytes) -> bool:
    """Whether an ``If-None-Match`` names an ``ETag``, by the weak comparison of RFC 9110."""
    parts = [part.strip(b" \t") for part in condition.split(b",")]
    return parts == [b"*"] or any(part.removeprefix(b"W/") == etag for part in parts)


class Cors:
    """The setting ``cors_origins``, as headers. Never with credentials: what is read is public.

    Args:
        origins: Those whose pages may read; ``*`` among them means any.

    Attributes:
        narrow: Whether only some origins may read, so that the answer depends on who asks.
        always: Headers of every answer.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        listed = list(origins)
        self.narrow = "*" not in listed
        self.always: Headers = () if self.narrow else (_ANY_ORIGIN,)
        self._origins = {origin.encode() for origin in listed}

    def vary(self, *names: bytes) -> Header:
        """``Vary``, with ``Origin`` where the answer depends on it: caches serve many sites."""
        return b"vary", b", ".join([*names, b"Origin"] if self.narrow else [*names])

    def allow(self, request_headers: Mapping[bytes, bytes]) -> Headers:
        """The headers for the asking origin, beside :attr:`always`."""
        origin = request_headers.get(b"origin")
        if not self.narrow or origin not in self._origins:
            return ()
        return ((b"access-control-allow-origin", origin),)

    def preflight(self, request_headers: Mapping[bytes, bytes], methods: bytes) -> list[Header]:
        """The headers of an answer to ``OPTIONS``."""
        headers = [
            (b"allow", methods + b", OPTIONS"),
            self.vary(b"Access-Control-Request-Method"),
            *self.always,
            *self.allow(request_headers),
        ]
        if b"access-control-request-method" in request_headers:
            headers += [(b"access-control-allow-methods", methods), *_PREFLIGHT]
        return headers

"""Reads and writes HTTP headers, among them ``Cache-Control``, ``ETag`` and those of CORS.

An article can have a time at which it appears or disappears. Caches must not show an older response
after that time. So ``max-age`` and ``stale-while-revalidate`` together end at the next such time at
the latest. ``stale-if-error`` is never sent: with it, caches could show taken-down articles while
the service is down.
"""

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
    """Returns headers as a dictionary; the values of a repeated name are joined by a comma."""
    named = dict(headers)
    if len(named) < len(headers):
        named = {}
        for name, value in headers:
            named[name] = b"%b, %b" % (named[name], value) if name in named else value
    return named


def as_lines(headers: Iterable[Header]) -> bytes:
    r"""Returns headers as HTTP sends them, such as ``b"vary: Origin\r\nage: 5\r\n"``."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def parse_lines(lines: bytes) -> list[Header]:
    """Parses what :func:`as_lines` returned into pairs of name and value; skips empty lines."""
    pairs = [line.partition(b": ") for line in lines.split(b"\r\n") if line]
    return [(name, value) for name, _, value in pairs]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long caches may keep responses, according to the settings.

    Attributes:
        max_age: Seconds for which a response is fresh.
        stale: Seconds after ``max_age`` for which a cache may still use the response while it
            fetches a new one.
        scope: ``public``; or ``private`` if only the reader's own browser may keep the response.
    """

    max_age: int
    stale: int
    scope: str = "public"

    @property
    def span(self) -> int:
        """The longest time that a cache may use a response, fresh or stale, in microseconds."""
        return (self.max_age + self.stale) * _SECOND

    def line(self, left: int) -> bytes:
        """Returns the header ``Cache-Control`` as HTTP sends it, ending in CRLF.

        Args:
            left: Microseconds until the next time at which an article appears or disappears; the
                cache may not use the response for longer.
        """
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
    """Whether a client accepts gzip, by name or by ``*``.

    A malformed value counts as no, since every client can read an uncompressed response.

    Args:
        accepted: The value of the request's header ``Accept-Encoding``, such as ``b"gzip, br"``.
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
    """Whether a client already has the current response, which is then answered with 304.

    ETags are compared weakly (RFC 9110): a ``W/`` in front of one is ignored.

    Args:
        condition: The value of the header ``If-None-Match``: ETags with commas between, or ``*``.
        etag: The ETag of the current response, with its quotation marks.
    """
    parts = [part.strip(b" \t") for part in condition.split(b",")]
    return parts == [b"*"] or any(part.removeprefix(b"W/") == etag for part in parts)


class Cors:
    """The CORS headers of responses, which let pages of other sites read them.

    No response allows credentials (cookies).

    Args:
        origins: The setting ``cors_origins``: the sites whose pages may read responses, such as
            ``https://example.org``; ``*`` means any.

    Attributes:
        narrow: Whether only some origins may read; then the headers depend on the request's origin.
        always: The CORS headers that every response has.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        listed = list(origins)
        self.narrow = "*" not in listed
        self.always: Headers = () if self.narrow else (_ANY_ORIGIN,)
        self._origins = {origin.encode() for origin in listed}

    def vary(self, *names: bytes) -> Headers:
        """Returns the response header ``Vary``, which tells caches on what a response depends.

        Args:
            *names: The names of request headers that affect the response. ``Origin`` is added if
                :attr:`narrow`; if there are none at all, there is no such header.
        """
        known = [*names, b"Origin"] if self.narrow else names
        return ((b"vary", b", ".join(known)),) if known else ()

    def allow(self, request_headers: Mapping[bytes, bytes]) -> Headers:
        """Returns those CORS headers of a response that depend on the request's origin.

        If the setting lists the request's origin, this is ``Access-Control-Allow-Origin`` with that
        origin. Otherwise there are none; :attr:`always` holds the headers of every response.

        Args:
            request_headers: The headers of the request.
        """
        origin = request_headers.get(b"origin")
        if not self.narrow or origin not in self._origins:
            return ()
        return ((b"access-control-allow-origin", origin),)

    def preflight(self, request_headers: Mapping[bytes, bytes], methods: bytes) -> list[Header]:
        """Returns the headers of the response to ``OPTIONS``.

        Browsers send such a request first (a preflight) to ask whether a page of another site may
        send the real one.

        Args:
            request_headers: The headers of the request.
            methods: The methods to allow, such as ``b"GET, HEAD"``.
        """
        headers = [
            (b"allow", methods + b", OPTIONS"),
            *self.vary(b"Access-Control-Request-Method"),
            *self.always,
            *self.allow(request_headers),
        ]
        if b"access-control-request-method" in request_headers:
            headers += [(b"access-control-allow-methods", methods), *_PREFLIGHT]
        return headers

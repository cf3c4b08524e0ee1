"""Which pages of other origins may read the public routes (CORS)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from service.http.header_lines import Header, Headers

_ANY: Header = (b"access-control-allow-origin", b"*")
_PREFLIGHT: Headers = (
    (b"access-control-allow-headers", b"Content-Type, If-None-Match, X-Request-ID"),
    (b"access-control-max-age", b"7200"),
)


class Cors:
    """The setting ``cors_origins``, as headers. Never with credentials: what is read is public.

    Args:
        origins: ``*`` among them means any.

    Attributes:
        narrow: Whether only some origins may read, so that the answer depends on who asks.
        always: What any answer carries.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        listed = list(origins)
        self.narrow = "*" not in listed
        self.always: Headers = () if self.narrow else (_ANY,)
        self._origins = {origin.encode() for origin in listed}

    def vary(self, *names: bytes) -> Header:
        """The header ``Vary``, with ``Origin`` where that matters: caches serve many sites."""
        return b"vary", b", ".join([*names, b"Origin"] if self.narrow else [*names])

    def allow(self, asked: Mapping[bytes, bytes]) -> Headers:
        """What the asking origin's answer carries beside :attr:`always`."""
        origin = asked.get(b"origin")
        if not self.narrow or origin not in self._origins:
            return ()
        return ((b"access-control-allow-origin", origin),)

    def preflight(self, asked: Mapping[bytes, bytes], methods: bytes) -> list[Header]:
        """The headers of an answer to ``OPTIONS``."""
        headers = [
            (b"allow", methods + b", OPTIONS"),
            self.vary(b"Access-Control-Request-Method"),
            *self.always,
            *self.allow(asked),
        ]
        if b"access-control-request-method" in asked:
            headers += [(b"access-control-allow-methods", methods), *_PREFLIGHT]
        return headers

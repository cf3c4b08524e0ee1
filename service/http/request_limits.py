"""Limits on a request's address, headers and body, checked before anything reads them.

The related routes check the address alone, and read only a handful of headers.
"""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope

from service.http.headers import Header, by_name
from service.http.problems import ProblemError
from service.settings import Settings

MAX_PATH = 4_096
"""Bytes: an article's id takes 1,536 at most, percent-encoded throughout."""
MAX_QUERY = 16_384
MAX_HEADERS = 32_768
"""Bytes of all names and values."""
MAX_HEADER_COUNT = 100
MAX_BODIES = 32 * 1024 * 1024
"""Bytes of all bodies that are being read."""
MAX_HEAD = MAX_PATH + MAX_QUERY + MAX_HEADERS + 2_048
"""Bytes before the body: all of these, and what separates them."""

TOO_MANY_HEADERS = f"there are over {MAX_HEADER_COUNT} headers, or over {MAX_HEADERS} bytes of them"

_HOST = re.compile(
    rb"(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*|\[[0-9A-Fa-fv:.]+\])(?::[0-9]{0,5})?"
)

_reading = 0
"""Bytes of bodies that are still arriving; counted on the one event loop of a process."""

_CLOSE = {"Connection": "close"}
"""For a request whose body is not read: what follows on the connection is the rest of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """How large a body may be, and how slow.

    Attributes:
        size: Bytes.
        seconds: From the first look at the body to its end.
    """

    size: int
    seconds: float


def body_limits(settings: Settings) -> BodyLimits:
    """The limits that the settings name."""
    return BodyLimits(size=settings.max_body_kb * 1024, seconds=settings.body_seconds)


def check_head(scope: Scope) -> None:
    """Refuse an address or headers that are too long.

    Raises:
        ProblemError: 414 or 431.
    """
    check_address(scope["raw_path"], scope["query_string"])
    check_headers(scope["headers"])


def check_headers(headers: Sequence[Header]) -> None:
    """Refuse too many headers, or too large ones.

    Raises:
        ProblemError: 431.
    """
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > MAX_HEADER_COUNT or size > MAX_HEADERS:
        raise ProblemError(431, TOO_MANY_HEADERS, headers=_CLOSE)


@functools.lru_cache(maxsize=1_000)
def is_host(value: bytes) -> bool:
    """Whether this is what the header ``Host`` may say (RFC 9110, 7.2)."""
    return _HOST.fullmatch(value) is not None


def check_address(path: bytes, query: bytes) -> None:
    """Refuse a path or query that is too long.

    Raises:
        ProblemError: 414.
    """
    if len(path) > MAX_PATH:
        raise ProblemError(414, f"the path has over {MAX_PATH} bytes", headers=_CLOSE)
    if len(query) > MAX_QUERY:
        raise ProblemError(414, f"the query string has over {MAX_QUERY} bytes", headers=_CLOSE)


def has_body(scope: Scope) -> bool:
    """Whether a body follows the head of a request."""
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


async def read_body(scope: Scope, receive: Receive, limits: BodyLimits) -> bytes:
    """Read the whole body; refuse it as soon as a limit is passed.

    Raises:
        ProblemError: 400 for a length that is no number, 413 for a body that is too large, 408 for
            one that comes too slowly or not at all, 429 while other bodies take all the room.
    """
    declared = by_name(scope["headers"]).get(b"content-length", b"0")
    if not declared.isdigit():
        raise ProblemError(400, "Content-Length is not a number", headers=_CLOSE)
    if int(declared[:20]) > limits.size:
        raise _too_large(limits)
    global _reading
    body = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ProblemError(400, "the client left before its request was complete")
                part = message.get("body", b"")
                body += part
                _reading += len(part)
                if len(body) > limits.size:
                    raise _too_large(limits)
                if _reading > MAX_BODIES:
                    raise ProblemError(
                        429,
                        "too many large bodies come at once; send it again",
                        headers={**_CLOSE, "Retry-After": "5"},
                    )
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise ProblemError(
            408, f"the body did not arrive within {limits.seconds:g} s", headers=_CLOSE
        ) from None
    finally:
        _reading -= len(body)


def replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives a body that was read before, then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _too_large(limits: BodyLimits) -> ProblemError:
    return ProblemError(413, f"the body has over {limits.size} bytes", headers=_CLOSE)

"""Limits on the size of a request's path, query string, headers and body.

The routes for related articles check only the path and the query string, since they read few
headers.
"""

import asyncio
import functools
import re
from collections.abc import Sequence

from starlette.types import Message, Receive, Scope

from service.http.headers import Header, by_name
from service.http.problems import ProblemError
from service.settings import Settings

MAX_PATH = 4_096
"""The longest path, in bytes; a fully percent-encoded article id has at most 1,536."""
MAX_QUERY = 16_384
MAX_HEADERS = 32_768
"""The largest size of all header names and values together, in bytes."""
MAX_HEADER_COUNT = 100
MAX_BODIES = 32 * 1024 * 1024
"""The largest size of all bodies that one process reads at the same time, in bytes."""
MAX_HEAD = MAX_PATH + MAX_QUERY + MAX_HEADERS + 2_048
"""The largest size of all that precedes the body, in bytes: path, query, headers, separators."""

TOO_MANY_HEADERS = f"there are over {MAX_HEADER_COUNT} headers, or over {MAX_HEADERS} bytes of them"

_HOST = re.compile(
    rb"(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*|\[[0-9A-Fa-fv:.]+\])(?::[0-9]{0,5})?"
)

_reading = 0
"""How many bytes this process holds of request bodies that have only arrived in part."""

_CLOSE = {"Connection": "close"}
"""The response header that makes the server close the connection after a refused request.

Otherwise the rest of its body would be taken for the next request.
"""


def check_headers(headers: Sequence[Header]) -> None:
    """Refuses a request with more than :data:`MAX_HEADER_COUNT` headers, or too many bytes of them.

    The names and values together may have :data:`MAX_HEADERS` bytes.

    Raises:
        ProblemError: 431, if a limit is exceeded.
    """
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > MAX_HEADER_COUNT or size > MAX_HEADERS:
        raise ProblemError(431, TOO_MANY_HEADERS, headers=_CLOSE)


@functools.lru_cache(maxsize=1_000)
def is_host(value: bytes) -> bool:
    """Whether this is a valid value of the header ``Host`` (RFC 9110, 7.2)."""
    return _HOST.fullmatch(value) is not None


def check_address(path: bytes, query: bytes) -> None:
    """Refuses a request whose path or query string is too long.

    The limits are :data:`MAX_PATH` and :data:`MAX_QUERY` bytes.

    Raises:
        ProblemError: 414, if a limit is exceeded.
    """
    if len(path) > MAX_PATH:
        raise ProblemError(414, f"the path has over {MAX_PATH} bytes; shorten it", headers=_CLOSE)
    if len(query) > MAX_QUERY:
        raise ProblemError(
            414, f"the query string has over {MAX_QUERY} bytes; shorten it", headers=_CLOSE
        )


def has_body(scope: Scope) -> bool:
    """Whether a request has a body, by its headers ``Content-Length``, ``Transfer-Encoding``."""
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


async def read_body(scope: Scope, receive: Receive, settings: Settings) -> bytes:
    """Reads and returns a request's whole body; stops as soon as a limit is exceeded.

    The limits are the settings ``max_body_kb`` and ``body_seconds``.

    Raises:
        ProblemError: 400 for a ``Content-Length`` that is not a number, 413 for a body that is too
            large, 408 for one that arrives too slowly, 429 if this process already holds
            :data:`MAX_BODIES` bytes of other bodies.
    """
    size, seconds = settings.max_body_kb * 1024, settings.body_seconds
    declared = by_name(scope["headers"]).get(b"content-length", b"0")
    if not declared.isdigit():
        raise ProblemError(
            400, "the header Content-Length must be a number of bytes", headers=_CLOSE
        )
    if int(declared[:20]) > size:
        raise _too_large(size)
    global _reading
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ProblemError(400, "the client disconnected before the body was complete")
                part = message.get("body", b"")
                body += part
                _reading += len(part)
                if len(body) > size:
                    raise _too_large(size)
                if _reading > MAX_BODIES:
                    raise ProblemError(
                        429,
                        "too many large requests came at once; try again later",
                        headers={**_CLOSE, "Retry-After": "5"},
                    )
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise ProblemError(
            408,
            f"the request's body did not arrive within {seconds:g} s (the setting body_seconds); "
            "send it faster, or send less",
            headers=_CLOSE,
        ) from None
    finally:
        _reading -= len(body)


def replay(body: bytes, receive: Receive) -> Receive:
    """Returns an ASGI ``receive`` function for a request whose body has already been read.

    The app that gets this function can read the body again: the first call returns the whole body,
    later calls return what the original ``receive`` returns.

    Args:
        body: The body that has been read.
        receive: The request's original ASGI function.
    """
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _too_large(size: int) -> ProblemError:
    return ProblemError(
        413,
        f"the body has over {size // 1024} KiB; send less, or raise the setting max_body_kb",
        headers=_CLOSE,
    )

"""Headers as they go over the wire: lines, put together once and sent as often as asked."""

from __future__ import annotations

from collections.abc import Iterable

END = b"\r\n\r\n"
"""Between the last header and the body."""

Header = tuple[bytes, bytes]
Headers = tuple[Header, ...]


def as_lines(headers: Iterable[Header]) -> bytes:
    """Headers as bytes, each line with its end."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def take_apart(message: bytes) -> tuple[list[Header], bytes]:
    """Headers as lines, an empty line and a body: the headers and the body."""
    head, _, body = message.partition(END)
    return [_header(line) for line in head.split(b"\r\n")], body


def _header(line: bytes) -> Header:
    name, _, value = line.partition(b": ")
    return name, value

"""Headers as they go over the wire: lines, put together once and sent as often as asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

END = b"\r\n\r\n"
"""Between the last header and the body."""

Header = tuple[bytes, bytes]
Headers = tuple[Header, ...]


def by_name(headers: Sequence[Header]) -> dict[bytes, bytes]:
    """Headers by name; one that came on several lines is one list, as RFC 9110 has it."""
    found = dict(headers)
    if len(found) < len(headers):
        found = {}
        for name, value in headers:
            found[name] = b"%b, %b" % (found[name], value) if name in found else value
    return found


def as_lines(headers: Iterable[Header]) -> bytes:
    """Headers as bytes, each line with its end."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def split_headers(message: bytes) -> tuple[list[Header], bytes]:
    """Headers as lines, an empty line and a body: the headers and the body."""
    head, _, body = message.partition(END)
    return [_header(line) for line in head.split(b"\r\n")], body


def _header(line: bytes) -> Header:
    name, _, value = line.partition(b": ")
    return name, value

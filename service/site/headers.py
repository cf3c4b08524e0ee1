"""Headers as they go over the wire: lines, put together once and sent as often as asked."""

from __future__ import annotations

from collections.abc import Iterable

Header = tuple[bytes, bytes]
Headers = tuple[Header, ...]


def as_lines(headers: Iterable[Header]) -> bytes:
    """Headers as bytes, each line with its end."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def from_lines(lines: bytes) -> list[Header]:
    """What :func:`as_lines` was given."""
    return [_header(line) for line in lines.split(b"\r\n")[:-1]]


def _header(line: bytes) -> Header:
    name, _, value = line.partition(b": ")
    return name, value

"""Requests as an attacker would write them, byte by byte; and what may come back."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import NamedTuple

from service.http.request_limits import MAX_HEADER_COUNT, MAX_HEADERS, MAX_PATH, MAX_QUERY

PATHS = [
    b"/v1/related?id=sea-000", b"/v1/related.html?id=sea-000", b"/v1/articles/sea-000/related",
    b"/v1/related/batch", b"/v1/related", b"/livez", b"/editor/sign-in", b"/nothing", b"/v1/audit",
]  # fmt: skip
METHODS = [b"GET", b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"]
BAD_METHODS = [b"get", b"G\x00T", b"CONNECT", b"TRACE", b"PRI", b"BREW", b"", b"A" * 9_000]
VERSIONS = [b"HTTP/1.1"] * 6 + [b"HTTP/1.0"] * 2
BAD_VERSIONS = [b"HTTP/2.0", b"HTTP/0.9", b"HTTP/3.0", b"http/1.1", b"HTTP/1.12", b"HTTP/", b""]
BAD_TARGETS = [
    b"*", b"http://", b"//", b"/\x00", b"/\xff\xfe", b"/%", b"/%zz", b"/%00", b"?id=sea-000",
    b"related", b"/v1/related?id=sea-000#a#b", b"http://a:b@c:99999/v1/related", b"/a b",
    b"/v1/related?" + b"a=1&" * 300, b"/%2e%2e/%2e%2e/etc/passwd", b"/\r", b"/v1/related?id=%ff",
]  # fmt: skip
HEADERS = [
    (b"Accept-Encoding", b"gzip;\tq=0"), (b"If-None-Match", b'W/"a", *, "'), (b"Accept", b"*/*"),
    (b"X-Request-ID", b"a b"), (b"Cookie", b"alsolike-session=\"a"), (b"Origin", b"null"),
    (b"Authorization", b"Bearer als_x_y"), (b"Range", b"bytes=0-,5-"), (b"Connection", b"close"),
    (b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", b"websocket"), (b"Upgrade", b"h2c"),
    (b"Expect", b"100-continue"), (b"Expect", b"200-ok"), (b"TE", b"trailers"), (b"A", b""),
    (b"X-Forwarded-For", b"::1, nobody"), (b"Content-Type", b"application/json"),
    (b"Keep-Alive", b"timeout=99999"), (b"Sec-Fetch-Site", b"cross-site"), (b"X", b"\xff\x80"),
]  # fmt: skip
BAD_LINES = [
    b"no colon", b": no name", b"Na me: a", b"Na\x00me: a", b"X: a\x00b", b" folded: a", b"\tfold",
    b"X: a\rb", b"X : a", b"X\xff: a", b"\x80\x81", b"Content-Length: 5, 5", b"Content-Length: ",
    b"Content-Length: 99999999999999999999999", b"Content-Length: -1", b"Content-Length: 1e3",
    b"Transfer-Encoding: gzip, chunked, chunked", b"Transfer-Encoding: \x0bchunked",
]  # fmt: skip
BODIES = [b'{"ids": ["sea-000"]}', b"{}", b"", b"\x00" * 300, b"name=a&password=b", b"[" * 2_000]


class Hostile(NamedTuple):
    """What to send.

    Attributes:
        parts: Sent one after the other.
        forbidden: Whether its limits, or the standard, forbid that it is answered with success.
    """

    parts: list[bytes]
    forbidden: bool = False


def hostile(draw: random.Random, *, max_body: int) -> Hostile:
    """One connection's worth of bytes."""
    make = draw.choice([_plain, _mutated, _mutated, _noise, _pipelined, _forbidden, _forbidden])
    content, forbidden = make(draw, max_body)
    cuts = sorted(draw.randrange(len(content) + 1) for _ in range(draw.choice([0, 0, 1, 3])))
    parts = [content[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    return Hostile(parts, forbidden)


def _head(draw: random.Random, *lines: bytes, host: bool = True) -> bytes:
    first = b"%b %b %b" % (draw.choice(METHODS), draw.choice(PATHS), draw.choice(VERSIONS))
    more = [b"%b: %b" % pair for pair in draw.sample(HEADERS, draw.randrange(6))]
    more += [b"Host: site"] * host
    draw.shuffle(more)
    return b"\r\n".join([first, *more, *lines]) + b"\r\n\r\n"


def _chunked(draw: random.Random, body: bytes, extension: bytes = b"") -> bytes:
    size = draw.choice([1, 7, 1_000]) if len(body) < 1_000 else 4_000
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(each), extension, each) for each in pieces)
    trailers = draw.choice([b"", b"", b"X-T: 1\r\n", b"Host: other\r\n", b"Content-Length: 9\r\n"])
    return chunks + b"0\r\n" + trailers + b"\r\n"


def _plain(draw: random.Random, _: int) -> tuple[bytes, bool]:
    body = draw.choice(BODIES)
    if draw.random() < 0.3:
        return _head(draw), False
    if draw.random() < 0.5:
        extension = draw.choice([b"", b";a=b", b';a="' + b"x" * 200 + b'"'])
        return _head(draw, b"Transfer-Encoding: chunked") + _chunked(draw, body, extension), False
    return _head(draw, b"Content-Length: %d" % len(body)) + body, False


def _mutated(draw: random.Random, limit: int) -> tuple[bytes, bool]:
    noise = bytearray(_plain(draw, limit)[0])
    for _ in range(draw.randint(1, 8)):
        at = draw.randrange(len(noise))
        noise[at : at + draw.randint(0, 3)] = draw.choice(
            [draw.randbytes(2), b"\r\n", b"\n", b" ", b"\x00", b":", b"%", noise[at : at + 30]]
        )
    return bytes(noise), False


def _noise(draw: random.Random, _: int) -> tuple[bytes, bool]:
    if draw.random() < 0.3:
        return draw.randbytes(draw.choice([1, 50, 5_000, 90_000])), False
    first = [draw.choice(METHODS), draw.choice(PATHS), draw.choice(VERSIONS)]
    which = draw.randrange(3)
    first[which] = draw.choice([BAD_METHODS, BAD_TARGETS, BAD_VERSIONS][which])
    lines = [b"Host: site"]
    if draw.random() < 0.5:
        lines.insert(draw.randrange(2), draw.choice(BAD_LINES))
    ending = draw.choice([b"\r\n\r\n", b"\n\n", b"\r\n\n", b"\r\r", b""])
    return draw.choice([b" ", b"  ", b"\t"]).join(first) + b"\r\n" + b"\r\n".join(
        lines
    ) + ending, False


def _pipelined(draw: random.Random, limit: int) -> tuple[bytes, bool]:
    some = [_plain(draw, limit)[0] for _ in range(draw.choice([2, 5, 20, 60]))]
    return b"".join(some) + draw.choice([b"", b"\x00garbage", b"GET / HTTP"]), False


def _forbidden(draw: random.Random, max_body: int) -> tuple[bytes, bool]:
    good = b"GET /v1/related?id=sea-000 HTTP/1.1\r\nHost: site\r\n"
    batch = b"POST /v1/related/batch HTTP/1.1\r\nHost: site\r\nContent-Type: application/json\r\n"
    method = draw.choice([b"GET", b"HEAD"])
    path = draw.choice([b"/v1/related?id=sea-000", b"/livez", b"/v1/related.html?id=sea-000"])
    good = b"%b %b HTTP/1.1\r\nHost: site\r\n" % (method, path)
    large = b'{"ids": ["sea-000"]' + b" " * (max_body + draw.choice([1, 5_000, 300_000])) + b"}"
    joint = b"&" if b"?" in path else b"?"
    return draw.choice([
        good.replace(path, path + joint + b"a" * (MAX_QUERY + draw.choice([1, 9_000]))) + b"\r\n",
        good.replace(path, b"/v1/articles/" + b"a" * MAX_PATH + b"/related") + b"\r\n",
        good + b"X: " + b"a" * (MAX_HEADERS + draw.choice([1, 5_000, 90_000])) + b"\r\n\r\n",
        good + b"X: " + b" " * (2 * MAX_HEADERS) + b"a\r\n\r\n",
        good + b"X: a\r\n" * (MAX_HEADER_COUNT + draw.choice([0, 5_000])) + b"\r\n",
        good.replace(b"Host: site\r\n", b"") + b"\r\n",
        good + b"Host: site\r\n\r\n",
        good + b"hOST: other\r\n\r\n",
        *(good.replace(b"Host: site", host) + b"\r\n" for host in BAD_HOSTS),
        good + b"Content-Length: %d\r\n\r\n" % draw.choice([max_body + 1, 10**12]),
        good + b"Transfer-Encoding: chunked\r\n\r\n" + _chunked(draw, large),
        good + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: " + b"a" * 2 * MAX_HEADERS,
        good + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: a\r\n" * 9_000 + b"\r\n",
        good + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 2 * MAX_HEADERS + b"\r\nx\r\n",
        good + b"Transfer-Encoding: chunked\r\n\r\n" + (b"1;" + b"a" * 9_000 + b"\r\nx\r\n") * 9,
        batch + b"Content-Length: %d\r\n\r\n" % len(large) + large,
        batch + b"Transfer-Encoding: chunked\r\n\r\n" + _chunked(draw, large),
    ]), True  # fmt: skip


BAD_HOSTS = [b"Host: a b", b"Host: a/b", b"Host: a@b", b"Host: a:b", b"Host: a, a", b"Host: [x]"]

_STATUS = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) [\x20-\x7e]*\r\n")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x20-\x7e\t]*)\r\n")


def responses(data: bytes, *, heads: bool) -> Iterator[int]:
    """The statuses of all answers in a byte sequence, to the last byte.

    Args:
        data: What came back.
        heads: Whether any may be an answer to HEAD, which says a length and has no body.

    Raises:
        ValueError: If any byte is none of an answer.
    """
    while data:
        first = _STATUS.match(data)
        if first is None:
            raise ValueError(f"no status line: {data[:200]!r}")
        status, at, headers = int(first[1]), first.end(), {}
        while not data.startswith(b"\r\n", at):
            line = _HEADER.match(data, at)
            if line is None:
                raise ValueError(f"no header: {data[at : at + 200]!r}")
            headers[line[1].lower()] = line[2]
            at = line.end()
        data = data[at + 2 :]
        yield status
        if status in (204, 304) or status < 200:
            continue
        if heads and (not data or _STATUS.match(data)):
            continue
        if headers.get(b"transfer-encoding") == b"chunked":
            data = _skip_chunks(data)
            continue
        length = int(headers[b"content-length"])
        if len(data) < length:
            raise ValueError(f"{len(data)} of {length} bytes came")
        data = data[length:]


def _skip_chunks(data: bytes) -> bytes:
    while True:
        size, _, data = data.partition(b"\r\n")
        count = int(size, 16)
        if data[count : count + 2] != b"\r\n":
            raise ValueError("a chunk is cut short")
        data = data[count + 2 :]
        if not count:
            return data

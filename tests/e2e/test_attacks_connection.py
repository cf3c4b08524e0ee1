"""Connections that no client would make: hostile, endless and slow ones, against a real server."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.editor_site import build_site
from tests.support.hostile_requests import Hostile, hostile, responses
from tests.support.service_process import alsolike, free_ports, get, until

SECONDS = 2.0
"""For a head, and for a body."""
BODY = 16 * 1024
LIMITS = {"ALSOLIKE_BODY_SECONDS": str(SECONDS), "ALSOLIKE_MAX_BODY_KB": str(BODY // 1024)}
GET = b"GET /v1/related?id=sea-000 HTTP/1.1\r\nHost: site\r\n"
POST = b"POST /v1/related/batch HTTP/1.1\r\nHost: site\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"

MOST_MB = 64
"""What all of :data:`ENDLESS` may cost a worker, :data:`AT_ONCE` connections of each."""
AT_ONCE = 64


@dataclass(frozen=True)
class Server:
    """A running service."""

    port: int
    folder: Path
    workers: list[int]

    def answers(self) -> bool:
        found = get(f"http://127.0.0.1:{self.port}/v1/related?id=sea-000")
        return found is not None and found.status == 200

    def megabytes(self) -> list[float]:
        """What each worker takes."""
        return [
            int(line.split()[1]) / 1024
            for pid in self.workers
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("VmRSS")
        ]


WORKERS = pytest.mark.parametrize("server", [1, 2], indirect=True)
ALONE = pytest.mark.parametrize(
    "server", [1, pytest.param(2, marks=pytest.mark.full)], indirect=True
)


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("connections")
    root, port, workers = build_site(folder), free_ports(), request.param
    arguments = ("--root", str(root), "--port", str(port), "--workers", str(workers))
    with alsolike("serve", *arguments, folder=folder, environment=LIMITS) as process:
        made = Server(port, folder, [])
        log = folder / "stderr"
        until(lambda: log.read_text().count("Application startup complete") == workers)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        own = [
            int(pid)
            for pid in children
            if "multiprocessing" in command_line(pid) and "spawn_main" in command_line(pid)
        ]
        made.workers.extend(own if workers > 1 else [process.pid])
        assert len(made.workers) == workers
        until(made.answers)
        yield made
        assert "Traceback" not in log.read_text()
        assert log.read_text().count("Started server process") == workers, "one died"


def command_line(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


class Line(asyncio.Protocol):
    """A connection that keeps what comes, whatever becomes of what is sent.

    Attributes:
        found: All that came.
        told: Set whenever something did.
        ended: Set when the server has closed.
    """

    def __init__(self, *, reading: bool = True) -> None:
        self.found = bytearray()
        self.told = asyncio.Event()
        self.ended = asyncio.Event()
        self._reading = reading
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if not self._reading:
            transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        self.found += data
        self.told.set()

    def connection_lost(self, _: Exception | None) -> None:
        self.told.set()
        self.ended.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def send(self, data: bytes) -> None:
        """Send all of it, unless the server closes."""
        if not self.transport.is_closing():
            self.transport.write(data)
            await asyncio.sleep(0)  # or an end that came would not be noticed
            await self._writable.wait()


@asynccontextmanager
async def connected(port: int, *, reading: bool = True) -> AsyncIterator[Line]:
    """A connection, gone at the end."""
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(lambda: Line(reading=reading), "127.0.0.1", port)
    try:
        yield line
    finally:
        if not line.ended.is_set():
            line.transport.abort()


async def converse(port: int, sent: Hostile) -> bytes:
    """Send what is to be sent, and give all that comes until the server closes or says no more."""
    async with connected(port) as line:
        for part in sent.parts:
            await line.send(part)
            await asyncio.sleep(0.001)
        while not line.ended.is_set():
            line.told.clear()
            try:
                await asyncio.wait_for(line.told.wait(), 0.15 if line.found else 20)
            except TimeoutError:
                assert line.found, "neither an answer nor an end"
                with suppress(ValueError):  # or a busy server is in the midst of one
                    list(responses(bytes(line.found), heads=b"HEAD" in b"".join(sent.parts)))
                    break
        return bytes(line.found)


async def side_by_side(tasks: Iterator[Awaitable[None]], most: int) -> None:
    """Run them all, so many at once."""

    async def work() -> None:
        for task in tasks:
            await task

    async with asyncio.TaskGroup() as group:
        for _ in range(most):
            group.create_task(work())


@WORKERS
@pytest.mark.parametrize(
    "count", [200, pytest.param(10_000, marks=[pytest.mark.full, pytest.mark.timeout(1_200)])]
)
def test_whatever_comes_the_answers_are_http_and_no_limit_is_passed(
    server: Server, count: int
) -> None:
    statuses: set[int] = set()

    async def attack(seed: int) -> None:
        sent = hostile(random.Random(seed), max_body=BODY)
        found = await converse(server.port, sent)
        content = b"".join(sent.parts)
        try:
            told = list(responses(found, heads=b"HEAD" in content))
        except ValueError as error:
            raise AssertionError(f"{seed}: {content[:300]!r}: {error}") from None
        statuses.update(told)
        assert not any(status >= 500 for status in told), (seed, content[:300], found[:300])
        if sent.forbidden:
            assert not any(200 <= status < 300 for status in told), (
                seed,
                content[:300],
                found[:300],
            )

    seeds = range(count * len(server.workers), count * (1 + len(server.workers)))
    asyncio.run(side_by_side((attack(seed) for seed in seeds), 100))
    assert statuses >= {200, 400, 404, 405, 408, 413, 414, 422, 431}, "each limit was met"
    assert server.answers()


def forever(block: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.repeat(block * max(1, 65_536 // len(block)))


def numbered_headers() -> Iterator[bytes]:
    for start in itertools.count(step=5_000):
        yield b"".join(b"b\r\nX-%d: a" % number for number in range(start, start + 5_000))


ENDLESS: dict[str, tuple[bytes, Callable[[], Iterator[bytes]], set[int]]] = {
    "address": (b"GET /v1/related?id=", forever(b"a"), {414}),
    "method": (b"", forever(b"G"), {400}),
    "header": (GET + b"X: ", forever(b"a"), {431}),
    "header name": (GET, forever(b"x"), {431}),
    "spaces": (GET + b"X: ", forever(b" "), {431}),
    "headers": (GET + b"X: ", numbered_headers, {431}),
    "empty headers": (GET, forever(b"a:\r\n"), {431}),
    "empty lines": (b"", forever(b"\r\n"), {431}),
    "trailer": (GET + CHUNKED + b"0\r\nX: ", forever(b"a"), {400}),
    "trailers": (GET + CHUNKED + b"0\r\n", forever(b"a:\r\n"), {400}),
    "trailers of a write": (POST + CHUNKED + b"0\r\n", forever(b"a:\r\n"), {400}),
    "chunk extension": (POST + CHUNKED + b"1;", forever(b"a"), {400}),
    "chunk extensions": (POST + CHUNKED, forever(b"1;" + b"a" * 900 + b"\r\nx\r\n"), {400, 413}),
    "chunk size": (POST + CHUNKED, forever(b"0"), {400}),
    "tiny chunks": (POST + CHUNKED, forever(b"1\r\nx\r\n"), {408, 413}),
    "chunks": (POST + CHUNKED, forever(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"), {413}),
    "body": (POST + b"Content-Length: 999999999999\r\n\r\n", forever(b"x"), {413}),
    "body of a read": (GET + b"Content-Length: 999999999999\r\n\r\n", forever(b"x"), {413}),
    "chunks of a read": (GET + CHUNKED, forever(b"1\r\nx\r\n"), {408, 413}),
    "zeros": (b"", forever(b"\x00"), {400}),
}
"""How each begins, how it goes on, and what it is told."""


async def endless(port: int, start: bytes, blocks: Iterator[bytes], most: int) -> tuple[bytes, int]:
    """Send until the server has enough; what it said, and how many bytes were sent."""
    async with connected(port) as line:
        sent = len(start)
        await line.send(start)
        for block in blocks:
            if sent > most or line.transport.is_closing():
                break
            await line.send(block)
            sent += len(block)
        await asyncio.wait_for(line.ended.wait(), 30)
        return bytes(line.found), sent


@ALONE
@pytest.mark.parametrize("kind", ENDLESS)
def test_what_has_no_end_is_refused_and_takes_no_memory(server: Server, kind: str) -> None:
    start, blocks, wanted = ENDLESS[kind]
    grown = [0.0]
    before = server.megabytes()

    async def attack() -> None:
        found, sent = await endless(server.port, start, blocks(), most=40_000_000)
        assert sent < 20_000_000, "it was not cut off"
        told = list(responses(found, heads=False))
        assert len(told) <= 1
        assert set(told) <= wanted, (kind, found)
        seen.update(told)

    async def watch() -> None:
        while True:
            grown.append(max(b - a for a, b in zip(before, server.megabytes(), strict=True)))
            await asyncio.sleep(0.01)

    async def run() -> None:
        watching = asyncio.create_task(watch())
        await asyncio.gather(*(attack() for _ in range(AT_ONCE)))
        watching.cancel()

    seen: set[int] = set()
    asyncio.run(run())
    assert seen, "nobody was told why"
    assert max(grown) <= MOST_MB
    assert server.answers()


@ALONE
def test_requests_without_end_wait_for_their_answers_outside(server: Server) -> None:
    """Nobody reads these answers, so that after some no more can be made."""
    before = server.megabytes()
    lines = [(b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" * 9_000), (GET + b"\r\n") * 5_000]

    async def attack(block: bytes) -> int:
        sent = 0
        async with connected(server.port, reading=False) as line:
            with suppress(TimeoutError):
                async with asyncio.timeout(SECONDS):
                    while sent < 100_000_000 and not line.transport.is_closing():
                        await line.send(block)
                        sent += len(block)
            grown.append(max(b - a for a, b in zip(before, server.megabytes(), strict=True)))
        return sent

    async def run() -> list[int]:
        return await asyncio.gather(*(attack(block) for block in lines * (AT_ONCE // 2)))

    grown: list[float] = []
    sent = asyncio.run(run())
    assert max(sent) < 100_000_000
    assert max(grown) <= MOST_MB
    until(server.answers)


SLOW = {
    "nothing": (b"", b"", set()),
    "empty lines": (b"\r\n", b"\r\n", {408}),
    "address": (b"GET /v1/related?id=", b"a", {408}),
    "header": (GET + b"X: ", b"a", {408}),
    "headers": (GET, b"X: a\r\n", {408}),
    "second head": (GET + b"\r\n" + GET, b"X: a\r\n", {200, 408}),
    "body": (POST + b"Content-Length: 999\r\n\r\n", b" ", {408}),
    "chunks": (POST + CHUNKED, b"1\r\n \r\n", {408}),
    "trailers": (POST + CHUNKED + b"0\r\n", b"X: a\r\n", {408}),
    "body of a read": (GET + b"Content-Length: 999\r\n\r\n", b" ", {408}),
    "trailers of a read": (GET + CHUNKED + b"0\r\n", b"X: a\r\n", {408}),
    "rest": (GET + b"\r\n", b"", {200}),
}


@ALONE
def test_what_comes_too_slowly_is_given_up(server: Server) -> None:
    async def drip(start: bytes, drop: bytes, wanted: set[int]) -> None:
        begun = time.monotonic()
        async with connected(server.port) as line:
            await line.send(start)
            while not line.ended.is_set():
                assert time.monotonic() - begun < 30
                await line.send(drop)
                await asyncio.sleep(SECONDS / 5)
        told = set(responses(bytes(line.found), heads=False))
        assert told <= wanted, (start, line.found)
        seen.setdefault(start, set()).update(told)

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                for kind in SLOW.values():
                    group.create_task(drip(*kind))

    seen: dict[bytes, set[int]] = {}
    asyncio.run(run())
    assert seen == {start: wanted for start, _, wanted in SLOW.values()}


@ALONE
def test_who_takes_as_long_as_is_allowed_is_served(server: Server) -> None:
    head = GET + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 320) for n in range(98)) + b"\r\n"
    body = b'{"ids": ["sea-000"]' + b" " * (BODY - 20) + b"}"
    small = b"".join(b"1;a=b\r\n%c\r\n" % byte for byte in body) + b"0\r\nX: " + b"a" * 30_000
    asked = [
        head,
        POST + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        POST + CHUNKED + small + b"\r\n\r\n",
        GET.replace(b"sea-000", b"sea-000&x=" + b"a" * 16_000) + b"\r\n",
        GET + b"Content-Length: %d\r\n\r\n" % len(body) + body,
    ] * 2
    found = asyncio.run(converse(server.port, Hostile([b"".join(asked)])))
    assert list(responses(found, heads=False)) == [200] * len(asked)


@ALONE
def test_what_comes_as_a_trailer_is_no_header(server: Server) -> None:
    late = b"0\r\nX-Request-ID: late\r\nHost: other\r\nAuthorization: Bearer x\r\n\r\n"
    for head in (POST, GET):
        body = b'14\r\n{"ids": ["sea-000"]}\r\n'
        found = asyncio.run(converse(server.port, Hostile([head + CHUNKED, body, late])))
        assert list(responses(found, heads=False)) == [200]
        assert b"x-request-id: late" not in found


@ALONE
def test_garbage_is_told_so_after_the_answers_before_it(server: Server) -> None:
    for asked in (GET, GET.replace(b"/v1/related", b"/nothing"), POST.replace(b"POST", b"GET")):
        for garbage in (
            b"HE\r\n\r\n",
            b"HEAD\x01\r\n\r\n",
            b"\x00\x00\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            POST + CHUNKED + b"zz\r\n",
        ):
            sent = (asked + b"\r\n") * 3 + garbage
            found = asyncio.run(converse(server.port, Hostile([sent])))
            told = list(responses(found, heads=False))
            assert len(told) == 4
            assert told[3] == 400
            assert 400 not in told[:3]


@ALONE
@pytest.mark.parametrize("how", ["Upgrade: h2c", "Upgrade: websocket", "CONNECT"])
def test_no_body_is_taken_for_the_next_request(server: Server, how: str) -> None:
    inner = GET + b"\r\n"
    head = POST if how != "CONNECT" else b"CONNECT /v1/related HTTP/1.1\r\nHost: site\r\n"
    if how != "CONNECT":
        head += f"Connection: Upgrade\r\n{how}\r\n".encode()
    for length in (b"Content-Length: %d\r\n\r\n" % len(inner), CHUNKED):
        found = asyncio.run(converse(server.port, Hostile([head + length, inner])))
        assert list(responses(found, heads=False)) == [400]


@ALONE
def test_a_coding_that_is_not_ours_is_told(server: Server) -> None:
    for coding in (b"gzip, chunked", b"gzip"):
        sent = POST + b"Transfer-Encoding: %b\r\n\r\n0\r\n\r\n" % coding
        found = asyncio.run(converse(server.port, Hostile([sent])))
        assert list(responses(found, heads=False)) == [400]

"""Readers who ask at a fixed rate, whether or not they were answered: latency as they see it.

A client that sends its next request when the last was answered asks less while a server stands
still, and so measures next to nothing of that. Here each request has its moment, however the ones
before it fare, and its latency counts from that moment: what waits for a free connection waits in
the figures too.

For other benchmarks: :func:`offer`. It runs in a process of its own, so that what the caller does
meanwhile delays no request.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Sequence

import httptools

CONNECTIONS = 64
"""Kept open at most; a request for which none is free waits."""

PATIENCE = 30.0
"""Seconds after the last request in which answers still count."""


def offer(
    port: int, paths: Sequence[str], rate: float, seconds: float, status: int = 200
) -> list[float]:
    """Ask a server of this machine for paths by turns, at a fixed rate.

    Args:
        port: Where it listens on 127.0.0.1.
        paths: Path and query of each request, percent-encoded; or whole requests.
        rate: Requests per second.
        seconds: How long.
        status: The status that answers must have.

    Returns:
        One latency per request, in seconds from the moment at which it was due; infinite for one
        that was answered otherwise, or not at all.
    """
    asked = {
        "port": port, "paths": list(paths), "rate": rate, "seconds": seconds, "status": status
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.offered_load"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:]),
    )
    return [math.inf if latency is None else latency for latency in json.loads(done.stdout)]


def percentile(latencies: Sequence[float], percent: int) -> float:
    """Of latencies in seconds, in milliseconds; the nearest rank."""
    return 1e3 * sorted(latencies)[math.ceil(percent / 100 * len(latencies)) - 1]


class _Readers:
    def __init__(
        self, port: int, paths: Sequence[str], rate: float, seconds: float, status: int
    ) -> None:
        self.port = port
        self.status = status
        get = f"GET %s HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
        self.requests = [(get % one if one[0] == "/" else one).encode() for one in paths]
        self.interval = 1 / rate
        self.latencies: list[float | None] = [None] * round(rate * seconds)
        self.left = len(self.latencies)
        self.free: list[_Line] = []
        self.waiting: deque[int] = deque()
        self.lines = 0
        self.connecting: list[asyncio.Task[None]] = []
        self.done = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.start = 0.0

    def due(self, number: int) -> float:
        return self.start + number * self.interval

    async def run(self) -> list[float | None]:
        self.start = self.loop.time() + 0.1
        for number in range(len(self.latencies)):
            await asyncio.sleep(self.due(number) - self.loop.time())
            self.waiting.append(number)
            self.send_waiting()
            if self.waiting and self.lines < CONNECTIONS:
                self.lines += 1
                self.connecting.append(self.loop.create_task(self.connect()))
        if self.left:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.done.wait(), PATIENCE)
        return self.latencies

    async def connect(self) -> None:
        try:
            await self.loop.create_connection(lambda: _Line(self), "127.0.0.1", self.port)
        except OSError:
            self.lines -= 1
            self.finish(self.waiting.popleft() if self.waiting else None, None)

    def send_waiting(self) -> None:
        while self.waiting and self.free:
            number = self.waiting.popleft()
            self.free.pop().send(number, self.requests[number % len(self.requests)])

    def finish(self, number: int | None, status: int | None) -> None:
        if number is None:
            return
        if status == self.status:
            self.latencies[number] = self.loop.time() - self.due(number)
        self.left -= 1
        if not self.left:
            self.done.set()


class _Line(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(self, readers: _Readers) -> None:
        self.readers = readers
        self.number: int | None = None
        self.parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.readers.free.append(self)
        self.readers.send_waiting()

    def send(self, number: int, request: bytes) -> None:
        self.number = number
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        number, self.number = self.number, None
        self.readers.finish(number, self.parser.get_status_code())
        if self.parser.should_keep_alive():
            self.readers.free.append(self)
            self.readers.send_waiting()
        else:
            self.transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        self.readers.lines -= 1
        if self in self.readers.free:
            self.readers.free.remove(self)
        self.readers.finish(self.number, None)


def main() -> None:
    asked = json.loads(sys.stdin.read())

    async def run() -> list[float | None]:
        return await _Readers(**asked).run()

    # Of select() alone the timeout is told in microseconds; others come up to a millisecond late.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    asyncio.set_event_loop(loop)
    print(json.dumps(loop.run_until_complete(run())))


if __name__ == "__main__":
    main()

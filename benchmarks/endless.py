"""What do readers notice of connections that send without end?

``python -m benchmarks.endless``: ``alsolike serve`` with one worker, readers at a fixed rate
(:mod:`benchmarks.offered_load`), and by turns nobody else or 64 connections that never come to an
end: addresses, headers, trailers, bodies in tiny chunks, requests whose answers nobody reads. Who
is cut off connects again at once. Figures are medians of the rounds; memory is the most that the
worker took beyond what it had before. The server has the first core; the last is the readers', and
the attackers' for what they leave of it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.corpora import say
from benchmarks.offered_load import offer, percentile
from benchmarks.serve import CORES, invented, serving
from benchmarks.synthetic_builds import article_id

AT_ONCE = 64
ARTICLES = 1_000
_GET = b"GET /v1/related?id=article-0000001 HTTP/1.1\r\nHost: localhost\r\n"
_POST = b"POST /v1/related/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
KINDS = [
    (b"GET /v1/related?id=", b"a"),
    (_GET + b"X: ", b"a"),
    (_GET + b"X: ", b"b\r\nX: a"),
    (_GET + _CHUNKED + b"0\r\nX: ", b"a"),
    (_POST + _CHUNKED + b"1;", b"a"),
    (_POST + _CHUNKED, b"1\r\nx\r\n"),
    (_GET + b"\r\n", _GET + b"\r\n"),
    (b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"),
]
"""How each begins and goes on."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8, help="of each half of a round")
    parser.add_argument("--rate", type=float, default=500, help="readers' requests per second")
    parser.add_argument("--attack", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attack:
        asyncio.run(attack(options.attack))
        return
    with tempfile.TemporaryDirectory() as data:
        print(json.dumps(measure(Path(data), options)))


def measure(data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All rounds."""
    root = invented(data / "root", ARTICLES)
    paths = [f"/v1/related?id={article_id(row)}" for row in range(0, ARTICLES, 7)]
    rounds = []
    with serving(root) as (service, port, _):
        offer(port, paths, options.rate, 2)
        before = resident_mb(service.pid)
        for _ in range(options.rounds):
            quiet = offer(port, paths, options.rate, options.seconds)
            with attackers(port), watched(service.pid) as most:
                attacked = offer(port, paths, options.rate, options.seconds)
            rounds.append(
                {
                    "quiet_p50_ms": percentile(quiet, 50),
                    "quiet_p99_ms": percentile(quiet, 99),
                    "p50_ms": percentile(attacked, 50),
                    "p99_ms": percentile(attacked, 99),
                    "grown_mb": most[0] - before,
                }
            )
            say(json.dumps({name: round(value, 2) for name, value in rounds[-1].items()}))
    medians = {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}
    return {
        "connections": AT_ONCE,
        "readers_per_s": options.rate,
        **{name: round(value, 2) for name, value in medians.items()},
        "most_grown_mb": round(max(found["grown_mb"] for found in rounds), 1),
    }


@contextlib.contextmanager
def attackers(port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.endless", "--attack", str(port)],
        stdout=subprocess.PIPE,
        preexec_fn=_in_the_background,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()  # all are connected
        yield
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _in_the_background() -> None:
    os.sched_setaffinity(0, CORES[-1:])
    os.nice(19)


async def attack(port: int) -> None:
    """Until killed."""
    connected = asyncio.Barrier(AT_ONCE)

    async def send(start: bytes, piece: bytes) -> None:
        block = piece * (65_536 // len(piece))
        for number in itertools.count():
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
                if not number and await connected.wait() == 0:
                    print("connected", flush=True)
                writer.write(start)
                while True:
                    writer.write(block)
                    await writer.drain()

    await asyncio.gather(*(send(*KINDS[number % len(KINDS)]) for number in range(AT_ONCE)))


@contextlib.contextmanager
def watched(pid: int) -> Iterator[list[float]]:
    """The most memory that a process takes meanwhile, in megabytes."""
    most, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            most[0] = max(most[0], resident_mb(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()

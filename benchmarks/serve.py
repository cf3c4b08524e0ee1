"""What does a request cost, against a bare route that returns the same bytes?

``python -m benchmarks.serve``: ``alsolike serve`` as a process of its own with everything on, and
beside it a Starlette app of one route that looks the same bodies up in a dict, on the same server
(uvicorn, uvloop, httptools). ``wrk`` asks both by turns over loopback with 32 connections, for ids
of a Zipf distribution; figures are medians of the rounds. Servers share the first core, the client
has the second. Builds are invented (:mod:`benchmarks.synthetic_builds`), up to a million articles.

``--swaps 100`` publishes that often between two builds under full load; each has a mark in every
title and lists of its own, so a mixed answer would show. ``--soak 10`` asks for ten minutes at
about half the top rate and watches memory.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.corpora import say
from benchmarks.synthetic_builds import article_id, make_invented_build
from index.root.root import Root
from service.server import bind
from service.settings import Settings

LUA = Path(__file__).parent / "serve.lua"
CONNECTIONS = 32
POPULAR = 20_000
"""Bodies that the bare route holds; it answers other ids with one of them, which costs the same."""

CORES = sorted(os.sched_getaffinity(0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="1000,100000,1000000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=8, help="of each round")
    parser.add_argument("--warm-up", type=int, default=40, help="seconds before the first round")
    parser.add_argument("--zipf", type=float, default=1.1, help="exponent of the ids' distribution")
    parser.add_argument("--swaps", type=int, help="hot swaps under load instead")
    parser.add_argument("--soak", type=float, help="minutes at half the top rate instead")
    parser.add_argument("--access-log", action="store_true", help="with the access log on")
    parser.add_argument("--data", type=Path, help="keep the builds here, for the next run")
    parser.add_argument("--bare", nargs=2, metavar=("BODIES", "PORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        run_bare(Path(options.bare[0]), int(options.bare[1]))
        return
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing; on Debian: apt-get install wrk")
    with contextlib.ExitStack() as stack:
        data = options.data or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sizes = [int(size) for size in options.sizes.split(",")]
        if options.swaps:
            result: dict[str, Any] = measure_swaps(data, sizes[0], options)
        elif options.soak:
            result = measure_soak(data, sizes[0], options)
        else:
            result = {
                "zipf": options.zipf,
                "connections": CONNECTIONS,
                "sizes": [measure_size(data, size, options) for size in sizes],
            }
    print(json.dumps(result))


def measure_size(data: Path, count: int, options: argparse.Namespace) -> dict[str, Any]:
    """One size: rounds of both servers by turns."""
    root = invented(data / str(count), count)
    warm(root)
    arguments = ["--access-log"] if options.access_log else []
    with serving(root, *arguments) as (service, port, ready):
        bodies = data / f"bodies-{count}.json"
        bodies.write_text(json.dumps(popular_bodies(port, count)))
        with bare_serving(bodies) as (bare, bare_port):
            # Fills the cache, as the first minutes of a day do.
            ask(port, count, options, seconds=options.warm_up)
            ask(bare_port, count, options)
            before = cache_counts(port)
            rounds = [
                (
                    ask(port, count, options, server=service.pid),
                    ask(bare_port, count, options, server=bare.pid),
                )
                for _ in range(options.rounds)
            ]
            after = cache_counts(port)
        anonymous = anonymous_mb(service.pid)
    ours, theirs = ([pair[side] for pair in rounds] for side in (0, 1))
    hits, misses = (after[kind] - before[kind] for kind in ("hit", "miss"))
    result = {
        "articles": count,
        "rps": round(median_rate(ours)),
        "bare_rps": round(median_rate(theirs)),
        "ratio_rps": round(statistics.median(rate(a) / rate(b) for a, b in rounds), 3),
        "ratio_p99": round(statistics.median(a["p99_ms"] / b["p99_ms"] for a, b in rounds), 3),
        "p50_ms": statistics.median(found["p50_ms"] for found in ours),
        "p99_ms": statistics.median(found["p99_ms"] for found in ours),
        "cpu_us": round(statistics.median(found["cpu_us"] for found in ours), 1),
        "bare_cpu_us": round(statistics.median(found["cpu_us"] for found in theirs), 1),
        "ready_s": round(ready, 3),
        "anon_mb": anonymous,
        "hit_rate": round(hits / (hits + misses), 3),
        "errors": sum(found["errors"] for found in ours),
    }
    say(json.dumps(result))
    return result


def measure_swaps(data: Path, count: int, options: argparse.Namespace) -> dict[str, Any]:
    """Publish two builds by turns while every answer is looked into."""
    root = Root(data / f"swaps-{count}")
    while len(root.names()) < 2:
        side = len(root.names())
        make_invented_build(root, count, marker=("#aaa", "#bbb")[side], half=side)
        time.sleep(1.1)  # names tell seconds
    names = root.names()[-2:]
    published: list[str] = []
    with serving(root) as (_, port, _):
        quiet = ask(port, count, options, check=True)
        done = threading.Event()
        found: list[dict[str, Any]] = []

        def load() -> None:
            while not done.is_set():
                found.append(ask(port, count, options, check=True))

        client = threading.Thread(target=load)
        client.start()
        while len(published) < options.swaps:
            name = names[len(published) % 2]
            with root.locked("benchmark"):
                root.make_live(root.manifest(name), event="swap")
            start = time.perf_counter()
            while ready_build(port) != name:
                time.sleep(0.02)
            published.append(name)
            time.sleep(max(0.0, 0.5 - (time.perf_counter() - start)))
        done.set()
        client.join()
    return {
        "articles": count,
        "swaps": len(published),
        "requests": sum(part["requests"] for part in found),
        "failed": sum(part["errors"] for part in found),
        "mixed": sum(part["mixed"] + part["unmarked"] for part in found),
        "from_each": [sum(part[side] for part in found) for side in ("a", "b")],
        "rps": round(median_rate(found)),
        "p50_ms": statistics.median(part["p50_ms"] for part in found),
        "p99_ms": statistics.median(part["p99_ms"] for part in found),
        "max_ms": max(part["max_ms"] for part in found),
        "quiet_p99_ms": quiet["p99_ms"],
    }


def measure_soak(data: Path, count: int, options: argparse.Namespace) -> dict[str, Any]:
    """Half the top rate for minutes; memory by the minute."""
    root = invented(data / str(count), count)
    with serving(root) as (service, port, _):
        top = rate(ask(port, count, options))
        # Each connection waits a whole number of milliseconds between its requests.
        connections = max(1, round(top / 2 * 0.004))
        end = time.monotonic() + 60 * options.soak
        parts, memory = [], [anonymous_mb(service.pid)]
        while time.monotonic() < end:
            seconds = round(min(60, max(2, end - time.monotonic())))
            parts.append(
                ask(port, count, options, seconds=seconds, connections=connections, wait=4)
            )
            memory.append(anonymous_mb(service.pid))
            say(f"{rate(parts[-1]):.0f}/s, {memory[-1]} MB, {parts[-1]['errors']} errors")
    return {
        "articles": count,
        "minutes": options.soak,
        "top_rps": round(top),
        "rps": round(median_rate(parts)),
        "requests": sum(part["requests"] for part in parts),
        "errors": sum(part["errors"] for part in parts),
        "p99_ms": statistics.median(part["p99_ms"] for part in parts),
        "anon_mb": memory,
    }


def invented(path: Path, count: int) -> Root:
    root = Root(path)
    if root.current() is None:
        start = time.perf_counter()
        make_invented_build(root, count)
        say(f"{count} articles invented in {time.perf_counter() - start:.0f} s")
    return root


def warm(root: Root) -> None:
    """Read a build once, so that the page cache holds it."""
    for path in root.folder().iterdir():
        with path.open("rb") as file:
            while file.read(1 << 22):
                pass


@contextlib.contextmanager
def serving(root: Root, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int, float]]:
    """A running service, its port, and the seconds from its start until it was ready."""
    port = free_port()
    start = time.perf_counter()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "service.cli",
            "serve",
            "--root",
            root.path,
            "--port",
            str(port),
        ],
        env={**os.environ, "ALSOLIKE_ACCESS_LOG": str("--access-log" in arguments)},
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, CORES[:1]) if len(CORES) > 1 else None,
    )
    try:
        while ready_build(port) is None:
            if process.poll() is not None:
                raise SystemExit("the service did not start")
            time.sleep(0.005)
        yield process, port, time.perf_counter() - start
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextlib.contextmanager
def bare_serving(bodies: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.serve", "--bare", bodies, str(port)],
        preexec_fn=lambda: os.sched_setaffinity(0, CORES[:1]) if len(CORES) > 1 else None,
    )
    try:
        while get(port, f"/v1/related?id={article_id(0)}") is None:
            time.sleep(0.05)
        yield process, port
    finally:
        process.terminate()
        process.wait()


def run_bare(path: Path, port: int) -> None:
    """The least that Starlette can do: look a body up by its query, return it."""
    known = {query.encode(): body.encode() for query, body in json.loads(path.read_text()).items()}
    some = next(iter(known.values()))

    async def related(request: Request) -> Response:
        body = known.get(request.scope["query_string"], some)
        return Response(body, media_type="application/json")

    app = Starlette(routes=[Route("/v1/related", related)])
    uvicorn.run(
        app, port=port, log_level="error", access_log=False, server_header=False,
        proxy_headers=False, ws="none",
    )  # fmt: skip


def popular_bodies(port: int, count: int) -> dict[str, str]:
    """Answers of the service, as many as the bare route is to hold."""
    bodies = {}
    for rank in range(1, min(count, POPULAR) + 1):
        query = f"id={article_id(rank * 618033 % count)}"
        bodies[query] = (get(port, f"/v1/related?{query}") or b"").decode()
    return bodies


def ask(
    port: int,
    count: int,
    options: argparse.Namespace,
    *,
    seconds: int | None = None,
    connections: int = CONNECTIONS,
    wait: int = 0,
    check: bool = False,
    server: int | None = None,
) -> dict[str, Any]:
    """One run of wrk; its figures, and with ``server`` what a request cost that process."""
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{seconds or options.seconds}", "--latency",
        "-s", str(LUA), f"http://127.0.0.1:{port}", "--", str(count), str(options.zipf), str(wait),
        "check" if check else "-",
    ]  # fmt: skip
    before = 0.0 if server is None else cpu_seconds(server)
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, CORES[-1:]),
    )
    found = re.search(r"^JSON (.*)$", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(found[1])
    if server is not None:
        result["cpu_us"] = 1e6 * (cpu_seconds(server) - before) / result["requests"]
    return result


def cpu_seconds(pid: int) -> float:
    """Time that a process had a core; unlike rates it says something on a busy machine too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rate(found: dict[str, Any]) -> float:
    return float(found["requests"] / found["seconds"])


def median_rate(found: list[dict[str, Any]]) -> float:
    return statistics.median(map(rate, found))


def cache_counts(port: int) -> dict[str, float]:
    time.sleep(1.1)  # counts are handed on every second
    text = (get(port, "/metrics") or b"").decode()
    return {
        kind: float(value)
        for kind, value in re.findall(r'alsolike_cache_total\{result="(\w+)"\} (\S+)', text)
    }


def ready_build(port: int) -> str | None:
    body = get(port, "/readyz")
    return None if body is None else json.loads(body)["build"]


def get(port: int, path: str) -> bytes | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            body: bytes = answer.read()
            return body
    except OSError:
        return None


def anonymous_mb(pid: int) -> float:
    """Memory that is the process's own, not a mapped file's."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Anonymous:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found is not None
    return round(int(found[1]) / 1024, 1)


def free_port() -> int:
    with bind(Settings().host, 0) as bound:
        return int(bound.getsockname()[1])


if __name__ == "__main__":
    main()

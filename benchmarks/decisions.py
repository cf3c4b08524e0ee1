"""What does one more decision cost among a hundred thousand hides and as many takedowns?

``python -m benchmarks.decisions``: a site of invented articles, served as always, with readers who
ask 500 times a second. Measured without any decision and with all: readers' latency while nothing
is decided and while one article after another is taken down through the API; how long that takes
until it is answered (on disk in the database and in the snapshot) and until every worker tells
readers that there is no such article; the memory of a worker; the pages that editors open.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import random
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from benchmarks.corpora import say
from benchmarks.editor import Browser
from benchmarks.editorial_load import ACTOR, make_newsroom, sign_in
from benchmarks.offered_load import offer, percentile
from benchmarks.serve import anonymous_mb, serving
from index.root.root import Root
from recommender.visibility import NEVER
from service.decisions.open_decisions import FILE, open_decisions
from service.roles import Role
from service.settings import Settings

RATE = 500.0
_LOOKS = 12
"""Connections that ask for what was taken down; the kernel deals them out among the workers."""

_PAGES = (
    "/editor", "/editor?standing=taken-down", "/editor?overridden=1", "/editor/article?id={id}",
    "/editor/history", "/editor/builds", "/v1/takedowns", "/v1/overrides",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--hides", type=int, default=100_000)
    parser.add_argument("--takedowns", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each round")
    parser.add_argument("--every", type=float, default=0.25, help="seconds between two takedowns")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", type=Path, help="keep the site here, for the next run")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = options.data or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        root = make_newsroom(folder, None, options.articles)
        few = measure(root, options)
        say(json.dumps(few))
        fill(root, options.hides, options.takedowns)
        many = measure(root, options)
        say(json.dumps(many))
    print(
        json.dumps(
            {
                **many,
                "p99_ratio": round(many["deciding_p99_ms"] / few["p99_ms"], 2),
                "memory_mb": round(many["anon_mb"] - few["anon_mb"], 1),
            }
        )
    )


def fill(root: Root, hides: int, takedowns: int) -> None:
    """Put decisions straight into the database, a fifth of them about articles of the site."""
    ids = [root.open().article_id(row) for row in range(root.open().count)]
    draw, now = random.Random(1), time.time_ns() // 1000
    with closing(sqlite3.connect(root.path / FILE)) as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO overrides (article_id, target_id, kind, reason, not_related, "
            "author, created, until) VALUES (?, ?, 'hide', ?, 0, 'mira', ?, ?)",
            (
                (
                    draw.choice(ids) if number % 5 == 0 else f"gone-{number}",
                    draw.choice(ids) if number % 5 == 0 else f"other-{number}",
                    "a reason of forty letters, as people write",
                    now + number,
                    NEVER,
                )
                for number in range(hides)
            ),
        )
        connection.executemany(
            "INSERT OR IGNORE INTO takedowns (article_id, since, who, reason, until) "
            "VALUES (?, ?, 'mira', 'withdrawn', ?)",
            ((f"withdrawn-{number}", now + number, NEVER) for number in range(takedowns)),
        )
        connection.execute("UPDATE meta SET version = ?", (now + hides,))
        connection.commit()


def measure(root: Root, options: argparse.Namespace) -> dict[str, Any]:
    """Readers, decisions, memory and pages as the database is now."""
    build = root.open()
    draw = random.Random(time.time_ns())
    asked = [build.article_id(row) for row in range(0, build.count, max(1, build.count // 500))]
    victims = [build.article_id(row) for row in draw.sample(range(build.count), build.count // 4)]
    victims = [article_id for article_id in victims if article_id not in set(asked)]
    paths = [f"/v1/related?id={quote(article_id, safe='')}" for article_id in asked]
    with closing(open_decisions(Settings(root=root.path))) as database:
        secret, _ = database.tokens.add(ACTOR, name=f"b{time.time_ns()}", role=Role.EDITOR)
    with serving(root, "--workers", str(options.workers)) as (service, port, _):
        time.sleep(3.0)
        paths = [path for path in paths if _status(port, path) == 200]
        offer(port, paths, RATE, 3.0)
        memory = max(map(anonymous_mb, _workers(service.pid)))
        quiet, deciding = [], []
        durable: list[float] = []
        seen: list[float] = []
        for _ in range(options.rounds):
            quiet.append(percentile(offer(port, paths, RATE, options.seconds), 99))
            done = threading.Event()
            decider = threading.Thread(
                target=_take_down,
                args=(port, secret, victims, options.every, done, durable, seen),
            )
            decider.start()
            deciding.append(percentile(offer(port, paths, RATE, options.seconds), 99))
            done.set()
            decider.join()
        browser = Browser(port, sign_in(root))
        pages = {}
        for page in _PAGES:
            path, _, query = page.format(id=quote(asked[0], safe="")).partition("?")
            path = f"{path}?{query}" if query else path
            pages[page] = round(statistics.median(browser.get(path)[0] for _ in range(5)), 1)
    return {
        "workers": options.workers,
        "decided": len(durable),
        "p99_ms": round(statistics.median(quiet), 2),
        "deciding_p99_ms": round(statistics.median(deciding), 2),
        "durable_p95_ms": round(percentile(durable, 95), 1),
        "seen_max_ms": round(1e3 * max(seen), 1),
        "anon_mb": memory,
        "pages_ms": pages,
    }


def _take_down(
    port: int,
    secret: str,
    victims: list[str],
    every: float,
    done: threading.Event,
    durable: list[float],
    seen: list[float],
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    with ThreadPoolExecutor(_LOOKS) as looks:
        while not done.wait(every) and victims:
            query = urlencode({"id": victims.pop()})
            start = time.perf_counter()
            connection.request("PUT", f"/v1/visibility?{query}", '{"visible":false}', headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"a takedown was answered {answer.status}")
            durable.append(time.perf_counter() - start)
            path = f"/v1/related?{query}"
            gone = [looks.submit(_until_gone, port, path) for _ in range(_LOOKS)]
            seen.append(max(look.result() for look in gone))


def _until_gone(port: int, path: str) -> float:
    start = time.perf_counter()
    while _status(port, path) != 404:
        time.sleep(0.02)
    return time.perf_counter() - start


def _status(port: int, path: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


def _workers(pid: int) -> list[int]:
    """The processes that answer: the server's children, or itself."""
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    children = [int(line) for line in listed.stdout.split()]
    serving = [
        child
        for child in children
        if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    return serving or [pid]


if __name__ == "__main__":
    main()

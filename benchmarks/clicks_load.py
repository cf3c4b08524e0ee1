"""What do readers notice of the clicks that are counted meanwhile?

``python -m benchmarks.clicks_load``: ``alsolike serve`` with one worker that counts clicks, page
views at a fixed rate (:mod:`benchmarks.offered_load`), and by turns no reports or 200 a second of
ten events each, every report from an address of its own and of ten lists of a Zipf distribution, as
a proxy passes them on. Figures are medians of the rounds; memory is what the worker took beyond
what it had before, at the end of each round. The server has the first core, both clients have the
last.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import statistics
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.corpora import say
from benchmarks.endless import resident_mb
from benchmarks.offered_load import offer, percentile
from benchmarks.serve import invented, serving
from benchmarks.synthetic_builds import article_id

ARTICLES = 10_000
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20, help="of each half of a round")
    parser.add_argument("--rate", type=float, default=500, help="page views per second")
    parser.add_argument("--reports", type=float, default=200, help="reports per second")
    parser.add_argument("--events", type=int, default=10, help="events in a report")
    options = parser.parse_args()
    os.environ["ALSOLIKE_CLICKS"] = "true"
    os.environ["ALSOLIKE_TRUSTED_PROXIES"] = '["127.0.0.1"]'
    with tempfile.TemporaryDirectory() as data:
        print(json.dumps(measure(Path(data), options)))


def measure(data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All rounds."""
    root = invented(data / "root", ARTICLES)
    draw = random.Random(0)
    weights = [1 / rank for rank in range(1, ARTICLES + 1)]
    views = draw.choices(range(ARTICLES), weights, k=5_000)
    paths = [f"/v1/related?id={article_id(row)}" for row in views]
    rounds: list[dict[str, float]] = []
    with serving(root) as (service, port, _):
        placements = {row: placement(port, row) for row in set(views)}
        reports = made_reports(draw, options.events, [placements[row] for row in views])
        offer(port, paths, options.rate, 2)
        before = resident_mb(service.pid)
        for _ in range(options.rounds):
            quiet = offer(port, paths, options.rate, options.seconds)
            asked = list(itertools.islice(reports, round(options.reports * options.seconds)))
            answers: list[float] = []
            reporting = threading.Thread(
                target=lambda sent=asked, into=answers: into.extend(
                    offer(port, sent, options.reports, options.seconds, status=204)
                )
            )
            reporting.start()
            beside = offer(port, paths, options.rate, options.seconds)
            reporting.join()
            rounds.append(
                {
                    "quiet_p99_ms": percentile(quiet, 99),
                    "p50_ms": percentile(beside, 50),
                    "p99_ms": percentile(beside, 99),
                    "report_p99_ms": percentile(answers, 99),
                    "grown_mb": resident_mb(service.pid) - before,
                }
            )
            say(json.dumps({name: round(value, 2) for name, value in rounds[-1].items()}))
        counted = outcomes(port)
    found = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    return {
        "page_views_per_s": options.rate,
        "events_per_s": options.reports * options.events,
        **{name: round(value, 2) for name, value in found.items()},
        "ratio": round(found["p99_ms"] / found["quiet_p99_ms"], 2),
        "grown_mb_by_round": [round(one["grown_mb"], 1) for one in rounds],
        "outcomes": counted,
    }


def made_reports(draw: random.Random, events: int, placements: list[str]) -> Iterator[str]:
    """Requests that each report some lists, without end, each from another address."""
    for number in itertools.count(1):
        address = ".".join(str(byte) for byte in (100, *number.to_bytes(3)))
        seen = list(range(1, draw.randint(2, 6)))
        body = json.dumps(
            {
                "events": [
                    {"placement": one, "seen": seen, "clicked": seen[:1] * (draw.random() < 0.1)}
                    for one in draw.sample(placements, events)
                ]
            }
        )
        yield (
            f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {address}\r\n"
            f"User-Agent: {_AGENT}\r\nContent-Type: text/plain;charset=UTF-8\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )


def placement(port: int, row: int) -> str:
    url = f"http://127.0.0.1:{port}/v1/related?id={article_id(row)}"
    with urllib.request.urlopen(url) as answer:
        return str(json.load(answer)["placement"])


def outcomes(port: int) -> dict[str, int]:
    """How many events were counted, and how many not, by reason."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    start = 'alsolike_click_events_total{outcome="'
    found = (line.removeprefix(start).split('"} ') for line in lines if line.startswith(start))
    return {name: round(float(count)) for name, count in found}


if __name__ == "__main__":
    main()

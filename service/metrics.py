"""Figures for Prometheus, summed over all workers.

Each worker writes its counts into a file of its own (the client library's multiprocess mode) and
whichever is asked adds all files up. What describes a moment, such as the build's age, is said by
the worker that is asked.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from service.live import Live
from service.tally import BOUNDS, Tally

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """This worker's counts, and the sum of all workers'.

    Args:
        live: What is served.
        tally: Where requests are counted.
    """

    def __init__(self, live: Live, tally: Tally) -> None:
        self._live = live
        self._tally = tally
        self._seen = Tally()
        self._counted = {"swaps": 0, "refusals": 0}
        _bury_the_dead()
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "alsolike_requests",
            "Requests answered",
            ["route", "status"],
            registry=self.registry,
        )
        self._latency = Histogram(
            "alsolike_request_seconds",
            "Time to answer, within the service",
            ["route"],
            buckets=BOUNDS,
            registry=self.registry,
        )
        self._cache = Counter(
            "alsolike_cache",
            "Related lists asked for, by whether the answer was kept ready",
            ["result"],
            registry=self.registry,
        )
        self._events = {
            "swaps": Counter(
                "alsolike_build_swaps", "Builds taken up by a worker", registry=self.registry
            ),
            "refusals": Counter(
                "alsolike_build_refusals", "Builds refused by a worker", registry=self.registry
            ),
        }
        self.queue = Gauge(
            "alsolike_encoder_queue",
            "Drafts that wait for the encoder or are in it",
            multiprocess_mode="livesum",
            registry=self.registry,
        )

    def flush(self) -> None:
        """Hand on what was counted since the last time."""
        now, seen = self._tally, self._seen
        for key, count in list(now.requests.items()):
            self._requests.labels(key[0], str(key[1])).inc(count - seen.requests[key])
            seen.requests[key] = count
        for route, buckets in list(now.latencies.items()):
            self._flush_latency(route, list(buckets))
        for name in ("hits", "misses"):
            count = getattr(now, name)
            self._cache.labels(name.removesuffix("s").removesuffix("e")).inc(
                count - getattr(seen, name)
            )
            setattr(seen, name, count)
        for name, counter in self._events.items():
            count = getattr(self._live, name)
            counter.inc(count - self._counted[name])
            self._counted[name] = count

    def _flush_latency(self, route: str, buckets: list[int]) -> None:
        # The library observes one value at a time; a thousand a millisecond are added up here.
        histogram = self._latency.labels(route)
        earlier = self._seen.latencies[route]
        for bucket, count, before in zip(histogram._buckets, buckets, earlier, strict=True):
            if count > before:
                bucket.inc(count - before)
        self._seen.latencies[route] = buckets
        seconds = self._tally.seconds[route]
        histogram._sum.inc(seconds - self._seen.seconds[route])
        self._seen.seconds[route] = seconds

    def render(self) -> bytes:
        """All workers' figures as Prometheus reads them, as of the last flush."""
        return exposition(self.registry) + generate_latest(self._moment())

    def _moment(self) -> CollectorRegistry:
        registry = CollectorRegistry()

        def gauge(name: str, text: str, value: float) -> None:
            Gauge(f"alsolike_{name}", text, registry=registry).set(value)

        live = self._live
        generation = live.generation
        gauge("ready", "Whether related articles can be served", generation is not None)
        gauge("build_refused", "Whether a newer build was refused", live.refused is not None)
        away = live.keeper.kept.problem is not None
        gauge("database_away", "Whether decisions can't be read anew", away)
        if generation is not None:
            build, state = generation.served.build, generation.served.state
            created = dt.datetime.fromisoformat(build.manifest.created)
            age = (dt.datetime.now(dt.UTC) - created).total_seconds()
            info = Gauge("alsolike_build_info", "The build", ["build"], registry=registry)
            info.labels(build.name).set(1)
            gauge("build_age_seconds", "Time since the build was begun", age)
            gauge("build_articles", "Articles of the build", build.count)
            gauge("state_version", "Version of the editors' decisions", state.version)
            gauge("cache_bytes", "Memory of the answers kept", generation.cache.size)
            gauge("cache_answers", "Answers kept", len(generation.cache))
        return registry


def exposition(own: CollectorRegistry) -> bytes:
    """Counts of all workers, or of this process where there are no others."""
    directory = os.environ.get(DIRECTORY)
    if directory is None:
        return generate_latest(own)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _bury_the_dead() -> None:
    """Forget what workers that died said of the moment; their counts stay."""
    directory = os.environ.get(DIRECTORY)
    if directory is None:
        return
    for path in Path(directory).glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not _is_running(pid):
            multiprocess.mark_process_dead(pid, path=directory)  # type: ignore[no-untyped-call]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""Counts requests, and gives Prometheus metrics that are summed over all workers.

Requests, durations and cache hits are counted as plain numbers, which costs almost no time. Once a
second each worker process writes its counts to its own files. The worker that answers a request to
``/metrics`` adds up the files of all workers. This is the multiprocess mode of the Prometheus
client library.
"""

import logging
import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
    multiprocess,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from index.errors import BuildError
from index.root.root import Root
from service.clicks.click_counter import ClickCounter
from service.http.processes import METRICS_DIRECTORY, is_running
from service.serving.live import Live

log = logging.getLogger("alsolike")

BOUNDS = (
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005,
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""Upper bounds of the latency histogram's buckets, in seconds."""


class RequestCounts:
    """Request counts since the process started; only one thread may change them.

    Attributes:
        requests: The number of requests by route and HTTP status.
        latencies: By route, the number of requests in each bucket of durations; :data:`BOUNDS`
            holds the buckets' upper bounds, and the last bucket has none.
        seconds: By route, the total duration of all requests, in seconds.
        hits: The number of responses taken from the cache.
        misses: The number of responses that had to be rendered.
    """

    def __init__(self) -> None:
        self.requests: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.latencies: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS) + 1))
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.hits = 0
        self.misses = 0

    def add(self, route: str, status: int, seconds: float) -> None:
        """Counts a request.

        Args:
            route: The path template of its route, such as ``/v1/related``.
            status: The HTTP status of its response.
            seconds: The time to answer it, in seconds.
        """
        self.requests[route, status] += 1
        self.latencies[route][bisect_left(BOUNDS, seconds)] += 1
        self.seconds[route] += seconds


Mode = Literal["livemin", "livemax", "livesum"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_GAUGES: tuple[tuple[str, str, Mode], ...] = (
    ("ready", "1 if related articles can be served", "livemin"),
    ("build_refused", "1 if the service could not load a newer build", "livemax"),
    ("build_age_seconds", "Age of the live build", "livemax"),
    ("build_articles", "Articles in the live build", "livemin"),
    ("state_version", "Version of the editors' decisions", "livemin"),
    ("database_away", "1 if the database of editors' decisions can't be read", "livemax"),
    ("snapshot_behind", "1 if the backup copy of the decisions is out of date", "livemax"),
    ("cache_bytes", "Size of the response cache", "livesum"),
    ("cache_answers", "Responses in the cache", "livesum"),
    ("encoder_queue", "Drafts being encoded or waiting for it", "livesum"),
)
"""Name and description of each gauge, and how the values of several workers become one.

``livemin`` takes the smallest value of the running workers, ``livemax`` the largest and ``livesum``
their sum.
"""

_CLICK_GAUGES: tuple[tuple[str, str, Mode], ...] = (
    ("clicks_waiting", "Sums of counted clicks that are not stored yet", "livesum"),
    ("clicks_database_away", "1 if counted clicks can't be stored", "livemax"),
)
"""The same, while clicks are counted."""


class Metrics:
    """The metrics of this worker process, and their sum over all workers.

    Args:
        live: Holds the published build, which the service serves.
        counts: The request counts of this worker.
        clicks: Counts clicks; ``None`` while none are counted.
    """

    def __init__(
        self, live: Live, counts: RequestCounts, clicks: ClickCounter | None = None
    ) -> None:
        self._live = live
        self._counts = counts
        self._clicks = clicks
        self._problem: str | None = None
        self._before: defaultdict[object, float] = defaultdict(float)
        """How far each of the library's counters was raised, by the counter."""
        _remove_dead_gauges()
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"alsolike_{name}", text, labels, registry=self.registry)

        self._requests = counter("requests", "Requests answered", "route", "status")
        self._latency = Histogram(
            "alsolike_request_seconds",
            "Time to answer, within the service",
            ["route"],
            buckets=BOUNDS,
            registry=self.registry,
        )
        self._cache = counter("cache", "Requests for related lists, by cache hit or miss", "result")
        self._events = {
            "swaps": counter("build_swaps", "New builds loaded by a worker"),
            "refusals": counter("build_refusals", "New builds that a worker failed to load"),
        }
        self._gauges = {
            name: Gauge(f"alsolike_{name}", text, registry=self.registry, multiprocess_mode=mode)
            for name, text, mode in (*_GAUGES, *(() if clicks is None else _CLICK_GAUGES))
        }
        if clicks is not None:
            self._reported = counter("click_events", "Events that pages reported", "outcome")
        self._info = _BuildInfo(lambda: None if (build := live.build) is None else build.name)
        self.registry.register(self._info)
        self.queue = self._gauges["encoder_queue"]

    def flush(self) -> None:
        """Adds what was counted since the last call to the Prometheus client's metrics.

        What can't be written now, for example as no file can be opened, is added by a later call.
        """
        try:
            self._flush_counts()
            self._problem = None
        except OSError as error:
            if error.strerror != self._problem:  # told once, not at every try
                log.error("metrics can't be written now: %s", error)
            self._problem = error.strerror

    def _flush_counts(self) -> None:
        counts = self._counts
        for (route, status), count in list(counts.requests.items()):
            self._raise(self._requests.labels(route, str(status)), count)
        for route, buckets in list(counts.latencies.items()):
            # The library's own method counts one request per call; adding to its buckets is faster.
            histogram = self._latency.labels(route)
            for bucket, count in zip(histogram._buckets, list(buckets), strict=True):
                self._raise(bucket, count)
            self._raise(histogram._sum, counts.seconds[route])
        self._raise(self._cache.labels("hit"), counts.hits)
        self._raise(self._cache.labels("miss"), counts.misses)
        for name, counter in self._events.items():
            self._raise(counter, getattr(self._live, name))
        if self._clicks is not None:
            for outcome, count in list(self._clicks.outcomes.items()):
                self._raise(self._reported.labels(outcome), count)
        self._flush_gauges()

    def _raise(self, counter: Any, total: float) -> None:
        """Adds to one of the library's counters what was counted since the last call."""
        if total > self._before[counter]:
            counter.inc(total - self._before[counter])
            self._before[counter] = total

    def _flush_gauges(self) -> None:
        live = self._live
        generation = live.generation
        values: dict[str, float] = {
            "ready": generation is not None,
            "build_refused": live.refused is not None,
            "database_away": live.keeper.kept.problem is not None,
            "snapshot_behind": live.keeper.kept.unsaved is not None,
        }
        if generation is not None:
            build = generation.served.build
            values |= {
                "build_age_seconds": build.age(),
                "build_articles": build.count,
                "state_version": generation.served.state.version,
                "cache_bytes": generation.cache.size,
                "cache_answers": len(generation.cache),
            }
        if self._clicks is not None:
            values["clicks_waiting"] = self._clicks.waiting
            values["clicks_database_away"] = self._clicks.problem is not None
        for name, value in values.items():
            self._gauges[name].set(value)

    def render(self) -> bytes:
        """Returns the metrics in Prometheus text format.

        With several workers these are the sums of what each worker last wrote by :meth:`flush`.
        """
        if METRICS_DIRECTORY not in os.environ:
            return generate_latest(self.registry)
        return generate_latest(_all_workers(self._info))


class _BuildInfo(Collector):
    """Tells the live build's name; as one of the library's gauges it would keep each build's."""

    def __init__(self, name: Callable[[], str | None]) -> None:
        self._name = name

    def collect(self) -> Iterable[Metric]:
        info = GaugeMetricFamily("alsolike_build_info", "1 for the live build", labels=["build"])
        if name := self._name():
            info.add_metric([name], 1)
        return [info]


class _WrittenFiles(multiprocess.MultiProcessCollector):
    """Reads the files of all workers, without those that a worker has only just created."""

    def collect(self) -> Iterable[Metric]:
        # The library creates a file empty and sizes it next; in between it could not read it.
        files = [file for file in Path(self._path).glob("*.db") if _size(file)]
        return [*self.merge([str(file) for file in files])]  # type: ignore[no-untyped-call]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # of a worker that has ended
        return 0


def _all_workers(info: _BuildInfo) -> CollectorRegistry:
    registry = CollectorRegistry()
    _WrittenFiles(registry, path=os.environ[METRICS_DIRECTORY])  # type: ignore[no-untyped-call]
    registry.register(info)
    return registry


def serve_metrics(host: str, port: int, root: Root) -> None:
    """Starts a server that serves only ``/metrics`` on a port; it ends with the process.

    Args:
        host: The address to listen on.
        port: The port.
        root: The folder of builds, whose file ``CURRENT`` names the live one.
    """

    def published() -> str | None:
        with suppress(BuildError):
            return root.live
        return None

    start_http_server(port, host, _all_workers(_BuildInfo(published)))


def _remove_dead_gauges() -> None:
    """Removes the gauge files of worker processes that no longer run.

    Their counter files stay, so that the totals of requests don't fall.
    """
    directory = os.environ.get(METRICS_DIRECTORY)
    if directory is None:
        return
    for path in Path(directory).glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not is_running(pid):
            multiprocess.mark_process_dead(pid, path=directory)  # type: ignore[no-untyped-call]

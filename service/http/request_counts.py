"""Counts requests, durations and cache hits as plain numbers, which costs almost no time."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

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

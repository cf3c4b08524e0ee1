"""Counts of requests as plain numbers, as counting must cost a page view next to nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

BOUNDS = (
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005,
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""Upper bounds of the latency histogram's buckets, seconds."""


class RequestCounts:
    """Counts since the process began; written by one thread.

    Attributes:
        requests: By route and status.
        latencies: By route: how many requests fell into each bucket, the last without a bound.
        seconds: By route: the total time of all requests.
        hits: Responses taken from the cache.
        misses: Responses that had to be made.
    """

    def __init__(self) -> None:
        self.requests: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.latencies: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS) + 1))
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.hits = 0
        self.misses = 0

    def add(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests[route, status] += 1
        self.latencies[route][bisect_left(BOUNDS, seconds)] += 1
        self.seconds[route] += seconds

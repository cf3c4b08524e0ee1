"""What a process serves: a build under the editors' decisions, swapped as a whole."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from index.build.build import Build
from index.build.file_watch import FileWatch
from index.root.root import Root
from recommender.errors import AlsoLikeError, NotFoundError
from recommender.visibility import utc_now
from service.decisions.decision_state import DecisionState
from service.decisions.poller import PolledState
from service.errors import NotReadyError
from service.serving.response_cache import ResponseCache
from service.serving.serving_view import ServingView

log = logging.getLogger("alsolike")

WATCH_SECONDS = 0.25
RETRY_SECONDS = 30.0


class DecisionPoller(Protocol):
    """Reads editors' decisions; see :class:`service.decisions.poller.StatePoller`."""

    kept: PolledState

    def refresh(self) -> bool:
        """Read what changed; whether anything did."""

    def poll(self) -> DecisionState | None:
        """Read what changed, but not too often from a database that was away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Everything but the request that a response depends on; each request takes it once.

    A new build, a new decision or the next epoch makes a new generation with an empty cache. So no
    response can be mixed from two, or outlive the instant at which it stops being true.

    Attributes:
        served: The build under the editors' decisions.
        since: The moment from which it holds, microseconds since 1970 UTC.
        until: The moment at which it ends, as an article appears, disappears or moves.
        tag: Differs from that of any other generation, in any process.
        cache: Responses made from it.
    """

    served: ServingView
    since: int
    until: int
    tag: bytes
    cache: ResponseCache


@dataclass(slots=True)
class Live:
    """The generation that is served now, and why a newer one is not.

    Without a build, or without knowing what was taken down, nothing is served.

    Args:
        root: Where builds are.
        keeper: Reads editors' decisions.
        cache_bytes: Capacity of each generation's cache.
        clock: The time, in microseconds since 1970 UTC.
        forgetful: Called when the build changes, to drop what was kept of the last one.
    """

    root: Root
    keeper: DecisionPoller
    cache_bytes: int = 64_000_000
    clock: Callable[[], int] = utc_now
    generation: Generation | None = None
    refused: str | None = None
    swaps: int = 0
    refusals: int = 0
    forgetful: list[Callable[[], None]] = field(default_factory=list)
    _build: Build | None = None
    _seen: tuple[int, int, int] | None = None
    _retry: float = 0.0
    _threads: ThreadPoolExecutor = field(  # no page that takes long keeps a takedown waiting
        default_factory=lambda: ThreadPoolExecutor(4, thread_name_prefix="live")
    )
    _following: threading.Lock = field(default_factory=threading.Lock)
    _swapping: threading.Lock = field(default_factory=threading.Lock)

    @property
    def build(self) -> Build | None:
        """The build that is served."""
        generation = self.generation
        return None if generation is None else generation.served.build

    def at(self, now: int) -> Generation | None:
        """The generation that holds at ``now``, the next epoch's if that has come."""
        generation = self.generation
        if generation is not None and not generation.since <= now < generation.until:
            with self._swapping:
                generation = self.generation
                if generation is not None and not generation.since <= now < generation.until:
                    generation = self._generation(generation.served, now)
                    self.generation = generation
        return generation

    def view(self, *, refresh: bool = False) -> tuple[ServingView, int]:
        """What readers are served now, and the moment that "now" is.

        Args:
            refresh: Whether to take up first what other processes decided or published.

        Raises:
            NotReadyError: If nothing is served.
        """
        if refresh:
            self.refresh()
        now = self.clock()
        generation = self.at(now)
        if generation is None:
            raise NotReadyError("not ready; /readyz says why")
        return generation.served, now

    def refresh(self) -> None:
        """Take up the build that ``CURRENT`` names and the newest decisions; blocks."""
        self.follow_builds()
        self.keeper.refresh()
        self._settle()

    def follow_builds(self) -> None:
        """Open the build that ``CURRENT`` names if that changed; refuse and log a bad one.

        A refused build is tried again now and then: a disk may come back, a file be restored.
        """
        with self._following:
            if self._let_go():
                return
            stamp = self._stamp()
            if stamp == self._seen and time.monotonic() < self._retry:
                return
            self._seen, self._retry = stamp, float("inf")
            try:
                self._open_current()
            except (AlsoLikeError, OSError) as error:
                self._retry = time.monotonic() + RETRY_SECONDS
                if str(error) != self.refused:
                    self.refused = str(error)
                    self.refusals += 1
                    log.error("still serving %s: %s", self._name(), self.refused)
        self._settle()

    def _let_go(self) -> bool:
        """Drop the build if its files are being written to, before mapped pages of it are gone.

        The writer waits until then; the next look sees what is left.
        """
        build = self._build
        written_to = build and build.watch and build.watch.written_to()
        if not written_to:
            return False
        with self._swapping:
            self._build = self.generation = self._seen = None
        self._forget()
        self.refused = f"{written_to} of the live build is written to in place"
        self.refusals += 1
        log.error("serving nothing: %s", self.refused)
        return True

    def follow_decisions(self) -> None:
        """Take up newer decisions; a database that is away is not asked each time."""
        self.keeper.poll()
        self._settle()

    async def refresh_now(self) -> None:
        """Take up a change that this process made, before the request that made it is answered."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self.refresh)

    async def watch(self) -> None:
        """Follow builds and decisions until cancelled, independently of each other."""
        await asyncio.gather(self._repeat(self.follow_builds), self._repeat(self.follow_decisions))

    async def _repeat(self, look: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await asyncio.get_running_loop().run_in_executor(self._threads, look)
            except Exception:
                log.exception("looking for changes failed; what is served stays")

    @property
    def unready(self) -> str | None:
        """Why nothing is served, if nothing is."""
        if self.generation is not None:
            return None
        if self._build is None:
            return self.refused or "starting"
        return f"editors' decisions are unknown: {self.keeper.kept.problem}"

    def _open_current(self) -> None:
        pointer = self.root.current()
        if pointer is None:
            raise NotFoundError(f"nothing is published in {self.root.path}")
        if self._build is None or self._build.name != pointer.build:
            start = time.perf_counter()
            build = self._build = self.root.open(pointer.build, watch=FileWatch())
            self._forget()
            self.swaps += 1
            log.info(
                "serving build %s: %d articles, opened in %.3f s",
                build.name,
                build.count,
                time.perf_counter() - start,
            )
        self.refused = None

    def _forget(self) -> None:
        for forget in self.forgetful:
            forget()

    def _settle(self) -> None:
        """Serve the newest build under the newest decisions."""
        with self._swapping:
            build, state, now = self._build, self.keeper.kept.state, self.generation
            if build is None or state is None:
                self.generation = None
            elif now is None or now.served.build is not build or now.served.state is not state:
                served = ServingView(build, state, None if now is None else now.served)
                self.generation = self._generation(served, self.clock())

    def _generation(self, served: ServingView, now: int) -> Generation:
        showing, state = served.showing(now), served.state
        parts = (served.build.name, state.database, state.version, served.epoch(now))
        return Generation(
            served=served,
            since=showing.since,
            until=showing.until,
            tag=hashlib.blake2b(repr(parts).encode(), digest_size=16).digest(),
            cache=ResponseCache(self.cache_bytes),
        )

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            pointer = (self.root.path / "CURRENT").stat()
        except OSError:
            return None
        return pointer.st_ino, pointer.st_mtime_ns, pointer.st_size

    def _name(self) -> str:
        return "nothing" if self.generation is None else self.generation.served.build.name

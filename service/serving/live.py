"""Holds the published build and the editors' decisions for requests, and reloads them on change."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from index.build.build import Build
from index.build.file_watch import FileWatch
from index.root.root import Root
from recommender.errors import AlsoLikeError, NotFoundError
from recommender.visibility import utc_now
from service.decisions.poller import StatePoller
from service.decisions.snapshot import file_stamp
from service.errors import NotReadyError
from service.serving.response_cache import ResponseCache
from service.serving.serving_view import ServingView

log = logging.getLogger("alsolike")

WATCH_SECONDS = 0.25
RETRY_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What all requests of a time span are answered from: build, editors' decisions, and a cache.

    No list of related articles changes within the time span. A new build, a new decision, or an
    article that appears or disappears starts a new generation. Its cache is empty or, after a new
    build, that of the generation before, whose responses know in which builds they hold. Each
    request uses one generation, so that a response never mixes two, and an outdated response is
    never taken from the cache.

    Attributes:
        served: The build with the editors' decisions.
        since: The start of the time span, microseconds since 1970 UTC.
        until: The end of the time span: the next time at which any list may change.
        tag: A digest of build, decisions and time span; the same in every process.
        cache: The responses made from this generation.
    """

    served: ServingView
    since: int
    until: int
    tag: bytes
    cache: ResponseCache


@dataclass(slots=True)
class Live:
    """Holds what this process answers requests from, and follows new builds and decisions.

    This is a :class:`Generation`: the published build with the editors' decisions, for a time span
    in which no list changes. It is ``None``, so that no request is answered, if there is no build
    or if the database of takedowns could not be read since the start.

    Args:
        root: The folder that holds the builds.
        keeper: Reads the editors' decisions.
        cache_bytes: The capacity of each generation's cache, in bytes.
        clock: A function that returns the time in microseconds since 1970 UTC.
        forgetful: Functions to call after another build was loaded, so that other code frees
            its data of the old one.
    """

    root: Root
    keeper: StatePoller
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
    _threads: ThreadPoolExecutor = field(  # not the shared ones, where slow pages delay a takedown
        default_factory=lambda: ThreadPoolExecutor(4, thread_name_prefix="live")
    )
    _following: threading.Lock = field(default_factory=threading.Lock)
    _swapping: threading.Lock = field(default_factory=threading.Lock)

    @property
    def build(self) -> Build | None:
        """The build from which requests are answered; ``None`` if there is none."""
        generation = self.generation
        return None if generation is None else generation.served.build

    def at(self, now: int) -> Generation | None:
        """Returns what to answer requests from at a time; ``None`` if they can't be answered.

        Starts a new generation if the time span of the current one has ended.

        Args:
            now: The time, in microseconds since 1970 UTC.
        """
        generation = self.generation
        if generation is not None and not generation.since <= now < generation.until:
            with self._swapping:
                generation = self.generation
                if generation is not None and not generation.since <= now < generation.until:
                    generation = self._generation(generation.served, now)
                    self.generation = generation
        return generation

    def view(self, *, refresh: bool = False) -> tuple[ServingView, int]:
        """Returns the published build with the editors' decisions, and the current time.

        Args:
            refresh: Whether to load first what other processes have decided or published.

        Raises:
            NotReadyError: If there is no build, or the takedowns can't be read.

        Returns:
            The build with the decisions, and the time in microseconds since 1970 UTC.
        """
        if refresh:
            self.refresh()
        now = self.clock()
        generation = self.at(now)
        if generation is None:
            raise NotReadyError("no related articles can be served now; /readyz says why")
        return generation.served, now

    def refresh(self) -> None:
        """Loads the build that the file ``CURRENT`` names, and the newest decisions of editors.

        Returns when both are loaded. A build that can't be opened is only logged.
        """
        self.follow_builds()
        self.keeper.refresh()
        self._settle()

    def follow_builds(self) -> None:
        """Opens the build that the file ``CURRENT`` names, unless it is open already.

        If it can't be opened, the reason is logged and the earlier build stays in use. It is tried
        again when ``CURRENT`` changes, and every 30 seconds, as its files may be restored.
        """
        with self._following:
            if self._let_go():
                return
            stamp = file_stamp(self.root.path / "CURRENT")
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
                    name = "nothing" if self.build is None else self.build.name
                    log.error("still serving %s: %s", name, self.refused)
        self._settle()

    def _let_go(self) -> bool:
        """Stops using the build if another process is about to write to the build's files.

        Otherwise this process would crash when it reads a mapped file that was cut short. The other
        process waits until the build is closed. The next call of :meth:`follow_builds` opens the
        build again, if its files are still in order.

        Returns:
            Whether the build was let go.
        """
        build = self._build
        written_to = build and build.watch and build.watch.written_to()
        if not written_to:
            return False
        with self._swapping:
            self._build = self.generation = self._seen = None
        self._forget()
        self.refused = f"a process writes to the file {written_to} of the live build"
        self.refusals += 1
        log.error("serving nothing: %s", self.refused)
        return True

    def follow_decisions(self) -> None:
        """Loads new decisions of editors, if there are any, and answers requests by them."""
        self.keeper.poll()
        self._settle()

    async def refresh_now(self) -> None:
        """Loads the published build and the newest decisions without blocking the event loop."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self.refresh)

    async def watch(self) -> None:
        """Looks for a new build and for new decisions four times a second, until cancelled.

        The two run independently, so that opening a large build delays no decision.
        """
        await asyncio.gather(self._repeat(self.follow_builds), self._repeat(self.follow_decisions))

    async def _repeat(self, look: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await asyncio.get_running_loop().run_in_executor(self._threads, look)
            except Exception:
                log.exception("failed to check for changes; still serving the same build")

    @property
    def unready(self) -> str | None:
        """The reason why requests can't be answered, as text; ``None`` if they can."""
        if self.generation is not None:
            return None
        if self._build is None:
            return self.refused or "starting"
        return f"editors' decisions can't be read: {self.keeper.kept.problem}"

    def _open_current(self) -> None:
        pointer = self.root.current()
        if pointer is None:
            raise NotFoundError(f"nothing is published in {self.root.path}")
        if self._build is None or self._build.name != pointer.build:
            start = time.perf_counter()
            build = self.root.open(pointer.build, watch=FileWatch())
            _ = build.list_dates  # no request has to open a file
            self._build = build
            self._forget()
            self.swaps += 1
            log.info(
                "serving build %s: %d articles, opened in %.3f s",
                build.name,
                build.count,
                time.perf_counter() - start,
            )
        self.refused = None

    def close(self) -> None:
        """Lets go of the build, at the end of the service."""
        with self._swapping:
            self.generation = self._build = None
        self._forget()

    def _forget(self) -> None:
        for forget in self.forgetful:
            forget()

    def _settle(self) -> None:
        """Starts a new generation if the build or the decisions are new."""
        with self._swapping:
            build, state, now = self._build, self.keeper.kept.state, self.generation
            if build is None or state is None:
                self.generation = None
            elif now is None or now.served.build is not build or now.served.state is not state:
                served = ServingView(build, state, None if now is None else now.served)
                moment = self.clock()
                lasts = now and now.served.state is state and now.since <= moment < now.until
                cache = now.cache if now and lasts else None
                self.generation = self._generation(served, moment, cache)

    def _generation(
        self, served: ServingView, now: int, cache: ResponseCache | None = None
    ) -> Generation:
        showing, state = served.showing(now), served.state
        parts = (served.build.name, state.database, state.version, served.epoch(now))
        return Generation(
            served=served,
            since=showing.since,
            until=showing.until,
            tag=hashlib.blake2b(repr(parts).encode(), digest_size=16).digest(),
            cache=ResponseCache(self.cache_bytes) if cache is None else cache,
        )

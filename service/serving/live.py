"""Holds the published build and the editors' decisions for requests, and reloads them on change."""

import asyncio
import hashlib
import logging
import operator
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from index.build.build import Build
from index.build.file_watch import FileWatch
from index.build.manifest import MANIFEST
from index.root.comparison import (
    COMPARISON,
    ComparisonState,
    Variant,
    block_of,
    read_comparison,
    variant_folder,
)
from index.root.pointer import CURRENT
from index.root.root import Root
from recommender.errors import AlsoLikeError, NotFoundError
from recommender.visibility import utc_now
from service.decisions.decision_state import DecisionState
from service.decisions.poller import StatePoller
from service.decisions.snapshot import file_stamp
from service.errors import NotReadyError
from service.serving.response_cache import ResponseCache
from service.serving.serving_view import ServingView

log = logging.getLogger("alsolike")

WATCH_SECONDS = 0.25
RETRY_SECONDS = 30.0
_EXPLORING = 3_600

_NOTHING = "nothing is published yet: make a build with alsolike build"
_CANT_OPEN = "the published build can't be opened: the service's log says why"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What all requests of a time span are answered from: build, editors' decisions, and a cache.

    No list of related articles changes within the time span. A new build, a new decision, or an
    article that appears or disappears starts a new generation. Its cache is empty or, after a new
    build, that of the generation before, whose responses know in which builds they hold. Each
    request uses one generation, so that a response never mixes two, and an outdated response is
    never taken from the cache.

    While the lists of a variant (other ranking settings) are compared with the live ones, time is
    cut into blocks; in each, an article has either its live list or the variant's. A generation
    then ends with its block.

    Attributes:
        served: The build with the editors' decisions.
        other: The variant's build with the same decisions; ``None`` if it is not there.
        comparison: The comparison that runs; ``None`` if none does.
        block: The number of the block of time; 0 if no list depends on it.
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
    other: ServingView | None = None
    comparison: ComparisonState | None = None
    block: int = 0

    @property
    def basis(self) -> tuple[Build, DecisionState, Build | None, ComparisonState | None]:
        """The build, the decisions, the variant's build and the comparison that are served."""
        other = None if self.other is None else self.other.build
        return self.served.build, self.served.state, other, self.comparison

    def choose(self, article_id: str) -> tuple[ServingView, Variant]:
        """Returns the build from which readers get an article's list: the live or the variant's.

        The second value says which of the two it is, as the counts of clicks record it.
        """
        if self.comparison is None:
            return self.served, Variant.LIVE
        if self.other is None:
            return self.served, Variant.INSTEAD
        if self.comparison.picks(article_id, self.block):
            return self.other, Variant.COMPARED
        return self.served, Variant.LIVE


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
        exploring: Whether lists may change every hour, as the setting ``explore`` asks for; a
            comparison with a variant sets another length of time.
        forgetful: Functions to call after another build was loaded, so that other code frees
            its data of the old one.
    """

    root: Root
    keeper: StatePoller
    cache_bytes: int = 64_000_000
    clock: Callable[[], int] = utc_now
    exploring: bool = False
    generation: Generation | None = None
    refused: str | None = None
    public_refused: str = ""
    swaps: int = 0
    refusals: int = 0
    forgetful: list[Callable[[], None]] = field(default_factory=list)
    comparison: ComparisonState | None = None
    variant_refused: str | None = None
    _build: Build | None = None
    _other: Build | None = None
    _seen: object = None
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
        """Returns the generation that answers requests at a time; ``None`` if none can be answered.

        Starts a new generation if the time span of the current one has ended.

        Args:
            now: The time, in microseconds since 1970 UTC.
        """
        generation = self.generation
        if generation is not None and not generation.since <= now < generation.until:
            with self._swapping:
                generation = self.generation
                if generation is not None and not generation.since <= now < generation.until:
                    generation = self._generation(generation.served, generation.other, now)
                    self.generation = generation
        return generation

    def view(self, *, refresh: bool = False) -> tuple[ServingView, int]:
        """Returns the published build with the editors' decisions, and the current time.

        Args:
            refresh: Whether to first load the newest decisions and build of other processes.

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

        If a comparison with a variant runs, the variant's build is opened in the same way; while it
        can't be opened, all readers get the live lists.
        """
        with self._following:
            if self._let_go():
                return
            stamp = [file_stamp(path) for path in self._followed()]
            if stamp == self._seen and time.monotonic() < self._retry:
                return
            self._seen, self._retry = stamp, float("inf")
            try:
                self._open_current()
            except (AlsoLikeError, OSError) as error:
                self._retry = time.monotonic() + RETRY_SECONDS
                if str(error) != self.refused:
                    self.refused = str(error)
                    self.public_refused = _NOTHING if stamp[0] is None else _CANT_OPEN
                    self.refusals += 1
                    name = "nothing" if self.build is None else self.build.name
                    log.error("still serving %s: %s", name, self.refused)
                if self._build is not None:
                    self._serve(self._build)  # a comparison may have begun or ended
        self._settle()

    def _followed(self) -> Iterator[Path]:
        """Yields the files whose change says that another build is to be opened."""
        yield self.root.path / CURRENT
        yield self.root.path / COMPARISON
        if self._build is not None:
            yield self.root.builds / self._build.name
        if self.comparison is not None and self._build is not None:
            yield self._variant_root(self.comparison).builds / self._build.name / MANIFEST

    def _variant_root(self, comparison: ComparisonState) -> Root:
        return Root(variant_folder(self.root.path, comparison.variant))

    def _let_go(self) -> bool:
        """Stops using the build if another process is about to write to the build's files.

        Otherwise this process would crash when it reads a mapped file that was cut short. The other
        process waits until the build is closed. The next call of :meth:`follow_builds` opens the
        build again, if its files are still in order.

        Returns:
            Whether the build was let go, or the variant's.
        """
        if path := _written_to(self._other):
            self._other = None
            self._retry = time.monotonic() + RETRY_SECONDS
            self._tell_variant(f"a process writes to the file {path} of the variant's build")
            self._settle()
            return True
        written_to = _written_to(self._build)
        if not written_to:
            return False
        with self._swapping:
            self._build = self._other = self.generation = self._seen = None
        self._forget()
        self.refused = f"a process writes to the file {written_to} of the live build"
        self.public_refused = "a process writes to a file of the live build"
        self.refusals += 1
        log.error("serving nothing: %s", self.refused)
        return True

    def follow_decisions(self) -> None:
        """Loads new decisions of editors, if there are any, so that requests obey them."""
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

    @property
    def public_unready(self) -> str:
        """Why requests can't be answered, in general words, without files and servers."""
        if self._build is None:
            return self.public_refused or "starting"
        return f"editors' decisions can't be read: {self.keeper.kept.public or 'starting'}"

    def _open_current(self) -> None:
        pointer = self.root.current()
        if pointer is None:
            raise NotFoundError(
                f"nothing is published in {self.root.path}; make a build with: "
                f"alsolike build SOURCE --root {self.root.path}"
            )
        build = self._build
        self.root.folder(pointer.build)  # else a build that is open would be gone at a restart
        if build is None or build.name != pointer.build:
            start = time.perf_counter()
            build = self.root.open(pointer.build, watch=FileWatch())
            _ = build.list_dates  # no request has to open a file
            log.info(
                "serving build %s: %d articles, opened in %.3f s",
                build.name,
                build.count,
                time.perf_counter() - start,
            )
        swapped = build is not self._build
        self._serve(build)
        if swapped:
            self._settle()  # no request gets the build that is forgotten
            self._forget()
            self.swaps += 1
        self.refused = None

    def _serve(self, build: Build) -> None:
        comparison, other = self._open_variant(build)
        with self._swapping:
            self._build, self._other, self.comparison = build, other, comparison

    def _open_variant(self, live: Build) -> tuple[ComparisonState | None, Build | None]:
        """Returns the comparison that runs, and the variant's build beside a live one, if any."""
        comparison, problem, opened = None, None, None
        try:
            comparison = read_comparison(self.root.path)
            if comparison is not None:
                own = self._variant_root(comparison)
                if live.name in own.names():
                    opened = self._other
                    same = comparison == self.comparison
                    if opened is None or opened.name != live.name or not same:
                        opened = own.open(live.name, watch=FileWatch())
                        _ = opened.list_dates
        except (AlsoLikeError, OSError) as error:
            opened, problem = None, str(error)
            self._retry = time.monotonic() + RETRY_SECONDS
        self._tell_variant(problem)
        return comparison, opened

    def _tell_variant(self, problem: str | None) -> None:
        if problem and problem != self.variant_refused:
            log.error("the live lists are served instead of the variant's: %s", problem)
        self.variant_refused = problem

    def close(self) -> None:
        """Closes the build when the service ends; no request can be answered afterwards."""
        with self._swapping:
            self.generation = self._build = self._other = None
        self._forget()

    def _forget(self) -> None:
        for forget in self.forgetful:
            forget()

    def _settle(self) -> None:
        """Starts a new generation if a build, the decisions or the comparison is new."""
        with self._swapping:
            build, state, now = self._build, self.keeper.kept.state, self.generation
            if build is None or state is None:
                self.generation = None
                return
            basis = (build, state, self._other, self.comparison)
            if now is not None and all(map(operator.is_, now.basis, basis)):
                return
            served = ServingView(build, state, None if now is None else now.served)
            before = None if now is None else now.other
            other = None if self._other is None else ServingView(self._other, state, before)
            moment = self.clock()
            lasts = (
                now is not None
                and now.served.state is state
                and now.comparison == self.comparison
                and (before is None) == (other is None)
                and now.since <= moment < now.until
                and build.name >= now.served.build.name  # no older one, with other moments
            )
            cache = now.cache if now is not None and lasts else None
            self.generation = self._generation(served, other, moment, cache)

    def _generation(
        self,
        served: ServingView,
        other: ServingView | None,
        now: int,
        cache: ResponseCache | None = None,
    ) -> Generation:
        spans = [view.showing(now)[:2] for view in (served, other) if view is not None]
        comparison, block, state = self.comparison, 0, served.state
        seconds = comparison.block if comparison else _EXPLORING if self.exploring else 0
        if seconds:
            block, length = block_of(now, seconds), seconds * 1_000_000
            spans.append((block * length, (block + 1) * length))
        key = comparison and (comparison.key, other is None)
        parts = (served.build.name, state.database, state.version, served.epoch(now), key, block)
        return Generation(
            served=served,
            other=other,
            comparison=comparison,
            block=block,
            since=max(since for since, _ in spans),
            until=min(until for _, until in spans),
            tag=hashlib.blake2b(repr(parts).encode(), digest_size=16).digest(),
            cache=ResponseCache(self.cache_bytes) if cache is None else cache,
        )


def _written_to(build: Build | None) -> Path | None:
    return build.watch.written_to() if build is not None and build.watch is not None else None

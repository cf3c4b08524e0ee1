"""Follows sources and pushes, and brings each change to readers by a small build.

All changes of a moment go into one build. If a gate refuses it, each half of the changes is tried,
and so on, until the change at fault is alone: it is left out and people are notified, while the
rest goes live. The same is done if a build fails by an unforeseen error, unless no change can be
told to be at fault: then all changes wait, and are tried again at growing intervals.
"""

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version

from index.articles.record import SourceItem, describe
from index.build.build import Build
from index.build.list_dates import build_date
from index.building.changes import Changes
from index.errors import BuildError, BusyError, DatabaseError, GateError, SourceError
from index.publishing.gates import Gate
from index.root.lock import WATCH_LOCK, locked
from index.root.pointer import BUILD_NAME
from index.root.root import HELD_EXIT_CODE, Root
from index.sources.configured_source import ConfiguredSource
from recommender.encoder import Encoder
from recommender.errors import AlsoLikeError, ModelError
from service.decisions.database import Database
from service.settings import Settings
from service.watching.build_run import build_options, run_build
from service.watching.notices import notify
from service.watching.waiting_changes import Unit, WaitingChanges

log = logging.getLogger("alsolike")

PAUSE = 0.25
"""Seconds between two looks for pushes."""

GATHER = 0.2
"""Seconds for which changes are gathered before a build is made of them."""

_LONGEST_WAIT = 60.0
_MOST_FAILURES = 24
"""Builds in a row that fail unforeseen before the changes are no longer tried by halves."""

_TRIES = 3
"""How often a change fails alone, with nothing else to compare it with, before it is left out."""

_HOUR = 3_600


@dataclass(slots=True, kw_only=True)
class Watcher:
    """Follows sources and pushes, and keeps the live build up to date with them.

    Args:
        settings: The effective settings.
        sources: The sources to follow.
        encoder: The encoder, which stays loaded.
        database: The database of decisions, which holds pushed articles.
        stop: An event that stops the watcher once it is set, even during a build.
        published: A function that is called with the live build: whenever a build went live, and
            repeatedly in between.
        keep_missing: Whether to keep articles that their source no longer has.
    """

    settings: Settings
    sources: Sequence[ConfiguredSource]
    encoder: Encoder
    database: Database
    stop: threading.Event
    published: Callable[[Build], None] = lambda _: None
    keep_missing: bool = False
    live: Build | None = None
    changes: WaitingChanges = field(init=False)
    _root: Root = field(init=False)
    _told: set[str] = field(default_factory=set)
    _wait: float = 0.0
    _retry: float = 0.0
    _tried: int = 0
    _tried_with: int = 0
    _failed: float = 0.0
    _failures: int = 0
    _fruitless: int = 0
    _export_retry: float = 0.0
    _followed: float = 0.0

    def __post_init__(self) -> None:
        self._root = Root(self.settings.root)
        self.changes = WaitingChanges(
            settings=self.settings,
            sources=self.sources,
            database=self.database,
            keep_missing=self.keep_missing,
        )

    def run(self) -> None:
        """Watches until the event ``stop`` is set.

        Raises:
            BusyError: If another process watches the same folder of builds.
            ModelError: If the live build was made with another model than the settings name.
        """
        self._root.path.mkdir(parents=True, exist_ok=True)
        with locked(self._root.path, "alsolike watch", WATCH_LOCK):
            self._adopt()
            names = ", ".join(["pushes", *(one.name for one in self.sources)])
            log.info("watching %s for %s", names, self._root.path)
            self.changes.follow(self.stop)
            try:
                while not self.stop.is_set():
                    if not self.step():
                        self.changes.news.wait(PAUSE)
                        self.changes.news.clear()
            except KeyboardInterrupt:
                log.info("stopped amid a build, which is removed")
            finally:
                self.stop.set()

    def step(self) -> bool:
        """Looks for changes once and makes a build of them; returns whether there were any."""
        try:
            self._adopt()
            if self.live is not None:
                self.changes.look(self.live)
                self._tell_published(self.live)
            if time.monotonic() < self._retry or self._is_held():
                return False
            if reason := self._full_is_due():
                return self._make_full(reason)
            if self.live is None or not next(self.changes.units(self.live), None):
                return False
            self.stop.wait(GATHER)
            self.changes.look(self.live)
            self._make_all([*self.changes.units(self.live)])
        except BusyError as error:
            self._later(str(error), told=False)
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001 - no value from outside ends the watcher
            self._later(_problem(error), unforeseen=_is_unforeseen(error))
            return False
        return True

    def _tell_published(self, live: Build) -> None:
        """Calls ``published``; if that fails, builds go on, and it is called again in a minute."""
        if time.monotonic() < self._export_retry:
            return
        try:
            self.published(live)
        except Exception as error:
            self._export_retry = time.monotonic() + _LONGEST_WAIT
            problem = f"the export waits: {_problem(error)}"
            log.warning("%s", problem, exc_info=_is_unforeseen(error))
            notify(self.settings, "failed", problem)

    def _later(self, problem: str, *, told: bool = True, unforeseen: bool = False) -> None:
        """Tries again after a while; changes stay where they are."""
        self._wait = min(_LONGEST_WAIT, max(2 * self._wait, PAUSE)) if told else PAUSE
        self._retry = time.monotonic() + self._wait
        same = BUILD_NAME.sub("", problem)  # every try has another name
        if same not in self._told:
            self._told.add(same)
            log.warning("changes wait: %s", problem, exc_info=unforeseen)
            if told:
                notify(self.settings, "failed", f"changes wait: {problem}")

    def _is_held(self) -> bool:
        with suppress(BuildError):
            pointer = self._root.current()
            if pointer is not None and pointer.held is not None:
                self._later(f"publishing is on hold since {pointer.held.since}", told=False)
                return True
        return False

    def _adopt(self) -> None:
        """Opens the live build, if it is another than this process made or opened last."""
        if self._root.live is None or self._is_live():
            return
        live = self._root.open()
        if live.manifest.encoder != (mine := self.encoder.fingerprint):
            raise ModelError(
                f"the live build was made with the model {live.manifest.encoder.model}, not with "
                f"{mine.model}: set model as in the live build, or first make a build with the "
                "new model: alsolike build --accept-change"
            )
        self.changes.compare_with(live)
        self.live = live

    def _make_all(self, units: Sequence[Unit]) -> None:
        """Brings changes to readers, and leaves out what can be told to be at fault.

        What fails unforeseen is at fault if anything else goes live, or if it is all there is.
        """
        before, self._failures = self.live, 0
        failed: list[tuple[Unit, Exception]] = []
        if units:
            self._make_small(units, failed)
        alone = len(failed) == len(units) == 1
        self._fruitless = self._fruitless + 1 if failed and self.live is before else 0
        if self._fruitless and not (alone and self._fruitless >= _TRIES):
            raise BuildError(f"no build can be made with the changes: {_problem(failed[0][1])}")
        for unit, error in failed:
            self.changes.refuse(unit, f"no build can be made with it: {_problem(error)}")

    def _make_small(self, units: Sequence[Unit], failed: list[tuple[Unit, Exception]]) -> None:
        """Brings some changes to readers; if they are refused, half of them.

        Args:
            units: The changes.
            failed: To which those are added with which a build fails unforeseen.
        """
        refusal = self._publish(units)
        if refusal is None:
            return
        foreseen = isinstance(refusal, GateError | SourceError)
        if halves := _halves(units, in_one=not foreseen):
            for half in halves[:: -1 if self._fruitless % 2 else 1]:  # not to end at the same one
                self._make_small(half, failed)
        elif foreseen:
            self.changes.refuse(units[0], str(refusal))
        else:
            failed.append((units[0], refusal))

    def _publish(self, units: Sequence[Unit]) -> Exception | None:
        """Makes a build of some changes and publishes it; returns why it can't be published."""
        put: dict[str, list[SourceItem]] = {}
        for unit in sorted(units, key=lambda one: one.statement is not None):
            if unit.put:  # a source's record is among them only if it is newer than a push
                put.setdefault(unit.source, []).extend(unit.put)
        remove = frozenset().union(*(unit.remove for unit in units))
        lost = frozenset().union(*(unit.remove for unit in units if unit.statement is None))
        changes = Changes(put=put, remove=remove, lost=lost)
        options = build_options(self.settings, changes=changes, pushed=self._reached(units))
        start = time.monotonic()
        try:
            with self._root.locked("alsolike watch"):
                if not self._is_live():
                    return None
                run = run_build(
                    self._root, self.settings, [], options, lambda: self.encoder, self._progress
                )
        except SourceError as error:  # nothing would be left
            return error
        except (BuildError, DatabaseError, OSError, MemoryError):
            raise  # no fault of the changes
        except Exception as error:
            self._failures += 1
            if self._failures > _MOST_FAILURES:
                told = f"{_MOST_FAILURES} builds in a row failed, the last: {_problem(error)}"
                raise BuildError(told) from error
            log.exception("a build of %d changes failed", len(units))
            return error
        if run.refusal is not None:
            if run.refusal.gate == Gate.LISTS and self._is_of_another_version():
                raise run.refusal  # all lists were computed anew: no fault of the changes
            return None if run.refusal.gate == HELD_EXIT_CODE else run.refusal
        log.info(
            "%s is live: %d change%s in %.1f s", run.made.manifest.name, len(units),
            "s" * (len(units) > 1), time.monotonic() - start,
        )  # fmt: skip
        self.live = self._root.open(run.made.manifest.name)
        self._wait, self._failures = 0.0, 0
        self._told.clear()
        self.changes.went_live(self.live, units)
        self._tell_published(self.live)
        return None

    def _reached(self, units: Sequence[Unit]) -> int:
        """Returns up to which number a build of some changes holds all pushes that wait."""
        held = {one.statement.number for one in units if one.statement}
        above = self.live.manifest.pushed if self.live else 0
        waiting = (one.number for one in self.database.pushed.above(above))
        return min([max(held, default=0), *(one - 1 for one in waiting if one not in held)])

    def _is_live(self) -> bool:
        return self.live is not None and self._root.live == self.live.name

    def _is_of_another_version(self) -> bool:
        return self.live is not None and self.live.manifest.alsolike != version("alsolike")

    def _full_is_due(self) -> str:
        """Returns why a full build has to be made now; empty if none has to."""
        now = dt.datetime.now(self.settings.zone)
        moment = now.timestamp()
        if self.live is None:
            waited = not 0 <= moment - self._tried < self.settings.follow_seconds
            ready = (waited and bool(self.sources)) or self._is_pushed(
                above=0 if waited else self._tried_with
            )
            return "the first build" if ready else ""
        if self.settings.full_build_at != "off":
            at = dt.time.fromisoformat(self.settings.full_build_at)
            made = build_date(self.live.manifest.full or self.live.name) >> 24
            known = [one for one in (made, self._tried) if one <= moment]  # a clock was ahead
            if max(known, default=0) < last_moment(at, now):
                return "nightly"
        if 0 <= moment - self._failed < _HOUR:
            return ""
        if self.settings.full_build_at != "off" and self._is_of_another_version():
            return f"AlsoLike {self.live.manifest.alsolike} made the live build"
        drifted = self.live.manifest.drift
        if drifted > self.settings.max_drift:
            return f"{drifted:.0%} of the lists were computed since the last full build"
        return ""

    def _is_pushed(self, above: int) -> bool:
        """Tells whether an article was pushed by a statement with a higher number."""
        pushed = self.database.pushed
        return pushed.last() > above and any(
            one.record is not None and one.refused is None and one.number > above
            for one in pushed.all()
        )

    def _make_full(self, reason: str) -> bool:
        options = build_options(self.settings, keep_missing=self.keep_missing)
        log.info("a full build begins: %s", reason)
        try:
            with self._root.locked("alsolike watch") as found:
                self._tried, self._tried_with = int(time.time()), options.pushed
                for sentence in found:
                    log.info("cleaning up: %s", sentence)
                run = run_build(
                    self._root, self.settings, self.sources, options, lambda: self.encoder,
                    self._progress, reason=reason,
                )  # fmt: skip
        except BusyError:
            raise
        except Exception as error:
            self._failed = time.time()
            log.error("no full build: %s", _problem(error), exc_info=_is_unforeseen(error))
            if not isinstance(error, AlsoLikeError):
                notify(self.settings, "failed", f"no build could be made: {_problem(error)}")
            return False
        if run.refusal is not None:
            self._failed = time.time()
            log.error("%s", run.refusal)
            return False
        self._adopt()
        if self.live is not None:
            log.info("%s is live: a full build", self.live.name)
            self._tell_published(self.live)
        return True

    def _progress(self, _stage: str, _done: int, _total: int | None) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt("alsolike watch was stopped during a build")
        if self.live is not None and time.monotonic() > self._followed + 1.0:
            self._tell_published(self.live)  # a takedown doesn't wait for the end of the build
            self._followed = time.monotonic()


def last_moment(at: dt.time, now: dt.datetime) -> float:
    """Returns when a time of day last came, in seconds since 1970 UTC; of a repeated one the first.

    On a day whose clocks skip the time, it comes as much later as they skip.
    """
    last = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0, fold=0)
    last -= dt.timedelta(days=last.timestamp() > now.timestamp())
    return last.timestamp()


def _is_unforeseen(error: Exception) -> bool:
    return not isinstance(error, AlsoLikeError | OSError)


def _problem(error: Exception) -> str:
    return describe(error) if _is_unforeseen(error) else str(error)


def _halves(units: Sequence[Unit], *, in_one: bool) -> list[Sequence[Unit]]:
    """Returns changes as two halves, those ``in_one`` unit, too; none if they can't be parted."""
    middle = len(units) // 2
    if middle:
        return [units[:middle], units[middle:]]
    one = units[0]
    middle = len(one.put) // 2 if in_one else 0
    parts = [slice(middle), slice(middle, None)] if middle else []
    return [[replace(one, put=one.put[part], ids=one.ids[part])] for part in parts]

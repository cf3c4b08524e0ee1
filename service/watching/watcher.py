"""Follows sources and pushes, and brings each change to readers by a small build.

All that was changed within a moment goes into one build. If a gate refuses it, its halves are
tried, and so on, until what is at fault is alone: it is left out and told, the rest goes live.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from index.articles.record import Record, SourceItem
from index.articles.updated import updated_at
from index.build.build import Build
from index.build.list_dates import build_date
from index.build.manifest import EncoderEntry
from index.building.changes import Changes
from index.errors import BuildError, BusyError, DatabaseError, GateError, SourceError
from index.root.lock import locked
from index.root.root import HELD_EXIT_CODE, Root
from index.sources.configured_source import ConfiguredSource
from index.sources.pushed_source import PUSHED, PushedSource, Statement, record_of
from recommender.article import Article
from recommender.encoder import Encoder
from recommender.errors import AlsoLikeError, ModelError
from recommender.visibility import utc_now
from service.decisions.database import Database
from service.settings import Settings
from service.watching.build_run import build_options, run_build
from service.watching.file_events import tell_changes
from service.watching.followed_source import FollowedSource, SourceRead
from service.watching.notices import notify

log = logging.getLogger("alsolike")

WATCH_LOCK = ".watch.lock"
PAUSE = 0.25
"""Seconds between two looks for pushes."""

GATHER = 0.2
"""Seconds for which changes are gathered before a build is made of them."""

_MOST_PUSHES = 1_000
_LONGEST_WAIT = 60.0
_HOUR = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Changes that go live together or not at all.

    Attributes:
        source: The name of the source.
        put: Records that are new or changed.
        ids: Their ids.
        remove: Ids of articles that are gone.
        statement: The pushed statement that this is; ``None`` for a source's changes.
        at: The source's position among those that are followed; -1 for a statement.
    """

    source: str
    put: Sequence[SourceItem] = ()
    ids: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
    statement: Statement | None = None
    at: int = -1

    @property
    def named(self) -> str:
        """The id of the article of a statement."""
        return "" if self.statement is None else self.statement.article_id


@dataclass(slots=True, kw_only=True)
class Watcher:
    """Keeps the live build up to date until it is stopped.

    Args:
        settings: The effective settings.
        sources: The sources to follow.
        encoder: The encoder, kept loaded.
        database: Where pushes are found.
        stop: Ends the watcher, within a build too.
        published: Called with each build that went live, and now and then without one.
        keep_missing: Whether articles stay that their source no longer has.
    """

    settings: Settings
    sources: Sequence[ConfiguredSource]
    encoder: Encoder
    database: Database
    stop: threading.Event
    published: Callable[[Build], None] = lambda _: None
    keep_missing: bool = False
    live: Build | None = None
    _root: Root = field(init=False)
    _followed: list[FollowedSource] = field(default_factory=list)
    _reading: dict[int, Future[SourceRead | None]] = field(default_factory=dict)
    _read: dict[int, SourceRead] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)
    _refused: dict[str, frozenset[str]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _wake: threading.Event = field(default_factory=threading.Event)
    _wait: float = 0.0
    _retry: float = 0.0
    _tried: int = 0
    _failed: float = 0.0

    def __post_init__(self) -> None:
        self._root = Root(self.settings.root)
        every = self.settings.follow_seconds
        mapping = self.settings.mapping
        self._followed = [
            FollowedSource(source=one, mapping=mapping, every=every) for one in self.sources
        ]

    def run(self) -> None:
        """Watches until stopped.

        Raises:
            BusyError: If another process watches the same root.
            ModelError: If the live build was made with another model.
        """
        self._root.path.mkdir(parents=True, exist_ok=True)
        with locked(self._root.path, "alsolike watch", WATCH_LOCK):
            self._adopt()
            paths = [path for one in self._followed if (path := one.path) is not None]
            tell_changes(paths, self._files_changed, self.stop)
            try:
                while not self.stop.is_set():
                    if not self.step():
                        self._wake.wait(PAUSE)
                        self._wake.clear()
            except KeyboardInterrupt:
                log.info("stopped amid a build, which is removed")
            finally:
                self.stop.set()

    def step(self) -> bool:
        """Looks for changes once, and brings them to readers; returns whether there were any."""
        self._look()
        try:
            self._adopt()
            if self.live is not None:
                self.published(self.live)
            if time.monotonic() < self._retry or self._is_held():
                return False
            if reason := self._full_is_due():
                return self._make_full(reason)
            if self.live is None or not next(self._units(self.live), None):
                return False
            self.stop.wait(GATHER)
            self._look()
            self._make_small([*self._units(self.live)])
        except BusyError as error:
            self._later(str(error), told=False)
        except (BuildError, DatabaseError, OSError) as error:
            self._later(str(error))
        return True

    def _later(self, problem: str, *, told: bool = True) -> None:
        """Tries again after a while; changes stay where they are."""
        self._wait = min(_LONGEST_WAIT, max(2 * self._wait, PAUSE)) if told else PAUSE
        self._retry = time.monotonic() + self._wait
        if problem not in self._told:
            self._told.add(problem)
            log.warning("changes wait: %s", problem)
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
        """Opens the live build, if it is another than before, and learns whose its articles are."""
        pointer = self._root.current()
        if pointer is None or (self.live is not None and self.live.name == pointer.build):
            return
        live = self._root.open(pointer.build)
        entry = EncoderEntry(**asdict(self.encoder.fingerprint))
        if live.manifest.encoder != entry:
            raise ModelError(
                f"the live build was made with {live.manifest.encoder.model}, not with "
                f"{entry.model}: watch with that model, or change to this one first with: "
                "alsolike build --accept-change"
            )
        ids = map(bytes.decode, live.ids)
        sources = (json.loads(data).get("source", "") for data in live.articles.kept())
        self._owners = dict(zip(ids, sources, strict=True))
        self._refused.clear()
        if self.live is not None:  # someone else has published: all is compared anew
            for one in self._followed:
                one.forget()
        self.live = live

    def _files_changed(self, paths: set[str]) -> None:
        for one in self._followed:
            place = one.path
            if place is not None and any(path.startswith(str(place)) for path in paths):
                one.due = 0.0
        self._wake.set()

    def _look(self) -> None:
        """Begins to read the sources that are due, and takes in what was read."""
        live = self.live
        if live is None:
            return
        for at, one in enumerate(self._followed):
            reading = self._reading.get(at)
            if reading is None:
                if time.monotonic() >= one.due:
                    self._reading[at] = self._begin(one, partial(self._differs, live, at))
            elif reading.done():
                del self._reading[at]
                self._take(at, one, reading)

    def _begin(
        self, one: FollowedSource, differs: Callable[[Article], bool]
    ) -> Future[SourceRead | None]:
        """Reads a source in a thread that does not keep the process from ending."""
        done: Future[SourceRead | None] = Future()

        def work() -> None:
            try:
                done.set_result(one.look(differs))
            except BaseException as error:  # noqa: BLE001 - raised where the result is taken
                done.set_exception(error)
            self._wake.set()

        threading.Thread(target=work, name=f"follow {one.source.name}", daemon=True).start()
        return done

    def _take(self, at: int, one: FollowedSource, reading: Future[SourceRead | None]) -> None:
        try:
            read = reading.result()
        except (AlsoLikeError, OSError) as error:
            if str(error) != one.problem:
                one.problem = str(error)
                log.warning("%s", error)
                notify(self.settings, "source", str(error))
            return
        if one.problem:
            log.info("%s can be read again", one.source.name)
            one.problem = ""
        if read is not None:
            before = self._read.get(at)
            if before is not None:
                fresh = {**before.fresh, **read.fresh}
                fresh = {key: of for key, of in fresh.items() if key in read.ids}
                read = replace(read, fresh=fresh, first=before.first)
            self._read[at] = read

    def _units(self, live: Build) -> Iterator[Unit]:
        """Yields what is to be changed of the live build."""
        for one in self.database.pushed.above(live.manifest.pushed, limit=_MOST_PUSHES):
            if one.record is None:
                gone = frozenset({one.article_id})
                yield Unit(source=PUSHED, remove=gone, statement=one)
            else:
                ids = frozenset({one.article_id})
                yield Unit(source=PUSHED, put=[record_of(one)], ids=ids, statement=one)
        statements: dict[str, Statement] | None = None
        for at, read in sorted(self._read.items()):
            if statements is None:
                statements = {one.article_id: one for one in self.database.pushed.all()}
            name = self.sources[at].name
            put = {
                key: record
                for key, (article, record) in read.fresh.items()
                if self._differs(live, at, article)
                and self._is_newer(record, statements.get(key), read.first)
            }
            self._read[at] = replace(read, fresh={key: read.fresh[key] for key in put})
            owned = {key for key, owner in self._owners.items() if owner == name}
            gone = frozenset() if self.keep_missing else frozenset(owned - read.ids)
            if put:
                yield Unit(source=name, put=[*put.values()], ids=frozenset(put), at=at)
            if gone and gone != self._refused.get(name):
                yield Unit(source=name, remove=gone, at=at)
            elif not put:
                del self._read[at]

    def _is_newer(self, record: Record, pushed: Statement | None, first: bool) -> bool:
        """Tells whether a source's record is newer than what was pushed about the article."""
        if pushed is None or pushed.refused is not None:
            return True
        stated = updated_at(record, self.settings.mapping, utc_now())
        if stated is None:
            return not first  # it came while it was followed, or at a time that is not known
        return stated > pushed.stated

    def _differs(self, live: Build, at: int, article: Article) -> bool:
        """Tells whether an article of a source is another than the live one."""
        row = live.row(article.id)
        if row is None:
            return True
        names = [one.name for one in self.sources]
        if self._owners.get(article.id, "") in names[:at]:
            return False  # of several sources, the first is used
        stored = live.article(row)
        language = stored.language if article.language is None else article.language
        return stored != replace(article, source=names[at], language=language)

    def _make_small(self, units: Sequence[Unit]) -> None:
        """Makes a build of some changes and publishes it; if it is refused, of half of them."""
        if not units:
            return
        put: dict[str, list[SourceItem]] = {}
        for unit in units:
            if unit.put:
                put.setdefault(unit.source, []).extend(unit.put)
        remove = frozenset().union(*(unit.remove for unit in units))
        pushed = max((one.statement.number for one in units if one.statement), default=0)
        options = build_options(
            self.settings, changes=Changes(put=put, remove=remove), pushed=pushed
        )
        start = time.monotonic()
        refusal: AlsoLikeError | None
        try:
            with self._root.locked("alsolike watch"):
                if not self._is_live():
                    return
                run = run_build(
                    self._root, self.settings, [], options, lambda: self.encoder, self._progress
                )
            refusal = run.refusal
        except SourceError as error:  # nothing would be left
            refusal = error
        if refusal is None:
            log.info(
                "%s is live: %d changes in %.1f s", run.made.manifest.name, len(units),
                time.monotonic() - start,
            )  # fmt: skip
            self._went_live(run.made.manifest.name, units)
        elif isinstance(refusal, GateError) and refusal.gate == HELD_EXIT_CODE:
            return
        elif len(units) > 1:
            middle = len(units) // 2
            self._make_small(units[:middle])
            self._make_small(units[middle:])
        else:
            self._refuse(units[0], str(refusal))

    def _is_live(self) -> bool:
        pointer = self._root.current()
        return pointer is not None and self.live is not None and pointer.build == self.live.name

    def _went_live(self, name: str, units: Sequence[Unit]) -> None:
        self.live = live = self._root.open(name)
        self._wait = 0.0
        self._told.clear()
        for unit in units:
            for key in unit.remove:
                self._owners.pop(key, None)
        for unit in units:
            there = [key for key in unit.ids if live.row(key) is not None]
            self._owners.update(dict.fromkeys(there, unit.source))
            self._drop(unit)
            if unit.statement is not None and len(there) < len(unit.ids):
                self._refuse(unit, "no article can be made of the record: push it again, corrected")
        self.published(live)

    def _drop(self, unit: Unit) -> None:
        """Forgets a source's records that were dealt with."""
        read = self._read.get(unit.at)
        if read is not None:
            fresh = {key: of for key, of in read.fresh.items() if key not in unit.ids}
            self._read[unit.at] = replace(read, fresh=fresh)

    def _refuse(self, unit: Unit, why: str) -> None:
        """Leaves changes out: a push until it comes again, a source's until they are others."""
        log.warning("%s: left out: %s", unit.source, why)
        if unit.statement is not None:
            self.database.pushed.refuse(unit.statement.article_id, unit.statement.number, why)
        elif unit.remove:
            self._refused[unit.source] = unit.remove
        self._drop(unit)
        what = f"{unit.source}: {why}" if unit.statement is None else f"push of {unit.named}: {why}"
        if unit.statement is not None or unit.source not in self._told:
            self._told.add(unit.source)
            notify(self.settings, "refused", what)

    def _full_is_due(self) -> str:
        """Returns why a full build has to be made now; empty if none has to."""
        now = dt.datetime.now(self.settings.zone)
        if self.live is None:
            something = bool(self.sources) or self.database.pushed.last() > 0
            waited = now.timestamp() - self._tried >= self.settings.follow_seconds
            return "the first build" if something and waited else ""
        if self.settings.full_build_at != "off":
            at = dt.time.fromisoformat(self.settings.full_build_at)
            last = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
            last -= dt.timedelta(days=last > now)
            made = build_date(self.live.manifest.full or self.live.name) >> 24
            if max(made, self._tried) < last.timestamp():
                return "nightly"
        drifted = self.live.manifest.drift
        if drifted > self.settings.max_drift and now.timestamp() - self._failed > _HOUR:
            return f"{drifted:.0%} of the lists were computed since the last full build"
        return ""

    def _make_full(self, reason: str) -> bool:
        options = build_options(
            self.settings, pushed=self.database.pushed.last(), keep_missing=self.keep_missing
        )
        pushed = PushedSource(statements=self.database.pushed.all, number=options.pushed)
        sources = [*([pushed] if options.pushed else []), *self.sources]
        log.info("a full build begins: %s", reason)
        try:
            with self._root.locked("alsolike watch") as found:
                self._tried = int(time.time())
                for sentence in found:
                    log.info("cleaned up: %s", sentence)
                run = run_build(
                    self._root, self.settings, sources, options, lambda: self.encoder,
                    self._progress, reason=reason,
                )  # fmt: skip
        except (SourceError, BuildError) as error:
            self._failed = time.time()
            log.error("no full build: %s", error)
            return False
        if run.refusal is not None:
            self._failed = time.time()
            log.error("%s", run.refusal)
            return False
        self._adopt()
        if self.live is not None:
            log.info("%s is live: a full build", self.live.name)
            self.published(self.live)
        return True

    def _progress(self, _stage: str, _done: int, _total: int | None) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt("stopped")

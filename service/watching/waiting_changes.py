"""The changes that wait for a build: pushed articles, and what is new in the followed sources."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial

from index.articles.article_store import ARTICLES, read_settled
from index.articles.record import Record, SourceItem, describe
from index.articles.updated import updated_at
from index.build.build import Build
from index.building.pushed_stage import rules_of
from index.building.statement_staging import is_edited
from index.sources.configured_source import ConfiguredSource
from index.sources.pushed_source import PUSHED, Statement, record_of
from recommender.article import Article
from recommender.errors import AlsoLikeError
from recommender.visibility import utc_now
from service.decisions.database import Database
from service.settings import Settings
from service.watching.file_events import tell_changes
from service.watching.followed_source import FollowedSource, SourceRead
from service.watching.notices import notify

log = logging.getLogger("alsolike")

_MOST_PUSHES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Changes of articles that go live together or not at all.

    Attributes:
        source: The name of the source that the changes come from.
        put: The records of articles that are new or changed.
        ids: The ids of these articles, in the same order.
        remove: The ids of articles that are gone.
        statement: The pushed statement that the change comes from; ``None`` for a source's changes.
        at: The index of the source among the followed sources; -1 for a pushed statement.
    """

    source: str
    put: Sequence[SourceItem] = ()
    ids: Sequence[str] = ()
    remove: frozenset[str] = frozenset()
    statement: Statement | None = None
    at: int = -1


@dataclass(slots=True, kw_only=True)
class WaitingChanges:
    """Collects the changes that are to be made to the live build: from sources and by pushes.

    Args:
        settings: The effective settings.
        sources: The sources to follow.
        database: The database of decisions, which holds pushed articles.
        keep_missing: Whether to keep articles that their source no longer has.

    Attributes:
        news: An event that is set when something may have changed.
    """

    settings: Settings
    sources: Sequence[ConfiguredSource]
    database: Database
    keep_missing: bool = False
    news: threading.Event = field(default_factory=threading.Event)
    _followed: list[FollowedSource] = field(init=False)
    _rules: bytes = field(init=False)
    _reading: dict[int, Future[SourceRead | None]] = field(default_factory=dict)
    _stale: set[int] = field(default_factory=set)
    _read: dict[int, SourceRead] = field(default_factory=dict)
    _unsure: dict[int, SourceRead] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)
    _settled: dict[str, int] = field(default_factory=dict)
    _refused: dict[str, frozenset[str]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        every, mapping = self.settings.follow_seconds, self.settings.mapping
        self._followed = [
            FollowedSource(source=one, mapping=mapping, every=every) for one in self.sources
        ]
        self._rules = rules_of(mapping, self.sources)

    def follow(self, stop: threading.Event) -> None:
        """Watches the sources' files for changes, in threads, until the event ``stop`` is set."""
        paths = [path for one in self._followed if (path := one.path) is not None]
        tell_changes(paths, self.files_changed, stop)

    def compare_with(self, live: Build) -> None:
        """Prepares for a live build that another process made: all sources are read again.

        It also reads from the build which source each of its articles comes from.

        Args:
            live: The live build.
        """
        ids = map(bytes.decode, live.ids)
        sources = (json.loads(data).get("source", "") for data in live.articles.kept())
        self._owners = dict(zip(ids, sources, strict=True))
        self._settled = read_settled(live.folder / ARTICLES)
        self._refused.clear()
        self._read.clear()
        self._unsure.clear()
        self._stale.update(self._reading)
        for one in self._followed:
            one.forget()

    def files_changed(self, paths: set[str]) -> None:
        """Marks the sources that hold one of the changed files, so that they are read again.

        Args:
            paths: The absolute paths of the changed files.
        """
        for one in self._followed:
            place = one.path
            if place is not None and any(path.startswith(str(place)) for path in paths):
                one.due = 0.0
        self.news.set()

    def look(self, live: Build) -> None:
        """Starts threads that read the sources that are due, and collects what earlier ones read.

        Args:
            live: The live build, with whose articles those of the sources are compared.
        """
        for at, one in enumerate(self._followed):
            reading = self._reading.get(at)
            if reading is None:
                if time.monotonic() >= one.due:
                    self._reading[at] = self._begin(one, partial(self._differs, live, at))
            elif reading.done():
                del self._reading[at]
                if at in self._stale:  # begun before the build was live, which may hold newer
                    self._stale.remove(at)
                    one.forget()
                else:
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
            self.news.set()

        threading.Thread(target=work, name=f"follow {one.source.name}", daemon=True).start()
        return done

    def _take(self, at: int, one: FollowedSource, reading: Future[SourceRead | None]) -> None:
        try:
            read = reading.result()
        except Exception as error:
            foreseen = isinstance(error, AlsoLikeError | OSError)
            problem = str(error) if foreseen else f"{one.source.name}: {describe(error)}"
            if problem != one.problem:
                one.problem = problem
                log.warning("%s", problem, exc_info=not foreseen)
                notify(self.settings, "source", problem)
            return
        if one.problem:
            log.info("%s can be read again", one.source.name)
            one.problem = ""
        unsure = self._unsure.pop(at, None)
        if read is None and unsure is not None:  # what the source showed then it shows still
            read = replace(unsure, fresh={}, left=frozenset())
        if read is not None:
            for before in (self._read.get(at), unsure):
                read = read if before is None else read.after(before)
            self._read[at] = replace(read, begun=one.begun)

    def units(self, live: Build) -> Iterator[Unit]:
        """Yields the changes that are to be made to the live build, first the pushed ones."""
        for one in self.database.pushed.above(live.manifest.pushed, limit=_MOST_PUSHES):
            if one.record is None:
                yield Unit(source=PUSHED, remove=frozenset({one.article_id}), statement=one)
            else:
                yield Unit(source=PUSHED, put=[record_of(one)], ids=[one.article_id], statement=one)
        keys = {key for read in self._read.values() for key in (*read.fresh, *read.left)}
        statements = {
            one.article_id: one
            for one in self.database.pushed.about([*keys])
            if one.number > self._settled.get(one.article_id, 0)
        }
        for at, read in sorted(self._read.items()):
            name = self.sources[at].name
            self._read[at], put = self._compare(live, at, read, statements)
            read = self._read[at]
            gone = self._gone(at, read)
            if put:
                yield Unit(source=name, put=[*put.values()], ids=[*put], at=at)
            if gone and gone != self._refused.get(name):
                yield Unit(source=name, remove=gone, at=at)
            elif not read.fresh and gone is not None:
                del self._read[at]

    def _compare(
        self, live: Build, at: int, read: SourceRead, statements: Mapping[str, Statement]
    ) -> tuple[SourceRead, dict[str, Record]]:
        """Compares what a source shows with what is live and with what was pushed.

        A push that waits goes live first. One that was received while the source was read may be
        older or newer than what was read then: the next reading tells, if it shows the same.

        Returns:
            What was read without what is dealt with, and by id the records that are newer.
        """
        kept: dict[str, tuple[Article, Record]] = {}
        unsure: dict[str, tuple[Article, Record]] = {}
        put: dict[str, Record] = {}
        for key, (article, record) in read.fresh.items():
            if not self._differs(live, at, article):
                continue
            pushed = statements.get(key)
            if pushed and not pushed.refused and pushed.number > live.manifest.pushed:
                kept[key] = article, record
            elif newer := self._is_newer(live, article, record, pushed, read.begun):
                kept[key], put[key] = (article, record), record
            elif newer is None:
                unsure[key] = article, record
        early = frozenset(
            key
            for key in read.left
            if self._owners.get(key) == PUSHED
            and key in statements
            and statements[key].received >= read.begun
        )
        if unsure or early:
            later, before = replace(read, fresh=unsure, left=early, first=False), self._unsure
            self._unsure[at] = later.after(before[at]) if at in before else later
        return replace(read, fresh=kept, left=read.left - early), put

    def _gone(self, at: int, read: SourceRead) -> frozenset[str] | None:
        """Finds the articles to remove: those of a source that no source has any longer.

        Those that another source still has become articles of that source.

        Returns:
            The articles' ids; ``None`` if it can't be told before other sources were looked at.
        """
        if any(one.ids is None and not one.problem for one in self._followed):
            return None  # of one that failed nothing is known, and what is gone here is not shown
        name = self.sources[at].name
        left = {key for key in read.left if self._owners.get(key) == PUSHED}
        gone = ({key for key, owner in self._owners.items() if owner == name} | left) - read.ids
        for other, one in enumerate(self._followed):
            kept = gone.intersection(one.ids or ())
            if kept and other in self._reading:
                return None
            gone -= kept
            if moved := kept - left:
                self._owners.update(dict.fromkeys(moved, one.source.name))
                one.read_again(moved)
        keeps = self.keep_missing or not read.complete
        return frozenset() if keeps else frozenset(gone)

    def _is_newer(
        self, live: Build, article: Article, record: Record, pushed: Statement | None, begun: int
    ) -> bool | None:
        """Tells whether a source's article is newer than what was pushed about it.

        Unless it says when it was changed, it is newer if it is another than when a build last
        compared the sources, and was read after the push was received: as for a full build.

        Args:
            live: The live build, which holds what was pushed.
            article: The article as it was read from the source.
            record: The source's record of the article.
            pushed: What was pushed; ``None`` if nothing was.
            begun: When reading the source began, in microseconds since 1970 UTC.

        Returns:
            Whether it is newer; ``None`` if only a later reading can tell.
        """
        if pushed is None or pushed.refused is not None:
            return True
        if pushed.record is None:
            return None  # it stands until no source has the page, or it is pushed again
        stated = updated_at(record, self.settings.mapping)
        if stated is not None and max(stated, pushed.stated) <= utc_now():
            return stated >= pushed.stated
        if not is_edited(live.folder / ARTICLES, article, self._rules):
            return False
        return True if pushed.received < begun else None

    def _differs(self, live: Build, at: int, article: Article) -> bool:
        """Tells whether an article of a source is another than the live one."""
        row = live.row(article.id)
        if row is None:
            return True
        names = [one.name for one in self.sources]
        owner = self._owners.get(article.id, "")
        if owner in names[:at] or any(article.id in (one.ids or ()) for one in self._followed[:at]):
            return False  # of several sources, the first is used, also if a push stands over it
        stored = live.article(row)
        language = stored.language if article.language is None else article.language
        same = stored == replace(article, source=names[at], language=language)
        return not same or owner != names[at]  # another source was to have it

    def went_live(self, live: Build, units: Sequence[Unit]) -> None:
        """Notes that changes are in the live build, so that they no longer wait.

        Args:
            live: The build that is live now.
            units: The changes with which it was made.
        """
        self._told.clear()
        for unit in units:
            for key in unit.remove:
                self._owners.pop(key, None)
            if (read := self._read.get(unit.at)) is not None:
                self._read[unit.at] = replace(read, left=read.left - unit.remove)
        for unit in units:
            there = {key: row for key in unit.ids if (row := live.row(key)) is not None}
            self._owners.update((key, live.article(row).source) for key, row in there.items())
            self._drop(unit)
            if unit.statement is not None and len(there) < len(unit.ids):
                self.refuse(unit, "no article can be made of the record: push it again, corrected")

    def _drop(self, unit: Unit) -> None:
        """Forgets a source's records that were dealt with."""
        read = self._read.get(unit.at)
        if read is not None:
            done = {*unit.ids}
            fresh = {key: of for key, of in read.fresh.items() if key not in done}
            self._read[unit.at] = replace(read, fresh=fresh)

    def refuse(self, unit: Unit, why: str) -> None:
        """Leaves changes out of builds, logs that and notifies people.

        A refused push waits no longer; the site has to push the article again. A source's changes
        are tried again once the source changes again.

        Args:
            unit: The changes.
            why: Why no build can be made with them, as text for people.
        """
        log.warning("%s: left out: %s", unit.source, why)
        what, pushed = f"{unit.source}: {why}", unit.statement
        if pushed is not None:
            what = f"push of {pushed.article_id}: {why}"
            self.database.pushed.refuse(pushed.article_id, pushed.number, why)
        elif unit.remove:
            self._refused[unit.source] = unit.remove
        self._drop(unit)
        if pushed is not None or unit.source not in self._told:
            self._told.add(unit.source)
            notify(self.settings, "refused", what)

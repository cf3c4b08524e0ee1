"""Follows one source: notices that it may have changed, and reads what is new in it."""

import hashlib
import logging
import os
import pickle
import time
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem, SourceItem
from index.sources.configured_source import ConfiguredSource
from index.sources.feed import FeedSource
from index.sources.http_client import Fetcher
from index.sources.page_folder import folder_of
from index.sources.source import split_records
from recommender.article import Article
from recommender.visibility import utc_now

log = logging.getLogger("alsolike")

SETTLE = 0.2
"""Seconds for which files must stay as they are before they are read: one may be half written."""

_MOST_PAUSES = 50
"""How often :data:`SETTLE` is waited for; then files are read though others still change."""

_SHARE = 0.05
"""A source that takes long to read is read less often, so that reading it takes this share."""

_MOST_TOLD = 10
"""Problems of records that are logged each time a source is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRead:
    """The articles of a source now, and what changed since it was read before.

    Attributes:
        ids: The ids of all articles that the source holds now.
        fresh: By id the articles and records that are new or changed since the source was read
            before; when all are new, those that differ from the live build.
        left: The ids of articles that the source held before, but no longer holds.
        first: Whether the source is read for the first time, or its records are to be read in
            another way, so that all of them are new.
        complete: Whether what is missing is gone. It may not be if the source is read for the first
            time and a page can't be fetched; later, a page is held until it is missing twice.
        begun: When reading began, in microseconds since 1970 UTC.
    """

    ids: frozenset[str]
    fresh: Mapping[str, tuple[Article, Record]]
    left: frozenset[str]
    first: bool
    complete: bool = True
    begun: int = 0

    def after(self, before: "SourceRead") -> "SourceRead":
        """Adds what an earlier reading found, unless this one shows otherwise."""
        fresh = {**({} if self.first else before.fresh), **self.fresh}
        fresh = {key: of for key, of in fresh.items() if key in self.ids}
        return replace(self, fresh=fresh, left=(before.left | self.left) - self.ids)


@dataclass(slots=True, kw_only=True)
class FollowedSource:
    """A source of articles that is read again whenever it may have changed.

    Attributes:
        source: The source.
        mapping: Which fields of the source's records become which fields of articles.
        every: Seconds between two looks at the source.
        due: When to look at the source next, in seconds as ``time.monotonic`` returns them.
        problem: Why the source could not be read the last time; empty if it could.
        ids: The ids of all articles that the source held when it was last read; ``None`` before.
        begun: When the last look at the source began, in microseconds since 1970 UTC.
    """

    source: ConfiguredSource
    mapping: FieldMapping
    every: float
    due: float = 0.0
    problem: str = ""
    ids: frozenset[str] | None = None
    begun: int = 0
    _ids: dict[bytes, str] | None = None
    _stamp: object = None
    _parser: bytes = b""
    _missing: frozenset[str] = frozenset()
    _validators: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path | None:
        """The file or folder that the source reads; ``None`` if it reads none, such as a feed."""
        location = getattr(self.source.source, "path", "")
        if not location:
            return None
        place = Path(location) if Path(location).exists() else folder_of(location)
        return place.absolute()

    def forget(self) -> None:
        """Forgets what was read before: the next :meth:`look` takes every record for new."""
        self._ids = None
        self.read_again()

    def read_again(self, ids: Set[str] = frozenset()) -> None:
        """Has the next :meth:`look` read the source, and take the records of some ids for new."""
        if self._ids is not None:
            self._ids = {digest: key for digest, key in self._ids.items() if key not in ids}
        self.due, self._stamp, self._validators = 0.0, None, {}

    def look(self, differs: Callable[[Article], bool] = lambda _: True) -> SourceRead | None:
        """Reads the source if it may have changed; returns ``None`` if it did not.

        Args:
            differs: A function that tells whether an article differs from the one in the live
                build with the same id; it is asked when all records are new.

        Raises:
            SourceError: If the source can't be read.
        """
        self.begun, start = utc_now(), time.monotonic()
        self.due = following = start + self.every
        try:
            stamp = self._settled()
            raw, parse = split_records(self.source)
            parser = _hash(pickle.dumps(parse))  # holds the configuration of a generator's site
            if stamp is not None and (stamp, parser) == (self._stamp, self._parser):
                return None
            read = self._read(raw, parse, differs, anew=parser != self._parser)
            self._stamp, self._parser = stamp, parser
        except BaseException:
            self._validators.clear()  # else the next look would find nothing new
            raise
        finally:
            end = time.monotonic()
            if self.due == following:  # else it changed meanwhile
                self.due = end + max(self.every, (end - start) / _SHARE)
        return read

    def _settled(self) -> object:
        """Returns what tells whether the source changed; ``None`` if nothing does."""
        path = self.path
        feed = self.source.source
        if path is None:
            return self._asked(feed) if isinstance(feed, FeedSource) else None
        stamp = _stamp(path)
        for _ in range(_MOST_PAUSES):
            if stamp == self._stamp:
                break
            time.sleep(SETTLE)
            before, stamp = stamp, _stamp(path)
            if stamp == before:
                break
        return stamp

    def _asked(self, feed: FeedSource) -> object:
        """Asks a feed's server whether the feed is another than before."""
        answer = Fetcher(url=feed.url, options=feed).get(feed.url, conditions=self._validators)
        if answer.unchanged:
            return self._stamp
        self._validators = answer.conditions()
        return hashlib.blake2b(answer.body).digest()

    def _read(
        self,
        raw: Iterator[Any],
        parse: Callable[[Any], SourceItem],
        differs: Callable[[Article], bool],
        *,
        anew: bool,
    ) -> SourceRead:
        before, present = self._ids, dict[bytes, str]()
        known = None if anew else before
        fresh: dict[str, tuple[Article, Record]] = {}
        report = ReadReport()
        ids, failing = set[str](), False
        for item in raw:
            failing |= isinstance(item, RecordProblem) and item.reason == "unreachable"
            digest = _digest(item)
            article_id = None if known is None else known.get(digest)
            if article_id is None:
                found = next(iter(parse_records([parse(item)], self.mapping, report)), None)
                article_id = found[0].id if found else ""
                if (
                    found
                    and article_id not in ids
                    and (known is not None or differs(found[0]))  # else a change was taken back
                ):
                    fresh[article_id] = found
            if article_id in ids:  # parsed each time: its record may become the first with its id
                continue
            present[digest] = article_id
            if article_id:
                ids.add(article_id)
        held = frozenset() if before is None else self.ids or frozenset()
        lost = held - ids if failing else frozenset()
        kept, self._missing = lost - self._missing, lost  # one that always fails is let go
        present |= {digest: key for digest, key in (before or {}).items() if key in kept}
        self._ids, self.ids = present, frozenset(ids | kept)
        told = report.told()
        for problem in told[:_MOST_TOLD]:
            log.warning("%s", problem)
        if len(told) > _MOST_TOLD:
            log.warning("… and %d more problems of %s", len(told) - _MOST_TOLD, self.source.name)
        left, first = held - self.ids, known is None
        complete = before is not None or not failing
        return SourceRead(ids=self.ids, fresh=fresh, left=left, first=first, complete=complete)


def _digest(raw: Any) -> bytes:
    """Returns a digest of a raw record, wherever in the source it stands."""
    if isinstance(raw, Record):
        raw = (raw.values, raw.link, raw.language, raw.url_template)
    elif isinstance(raw, tuple):  # the number of a line
        raw = [part for part in raw if isinstance(part, bool) or not isinstance(part, int)]
    return _hash(repr(raw).encode(errors="replace"))


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _stamp(path: Path) -> object:
    """Returns what changes if a file, or one in a folder, is written, added or removed.

    As when pages are read, links to folders are not followed: they may lead to themselves.
    """
    found = hashlib.blake2b(digest_size=16)
    pending = [str(path)]
    while pending:
        place = pending.pop()
        try:
            if os.path.isdir(place) and (  # noqa: PTH112 - of a hundred thousand
                place == str(path) or not os.path.islink(place)  # noqa: PTH114
            ):
                with os.scandir(place) as entries:
                    pending += sorted(entry.path for entry in entries)
            else:
                state = os.stat(place)  # noqa: PTH116
                times = f"{state.st_mtime_ns}\0{state.st_ctime_ns}"  # the latter can't be set
                found.update(f"{place}\0{times}\0{state.st_size}\0".encode())
        except OSError as error:  # reading it will say so
            found.update(f"{place}\0{error.errno}\0".encode(errors="replace"))
    return found.digest()

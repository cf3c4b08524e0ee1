"""Counts the views and clicks that pages report: sums in memory, which a thread stores."""

import datetime as dt
import itertools
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import sqlalchemy as sa

from index.build.build import Build
from index.errors import DatabaseError
from index.root.comparison import ComparisonState, Variant
from recommender.visibility import utc_now
from service.clicks.click_bounds import ClickBounds
from service.clicks.click_events import ListEvent, Outcome
from service.clicks.click_store import ClickStore, blocks, counts, open_clicks, rejected
from service.clicks.placement import Placements, short_digest
from service.settings import Settings

log = logging.getLogger("alsolike")

FLUSH_SECONDS = 1.0

MAX_SUMS = 100_000
"""How many sums are kept in memory while the database is away."""

MAX_AGE_DAYS = 35
"""How long ago the full build may be that a placement names, if it is neither the live build's nor
that of the variant in a running comparison."""

_MAX_READ = 5_000
_DAY = 86_400_000_000
_HOUR = 3_600_000_000
_LIVE = "live"
_NAMES = {Variant.LIVE: _LIVE, Variant.INSTEAD: _LIVE, Variant.EXPORTED: "export"}

Key = tuple[str | int, ...]
_Row = tuple[sa.Table, Key, list[int]]
_Sums = dict[sa.Table, dict[Key, list[int]]]


class _Context(NamedTuple):
    """What decides how a placement counts: the time, the day, the live build, the comparison."""

    now: int
    day: str
    build: Build
    comparison: ComparisonState | None


class _PlacedList(NamedTuple):
    """A placement that was read: what tells it from others, and the sums that its list adds to.

    ``keys`` are those of :data:`service.clicks.click_store.counts`: of the list, then of each item;
    ``None`` for an article that is gone.
    """

    signature: bytes
    variant: Variant
    article: str
    keys: list[Key | None]

    def block_key(self, context: _Context) -> Key | None:
        """Returns the key of the sum in a running comparison; ``None`` if the list is in none."""
        comparison = context.comparison
        if comparison is None:
            return None
        block = comparison.counted_in(self.article, self.variant, context.now)
        name = comparison.variant if self.variant is Variant.COMPARED else _LIVE
        return None if block is None else (comparison.key, block, self.article, name)


class ClickCounter:
    """Counts the views and clicks of lists that pages report to this process.

    Args:
        settings: The effective settings.
        placements: Reads the placements (signed names of lists) that pages send back.
        now: A function that returns the time in microseconds since 1970 UTC.
        bounds: Limits how many views and clicks one network address can add.

    Attributes:
        outcomes: How many reported events were counted, and how many were not, by reason.
        problem: Why the counts can't be stored in the database now; ``None`` if they can.
    """

    def __init__(
        self,
        settings: Settings,
        placements: Placements,
        *,
        now: Callable[[], int] = utc_now,
        bounds: ClickBounds | None = None,
    ) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.problem: str | None = None
        self._settings = settings
        self._placements = placements
        self._now = now
        self._bounds = bounds or ClickBounds()
        self._read: dict[str, _PlacedList] = {}
        self._read_in: tuple[object, ...] = ()
        self._sums = _no_sums()
        self._held = 0
        self._lock = threading.Lock()
        self._store: ClickStore | None = None
        self._clean_at = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clicks", daemon=True)

    @property
    def waiting(self) -> int:
        """How many counts are in memory and not stored in the database yet."""
        return self._held + sum(map(len, self._sums.values()))

    def count(
        self,
        events: Iterable[ListEvent],
        address: str,
        build: Build,
        comparison: ComparisonState | None = None,
        refusal: Outcome | None = None,
    ) -> None:
        """Counts the events of one report that a page sent.

        Args:
            events: The events, one for each list of the page.
            address: The network address, or the network, of the browser that sent the report.
            build: The live build, in which the articles are looked up.
            comparison: The running comparison of a variant with the live lists, if any.
            refusal: Why no event of the report counts; ``None`` to decide it for each event.
        """
        now = self._now()
        moment = dt.datetime.fromtimestamp(now / 1_000_000, self._settings.zone)
        day = moment.date().isoformat()
        with self._lock:
            context = _Context(now, day, build, comparison)
            read_in = day, build.name, comparison  # the build itself is let go when it is replaced
            if self._read_in != read_in or len(self._read) > _MAX_READ:
                self._read_in = read_in
                self._read.clear()
            hashed = self._bounds.hashed(address)
            for event in events:
                outcome = refusal or self._count(event, hashed, context)
                self.outcomes[outcome] += 1
                if outcome is not Outcome.COUNTED:
                    self._add(rejected, (day, outcome.value), 1)

    def _count(self, event: ListEvent, address: bytes, context: _Context) -> Outcome:
        placed = self._read.get(event.placement) or self._place(event.placement, context)
        if isinstance(placed, Outcome):
            return placed
        keys = placed.keys
        touched = {0, *event.seen, *event.clicked}
        found = self._sums[counts]
        if self.waiting + len(touched) > MAX_SUMS and any(
            keys[each] not in found for each in touched if each < len(keys)
        ):
            return Outcome.DROPPED
        outcome, first_click = self._bounds.admit(address, placed.signature, len(keys) - 1, event)
        if outcome is Outcome.COUNTED:
            seen, clicked = {*event.seen}, {*event.clicked}
            for position in seen | clicked:
                self._add(counts, keys[position], position in seen, position in clicked)
            if first_click or not event.again:
                self._add(counts, keys[0], not event.again, first_click)
                self._add(blocks, placed.block_key(context), not event.again, first_click)
        return outcome

    def _place(self, token: str, context: _Context) -> _PlacedList | Outcome:
        """Reads a placement; gives the reason if its list can't be counted."""
        now, day, build, comparison = context
        placement = self._placements.read(token)
        if placement is None:
            return Outcome.FORGED
        made = (placement.full_build >> 24) * 1_000_000
        name = _NAMES.get(placement.variant)
        current = placement.full_build_name == build.full_name
        if name is None and comparison is not None:
            current = placement.comparison == short_digest(comparison.key)
            name = comparison.variant if current else None
        if name is None or (not current and now - made > MAX_AGE_DAYS * _DAY):
            return Outcome.OUTDATED
        row = build.row_of_digest(placement.article)
        if row is None:
            return Outcome.UNKNOWN
        article = build.article_id(row)
        of_list = (day, name, placement.full_build_name, article)
        keys: list[Key | None] = [(*of_list, "", 0, "")]
        for position, (digest, origin) in enumerate(placement.items, 1):
            target = build.row_of_digest(digest)
            if target is None:
                keys.append(None)
            else:
                keys.append((*of_list, build.article_id(target), position, origin.value))
        placed = _PlacedList(placement.signature, placement.variant, article, keys)
        self._read[token] = placed
        return placed

    def _add(self, table: sa.Table, key: Key | None, *values: int) -> None:
        if key is None:
            return
        found = self._sums[table].setdefault(key, [0] * len(values))
        for place, value in enumerate(values):
            found[place] += value

    def start(self) -> None:
        """Starts the thread that stores the counts in the database once a second."""
        self._thread.start()

    def stop(self) -> None:
        """Stores the counts that are left in memory, and ends the thread."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._stopping.wait(FLUSH_SECONDS)
            self.flush()
        if self._store is not None:
            self._store.close()

    def flush(self) -> None:
        """Stores the counts in the database, and removes some older than ``keep_click_days``.

        Counts that can't be stored now are kept in memory for the next time.
        """
        with self._lock:
            self._bounds.forget()
            taken, self._sums = self._sums, _no_sums()
            self._held = sum(map(len, taken.values()))
        left = [taken] if self._held else []
        problem: Exception | None = None
        try:
            if self._store is None:
                self._store = open_clicks(self._settings)
            self._store_all(self._store, left)
            self._clean(self._store)
        except Exception as error:  # noqa: BLE001 - no failure may lose what was counted
            problem = error
            if self._store is not None:
                self._store.close()
                self._store = None
        with self._lock:
            if left:  # those that came meanwhile are fewer
                came, self._sums = self._sums, _group(itertools.chain(*map(_rows, left)))
                for table, key, values in _rows(came):
                    self._add(table, key, *values)
            self._held = 0
        if problem is not None and self.problem is None:
            told = "clicks are kept in memory, up to %d sums: %s"
            unexpected = not isinstance(problem, DatabaseError)
            log.error(told, MAX_SUMS, problem, exc_info=problem if unexpected else None)
        elif problem is None and self.problem is not None:
            log.info("clicks are stored again; %d events were lost", self.outcomes[Outcome.DROPPED])
        self.problem = None if problem is None else str(problem) or type(problem).__name__

    def _store_all(self, store: ClickStore, left: list[_Sums]) -> None:
        """Stores sums in one transaction, and takes what is stored from the list.

        If the database refuses some, smaller parts are tried, until those at fault are alone: they
        are lost, and counted as such, if it takes any others.

        Raises:
            DatabaseError: If the database can't be written.
            ValueError: If it takes none of the sums.
        """
        refused: list[tuple[_Sums, ValueError]] = []
        stored = False
        while left:
            try:
                store.add(left[-1])
                stored = True
            except ValueError as error:
                rows = list(_rows(left[-1]))
                if len(rows) > 1:
                    half = len(rows) // 2
                    left[-1:] = _group(rows[:half]), _group(rows[half:])
                    continue
                refused.append((left[-1], error))
            except Exception:
                left += (sums for sums, _ in refused)
                raise
            left.pop()
        if refused and not stored:
            left += (sums for sums, _ in refused)
            raise refused[0][1]
        if refused:
            sums, why = refused[0]
            table, key, _ = next(_rows(sums))
            told = "%d sums of clicks can't be stored and are lost, such as %s %r: %s"
            log.error(told, len(refused), table, key, why)
            with self._lock:
                self.outcomes[Outcome.DROPPED] += len(refused)
                self._add(rejected, (str(self._today()), Outcome.DROPPED.value), len(refused))

    def _clean(self, store: ClickStore) -> None:
        """Removes some of what was counted long ago; if nothing is left, or it fails, hourly."""
        if self._now() < self._clean_at:
            return
        try:
            if store.forget(str(self._today() - dt.timedelta(days=self._settings.keep_click_days))):
                return
        except DatabaseError as error:  # new counts are stored all the same
            log.warning("old clicks can't be removed now, tried again in an hour: %s", error)
        self._clean_at = self._now() + _HOUR

    def _today(self) -> dt.date:
        return dt.datetime.fromtimestamp(self._now() / 1_000_000, self._settings.zone).date()


def _no_sums() -> _Sums:
    return {counts: {}, blocks: {}, rejected: {}}


def _rows(sums: _Sums) -> Iterator[_Row]:
    return ((table, key, values) for table, some in sums.items() for key, values in some.items())


def _group(rows: Iterable[_Row]) -> _Sums:
    found = _no_sums()
    for table, key, values in rows:
        found[table][key] = values
    return found

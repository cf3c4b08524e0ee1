"""Keeps the editors' decisions in a process that answers requests current.

They are read from the database or, if that is unavailable, from the snapshot: a copy of the
decisions in the folder of the builds.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from index.errors import DatabaseError
from index.files import is_missing
from recommender.visibility import utc_now
from service.decisions.database import Database
from service.decisions.decision_state import NO_STATE, DecisionState
from service.decisions.snapshot import (
    check_snapshot,
    file_stamp,
    load_snapshot,
    snapshot_version,
    update_snapshot,
    was_decided,
)
from service.decisions.snapshot_file import SNAPSHOT

log = logging.getLogger("alsolike")

_RETRY_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledState:
    """What a process knows about editors' decisions after it last looked for new ones.

    Attributes:
        state: The decisions to apply to responses; ``None`` means that no request may be answered.
        problem: Why the database is not used, as text; ``None`` if the database is used.
        public: The same in general words, without files and servers, for whoever asks the service.
        away_since: Since when the database is not used, microseconds since 1970 UTC; ``None`` if
            the database is used.
        unsaved: Why the snapshot (the copy of the decisions on disk) lacks decisions that are in
            the database, as text; ``None`` if it lacks none. Each poll tries to write it again.
    """

    state: DecisionState | None = None
    problem: str | None = "not read yet"
    public: str | None = None
    away_since: int | None = None
    unsaved: str | None = None


class StatePoller:
    """Keeps a process's copy of editors' decisions current; any thread may call any method.

    ::

        poller = service.decisions.open_decisions.keep_state(settings)
        state = poller.poll()         # call several times a second; None: answer no request
        poller.refresh()              # poll now, for example after a change in this process
        poller.kept                   # the state, its source, and any problems
        poller.database.overrides     # raises DatabaseError while the database is unavailable

    ``kept`` is an immutable object that is replaced as a whole: read it once, then use its parts.
    A poll reads the database's version (about 0.1 ms), and all else only if the version changed.
    If a database server does not answer, a poll takes seconds, so call it in a thread.

    While the database is unavailable, no decisions can be made. Requests are still answered by the
    last known decisions, or those in the snapshot (their copy on disk). If there are neither,
    ``state`` is ``None`` and no request is answered, so that articles that were taken down don't
    come back because a server is down. A database that is older than the snapshot (a restored
    backup) or a different one (a wrong URL) is not used until someone removes the snapshot.

    Args:
        root: The folder that holds the snapshot, and the builds.
        connect: A function that opens the database, or raises :class:`DatabaseError`.
        own_file: The default SQLite file in that folder; ``None`` if the settings name a database.
            If this file does not exist, and there never was a snapshot, nothing was ever decided.
    """

    def __init__(
        self, root: Path, connect: Callable[[], Database], *, own_file: Path | None = None
    ) -> None:
        self._root = root
        self._connect = connect
        self._own_file = own_file
        self._database: Database | None = None
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._saved: tuple[int, int, int] | None = None
        self._verified = False
        self._next_save = 0.0
        self._next_look = 0.0
        self.kept = PolledState()

    @property
    def database(self) -> Database:
        """The open database, to make decisions and to read what :attr:`kept` does not hold.

        Raises:
            DatabaseError: If the database was not available at the last poll.
        """
        database, kept = self._database, self.kept
        if database is None or kept.problem is not None:
            told = f"no decision can be made now: {kept.public or kept.problem}"
            raise DatabaseError(told, told)  # the details are in the log since they were noticed
        return database

    def refresh(self) -> None:
        """Looks for new decisions now: in the database or, if that is unavailable, in the snapshot.

        If there are any, ``kept.state`` is another object afterwards.
        """
        with self._lock:
            before = self.kept
            try:
                database, state = self._from_database(before)
            except DatabaseError as error:
                self.kept = self._without_database(before, error)
            else:
                kept = PolledState(state=state, problem=None, unsaved=before.unsaved)
                self.kept = kept  # set before the snapshot is written, as requests must not wait
                self.kept = replace(kept, unsaved=self._save(database, before, state))
            _log_change(before, self.kept)

    def poll(self) -> DecisionState | None:
        """Looks for new decisions and returns all decisions to apply to responses.

        Returns ``None`` if no request may be answered. Call this method several times a second.
        While the database is unavailable it is tried only every two seconds, since a server that
        does not answer takes seconds to time out.
        """
        if time.monotonic() >= self._next_look:
            self.refresh()
            if self.kept.problem is not None:
                self._next_look = time.monotonic() + _RETRY_SECONDS
        return self.kept.state

    def close(self) -> None:
        """Closes the database; afterwards no decisions are known."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None
            self.kept = PolledState(problem="closed")

    def _from_database(self, before: PolledState) -> tuple[Database, DecisionState]:
        if self._database is None:
            self._database = self._connect()
        database, known = self._database, before.state
        version = database.version()
        same = known is not None and version == (known.database, known.version)
        if same and known is not None and file_stamp(self._root / SNAPSHOT) == self._saved:
            return database, known
        changes = None if known is None else database.changes(known.database, known.version)
        try:
            saved = snapshot_version(self._root)
        except DatabaseError:
            if changes is None:  # else they apply to the known state, whatever the snapshot says
                raise
        else:
            check_snapshot(self._root, saved, database.version(), database.lacks)
        if known is not None and changes is not None:
            return database, known if same else known.after(changes)
        return database, database.state()

    def _save(self, database: Database, before: PolledState, state: DecisionState) -> str | None:
        """Updates the copy of the decisions on disk (the snapshot) if it may lack some.

        If writing fails, later polls try again. Requests don't wait for this.

        Args:
            database: The open database.
            before: The result of the poll before this one.
            state: The decisions that this poll read.

        Returns:
            The error message if writing failed; ``None`` if the snapshot lacks nothing.
        """
        same = before.state is state and before.unsaved is None and self._verified
        if same and file_stamp(self._root / SNAPSHOT) == self._saved:
            return None
        if before.state is state and time.monotonic() < self._next_save:
            return before.unsaved
        try:
            update_snapshot(self._root, database, verify=not self._verified)
        except DatabaseError as error:
            self._next_save = time.monotonic() + _RETRY_SECONDS
            return str(error)
        self._verified, self._saved = True, file_stamp(self._root / SNAPSHOT)
        return None

    def _without_database(self, before: PolledState, away: DatabaseError) -> PolledState:
        state, problem = before.state, str(away)
        stamp = file_stamp(self._root / SNAPSHOT)
        if stamp is not None and (state is None or stamp != self._seen):
            try:
                saved = load_snapshot(self._root)
            except DatabaseError as error:
                saved, problem = None, f"{problem}; and {error}"
            if saved is not None and (
                state is None
                or (saved.database == state.database and saved.version > state.version)
            ):
                state = saved
        self._seen = stamp
        unused = self._own_file is not None and is_missing(self._own_file)
        if state is None and unused and not was_decided(self._root):
            state = NO_STATE  # nothing was decided yet
        return PolledState(
            state=state,
            problem=problem,
            public=away.public,
            away_since=utc_now() if before.away_since is None else before.away_since,
        )


def _log_change(before: PolledState, kept: PolledState) -> None:
    if kept.unsaved is not None and kept.unsaved != before.unsaved:
        log.error("%s", kept.unsaved)
    elif kept.unsaved is None and before.unsaved is not None and kept.problem is None:
        log.info("the copy of the decisions can be written again")
    if kept.problem is not None and kept.problem != before.problem:
        if kept.state is None:
            log.error("nothing is served, as editors' decisions can't be read: %s", kept.problem)
        elif kept.state is not NO_STATE:
            log.error("serving with the last known decisions: %s", kept.problem)
        else:
            log.error("nothing was decided yet, and no decision can be made: %s", kept.problem)
    elif kept.problem is None and before.away_since is not None:
        log.info("the database of decisions is back, version %d", kept.state.version)  # type: ignore[union-attr]

"""The snapshot: the last known state of decisions in the root, for when the database is away.

A small SQLite file, so that a decision among a hundred thousand changes its own rows and no
others, and is on disk whole or not at all. A sum over all rows tells damage. It only ever goes on
to a newer state of the same database. A database that is older, or another one, is not believed
before a person removed the file: what it does not know of would be shown again.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from index.errors import DatabaseError
from index.files import is_missing, sync_folder
from recommender.visibility import NEVER
from service.decisions.decision_state import DecisionState, Override, OverrideKind, StateChanges

SNAPSHOT = "decisions-snapshot.sqlite"
_BESIDE = ".decisions-snapshot.new"
_LOCK = ".state.lock"
_JSON = "state.json"
"""What the snapshot was with schema 0001: read, and replaced by the first that is written."""

_KINDS = {kind.value: kind for kind in OverrideKind}
_BUSY_SECONDS = 5.0

_SCHEMA = """
CREATE TABLE meta (database TEXT NOT NULL, version INTEGER NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE takedowns (article_id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE overrides (
    article_id TEXT NOT NULL, number INTEGER NOT NULL, target_id TEXT NOT NULL,
    kind TEXT NOT NULL, position INTEGER, until INTEGER NOT NULL,
    PRIMARY KEY (article_id, number)
) WITHOUT ROWID;
"""

_Row = tuple[Any, ...]


class Decisions(Protocol):
    """Where decisions are written; see :class:`service.decisions.database.Database`."""

    def version(self) -> tuple[str, int]:
        """The database's id and the state's version."""

    def state(self) -> DecisionState:
        """All decisions."""

    def changes(self, database: str, version: int) -> StateChanges | None:
        """What was decided since a version; ``None`` if only the whole state tells."""

    def lacks(self, version: int) -> bool:
        """Whether it never had a version, though it tells of the time before and after."""


def bring_up(root: Path, decisions: Decisions, *, verify: bool = False) -> None:
    """Bring the snapshot up to the database: by what changed, or whole where that is not known.

    On disk when this returns.

    Args:
        root: The folder.
        decisions: The database.
        verify: Whether to look first if every row is as it was written; if not, all is written.

    Raises:
        DatabaseError: If either can't be read or written, or the snapshot is of another database
            or newer; that stays.
    """
    if _is_up(root, decisions, verify=verify):
        return  # also where the root may only be read
    try:
        with _locked(root):
            saved = snapshot_version(root)
            check_snapshot(root, saved, decisions.version(), decisions.lacks)
            if verify and load_snapshot(root) is None:
                saved = None
            changes = None if saved is None else decisions.changes(*saved)
            if changes is None or not _apply(root, changes):
                _replace(root, decisions.state())
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DatabaseError(
            f"the decisions are in the database, but their snapshot {root / SNAPSHOT} can't be "
            f"written ({reason}): mend that; the service goes on trying"
        ) from error


def check_snapshot(
    root: Path,
    saved: tuple[str, int] | None,
    version: tuple[str, int],
    lacks: Callable[[int], bool],
) -> None:
    """Hold a database to the snapshot.

    Args:
        root: The folder.
        saved: The database and version in it, read before the database was: whatever it says was
            in there.
        version: The database's id and the version of its state.
        lacks: See :meth:`Decisions.lacks`.

    Raises:
        DatabaseError: If it is another database, an older one, or one that was older and went on
            by itself.
    """
    if saved is None:
        return
    if saved[0] != version[0]:
        raise DatabaseError(_another(root))
    if saved[1] > version[1] or (saved[1] < version[1] and lacks(saved[1])):
        raise DatabaseError(
            f"the database is older than the snapshot {_path(root)}, or was: it was restored from "
            "a backup and lacks decisions (alsolike db status lists them); if that is meant, "
            "remove the snapshot"
        )


def check_decisions(root: Path, version: tuple[str, int], lacks: Callable[[int], bool]) -> None:
    """:func:`check_snapshot`, for a database that something is about to be decided in.

    A snapshot that can't be looked at now is none here: when it is to be written that is told.
    """
    try:
        saved = snapshot_version(root)
    except DatabaseError:
        return
    check_snapshot(root, saved, version, lacks)


def _is_up(root: Path, decisions: Decisions, *, verify: bool) -> bool:
    saved = snapshot_version(root)
    if saved is None or is_missing(root / SNAPSHOT) or saved != decisions.version():
        return False
    return not verify or load_snapshot(root) is not None


def has_snapshot(root: Path) -> bool:
    """Whether there is one, readable or not."""
    return not (is_missing(root / SNAPSHOT) and is_missing(root / _JSON))


def snapshot_stamp(root: Path) -> tuple[int, int, int] | None:
    """Another one means that the file changed; ``None`` if there is none."""
    for name in (SNAPSHOT, _JSON):
        try:
            found = os.stat(root / name)  # noqa: PTH116 - at every look
        except OSError:
            continue
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None


def snapshot_version(root: Path) -> tuple[str, int] | None:
    """The database and version of the snapshot; ``None`` if there is none, or it is damaged.

    Raises:
        DatabaseError: If there is one, and it can't be looked at.
    """
    if is_missing(root / SNAPSHOT):
        old = _load_json(root)
        return None if old is None else (old.database, old.version)
    try:
        with closing(_connect(root / SNAPSHOT)) as connection:
            database, version = connection.execute("SELECT database, version FROM meta").fetchone()
    except sqlite3.Error as error:
        _refuse_unless_damaged(root, error)
        return None
    except (TypeError, ValueError):
        return None
    return (database, version) if isinstance(database, str) and isinstance(version, int) else None


def load_snapshot(root: Path) -> DecisionState | None:
    """The state on disk; ``None`` if there is none, or it is not as it was written.

    Raises:
        DatabaseError: If there is one, and it can't be looked at.
    """
    if is_missing(root / SNAPSHOT):
        return _load_json(root)
    try:
        with closing(_connect(root / SNAPSHOT)) as connection:
            return _read(connection)
    except sqlite3.Error as error:
        _refuse_unless_damaged(root, error)
        return None
    except (TypeError, ValueError, KeyError, OverflowError):
        return None


def _refuse_unless_damaged(root: Path, error: sqlite3.Error) -> None:
    """Let a file pass that is no snapshot any more.

    Raises:
        DatabaseError: For one that may be as good as ever: it is locked, or may not be read.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return
    raise DatabaseError(
        f"the snapshot {root / SNAPSHOT} can't be read ({error}): give back the right to read it, "
        "or end who holds it; what is decided meanwhile is in the database alone"
    ) from error


def _read(connection: sqlite3.Connection) -> DecisionState | None:
    connection.execute("BEGIN")
    database, version, told = connection.execute("SELECT * FROM meta").fetchone()
    found = _digest(("meta", database, version))
    takedowns: dict[str, int] = {}
    for row in connection.execute("SELECT article_id, until FROM takedowns"):
        found += _digest(row)
        takedowns[row[0]] = NEVER if row[1] == NEVER else row[1]
    overrides: dict[str, tuple[Override, ...]] = {}
    rows = connection.execute("SELECT * FROM overrides ORDER BY article_id, number")
    for article_id, some in itertools.groupby(rows, key=lambda row: row[0]):
        items = []
        for row in some:
            found += _digest(row)
            _, _, target_id, kind, position, until = row
            items.append(
                Override(
                    article_id=article_id,
                    target_id=target_id,
                    kind=_KINDS[kind],
                    position=position,
                    until=NEVER if until == NEVER else until,
                )
            )
        overrides[article_id] = tuple(items)
    if _signed(found) != told:
        return None
    return DecisionState(
        database=database, version=version, takedowns=takedowns, overrides=overrides
    )


def _apply(root: Path, changes: StateChanges) -> bool:
    """Write what changed; ``False`` if the file is missing, damaged or not ours to write."""
    path = root / SNAPSHOT
    if is_missing(path) or not os.access(path, os.W_OK):
        return False
    try:
        with closing(_connect(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            total = connection.execute("SELECT sum FROM meta").fetchone()[0]
            total -= _digest(("meta", changes.database, changes.since))
            for article_id, until in changes.takedowns.items():
                new = [] if until is None else [(article_id, until)]
                total += _exchange(connection, "takedowns", article_id, new)
            for article_id, some in changes.overrides.items():
                total += _exchange(connection, "overrides", article_id, _override_rows(some))
            total += _digest(("meta", changes.database, changes.version))
            meta = (changes.version, _signed(total))
            connection.execute("UPDATE meta SET version = ?, sum = ?", meta)
            connection.execute("COMMIT")
    except sqlite3.OperationalError:  # the disk is full, or not ours: nothing else would help
        raise
    except (sqlite3.DatabaseError, TypeError):  # damaged
        return False
    return True


def _exchange(
    connection: sqlite3.Connection, table: str, article_id: str, new: Iterable[_Row]
) -> int:
    """Put rows in the place of an article's; returns the change of the sum."""
    change = 0
    where = f"FROM {table} WHERE article_id = ?"
    for row in connection.execute(f"SELECT * {where}", (article_id,)).fetchall():
        change -= _digest(row)
    connection.execute(f"DELETE {where}", (article_id,))
    for row in new:
        change += _digest(row)
        _insert(connection, table, [row])
    return change


def _replace(root: Path, state: DecisionState) -> None:
    """Write a whole state beside, and put it in place in one step."""
    beside = root / _BESIDE
    beside.unlink(missing_ok=True)
    total = _digest(("meta", state.database, state.version))

    def summed(rows: Iterable[_Row]) -> Iterator[_Row]:
        nonlocal total
        for row in rows:
            total += _digest(row)
            yield row

    with closing(sqlite3.connect(beside, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # nobody reads it before it is whole
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        _insert(connection, "takedowns", summed(state.takedowns.items()))
        for some in state.overrides.values():
            _insert(connection, "overrides", summed(_override_rows(some)))
        _insert(connection, "meta", [(state.database, state.version, _signed(total))])
        connection.execute("COMMIT")
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    # What a process that was killed left half done is the old file's, never the new one's.
    (root / f"{SNAPSHOT}-journal").unlink(missing_ok=True)
    sync_folder(root)
    beside.replace(root / SNAPSHOT)
    (root / _JSON).unlink(missing_ok=True)
    sync_folder(root)


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[_Row]) -> None:
    places = {"meta": "?,?,?", "takedowns": "?,?", "overrides": "?,?,?,?,?,?"}[table]
    connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608 - ours


def _override_rows(some: Iterable[Override]) -> Iterator[_Row]:
    for number, item in enumerate(some):
        yield (
            item.article_id,
            number,
            item.target_id,
            item.kind.value,
            item.position,
            item.until,
        )


def _connect(path: Path) -> sqlite3.Connection:
    """The file, which must be there; one that may only be read is only read."""
    mode = "rw" if os.access(path, os.W_OK) else "ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
    )
    connection.execute("PRAGMA synchronous = EXTRA")  # on disk when it is answered
    return connection


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One process after another; the lock is the kernel's, a dead process holds none.

    Raises:
        BlockingIOError: If another, which may be stopped, holds it for too long.
    """
    descriptor = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    end = time.monotonic() + _BUSY_SECONDS
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.002)
        yield
    finally:
        os.close(descriptor)


def _path(root: Path) -> Path:
    return root / (_JSON if is_missing(root / SNAPSHOT) else SNAPSHOT)


def _another(root: Path) -> str:
    return (
        f"the snapshot {_path(root)} is of another database, whose decisions this one lacks "
        "(alsolike db status lists them); if that is meant, remove the snapshot"
    )


def _digest(row: _Row) -> int:
    """A number of 64 bits for a row; their sum does not depend on their order."""
    return int.from_bytes(hashlib.blake2b(json.dumps(row).encode(), digest_size=8).digest(), "big")


def _signed(total: int) -> int:
    """As an SQLite integer."""
    return (total + (1 << 63)) % (1 << 64) - (1 << 63)


def _load_json(root: Path) -> DecisionState | None:
    """The snapshot as it was written beside schema 0001."""
    try:
        content = (root / _JSON).read_bytes()
        told = json.loads(content)
        body = told["state"]
        written = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        if told["sha256"] != hashlib.sha256(written).hexdigest():
            return None
        overrides: dict[str, list[Override]] = {}
        for article_id, target_id, kind, position, until in body["overrides"]:
            override = Override(
                article_id=article_id,
                target_id=target_id,
                kind=_KINDS[kind],
                position=position,
                until=NEVER if until is None else until,
            )
            overrides.setdefault(article_id, []).append(override)
        return DecisionState(
            database=body["database"],
            version=body["version"],
            takedowns={
                key: NEVER if until is None else until for key, until in body["takedowns"].items()
            },
            overrides={key: tuple(some) for key, some in overrides.items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None

"""Reads and writes the snapshot's file: a copy of all decisions for when there is no database.

The file is a small SQLite database with a checksum, the sum of a digest of every row. So a new
decision among a hundred thousand changes only its own rows and the sum, in one transaction.
"""

import hashlib
import itertools
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from index.files import is_missing, open_unjournaled, sync_folder
from service.decisions.decision_state import DecisionState, Override, OverrideKind, StateChanges

SNAPSHOT = "decisions-snapshot.sqlite"
_BESIDE = ".decisions-snapshot.new"
BUSY_SECONDS = 5.0
"""How long a transaction waits for another one that locks the file or writes, in seconds."""

_SCHEMA = """
CREATE TABLE meta (database TEXT NOT NULL, version INTEGER NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE takedowns (article_id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE overrides (
    article_id TEXT NOT NULL, number INTEGER NOT NULL, target_id TEXT NOT NULL,
    kind TEXT NOT NULL, position INTEGER, until INTEGER NOT NULL, since INTEGER NOT NULL,
    PRIMARY KEY (article_id, number)
) WITHOUT ROWID;
"""
_COLUMNS = 7

_Row = tuple[Any, ...]


def read_version(root: Path) -> tuple[str, int] | None:
    """Returns the id and version of the database that the snapshot's file is a copy of.

    This is fast, since the checksum is not verified. Returns ``None`` if the file holds an id or
    version of another type.

    Raises:
        sqlite3.Error, TypeError, ValueError: If the file can't be read, or is damaged.
    """
    with closing(_connect(root / SNAPSHOT)) as connection:
        database, version = connection.execute("SELECT database, version FROM meta").fetchone()
    return (database, version) if isinstance(database, str) and isinstance(version, int) else None


def read_state(root: Path) -> DecisionState | None:
    """Returns all decisions in the snapshot's file; ``None`` if the checksum does not match.

    Raises:
        sqlite3.Error, TypeError, ValueError, KeyError, OverflowError: If the file can't be read,
            or is damaged.
    """
    with closing(_connect(root / SNAPSHOT)) as connection:
        connection.execute("BEGIN")
        database, version, written = connection.execute("SELECT * FROM meta").fetchone()
        total = _digest(("meta", database, version))
        takedowns: dict[str, int] = {}
        for row in connection.execute("SELECT article_id, until FROM takedowns"):
            total += _digest(row)
            takedowns[row[0]] = row[1]
        overrides: dict[str, tuple[Override, ...]] = {}
        rows = connection.execute("SELECT * FROM overrides ORDER BY article_id, number")
        for article_id, some in itertools.groupby(rows, key=lambda row: row[0]):
            items = []
            for row in some:
                total += _digest(row)
                _, _, target_id, kind, position, until, *since = row  # no since before 0.4
                items.append(
                    Override(
                        article_id=article_id,
                        target_id=target_id,
                        kind=OverrideKind(kind),
                        position=position,
                        until=until,
                        since=since[0] if since else 0,
                    )
                )
            overrides[article_id] = tuple(items)
    if _signed(total) != written:
        return None
    return DecisionState(
        database=database, version=version, takedowns=takedowns, overrides=overrides
    )


def apply_changes(root: Path, changes: StateChanges) -> bool:
    """Writes changed decisions into the snapshot's file, if that is possible.

    It is not possible if the file is missing, damaged, read-only or of an older version. Then the
    caller must replace the whole file.

    Returns:
        Whether the changes were written.

    Raises:
        sqlite3.OperationalError: If the disk is full, or another process holds the file.
    """
    path = root / SNAPSHOT
    if is_missing(path) or not os.access(path, os.W_OK):
        return False
    try:
        with closing(_connect(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            if len(connection.execute("PRAGMA table_info(overrides)").fetchall()) < _COLUMNS:
                return False
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
    except sqlite3.OperationalError:  # disk full or file locked: replacing the file fails too
        raise
    except (sqlite3.DatabaseError, TypeError):  # the file is damaged
        return False
    return True


def _exchange(
    connection: sqlite3.Connection, table: str, article_id: str, new: Iterable[_Row]
) -> int:
    """Replaces an article's rows in a table of the file.

    Returns:
        The number to add to the checksum.
    """
    where, rows = f"FROM {table} WHERE article_id = ?", [*new]
    old = connection.execute(f"SELECT * {where}", (article_id,)).fetchall()
    connection.execute(f"DELETE {where}", (article_id,))
    _insert(connection, table, rows)
    return sum(map(_digest, rows)) - sum(map(_digest, old))


def replace_file(root: Path, state: DecisionState) -> None:
    """Replaces the snapshot's file in one step by one that holds all decisions in ``state``.

    Raises:
        OSError, sqlite3.Error: If the file can't be written.
    """
    beside = root / _BESIDE
    beside.unlink(missing_ok=True)
    takedowns = state.takedowns.items()
    overrides = [row for some in state.overrides.values() for row in _override_rows(some)]
    total = _digest(("meta", state.database, state.version))
    total += sum(map(_digest, takedowns)) + sum(map(_digest, overrides))
    with closing(open_unjournaled(beside)) as connection:  # nothing reads it before it is complete
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        _insert(connection, "takedowns", takedowns)
        _insert(connection, "overrides", overrides)
        _insert(connection, "meta", [(state.database, state.version, _signed(total))])
        connection.execute("COMMIT")
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    # A journal left by a killed process belongs to the old file and must not change the new one.
    (root / f"{SNAPSHOT}-journal").unlink(missing_ok=True)
    sync_folder(root)
    beside.replace(root / SNAPSHOT)
    sync_folder(root)


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[_Row]) -> None:
    marks = {"meta": "?,?,?", "takedowns": "?,?", "overrides": "?,?,?,?,?,?,?"}[table]
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - ours


def _override_rows(some: Iterable[Override]) -> Iterator[_Row]:
    for number, item in enumerate(some):
        yield (
            *(item.article_id, number, item.target_id, item.kind.value, item.position),
            *(item.until, item.since),
        )


def _connect(path: Path) -> sqlite3.Connection:
    """Opens an SQLite file, which must exist; read-only if this process may not write it."""
    mode = "rw" if os.access(path, os.W_OK) else "ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
    )
    connection.execute("PRAGMA synchronous = EXTRA")  # a commit returns once it is on disk
    return connection


def _digest(row: _Row) -> int:
    """Returns a 64-bit digest of a row of the file.

    The checksum is the sum of these digests, which does not depend on the order of the rows.
    """
    return int.from_bytes(hashlib.blake2b(json.dumps(row).encode(), digest_size=8).digest(), "big")


def _signed(total: int) -> int:
    """Converts a sum of digests to a signed 64-bit integer, as SQLite stores it."""
    return (total + (1 << 63)) % (1 << 64) - (1 << 63)

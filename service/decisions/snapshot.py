"""The snapshot: the last known state of decisions in the root, for when the database is away.

It only ever goes on to a newer state of the same database. A database that is older, or another
one, is not used until a person removes the snapshot: what it does not know of would be shown again.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from index.errors import DatabaseError
from index.files import is_missing
from service.decisions import snapshot_file
from service.decisions.database import Database
from service.decisions.decision_state import DecisionState
from service.decisions.older_snapshot import OLDER_SNAPSHOT, load_older_snapshot
from service.decisions.snapshot_file import SNAPSHOT

LOCK_SECONDS = 5.0
"""How long a writer waits for another before it gives up."""

_LOCK = ".state.lock"


def update_snapshot(root: Path, database: Database, *, verify: bool = False) -> None:
    """Bring the snapshot up to the database: by what changed, or whole where that is not known.

    On disk when this returns.

    Args:
        root: The folder.
        database: The database of decisions.
        verify: Whether to check first that every row is as it was written; if not, the whole
            file is written anew.

    Raises:
        DatabaseError: If either can't be read or written, or the snapshot is of another database
            or newer; that stays.
    """
    if _is_up(root, database, verify=verify):
        return  # also where the root may only be read
    try:
        with _locked(root):
            saved = snapshot_version(root)
            check_snapshot(root, saved, database.version(), database.lacks)
            if verify and load_snapshot(root) is None:
                saved = None
            changes = None if saved is None else database.changes(*saved)
            if changes is None or not snapshot_file.apply_changes(root, changes):
                snapshot_file.replace_file(root, database.state())
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
        lacks: See :meth:`.Database.lacks`.

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

    A snapshot that can't be read now does not stop a decision; writing it raises the error.
    """
    try:
        saved = snapshot_version(root)
    except DatabaseError:
        return
    check_snapshot(root, saved, version, lacks)


def _is_up(root: Path, database: Database, *, verify: bool) -> bool:
    saved = snapshot_version(root)
    if saved is None or is_missing(root / SNAPSHOT) or saved != database.version():
        return False
    return not verify or load_snapshot(root) is not None


def has_snapshot(root: Path) -> bool:
    """Whether there is one, readable or not."""
    return not (is_missing(root / SNAPSHOT) and is_missing(root / OLDER_SNAPSHOT))


def snapshot_stamp(root: Path) -> tuple[int, int, int] | None:
    """Another one means that the file changed; ``None`` if there is none."""
    for name in (SNAPSHOT, OLDER_SNAPSHOT):
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
        old = load_older_snapshot(root)
        return None if old is None else (old.database, old.version)
    try:
        database, version = snapshot_file.read_version(root)
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
        return load_older_snapshot(root)
    try:
        return snapshot_file.read_state(root)
    except sqlite3.Error as error:
        _refuse_unless_damaged(root, error)
        return None
    except (TypeError, ValueError, KeyError, OverflowError):
        return None


def _refuse_unless_damaged(root: Path, error: sqlite3.Error) -> None:
    """Let a damaged file pass: there is no snapshot any more.

    Raises:
        DatabaseError: For one that may be intact: it is locked, or may not be read.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return
    raise DatabaseError(
        f"the snapshot {root / SNAPSHOT} can't be read ({error}): give back the right to read it, "
        "or end the process that holds it; what is decided meanwhile is in the database alone"
    ) from error


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One process after another; the lock is the kernel's, a dead process holds none.

    Raises:
        BlockingIOError: If another, which may be stopped, holds it for too long.
    """
    descriptor = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    end = time.monotonic() + LOCK_SECONDS
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
    return root / (OLDER_SNAPSHOT if is_missing(root / SNAPSHOT) else SNAPSHOT)


def _another(root: Path) -> str:
    return (
        f"the snapshot {_path(root)} is of another database, whose decisions this one lacks "
        "(alsolike db status lists them); if that is meant, remove the snapshot"
    )

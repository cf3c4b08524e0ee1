"""The snapshot: a copy of all decisions on disk, used when the database is unavailable.

The snapshot is in the folder that holds the builds. It is only updated from the database that it
was made from, and only to a newer version. A database that is older than the snapshot, or another
one, may lack takedowns, so it is not used until a person removes the snapshot.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from index.errors import BuildError, DatabaseError
from index.files import is_missing
from index.root.lock import locked
from index.sql_engine import CANT_OPEN, why_unopened
from service.decisions import snapshot_file
from service.decisions.database import Database
from service.decisions.decision_state import DecisionState
from service.decisions.snapshot_file import SNAPSHOT

LOCK_SECONDS = 5.0
"""How long a process waits for another one that writes before it fails, in seconds."""

PUBLIC_UNSAVED = (
    f"decisions are stored in the database, but their copy {SNAPSHOT} can't be written: the "
    "service's log says why; it keeps trying"
)
"""What anybody may read about a snapshot that lacks decisions."""

_PUBLIC_LACKING = (
    "the decision database lacks decisions that are in its copy in the root: the service's log "
    "says what to do"
)

_LOCK = ".state.lock"
_MARK = ".decided"  # an empty file that says that there was a snapshot

Value = TypeVar("Value")


def update_snapshot(root: Path, database: Database, *, verify: bool = False) -> None:
    """Writes the decisions that are new in the database into the snapshot, their copy on disk.

    If it is not known which are new, all decisions are written. The snapshot is on disk when this
    returns.

    Args:
        root: The folder of the snapshot.
        database: The database of decisions.
        verify: Whether to check the file for damage first; a damaged file is written anew.

    Raises:
        DatabaseError: If the database can't be read, the snapshot can't be written, or the
            snapshot is newer or of another database; then the snapshot stays as it was.
    """
    if _is_up(root, database, verify=verify):
        with suppress(OSError):  # as in a folder that is read-only
            _mark(root)
        return  # checked before the lock is taken, which fails if the folder is read-only
    try:
        with locked(root, "a copy of decisions", _LOCK, wait=LOCK_SECONDS):
            saved = snapshot_version(root)
            check_snapshot(root, saved, database.version(), database.lacks)
            if verify and load_snapshot(root) is None:
                saved = None
            changes = None if saved is None else database.changes(*saved)
            if changes is None or not snapshot_file.apply_changes(root, changes):
                snapshot_file.replace_file(root, database.state())
            _mark(root)
    except (OSError, sqlite3.Error, BuildError) as error:
        cause = error.__cause__ or error
        reason = cause.strerror if isinstance(cause, OSError) else str(cause)
        raise DatabaseError(
            f"decisions are stored in the database, but their copy {root / SNAPSHOT} can't be "
            f"written ({reason}): make it writable; the service keeps trying",
            PUBLIC_UNSAVED,
        ) from error


def check_snapshot(
    root: Path,
    saved: tuple[str, int] | None,
    version: tuple[str, int],
    lacks: Callable[[int], bool],
) -> None:
    """Checks that a database has all decisions that are in the snapshot, the copy on disk.

    Args:
        root: The folder of the snapshot.
        saved: The snapshot's database id and version, read before ``version``, so that the
            database can only be newer; ``None`` if there is no snapshot to compare with.
        version: The database's id and version.
        lacks: A function that takes a version and returns whether the database certainly never had
            it.

    Raises:
        DatabaseError: If the snapshot is of another database, or the database is older than the
            snapshot, or was older once and has changed since then.
    """
    if saved is None:
        return
    if saved[0] != version[0]:
        raise DatabaseError(
            f"{root / SNAPSHOT} is a copy of another database, whose decisions this database lacks "
            "(alsolike db status lists them); to use this database nevertheless, remove the copy",
            _PUBLIC_LACKING,
        )
    if saved[1] > version[1] or (saved[1] < version[1] and lacks(saved[1])):
        raise DatabaseError(
            f"the database lacks decisions that are in its copy {root / SNAPSHOT}, probably "
            "because it was restored from an old backup (alsolike db status lists them); to use "
            "the database nevertheless, remove the copy",
            _PUBLIC_LACKING,
        )


def check_decisions(root: Path, version: tuple[str, int], lacks: Callable[[int], bool]) -> None:
    """Checks, before a decision is made, that the database has all decisions of the snapshot.

    A snapshot that can't be read does not prevent the decision; writing it raises the error later.

    Args:
        root: The folder of the snapshot.
        version: The database's id and version.
        lacks: A function that takes a version and returns whether the database certainly never had
            it.

    Raises:
        DatabaseError: If the database lacks decisions of the snapshot, or is another one.
    """
    try:
        saved = snapshot_version(root)
    except DatabaseError:
        return
    check_snapshot(root, saved, version, lacks)


def _mark(root: Path) -> None:
    if is_missing(root / _MARK):
        (root / _MARK).touch()


def _is_up(root: Path, database: Database, *, verify: bool) -> bool:
    saved = snapshot_version(root)
    if saved is None or saved != database.version():
        return False
    return not verify or load_snapshot(root) is not None


def has_snapshot(root: Path) -> bool:
    """Whether there is a snapshot (a copy of the decisions on disk), readable or not."""
    return not is_missing(root / SNAPSHOT)


def was_decided(root: Path) -> bool:
    """Whether decisions were kept in a folder of builds, be database and copy both gone."""
    return has_snapshot(root) or not is_missing(root / _MARK)


def file_stamp(path: Path) -> tuple[int, int, int] | None:
    """Returns a value by which a change of a file can be noticed.

    Returns:
        The file's inode, modification time in nanoseconds and size in bytes; ``None`` if there is
        no file.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - called at every poll
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def snapshot_version(root: Path) -> tuple[str, int] | None:
    """Returns the id and version of the database that the snapshot is a copy of.

    Returns ``None`` if the snapshot is missing or damaged.

    Args:
        root: The folder of the snapshot.

    Raises:
        DatabaseError: If the snapshot exists, but can't be opened.
    """
    return _read(root, snapshot_file.read_version)


def load_snapshot(root: Path) -> DecisionState | None:
    """Returns the decisions in the snapshot, their copy on disk.

    Returns ``None`` if the snapshot is missing or damaged.

    Args:
        root: The folder of the snapshot.

    Raises:
        DatabaseError: If the snapshot exists, but can't be opened.
    """
    return _read(root, snapshot_file.read_state)


def _read(root: Path, read: Callable[[Path], Value | None]) -> Value | None:
    """Reads the snapshot's file; a damaged file counts as none.

    Raises:
        DatabaseError: If the file may be intact, but is locked or may not be read.
    """
    if is_missing(root / SNAPSHOT):
        return None
    try:
        return read(root)
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return None
        why = why_unopened(root / SNAPSHOT) if CANT_OPEN in str(error) else str(error)
        if "locked" in why:
            why += ": end the process that locks it"
        raise DatabaseError(
            f"the copy of the decisions {root / SNAPSHOT} can't be read ({why}); until then, "
            "decisions are only in the database",
            f"the copy of the decisions in the root, {SNAPSHOT}, can't be read (the service's log "
            "says why): until it can, decisions are only in the database",
        ) from error
    except (TypeError, ValueError, KeyError, OverflowError):
        return None

"""The snapshot ``state.json``: the last known state of decisions, for when the database is away.

One JSON object with a checksum of what it says. It is only ever replaced by a newer state of the
same database. A database that is older, or another one, is not believed before a person removed
the file: what it does not know of would be shown again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from index.files import sync_folder, write_file
from index.state import Kind, Override, State
from recommender.errors import DatabaseError
from recommender.visibility import NEVER

STATE = "state.json"
_BESIDE = ".state.json.new"
_LOCK = ".state.lock"
_KINDS = {kind.value: kind for kind in Kind}


def save_state(root: Path, state: State) -> bool:
    """Put a state on disk in one step, unless one as new is there.

    Args:
        root: The folder.
        state: The state.

    Returns:
        Whether it was written.

    Raises:
        DatabaseError: If it can't be, or one of another database is there; that stays.
    """
    try:
        with _locked(root):
            saved = load_state(root)
            if saved is not None:
                if saved.database != state.database:
                    raise DatabaseError(_another(root))
                if saved.version >= state.version:
                    return False
            beside = root / _BESIDE
            write_file(beside, _encode(state))
            beside.replace(root / STATE)
            sync_folder(root)
    except OSError as error:
        raise DatabaseError(
            f"the decisions are in the database, but their snapshot {root / STATE} can't be "
            f"written ({error.strerror}): mend that and try again"
        ) from error
    return True


def check_snapshot(root: Path, saved: State | None, version: tuple[str, int]) -> None:
    """Hold a database to the snapshot.

    Args:
        root: The folder.
        saved: The state in it, read before the database was: whatever it says was in there.
        version: The database's id and the version of its state.

    Raises:
        DatabaseError: If it is another database, or an older one.
    """
    if saved is None:
        return
    if saved.database != version[0]:
        raise DatabaseError(_another(root))
    if saved.version > version[1]:
        raise DatabaseError(
            f"the database is older than the snapshot {root / STATE}: it was restored from a "
            "backup and lacks decisions (alsolike db status lists them); if that is meant, "
            "remove the snapshot"
        )


def load_state(root: Path) -> State | None:
    """The state on disk; ``None`` if there is none, or it is not as it was written."""
    try:
        content = (root / STATE).read_bytes()
    except OSError:
        return None
    try:
        told = json.loads(content)
        body = told["state"]
        if told["sha256"] != _digest(body):
            return None
        return _decode(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One process after another; the lock is the kernel's, a dead process holds none."""
    descriptor = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _another(root: Path) -> str:
    return (
        f"the snapshot {root / STATE} is of another database, whose decisions this one lacks "
        "(alsolike db status lists them); if that is meant, remove the snapshot"
    )


def _encode(state: State) -> bytes:
    body = {
        "database": state.database,
        "version": state.version,
        "takedowns": {key: _told(until) for key, until in state.takedowns.items()},
        "overrides": [
            [item.article_id, item.target_id, item.kind.value, item.position, _told(item.until)]
            for some in state.overrides.values()
            for item in some
        ],
    }
    return _dump({"sha256": _digest(body), "state": body}) + b"\n"


def _decode(body: dict[str, Any]) -> State:
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
    return State(
        database=body["database"],
        version=body["version"],
        takedowns={
            key: NEVER if until is None else until for key, until in body["takedowns"].items()
        },
        overrides={key: tuple(some) for key, some in overrides.items()},
    )


def _told(until: int) -> int | None:
    return None if until == NEVER else until


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(_dump(body)).hexdigest()


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

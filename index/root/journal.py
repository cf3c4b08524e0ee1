"""The journal of a root: one JSON line for everything that was done to it."""

from __future__ import annotations

import datetime as dt
import errno
import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from index.errors import BuildError

JOURNAL = "journal.jsonl"

_acting_for: ContextVar[str] = ContextVar("acting_for", default="")


def append_journal(root: Path, event: str, **details: Any) -> None:
    """Add a line and sync it: when, what, who, and the details.

    Args:
        root: The root it happened in.
        event: ``"build"``, ``"refuse"``, ``"publish"``, ``"force"``, ``"rollback"``, …
        **details: JSON values.

    Raises:
        BuildError: If it can't be written, such as on a full disk.
    """
    line = {"at": utc_timestamp(), "event": event, "who": who(), **details}
    path = root / JOURNAL
    content = (json.dumps(line, ensure_ascii=False) + "\n").encode()
    try:
        with path.open("ab", buffering=0) as file:
            size = file.tell()
            if not _ends_a_line(path, size):
                content = b"\n" + content  # a line that a crash cut short swallows no other
            try:
                if file.write(content) < len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError:
                os.truncate(path, size)
                raise
    except OSError as error:
        raise BuildError(f"{path} can't be written ({event} goes unrecorded): {error}") from error


def read_journal(root: Path) -> list[dict[str, Any]]:
    """Every readable line, oldest first; a line cut short by a crash is passed over."""
    path = root / JOURNAL
    if not path.exists():
        return []
    entries: list[dict[str, Any]] = []
    for line in path.read_bytes().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries


@contextmanager
def acting_for(name: str) -> Iterator[None]:
    """Within the block, the journal names this person instead of the process's user."""
    token = _acting_for.set(name)
    try:
        yield
    finally:
        _acting_for.reset(token)


def utc_timestamp() -> str:
    """This second in UTC, as ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def who() -> str:
    """The user behind this process; behind ``sudo``, the one who asked for it."""
    if name := _acting_for.get():
        return name
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())


def _ends_a_line(path: Path, size: int) -> bool:
    if size == 0:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"

"""The operators' memory: one line for everything that was done to a root."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
from pathlib import Path
from typing import Any

JOURNAL = "journal.jsonl"


def append_journal(root: Path, event: str, **details: Any) -> None:
    """Add a line and sync it: when, what, who, and the details.

    Args:
        root: The root it happened in.
        event: ``"build"``, ``"refuse"``, ``"publish"``, ``"force"``, ``"rollback"``, …
        **details: JSON values.
    """
    line = {"at": now(), "event": event, "who": _who(), **details}
    path = root / JOURNAL
    # A line that a crash cut short must not swallow the next one.
    ragged = path.exists() and path.stat().st_size > 0 and not _ends_a_line(path)
    content = ("\n" if ragged else "") + json.dumps(line, ensure_ascii=False) + "\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


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


def now() -> str:
    """This second in UTC, as ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"

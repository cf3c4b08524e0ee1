"""The journal of a root: a file with a JSON line for each event, such as a build or a rollback."""

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

_MOST_BYTES = 2_000_000

_acting_for: ContextVar[str] = ContextVar("acting_for", default="")


def append_journal(root: Path, event: str, **details: Any) -> None:
    """Append a line with the time, the event, the user and the details to a journal file.

    The line is synced to disk.

    Args:
        root: The folder of builds in which the event happened; the journal is in it.
        event: The kind of event: ``"build"``, ``"refuse"``, ``"publish"``, ``"force"``,
            ``"rollback"``, …
        **details: Further values for the line, such as the build's name; they must fit into JSON.

    Raises:
        BuildError: If the journal can't be written, for example because the disk is full.
    """
    line = {"at": utc_timestamp(), "event": event, "who": who(), **details}
    path = root / JOURNAL
    content = (json.dumps(line, ensure_ascii=False) + "\n").encode()
    try:
        with open(path, "ab", buffering=0, opener=_without_waiting) as file:
            size = file.tell()
            if not _ends_a_line(path, size):
                content = b"\n" + content  # ends a line that a crash cut short
            try:
                if file.write(content) < len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError:
                os.truncate(path, size)
                raise
    except OSError as error:
        raise BuildError(f"{path} can't be written ({event} was not recorded): {error}") from error


def read_journal(root: Path) -> list[dict[str, Any]]:
    """Return the entries of a folder's journal, oldest first; lines cut by a crash are skipped.

    Of a long journal, only the entries of the last few thousand events are read.

    Raises:
        BuildError: If the file can't be read.
    """
    try:
        with open(root / JOURNAL, "rb", opener=_without_waiting) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _MOST_BYTES))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BuildError(f"{root / JOURNAL} can't be read: {error.strerror or error}") from error
    entries: list[dict[str, Any]] = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries


@contextmanager
def acting_for(name: str) -> Iterator[None]:
    """Record ``name`` as the acting user in journal lines that the ``with`` block appends."""
    token = _acting_for.set(name)
    try:
        yield
    finally:
        _acting_for.reset(token)


def utc_timestamp() -> str:
    """Return the current time in UTC, to the second, in ISO 8601 format."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def who() -> str:
    """Return the user name to record in the journal; under ``sudo``, that of the calling user."""
    if name := _acting_for.get():
        return name
    try:
        return as_utf8(os.environ.get("SUDO_USER") or getpass.getuser())
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())


def as_utf8(text: str) -> str:
    """Return a variable's or an option's text, with ? in place of bytes that are not UTF-8."""
    return text.encode(errors="replace").decode()


def _without_waiting(path: str, flags: int) -> int:
    """Opens a file for :func:`open`; a pipe in its place is an error and not waited for."""
    return os.open(path, flags | os.O_NONBLOCK, 0o666)


def _ends_a_line(path: Path, size: int) -> bool:
    if size == 0:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"

"""The journal of a root: a file with a JSON line for each event, such as a build or a rollback.

Small builds may be made every few seconds. So that their lines don't fill the journal, the oldest
are replaced by one line that counts them by day.
"""

import datetime as dt
import errno
import fcntl
import getpass
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from io import FileIO
from pathlib import Path
from typing import Any

from index.errors import BuildError
from index.files import replace_file

JOURNAL = "journal.jsonl"

_MOST_BYTES = 8_000_000

_STEP = 1_000_000
"""After every so many bytes, the journal is shortened if lines about small builds are as many."""

PUBLISHING = ("publish", "force", "rollback", "alias")
"""The events of which each names the build that is live from then on."""

_DAYS = 14
_COUNTED = {"publish": "published", "force": "published", "refuse": "refused"}

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
    content = _encode(line)
    try:
        with _alone(path) as file:
            size = file.seek(0, os.SEEK_END)
            if not _ends_a_line(path, size):
                content = b"\n" + content  # ends a line that a crash cut short
            try:
                if file.write(content) < len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError:
                os.truncate(path, size)
                raise
            if size // _STEP < (size + len(content)) // _STEP:
                with suppress(OSError):  # the line is there, and the next step tries again
                    _shorten(path)
    except OSError as error:
        raise BuildError(f"{path} can't be written ({event} was not recorded): {error}") from error


def read_journal(root: Path) -> list[dict[str, Any]]:
    """Return the entries of a folder's journal, oldest first; lines cut by a crash are skipped.

    Lines about the oldest small builds may be missing; :func:`count_small_builds` counts them, too.
    Of a journal of many megabytes only the end is read.

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
    return [entry for line in lines if (entry := _decode(line))]


def count_small_builds(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Count the small builds of each of the last days on which there were any.

    Args:
        entries: Entries of a journal, oldest first.

    Returns:
        JSON values for each day, oldest first: ``day``, ``published``, ``refused`` and ``last``,
        the time of the latest.
    """
    days: dict[str, dict[str, Any]] = {}
    for entry in entries:
        told = entry.get("days", [])
        if entry.get("small") and (counted := _COUNTED.get(entry.get("event", ""))):
            told = [{"day": str(entry["at"])[:10], counted: 1, "last": entry["at"]}]
        for one in told:
            day = days.setdefault(one["day"], {"day": one["day"], "published": 0, "refused": 0})
            for counted in ("published", "refused"):
                day[counted] += one.get(counted, 0)
            day["last"] = one["last"]
    return list(days.values())[-_DAYS:]


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


def _encode(line: dict[str, Any]) -> bytes:
    return (json.dumps(line, ensure_ascii=False) + "\n").encode()


def _decode(line: bytes) -> dict[str, Any]:
    """Returns a line's entry; an empty one for a line that a crash cut short."""
    with suppress(ValueError):
        if isinstance(entry := json.loads(line), dict):
            return entry
    return {}


@contextmanager
def _alone(path: Path) -> Iterator[FileIO]:
    """Opens the journal for appending, while nobody else appends to it or shortens it."""
    while True:
        with open(path, "ab", buffering=0, opener=_without_waiting) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):  # still the journal
                yield file
                return


def _shorten(path: Path) -> None:
    """Replaces the oldest half of the lines about small builds, or more, by their numbers.

    The last line of all that names a live build stays.
    """
    stat = path.stat()
    if stat.st_uid != os.geteuid():  # whoever owns it could not append to a file of ours
        return
    lines = path.read_bytes().splitlines(keepends=True)
    entries = [_decode(line) for line in lines]
    told = [not ("small" in entry or "days" in entry) for entry in entries]
    made_live = [place for place, entry in enumerate(entries) if entry.get("event") in PUBLISHING]
    if made_live:  # the last is needed to repair a root
        told[made_live[-1]] = True
    small = sum(len(line) for line, tell in zip(lines, told, strict=True) if not tell)
    if small < _STEP:
        return
    dropped, counted = max(small // 2, small - _STEP), []
    kept = []
    for line, entry, tell in zip(lines, entries, told, strict=True):
        if tell or dropped <= 0:
            kept.append(line)
        else:
            dropped -= len(line)
            counted.append(entry)
    days = {"at": counted[-1]["at"], "event": "count", "days": count_small_builds(counted)}
    replace_file(path, b"".join([_encode(days), *kept]))
    path.chmod(stat.st_mode)
    os.chown(path, -1, stat.st_gid)


def _ends_a_line(path: Path, size: int) -> bool:
    if size == 0:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"

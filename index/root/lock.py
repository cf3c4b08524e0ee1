"""The locks of a root: one process at a time makes builds, and one changes what is live."""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from index.errors import BuildError, BusyError, raised_as

LOCK = ".lock"
CURRENT_LOCK = ".current.lock"
"""Held while ``CURRENT`` changes or builds are removed; never for as long as a build takes."""

WATCH_LOCK = ".watch.lock"
_LOOK_SECONDS = 0.005


@contextmanager
def locked(root: Path, purpose: str, name: str = LOCK, wait: float = 0.0) -> Iterator[None]:
    """Lock a folder for the duration of the ``with`` block, against all other processes.

    If the process dies, the kernel releases the lock.

    Args:
        root: The folder, which must exist.
        purpose: What the lock is for; the error that other processes get names it.
        name: The name of the lock's file.
        wait: Seconds to wait for another process that holds the lock.

    Raises:
        BusyError: If another process holds the lock; the message says for what.
        BuildError: If the lock file can't be created.
    """
    with raised_as(BuildError, f"{root} can't be written: ", OSError):
        descriptor = os.open(root / name, os.O_RDWR | os.O_CREAT, 0o666)
    end = time.monotonic() + wait
    try:
        while not _take(descriptor):
            if time.monotonic() >= end:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
                raise BusyError(
                    f"{root} is in use: {holder or 'another process'}; wait until it has "
                    "finished, then try again"
                )
            time.sleep(_LOOK_SECONDS)
        with suppress(OSError):  # this is for messages only: a full disk must not stop a rollback
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{purpose} (process {os.getpid()})".encode(), 0)
        try:
            yield
        finally:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def work_in_progress(root: Path) -> str:
    """Return the purpose for which a process of this machine has locked a folder; empty if none.

    The lock itself is not touched, so that a process that wants it is not refused.
    """
    with suppress(OSError):
        text = (root / LOCK).read_text(errors="replace")
        if (told := re.fullmatch(r"(.+) \(process (\d+)\)", text)) is not None:
            with suppress(PermissionError):  # it is another user's
                os.kill(int(told[2]), 0)
            return told[1]
    return ""


def is_locked(root: Path, name: str = LOCK) -> bool:
    """Return whether a process of this machine has locked a folder with :func:`locked`."""
    try:
        descriptor = os.open(root / name, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False

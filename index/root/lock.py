"""The lock of a root: only one process at a time builds or publishes."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from index.errors import BuildError, BusyError

LOCK = ".lock"
WATCH_LOCK = ".watch.lock"


@contextmanager
def locked(root: Path, purpose: str, name: str = LOCK) -> Iterator[None]:
    """Lock a folder for the duration of the ``with`` block, against all other processes.

    If the process dies, the kernel releases the lock.

    Args:
        root: The folder, which must exist.
        purpose: What the lock is for; the error that other processes get names it.
        name: The name of the lock's file.

    Raises:
        BusyError: If another process holds the lock; the message says for what.
        BuildError: If the lock file can't be created.
    """
    try:
        descriptor = os.open(root / name, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise BuildError(f"{root} can't be written: {error}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            raise BusyError(
                f"{root} is in use: {holder or 'another process'}; wait until it has finished, "
                "then try again"
            ) from None
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

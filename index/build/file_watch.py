"""Notices when a mapped file of a build is written to, before a read of it ends the process.

A build's files never change, but a tool may not know. Reading a page of a mapping whose file was
cut short ends the process (SIGBUS). Linux can warn a reader: a lease holds up whoever opens a file
for writing, or cuts it short, until the reader has let go of it, for 45 seconds at most
(``/proc/sys/fs/lease-break-time``). It is given for files of one's own, or to root, on local file
systems; elsewhere a change is noticed after the fact, by size and time.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import threading
import weakref
from pathlib import Path

from index.errors import BuildError

_LEASES = hasattr(fcntl, "F_SETLEASE")
_BUSY = (errno.EAGAIN, errno.EWOULDBLOCK)


class FileWatch:
    """Watches files for as long as the object lives; then their leases are released."""

    def __init__(self) -> None:
        self._held: dict[Path, tuple[int, tuple[int, int] | None]] = {}
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._held)

    def add(self, path: Path) -> None:
        """Watch a file from now on; to be called before it is checked and mapped.

        Raises:
            BuildError: If someone has it open for writing, or it can't be opened.
        """
        with self._lock:
            if path in self._held:
                return
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except OSError as error:
                raise BuildError(f"{path} can't be read: {error}") from error
            try:
                leased = _lease(descriptor)
            except OSError as error:
                os.close(descriptor)
                raise BuildError(f"{path} is open for writing elsewhere") from error
            self._held[path] = descriptor, None if leased else _stamp(descriptor)

    def written_to(self) -> Path | None:
        """A file that was changed since it is watched, or that someone wants to change now."""
        with self._lock:
            for path, (descriptor, stamp) in self._held.items():
                if stamp is None:
                    changed = fcntl.fcntl(descriptor, fcntl.F_GETLEASE) != fcntl.F_RDLCK
                else:
                    changed = _stamp(descriptor) != stamp
                if changed:
                    return path
        return None


def _lease(descriptor: int) -> bool:
    """Take a lease on a file, if the system gives one."""
    if not _LEASES:
        return False
    try:
        # By default its holder gets SIGIO, which would end it; this one does nothing.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        if error.errno in _BUSY:
            raise
        return False
    return True


def _stamp(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_size, found.st_mtime_ns


def _close(held: dict[Path, tuple[int, tuple[int, int] | None]]) -> None:
    while held:
        os.close(held.popitem()[1][0])

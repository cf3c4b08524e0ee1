"""Notices when another process writes to a build's mapped files, before that can crash this one.

A build's files must not change, but a careless tool may still write to one. Reading a mapped file
after it was truncated kills the process (SIGBUS). On Linux the reader can take a lease on the file:
another process that opens the file for writing or truncates it then has to wait until the reader
closes the file, for at most 45 seconds (``/proc/sys/fs/lease-break-time``). Leases are granted for
local files that the process's user owns, and to root for all local files. Changes to other files
are noticed afterwards, by their size and modification time.
"""

import errno
import fcntl
import os
import signal
import threading
import weakref
from pathlib import Path

from index.errors import BuildError, raised_as

_MOUNTS = Path("/proc/self/mountinfo")
_BUSY = (errno.EAGAIN, errno.EWOULDBLOCK)


class FileWatch:
    """Watches files until the object is deleted, which also releases its leases on them."""

    def __init__(self) -> None:
        self._held: dict[Path, tuple[int, tuple[int, int] | None]] = {}
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._held)

    def add(self, path: Path) -> None:
        """Start watching a file; call this before the file is verified and mapped.

        Raises:
            BuildError: If another process has the file open for writing, or it can't be opened.
        """
        with self._lock:
            if path in self._held:
                return
            with raised_as(BuildError, f"{path} can't be read: ", OSError):
                descriptor = os.open(path, os.O_RDONLY)
            try:
                leased = _lease(descriptor)
            except OSError as error:
                os.close(descriptor)
                raise BuildError(
                    f"{path} is open for writing in another program, but a build must not change; "
                    "close it there"
                ) from error
            self._held[path] = descriptor, None if leased else _stamp(descriptor)

    def written_to(self) -> Path | None:
        """Return a watched file that was changed, or that another process is waiting to write to.

        Returns ``None`` if there is no such file.
        """
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
    """Take a lease on an open file; return whether the system granted it."""
    if not hasattr(fcntl, "F_SETSIG"):  # not Linux
        return False
    try:
        # By default the lease holder gets SIGIO, which would kill it; SIGURG is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        if error.errno in _BUSY and not _is_remote(descriptor):
            raise
        return False
    return True


def _is_remote(descriptor: int) -> bool:
    """Return whether a file lies on NFS or SMB: there a lease is refused as if it were busy."""
    device = os.fstat(descriptor).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in _MOUNTS.read_bytes().decode(errors="replace").split("\n"):
        mount, _, system = line.partition(" - ")
        if mount.split()[2:3] == [number]:
            return system.startswith(("nfs", "cifs", "smb"))
    return False


def _stamp(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_size, found.st_mtime_ns


def _close(held: dict[Path, tuple[int, tuple[int, int] | None]]) -> None:
    while held:
        os.close(held.popitem()[1][0])

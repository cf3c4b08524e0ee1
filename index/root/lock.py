"""The lock of a root: one builder at a time; the kernel frees a dead process's lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from index.errors import BuildError, BusyError

LOCK = ".lock"


@contextmanager
def locked(root: Path, purpose: str) -> Iterator[None]:
    """Hold a folder alone.

    Args:
        root: The folder, which exists.
        purpose: What for; named in the error of whoever finds it locked.

    Raises:
        BusyError: If another process holds it, naming what it does.
        BuildError: If the lock's file can't be made.
    """
    try:
        descriptor = os.open(root / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise BuildError(f"{root} can't be written: {error}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            raise BusyError(
                f"{root} is in use: {holder or 'another process'}; wait for it to end, "
                "then try again"
            ) from None
        with suppress(OSError):  # only a message: a full disk must not stop a rollback
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{purpose} (process {os.getpid()})".encode(), 0)
        yield
    finally:
        os.close(descriptor)

"""The one door to files that are named from outside: regular files, and nothing that blocks."""

from __future__ import annotations

import gzip
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

MAX_UNPACKED = 1024 * 1024 * 1024
MAX_RATIO = 100
"""A gzipped file that unpacks to more than so many bytes, and so many times its own, is no text."""

MAX_LINES = 1_000_000
"""Nor is one that unpacks to so many more lines than it has bytes."""

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotRegularError(OSError):
    """A pipe, a device, a socket or a folder stands where a file should."""


def open_regular(path: str | Path) -> io.BufferedReader:
    """Open a regular file for reading; never waits for whoever writes a pipe.

    Raises:
        NotRegularError: If it is anything else.
        OSError: If it can't be opened.
    """
    _check(os.stat(path), path)  # noqa: PTH116 - before it is opened: a device may act on that
    descriptor = os.open(path, _FLAGS)
    try:
        _check(os.fstat(descriptor), path)  # it may be another by now
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


@contextmanager
def open_unpacked(path: str | Path) -> Iterator[IO[bytes]]:
    """A regular file's content, unpacked if it is gzipped; see :func:`unpacked`."""
    with open_regular(path) as file, unpacked(file) as content:
        yield content


@contextmanager
def unpacked(file: io.BufferedReader) -> Iterator[IO[bytes]]:
    """What a file holds, unpacked if it is gzipped by its content: a name may lie.

    Reading raises:
        OSError: If it unpacks to more than the limits above allow.
    """
    if file.peek(2)[:2] != b"\x1f\x8b":
        yield file
        return
    packed = _Counted(file)
    with gzip.open(cast("IO[bytes]", packed), "rb") as content:
        yield io.BufferedReader(_Bounded(content, packed), 128 * 1024)


def _check(found: os.stat_result, path: str | Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise NotRegularError(0, f"it is {kind}, not a file", str(path))


class _Counted:
    """A file that knows how much of it was read."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.count += len(content)
        return content


class _Bounded(io.RawIOBase):
    """What is unpacked, as long as it is in proportion to what is read."""

    def __init__(self, content: gzip.GzipFile, packed: _Counted) -> None:
        self._content = content
        self._packed = packed
        self._count = 0
        self._lines = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._content.readinto(buffer)
        self._count += count
        if self._count > max(MAX_UNPACKED, MAX_RATIO * self._packed.count):
            raise OSError(
                f"it unpacks to more than {MAX_UNPACKED} bytes and {MAX_RATIO} times its size"
            )
        part = bytes(buffer[:count])
        self._lines += part.count(b"\n") + part.count(b"\r")
        if self._lines > 2 * (MAX_LINES + self._packed.count):
            raise OSError(f"it unpacks to {MAX_LINES} more lines than it has bytes")
        return count

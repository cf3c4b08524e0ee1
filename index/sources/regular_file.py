"""Opens files that users name: only regular files, so that opening never blocks."""

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from index.errors import SourceError

MAX_UNPACKED = 1024 * 1024 * 1024
MAX_RATIO = 100
"""A gzipped file is refused if it unpacks to more than MAX_UNPACKED bytes and, at the same time,
to more than MAX_RATIO times its own size."""

MAX_LINES = 1_000_000
"""A gzipped file is refused if it unpacks to this many more lines than it has bytes."""

OpenedFile = AbstractContextManager[io.BufferedReader]

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS = {"d": "a folder", "p": "a pipe", "s": "a socket", "c": "a device", "b": "a device"}


class NotRegularError(OSError):
    """The path is a pipe, a device, a socket or a folder, not a regular file."""


def open_regular(path: str | Path) -> io.BufferedReader:
    """Opens a regular file for reading; never blocks, as opening a pipe would.

    Raises:
        NotRegularError: If the path is not a regular file.
        OSError: If the file can't be opened.
    """
    _check(os.stat(path), path)  # noqa: PTH116 - before opening, on which a device may act
    descriptor = os.open(path, _FLAGS)
    try:
        _check(os.fstat(descriptor), path)  # the file may have been replaced since
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


@contextmanager
def open_unpacked(path: str | Path) -> Iterator[io.BufferedReader]:
    """Opens a regular file to read, for a ``with`` block; a gzipped one is unpacked."""
    with open_regular(path) as file, unpacked(file) as content:
        yield content


@contextmanager
def unpacked(file: io.BufferedReader) -> Iterator[io.BufferedReader]:
    """Yields a file to read: ``file`` itself or, if it is gzipped, its unpacked content.

    The file's first bytes decide whether it is gzipped, whatever its name. Reading raises an
    ``OSError`` if the content unpacks to more than :data:`MAX_RATIO` and :data:`MAX_LINES` allow.
    """
    if file.peek(2)[:2] != b"\x1f\x8b":
        yield file
        return
    packed = _Counted(file)
    with gzip.open(cast("IO[bytes]", packed), "rb") as content:
        yield io.BufferedReader(_Bounded(content, packed), 128 * 1024)


def in_memory(content: bytes) -> io.BufferedReader:
    """Returns a binary file in memory with the given content."""
    return io.BufferedReader(cast("io.RawIOBase", io.BytesIO(content)))


def read_whole(opened: OpenedFile, name: str, wanted: str, most: int) -> bytes:
    """Returns the whole content of a file.

    Args:
        opened: A context manager that gives the file, such as ``open_unpacked(path)``.
        name: The file's name, for messages.
        wanted: What kind of document is expected, for messages (``"a feed"``).
        most: The largest size that is allowed, in bytes.

    Raises:
        SourceError: If the file can't be read, or is larger than ``most``.
    """
    with file_errors(name, wanted), opened as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise SourceError(f"{name} is larger than {most} bytes; raise the source's max_bytes")
    return content


@contextmanager
def file_errors(name: str, wanted: str) -> Iterator[None]:
    """Turns the errors of a ``with`` block that reads a file into SourceErrors.

    Args:
        name: The file's name, for messages.
        wanted: What kind of file is expected, for messages (``"a .csv or .tsv file"``).

    Raises:
        SourceError: If there is no such file, or it can't be read to the end.
    """
    try:
        yield
    except (FileNotFoundError, NotRegularError) as error:
        raise SourceError(
            f"there is no file {name} ({error.strerror}); give the path of {wanted}"
        ) from error
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        raise SourceError(f"{name} can't be read to its end: {error}") from error


def _check(found: os.stat_result, path: str | Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.filemode(found.st_mode)[0], "something else")
        raise NotRegularError(0, f"it is {kind}, not a file", str(path))


class _Counted:
    """Wraps a file, and counts the bytes that are read from it."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.count += len(content)
        return content


class _Bounded(io.RawIOBase):
    """The unpacked content of a gzipped file; reading it fails once it has become too large.

    How large it may be depends on the number of packed bytes read so far.
    """

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
                f"the file unpacks to over {MAX_UNPACKED} bytes and over {MAX_RATIO} times its "
                "size: if you trust it, unpack it yourself"
            )
        part = bytes(buffer[:count])
        self._lines += part.count(b"\n") + part.count(b"\r")
        if self._lines > 2 * (MAX_LINES + self._packed.count):
            raise OSError(
                "the file unpacks to far too many lines for its size (its bytes and "
                f"{MAX_LINES} more): if you trust it, unpack it yourself"
            )
        return count

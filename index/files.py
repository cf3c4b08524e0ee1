"""Reading and writing the kinds of files that builds are made of: whole, synced and mapped."""

from __future__ import annotations

import bisect
import contextlib
import functools
import hashlib
import json
import mmap
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from index.errors import BuildError

_STRIDE = 64
_POPULATE_READ = 22  # Linux's MADV_POPULATE_READ, which the module mmap has no name for


def sync_folder(folder: Path) -> None:
    """Make names created or replaced in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_missing(path: Path) -> bool:
    """Whether there surely is no such file; ``False`` if that can't be found out."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False


def replace_file(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` in one step: readers see the old bytes or the new ones."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    write_file(beside, content)
    beside.replace(path)
    sync_folder(path.parent)


def write_file(path: Path, content: bytes) -> None:
    """Write and sync a file nobody reads yet; with the umask's mode, unlike ``tempfile``."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, value: Any) -> None:
    """Write and sync a JSON file for machines and people."""
    write_file(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


def save_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write a ``.npy`` file and sync it."""
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def load_array(path: Path) -> NDArray[np.generic]:
    """Map a ``.npy`` file read-only.

    Raises:
        BuildError: If it is missing or not an array.
    """
    try:
        array: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BuildError(f"{path} can't be read as an array: {error}") from error
    return array


def open_sqlite(path: Path) -> sqlite3.Connection:
    """Open a build's SQLite file, which never changes, for any thread.

    Raises:
        BuildError: If it can't be opened.
    """
    try:
        return sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise BuildError(f"{path} can't be opened: {error}") from error


def prefault(mapped: object) -> None:
    """Enter a mapping's pages into this process's table at once, where the system can.

    Otherwise each page costs a fault when it is first read, in the middle of a request.
    """
    if isinstance(mapped, mmap.mmap):
        with contextlib.suppress(OSError, ValueError):  # Linux before 5.14, other systems
            mapped.madvise(_POPULATE_READ)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_WAITING = 1 << 20
"""About how many bytes are written at a time."""


class BlobWriter:
    """Writes many byte strings into one file, and where each ends into a second.

    Args:
        path: The data file; ends lie beside it as ``<stem>_ends.npy``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ends: list[NDArray[np.int64]] = []
        self._waiting: list[bytes] = []
        self._size = 0
        self._room = _WAITING
        path.write_bytes(b"")

    def append(self, content: bytes) -> None:
        """Add the next string."""
        self._waiting.append(content)
        self._room -= len(content) + 1
        if self._room <= 0:
            self._write()

    def close(self) -> None:
        """Write and sync both files."""
        self._write()
        with self._path.open("rb") as file:
            os.fsync(file.fileno())
        save_array(ends_path(self._path), np.concatenate(self._ends))

    def _write(self) -> None:
        with self._path.open("ab") as file:  # so that no failing build leaves it open
            file.writelines(self._waiting)
        ends = self._size + np.cumsum([len(content) for content in self._waiting], dtype=np.int64)
        self._size = int(ends[-1]) if len(ends) else self._size
        self._ends.append(ends)
        self._waiting.clear()
        self._room = _WAITING


class Rows:
    """Rows of a mapped array as plain numbers.

    Indexing a numpy array makes an object of numpy's at each step; a request reads hundreds of
    numbers, and reading them through a memory view takes a tenth of the time.

    Args:
        array: Of one or two dimensions, contiguous.
    """

    __slots__ = ("_flat", "_width")

    def __init__(self, array: NDArray[np.generic]) -> None:
        self._width = array.shape[1] if array.ndim == 2 else 1
        self._flat = array.reshape(-1).data

    def __getitem__(self, row: int) -> memoryview:
        start = row * self._width
        return self._flat[start : start + self._width]


class Blob:
    """Reads what a :class:`BlobWriter` wrote, mapped rather than loaded.

    Args:
        path: The data file.
    """

    def __init__(self, path: Path) -> None:
        ends = load_array(ends_path(path))
        self._ends = ends.data
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                self._data: mmap.mmap | bytes = (
                    mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
                )
        except OSError as error:
            raise BuildError(f"{path} can't be read: {error}") from error
        if len(ends) and int(ends[-1]) != size:
            raise BuildError(f"{path} has {size} bytes, expected {int(ends[-1])}")
        prefault(ends.base)
        prefault(self._data)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: int) -> bytes:
        if not 0 <= row < len(self._ends):
            raise IndexError(row)
        ends = self._ends
        return self._data[ends[row - 1] if row else 0 : ends[row]]

    def several(self, rows: Iterable[int]) -> list[bytes]:
        """What ``self[row]`` gives for each of some rows, in less time."""
        data, ends = self._data, self._ends
        return [data[ends[row - 1] if row else 0 : ends[row]] for row in rows]

    def __iter__(self) -> Iterator[bytes]:
        start = 0
        for first in range(0, len(self._ends), 65_536):
            for end in self._ends[first : first + 65_536].tolist():
                yield self._data[start:end]
                start = end

    def find(self, wanted: bytes) -> int | None:
        """The position of a string among strings that ascend, by binary search."""
        data, ends = self._data, self._ends
        post = bisect.bisect_right(self._signposts, wanted)
        low, high = max(0, post - 1) * _STRIDE, min(post * _STRIDE, len(ends))
        while low < high:
            middle = (low + high) // 2
            found = data[ends[middle - 1] if middle else 0 : ends[middle]]
            if found == wanted:
                return middle
            if found < wanted:
                low = middle + 1
            else:
                high = middle
        return None

    @functools.cached_property
    def _signposts(self) -> list[bytes]:
        """Every 64th string, held: most of a search then needs no reading at all."""
        return [self[row] for row in range(0, len(self), _STRIDE)]


class Names(Sequence[str]):
    """Texts of a mapped file, read when asked for: a million names take no memory of ours.

    Args:
        blob: Their bytes, UTF-8.
    """

    __slots__ = ("_blob",)

    def __init__(self, blob: Blob) -> None:
        self._blob = blob

    def __len__(self) -> int:
        return len(self._blob)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self._blob[number].decode() for number in range(*index.indices(len(self)))]
        return self._blob[index].decode()


def save_names(path: Path, names: Iterable[str]) -> None:
    """Write what :class:`Names` reads."""
    writer = BlobWriter(path)
    for name in names:
        writer.append(name.encode())
    writer.close()


def ends_path(path: Path) -> Path:
    """Where the ends of a blob's strings are kept."""
    return path.with_name(f"{path.stem}_ends.npy")

"""Reading and writing a build's files: arrays, strings, SQLite; a build is synced when finished."""

import bisect
import contextlib
import errno
import functools
import hashlib
import json
import mmap
import os
import sqlite3
import stat
import threading
import time
import tokenize
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from index.errors import BuildError, raised_as

_PARSING = threading.Lock()
"""NumPy parses an array's header as Python, which fails now and then in two threads at once: Python
3.11 keeps the depth of what it parses for all threads together."""

_STRIDE = 64
_LARGEST = 1024 * 1024 * 1024
_POPULATE_READ = 22  # MADV_POPULATE_READ of Linux, which Python's mmap does not define


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that files created or renamed in it survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_regular(path: Path) -> bytes:
    """Read a whole regular file; a pipe or device is refused, so that reading never waits.

    Raises:
        OSError: If the file can't be read, is not a regular one, or is larger than 1 GB.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        if found.st_size > _LARGEST:
            raise OSError(errno.EFBIG, "the file is larger than 1 GB", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()  # with a largest size, it would ask for as much memory at once
    finally:
        os.close(descriptor)


def is_missing(path: Path) -> bool:
    """Return ``True`` if a file certainly does not exist, ``False`` if it does or may exist."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file's content atomically: readers see either the old bytes or the new ones."""
    # Other users may read it, as the umask says; `tempfile` would allow only its owner.
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Write an indented JSON file."""
    path.write_bytes((json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a build.

    Raises:
        BuildError: If the file is missing or no JSON.
    """
    with raised_as(BuildError, f"{path} can't be read: ", OSError, ValueError):
        content: dict[str, Any] = json.loads(read_regular(path))
    return content


def save_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write a ``.npy`` file."""
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def load_array(path: Path) -> NDArray[Any]:
    """Map a ``.npy`` file into memory, read-only.

    Raises:
        BuildError: If the file is missing or not an array.
    """
    broken = (OSError, ValueError, EOFError, tokenize.TokenError)
    with raised_as(BuildError, f"{path} can't be read as an array: ", *broken), _PARSING:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    # Taking rows of a plain array is faster than of NumPy's class of mapped ones.
    return np.asarray(mapped)


def mapped_part(array: NDArray[Any]) -> tuple[str, str, tuple[int, ...], int] | None:
    """Return what :func:`map_part` needs to map the same part of a file into memory.

    Returns ``None`` for an array that is not mapped from a file.
    """
    base: Any = array
    while base is not None and not isinstance(base, np.memmap):
        base = base.base if isinstance(base, np.ndarray) else None
    if base is None or base.filename is None or not array.flags.c_contiguous or not array.size:
        return None
    while isinstance(base.base, np.memmap):  # a view has the offset of the whole mapped array
        base = base.base
    offset = base.offset + array.ctypes.data - base.ctypes.data
    return str(Path(base.filename).resolve()), array.dtype.str, array.shape, int(offset)


def map_part(path: str, dtype: str, shape: tuple[int, ...], offset: int) -> NDArray[Any]:
    """Map a part of a file into memory, read-only, as an array."""
    return np.asarray(np.memmap(path, np.dtype(dtype), mode="r", offset=offset, shape=shape))


def open_sqlite(path: Path) -> sqlite3.Connection:
    """Open a build's SQLite file read-only; the file must not change.

    The connection can be used by any thread.

    Raises:
        BuildError: If the file can't be opened.
    """
    with raised_as(BuildError, f"{path} can't be opened: ", sqlite3.Error):
        return sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )


def open_unjournaled(path: Path | str, **options: Any) -> sqlite3.Connection:
    """Open an SQLite file to fill it without journal or syncing; a crash makes the file useless."""
    database: sqlite3.Connection = sqlite3.connect(path, isolation_level=None, **options)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    return database


def _prefault(mapped: object) -> None:
    """Load all pages of a memory-mapped file into memory now, if the system supports that.

    Otherwise a request that is the first to read a page would have to wait for it.
    """
    if isinstance(mapped, mmap.mmap):
        with contextlib.suppress(OSError, ValueError):  # not possible before Linux 5.14
            mapped.madvise(_POPULATE_READ)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_SETTLED = 20_000_000
"""Nanoseconds after which a file that changes again has another time: a clock tick is shorter."""

_MOST_KNOWN = 10_000
_known: dict[tuple[int, ...], str] = {}


def known_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, which this process computes once per file.

    It is computed again if the file was written, replaced or touched since, by any process.
    """
    found = path.stat()
    last = max(found.st_mtime_ns, found.st_ctime_ns)
    key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if key in _known:
        return _known[key]
    settled = time.time_ns() - last > _SETTLED
    digest = file_sha256(path)
    if settled:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = digest
    return digest


_WAITING = 1 << 20
"""Approximate number of bytes that a ``BlobWriter`` collects before it writes them to the file."""


class BlobWriter:
    """Writes many byte strings into one data file, and where each string ends into a second file.

    Args:
        path: The data file; the second file, ``<stem>_ends.npy``, is written beside it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ends: list[NDArray[np.int64]] = []
        self._waiting: list[bytes] = []
        self._size = 0
        self._room = _WAITING
        path.write_bytes(b"")

    def append(self, content: bytes) -> None:
        """Append a byte string."""
        self._waiting.append(content)
        self._room -= len(content) + 1
        if self._room <= 0:
            self._write()

    def extend(self, content: memoryview, ends: NDArray[np.int64]) -> None:
        """Append many byte strings at once, in the form in which :meth:`Blob.part` returns them.

        Args:
            content: The byte strings, one after another.
            ends: The position in ``content`` at which each of them ends.
        """
        self._write()
        with self._path.open("ab") as file:
            file.write(content)
        self._ends.append(self._size + ends)
        self._size += len(content)

    def close(self) -> None:
        """Write what is left to both files; nothing can be appended afterwards."""
        self._write()
        save_array(ends_path(self._path), np.concatenate(self._ends))

    def _write(self) -> None:
        with self._path.open("ab") as file:  # a failed build leaves no open file
            file.writelines(self._waiting)
        ends = self._size + np.cumsum([len(content) for content in self._waiting], dtype=np.int64)
        self._size = int(ends[-1]) if len(ends) else self._size
        self._ends.append(ends)
        self._waiting.clear()
        self._room = _WAITING


class Rows:
    """Reads the rows of an array as plain Python numbers: ``rows[5]`` is a memory view of one row.

    Indexing a NumPy array creates a NumPy object each time. A request reads hundreds of numbers,
    and reading them through a memory view takes a tenth of the time.

    Args:
        array: A contiguous array of one or two dimensions.
    """

    __slots__ = ("_flat", "_width")

    def __init__(self, array: NDArray[np.generic]) -> None:
        self._width = array.shape[1] if array.ndim == 2 else 1
        self._flat = array.reshape(-1).data

    def __getitem__(self, row: int) -> memoryview:
        start = row * self._width
        return self._flat[start : start + self._width]


class Blob:
    """Reads the byte strings that a :class:`BlobWriter` wrote, from memory-mapped files.

    Opening it reads all of it once, so that later reads need not wait for the disk.

    Args:
        path: The data file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        ends = load_array(ends_path(path))
        self._ends = ends.data
        with raised_as(BuildError, f"{path} can't be read: ", OSError), path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self._data: mmap.mmap | bytes = (
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
            )
        if len(ends) and int(ends[-1]) != size:
            raise BuildError(f"{path} has {size} bytes, expected {int(ends[-1])}; make a new build")
        _prefault(self._data)

    def __reduce__(self) -> tuple[type["Blob"], tuple[Path]]:
        """Pickle only the path: another process opens the files again."""
        return Blob, (self._path.resolve(),)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: int) -> bytes:
        if not 0 <= row < len(self._ends):
            raise IndexError(f"there is no row {row} among {len(self)} rows")
        ends = self._ends
        return self._data[ends[row - 1] if row else 0 : ends[row]]

    def several(self, rows: Iterable[int]) -> list[bytes]:
        """Return the byte strings of several rows; this is faster than reading them one by one."""
        data, ends = self._data, self._ends
        return [data[ends[row - 1] if row else 0 : ends[row]] for row in rows]

    def part(self, start: int, stop: int) -> tuple[memoryview, NDArray[np.int64]]:
        """Return the byte strings ``start`` to ``stop`` - 1 as one, and where each ends in it."""
        ends = np.asarray(self._ends[start:stop])
        first = self._ends[start - 1] if start else 0
        return memoryview(self._data)[first : int(ends[-1]) if len(ends) else first], ends - first

    def __iter__(self) -> Iterator[bytes]:
        start = 0
        for first in range(0, len(self._ends), 65_536):
            for end in self._ends[first : first + 65_536].tolist():
                yield self._data[start:end]
                start = end

    def find(self, wanted: bytes) -> int | None:
        """Return the position of a byte string, found by binary search; ``None`` if it is missing.

        The byte strings in the file must be sorted.
        """
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
        """Every 64th string, kept in memory so that a search reads few strings from the file."""
        return [self[row] for row in range(0, len(self), _STRIDE)]


def open_blob(path_of: Callable[[str], Path], name: str) -> Blob:
    """Open the byte strings in a file of a build, of which ``path_of`` returns the files' paths."""
    path_of(ends_path(Path(name)).name)
    return Blob(path_of(name))


class Names(Sequence[str]):
    """A sequence of texts in a memory-mapped file, each decoded when it is read.

    Args:
        blob: The texts, encoded in UTF-8.
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
    """Write texts into a file, from which :class:`Names` reads them."""
    writer = BlobWriter(path)
    for name in names:
        writer.append(name.encode())
    writer.close()


def ends_path(path: Path) -> Path:
    """Return the path of the file that says where each string of a data file ends.

    Args:
        path: The data file.
    """
    return path.with_name(f"{path.stem}_ends.npy")

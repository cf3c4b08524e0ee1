"""Arrays of an unfinished build, in files of its folder rather than in memory.

They are written from first to last, like any file, so that a full disk is met by an error where a
mapped page would end the process; only what is finished is mapped.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from index.errors import BuildError


class FolderWorkspace:
    """A :class:`recommender.arrays.Workspace` in a folder.

    Args:
        folder: Gets a file ``NAME.npy`` for each column.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()

    def column(self, name: str, dtype: DTypeLike, width: int = 0) -> FileColumn:
        """See :class:`recommender.arrays.Workspace`."""
        self._names.add(name)
        return FileColumn(self._folder / f"{name}.npy", dtype, width)

    def drop(self, *names: str) -> None:
        """See :class:`recommender.arrays.Workspace`."""
        for name in names:
            self._names.discard(name)
            (self._folder / f"{name}.npy").unlink(missing_ok=True)

    def sync(self) -> None:
        """Sync every column that was not dropped to the disk."""
        for name in sorted(self._names):
            with (self._folder / f"{name}.npy").open("rb") as file:
                os.fsync(file.fileno())


class FileColumn:
    """An array that grows in a ``.npy`` file.

    Args:
        path: The file.
        dtype: Of its values.
        width: Values per row; 0 for an array of one dimension.
    """

    def __init__(self, path: Path, dtype: DTypeLike, width: int) -> None:
        self._path = path
        self._dtype = np.dtype(dtype)
        self._row = (width,) if width else ()
        self._count = 0
        with path.open("wb") as file:
            self._write_header(file)

    def append(self, block: NDArray[Any]) -> None:
        """See :class:`recommender.arrays.Column`."""
        if block.shape[1:] != self._row:
            raise BuildError(f"{self._path}: rows of {block.shape[1:]}, expected {self._row}")
        with self._path.open("ab") as file:  # so that no failing build leaves it open
            file.write(np.ascontiguousarray(block, dtype=self._dtype).data)
        self._count += len(block)

    def finish(self) -> NDArray[Any]:
        """Every row, mapped; what is changed there is changed in the file."""
        with self._path.open("r+b") as file:
            self._write_header(file)
        size = self._path.stat().st_size
        if not self._count:
            return np.empty((0, *self._row), dtype=self._dtype)
        offset = size - self._count * math.prod(self._row) * self._dtype.itemsize
        shape = (self._count, *self._row)
        mapped = np.memmap(self._path, self._dtype, mode="r+", offset=offset, shape=shape)
        return np.asarray(mapped)

    def _write_header(self, file: BinaryIO) -> None:
        """Write the header; NumPy pads it, so that its length does not depend on the count."""
        np.lib.format.write_array_header_1_0(
            file,
            {
                "descr": np.lib.format.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": (self._count, *self._row),
            },
        )

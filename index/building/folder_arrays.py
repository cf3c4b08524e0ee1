"""Arrays of a build in progress, kept in files of its folder rather than in memory.

Rows are appended to a file, and the file is memory-mapped only when it is complete. So a full disk
raises an error; writing to a mapped page would kill the process.
"""

import math
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from index.errors import BuildError


class FolderWorkspace:
    """A :class:`recommender.arrays.Workspace` that keeps its arrays as files in a folder.

    Args:
        folder: The folder, which gets a file ``NAME.npy`` for each array.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def column(self, name: str, dtype: DTypeLike, width: int = 0) -> "FileColumn":
        """Starts an array, in a new file, that grows by rows of ``width`` values (0: of one)."""
        return FileColumn(self._folder / f"{name}.npy", dtype, width)

    def drop(self, *names: str) -> None:
        """Removes the files of complete arrays, which may not be read afterwards."""
        for name in names:
            (self._folder / f"{name}.npy").unlink(missing_ok=True)


class FileColumn:
    """An array in a ``.npy`` file that rows are appended to.

    Args:
        path: The file.
        dtype: Type of the values.
        width: Values per row; 0 for a one-dimensional array.
    """

    def __init__(self, path: Path, dtype: DTypeLike, width: int) -> None:
        self._path = path
        self._dtype = np.dtype(dtype)
        self._row = (width,) if width else ()
        self._count = 0
        with path.open("wb") as file:
            self._write_header(file)

    def append(self, block: NDArray[Any]) -> None:
        """Adds rows at the end; they must have the width given at the start."""
        if block.shape[1:] != self._row:
            raise BuildError(
                f"{self._path}: a new row has shape {block.shape[1:]}, but must have {self._row}"
            )
        with self._path.open("ab") as file:  # opened per call, so a failing build leaves none open
            file.write(np.ascontiguousarray(block, dtype=self._dtype).data)
        self._count += len(block)

    def finish(self) -> NDArray[Any]:
        """Returns all rows, memory-mapped; changes to the array change the file."""
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
        """Writes the file's header over the old one.

        NumPy pads headers, so the length does not depend on the number of rows.
        """
        np.lib.format.write_array_header_1_0(
            file,
            {
                "descr": np.lib.format.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": (self._count, *self._row),
            },
        )

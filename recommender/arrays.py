"""Storage of arrays while a corpus is related: in memory, or wherever the caller has more room.

Every stage reads and writes its arrays in blocks of rows, from first to last, so that none needs
to be in memory whole. This package writes no files; a build hands in a workspace that does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray


class Column(Protocol):
    """An array that grows block by block."""

    def append(self, block: NDArray[Any]) -> None:
        """Add rows at the end."""
        ...

    def finish(self) -> NDArray[Any]:
        """All rows that were added; nothing can be added after."""
        ...


class Workspace(Protocol):
    """Stores arrays that grow with the corpus."""

    def column(self, name: str, dtype: DTypeLike, width: int = 0) -> Column:
        """Start an array that grows by rows.

        Args:
            name: What the array is; one column of a name at a time.
            dtype: Of its values.
            width: Values per row; 0 for an array of one dimension.
        """
        ...

    def drop(self, *names: str) -> None:
        """Free finished columns; their arrays may not be read after."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseRows:
    """Some rows of a sparse matrix as arrays, so that blocks can be joined and sent.

    Attributes:
        data: Shape (entries,), float32.
        indices: Shape (entries,), int32: their columns.
        lengths: Shape (rows,), int64: how many entries are each row's.
    """

    data: NDArray[np.float32]
    indices: NDArray[np.int32]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, rows: sp.csr_matrix) -> SparseRows:
        """The rows of a CSR matrix."""
        return cls(data=rows.data, indices=rows.indices, lengths=np.diff(rows.indptr))


class MatrixColumns:
    """A sparse matrix that grows by rows, in three columns of a workspace.

    Args:
        workspace: Gets the columns ``…_data``, ``…_indices`` and ``…_indptr``.
        name: What their names begin with.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._data = workspace.column(f"{name}_data", np.float32)
        self._indices = workspace.column(f"{name}_indices", np.int32)
        self._ends = workspace.column(f"{name}_indptr", np.int64)
        self._ends.append(np.zeros(1, dtype=np.int64))
        self._size = 0

    def append(self, rows: SparseRows) -> None:
        """Add rows at the end."""
        self._data.append(rows.data)
        self._indices.append(rows.indices)
        self._ends.append(self._size + np.cumsum(rows.lengths, dtype=np.int64))
        self._size += len(rows.data)

    def finish(self, width: int) -> sp.csr_matrix:
        """The matrix, of ``width`` columns."""
        indptr = self._ends.finish()
        parts = (self._data.finish(), self._indices.finish(), indptr)
        return sp.csr_matrix(parts, shape=(len(indptr) - 1, width), copy=False)


def find_sorted(ascending: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.int64]:
    """Where each value stands in an ascending array, -1 for values that are not in it.

    Args:
        ascending: Shape (n,), each value once.
        wanted: Shape (k,), of the same type.

    Returns:
        Shape (k,), int64.
    """
    places = np.searchsorted(ascending, wanted)
    held = places < len(ascending)
    held[held] = ascending[places[held]] == wanted[held]
    return np.where(held, places, -1)


class _MemoryColumn:
    def __init__(self, dtype: DTypeLike, width: int) -> None:
        self._blocks: list[NDArray[Any]] = [np.empty((0, width) if width else 0, dtype=dtype)]

    def append(self, block: NDArray[Any]) -> None:
        self._blocks.append(block.astype(self._blocks[0].dtype, copy=False))

    def finish(self) -> NDArray[Any]:
        found = np.concatenate(self._blocks)
        self._blocks.clear()
        return found


class MemoryWorkspace:
    """Keeps every array in memory; nothing outlives the arrays themselves."""

    def column(self, name: str, dtype: DTypeLike, width: int = 0) -> Column:  # noqa: ARG002 - in memory, what a column is called is all the same
        """See :class:`Workspace`."""
        return _MemoryColumn(dtype, width)

    def drop(self, *names: str) -> None:
        """See :class:`Workspace`."""


IN_MEMORY = MemoryWorkspace()

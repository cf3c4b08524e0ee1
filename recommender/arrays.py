"""Storage for the arrays of the ranking stages, in a workspace that keeps them in memory.

Every stage reads and writes its arrays in blocks of rows, from first to last, so no array needs to
be in memory as a whole. A build therefore passes in a workspace that keeps the arrays in files.
"""

import itertools
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray

_TOGETHER = 1_024
"""Number of runs of rows that are appended to a matrix at once."""


class Column(Protocol):
    """An array that grows block by block."""

    def append(self, block: NDArray[Any]) -> None:
        """Add rows at the end."""
        ...

    def finish(self) -> NDArray[Any]:
        """Return all rows that were appended; nothing may be appended afterwards."""
        ...


class Workspace(Protocol):
    """A store for the arrays whose size grows with the corpus."""

    def column(self, name: str, dtype: DTypeLike, width: int = 0) -> Column:
        """Start an empty array of this workspace that grows by rows.

        Args:
            name: Name of the array, which no other array of the workspace may have.
            dtype: Type of its values.
            width: Number of values per row; 0 for a one-dimensional array.
        """
        ...

    def drop(self, *names: str) -> None:
        """Free the space of complete arrays, which may not be read afterwards."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseRows:
    """Some rows of a sparse matrix as plain arrays, easy to join and to send to other processes.

    Attributes:
        data: Shape (entries,), float32: the values.
        indices: Shape (entries,), int32: the column of each value.
        lengths: Shape (rows,), int64: the number of entries of each row.
    """

    data: NDArray[np.float32]
    indices: NDArray[np.int32]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, rows: sp.csr_matrix) -> "SparseRows":
        """Convert the rows of a CSR matrix to plain arrays."""
        return cls(data=rows.data, indices=rows.indices, lengths=np.diff(rows.indptr))


class MatrixColumns:
    """A sparse matrix that grows by rows, stored as three arrays of a workspace.

    Args:
        workspace: Stores the arrays ``NAME_data``, ``NAME_indices`` and ``NAME_indptr``, which
            :func:`drop_matrix` frees.
        name: The prefix ``NAME`` of the arrays' names.
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
        """Return the complete matrix, with ``width`` columns; no rows may be added afterwards."""
        indptr = self._ends.finish()
        parts = (self._data.finish(), self._indices.finish(), indptr)
        return sp.csr_matrix(parts, shape=(len(indptr) - 1, width), copy=False)


def drop_matrix(workspace: Workspace, name: str) -> None:
    """Free the space of the arrays of a complete matrix; see :class:`MatrixColumns`."""
    workspace.drop(*(f"{name}_{part}" for part in ("data", "indices", "indptr")))


def carry_matrix(
    old: sp.csr_matrix,
    rows: NDArray[np.integer],
    fresh: sp.csr_matrix,
    workspace: Workspace,
    name: str,
    columns: NDArray[np.int32] | None = None,
) -> sp.csr_matrix:
    """Combine rows of an older matrix and rows that were computed anew into one matrix.

    Args:
        old: The older matrix.
        rows: Shape (n,): for each row of the result, the row of ``old`` to copy; -1 to take the
            next row of ``fresh``.
        fresh: The rows that were computed anew, in the order of the result.
        workspace: Stores the result.
        name: The prefix of the arrays' names; see :class:`MatrixColumns`.
        columns: Shape (columns of old,), int32: the column of the result to which each column of
            ``old`` moves; by default columns keep their numbers.

    Returns:
        Shape (n, columns of fresh), float32 CSR.
    """
    new = rows < 0
    source = np.where(new, np.cumsum(new) - 1, rows)
    breaks = np.flatnonzero((np.diff(source) != 1) | (new[1:] != new[:-1])) + 1
    plain = [(np.asarray(one.data), np.asarray(one.indices), one.indptr) for one in (old, fresh)]
    matrix = MatrixColumns(workspace, name)
    waiting: list[tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int64]]] = []
    ends = [*breaks.tolist(), len(rows)] if len(rows) else []
    for start, stop in itertools.pairwise([0, *ends]):
        data, indices, indptr = plain[int(new[start])]
        bounds = indptr[source[start] : source[stop - 1] + 2]
        here = slice(bounds[0], bounds[-1])
        moved = indices[here] if columns is None or new[start] else columns[indices[here]]
        waiting.append((data[here], moved, np.diff(bounds)))
        if len(waiting) == _TOGETHER or stop == len(rows):
            parts = [np.concatenate(some) for some in zip(*waiting, strict=True)]
            matrix.append(SparseRows(data=parts[0], indices=parts[1], lengths=parts[2]))
            waiting.clear()
    return matrix.finish(fresh.shape[1])


def find_sorted(ascending: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.int64]:
    """Find the position of each wanted value in a sorted array.

    Args:
        ascending: Shape (n,), distinct values, ascending.
        wanted: Any shape, values of the same type.

    Returns:
        The same shape, int64: the position of each value; -1 if it is missing.
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
    """A workspace that keeps every array in memory until nothing refers to it."""

    def column(self, name: str, dtype: DTypeLike, width: int = 0) -> Column:  # noqa: ARG002 - the protocol has a name, which memory does not need
        """Start an array that grows by rows; see :meth:`Workspace.column`."""
        return _MemoryColumn(dtype, width)

    def drop(self, *names: str) -> None:
        """Do nothing: an array is freed when nothing refers to it any more."""


IN_MEMORY = MemoryWorkspace()

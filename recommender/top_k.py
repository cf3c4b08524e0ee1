"""Top-k selection: the largest entries of each matrix row, ordered by (-score, column)."""

import itertools

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.neighbors import NO_ROW, Neighbors

NO_KEY = np.iinfo(np.int64).max
"""Key that marks a missing entry; it sorts after all others."""

_CELLS = 500_000
_LONG, _STRIDE, _SPARE = 8, 8, 12
_LOW = np.int64(0xFFFFFFFF)


def top_of_rows(
    matrix: sp.csr_matrix, keep: int, skip: NDArray[np.int64] | None = None
) -> Neighbors:
    """Return each row's largest entries, sorted by (-value, column).

    Args:
        matrix: Any float32 CSR matrix.
        keep: Number of entries to keep per row.
        skip: Shape (rows,), int64: one column to leave out of each row; by default none.

    Returns:
        Columns and values of the entries, shape (rows, ``keep``).
    """
    matrix = _drop_small_entries(matrix, keep + 1)
    count = matrix.shape[0]
    lengths = np.diff(matrix.indptr)
    keys = sort_keys(matrix.data, matrix.indices)
    if skip is not None:
        keys[matrix.indices == np.repeat(skip, lengths)] = NO_KEY
    best = np.full((count, keep), NO_KEY, dtype=np.int64)
    step = max(1, _CELLS // max(1, int(lengths.max(initial=0))))
    for start in range(0, count, step):
        stop = min(start + step, count)
        here = lengths[start:stop]
        padded = np.full((stop - start, int(here.max(initial=0))), NO_KEY, dtype=np.int64)
        inside = np.arange(padded.shape[1]) < here[:, None]
        padded[inside] = keys[matrix.indptr[start] : matrix.indptr[stop]]
        best[start:stop, : min(keep, padded.shape[1])] = _smallest(padded, keep)
    return from_keys(best)


def _drop_small_entries(matrix: sp.csr_matrix, keep: int) -> sp.csr_matrix:
    """Drop most entries that can't be among the ``keep`` largest of their row.

    From every eighth entry of a long row, a bound is found that at least ``keep`` of the row's
    entries reach; entries below the bound are dropped.
    """
    parts: list[NDArray[np.intp]] = []
    ends = matrix.indptr.tolist()
    for begin, end in itertools.pairwise(ends):
        values = matrix.data[begin:end]
        kept = np.arange(len(values))
        if len(values) > _LONG * (keep + _SPARE):
            sample = values[::_STRIDE]
            position = len(sample) - keep // _STRIDE - _SPARE
            bound = np.partition(sample, position)[position]
            above = np.flatnonzero(values >= bound)
            kept = above if len(above) >= keep else kept
        parts.append(kept + begin)
    taken = np.concatenate(parts) if parts else np.empty(0, dtype=np.intp)
    if len(taken) == matrix.nnz:
        return matrix
    indptr = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    return sp.csr_matrix((matrix.data[taken], matrix.indices[taken], indptr), shape=matrix.shape)


def _smallest(keys: NDArray[np.int64], keep: int) -> NDArray[np.int64]:
    """Return the ``keep`` smallest keys of each row, ascending; reorders ``keys`` in place."""
    if keys.shape[1] > keep:
        keys.partition(keep - 1, axis=1)
        keys = keys[:, :keep]
    return np.sort(keys, axis=1)


def sort_keys(scores: NDArray[np.float32], columns: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return an int64 key for each entry, so that ascending keys sort entries by (-score, column).

    The bits of a float, read as an integer, sort like the float once the bits of negative numbers
    are inverted. So one sort of integers replaces a sort by two keys.
    """
    bits = np.ascontiguousarray(scores, dtype=np.float32).view(np.int32)
    rising = bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))
    return (~rising).astype(np.int64) << 32 | columns.astype(np.int64)


def from_keys(keys: NDArray[np.int64]) -> Neighbors:
    """Return the columns and scores from which :func:`sort_keys` made the keys.

    :data:`NO_KEY` becomes ``NO_ROW`` with the score ``-inf``.
    """
    rising = ~(keys >> 32).astype(np.int32)
    bits = rising ^ ((rising >> 31) & np.int32(0x7FFFFFFF))
    missing = keys == NO_KEY
    rows = np.where(missing, NO_ROW, keys & _LOW).astype(np.int32)
    scores = np.where(missing, np.float32(-np.inf), bits.view(np.float32))
    return Neighbors(rows=rows, scores=scores.astype(np.float32, copy=False))

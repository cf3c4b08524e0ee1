"""Lexical candidates: an inverted index of the articles in which each term weighs most.

The similarity of all pairs would take quadratic time. So an article is looked up by its heaviest
terms only, and each term has a bounded list of postings: the work per article is bounded. That is
enough to find candidates; :func:`similarities` scores them exactly.
"""

from __future__ import annotations

import itertools

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, MatrixColumns, SparseRows, Workspace
from recommender.neighbors import NO_ROW, Rows
from recommender.parallel import BlockMapper, blocks_by_size, equal_blocks, in_turn, map_in_threads
from recommender.top_k import top_of_rows

QUERY_TERMS = 32
"""How many of its heaviest terms an article is looked up by."""

POSTINGS = 512
"""Longest list of postings of a term: the articles in which it weighs most."""

_ENTRIES = 16_000_000
"""Entries of the weights that are transposed at a time: 0.4 GB at the peak."""

_ROWS = 65_536
_SCORED = 16  # few enough for their candidates to stay in the cache


def make_postings(
    weights: sp.csr_matrix, workspace: Workspace = IN_MEMORY, mapper: BlockMapper = map_in_threads
) -> sp.csr_matrix:
    """The postings of each term: shape (terms, n), float32 CSR, the heaviest entries of each row.

    Args:
        weights: Shape (n, terms): see :class:`recommender.lexical.LexicalVectors`.
        workspace: Gets the columns ``postings_data``, ``…_indices`` and ``…_indptr``.
        mapper: Maps over ranges of terms, elsewhere than on this machine if at all.
    """
    count, width = weights.shape
    holders = np.zeros(width, dtype=np.int64)
    for start in range(0, weights.nnz, _ENTRIES):
        holders += np.bincount(weights.indices[start : start + _ENTRIES], minlength=width)

    def find(first: int, last: int) -> SparseRows:
        return SparseRows.of(_heaviest_per_row(_transpose(weights, first, last), POSTINGS))

    matrix = MatrixColumns(workspace, "postings")
    ranges = blocks_by_size(np.cumsum(holders), _ENTRIES)
    for rows in in_turn(mapper)(find, ranges, stage="postings"):
        matrix.append(rows)
    return matrix.finish(count)


def _transpose(weights: sp.csr_matrix, first: int, last: int) -> sp.csr_matrix:
    """The columns from ``first`` to before ``last`` as rows: shape (terms, n)."""
    whole = last - first == weights.shape[1]

    def part(
        start: int, stop: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int64]]:
        here = slice(int(weights.indptr[start]), int(weights.indptr[stop]))
        columns, data = weights.indices[here], weights.data[here]
        ends = weights.indptr[start : stop + 1] - here.start
        if whole:
            return data, columns, np.diff(ends)
        inside = (columns >= first) & (columns < last)
        lengths = np.diff(np.concatenate([[0], np.cumsum(inside)])[ends])
        return data[inside], columns[inside] - np.int32(first), lengths

    parts = list(map_in_threads(part, equal_blocks(weights.shape[0], _ROWS)))
    data, columns, lengths = (np.concatenate(some) for some in zip(*parts, strict=True))
    del parts
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    shape = (weights.shape[0], last - first)
    return sp.csr_matrix((data, columns, indptr), shape=shape).T.tocsr()


def _heaviest_per_row(matrix: sp.csr_matrix, keep: int) -> sp.csr_matrix:
    """Each row's ``keep`` largest entries; of equal entries the first."""
    lengths = np.diff(matrix.indptr)
    kept = np.ones(matrix.nnz, dtype=bool)
    for row in np.flatnonzero(lengths > keep).tolist():
        begin, end = matrix.indptr[row], matrix.indptr[row + 1]
        values = matrix.data[begin:end]
        least = np.partition(values, end - begin - keep)[end - begin - keep]
        chosen = values > least
        equal = np.flatnonzero(values == least)
        chosen[equal[: keep - int(chosen.sum())]] = True
        kept[begin:end] = chosen
    indptr = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return sp.csr_matrix((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


def search_postings(
    queries: sp.csr_matrix,
    postings: sp.csr_matrix,
    keep: int,
    among: NDArray[np.bool_] | None = None,
) -> Rows:
    """The rows with the largest lexical similarity to each of a few texts, by their heaviest terms.

    Args:
        queries: Shape (texts, terms), float32 CSR: the texts' term weights.
        postings: See :func:`make_postings`.
        keep: Rows per text.
        among: Shape (n,): which rows may be found; all of them by default.

    Returns:
        Shape (texts, keep), int32; :data:`~recommender.neighbors.NO_ROW` at the end.
    """
    found = _heaviest_per_row(queries, QUERY_TERMS) @ postings
    if among is not None:
        found.data[~among[found.indices]] = 0.0
        found.eliminate_zeros()
    return top_of_rows(found, keep).rows


def similarities(own: sp.csr_matrix, weights: sp.csr_matrix, rows: Rows) -> NDArray[np.float32]:
    """Exact lexical similarity of a few texts with some rows each.

    Args:
        own: Shape (texts, terms), float32 CSR: the texts' term weights.
        weights: Shape (n, terms), float32 CSR: the corpus's term weights.
        rows: Shape (texts, k), int32; :data:`~recommender.neighbors.NO_ROW` only at the end.

    Returns:
        Shape (texts, k), float32; 0 where there is no row.
    """
    found = np.zeros(rows.shape, dtype=np.float32)
    words = np.zeros(weights.shape[1], dtype=np.float32)  # one text's weights, by term
    present = rows != NO_ROW
    for start in range(0, len(rows), _SCORED):
        here = slice(start, start + _SCORED)
        theirs = weights[rows[here][present[here]]]
        ends = np.concatenate([[0], np.cumsum(present[here].sum(axis=1))])
        sums = np.empty(theirs.shape[0], dtype=np.float32)
        for position, (first, last) in enumerate(itertools.pairwise(ends.tolist()), start):
            mine = slice(own.indptr[position], own.indptr[position + 1])
            words[own.indices[mine]] = own.data[mine]
            sums[first:last] = _slice_rows(theirs, first, last) @ words
            words[own.indices[mine]] = 0.0
        found[here][present[here]] = sums
    return found


def _slice_rows(matrix: sp.csr_matrix, first: int, last: int) -> sp.csr_matrix:
    """Rows of a CSR matrix as a view; slicing the matrix would copy them."""
    indptr = matrix.indptr[first : last + 1]
    here = slice(indptr[0], indptr[-1])
    parts = (matrix.data[here], matrix.indices[here], indptr - indptr[0])
    return sp.csr_matrix(parts, shape=(last - first, matrix.shape[1]), copy=False)

"""Finds lexical candidates with postings: for each term, the articles in which it weighs most.

Comparing all pairs of articles would take quadratic time. To limit the work per article, only the
postings of its heaviest terms are searched, and they list a limited number of articles for each
term. That is enough to find candidates, whose exact similarity is then computed.

A text's 32 terms are in the postings of up to 16,384 articles, of which a few dozen are wanted. In
a large corpus, summing up the weights of each would mostly be waiting for memory. So they are first
summed up by buckets, into which articles fall by the last bits of their row: the sum of a bucket is
no less than that of any of its articles. Only what is in the best buckets is then summed up article
by article, and if the last article to be returned has more than all buckets that were left out,
nothing else can be among the best.
"""

import itertools

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, MatrixColumns, SparseRows, Workspace, carry_matrix
from recommender.neighbors import NO_ROW, Neighbors, Rows
from recommender.parallel import BlockMapper, blocks_by_size, equal_blocks, in_turn, map_in_threads
from recommender.top_k import NO_KEY, from_keys, sort_keys, top_of_rows

QUERY_TERMS = 32
"""Number of an article's heaviest terms whose postings are searched for it."""

POSTINGS = 512
"""Most articles in the postings of a term; those in which it weighs most are kept."""

_ENTRIES = 16_000_000
"""Number of matrix entries transposed at a time, which take up to 0.4 GB of memory."""

_ROWS = 65_536

_CACHED = 131_072  # articles whose sums fit in the cache of a core
_BUCKETS = 32_768  # whose sums fit in the cache of a core; a power of two
_TOGETHER = 32
_PER_ROW = 16  # postings that are summed up for each row to find; more would rarely be needed
_STRIDE = 8
_ROUNDING = 1e-5  # many times what sums of 32 float32 numbers may be off


def make_postings(
    weights: sp.csr_matrix, workspace: Workspace = IN_MEMORY, mapper: BlockMapper = map_in_threads
) -> sp.csr_matrix:
    """Make the postings of each term: the articles in which it weighs most, with its weights.

    Args:
        weights: Shape (n, terms), float32 CSR: the weight of each term in each article.
        workspace: Stores the arrays ``postings_data``, ``…_indices`` and ``…_indptr``.
        mapper: Runs a function on ranges of terms; on this machine one after another.

    Returns:
        Shape (terms, n), float32 CSR: the :data:`POSTINGS` largest weights of each term; of equal
        weights, those of the articles with the lowest rows.
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


def update_postings(
    weights: sp.csr_matrix, old: sp.csr_matrix, moved: NDArray[np.int32], workspace: Workspace
) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Update the postings of all terms after some articles changed.

    The postings of a term are the articles in which it weighs most, with its weights.

    Args:
        weights: Shape (n, terms), float32 CSR: the weight of each term in each article.
        old: Shape (terms, old n), float32 CSR: the postings before the change.
        moved: Shape (old n,), int32, ascending but for -1: the row that each article has now; -1 if
            it is gone or its weights changed.
        workspace: Stores the postings; see :func:`make_postings`.

    Returns:
        The postings, shape (terms, n), float32 CSR; and, in the same form, only the entries that
        articles gained, or that unchanged articles lost.
    """
    count, width = weights.shape
    new = np.ones(count, dtype=bool)
    new[moved[moved >= 0]] = False
    changed = np.zeros(width, dtype=bool)
    changed[weights[np.flatnonzero(new)].indices] = True
    gone = np.flatnonzero((moved < 0)[old.indices])
    changed[np.searchsorted(old.indptr, gone, side="right") - 1] = True
    terms = np.flatnonzero(changed)
    fresh = _heaviest_per_row(take_columns(weights, terms).T.tocsr(), POSTINGS)
    before = old[terms]
    rows = moved[before.indices]
    kept = rows >= 0
    ends = np.concatenate([[0], np.cumsum(kept)])[before.indptr]
    stayed = sp.csr_matrix((before.data[kept], rows[kept], ends), shape=fresh.shape)
    other = abs(fresh - stayed).tocoo()
    changes = sp.csr_matrix((other.data, (terms[other.row], other.col)), shape=(width, count))
    source = np.where(changed, -1, np.arange(width))
    return carry_matrix(old, source, fresh, workspace, "postings", moved), changes


def take_columns(matrix: sp.csr_matrix, columns: NDArray[np.integer]) -> sp.csr_matrix:
    """Return some columns of a matrix; if they are few, this is faster than indexing it."""
    number = np.full(matrix.shape[1], -1, dtype=np.int32)
    number[columns] = np.arange(len(columns))
    held = np.flatnonzero((number >= 0)[matrix.indices])
    parts = (
        matrix.data[held],
        number[matrix.indices[held]],
        np.searchsorted(held, matrix.indptr),
    )
    return sp.csr_matrix(parts, shape=(matrix.shape[0], len(columns)))


def _transpose(weights: sp.csr_matrix, first: int, last: int) -> sp.csr_matrix:
    """Return the columns from ``first`` up to, not including, ``last``, as rows of length n."""
    whole = last - first == weights.shape[1]

    def part(
        start: int, stop: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int64]]:
        here = slice(int(weights.indptr[start]), int(weights.indptr[stop]))
        columns, data = weights.indices[here], weights.data[here]
        ends = weights.indptr[start : stop + 1] - here.start
        if whole:
            return data, columns, np.diff(ends)
        columns = columns - np.int32(first)
        held = np.flatnonzero(columns.view(np.uint32) < last - first)  # below 0 is above all
        return data[held], columns[held], np.diff(np.searchsorted(held, ends))

    parts = list(map_in_threads(part, equal_blocks(weights.shape[0], _ROWS)))
    data, columns, lengths = (np.concatenate(some) for some in zip(*parts, strict=True))
    del parts
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    shape = (weights.shape[0], last - first)
    return sp.csr_matrix((data, columns, indptr), shape=shape).T.tocsr()


def _heaviest_per_row(matrix: sp.csr_matrix, keep: int) -> sp.csr_matrix:
    """Keep only each row's ``keep`` largest entries; among equal entries, the first."""
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
) -> Neighbors:
    """Return the rows that are most similar to each of a few texts, by the texts' heaviest terms.

    Args:
        queries: Shape (texts, terms), float32 CSR: the texts' term weights.
        postings: Shape (terms, n), float32 CSR: the result of :func:`make_postings`.
        keep: Number of rows per text.
        among: Shape (n,), bool: the rows that may be found; all by default.

    Returns:
        Shape (texts, keep), best first; a score is the part of the inner product that was found.
    """
    heaviest = _heaviest_per_row(queries, QUERY_TERMS)
    if postings.shape[1] <= _CACHED:
        products = heaviest @ postings
        if among is not None:
            products.data[~among[products.indices]] = 0.0
            products.eliminate_zeros()
        return top_of_rows(products, keep)
    best = np.full((queries.shape[0], keep), NO_KEY, dtype=np.int64)
    for start, stop in equal_blocks(len(best), _TOGETHER):
        terms = heaviest[start:stop]
        hits = postings[terms.indices]
        weights = hits.data * np.repeat(terms.data, np.diff(hits.indptr))
        ends = hits.indptr[terms.indptr].tolist()
        for text, (first, last) in enumerate(itertools.pairwise(ends), start):
            rows, parts = hits.indices[first:last], weights[first:last]
            if among is not None:
                rows, parts = rows[among[rows]], parts[among[rows]]
            keys = np.sort(sort_keys(*_largest_sums(rows, parts, keep)))[:keep]
            best[text, : len(keys)] = keys
    return from_keys(best)


def _largest_sums(
    rows: NDArray[np.int32], parts: NDArray[np.float32], keep: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Sum up the parts of each row, at least of those that have the largest sums.

    Args:
        rows: Shape (postings,), int32: the row of each part.
        parts: Shape (postings,), float32, not negative.
        keep: How many of the largest sums are surely among those returned.

    Returns:
        The sums, and their rows; shape (any,). Rows with the sum 0 are left out.
    """
    few = _PER_ROW * keep
    if len(rows) < 2 * few:
        return _sums(rows, parts)
    buckets = rows & np.int32(_BUCKETS - 1)
    most = np.bincount(buckets, parts, _BUCKETS).take(buckets)  # the most that each row may have
    sample = most[::_STRIDE]
    least = np.partition(sample, -(few // _STRIDE))[-(few // _STRIDE)]
    while True:
        near = np.flatnonzero(most >= least)
        sums, found = _sums(rows[near], parts[near])
        if len(sums) < keep:
            return _sums(rows, parts)
        last = np.partition(sums, -keep)[-keep] * (1.0 - _ROUNDING)
        if last >= least:
            return sums, found
        least = last


def _sums(
    rows: NDArray[np.int32], parts: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Sum up the parts of each row in float32, one after another; rows with the sum 0 are left out.

    So a row's sum is that of a product of sparse matrices to the last bit.
    """
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = rows[1:] != rows[:-1]
    sums = np.zeros(np.count_nonzero(first), dtype=np.float32)
    np.add.at(sums, np.cumsum(first) - 1, parts[order])
    return sums[sums > 0.0], rows[first][sums > 0.0]


def may_find_others(
    weights: sp.csr_matrix,
    postings: sp.csr_matrix,
    changes: sp.csr_matrix,
    least: NDArray[np.float32],
    mapper: BlockMapper = map_in_threads,
) -> NDArray[np.bool_]:
    """Return for which articles :func:`search_postings` may find other rows since a change.

    Args:
        weights: Shape (n, terms), float32 CSR: the weight of each term in each article.
        postings: Shape (terms, n), float32 CSR: the postings after the change.
        changes: Shape (terms, n), float32 CSR: the entries that were gained or lost, as
            :func:`update_postings` returns them.
        least: Shape (n,), float32: the lowest score that each article's search had found before;
            infinity for articles to leave out.
        mapper: Runs a function on every block of articles.

    Returns:
        Shape (n,), bool; ``False`` means that a new search would surely find the same.
    """
    rows = np.unique(changes.indices)
    changed = take_columns(changes, rows)
    theirs = take_columns(postings, rows).maximum(changed)  # as before or now, whichever is more

    def reach(some: NDArray[np.int64], queries: sp.csr_matrix, slack: float) -> sp.csr_matrix:
        found: sp.csr_matrix = queries @ theirs
        found.data = found.data >= np.repeat(least[some] - slack, np.diff(found.indptr))
        found.eliminate_zeros()
        return found

    def find(start: int, stop: int) -> NDArray[np.int64]:
        # All terms of an article are faster to look at than to choose the heaviest from, and give
        # no smaller score.
        near = np.arange(start, stop)
        near = near[np.diff(reach(near, weights[start:stop], 1e-5).indptr) > 0]
        queries = _heaviest_per_row(weights[near], QUERY_TERMS)
        others = reach(near, queries, 0.0).multiply(queries @ changed).tocsr()
        held: NDArray[np.int64] = near[np.diff(others.indptr) > 0]
        return held

    found = np.zeros(len(least), dtype=bool)
    for some in mapper(find, equal_blocks(len(least), _ROWS // 16), stage="reached"):
        found[some] = True
    return found


def similarities(own: sp.csr_matrix, vectors: sp.csr_matrix, rows: Rows) -> NDArray[np.float32]:
    """Compute the inner products of a few short vectors with some rows of a matrix.

    Args:
        own: Shape (q, width), float32 CSR: the vectors.
        vectors: Shape (n, width), float32 CSR: the matrix.
        rows: Shape (q, k), int32: the rows of the matrix to multiply each vector with;
            :data:`~recommender.neighbors.NO_ROW` only at the end.

    Returns:
        Shape (q, k), float32; 0 for :data:`~recommender.neighbors.NO_ROW`.
    """
    present = rows != NO_ROW
    owners = np.repeat(np.arange(len(rows)), present.sum(axis=1))
    products = own[owners].multiply(vectors[rows[present]]).sum(axis=1)
    found = np.zeros(rows.shape, dtype=np.float32)
    found[present] = np.asarray(products, dtype=np.float32).ravel()
    return found

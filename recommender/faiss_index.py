"""Neighbor indexes made with FAISS; no other file imports FAISS."""

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.blas_kernels import kernels_of_numpy
from recommender.encoder import Embeddings
from recommender.errors import VectorFileError
from recommender.neighbors import (
    ExactIndex,
    NeighborIndex,
    Neighbors,
    Rows,
    Scores,
    check_queries,
    settle_ties,
    sort_hits,
)

logging.getLogger("faiss.loader").setLevel(logging.WARNING)  # or it tells what it tries to load
with kernels_of_numpy():
    import faiss

FLAT_LIMIT = 100_000
"""Most rows for which searches are exact; up to here, searching for every row's neighbors takes
at most half a minute."""

_SEED = 1234
_TUNING_SAMPLE = 300
_TUNING_DEPTH = 50
_TUNING_RECALL, _WORST_RECALL = 0.99, 0.9
_LEAST_FACTOR, _MOST_FACTOR = 3, 32
_STEP = 1.42  # of the number of lists; doubling it would overshoot
_native: Any = faiss  # its type stubs lack the functions that take addresses


class FaissIndex:
    """A FAISS index over unit vectors, by inner product.

    Args:
        index: The FAISS index itself; :func:`build_index` and :func:`load_index` provide it.
        kind: The FAISS factory string of the index, which names its type.
        embeddings: Shape (n, dim), float32: the rows that were indexed. Hits are scored again with
            them: what FAISS says depends on which other rows are compared at the same time, and
            some indexes hold compressed codes only.
    """

    def __init__(self, index: Any, kind: str, embeddings: Embeddings) -> None:
        self._index = index
        self._embeddings = embeddings
        self.kind = kind
        self.count = int(index.ntotal)

    def search(self, queries: Embeddings, k: int) -> Neighbors:
        """Return the ``k`` best rows of each query, sorted by (-score, row)."""
        check_queries(queries, self._index.d)
        return settle_ties(self._fetch, queries, k, count=self.count)

    def _fetch(self, queries: Embeddings, width: int) -> Neighbors:
        deep = width
        if self.kind != "Flat":
            factor = 2 * self._index.nprobe // _fewest_lists(self._index)
            factor = min(max(factor, _LEAST_FACTOR), _MOST_FACTOR)
            deep = max(width, min(self.count, factor * width))
        _, coarse = self._index.search(queries, deep)
        rows = np.empty((len(queries), width), dtype=np.int64)
        scores = np.empty((len(queries), width), dtype=np.float32)
        _native.knn_inner_products_by_idx(
            *map(_native.swig_ptr, (queries, self._embeddings, coarse)),
            *(queries.shape[1], len(queries), self.count, deep, width),
            *map(_native.swig_ptr, (scores, rows)),
            deep,  # row stride of ``coarse``, given because the documented default does not hold
        )
        return sort_hits(rows, scores)

    def save(self, path: Path) -> None:
        """Write the index to ``path`` and sync it to disk.

        Raises:
            VectorFileError: If the file can't be written, for example because the disk is full.
        """
        try:
            with path.open("wb") as file:
                # Given a path instead, FAISS would print to stderr if the disk is full.
                faiss.write_index(self._index, _native.PyCallbackIOWriter(file.write))
                file.flush()
                os.fsync(file.fileno())
        except (OSError, RuntimeError) as error:
            raise VectorFileError(f"{path} can't be written: {error}") from error


def build_index(embeddings: Embeddings, like: Path | None = None) -> FaissIndex:
    """Index all rows, with an index type chosen by their number.

    Up to :data:`FLAT_LIMIT` rows, the index is flat: it compares a query with every row. With more
    rows, it has inverted lists of 4-bit product codes, and scores its hits again with the rows
    themselves.

    Args:
        embeddings: Shape (n, dim), float32, unit rows; kept, not copied.
        like: The file of an index over nearly the same rows, whose type, centroids and codes are
            used, so that nothing is trained; by default the index is trained on the rows.

    Raises:
        VectorFileError: If ``like`` is no index.
    """
    count, dim = embeddings.shape
    if like is None:
        kind = index_kind(count, dim)
        index: Any = faiss.index_factory(dim, kind, faiss.METRIC_INNER_PRODUCT)
    else:
        index = _read_index(like)
        kind = _kind_of(index)
        index.reset()
    if not index.is_trained:
        generator = np.random.default_rng(_SEED)
        sample = generator.choice(count, size=min(count, 64 * index.nlist), replace=False)
        index.train(np.ascontiguousarray(embeddings[np.sort(sample)]))
    for start in range(0, count, 65_536):
        index.add(np.ascontiguousarray(embeddings[start : start + 65_536]))
    built = FaissIndex(index, kind, embeddings)
    if like is None and kind != "Flat":
        _widen(built, index, embeddings)
    return built


def _widen(built: FaissIndex, index: Any, embeddings: Embeddings) -> None:
    """Search more and more inverted lists until 99 % of true neighbors are found.

    Of the twentieth of rows that fare worst, it must be 90 %: their neighbors may lie far apart.
    The more lists, the more hits are scored again, since codes tell those least apart which need
    many lists. How many it takes depends on how the articles cluster, so it is measured.
    """
    rows = _sample_rows(len(embeddings), _TUNING_SAMPLE)
    queries = np.ascontiguousarray(embeddings[rows])
    truth = ExactIndex(embeddings).search(queries, _TUNING_DEPTH).rows
    index.nprobe = _fewest_lists(index)
    while index.nprobe < index.nlist:
        shares = np.sort(_shares_found(built, queries, truth))
        worst = shares[: _TUNING_SAMPLE // 20]
        if shares.mean() >= _TUNING_RECALL and worst.mean() >= _WORST_RECALL:
            break
        index.nprobe = min(int(_STEP * index.nprobe), index.nlist)


def _fewest_lists(index: Any) -> int:
    """Return how many inverted lists are searched at least."""
    return max(16, int(index.nlist) // 128)


def index_kind(count: int, dim: int) -> str:
    """Return the FAISS factory string for ``count`` vectors of dimension ``dim``."""
    if count <= FLAT_LIMIT or dim % 4:
        return "Flat"
    lists = int(2 ** round(np.log2(2.0 * np.sqrt(count))))
    return _inverted_kind(lists, dim)


def _inverted_kind(lists: int, dim: int) -> str:
    return f"IVF{lists},PQ{dim // 2}x4fsr"


def _kind_of(index: Any) -> str:
    flat = isinstance(index, faiss.IndexFlat)
    return "Flat" if flat else _inverted_kind(int(index.nlist), int(index.d))


def _read_index(path: Path, flags: int = 0) -> Any:
    try:
        return faiss.read_index(str(path), flags)
    except RuntimeError as error:
        raise VectorFileError(f"{path} is not a readable FAISS index: {error}") from error


def load_index(path: Path, embeddings: Embeddings) -> FaissIndex:
    """Open an index written by :meth:`FaissIndex.save`, memory-mapped if its type allows.

    Args:
        path: The index file.
        embeddings: Shape (n, dim), float32: the rows that were indexed; kept, not copied.

    Raises:
        VectorFileError: If the file is not a FAISS index, or its size does not fit the rows.
    """
    index = _read_index(path, faiss.IO_FLAG_MMAP_IFC)
    if (index.ntotal, index.d) != embeddings.shape:
        raise VectorFileError(
            f"{path} holds {index.ntotal} vectors of dimension {index.d}, but the embeddings have "
            f"the shape {embeddings.shape}; index them again"
        )
    return FaissIndex(index, _kind_of(index), embeddings)


def inner_products(queries: Embeddings, embeddings: Embeddings, rows: Rows) -> Scores:
    """Compute the inner products of each query with some rows, which differ from query to query.

    Args:
        queries: Shape (q, dim), float32.
        embeddings: Shape (n, dim), float32.
        rows: Shape (q, k), int32: the rows to compare each query with; negative for none.

    Returns:
        Shape (q, k), float32; 0 where ``rows`` is negative.
    """
    queries, embeddings = np.ascontiguousarray(queries), np.ascontiguousarray(embeddings)
    found = np.zeros(rows.shape, dtype=np.float32)
    ids = rows.astype(np.int64)  # kept in a variable: FAISS only gets its address
    _native.fvec_inner_products_by_idx(
        *map(_native.swig_ptr, (found, queries, embeddings, ids)),
        *(queries.shape[1], *rows.shape),
    )
    found[rows < 0] = 0.0
    return found


def measure_recall(
    index: NeighborIndex, embeddings: Embeddings, *, k: int, sample: int = 1000
) -> float:
    """Measure the share of the true ``k`` nearest rows that an index finds, on a fixed sample.

    Args:
        index: The index to test.
        embeddings: Shape (n, dim), float32: the rows that were indexed.
        k: Number of nearest rows that are compared.
        sample: Number of rows to use as queries; all rows if there are fewer.
    """
    if index.kind == "Flat":
        return 1.0
    queries = np.ascontiguousarray(embeddings[_sample_rows(len(embeddings), sample)])
    return float(
        _shares_found(index, queries, ExactIndex(embeddings).search(queries, k).rows).mean()
    )


def _sample_rows(count: int, sample: int) -> NDArray[np.int64]:
    generator = np.random.default_rng(_SEED)
    return np.sort(generator.choice(count, min(sample, count), replace=False))


def _shares_found(index: NeighborIndex, queries: Embeddings, truth: Rows) -> NDArray[np.float64]:
    found = index.search(queries, truth.shape[1]).rows
    hits = [len(np.intersect1d(a, b)) for a, b in zip(truth, found, strict=True)]
    shares: NDArray[np.float64] = np.array(hits) / truth.shape[1]
    return shares

"""FAISS: the only file that imports it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

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

FLAT_LIMIT = 100_000
"""Up to here exact search takes half a minute for all rows at most, and misses nothing."""

_SEED = 1234
_TUNING_SAMPLE = 300
_TUNING_DEPTH = 50
_TUNING_RECALL = 0.99
_LEAST_FACTOR, _MOST_FACTOR = 4, 32
_native: Any = faiss  # its stubs lack what takes addresses


class FaissIndex:
    """A FAISS index over unit vectors, by inner product.

    Args:
        index: The FAISS index itself; use :func:`build_index` or :func:`load_index`.
        kind: Its factory string.
        embeddings: Shape (n, dim), float32: the rows it was made from, mapped or not, where it
            holds only codes of them: what it finds is scored anew by these.
    """

    def __init__(self, index: Any, kind: str, embeddings: Embeddings | None = None) -> None:
        self._index = index
        self._embeddings = embeddings
        self.kind = kind
        self.count = int(index.ntotal)

    def search(self, queries: Embeddings, k: int) -> Neighbors:
        """See :class:`~recommender.neighbors.NeighborIndex`."""
        check_queries(queries, self._index.d)
        return settle_ties(
            self._fetch, np.ascontiguousarray(queries), k, count=self.count, width=k + 4
        )

    def _fetch(self, queries: Embeddings, width: int) -> Neighbors:
        if self._embeddings is None:
            scores, rows = self._index.search(queries, width)
            return sort_hits(rows, scores)
        factor = _LEAST_FACTOR * self._index.nprobe // _least_probed(self._index)
        deep = max(width, min(self.count, min(factor, _MOST_FACTOR) * width))
        _, coarse = self._index.search(queries, deep)
        rows = np.empty((len(queries), width), dtype=np.int64)
        scores = np.empty((len(queries), width), dtype=np.float32)
        _native.knn_inner_products_by_idx(
            *map(_native.swig_ptr, (queries, self._embeddings, coarse)),
            *(queries.shape[1], len(queries), self.count, deep, width),
            *map(_native.swig_ptr, (scores, rows)),
            deep,  # how far apart the queries' candidates lie: its default is not what it says
        )
        return sort_hits(rows, scores)

    def save(self, path: Path) -> None:
        """Write the index to ``path`` and sync it to disk.

        Raises:
            VectorFileError: If it can't be written, such as on a full disk.
        """
        try:
            with path.open("wb") as file:
                # Given a path, faiss prints to stderr when the disk is full.
                faiss.write_index(self._index, _native.PyCallbackIOWriter(file.write))
                file.flush()
                os.fsync(file.fileno())
        except (OSError, RuntimeError) as error:
            raise VectorFileError(f"{path} can't be written: {error}") from error


def build_index(embeddings: Embeddings) -> FaissIndex:
    """Index all rows, with a type chosen by their number.

    Flat (exact) up to :data:`FLAT_LIMIT`; beyond, inverted lists over 4-bit product codes, and
    the rows themselves, wherever they lie, to score what those find.

    Args:
        embeddings: Shape (n, dim), float32, unit rows; kept, not copied.
    """
    count, dim = embeddings.shape
    kind = index_kind(count, dim)
    index: Any = faiss.index_factory(dim, kind, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        generator = np.random.default_rng(_SEED)
        sample = generator.choice(count, size=min(count, 64 * index.nlist), replace=False)
        index.train(np.ascontiguousarray(embeddings[np.sort(sample)]))
    for start in range(0, count, 65_536):
        index.add(np.ascontiguousarray(embeddings[start : start + 65_536]))
    if kind == "Flat":
        return FaissIndex(index, kind)
    built = FaissIndex(index, kind, embeddings)
    _widen(built, index, embeddings)
    return built


def _widen(built: FaissIndex, index: Any, embeddings: Embeddings) -> None:
    """Search more lists, and score more hits, until enough true neighbors are found.

    How many it takes depends on how the corpus clusters, so it is measured, not guessed.
    """
    rows = _sample_rows(len(embeddings), _TUNING_SAMPLE)
    queries = np.ascontiguousarray(embeddings[rows])
    truth = ExactIndex(embeddings).search(queries, _TUNING_DEPTH).rows
    index.nprobe = _least_probed(index)
    while _share_found(built, queries, truth) < _TUNING_RECALL and index.nprobe < index.nlist:
        index.nprobe = min(2 * index.nprobe, index.nlist)


def _least_probed(index: Any) -> int:
    """How many inverted lists are searched at least; more candidates are scored where more are."""
    return max(16, int(index.nlist) // 24)


def index_kind(count: int, dim: int) -> str:
    """The factory string for ``count`` vectors of width ``dim``."""
    if count <= FLAT_LIMIT or dim % 4:
        return "Flat"
    lists = int(2 ** round(np.log2(2.0 * np.sqrt(count))))
    return f"IVF{lists},PQ{dim // 2}x4fsr"


def load_index(path: Path, embeddings: Embeddings) -> FaissIndex:
    """Open an index written by :meth:`FaissIndex.save`, mapped where its type allows.

    Args:
        path: Where it is.
        embeddings: Shape (n, dim), float32: the rows it was made from; kept, not copied.

    Raises:
        VectorFileError: If the file is not a FAISS index, or one of other rows.
    """
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise VectorFileError(f"{path} is not a readable FAISS index: {error}") from error
    if (index.ntotal, index.d) != embeddings.shape:
        raise VectorFileError(
            f"{path} is of {index.ntotal} rows of {index.d}, not {embeddings.shape}"
        )
    if isinstance(index, faiss.IndexFlat):
        return FaissIndex(index, "Flat")
    return FaissIndex(index, index_kind(*embeddings.shape), embeddings)


def inner_products(queries: Embeddings, embeddings: Embeddings, rows: Rows) -> Scores:
    """Inner products of each query with rows of its own.

    Args:
        queries: Shape (q, dim), float32.
        embeddings: Shape (n, dim), float32.
        rows: Shape (q, k), int32; negative for none.

    Returns:
        Shape (q, k), float32; 0 where there is no row.
    """
    queries, embeddings = np.ascontiguousarray(queries), np.ascontiguousarray(embeddings)
    found = np.zeros(rows.shape, dtype=np.float32)
    ids = rows.astype(np.int64)  # a name of its own: FAISS is given no more than its address
    _native.fvec_inner_products_by_idx(
        *map(_native.swig_ptr, (found, queries, embeddings, ids)),
        *(queries.shape[1], *rows.shape),
    )
    found[rows < 0] = 0.0
    return found


def measure_recall(
    index: NeighborIndex, embeddings: Embeddings, *, k: int, sample: int = 1000
) -> float:
    """Share of the true ``k`` nearest rows that the index finds, over a fixed random sample.

    Args:
        index: The index at test.
        embeddings: Shape (n, dim), float32, the rows it was made from.
        k: Depth at which lists are compared.
        sample: How many rows to search for; fewer where there are fewer.
    """
    if index.kind == "Flat":
        return 1.0
    queries = np.ascontiguousarray(embeddings[_sample_rows(len(embeddings), sample)])
    return _share_found(index, queries, ExactIndex(embeddings).search(queries, k).rows)


def _sample_rows(count: int, sample: int) -> NDArray[np.int64]:
    generator = np.random.default_rng(_SEED)
    return np.sort(generator.choice(count, min(sample, count), replace=False))


def _share_found(index: NeighborIndex, queries: Embeddings, truth: Rows) -> float:
    found = index.search(queries, truth.shape[1]).rows
    hits = sum(len(np.intersect1d(a, b)) for a, b in zip(truth, found, strict=True))
    return hits / truth.size

"""FAISS: the only file that imports it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from recommender.encoder import Embeddings
from recommender.errors import BuildError
from recommender.neighbors import (
    ExactIndex,
    NeighborIndex,
    Neighbors,
    Rows,
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


class FaissIndex:
    """A FAISS index over unit vectors, by inner product.

    Args:
        index: The FAISS index itself; use :func:`build_index` or :func:`load_index`.
        kind: Its factory string.
    """

    def __init__(self, index: Any, kind: str) -> None:
        self._index = index
        self.kind = kind
        self.count = int(index.ntotal)

    def search(self, queries: Embeddings, k: int) -> Neighbors:
        """See :class:`~recommender.neighbors.NeighborIndex`."""
        check_queries(queries, self._index.d)
        return settle_ties(
            self._fetch, np.ascontiguousarray(queries), k, count=self.count, width=k + 4
        )

    def _fetch(self, queries: Embeddings, width: int) -> Neighbors:
        scores, rows = self._index.search(queries, width)
        return sort_hits(rows, scores)

    def save(self, path: Path) -> None:
        """Write the index to ``path`` and sync it to disk.

        Raises:
            BuildError: If it can't be written, such as on a full disk.
        """
        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as error:
            raise BuildError(f"{path} can't be written: {error}") from error
        with path.open("rb") as file:
            os.fsync(file.fileno())


def build_index(embeddings: Embeddings) -> FaissIndex:
    """Index all rows, with a type chosen by their number.

    Flat (exact) up to :data:`FLAT_LIMIT`; beyond, inverted lists over 4-bit product
    codes with the full vectors at hand for refining.

    Args:
        embeddings: Shape (n, dim), float32, unit rows.
    """
    count, dim = embeddings.shape
    kind = index_kind(count, dim)
    index: Any = faiss.index_factory(dim, kind, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        lists = int(kind.removeprefix("IVF").partition(",")[0])
        generator = np.random.default_rng(_SEED)
        sample = generator.choice(count, size=min(count, 64 * lists), replace=False)
        index.train(np.ascontiguousarray(embeddings[np.sort(sample)]))
    for start in range(0, count, 65_536):
        index.add(np.ascontiguousarray(embeddings[start : start + 65_536]))
    built = FaissIndex(index, kind)
    if kind != "Flat":
        _widen(built, index, embeddings)
    return built


def _widen(built: FaissIndex, index: Any, embeddings: Embeddings) -> None:
    """Search more lists, and refine more hits, until enough true neighbors are found.

    How many it takes depends on how the corpus clusters, so it is measured, not guessed.
    """
    rows = _sample_rows(len(embeddings), _TUNING_SAMPLE)
    queries = np.ascontiguousarray(embeddings[rows])
    truth = ExactIndex(embeddings).search(queries, _TUNING_DEPTH).rows
    inverted: Any = faiss.downcast_index(index.base_index)
    inverted.nprobe, index.k_factor = max(16, inverted.nlist // 24), 4.0
    while _share_found(built, queries, truth) < _TUNING_RECALL and inverted.nprobe < inverted.nlist:
        inverted.nprobe = min(2 * inverted.nprobe, inverted.nlist)
        index.k_factor = min(2 * index.k_factor, 32.0)


def index_kind(count: int, dim: int) -> str:
    """The factory string for ``count`` vectors of width ``dim``."""
    if count <= FLAT_LIMIT or dim % 4:
        return "Flat"
    lists = int(2 ** round(np.log2(2.0 * np.sqrt(count))))
    return f"IVF{lists},PQ{dim // 2}x4fsr,RFlat"


def load_index(path: Path) -> FaissIndex:
    """Open an index written by :meth:`FaissIndex.save`, mapped where its type allows.

    Raises:
        BuildError: If the file is not a FAISS index.
    """
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise BuildError(f"{path} is not a readable FAISS index: {error}") from error
    return FaissIndex(index, "loaded")


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

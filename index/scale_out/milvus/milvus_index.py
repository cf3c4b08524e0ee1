"""A build's neighbor index in Milvus: one collection, filled once, then only read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from index.scale_out.milvus.milvus_client import SEARCH_TIMEOUT, Milvus, MilvusColumns
from recommender.encoder import Embeddings
from recommender.faiss_index import FLAT_LIMIT, measure_recall
from recommender.neighbors import Neighbors, check_queries, settle_ties, sort_hits

_LINKS = 16
_CONSTRUCTION = 200
_TUNING_SAMPLE = 300
_TUNING_DEPTH = 50
_TUNING_RECALL = 0.99
_MOST_EFFORT = 2_048
_MAKE_TIMEOUT = 600.0


class MilvusIndex:
    """The rows of a collection, by inner product.

    Args:
        milvus: The server.
        collection: The collection in it.
        kind: Its type of index, after ``milvus:``.
        count: How many rows it holds.
        dim: Width of its embeddings.
        effort: How many rows a search of a graph keeps in view (HNSW's ``ef``).
        timeout: Seconds to wait for an answer.
        where: Only rows that match this filter of Milvus; all by default.
    """

    def __init__(
        self,
        milvus: Milvus,
        collection: str,
        *,
        kind: str,
        count: int,
        dim: int,
        effort: int,
        timeout: float = SEARCH_TIMEOUT,
        where: str = "",
    ) -> None:
        self.milvus = milvus
        self.collection = collection
        self.kind = kind
        self.count = count
        self.dim = dim
        self.effort = effort
        self._timeout = timeout
        self._where = where

    def search(self, queries: Embeddings, k: int) -> Neighbors:
        """See :class:`~recommender.neighbors.NeighborIndex`.

        Raises:
            UnavailableError: If the server does not answer.
        """
        check_queries(queries, self.dim)
        return settle_ties(
            self._fetch, np.ascontiguousarray(queries), k, count=self.count, width=k + 4
        )

    def _fetch(self, queries: Embeddings, width: int) -> Neighbors:
        params = {} if self.kind == "milvus:FLAT" else {"ef": max(width, self.effort)}
        rows, scores = self.milvus.search(
            self.collection,
            queries,
            width,
            params=params,
            where=self._where,
            timeout=self._timeout,
        )
        return sort_hits(rows, scores)

    def shown_at(
        self, now: int, *, languages: Collection[int] = (), without: Collection[int] = ()
    ) -> MilvusIndex:
        """See :class:`index.build.vectors.VectorIndex`; the server applies the filter."""
        where = f"visible_from <= {now:d} and visible_until > {now:d}"
        if languages:
            where += f" and language in {sorted({0, *languages})}"
        if without:
            where += f" and id not in {sorted(without)}"
        return MilvusIndex(
            self.milvus,
            self.collection,
            kind=self.kind,
            count=self.count,
            dim=self.dim,
            effort=self.effort,
            timeout=self._timeout,
            where=where,
        )


def fill_collection(milvus: Milvus, collection: str, columns: MilvusColumns) -> MilvusIndex:
    """Put a build's rows into a new collection.

    Exact up to :data:`~recommender.faiss_index.FLAT_LIMIT` rows, as on one machine; beyond, a
    graph (HNSW) that is searched as widely as it takes to find enough.

    Args:
        milvus: Where.
        collection: Its name.
        columns: What it holds.

    Raises:
        BuildError: If it can't be filled.
        UnavailableError: If the server does not answer.
    """
    count, dim = columns.embeddings.shape
    index: dict[str, Any] = {"index_type": "FLAT", "params": {}}
    if count > FLAT_LIMIT:
        params = {"M": _LINKS, "efConstruction": _CONSTRUCTION}
        index = {"index_type": "HNSW", "params": params}
    milvus.create(collection, columns, index)
    filled = MilvusIndex(
        milvus,
        collection,
        kind=f"milvus:{index['index_type']}",
        count=count,
        dim=dim,
        effort=64,
        timeout=_MAKE_TIMEOUT,
    )
    while (
        count > FLAT_LIMIT
        and filled.effort < _MOST_EFFORT
        and measure_recall(filled, columns.embeddings, k=_TUNING_DEPTH, sample=_TUNING_SAMPLE)
        < _TUNING_RECALL
    ):
        filled.effort *= 2
    return filled

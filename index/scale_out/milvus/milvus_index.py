"""A build's neighbor index in Milvus: a collection that is filled once and then only read."""

from collections.abc import Collection
from copy import copy
from typing import Any

from index.scale_out.milvus.milvus_client import MAKE_TIMEOUT, SEARCH_TIMEOUT, Milvus, MilvusColumns
from recommender.encoder import Embeddings
from recommender.faiss_index import FLAT_LIMIT, measure_recall
from recommender.neighbors import Neighbors, check_queries, settle_ties, sort_hits

_LINKS = 16
_CONSTRUCTION = 200
_TUNING_SAMPLE = 300
_TUNING_DEPTH = 50
_TUNING_RECALL = 0.99
_MOST_EFFORT = 2_048


class MilvusIndex:
    """A neighbor index over a Milvus collection, by inner product.

    Args:
        milvus: The client of the server that holds the collection.
        collection: The collection's name.
        kind: ``milvus:TYPE``, where ``TYPE`` is the index type that Milvus uses.
        count: Number of rows in the collection.
        dim: Width of the embeddings.
        effort: How many candidates an HNSW search keeps (``ef``).
        timeout: Seconds to wait for an answer.
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
    ) -> None:
        self.milvus = milvus
        self.collection = collection
        self.kind = kind
        self.count = count
        self.dim = dim
        self.effort = effort
        self._timeout = timeout
        self._where = ""

    def search(self, queries: Embeddings, k: int) -> Neighbors:
        """Return the ``k`` best rows of each query, sorted by (-score, row).

        Raises:
            UnavailableError: If the server does not answer.
        """
        check_queries(queries, self.dim)
        return settle_ties(self._fetch, queries, k, count=self.count)

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
        self,
        now: int,
        *,
        languages: Collection[int] = (),
        without: Collection[int] = (),
        among: object = None,  # noqa: ARG002 - so many rows can't be named in a filter
    ) -> "MilvusIndex":
        """Return an index over the rows that readers may see; the server applies the filter.

        Args:
            now: The time, in microseconds since 1970 UTC.
            languages: Ids of the languages to keep, besides unknown ones; all if empty.
            without: Rows to leave out.
            among: Ignored; the caller leaves out the rows that are not among these.
        """
        where = f"visible_from <= {now:d} and visible_until > {now:d}"
        if languages:
            where += f" and language in {sorted({0, *languages})}"
        if without:
            where += f" and id not in {sorted(without)}"
        shown = copy(self)
        shown._where = where
        return shown


def fill_collection(milvus: Milvus, collection: str, columns: MilvusColumns) -> MilvusIndex:
    """Creates a collection with a build's rows, and returns an index over it.

    Up to :data:`~recommender.faiss_index.FLAT_LIMIT` rows, searches are exact, as with an index in
    a file. With more rows they use HNSW, with an ``ef`` large enough to reach the required recall.

    Args:
        milvus: The client of the server.
        collection: The name of the new collection.
        columns: The rows to fill it with.

    Raises:
        BuildError: If the collection can't be filled.
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
        timeout=MAKE_TIMEOUT,
    )
    while (
        count > FLAT_LIMIT
        and filled.effort < _MOST_EFFORT
        and measure_recall(filled, columns.embeddings, k=_TUNING_DEPTH, sample=_TUNING_SAMPLE)
        < _TUNING_RECALL
    ):
        filled.effort *= 2
    return filled

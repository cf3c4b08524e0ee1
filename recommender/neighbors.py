"""Nearest neighbors by inner product: the index protocol, and an exact index in NumPy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import Embeddings
from recommender.errors import InputError

Rows = NDArray[np.int32]
Scores = NDArray[np.float32]

NO_ROW = -1
"""Fills up the end of a short list of rows. NumPy would take it as an index of the last row, so
leave it out before indexing."""

_MOST_TIES = 1_024
"""Most hits that are fetched to sort ties; if more hits are tied, any of them are returned."""

TIED = 4e-6
"""Hits whose scores differ by less may stand in any order in what an index fetches."""

_CELLS = 2**25  # 128 MB of scores at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbors:
    """The hits of one search.

    Attributes:
        rows: Shape (queries, k), int32; :data:`NO_ROW` where there was no further hit.
        scores: Shape (queries, k), float32, best first; ``-inf`` where there is no hit.
    """

    rows: Rows
    scores: Scores


def no_neighbors(queries: int, k: int) -> Neighbors:
    """Return a result of shape (queries, k) without any hits, for the caller to fill."""
    return Neighbors(
        rows=np.full((queries, k), NO_ROW, dtype=np.int32),
        scores=np.full((queries, k), -np.inf, dtype=np.float32),
    )


class NeighborIndex(Protocol):
    """An index that finds the rows whose embeddings have the largest inner product with a query."""

    @property
    def kind(self) -> str:
        """The type of the index, for the manifest (``"exact"``, ``"Flat"``, ``"IVF…"``)."""
        ...

    @property
    def count(self) -> int:
        """The number of rows in the index."""
        ...

    def search(self, queries: Embeddings, k: int) -> Neighbors:
        """Return the ``k`` best rows of each query, sorted by (-score, row)."""
        ...


class ExactIndex:
    """An index that compares each query with every row; other indexes are tested against it.

    Args:
        embeddings: Shape (n, dim), float32, unit rows; kept, not copied.
        among: Shape (n,), bool: the rows that may be found; all by default.
    """

    kind = "exact"

    def __init__(self, embeddings: Embeddings, among: NDArray[np.bool_] | None = None) -> None:
        self._embeddings = embeddings
        self._among = np.ones(len(embeddings), dtype=bool) if among is None else among
        self.count = int(self._among.sum())

    def search(self, queries: Embeddings, k: int) -> Neighbors:
        """Return the ``k`` best rows of each query, sorted by (-score, row)."""
        check_queries(queries, self._embeddings.shape[1])
        found = no_neighbors(len(queries), k)
        width, total = min(k, self.count), len(self._among)
        if not width:
            return found
        step = max(1, _CELLS // total)
        for start in range(0, len(queries), step):
            here = slice(start, start + step)
            all_scores = queries[here] @ self._embeddings.T
            all_scores[:, ~self._among] = -np.inf
            least = np.partition(all_scores, total - width, axis=1)[:, total - width]
            for row, scores in zip(range(start, len(queries)), all_scores, strict=False):
                best = np.flatnonzero(scores >= least[row - start])
                best = best[np.argsort(-scores[best], kind="stable")][:width]
                found.rows[row, :width], found.scores[row, :width] = best, scores[best]
        return found


def check_queries(queries: Embeddings, dim: int) -> None:
    """Check that query vectors fit an index of dimension ``dim`` and hold only finite values.

    Otherwise FAISS would return wrong hits or raise an error without a message.

    Raises:
        InputError: If the width is wrong or a value is not finite.
    """
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise InputError(f"queries of shape {queries.shape} don't fit an index of dimension {dim}")
    if not np.isfinite(queries).all():
        raise InputError("a query contains NaN or infinity")


def sort_hits(rows: NDArray[np.integer], scores: Scores) -> Neighbors:
    """Sort the hits of each query by (-score, row), with missing hits last.

    Args:
        rows: Shape (queries, k); negative for a missing hit.
        scores: Shape (queries, k), float32.
    """
    scores = np.where(rows < 0, np.float32(-np.inf), scores).astype(np.float32, copy=False)
    order = np.lexsort((rows, -scores), axis=1)
    return Neighbors(
        rows=np.take_along_axis(rows, order, axis=1).astype(np.int32),
        scores=np.take_along_axis(scores, order, axis=1),
    )


def settle_ties(
    fetch: Callable[[Embeddings, int], Neighbors],
    queries: Embeddings,
    k: int,
    *,
    count: int,
    width: int | None = None,
) -> Neighbors:
    """Return the ``k`` best hits by (-score, row) from an index that orders equal scores at will.

    If the last hit fetched has the same score as hit ``k``, except for rounding, the index may have
    left out hits that belong before it, so more hits are fetched.

    Args:
        fetch: Returns a given number of hits for each query, sorted by (-score, row).
        queries: Shape (queries, dim), float32.
        k: Number of hits to keep.
        count: Number of rows in the index.
        width: Number of hits to fetch per query at first; more than ``k``, by default a few.
    """
    width = width or k + 4
    hits = fetch(np.ascontiguousarray(queries), width)
    kept = Neighbors(rows=hits.rows[:, :k], scores=hits.scores[:, :k])
    if width < min(count, _MOST_TIES):
        tied = hits.scores[:, -1] >= hits.scores[:, k - 1] - TIED
        tied &= hits.rows[:, -1] != NO_ROW
        unsure = np.flatnonzero(tied)
        for start in range(0, len(unsure), 1_024):
            some = unsure[start : start + 1_024]
            wider = settle_ties(fetch, queries[some], k, count=count, width=min(4 * width, count))
            kept.rows[some], kept.scores[some] = wider.rows, wider.scores
    return kept

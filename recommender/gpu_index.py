"""Exact neighbors on a GPU, by blocks, where the encoder has loaded PyTorch."""

import sys
from typing import Any

import numpy as np

from recommender.encoder import Embeddings
from recommender.faiss_index import inner_products
from recommender.neighbors import (
    NO_ROW,
    NeighborIndex,
    Neighbors,
    Rows,
    check_queries,
    settle_ties,
    sort_hits,
)

_QUERIES, _ROWS = 4_096, 262_144
"""Compared at a time: 4 GB of scores."""

_SPARE_BYTES = 12 * 2**30


class GpuIndex:
    """An index that compares each query with every row, on a device of PyTorch.

    Hits are scored again on the processor, so that scores don't depend on where they were found.

    Args:
        embeddings: Shape (n, dim), float32, unit rows; copied to the device.
        elsewhere: The index of the same rows that another process gets in place of this one.
        device: A PyTorch device.
    """

    kind = "exact"

    def __init__(self, embeddings: Embeddings, elsewhere: NeighborIndex, device: str) -> None:
        self._torch: Any = sys.modules["torch"]
        self._embeddings, self._elsewhere, self._device = embeddings, elsewhere, device
        self.count = len(embeddings)
        self._rows = self._torch.empty(embeddings.shape, device=device)
        for start in range(0, self.count, _ROWS):  # so that they never lie in memory all at once
            block = np.array(embeddings[start : start + _ROWS])
            self._rows[start : start + _ROWS] = self._torch.from_numpy(block)

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self._elsewhere,)

    def search(self, queries: Embeddings, k: int) -> Neighbors:
        """Return the ``k`` best rows of each query, sorted by (-score, row)."""
        check_queries(queries, self._embeddings.shape[1])
        return settle_ties(self._fetch, queries, k, count=self.count)

    def _fetch(self, queries: Embeddings, width: int) -> Neighbors:
        rows: Rows = np.full((len(queries), width), NO_ROW, dtype=np.int32)
        for start in range(0, len(queries), _QUERIES):
            block = queries[start : start + _QUERIES].copy()  # mapped arrays can't be written to
            asked = self._torch.from_numpy(block).to(self._device)
            found = self._best(asked, min(width, self.count))
            rows[start : start + len(found), : found.shape[1]] = found
        return sort_hits(rows, inner_products(queries, self._embeddings, rows))

    def _best(self, asked: Any, width: int) -> Rows:
        torch, best, places = self._torch, None, None
        for start in range(0, self.count, _ROWS):
            scores = asked @ self._rows[start : start + _ROWS].T
            scores, rows = scores.topk(min(width, scores.shape[1]), dim=1)
            rows += start
            if best is not None:
                scores, rows = torch.cat([best, scores], 1), torch.cat([places, rows], 1)
            best, chosen = scores.topk(min(width, scores.shape[1]), dim=1)
            places = rows.gather(1, chosen)
        found: Rows = places.to(torch.int32).cpu().numpy()  # type: ignore[union-attr]
        return found


def on_gpu(index: NeighborIndex, embeddings: Embeddings) -> NeighborIndex:
    """Return an index of the same rows on this machine's GPU, or ``index`` if there is none.

    Args:
        index: An index of the rows.
        embeddings: Shape (n, dim), float32: the rows.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return index
    if torch.cuda.mem_get_info()[0] < embeddings.nbytes + _SPARE_BYTES:
        return index
    return GpuIndex(embeddings, index, "cuda")


def _itself(index: NeighborIndex) -> NeighborIndex:
    return index

"""sentence-transformers and FAISS as their documentation shows them: a vector a text, cosine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.peers.peer import Peer, without
from recommender.faiss_index import faiss  # type: ignore[attr-defined]  # with its kernels
from recommender.text import PreparedText


class Dense(Peer):
    """A flat index of unit vectors, searched in the web process."""

    call = "index.search with the article's stored embedding, in the process"
    packages = ("sentence-transformers", "faiss-cpu")
    encodes = "plain"

    def build(self, ids: Sequence[str], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        del ids
        self._embeddings = self.encode([text.whole for text in texts])
        self._save()

    def change(self, rows: Sequence[int], texts: Sequence[PreparedText]) -> None:
        """Encode only what changed."""
        self._embeddings[list(rows)] = self.encode([texts[row].whole for row in rows])
        self._save()

    def open(self) -> None:
        """See :class:`Peer`."""
        self._embeddings = np.load(self.folder / "embeddings.npy")
        self._index = faiss.read_index(str(self.folder / "index.faiss"))

    def related(self, row: int, limit: int) -> list[int]:
        """See :class:`Peer`."""
        _, found = self._index.search(self._embeddings[row : row + 1], limit + 1)
        return without(row, (other for other in found[0].tolist() if other >= 0), limit)

    def _save(self) -> None:
        index = faiss.IndexFlatIP(self._embeddings.shape[1])
        index.add(self._embeddings)
        faiss.write_index(index, str(self.folder / "index.faiss"))
        np.save(self.folder / "embeddings.npy", self._embeddings)
        self._index = index


peer = Dense

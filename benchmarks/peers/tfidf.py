"""scikit-learn's TF-IDF with English stop words, cosine to all others: the notebook's classic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import linear_kernel

from benchmarks.peers.peer import Peer, without
from recommender.text import PreparedText


class Tfidf(Peer):
    """A sparse matrix, multiplied with one of its rows in the web process."""

    call = "linear_kernel of the article's row with all rows, in the process"
    packages = ("scikit-learn",)

    def build(self, ids: Sequence[str], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        del ids
        vectors = TfidfVectorizer(stop_words="english").fit_transform([t.whole for t in texts])
        sp.save_npz(self.folder / "vectors.npz", sp.csr_matrix(vectors))
        self.open()

    def change(self, rows: Sequence[int], texts: Sequence[PreparedText]) -> None:
        """Weights depend on all texts: everything anew."""
        del rows
        self.build([], texts)

    def open(self) -> None:
        """See :class:`Peer`."""
        self._vectors = sp.csr_matrix(sp.load_npz(self.folder / "vectors.npz"))

    def related(self, row: int, limit: int) -> list[int]:
        """See :class:`Peer`."""
        scores = linear_kernel(self._vectors[row], self._vectors).ravel()
        return without(row, np.argsort(-scores, kind="stable")[: limit + 1].tolist(), limit)


peer = Tfidf

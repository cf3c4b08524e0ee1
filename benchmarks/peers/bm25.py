"""bm25s with its defaults; the article's own words are the query."""

from __future__ import annotations

from collections.abc import Sequence

import bm25s

from benchmarks.peers.peer import Peer, read_texts, without, write_texts
from recommender.text import PreparedText


class Bm25(Peer):
    """Scores computed ahead, mapped from a folder, searched in the web process."""

    call = "tokenize the article, retrieve, in the process"
    packages = ("bm25s",)

    def build(self, ids: Sequence[str], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        del ids
        wholes = [text.whole for text in texts]
        words = bm25s.tokenize(wholes, stopwords="en", show_progress=False)
        retriever = bm25s.BM25()
        retriever.index(words, show_progress=False)
        retriever.save(str(self.folder))
        write_texts(self.folder, wholes)
        self.open()

    def change(self, rows: Sequence[int], texts: Sequence[PreparedText]) -> None:
        """Scores depend on all texts: everything anew."""
        del rows
        self.build([], texts)

    def open(self) -> None:
        """See :class:`Peer`."""
        self._retriever = bm25s.BM25.load(str(self.folder), mmap=True)
        self._texts = read_texts(self.folder)

    def related(self, row: int, limit: int) -> list[int]:
        """See :class:`Peer`."""
        words = bm25s.tokenize(self._texts[row], stopwords="en", show_progress=False)
        count = min(limit + 1, len(self._texts))
        found, scores = self._retriever.retrieve(words, k=count, show_progress=False)
        hits = zip(found[0].tolist(), scores[0].tolist(), strict=True)
        return without(row, (other for other, score in hits if score > 0), limit)


peer = Bm25

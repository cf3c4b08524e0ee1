"""txtai as its examples run it, searched with the article's text.

``Embeddings(path=…, maxlength=256)``: what the model was trained for. Without ``maxlength`` txtai
lets 512 tokens through, in twice the time. The vectors are those of sentence-transformers then, so
that one encoder, handed in as a function, does for both and its work is kept between runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from txtai import Embeddings as Index

from benchmarks.peers.peer import Peer, read_texts, without, write_texts
from recommender.text import PreparedText


class Txtai(Peer):
    """An index in a folder, searched in the web process, which needs the model."""

    call = "embeddings.search(the article's text), which encodes it, in the process"
    packages = ("txtai",)
    encodes = "plain"
    encodes_requests = True
    hybrid: ClassVar[bool] = False

    def build(self, ids: Sequence[str], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        del ids
        self._texts = [text.whole for text in texts]
        self._index = Index(method="external", transform=self._transform(), hybrid=self.hybrid)
        self._index.index((row, text, None) for row, text in enumerate(self._texts))
        self._save()

    def change(self, rows: Sequence[int], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        for row in rows:
            self._texts[row] = texts[row].whole
        self._index.upsert((row, self._texts[row], None) for row in rows)
        self._save()

    def open(self) -> None:
        """See :class:`Peer`."""
        self._texts = read_texts(self.folder)
        self._index = Index()
        self._index.load(str(self.folder / "index"), config={"transform": self._transform()})

    def related(self, row: int, limit: int) -> list[int]:
        """See :class:`Peer`."""
        found = self._index.search(self._texts[row], limit + 1)
        return without(row, (other for other, _ in found), limit)

    def related_all(self, limit: int) -> Iterable[list[int]]:
        """See :class:`Peer`."""
        for start in range(0, len(self._texts), 500):
            some = self._texts[start : start + 500]
            for row, found in enumerate(self._index.batchsearch(some, limit + 1), start):
                yield without(row, (other for other, _ in found), limit)

    def _transform(self) -> Callable[[str | Sequence[str]], object]:
        """The encoder, as txtai wants it: as a function here."""

        def transform(texts: str | Sequence[str]) -> object:
            return self.encode([texts])[0] if isinstance(texts, str) else self.encode(list(texts))

        return transform

    def _save(self) -> None:
        transform = self._index.config.pop("transform")
        self._index.save(str(self.folder / "index"))
        self._index.config["transform"] = transform
        write_texts(self.folder, self._texts)


peer = Txtai

"""txtai with its defaults: ``Embeddings(path=…)``, searched with the article's text."""

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
    encodes = "txtai"
    encodes_requests = True
    hybrid: ClassVar[bool] = False

    def build(self, ids: Sequence[str], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        del ids
        self._texts = [text.whole for text in texts]
        # The encoder is txtai's own, handed in as a function so that its work can be kept.
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

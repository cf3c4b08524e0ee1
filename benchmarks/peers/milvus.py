"""Milvus: a server of its own, asked for neighbors of the article's vector at each request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.peers.peer import Peer, size_of, without
from recommender.text import PreparedText

_BATCH = 1_000


class Milvus(Peer):
    """One collection under the server's automatic index; the web process holds the vectors."""

    call = "search with the article's stored embedding through pymilvus, over gRPC"
    packages = ("milvus", "pymilvus")
    threads = 2
    encodes = "plain"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from pymilvus import MilvusClient

        self._client = MilvusClient((folder / "url").read_text())

    @classmethod
    @contextmanager
    def server(cls, folder: Path) -> Iterator[None]:
        """See :class:`Peer`."""
        from milvus import MilvusServer

        server = MilvusServer()
        server.set_base_dir(str(folder / "server"))
        server.start()
        try:
            (folder / "url").write_text(f"http://127.0.0.1:{server.listen_port}")
            yield
        finally:
            server.stop()

    def build(self, ids: Sequence[str], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        del ids
        self._embeddings = self.encode([text.whole for text in texts])
        self._client.create_collection(
            "articles", dimension=self._embeddings.shape[1], metric_type="COSINE"
        )
        for start in range(0, len(texts), _BATCH):
            self._put(range(start, min(start + _BATCH, len(texts))))
        self._client.flush("articles")
        np.save(self.folder / "embeddings.npy", self._embeddings)

    def change(self, rows: Sequence[int], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        self._embeddings[list(rows)] = self.encode([texts[row].whole for row in rows])
        self._put(rows)
        np.save(self.folder / "embeddings.npy", self._embeddings)

    def open(self) -> None:
        """See :class:`Peer`."""
        self._embeddings = np.load(self.folder / "embeddings.npy")

    def related(self, row: int, limit: int) -> list[int]:
        """See :class:`Peer`."""
        vector = self._embeddings[row].tolist()
        (hits,) = self._client.search("articles", [vector], limit=limit + 1)
        return without(row, (hit["id"] for hit in hits), limit)

    def disk_bytes(self) -> int:
        """The server's data, without its unpacked program, and the vectors beside it."""
        return size_of(self.folder / "server" / "data") + self._embeddings.nbytes

    def _put(self, rows: Sequence[int]) -> None:
        self._client.upsert(
            "articles", [{"id": row, "vector": self._embeddings[row].tolist()} for row in rows]
        )


peer = Milvus

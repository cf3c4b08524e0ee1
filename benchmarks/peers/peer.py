"""What every peer can be asked. A peer's own file is imported by its own run only."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from recommender.encoder import Embeddings, Encoder
from recommender.sentence_encoder import DEFAULT_MODEL
from recommender.text import PreparedText

PEERS = {
    "alsolike": "AlsoLike",
    "postgres": "PostgreSQL full text",
    "mariadb": "MariaDB FULLTEXT",
    "tantivy": "tantivy more-like-this",
    "bm25": "bm25s",
    "tfidf": "scikit-learn TF-IDF",
    "dense": "sentence-transformers + FAISS",
    "txtai": "txtai",
    "txtai_hybrid": "txtai, hybrid",
    "milvus": "Milvus",
}
"""Module here to the name in the table."""


class Peer(ABC):
    """One way to related articles.

    Args:
        folder: Everything it keeps; a web process finds it there again.

    Attributes:
        call: What one request does, for the notes.
        packages: Distributions whose versions are printed.
        threads: How many requests it can work on at once: clients of a server can on several.
        encodes: What with, see :func:`benchmarks.peers.encoders.load_peer_encoder`; ``None`` for
            nothing.
        keeps_lists: Whether its lists may be kept between runs: not if its version says too little.
        encodes_requests: Whether a request encodes its text, so that a web process needs the model.
    """

    call: ClassVar[str]
    packages: ClassVar[Sequence[str]] = ()
    threads: ClassVar[int] = 1
    encodes: ClassVar[str | None] = None
    encodes_requests: ClassVar[bool] = False
    keeps_lists: ClassVar[bool] = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.encoder: Encoder | None = None
        self.model = DEFAULT_MODEL

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """With the encoder that it was given."""
        if self.encoder is None:
            raise RuntimeError(f"{type(self).__name__} encodes without an encoder")
        return self.encoder.encode(texts)

    @classmethod
    def server(cls, folder: Path) -> AbstractContextManager[None]:
        """A server process that it needs, if any."""
        del folder
        return contextlib.nullcontext()

    @property
    def version(self) -> str:
        """Of everything in it."""
        return ", ".join(f"{name} {version(name)}" for name in self.packages)

    @abstractmethod
    def build(self, ids: Sequence[str], texts: Sequence[PreparedText]) -> None:
        """From nothing to ready to answer."""

    @abstractmethod
    def change(self, rows: Sequence[int], texts: Sequence[PreparedText]) -> None:
        """Some rows' texts changed: back to ready to answer. ``texts`` are all of them."""

    def open(self) -> None:  # noqa: B027 - most need nothing
        """What a web process does before its first request."""

    @abstractmethod
    def related(self, row: int, limit: int) -> list[int]:
        """Rows, best first, the article itself not among them: one request."""

    def related_all(self, limit: int) -> Iterable[list[int]] | None:
        """All lists at once, where it has a call for that."""
        del limit
        return None

    def command(self, port: int) -> list[str]:
        """Of the web process: one, of one worker."""
        module = type(self).__module__.rpartition(".")[2]
        web = [sys.executable, "-m", "benchmarks.peers.web"]
        return [*web, module, str(self.folder), str(port), self.model]

    def path(self, article_id: str) -> str:
        """Of the request, its id percent-encoded already."""
        return f"/related?id={article_id}&limit=6"

    def disk_bytes(self) -> int:
        """What it keeps on disk, the site's own texts aside."""
        return size_of(self.folder) - size_of(self.folder / "texts")


def open_peer(name: str, folder: Path) -> Peer:
    """The peer of a module here; its server must be running."""
    return _class(name)(folder)


def server_of(name: str, folder: Path) -> AbstractContextManager[None]:
    """The server that the peer of a module here needs."""
    return _class(name).server(folder)


def _class(name: str) -> type[Peer]:
    found: type[Peer] = importlib.import_module(f"benchmarks.peers.{name}").peer
    return found


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def write_texts(folder: Path, texts: Sequence[str]) -> None:
    """Keep texts for requests, as the site's own database would."""
    (folder / "texts").mkdir(exist_ok=True)
    (folder / "texts" / "texts.json").write_text(json.dumps(texts))


def read_texts(folder: Path) -> list[str]:
    """What :func:`write_texts` kept."""
    texts: list[str] = json.loads((folder / "texts" / "texts.json").read_text())
    return texts


def without(row: int, found: Iterable[int], limit: int) -> list[int]:
    """The first ``limit`` of a ranking but the article itself."""
    return [other for other in found if other != row][:limit]

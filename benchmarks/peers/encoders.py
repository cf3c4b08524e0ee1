"""The encoder of the peers that embed, as its documentation runs it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from recommender.encoder import Embeddings, Encoder, Fingerprint, Progress
from recommender.sentence_encoder import (
    DEFAULT_MODEL,
    DEFAULT_MODEL_SHA256,
    find_model,
    load_encoder,
)


class PlainEncoder:
    """``SentenceTransformer.encode``: float32, texts cut at the model's 256 tokens."""

    def __init__(self) -> None:
        from sentence_transformers import SentenceTransformer

        self._model: Any = SentenceTransformer(
            str(find_model(DEFAULT_MODEL)[0]), device="cpu", local_files_only=True
        )
        self.fingerprint = Fingerprint(
            model=f"sentence-transformers {DEFAULT_MODEL}",
            revision=version("sentence-transformers"),
            sha256=DEFAULT_MODEL_SHA256,
            dim=384,
            max_tokens=256,
            precision="float32",
        )

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """See :class:`recommender.encoder.Encoder`."""
        del progress
        found: Embeddings = self._model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False
        )
        return found


def load_peer_encoder(kind: str, model: str) -> Encoder:
    """The encoder of a kind named by :attr:`benchmarks.peers.peer.Peer.encodes`.

    Args:
        kind: ``"plain"`` or ``"alsolike"``.
        model: Another than the default, such as ``hashing:64``, is AlsoLike's for all kinds.
    """
    if kind == "alsolike" or model != DEFAULT_MODEL:
        return load_encoder(model)
    return PlainEncoder()

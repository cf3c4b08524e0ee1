"""The encoders of the peers that embed, as their own documentation runs them, kept between runs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from recommender.encoder import Embeddings, Encoder, Fingerprint, Progress
from recommender.sentence_encoder import (
    DEFAULT_MODEL,
    DEFAULT_MODEL_SHA256,
    load_encoder,
    model_folder,
)


class PlainEncoder:
    """``SentenceTransformer.encode``: float32, texts cut at the model's 256 tokens."""

    def __init__(self) -> None:
        from sentence_transformers import SentenceTransformer

        self._model: Any = SentenceTransformer(
            str(model_folder(DEFAULT_MODEL)), device="cpu", local_files_only=True
        )
        self.fingerprint = _fingerprint("sentence-transformers", 256)

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """See :class:`recommender.encoder.Encoder`."""
        del progress
        found: Embeddings = self._model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False
        )
        return found


class TxtaiEncoder:
    """What ``txtai.Embeddings(path=…)`` encodes with: float32, up to 512 tokens."""

    def __init__(self) -> None:
        from txtai import Embeddings as Index

        self._index: Any = Index(path=str(model_folder(DEFAULT_MODEL)))
        self.fingerprint = _fingerprint("txtai", 512)

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """See :class:`recommender.encoder.Encoder`."""
        del progress
        return np.array(self._index.batchtransform(list(texts)), dtype=np.float32)


def load_peer_encoder(kind: str, model: str) -> Encoder:
    """The encoder of a kind named by :attr:`benchmarks.peers.peer.Peer.encodes`.

    Args:
        kind: ``"plain"``, ``"txtai"`` or ``"alsolike"``.
        model: Another than the default, such as ``hashing:64``, is AlsoLike's for all kinds.
    """
    if kind == "alsolike" or model != DEFAULT_MODEL:
        return load_encoder(model)
    return PlainEncoder() if kind == "plain" else TxtaiEncoder()


def _fingerprint(package: str, max_tokens: int) -> Fingerprint:
    return Fingerprint(
        model=f"{package} {DEFAULT_MODEL}",
        revision=version(package),
        sha256=DEFAULT_MODEL_SHA256,
        dim=384,
        max_tokens=max_tokens,
        precision="float32",
    )

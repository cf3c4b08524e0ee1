"""Text into embeddings: the encoder protocol, its fingerprint, and an encoder without a model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.errors import ModelError
from recommender.text import PreparedText

Embeddings = NDArray[np.float32]
"""Shape (n, dim), float32, every row of unit L2 norm (zero only for empty text)."""

Progress = Callable[[int], None]
"""Called with the number of texts finished since the last call."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What must be equal for two embeddings to be comparable.

    Attributes:
        model: The name by which the encoder was loaded.
        revision: The model's revision, where it has one.
        sha256: Digest over every file that was loaded, names included.
        dim: Width of an embedding.
        max_tokens: Longest window, special tokens included.
        precision: ``"bfloat16"`` or ``"float32"``.
    """

    model: str
    revision: str | None
    sha256: str
    dim: int
    max_tokens: int
    precision: str


class Encoder(Protocol):
    """Turns texts into embeddings."""

    @property
    def fingerprint(self) -> Fingerprint:
        """The identity of the model and of how it is run."""
        ...

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """Return one unit vector per text, shape (len(texts), dim); zero for empty text."""
        ...


def normalized(vectors: NDArray[np.floating], *, origin: str) -> Embeddings:
    """Rows scaled to unit length as float32; a zero row stays zero.

    All vectors enter the rest of the code here, so here they are checked.

    Raises:
        ModelError: If any value is not finite, naming the row.
    """
    result: Embeddings = np.array(vectors, dtype=np.float32, order="C")
    finite = np.isfinite(result).all(axis=1)
    if not finite.all():
        raise ModelError(
            f"{origin} returned NaN or infinity for text {int(np.argmin(finite))}; "
            "try --precision float32 or another model"
        )
    norms = np.linalg.norm(result, axis=1, keepdims=True)
    result /= np.where(norms > 0, norms, 1.0)
    return result


class HashingEncoder:
    """Bags of hashed words: no model, no torch, instant and deterministic.

    Finds shared words only, so it is for trying out the plumbing, for tests, and for a
    machine that can't hold a model. Feature hashing with signs: Weinberger et al.,
    "Feature Hashing for Large Scale Multitask Learning", ICML 2009.

    Args:
        dim: Width of an embedding.
    """

    def __init__(self, dim: int = 256) -> None:
        if not 8 <= dim <= 65_536:
            raise ModelError(f"hashing:{dim}: the width must lie between 8 and 65536")
        self._dim = dim
        self._slots: dict[str, tuple[int, float]] = {}

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint, which depends on the width alone."""
        return Fingerprint(
            model=f"hashing:{self._dim}",
            revision="1",
            sha256=hashlib.sha256(f"hashing-1:{self._dim}".encode()).hexdigest(),
            dim=self._dim,
            max_tokens=0,
            precision="float32",
        )

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """See :class:`Encoder`."""
        vectors = np.zeros((len(texts), self._dim), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text.casefold()):
                slot, sign = self._slot(word)
                vectors[row, slot] += sign
            if progress is not None:
                progress(1)
        damped = np.sign(vectors) * np.sqrt(np.abs(vectors))
        return normalized(damped, origin=self.fingerprint.model)

    def _slot(self, word: str) -> tuple[int, float]:
        found = self._slots.get(word)
        if found is None:
            number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
            found = (number >> 1) % self._dim, 1.0 if number & 1 else -1.0
            self._slots[word] = found
        return found


TITLE_SHARE = 0.5
"""Weight of the title's own embedding beside the whole text's.

A title says in the fewest words what an article is about, which is lost in a long text.
"""


def embed_texts(
    encoder: Encoder, texts: Sequence[PreparedText], *, progress: Progress | None = None
) -> Embeddings:
    """Embed articles: the whole text of each, plus half of the embedding of its title alone.

    Args:
        encoder: Encodes titles and whole texts.
        texts: Title and body of each article; a title without a body is encoded once.
        progress: Called with the number of whole texts encoded since the last call.

    Returns:
        Shape (len(texts), dim), float32, unit rows.
    """
    wholes = encoder.encode([text.whole for text in texts], progress=progress)
    with_body = [row for row, text in enumerate(texts) if text.body]
    if with_body:
        titles = encoder.encode([texts[row].title for row in with_body])
        wholes[with_body] += TITLE_SHARE * titles
    return normalized(wholes, origin=encoder.fingerprint.model)

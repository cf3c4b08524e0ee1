"""Encoders, which turn text into embeddings: the protocol, fingerprints, and a hashing encoder."""

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
"""One embedding per row: shape (n, dim), float32. Each row has unit L2 norm, except that the row
of an empty text is zero."""

Progress = Callable[[int], None]
"""A function that is called with the number of texts encoded since the last call."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The identity of an encoder: embeddings are comparable only if their fingerprints are equal.

    Attributes:
        model: The name by which the encoder was loaded.
        revision: The model's revision, if it has one.
        sha256: Hash of the names and contents of the model's files.
        dim: Dimension of the embeddings.
        max_tokens: The longest piece of text that is encoded at a time, in tokens, including
            special tokens.
        precision: The number type of the computation, ``"bfloat16"`` or ``"float32"``.
    """

    model: str
    revision: str | None
    sha256: str
    dim: int
    max_tokens: int
    precision: str


class Encoder(Protocol):
    """An encoder, which turns texts into embeddings."""

    @property
    def fingerprint(self) -> Fingerprint:
        """The identity of the encoder: its model, and the options that affect embeddings."""
        ...

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """Return one unit vector per text, shape (len(texts), dim); zero for empty text.

        ``progress`` is called with the number of texts encoded since its last call.
        """
        ...


def normalized(vectors: NDArray[np.floating], *, origin: str) -> Embeddings:
    """Scale rows to unit length, as float32; a zero row stays zero.

    Encoders return only vectors that passed through this function, so it also checks their values.

    Args:
        vectors: Shape (n, dim).
        origin: Name of the model, for the error message.

    Raises:
        ModelError: If a value is not finite; the message names the row.
    """
    result: Embeddings = np.array(vectors, dtype=np.float32, order="C")
    finite = np.isfinite(result).all(axis=1)
    if not finite.all():
        raise ModelError(
            f"model {origin} returned NaN or infinity for text {int(np.argmin(finite))}; "
            "try --precision float32 or another model"
        )
    norms = np.linalg.norm(result, axis=1, keepdims=True)
    result /= np.where(norms > 0, norms, 1.0)
    return result


def center(embeddings: Embeddings, centering: NDArray[np.float32], *, origin: str) -> Embeddings:
    """Make embeddings of a multilingual corpus depend less on the language of the text.

    Args:
        embeddings: Shape (n, dim), float32, unit rows; zero rows stay zero.
        centering: Shape (m, dim), float32, from :func:`recommender.centering.learn_centering`:
            first the mean to subtract, then the orthonormal directions to project out. Without
            rows, nothing changes.
        origin: Name of the model, for the error message.

    Returns:
        Shape (n, dim), float32, unit rows.
    """
    if not len(centering):
        return embeddings
    moved = np.where(embeddings.any(axis=1, keepdims=True), embeddings - centering[0], 0)
    return normalized(moved - moved @ centering[1:].T @ centering[1:], origin=origin)


class HashingEncoder:
    """An encoder that hashes words into a vector: fast, deterministic, without a model or torch.

    It recognizes shared words only, not meaning, so use it for tests, for trying AlsoLike out, and
    on a machine without room for a model. The method is feature hashing with signs: Weinberger et
    al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.

    Args:
        dim: Dimension of the embeddings.
    """

    def __init__(self, dim: int = 256) -> None:
        if not 8 <= dim <= 65_536:
            raise ModelError(f"hashing:{dim}: the dimension must be from 8 to 65536")
        self._dim = dim
        self._slots: dict[str, tuple[int, float]] = {}

    @property
    def fingerprint(self) -> Fingerprint:
        """The identity of the encoder, which depends only on the dimension."""
        return Fingerprint(
            model=f"hashing:{self._dim}",
            revision="1",
            sha256=hashlib.sha256(f"hashing-1:{self._dim}".encode()).hexdigest(),
            dim=self._dim,
            max_tokens=0,
            precision="float32",
        )

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """Return one unit vector per text, shape (len(texts), dim); zero for empty text.

        ``progress`` is called with the number of texts encoded since its last call.
        """
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
"""Weight of the embedding of the title alone, relative to that of the whole text.

The title sums up what an article is about, which the embedding of a long text may not show.
"""


def embed_texts(
    encoder: Encoder,
    texts: Sequence[PreparedText],
    *,
    progress: Progress | None = None,
    centering: NDArray[np.float32] | None = None,
) -> Embeddings:
    """Compute the embeddings of articles.

    An article's embedding is the embedding of title and body together, plus :data:`TITLE_SHARE`
    times the embedding of the title alone, scaled to unit length.

    Args:
        encoder: The encoder to use.
        texts: Title and body of each article; a title without a body is encoded once.
        progress: Called with the number of whole texts encoded since the last call.
        centering: The vectors to remove from the embeddings, see :func:`center`; none by default.

    Returns:
        Shape (len(texts), dim), float32, unit rows.
    """
    wholes = encoder.encode([text.whole for text in texts], progress=progress)
    with_body = [row for row, text in enumerate(texts) if text.body]
    if with_body:
        titles = encoder.encode([texts[row].title for row in with_body])
        wholes[with_body] += TITLE_SHARE * titles
    model = encoder.fingerprint.model
    found = normalized(wholes, origin=model)
    return found if centering is None else center(found, centering, origin=model)

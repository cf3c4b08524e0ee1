"""An article's embedding: its whole text, and its title once more."""

from __future__ import annotations

from collections.abc import Sequence

from recommender.encoder import Embeddings, Encoder, Progress, normalized
from recommender.text import PreparedText

TITLE_SHARE = 0.5
"""What the title's own embedding weighs beside the whole text's.

A title says what an article is about in the fewest words; in a long text it drowns.
"""


def embed_texts(
    encoder: Encoder, texts: Sequence[PreparedText], *, progress: Progress | None = None
) -> Embeddings:
    """One unit vector per text: the whole, plus half of the title alone.

    Args:
        encoder: What encodes them.
        texts: Title and body each; a title alone is encoded once.
        progress: Called with the number of texts whose bodies are done.

    Returns:
        Shape (len(texts), dim), float32, unit rows.
    """
    wholes = encoder.encode([text.whole for text in texts], progress=progress)
    with_body = [row for row, text in enumerate(texts) if text.body]
    if with_body:
        titles = encoder.encode([texts[row].title for row in with_body])
        wholes[with_body] += TITLE_SHARE * titles
    return normalized(wholes, origin=encoder.fingerprint.model)

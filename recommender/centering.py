"""Finds what embeddings say only of the language that a text is in.

A multilingual model puts all texts of a language close together, and all texts near some common
point: the nearest page in another language is then one that is near to everything. Without the
common mean, and without the directions in which the languages' means differ, what is left is what
texts say. The means: Libovický et al., "On the Language Neutrality of Pre-trained Multilingual
Representations", Findings of EMNLP 2020; the directions: Yang et al., "A Simple and Effective
Method To Eliminate the Self Language Bias in Multilingual Representations", EMNLP 2021.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import Embeddings

LEAST_ARTICLES = 30
"""Articles that a language needs for a mean."""

_MOST_ARTICLES = 10_000


def learn_centering(embeddings: Embeddings, languages: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the vectors to remove from embeddings so that they depend less on the language.

    Args:
        embeddings: Shape (n, dim), float32, unit rows.
        languages: Shape (n,), int32: the language of each row; 0 if unknown.

    Returns:
        Shape (languages, dim), float32, for :func:`recommender.encoder.center`: first the mean of
        the languages' mean embeddings, then the orthonormal directions in which these means differ.
        No rows, which changes nothing, unless two languages have :data:`LEAST_ARTICLES` articles.
    """
    codes, counts = np.unique(languages[languages > 0], return_counts=True)
    means = []
    for code in codes[counts >= LEAST_ARTICLES]:
        rows = np.flatnonzero(languages == code)
        means.append(embeddings[rows[:: -(-len(rows) // _MOST_ARTICLES)]].mean(axis=0))
    if len(means) < 2:
        return np.zeros((0, embeddings.shape[1]), dtype=np.float32)
    middle = np.mean(means, axis=0)
    directions = np.linalg.svd(np.array(means) - middle, full_matrices=False)[2][:-1]
    return np.vstack([middle, directions]).astype(np.float32)

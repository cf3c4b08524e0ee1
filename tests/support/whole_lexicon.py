"""The whole lexicon of a build in memory: what looking words up where they lie is held to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.lexicon import load_matrix
from index.files import Blob, load_array
from recommender.lexical import LexicalVectors


def load_lexicon(build: Build) -> tuple[list[str], NDArray[np.int64], LexicalVectors]:
    """Read the words, the keys of the pairs and the weights back, mapped."""
    words = [word.decode() for word in Blob(build.checked("words.bin"))]
    build.checked("words_ends.npy")
    keys = load_array(build.checked("pair_keys.npy")).astype(np.int64)
    idf = load_array(build.checked("lexical_idf.npy")).astype(np.float32)
    weights = load_matrix(build.checked, "lexical", (build.count, len(idf)))
    titles = load_matrix(build.checked, "titles", (build.count, len(words)))
    return words, keys, LexicalVectors(weights=weights, titles=titles, idf=idf)

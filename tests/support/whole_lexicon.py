"""The whole lexicon of a build in memory: what looking words up where they lie is held to."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from index.build.build import Build
from index.build.lexicon import load_matrix
from index.files import Blob, load_array
from recommender.lexical import LexicalVectors
from recommender.term_counts import TermCounts


def load_lexicon(build: Build) -> tuple[TermCounts, LexicalVectors]:
    """Read them back, mapped; the counts are empty, their columns are what matters."""
    words = [word.decode() for word in Blob(build.checked("words.bin"))]
    build.checked("words_ends.npy")
    keys = load_array(build.checked("pair_keys.npy")).astype(np.int64)
    idf = load_array(build.checked("lexical_idf.npy")).astype(np.float32)
    weights = load_matrix(build.checked, "lexical", (build.count, len(idf)))
    terms = TermCounts(
        words=sp.csr_matrix(np.zeros((0, len(words)), dtype=np.float32)),
        pairs=sp.csr_matrix(np.zeros((0, len(keys)), dtype=np.float32)),
        vocabulary=words,
        pair_keys=keys,
        unmatched=np.zeros(0, dtype=np.float32),
    )
    titles = load_matrix(build.checked, "titles", (build.count, len(words)))
    return terms, LexicalVectors(weights=weights, titles=titles, idf=idf)

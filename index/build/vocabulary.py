"""A build's words, looked up on disk, so that the cost does not grow with the site.

Words ascend in their file and pairs by their keys, so both are found by binary search in mapped
memory; nothing is loaded, at any size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from index.build.build import Build
from index.files import Blob, load_array
from recommender.arrays import find_sorted
from recommender.lexical import apply_weights
from recommender.term_counts import count_terms
from recommender.tokenizer import BREAK, TokenizedCorpus, split_terms


class Vocabulary:
    """The terms of a build: a column for each of its words, then for each of its pairs of words.

    Args:
        build: Its files are hashed before they are used.
    """

    def __init__(self, build: Build) -> None:
        build.checked("words_ends.npy")
        self._words = Blob(build.checked("words.bin"))
        self._pair_keys = cast("NDArray[np.int64]", load_array(build.checked("pair_keys.npy")))
        self._idf = cast("NDArray[np.float32]", load_array(build.checked("lexical_idf.npy")))
        self._articles = build.count
        width = len(self._words)
        self._rarest = int(np.argmax(self._idf[:width])) if width else None

    def __len__(self) -> int:
        return len(self._idf)

    def weigh(self, corpus: TokenizedCorpus) -> sp.csr_matrix:
        """Term weights of texts, as the build would have given them.

        Args:
            corpus: Their words, breaks and all.

        Returns:
            Shape (texts, terms), float32 CSR with sorted indices, over the build's columns.
        """
        names = [split_terms(spelling) for spelling in corpus.spellings]
        positions = self._find_words({name for some in names for name in some})
        if self._rarest is not None:  # by which words that the build has not are weighed
            positions.setdefault(self._words[self._rarest].decode(), self._rarest)
        vocabulary = sorted(positions)
        columns = np.array([positions[name] for name in vocabulary], dtype=np.int64)
        local = {name: position for position, name in enumerate(vocabulary)}
        last = np.array([local.get(some[-1], -1) if some else -1 for some in names], dtype=np.int64)
        pair_keys, pair_places = self._find_pairs(corpus, last, columns)
        found = np.concatenate([columns, len(self._words) + pair_places])
        weights = apply_weights(count_terms(corpus, vocabulary, pair_keys), self._idf[found])
        weights.sort_indices()
        shape = (len(corpus.ends), len(self._idf))
        return sp.csr_matrix((weights.data, found[weights.indices], weights.indptr), shape=shape)

    def rarity(self, phrase: str) -> float:
        """``ln(1 + articles / holders)`` of a word or of two, 0 for what the build does not know.

        Args:
            phrase: As printed, the words parted by a space.
        """
        terms = [split_terms(word) for word in phrase.split()]
        positions = [self._words.find(some[-1].encode()) if some else None for some in terms]
        known = [position for position in positions if position is not None]
        if not known or len(known) < len(positions):
            return 0.0
        column = known[0]
        if len(known) > 1:
            key = np.int64(known[0] * len(self._words) + known[1])
            pair = int(np.searchsorted(self._pair_keys, key))
            if pair == len(self._pair_keys) or self._pair_keys[pair] != key:
                return 0.0
            column = len(self._words) + pair
        if not self._idf[column]:
            return 0.0
        # idf = 0.5 + ln((1 + n) / (1 + df)), kept as its square root
        holders = (1 + self._articles) / math.exp(float(self._idf[column]) ** 2 - 0.5) - 1
        return math.log1p(self._articles / max(holders, 1.0))

    def _find_words(self, names: Iterable[str]) -> dict[str, int]:
        found = {name: self._words.find(name.encode(errors="surrogatepass")) for name in names}
        return {name: position for name, position in found.items() if position is not None}

    def _find_pairs(
        self, corpus: TokenizedCorpus, last: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Known pairs of neighboring words: keys over ``columns``, positions in the build."""
        words = np.where(corpus.tokens == BREAK, -1, last[corpus.tokens])
        first, second = words[:-1], words[1:]
        beside = (first >= 0) & (second >= 0)
        first, second = first[beside], second[beside]
        keys = np.unique(first * len(columns) + second)
        first, second = np.divmod(keys, max(len(columns), 1))
        wanted = columns[first] * len(self._words) + columns[second]
        places = find_sorted(self._pair_keys, wanted)
        known = places >= 0
        return keys[known], places[known]

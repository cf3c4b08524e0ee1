"""A build's vocabulary on disk, with which terms of other texts, such as drafts, are weighted.

Words and word pairs are sorted in memory-mapped files and found by binary search. So nothing needs
to be loaded, and the time per text hardly grows with the number of articles.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from index.files import load_array, open_blob, read_json
from recommender.arrays import find_sorted
from recommender.encoder import Embeddings
from recommender.evidence import PairData
from recommender.fusion import Calibration
from recommender.lexical import apply_weights, title_shares
from recommender.term_counts import count_terms, count_titles
from recommender.tokenizer import BREAK, TokenizedCorpus, split_terms

PHRASE_WEIGHTS = "phrase_weights.npy"

VOCABULARY_FILES = (
    *("words.bin", "words_ends.npy", "spellings.bin", "spellings_ends.npy", "pair_keys.npy"),
    *("lexical_idf.npy", "phrases.bin", "phrases_ends.npy", PHRASE_WEIGHTS),
)
"""The files of a build that small builds take over as they are."""

_PARTS = ("data", "indices", "indptr")

PathOf = Callable[[str], Path]
"""Returns the path of a file of a build: ``build.checked``, or ``folder.joinpath`` while the build
is made."""


def load_matrix(path_of: PathOf, name: str, shape: tuple[int, int]) -> sp.csr_matrix:
    """Map a sparse matrix of a build into memory, read-only.

    Args:
        path_of: Returns the path of a file of the build.
        name: ``lexical`` (articles, terms), ``postings`` (terms, articles), ``titles`` (articles,
            words), ``tag_vectors`` (articles, tags) or ``author_vectors`` (articles, authors).
        shape: The shape of the matrix.
    """
    parts: Any = tuple(load_array(path_of(f"{name}_{part}.npy")) for part in _PARTS)
    return sp.csr_matrix(parts, shape=shape, copy=False)


def load_pairs(path_of: PathOf) -> PairData:
    """Map the data by which a build's articles are compared into memory, read-only.

    Args:
        path_of: Returns the path of a file of the build.
    """
    facets = read_json(path_of("facets.json"))
    embeddings: Embeddings = load_array(path_of("embeddings.npy"))
    count = len(embeddings)
    words = len(load_array(path_of("words_ends.npy")))
    terms = len(load_array(path_of("lexical_idf.npy")))
    return PairData(
        embeddings=embeddings,
        terms=load_matrix(path_of, "lexical", (count, terms)),
        titles=load_matrix(path_of, "titles", (count, words)),
        tags=load_matrix(path_of, "tag_vectors", (count, len(facets["tags"]))),
        authors=load_matrix(path_of, "author_vectors", (count, len(facets["authors"]))),
        days=load_array(path_of("dates.npy")),
    )


def load_calibration(path_of: PathOf) -> Calibration:
    """Read how a build scores pairs of articles: weights, means and deviations of evidence.

    Args:
        path_of: Returns the path of a file of the build.
    """
    return Calibration(**read_json(path_of("calibration.json")))


class Vocabulary:
    """The terms of a build: its words and word pairs, each with a column in the term weights.

    The columns of all words come first, then those of the word pairs.

    Args:
        path_of: Returns the path of a file of the build, such as ``build.checked``.

    Attributes:
        words: The number of words; the other terms are word pairs.
    """

    def __init__(self, path_of: PathOf) -> None:
        self._words = open_blob(path_of, "words.bin")
        self._pair_keys: NDArray[np.int64] = load_array(path_of("pair_keys.npy"))
        self._idf: NDArray[np.float32] = load_array(path_of("lexical_idf.npy"))
        self.words = width = len(self._words)
        self._rarest = int(np.argmax(self._idf[:width])) if width else None

    def __len__(self) -> int:
        return len(self._idf)

    def idf(self, word: str) -> float:
        """Return the idf of a word: 0 if most articles have it, the highest if none has it."""
        terms = split_terms(word)
        column = self._words.find(terms[-1].encode(errors="surrogatepass")) if terms else None
        at = self._rarest if column is None else column
        return 0.0 if at is None or not terms else float(self._idf[at]) ** 2

    def weigh(self, corpus: TokenizedCorpus) -> sp.csr_matrix:
        """Compute the term weights of texts in the same way as a build does.

        Args:
            corpus: The words of the texts.

        Returns:
            Shape (texts, terms), float32 CSR with sorted indices, over the build's columns.
        """
        vocabulary, columns = self._known_words(corpus)
        pair_keys, pair_positions = self._find_pairs(corpus, vocabulary, columns)
        counts = count_terms(corpus, vocabulary, pair_keys)
        columns = np.concatenate([columns, len(self._words) + pair_positions])
        weights = apply_weights(counts, self._idf[columns])
        weights.sort_indices()
        shape = (len(corpus.ends), len(self._idf))
        return sp.csr_matrix((weights.data, columns[weights.indices], weights.indptr), shape=shape)

    def weigh_titles(self, corpus: TokenizedCorpus) -> sp.csr_matrix:
        """Return each word's share of the idf of its text's title; shape (texts, words).

        See :func:`recommender.lexical.title_shares`.
        """
        vocabulary, columns = self._known_words(corpus)
        shares = title_shares(count_titles(corpus, vocabulary), self._idf[columns])
        shape = (len(corpus.ends), len(self._words))
        return sp.csr_matrix((shares.data, columns[shares.indices], shares.indptr), shape=shape)

    def _known_words(self, corpus: TokenizedCorpus) -> tuple[list[str], NDArray[np.int64]]:
        """Return the words of texts that the build has, sorted, and the build's column of each."""
        names = {name for spelling in corpus.spellings for name in split_terms(spelling)}
        found = {name: self._words.find(name.encode(errors="surrogatepass")) for name in names}
        columns = {name: column for name, column in found.items() if column is not None}
        if self._rarest is not None:  # weights words that the build does not have
            columns.setdefault(self._words[self._rarest].decode(), self._rarest)
        vocabulary = sorted(columns)
        return vocabulary, np.array([columns[name] for name in vocabulary], dtype=np.int64)

    def _find_pairs(
        self, corpus: TokenizedCorpus, vocabulary: Sequence[str], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Find those word pairs of the given texts that the build has too.

        Returns:
            The pairs' keys, made from the words' positions in ``vocabulary``; and the pairs'
            positions among the build's pairs.
        """
        position = {name: number for number, name in enumerate(vocabulary)}
        ends = (split_terms(spelling)[-1:] for spelling in corpus.spellings)
        last = np.array([position.get("".join(end), -1) for end in ends], dtype=np.int64)
        words = np.where(corpus.tokens == BREAK, -1, last[corpus.tokens])
        first, second = words[:-1], words[1:]
        beside = (first >= 0) & (second >= 0)
        first, second = first[beside], second[beside]
        keys = np.unique(first * len(columns) + second)
        first, second = np.divmod(keys, max(len(columns), 1))
        wanted = columns[first] * len(self._words) + columns[second]
        positions = find_sorted(self._pair_keys, wanted)
        known = positions >= 0
        return keys[known], positions[known]

"""A text from outside, related to a corpus in memory, with what it shares with each article."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.encoder import Embeddings
from recommender.keyphrases import NO_PHRASE, Phrases
from recommender.known_phrases import find_known_phrases
from recommender.lexical import apply_weights
from recommender.shared_phrases import shared_phrases
from recommender.term_counts import CorpusTerms, TermCounts, count_terms
from recommender.text import PreparedText
from recommender.text_query import CandidateFilter, Corpus, TextQuery, TextQueryResult
from recommender.tokenizer import tokenize_corpus


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryAnswer:
    """A text in its place among the articles.

    Attributes:
        rows: Shape (related,), int32, best first.
        scores: Their scores, float32.
        phrases: What it is about: ids of the corpus's phrases, best first.
        corpus: The corpus's phrases.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    phrases: list[int]
    corpus: Phrases

    def shared_with(self, row: int) -> tuple[str, ...]:
        """Up to four phrases that it shares with an article."""
        theirs = self.corpus.rows[row].tolist()
        return tuple(shared_phrases(self.phrases, theirs, self.corpus.names))


class MemoryQuery:
    """Relates texts that are not among a corpus's articles.

    Args:
        corpus: The articles.
        terms: Their terms; only the columns are kept.
        idf: See :attr:`recommender.lexical.LexicalVectors.idf`.
        phrases: What they are about.
    """

    def __init__(
        self, corpus: Corpus, terms: CorpusTerms, idf: NDArray[np.float32], phrases: Phrases
    ) -> None:
        self.corpus = corpus
        self._idf = idf
        self._phrases = phrases
        self._columns = TermCounts(
            words=sp.csr_matrix(np.zeros((0, len(terms.vocabulary)), dtype=np.float32)),
            pairs=sp.csr_matrix(np.zeros((0, len(terms.pair_keys)), dtype=np.float32)),
            vocabulary=terms.vocabulary,
            pair_keys=terms.pair_keys,
            lone=np.zeros(0, dtype=np.float32),
        )
        listed = phrases.rows[phrases.rows != NO_PHRASE]
        holders = np.bincount(listed, minlength=len(phrases.names)).tolist()
        count = len(corpus.embeddings)
        self._everything = CandidateFilter(index=corpus.index, rows=np.ones(count, dtype=bool))
        self._rarity = {
            name: math.log1p(count / max(1, holders[number]))
            for number, name in enumerate(phrases.names)
        }

    def place(
        self, text: PreparedText, embedding: Embeddings, *, language: int, depth: int
    ) -> QueryAnswer:
        """Relate a text.

        Args:
            text: Prepared as the articles were.
            embedding: Shape (1, dim), float32, a unit row.
            language: Its id in the corpus, or any other for a language new to it; 0 unknown.
            depth: Length of the list.
        """
        words = tokenize_corpus([text])
        weights = apply_weights(count_terms(words, self._columns), self._idf)
        weights.sort_indices()
        draft = TextQuery(text=text, embedding=embedding, weights=weights, language=language)
        related = TextQueryResult(draft, self.corpus)
        rows, scores = related.among(self._everything, depth)
        known = np.unique(self._phrases.rows[np.append(related.same_story, rows)])
        phrases = find_known_phrases(
            words,
            known[known != NO_PHRASE].tolist(),
            self._phrases.names,
            self._rarity.__getitem__,
        )
        return QueryAnswer(rows=rows, scores=scores, phrases=phrases, corpus=self._phrases)

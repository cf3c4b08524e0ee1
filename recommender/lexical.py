"""Lexical evidence: which rare words two articles share.

Each article is a unit vector of term weights; the similarity of two is their inner product.
A full product of all pairs is quadratic, so only an article's most telling terms ask, and only
the articles in which a term weighs most answer: the work per article is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.recipe import DEFAULT_RECIPE, Recipe
from recommender.terms import TermCounts

QUERY_TERMS = 32
"""Terms of an article that look for others, its heaviest."""

POSTINGS = 512
"""Articles that a term finds, those in which it weighs most."""

_MAX_SHARE = 0.5
_CHUNK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalVectors:
    """Term weights of a corpus.

    Attributes:
        weights: Shape (n, words + pairs), float32 CSR, rows of length at most 1 (shorter
            for an article with words that no other has).
        idf: Shape (words + pairs,), float32: the square root of each term's idf.
    """

    weights: sp.csr_matrix
    idf: NDArray[np.float32]


def weigh_terms(corpus: TermCounts, recipe: Recipe = DEFAULT_RECIPE) -> LexicalVectors:
    """Weigh counts as (1 + ln tf) * sqrt(idf), idf = 0.5 + ln((1 + n) / (1 + df)).

    The square root gives each of two articles half of the idf, so that a shared term counts
    by idf once, not squared; measured, it beats idf on both sides (see the ablation in
    ``benchmarks/``). Terms of more than half of the articles weigh nothing.
    """
    idf = np.concatenate([_root_idf(corpus.words), _root_idf(corpus.pairs)])
    return LexicalVectors(weights=apply_weights(corpus, idf, recipe), idf=idf)


def apply_weights(
    corpus: TermCounts, idf: NDArray[np.float32], recipe: Recipe = DEFAULT_RECIPE
) -> sp.csr_matrix:
    """Rows of term weights: words and, counting half as much, pairs; see :func:`weigh_terms`.

    Args:
        corpus: Counts over the columns that ``idf`` is for.
        idf: See :attr:`LexicalVectors.idf`.
        recipe: What pairs weigh.
    """
    width = corpus.words.shape[1]
    share = recipe.pair_share
    words = _damped(corpus.words, idf[:width])
    pairs = _damped(corpus.pairs, idf[width:])
    rarest = idf[:width].max(initial=1.0) ** 2
    words = _scaled(words, corpus.lone * rarest, 1.0 / (1.0 + share))
    pairs = _scaled(pairs, np.zeros_like(corpus.lone), share / (1.0 + share))
    both: sp.csr_matrix = sp.hstack([words, pairs], format="csr", dtype=np.float32)
    return both


def _root_idf(counts: sp.csr_matrix) -> NDArray[np.float32]:
    count = counts.shape[0]
    holders = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.sqrt(0.5 + np.log((1.0 + count) / (1.0 + holders)))
    if count >= 20:  # in fewer articles, half of them is not many
        idf[holders > _MAX_SHARE * count] = 0.0
    rooted: NDArray[np.float32] = idf.astype(np.float32)
    return rooted


def _damped(counts: sp.csr_matrix, idf: NDArray[np.float32]) -> sp.csr_matrix:
    weights = counts.copy()
    weights.data = (1.0 + np.log(weights.data)) * idf[weights.indices]
    return weights


def _scaled(matrix: sp.csr_matrix, unseen: NDArray[np.float32], square: float) -> sp.csr_matrix:
    """Rows scaled so that their squared length, ``unseen`` included, is ``square``."""
    lengths = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(matrix.shape[0]), lengths)
    squares = np.bincount(rows, weights=matrix.data**2, minlength=matrix.shape[0]) + unseen
    scale = np.sqrt(np.divide(square, squares, out=np.zeros_like(squares), where=squares > 0))
    matrix.data = (matrix.data * np.repeat(scale, lengths)).astype(np.float32)
    return matrix


def similar_rows(weights: sp.csr_matrix, keep: int) -> Iterator[NDArray[np.int32]]:
    """Each article's lexical candidates, itself among them.

    Found by the pruned product: an article's heaviest terms ask, and each term's heaviest
    articles answer. That is enough to find the candidates, not to score them.

    Args:
        weights: Shape (n, terms): see :class:`LexicalVectors`.
        keep: Candidates per article.

    Yields:
        For each article at most ``keep`` rows, in no order.
    """
    yield from answer(weights, make_postings(weights), keep)


def make_postings(weights: sp.csr_matrix) -> sp.csr_matrix:
    """The articles that answer for each term: shape (terms, n), CSR, the heaviest of each row."""
    return _heaviest_per_row(weights.T.tocsr(), POSTINGS)


def answer(
    asking: sp.csr_matrix, postings: sp.csr_matrix, keep: int
) -> Iterator[NDArray[np.int32]]:
    """The rows that share the most telling terms with each of some texts; see above.

    Args:
        asking: Shape (texts, terms): their term weights.
        postings: See :func:`make_postings`.
        keep: Rows per text.

    Yields:
        For each text at most ``keep`` rows, in no order.
    """
    asking = _heaviest_per_row(asking, QUERY_TERMS)
    for start in range(0, asking.shape[0], _CHUNK):
        block = asking[start : start + _CHUNK] @ postings
        for place in range(block.shape[0]):
            here = slice(block.indptr[place], block.indptr[place + 1])
            found, similarity = block.indices[here], block.data[here]
            if len(found) > keep:
                found = found[np.argpartition(-similarity, keep - 1)[:keep]]
            yield found


def _heaviest_per_row(matrix: sp.csr_matrix, keep: int) -> sp.csr_matrix:
    """Each row's ``keep`` largest entries."""
    lengths = np.diff(matrix.indptr)
    kept = np.ones(matrix.nnz, dtype=bool)
    for row in np.flatnonzero(lengths > keep).tolist():
        begin, end = matrix.indptr[row], matrix.indptr[row + 1]
        light = np.argpartition(matrix.data[begin:end], end - begin - keep)[: end - begin - keep]
        kept[begin + light] = False
    indptr = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return sp.csr_matrix((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)

"""Lexical similarity: weights the terms of each article, so that shared rare terms count most.

Each article is represented by a vector of term weights; the similarity of two articles is the inner
product of their vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, MatrixColumns, SparseRows, Workspace
from recommender.parallel import BlockMapper, map_in_threads
from recommender.parameters import DEFAULT_RECIPE, RankingParameters
from recommender.term_counts import CorpusTerms, TermCounts

_MAX_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalVectors:
    """The term weights of a corpus.

    Attributes:
        weights: Shape (n, words + pairs), float32 CSR: the weight of each term in each article. The
            L2 norm of a row is 1; it is less if the article has words that occur in no other.
        idf: Shape (words + pairs,), float32: the square root of each term's idf.
    """

    weights: sp.csr_matrix
    idf: NDArray[np.float32]


def weigh_terms(
    corpus: CorpusTerms,
    recipe: RankingParameters = DEFAULT_RECIPE,
    workspace: Workspace = IN_MEMORY,
    mapper: BlockMapper = map_in_threads,
) -> LexicalVectors:
    """Weight the terms as (1 + ln tf) * sqrt(idf), with idf = 0.5 + ln((1 + n) / (1 + df)).

    Each article's weight has the square root of the idf, so that the product for a shared term has
    the idf once, not squared, which measured better (see the ablation in ``benchmarks/``). Terms
    that occur in more than half of the articles get weight 0.

    Args:
        corpus: The term counts of all articles.
        recipe: Ranking parameters, of which the weight of word pairs is used.
        workspace: Stores the arrays ``lexical_data``, ``lexical_indices``, ``lexical_indptr``.
        mapper: Runs a function on every block of articles; by default on every core of this
            machine.
    """
    count = len(corpus)
    idf = np.concatenate(
        [_root_idf(corpus.word_holders, count), _root_idf(corpus.pair_holders, count)]
    )

    def weigh(start: int, stop: int) -> SparseRows:
        return SparseRows.of(apply_weights(corpus.counts(start, stop), idf, recipe))

    matrix = MatrixColumns(workspace, "lexical")
    for rows in mapper(weigh, corpus.blocks, stage="weights"):
        matrix.append(rows)
    return LexicalVectors(weights=matrix.finish(len(idf)), idf=idf)


def apply_weights(
    corpus: TermCounts, idf: NDArray[np.float32], recipe: RankingParameters = DEFAULT_RECIPE
) -> sp.csr_matrix:
    """Turn term counts into term weights, by the formula that :func:`weigh_terms` states.

    Args:
        corpus: The term counts, with the same columns as ``idf``.
        idf: Shape (words + pairs,), float32: the square root of each term's idf.
        recipe: Ranking parameters, of which the weight of word pairs is used.

    Returns:
        Shape (articles, words + pairs), float32 CSR.
    """
    width = corpus.words.shape[1]
    share = recipe.pair_share
    words = _damped(corpus.words, idf[:width])
    pairs = _damped(corpus.pairs, idf[width:])
    rarest = idf[:width].max(initial=1.0) ** 2
    words = _scaled(words, corpus.unmatched * rarest, 1.0 / (1.0 + share))
    pairs = _scaled(pairs, np.zeros_like(corpus.unmatched), share / (1.0 + share))
    both: sp.csr_matrix = sp.hstack([words, pairs], format="csr", dtype=np.float32)
    return both


def _root_idf(holders: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    idf = np.sqrt(0.5 + np.log((1.0 + count) / (1.0 + holders)))
    if count >= 20:  # on a smaller site, half of the articles are too few to tell
        idf[holders > _MAX_SHARE * count] = 0.0
    rooted: NDArray[np.float32] = idf.astype(np.float32)
    return rooted


def _damped(counts: sp.csr_matrix, idf: NDArray[np.float32]) -> sp.csr_matrix:
    weights = counts.copy()
    weights.data = (1.0 + np.log(weights.data)) * idf[weights.indices]
    return weights


def _scaled(matrix: sp.csr_matrix, unmatched: NDArray[np.float32], square: float) -> sp.csr_matrix:
    """Scale rows to the squared L2 norm ``square``.

    The norm includes words that occur in no other article, of which the matrix has no columns.

    Args:
        matrix: The rows to scale.
        unmatched: For each row, the sum of the squared weights of those words.
        square: The squared L2 norm.
    """
    lengths = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(matrix.shape[0]), lengths)
    squares = np.bincount(rows, weights=matrix.data**2, minlength=matrix.shape[0]) + unmatched
    scale = np.sqrt(np.divide(square, squares, out=np.zeros_like(squares), where=squares > 0))
    matrix.data = (matrix.data * np.repeat(scale, lengths)).astype(np.float32)
    return matrix

"""Lexical evidence: which rare words two articles share.

Each article is a unit vector of term weights; the similarity of two is their inner product.
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
    """Term weights of a corpus.

    Attributes:
        weights: Shape (n, words + pairs), float32 CSR, rows of length at most 1 (shorter
            for an article with words that no other has).
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
    """Weigh counts as (1 + ln tf) * sqrt(idf), idf = 0.5 + ln((1 + n) / (1 + df)).

    The square root gives each of two articles half of the idf, so that a shared term counts
    by idf once, not squared; measured, it beats idf on both sides (see the ablation in
    ``benchmarks/``). Terms of more than half of the articles weigh nothing.

    Args:
        corpus: The counts.
        recipe: What pairs weigh.
        workspace: Gets the columns ``lexical_data``, ``lexical_indices``, ``lexical_indptr``.
        mapper: Maps over blocks of articles; on every core of this machine by default.
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
    words = _scaled(words, corpus.unmatched * rarest, 1.0 / (1.0 + share))
    pairs = _scaled(pairs, np.zeros_like(corpus.unmatched), share / (1.0 + share))
    both: sp.csr_matrix = sp.hstack([words, pairs], format="csr", dtype=np.float32)
    return both


def _root_idf(holders: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    idf = np.sqrt(0.5 + np.log((1.0 + count) / (1.0 + holders)))
    if count >= 20:  # in fewer articles, half of them is not many
        idf[holders > _MAX_SHARE * count] = 0.0
    rooted: NDArray[np.float32] = idf.astype(np.float32)
    return rooted


def _damped(counts: sp.csr_matrix, idf: NDArray[np.float32]) -> sp.csr_matrix:
    weights = counts.copy()
    weights.data = (1.0 + np.log(weights.data)) * idf[weights.indices]
    return weights


def _scaled(matrix: sp.csr_matrix, unmatched: NDArray[np.float32], square: float) -> sp.csr_matrix:
    """Rows scaled so that their squared length, with ``unmatched`` added, is ``square``."""
    lengths = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(matrix.shape[0]), lengths)
    squares = np.bincount(rows, weights=matrix.data**2, minlength=matrix.shape[0]) + unmatched
    scale = np.sqrt(np.divide(square, squares, out=np.zeros_like(squares), where=squares > 0))
    matrix.data = (matrix.data * np.repeat(scale, lengths)).astype(np.float32)
    return matrix

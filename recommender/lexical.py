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

from recommender.terms import TermCounts

QUERY_TERMS = 48
"""Terms of an article that look for others, its heaviest."""

POSTINGS = 4_000
"""Articles that a term finds, those in which it weighs most."""

_MAX_SHARE = 0.5
_CHUNK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalVectors:
    """Term weights of a corpus.

    Attributes:
        weights: Shape (n, terms), float32 CSR, unit rows (zero for an article without terms).
        idf: Shape (terms,), float32: what a count of each term is multiplied by.
    """

    weights: sp.csr_matrix
    idf: NDArray[np.float32]


def weigh_terms(corpus: TermCounts) -> LexicalVectors:
    """Weigh counts as (1 + ln tf) · √idf, idf = 1 + ln((1 + n) / (1 + df)), rows of unit length.

    The square root gives each of two articles half of the idf, so that a shared term counts
    by idf once, not squared; measured, it beats idf on both sides (see the ablation in
    ``benchmarks/``). Terms of more than half of the articles weigh nothing.
    """
    counts = corpus.counts
    count = counts.shape[0]
    holders = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.sqrt(1.0 + np.log((1.0 + count) / (1.0 + holders)))
    if count >= 20:  # in fewer articles, half of them is not many
        idf[holders > _MAX_SHARE * count] = 0.0
    idf = idf.astype(np.float32)
    return LexicalVectors(weights=apply_weights(counts, idf), idf=idf)


def apply_weights(counts: sp.csr_matrix, idf: NDArray[np.float32]) -> sp.csr_matrix:
    """Unit rows of term weights from counts; see :func:`weigh_terms`."""
    weights = counts.copy()
    weights.data = (1.0 + np.log(weights.data)) * idf[weights.indices]
    squares = weights.copy()
    squares.data = squares.data**2
    norms = np.sqrt(np.asarray(squares.sum(axis=1)).ravel())
    scale = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
    weights.data = (weights.data * np.repeat(scale, np.diff(weights.indptr))).astype(np.float32)
    return weights


def similar_rows(
    queries: sp.csr_matrix, corpus: sp.csr_matrix
) -> Iterator[tuple[int, sp.csr_matrix]]:
    """Lexical similarities of each query to the articles that its terms find.

    Args:
        queries: Shape (q, terms), unit rows.
        corpus: Shape (n, terms), unit rows.

    Yields:
        The first query of a chunk, and shape (chunk, n) CSR of inner products over the
        pruned terms and postings; a pair that is absent has none worth speaking of.
    """
    asking = _heaviest_per_row(queries, QUERY_TERMS)
    answering = _heaviest_per_row(corpus.T.tocsr(), POSTINGS)
    for start in range(0, queries.shape[0], _CHUNK):
        yield start, asking[start : start + _CHUNK] @ answering


def _heaviest_per_row(matrix: sp.csr_matrix, keep: int) -> sp.csr_matrix:
    """Each row's ``keep`` largest entries; ties by column."""
    lengths = np.diff(matrix.indptr)
    if not (lengths > keep).any():
        return matrix
    rows = np.repeat(np.arange(matrix.shape[0]), lengths)
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    rank = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], lengths)
    kept = np.sort(order[rank < keep])
    indptr = np.concatenate([[0], np.cumsum(np.minimum(lengths, keep))])
    return sp.csr_matrix((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)

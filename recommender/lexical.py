"""Lexical similarity: weights the terms of each article, so that shared rare terms count most.

Each article is represented by a vector of term weights; the similarity of two articles is the inner
product of their vectors.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, MatrixColumns, SparseRows, Workspace
from recommender.neighbors import NO_ROW, Rows
from recommender.parallel import BlockMapper, map_in_threads
from recommender.parameters import DEFAULT_RECIPE, RankingParameters
from recommender.term_counts import CorpusTerms, TermCounts, WordCounts

_MAX_SHARE = 0.5
_COMPARED = 1_024  # rows, few enough to stay in the cache
_MARK = np.float32(2.0)  # more than any weight


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalVectors:
    """The term weights of a corpus.

    Attributes:
        weights: Shape (n, words + pairs), float32 CSR: the weight of each term in each article. The
            L2 norm of a row is 1; it is less if the article has words that occur in no other.
        titles: Shape (n, words), float32 CSR: for each word of an article's title, its share of the
            idf of all the title's words.
        idf: Shape (words + pairs,), float32: the square root of each term's idf.
    """

    weights: sp.csr_matrix
    titles: sp.csr_matrix
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
        workspace: Stores the arrays ``lexical_data``, ``lexical_indices``, ``lexical_indptr``, and
            ``titles_…`` likewise.
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
    titles = MatrixColumns(workspace, "titles")
    for start, stop in corpus.blocks:
        titles.append(SparseRows.of(title_shares(corpus.title_counts(start, stop), idf)))
    return LexicalVectors(
        weights=matrix.finish(len(idf)), titles=titles.finish(len(corpus.vocabulary)), idf=idf
    )


def title_shares(titles: WordCounts, idf: NDArray[np.float32]) -> sp.csr_matrix:
    """Return each word's share of the summed idf of its title; shape (titles, words), float32 CSR.

    A word that occurs in no other article counts for the title's sum, but has no column.

    Args:
        titles: The counts of words in titles alone.
        idf: Shape (words + pairs,), float32: the square root of each term's idf.
    """
    shares = titles.words.copy()
    shares.data = idf[shares.indices] ** 2
    lengths = np.diff(shares.indptr)
    rows = np.repeat(np.arange(shares.shape[0]), lengths)
    rarest = idf[: shares.shape[1]].max(initial=1.0) ** 2
    whole = titles.unmatched * rarest + np.bincount(rows, shares.data, minlength=shares.shape[0])
    shares.data = (shares.data / np.repeat(np.maximum(whole, 1e-9), lengths)).astype(np.float32)
    return shares


def compare_terms(
    own: sp.csr_matrix,
    own_titles: sp.csr_matrix,
    terms: sp.csr_matrix,
    titles: sp.csr_matrix,
    rows: Rows,
) -> NDArray[np.float32]:
    """Compare texts with articles of a corpus by their words and by the titles that they mention.

    Args:
        own: Shape (texts, words + pairs), float32 CSR: the texts' term weights.
        own_titles: Shape (texts, words), float32 CSR: what :func:`title_shares` returns for them.
        terms: Shape (n, words + pairs), float32 CSR: the corpus's term weights.
        titles: Shape (n, words), float32 CSR: what :func:`title_shares` returns for the corpus.
        rows: Shape (texts, k), int32: the rows of the corpus to compare each text with;
            :data:`NO_ROW` only at the end.

    Returns:
        Shape (texts, k, 3), float32: the inner product of the term weights; the share of the row's
        title that stands in the text or its title; the share of the text's title that stands in the
        row's text or title. 0 for :data:`NO_ROW`.
    """
    found = np.zeros((*rows.shape, 3), dtype=np.float32)
    weight, named = np.zeros((2, terms.shape[1]), dtype=np.float32)
    present = rows != NO_ROW
    step = max(1, _COMPARED // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        here = slice(start, start + step)
        asked = rows[here][present[here]]
        theirs, their_titles = terms[asked], titles[asked]
        ends = np.concatenate([[0], np.cumsum(present[here].sum(axis=1))])
        sums = np.empty((len(asked), 3), dtype=np.float32)
        for position, (first, last) in enumerate(itertools.pairwise(ends.tolist()), start):
            mine = slice(own.indptr[position], own.indptr[position + 1])
            title = slice(own_titles.indptr[position], own_titles.indptr[position + 1])
            columns, words = own.indices[mine], own_titles.indices[title]
            weight[columns], named[words] = own.data[mine], own_titles.data[title]
            held = weight[words]
            weight[words] = _MARK  # the title's words are told from others without a second look
            bounds = theirs.indptr[first : last + 1]
            part = slice(bounds[0], bounds[-1])
            values = weight.take(theirs.indices[part], mode="clip")  # faster than indexing
            weight[words] = held
            marked = np.flatnonzero(values == _MARK)
            theirs_marked = theirs.indices[part][marked]
            values[marked] = weight[theirs_marked]
            values *= theirs.data[part]
            sums[first:last, 0] = _sums(values, bounds)
            spans = np.searchsorted(marked, bounds - bounds[0])
            sums[first:last, 2] = _sums(named[theirs_marked], spans)
            bounds = their_titles.indptr[first : last + 1]
            part = slice(bounds[0], bounds[-1])
            # Only words that are in no title's share have no weight.
            values = weight.take(their_titles.indices[part], mode="clip") > 0.0
            sums[first:last, 1] = _sums(values * their_titles.data[part], bounds)
            weight[columns] = named[words] = 0.0
        found[here][present[here]] = sums
    return found


def _sums(values: NDArray[np.float32], bounds: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the sum of the values between each two bounds, which are those of some CSR rows."""
    filled = bounds[:-1] < bounds[1:]
    if filled.all():
        return np.add.reduceat(values, bounds[:-1] - bounds[0]) if len(filled) else values[:0]
    found = np.zeros(len(filled), dtype=np.float32)
    if filled.any():
        found[filled] = np.add.reduceat(values, bounds[:-1][filled] - bounds[0])
    return found


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

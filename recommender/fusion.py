"""Fusion: one score from embeddings, from words, and from the scores of an article's neighbors.

The two kinds of evidence have different scales. Each is measured in standard deviations
above the mean of random pairs of the same corpus, so 0 is chance for both. The weighted sum
of the two is a pair's own score::

    s(i, j) = 0.7 · (cosine - mean) / deviation + 0.3 · (lexical - mean) / deviation

Then neighbor diffusion, after the cluster hypothesis (van Rijsbergen, 1979): an article that is
close to the nearest neighbors of ``i`` is likely related to ``i`` too::

    t(i, j) = s(i, j) + Σ w(r) · s(n(r), j),   w(r) ∝ 1/r over the 30 nearest n of i, summing to 1

with a neighbor's score for itself set to the mean of its five best. Candidates are the union of
both kinds of neighbors; a pair that is in neither gets the score of the article's worst candidate,
which its own score can hardly exceed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.encoder import Embeddings
from recommender.faiss_index import inner_products
from recommender.lexical import LexicalVectors
from recommender.neighbors import NO_ROW, Neighbors, Rows
from recommender.parameters import DEFAULT_RECIPE, RankingParameters
from recommender.postings import similarities
from recommender.top_k import NO_KEY, from_keys, sort_keys, top_of_rows

SELF_OF = 5
"""An article's score with itself is the mean score of so many of its best candidates."""

_LISTED = np.float32(1e-6)  # keeps an article's worst candidate from being dropped as a zero
_RANDOM_PAIRS = 20_000
_USUAL_PAIRS = 50
_USUAL_DENSE = (0.15, 0.16)
_USUAL_LEXICAL = (0.035, 0.027)
_SEED = 20_260_101


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Chance in a corpus: the similarity of random pairs of different articles.

    Attributes:
        dense_mean: Mean cosine.
        dense_deviation: Its standard deviation.
        lexical_mean: Mean lexical similarity.
        lexical_deviation: Its standard deviation.
        dense_weight: See :attr:`recommender.parameters.RankingParameters.dense_weight`.
    """

    dense_mean: float
    dense_deviation: float
    lexical_mean: float
    lexical_deviation: float
    dense_weight: float = DEFAULT_RECIPE.dense_weight

    def fuse(self, dense: NDArray[np.float32], lexical: NDArray[np.float32]) -> NDArray[np.float32]:
        """The score of pairs, in weighted standard deviations above chance."""
        return (
            self.dense_weight / self.dense_deviation * (dense - self.dense_mean)
            + (1.0 - self.dense_weight) / self.lexical_deviation * (lexical - self.lexical_mean)
        ).astype(np.float32)

    @property
    def self_score(self) -> float:
        """The score of a text with itself."""
        one = np.ones(1, dtype=np.float32)
        return float(self.fuse(one, one)[0])


def calibrate(
    embeddings: Embeddings, lexical: LexicalVectors, recipe: RankingParameters = DEFAULT_RECIPE
) -> Calibration:
    """Measure chance on a fixed sample of pairs, or on all of them where they are few.

    A handful of articles is no sample: the usual figures of other sites are added with the weight
    of fifty pairs, which a corpus of a few dozen articles outweighs.

    Args:
        embeddings: Shape (n, dim), float32, unit rows.
        lexical: Term weights of the same articles.
        recipe: Says what weight the embeddings get.
    """
    count = len(embeddings)
    generator = np.random.default_rng(_SEED)
    if count * (count - 1) // 2 <= _RANDOM_PAIRS:
        left, right = np.triu_indices(count, k=1)
    else:
        left = generator.integers(count, size=_RANDOM_PAIRS)
        right = (left + generator.integers(1, count, size=_RANDOM_PAIRS)) % count
    dense = np.einsum("ij,ij->i", embeddings[left], embeddings[right])
    words = lexical.weights[left].multiply(lexical.weights[right]).sum(axis=1)
    dense_mean, dense_deviation = _with_prior(dense, *_USUAL_DENSE)
    lexical_mean, lexical_deviation = _with_prior(np.asarray(words).ravel(), *_USUAL_LEXICAL)
    return Calibration(
        dense_mean=dense_mean,
        dense_deviation=dense_deviation,
        lexical_mean=lexical_mean,
        lexical_deviation=lexical_deviation,
        dense_weight=recipe.dense_weight,
    )


def _with_prior(
    sample: NDArray[np.floating], usual_mean: float, usual_deviation: float
) -> tuple[float, float]:
    """Mean and deviation of a sample together with :data:`_USUAL_PAIRS` imagined pairs."""
    total = len(sample) + _USUAL_PAIRS
    mean = (float(sample.sum()) + _USUAL_PAIRS * usual_mean) / total
    squares = float(((sample - mean) ** 2).sum())
    imagined = _USUAL_PAIRS * (usual_deviation**2 + (usual_mean - mean) ** 2)
    return mean, float(np.sqrt((squares + imagined) / total))


def gather_candidates(
    embeddings: Embeddings,
    weights: sp.csr_matrix,
    found: Rows,
    calibration: Calibration,
    start: int,
) -> Neighbors:
    """Score every candidate of the articles from row ``start`` on.

    Args:
        embeddings: Shape (n, dim), float32, unit rows.
        weights: Shape (n, terms): their term weights.
        found: Shape (articles, k), int32: candidates of both kinds in any order, which may be
            repeated and may hold the article itself; :data:`NO_ROW` for none.
        calibration: Chance in the corpus.
        start: The row of the first of these articles.

    Returns:
        Shape (articles, k): each candidate once, sorted by (-score, row).
    """
    stop = start + len(found)
    rows = _distinct(found, np.arange(start, stop, dtype=np.int32))
    dense = inner_products(embeddings[start:stop], embeddings, rows)
    fused = calibration.fuse(dense, similarities(weights[start:stop], weights, rows))
    keys = sort_keys(fused, rows)
    keys[rows == NO_ROW] = NO_KEY
    return from_keys(np.sort(keys, axis=1))


def _distinct(found: Rows, own: NDArray[np.int32]) -> Rows:
    """Each article's candidates once, without itself, ascending; :data:`NO_ROW` at the end."""
    last = np.iinfo(np.int32).max
    rows = np.where((found == NO_ROW) | (found == own[:, None]), last, found)
    rows.sort(axis=1)
    rows[:, 1:][rows[:, 1:] == rows[:, :-1]] = last
    rows.sort(axis=1)
    return np.where(rows == last, NO_ROW, rows).astype(np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusedScores:
    """Every article's best candidates after diffusion.

    Attributes:
        neighbors: Rows and t(i, j), sorted by (-score, row).
        copy_scores: Shape (n,), float32: the score that a copy of each article would get.
        unlisted_scores: Shape (n,), float32: the score of an article that is a candidate neither
            of the article itself nor of its neighbors.
    """

    neighbors: Neighbors
    copy_scores: NDArray[np.float32]
    unlisted_scores: NDArray[np.float32]


def diffuse(
    own: Neighbors,
    calibration: Calibration,
    keep: int,
    recipe: RankingParameters = DEFAULT_RECIPE,
    *,
    start: int = 0,
    stop: int | None = None,
) -> DiffusedScores:
    """Add the scores of each article's nearest neighbors, and keep its best candidates.

    Args:
        own: Every article's candidates, as :func:`gather_candidates` sorts them.
        calibration: The calibration that they were scored with.
        keep: How many to keep of each article.
        recipe: How many neighbors are added.
        start: The first article whose candidates are wanted.
        stop: The article after the last; all of them by default.
    """
    stop = len(own.rows) if stop is None else stop
    block = np.arange(start, stop)
    links = own.rows[start:stop, : recipe.diffusion_neighbors]
    present = links != NO_ROW
    weights = np.where(present, 1.0 / np.arange(1, links.shape[1] + 1), 0.0)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    # The article's own scores count with weight 1; its score with itself is skipped below.
    summands = np.concatenate([block[:, None], links], axis=1)
    listed = summands != NO_ROW
    articles, places = np.unique(summands[listed], return_inverse=True)
    ends = np.concatenate([[0], np.cumsum(listed.sum(axis=1))])
    factors = np.concatenate([np.ones((len(block), 1)), weights], axis=1)[listed]
    shape = (len(block), len(articles))
    graph = sp.csr_matrix((factors.astype(np.float32), places, ends), shape=shape)
    scores, floors = _scores_above_floor(own, articles)
    total = (graph @ scores).tocsr()
    unlisted = (graph @ floors).astype(np.float32)
    total.data += np.repeat(unlisted, np.diff(total.indptr))
    # A copy is as close to the article's neighbors as the article is.
    closeness = weights * np.where(present, own.scores[start:stop, : links.shape[1]], 0)
    return DiffusedScores(
        neighbors=top_of_rows(total, keep, skip=block),
        copy_scores=(calibration.self_score + closeness.sum(axis=1)).astype(np.float32),
        unlisted_scores=unlisted,
    )


def _scores_above_floor(
    own: Neighbors, articles: NDArray[np.integer]
) -> tuple[sp.csr_matrix, NDArray[np.float32]]:
    """The scores of some articles with all others, less each article's floor, and the floors.

    The floor is an article's worst candidate: the score of a pair that no candidate list holds.

    Returns:
        Shape (articles, n), float32 CSR, and shape (articles,), float32.
    """
    rows, scores = own.rows[articles], own.scores[articles]
    listed = rows != NO_ROW
    lengths = listed.sum(axis=1)
    floors = np.where(lengths, scores[np.arange(len(rows)), lengths - 1], 0).astype(np.float32)
    best = np.where(listed[:, :SELF_OF], scores[:, :SELF_OF], 0.0)
    self_scores = best.sum(axis=1) / np.maximum(listed[:, :SELF_OF].sum(axis=1), 1)
    listed = np.concatenate([listed, np.ones((len(rows), 1), dtype=bool)], axis=1)
    columns = np.concatenate([rows, articles[:, None]], axis=1)
    floor = floors[:, None]
    above = np.concatenate([scores - floor + _LISTED, self_scores[:, None] - floor], axis=1)
    ends = np.concatenate([[0], np.cumsum(lengths + 1)])
    matrix = sp.csr_matrix(
        (above[listed].astype(np.float32), columns[listed].astype(np.int32), ends),
        shape=(len(rows), len(own.rows)),
    )
    return matrix, floors

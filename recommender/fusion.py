"""Fusion: combines cosine, lexical similarity and the scores of an article's neighbors.

Cosine and lexical similarity have different scales. So each is converted to standard deviations
above the mean of random pairs of articles of the same corpus; 0 then means no more similar than a
random pair. The weighted sum of the two is the *own score* of a pair::

    s(i, j) = 0.7 · (cosine - mean) / deviation + 0.3 · (lexical - mean) / deviation

Then diffusion adds the scores of the neighbors, following the cluster hypothesis (van Rijsbergen,
1979): an article that is close to the nearest neighbors of ``i`` is likely related to ``i``, too::

    t(i, j) = s(i, j) + Σ w(r) · s(n(r), j)

Here n(r) is the r-th nearest of the 30 nearest neighbors of ``i``; its weight w(r) is proportional
to 1/r, and the weights sum to 1. A neighbor's score with itself is set to the mean of its five best
scores. Scores are only computed for an article's candidates, which are its nearest neighbors by
embedding and by words. Any other article gets the score of the worst candidate, which its own score
can hardly exceed.
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
"""An article's score with itself is the mean score of this many of its best candidates."""

_LISTED = np.float32(1e-6)  # so that an article's worst candidate is not dropped as a zero
_RANDOM_PAIRS = 20_000
_USUAL_PAIRS = 50
_USUAL_DENSE = (0.15, 0.16)
_USUAL_LEXICAL = (0.035, 0.027)
_SEED = 20_260_101


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Mean and deviation of the similarity of random pairs of articles of one corpus.

    Attributes:
        dense_mean: Mean cosine.
        dense_deviation: Standard deviation of the cosine.
        lexical_mean: Mean lexical similarity.
        lexical_deviation: Standard deviation of the lexical similarity.
        dense_weight: Weight of the cosine in a pair's score; the lexical similarity has the weight
            1 - ``dense_weight``.
    """

    dense_mean: float
    dense_deviation: float
    lexical_mean: float
    lexical_deviation: float
    dense_weight: float = DEFAULT_RECIPE.dense_weight

    def fuse(self, dense: NDArray[np.float32], lexical: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the own scores of pairs: the weighted sums of their standardized similarities.

        Args:
            dense: The cosine of each pair.
            lexical: The lexical similarity of each pair, of the same shape.
        """
        return (
            self.dense_weight / self.dense_deviation * (dense - self.dense_mean)
            + (1.0 - self.dense_weight) / self.lexical_deviation * (lexical - self.lexical_mean)
        ).astype(np.float32)

    @property
    def self_score(self) -> float:
        """The own score of a pair of equal texts, whose similarities are both 1."""
        one = np.ones(1, dtype=np.float32)
        return float(self.fuse(one, one)[0])


def calibrate(
    embeddings: Embeddings, lexical: LexicalVectors, recipe: RankingParameters = DEFAULT_RECIPE
) -> Calibration:
    """Measure the similarity of random pairs, or of all pairs of a small corpus.

    A few articles are too small a sample, so fifty pairs with typical values of other sites are
    added, which hardly matter for a corpus of a few dozen articles or more. The random sample is
    the same each time.

    Args:
        embeddings: Shape (n, dim), float32, unit rows.
        lexical: Term weights of the same articles.
        recipe: Ranking parameters, of which the weight of the embeddings is used.
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
    """Return mean and deviation of a sample with :data:`_USUAL_PAIRS` typical pairs added."""
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
    """Compute the own scores of consecutive articles with their candidates.

    Args:
        embeddings: Shape (n, dim), float32, unit rows.
        weights: Shape (n, terms), float32 CSR: term weights of all articles.
        found: Shape (articles, k), int32: candidates by embedding and by words, in any order.
            Repetitions, the article itself and :data:`NO_ROW` are ignored.
        calibration: Mean and deviation of the similarity of random pairs.
        start: The row of the first of these articles.

    Returns:
        Rows and scores, shape (articles, k): each candidate once, sorted by (-score, row).
    """
    stop = start + len(found)
    rows = _distinct(found, np.arange(start, stop, dtype=np.int32))
    dense = inner_products(embeddings[start:stop], embeddings, rows)
    fused = calibration.fuse(dense, similarities(weights[start:stop], weights, rows))
    keys = sort_keys(fused, rows)
    keys[rows == NO_ROW] = NO_KEY
    return from_keys(np.sort(keys, axis=1))


def _distinct(found: Rows, own: NDArray[np.int32]) -> Rows:
    """Return each article's candidates, each once and without the article itself.

    They are sorted by row; ``NO_ROW`` fills up the end.
    """
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
        neighbors: Each article's candidates and their scores, sorted by (-score, row).
        copy_scores: Shape (n,), float32: the score that a copy of each article would get.
        unlisted_scores: Shape (n,), float32: for each article, the score of any article that is a
            candidate neither of it nor of its neighbors.
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
        own: Every article's candidates, as :func:`gather_candidates` returns them.
        calibration: The calibration with which ``own`` was scored.
        keep: Number of candidates to keep per article.
        recipe: Ranking parameters, of which the number of neighbors is used.
        start: Row of the first article to compute.
        stop: Row after the last article to compute; the end of the corpus by default.
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
    # A copy of an article is as close to its neighbors as the article itself.
    closeness = weights * np.where(present, own.scores[start:stop, : links.shape[1]], 0)
    return DiffusedScores(
        neighbors=top_of_rows(total, keep, skip=block),
        copy_scores=(calibration.self_score + closeness.sum(axis=1)).astype(np.float32),
        unlisted_scores=unlisted,
    )


def _scores_above_floor(
    own: Neighbors, articles: NDArray[np.integer]
) -> tuple[sp.csr_matrix, NDArray[np.float32]]:
    """Return how much the scores of some articles' candidates exceed each article's floor.

    The floor is the score of an article's worst candidate. It is also used as the score of every
    article that is not a candidate.

    Returns:
        The scores, shape (articles, n), float32 CSR; and the floors, shape (articles,), float32.
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

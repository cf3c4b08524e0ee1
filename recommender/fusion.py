"""Fusion: one score from what an encoder sees, what words say, and what neighbors think.

The two kinds of evidence live on different scales. Each is measured in standard deviations
above the mean of random pairs of the same corpus, so 0 is chance for both, and the weighted sum
of the two is what a pair says for itself::

    s(i, j) = 0.7 · (cosine - mean) / deviation + 0.3 · (lexical - mean) / deviation

Then neighbor diffusion, after the cluster hypothesis (van Rijsbergen, 1979): what the nearest
neighbors of ``i`` are close to is likely related to ``i`` too::

    t(i, j) = s(i, j) + Σ w(r) · s(n(r), j),   w(r) ∝ 1/r over the 30 nearest n of i, summing to 1

with a neighbor's score for itself set to the mean of its five best. Candidates are the union of
both kinds of neighbors; a pair that is in neither gets the score of the article's worst candidate,
which it can hardly exceed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.encoder import Embeddings
from recommender.lexical import LexicalVectors, similar_rows
from recommender.neighbors import NO_ROW, NeighborIndex, Neighbors
from recommender.recipe import DEFAULT_RECIPE, Recipe

SELF_OF = 5
"""Of how many of its best candidates the mean is an article's score for itself."""

_LISTED = np.float32(1e-6)  # keeps an article's worst candidate from being dropped as a zero
_RANDOM_PAIRS = 20_000
_USUAL_PAIRS = 50
_USUAL_DENSE = (0.15, 0.16)
_USUAL_LEXICAL = (0.035, 0.027)
_SEED = 20_260_101
_CHUNK = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What chance looks like in a corpus: similarity of random pairs of different articles.

    Attributes:
        dense_mean: Mean cosine.
        dense_deviation: Its standard deviation.
        lexical_mean: Mean lexical similarity.
        lexical_deviation: Its standard deviation.
        dense_weight: See :attr:`recommender.recipe.Recipe.dense_weight`.
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
    def of_the_same(self) -> float:
        """The score of a text with itself."""
        one = np.ones(1, dtype=np.float32)
        return float(self.fuse(one, one)[0])


def calibrate(
    embeddings: Embeddings, lexical: LexicalVectors, recipe: Recipe = DEFAULT_RECIPE
) -> Calibration:
    """Measure chance on a fixed sample of pairs, or on all of them where they are few.

    A handful of articles are no sample: what chance looks like on other sites counts as much as
    fifty pairs, which a corpus of a few dozen outweighs.
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
    spread = float(((sample - mean) ** 2).sum())
    imagined = _USUAL_PAIRS * (usual_deviation**2 + (usual_mean - mean) ** 2)
    return mean, float(np.sqrt((spread + imagined) / total))


def gather_candidates(
    embeddings: Embeddings,
    index: NeighborIndex,
    lexical: LexicalVectors,
    calibration: Calibration,
    nearest: Neighbors,
    recipe: Recipe = DEFAULT_RECIPE,
) -> sp.csr_matrix:
    """Every article's candidates of both kinds with their fused score.

    Args:
        embeddings: Shape (n, dim), float32, unit rows.
        index: Over the same rows; only its count is used.
        lexical: Their term weights.
        calibration: Their chance.
        nearest: Each row's dense neighbors, one deeper than the recipe's candidates.
        recipe: How many candidates of each kind.

    Returns:
        Shape (n, n) CSR, float32, without the diagonal; sorted indices.
    """
    count = index.count
    columns: list[NDArray[np.int32]] = []
    values: list[NDArray[np.float32]] = []
    weights = lexical.weights
    own_words = np.zeros(weights.shape[1], dtype=np.float32)  # one article's weights, by term
    for row, found in enumerate(similar_rows(weights, recipe.candidates + 1)):
        both = np.union1d(nearest.rows[row], found)
        both = both[(both != NO_ROW) & (both != row)]
        here = slice(weights.indptr[row], weights.indptr[row + 1])
        own_words[weights.indices[here]] = weights.data[here]
        fused = calibration.fuse(embeddings[both] @ embeddings[row], weights[both] @ own_words)
        own_words[weights.indices[here]] = 0.0
        columns.append(both.astype(np.int32))
        values.append(fused)
    lengths = [len(part) for part in columns]
    indptr = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return sp.csr_matrix(
        (np.concatenate(values), np.concatenate(columns), indptr), shape=(count, count)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Diffused:
    """Every article's best candidates after diffusion.

    Attributes:
        neighbors: Rows and t(i, j), sorted by (-score, row).
        of_a_copy: Shape (n,), float32: what a copy of each article would get in its list.
    """

    neighbors: Neighbors
    of_a_copy: NDArray[np.float32]


def diffuse(
    own: sp.csr_matrix, calibration: Calibration, keep: int, recipe: Recipe = DEFAULT_RECIPE
) -> Diffused:
    """Add what the nearest neighbors think, and keep each article's best.

    Args:
        own: What :func:`gather_candidates` gave.
        calibration: What it was scored with.
        keep: How many to keep of each article.
        recipe: How many neighbors have a say.
    """
    count = own.shape[0]
    width = recipe.diffusion_neighbors
    best = top_of_rows(own, max(width, SELF_OF))
    links = best.rows[:, :width]
    present = links != NO_ROW
    weights = np.where(present, 1.0 / np.arange(1, links.shape[1] + 1), 0.0)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    leading = best.scores[:, :SELF_OF]
    known = np.isfinite(leading)
    self_scores = np.where(known, leading, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    graph = sp.csr_matrix(
        (
            weights[present].astype(np.float32),
            links[present],
            np.concatenate([[0], np.cumsum(present.sum(axis=1))]),
        ),
        shape=(count, count),
    )
    floors = _floors(own)
    above = own.copy()
    above.data -= np.repeat(floors, np.diff(own.indptr))
    above.data += _LISTED
    with_self = (above + sp.diags(self_scores.astype(np.float32) - floors, format="csr")).tocsr()
    ground = floors + graph @ floors
    rows = np.full((count, keep), NO_ROW, dtype=np.int32)
    scores = np.full((count, keep), -np.inf, dtype=np.float32)
    for start in range(0, count, _CHUNK):
        stop = min(start + _CHUNK, count)
        total = (graph[start:stop] @ with_self + above[start:stop]).tocsr()
        total.data += np.repeat(ground[start:stop], np.diff(total.indptr))
        part = top_of_rows(total, keep, skip=np.arange(start, stop))
        rows[start:stop], scores[start:stop] = part.rows, part.scores
    # A copy is as close to the article's neighbors as the article is.
    closeness = np.where(present, weights * np.where(present, best.scores[:, :width], 0), 0)
    return Diffused(
        neighbors=Neighbors(rows=rows, scores=scores),
        of_a_copy=(calibration.of_the_same + closeness.sum(axis=1)).astype(np.float32),
    )


def _floors(own: sp.csr_matrix) -> NDArray[np.float32]:
    """Each article's worst candidate: what a pair is given that no candidate list holds."""
    floors = np.zeros(own.shape[0], dtype=np.float32)
    filled = np.flatnonzero(np.diff(own.indptr))
    if len(filled):
        floors[filled] = np.minimum.reduceat(own.data, own.indptr[:-1][filled])
    return floors


def top_of_rows(
    matrix: sp.csr_matrix, keep: int, skip: NDArray[np.int64] | None = None
) -> Neighbors:
    """Each row's largest entries, sorted by (-value, column).

    Args:
        matrix: Any CSR.
        keep: Entries per row.
        skip: A column to leave out, for each row.
    """
    count = matrix.shape[0]
    rows = np.full((count, keep), NO_ROW, dtype=np.int32)
    scores = np.full((count, keep), -np.inf, dtype=np.float32)
    for place in range(count):
        begin, end = matrix.indptr[place], matrix.indptr[place + 1]
        columns, values = matrix.indices[begin:end], matrix.data[begin:end]
        if len(values) > keep + 1:
            # Every entry that ties with the last one kept stays in the running.
            least = np.partition(values, len(values) - keep - 1)[len(values) - keep - 1]
            chosen = values >= least
            columns, values = columns[chosen], values[chosen]
        if skip is not None:
            other = columns != skip[place]
            columns, values = columns[other], values[other]
        order = np.lexsort((columns, -values))[:keep]
        rows[place, : len(order)] = columns[order]
        scores[place, : len(order)] = values[order]
    return Neighbors(rows=rows, scores=scores)

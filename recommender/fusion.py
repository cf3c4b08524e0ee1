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
from recommender.faiss_index import inner_products
from recommender.lexical import LexicalVectors
from recommender.neighbors import NO_ROW, Neighbors, Rows
from recommender.parameters import DEFAULT_RECIPE, RankingParameters
from recommender.postings import similarities
from recommender.top_k import NO_KEY, from_keys, sort_keys, top_of_rows

SELF_OF = 5
"""Of how many of its best candidates the mean is an article's score for itself."""

_LISTED = np.float32(1e-6)  # keeps an article's worst candidate from being dropped as a zero
_RANDOM_PAIRS = 20_000
_USUAL_PAIRS = 50
_USUAL_DENSE = (0.15, 0.16)
_USUAL_LEXICAL = (0.035, 0.027)
_SEED = 20_260_101


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What chance looks like in a corpus: similarity of random pairs of different articles.

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
    def of_the_same(self) -> float:
        """The score of a text with itself."""
        one = np.ones(1, dtype=np.float32)
        return float(self.fuse(one, one)[0])


def calibrate(
    embeddings: Embeddings, lexical: LexicalVectors, recipe: RankingParameters = DEFAULT_RECIPE
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
    weights: sp.csr_matrix,
    found: Rows,
    calibration: Calibration,
    start: int,
) -> Neighbors:
    """Score every candidate of the articles from row ``start`` on.

    Args:
        embeddings: Shape (n, dim), float32, unit rows.
        weights: Shape (n, terms): their term weights.
        found: Shape (articles, k), int32: candidates of both kinds in any order, repeated or
            not, the article itself among them or not; :data:`NO_ROW` for none.
        calibration: Chance.
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
    """Each row's numbers once, without its own, ascending; :data:`NO_ROW` at the end."""
    last = np.iinfo(np.int32).max
    rows = np.where((found == NO_ROW) | (found == own[:, None]), last, found)
    rows.sort(axis=1)
    rows[:, 1:][rows[:, 1:] == rows[:, :-1]] = last
    rows.sort(axis=1)
    return np.where(rows == last, NO_ROW, rows).astype(np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diffused:
    """Every article's best candidates after diffusion.

    Attributes:
        neighbors: Rows and t(i, j), sorted by (-score, row).
        of_a_copy: Shape (n,), float32: what a copy of each article would get in its list.
        unlisted: Shape (n,), float32: what an article gets that none who have a say list.
    """

    neighbors: Neighbors
    of_a_copy: NDArray[np.float32]
    unlisted: NDArray[np.float32]


def diffuse(
    own: Neighbors,
    calibration: Calibration,
    keep: int,
    recipe: RankingParameters = DEFAULT_RECIPE,
    *,
    start: int = 0,
    stop: int | None = None,
) -> Diffused:
    """Add what the nearest neighbors think, and keep each article's best.

    Args:
        own: Every article's candidates, as :func:`gather_candidates` sorts them.
        calibration: What they were scored with.
        keep: How many to keep of each article.
        recipe: How many neighbors have a say.
        start: The first article that is looked at.
        stop: The article after the last; all of them by default.
    """
    stop = len(own.rows) if stop is None else stop
    block = np.arange(start, stop)
    links = own.rows[start:stop, : recipe.diffusion_neighbors]
    present = links != NO_ROW
    weights = np.where(present, 1.0 / np.arange(1, links.shape[1] + 1), 0.0)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    # The article has a say of weight 1 itself; what it says of itself is skipped below.
    speaking = np.concatenate([block[:, None], links], axis=1)
    said = speaking != NO_ROW
    speakers, places = np.unique(speaking[said], return_inverse=True)
    ends = np.concatenate([[0], np.cumsum(said.sum(axis=1))])
    loudness = np.concatenate([np.ones((len(block), 1)), weights], axis=1)[said]
    shape = (len(block), len(speakers))
    graph = sp.csr_matrix((loudness.astype(np.float32), places, ends), shape=shape)
    opinions, floors = _opinions(own, speakers)
    total = (graph @ opinions).tocsr()
    unlisted = (graph @ floors).astype(np.float32)
    total.data += np.repeat(unlisted, np.diff(total.indptr))
    # A copy is as close to the article's neighbors as the article is.
    closeness = weights * np.where(present, own.scores[start:stop, : links.shape[1]], 0)
    return Diffused(
        neighbors=top_of_rows(total, keep, skip=block),
        of_a_copy=(calibration.of_the_same + closeness.sum(axis=1)).astype(np.float32),
        unlisted=unlisted,
    )


def _opinions(
    own: Neighbors, speakers: NDArray[np.integer]
) -> tuple[sp.csr_matrix, NDArray[np.float32]]:
    """What some articles say of all: scores above their floors, and these.

    The floor is an article's worst candidate: what a pair is given that no candidate list holds.
    """
    rows, scores = own.rows[speakers], own.scores[speakers]
    listed = rows != NO_ROW
    lengths = listed.sum(axis=1)
    floors = np.where(lengths, scores[np.arange(len(rows)), lengths - 1], 0).astype(np.float32)
    first = np.where(listed[:, :SELF_OF], scores[:, :SELF_OF], 0.0)
    of_itself = first.sum(axis=1) / np.maximum(listed[:, :SELF_OF].sum(axis=1), 1)
    listed = np.concatenate([listed, np.ones((len(rows), 1), dtype=bool)], axis=1)
    columns = np.concatenate([rows, speakers[:, None]], axis=1)
    floor = floors[:, None]
    above = np.concatenate([scores - floor + _LISTED, of_itself[:, None] - floor], axis=1)
    ends = np.concatenate([[0], np.cumsum(lengths + 1)])
    opinions = sp.csr_matrix(
        (above[listed].astype(np.float32), columns[listed].astype(np.int32), ends),
        shape=(len(rows), len(own.rows)),
    )
    return opinions, floors

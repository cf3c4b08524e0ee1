"""Fusion: makes one score of all evidence that two articles are related.

The kinds of evidence have different scales. So each is converted to standard deviations above the
mean of random pairs of articles of the same corpus; 0 then means no more similar than a random
pair. The weighted sum is the *own score* of a pair::

    s(i, j) = Σ weight(kind) · (value(i, j) - mean) / deviation

Two things are added. The neighbors' say follows the cluster hypothesis (van Rijsbergen, 1979): an
article that is close to the nearest neighbors of ``i`` is likely related to ``i``, too. And some
articles are close to very many others (hubs: Radovanović et al., "Hubs in Space", JMLR 2010), so
each pays for how close it is to its own neighbors on the average::

    t(i, j) = s(i, j) + neighbors · Σ w(r) · s(n(r), j) - hub · (h(j) - mean of h)

Here n(r) is the r-th nearest of the 30 nearest neighbors of ``i``; its weight w(r) is proportional
to 1/r, and the weights sum to 1. A neighbor's score with itself is set to the mean of its five best
scores. h(j) is the mean own score of j's ten best candidates. Scores are only computed for an
article's candidates, which are its nearest neighbors by embedding and by words. Any other article
gets the score of the worst candidate, which its own score can hardly exceed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from recommender.evidence import DEFAULT_WEIGHTS, KINDS, PairData, compare, compare_pairs
from recommender.neighbors import NO_ROW, Neighbors, Rows
from recommender.parameters import DEFAULT_RECIPE, SHOWN, RankingParameters
from recommender.top_k import NO_KEY, from_keys, sort_keys, top_of_rows

SELF_OF = 5
"""An article's score with itself is the mean score of this many of its best candidates."""

_LISTED = np.float32(1e-6)  # so that an article's worst candidate is not dropped as a zero
_RANDOM_PAIRS = 20_000
_USUAL_PAIRS = 50
_SEED = 20_260_101
_NEAREST = 10
_HUB_LISTS = 20_000
_BLOCK = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How pairs of articles are scored on a site: measured once, then used again by later builds.

    Attributes:
        means: Mean of each kind of evidence over random pairs, in the order of
            :data:`recommender.evidence.KINDS`.
        deviations: Standard deviation of each kind.
        weights: Weight of each kind.
        neighbors: Weight of the scores that an article's nearest neighbors give to a candidate.
        hub: Strength of the penalty for articles that are close to very many others (hubs).
        hub_mean: Mean over the corpus of what :func:`mean_nearest` returns.
    """

    means: Sequence[float]
    deviations: Sequence[float]
    weights: Sequence[float]
    neighbors: float
    hub: float = 0.0
    hub_mean: float = 0.0

    def standardize(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convert evidence, shape (..., kinds), to standard deviations above random pairs' mean."""
        return _standardized(values, self.means, self.deviations)

    def fuse(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the score of each pair: the weighted sum of its standardized evidence.

        A pair's score is the same to the last bit whichever pairs are scored with it.

        Args:
            values: Shape (..., kinds), float32: the evidence of each pair; NaN counts as the mean.
        """
        fused = np.zeros(values.shape[:-1], dtype=np.float32)
        every = zip(self.weights, self.means, self.deviations, strict=True)
        for kind, (weight, *usual) in enumerate(every):
            if weight:
                alone = values[..., kind : kind + 1]
                fused += np.float32(weight) * _standardized(alone, *usual)[..., 0]
        return fused

    def copy_scores(self, articles: PairData, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the score that some articles would have with a copy of themselves; shape (q,).

        Args:
            articles: The data of all articles.
            rows: Shape (q,): the rows of the articles to score.
        """
        copies = np.tile(np.array([kind.copy for kind in KINDS], np.float32), (len(rows), 1))
        for position, kind in enumerate(KINDS):
            if kind.name in ("tags", "authors"):
                ends = getattr(articles, kind.name).indptr
                copies[:, position] *= ends[rows] < ends[rows + 1]
        return self.fuse(copies)


def _standardized(
    values: NDArray[np.float32], means: ArrayLike, deviations: ArrayLike
) -> NDArray[np.float32]:
    found = values - np.asarray(means, np.float32)
    found /= np.asarray(deviations, np.float32)
    return np.nan_to_num(found, copy=False)


def calibrate(
    corpus: PairData,
    *,
    weights: Sequence[float] = DEFAULT_WEIGHTS,
    neighbors: float = DEFAULT_RECIPE.neighbors_say,
) -> Calibration:
    """Measure mean and deviation of all evidence over random pairs of articles, for scoring.

    Of a small corpus, all pairs are measured. Fifty pairs with typical values of other sites are
    added, since a few articles are too small a sample; they hardly matter for a few dozen articles
    or more. The random sample is the same each time.

    Args:
        corpus: The data of all articles.
        weights: Weight of each kind of evidence.
        neighbors: Weight of the scores that an article's nearest neighbors give to a candidate.
    """
    count = len(corpus)
    generator = np.random.default_rng(_SEED)
    if count * (count - 1) // 2 <= _RANDOM_PAIRS:
        left, right = np.triu_indices(count, k=1)
    else:
        left = generator.integers(count, size=_RANDOM_PAIRS)
        right = (left + generator.integers(1, count, size=_RANDOM_PAIRS)) % count
    values = compare_pairs(corpus, left, right)
    means, deviations = [], []
    for kind, sample in zip(KINDS, values.T, strict=True):
        known = sample[~np.isnan(sample)] if kind.measured else sample[:0]
        mean, deviation = _with_prior(known, *kind.usual)
        means.append(mean)
        deviations.append(max(deviation, kind.least))
    return Calibration(
        means=means, deviations=deviations, weights=list(weights), neighbors=neighbors
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
    own: PairData,
    corpus: PairData,
    found: Rows,
    calibration: Calibration,
    own_rows: Rows,
    known: Neighbors | None = None,
) -> Neighbors:
    """Score the candidates of some articles by the evidence of each pair.

    Args:
        own: The data of the articles whose candidates are scored.
        corpus: The data of all articles.
        found: Shape (articles, k), int32: candidates by embedding and by words, in any order.
            Repetitions, the article itself and :data:`NO_ROW` are ignored.
        calibration: The means, deviations and weights of evidence by which pairs are scored.
        own_rows: Shape (articles,), int32: the row of each article; :data:`NO_ROW` for a text that
            is not in the corpus.
        known: Candidates whose scores are already known, shape (articles, any): they are not
            scored again.

    Returns:
        Rows and scores, shape (articles, k): each candidate once, sorted by (-score, row).
    """
    rows = _distinct(found, own_rows)
    if known is None:
        fused = calibration.fuse(compare(own, corpus, rows, calibration.weights))
    else:
        fused = _known_scores(known, rows)
        new = np.isnan(fused) & (rows != NO_ROW)
        order = np.argsort(~new, axis=1, kind="stable")[:, : new.sum(axis=1).max(initial=0)]
        asked = np.take_along_axis(np.where(new, rows, NO_ROW), order, axis=1)
        scores = calibration.fuse(compare(own, corpus, asked, calibration.weights))
        fused[new] = scores[asked != NO_ROW]
    keys = sort_keys(fused, rows)
    keys[rows == NO_ROW] = NO_KEY
    return from_keys(np.sort(keys, axis=1))


def _known_scores(known: Neighbors, rows: Rows) -> NDArray[np.float32]:
    """Return the score that is known of each row, NaN if none is; shape as ``rows``."""
    order = np.argsort(known.rows, axis=1)
    # One search in all lists: the rows of each have a range of numbers of their own.
    size = 2 + int(max(known.rows.max(initial=0), rows.max(initial=0)))
    first = np.arange(len(rows), dtype=np.int64)[:, None] * size + 1
    numbers = (np.take_along_axis(known.rows, order, axis=1) + first).ravel()
    wanted = (rows + first).ravel()
    places = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    scores = np.take_along_axis(known.scores, order, axis=1).ravel()[places]
    held = (numbers[places] == wanted) & (rows.ravel() != NO_ROW)
    return np.where(held, scores, np.float32(np.nan)).reshape(rows.shape)


def mean_nearest(own: Neighbors) -> NDArray[np.float32]:
    """Return each article's mean score with its ten best candidates, shape (n,); 0 without any."""
    found = np.empty(len(own.scores), dtype=np.float32)
    for start in range(0, len(found), _BLOCK):
        block = slice(start, start + _BLOCK)
        scores = own.scores[block, :_NEAREST]
        present = np.isfinite(scores)
        total = np.where(present, scores, 0.0).sum(axis=1)
        found[block] = total / np.maximum(present.sum(axis=1), 1)
    return found


def choose_hub_strength(
    own: Neighbors, nearest: NDArray[np.float32], strengths: Sequence[float], most: float
) -> float:
    """Return the least strength of the hub penalty at which no article is in too many lists.

    An article's penalty is the strength times its entry of ``nearest``. At most 20,000 lists are
    looked at.

    Args:
        own: Every article's candidates with their scores before the penalty.
        nearest: Shape (n,), float32: the result of :func:`mean_nearest`.
        strengths: The strengths to choose from, ascending.
        most: Largest share of lists that an article may be in. On a small site even an equal
            share is large, so three times that share is always allowed.
    """
    count = len(own.rows)
    lists = np.arange(0, count, max(1, count // _HUB_LISTS))
    most = max(most, 3.0 * SHOWN / max(count, 1))
    for strength in strengths:
        inbound = np.zeros(count, dtype=np.int64)
        for start in range(0, len(lists), _BLOCK):
            some = lists[start : start + _BLOCK]
            rows = own.rows[some]
            scores = own.scores[some] - np.float32(strength) * nearest[np.maximum(rows, 0)]
            keys = sort_keys(scores, rows)
            keys[rows == NO_ROW] = NO_KEY
            keys = np.partition(keys, min(SHOWN, keys.shape[1] - 1), axis=1)[:, :SHOWN]
            shown = from_keys(keys).rows
            inbound += np.bincount(shown[shown != NO_ROW], minlength=count)
        if inbound.max(initial=0) <= most * len(lists):
            break
    return strength


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
    """The best candidates of q articles, scored by the articles and their nearest neighbors.

    Attributes:
        neighbors: Each article's candidates and their scores, sorted by (-score, row).
        copy_scores: Shape (q,), float32: the score that a copy of each article would get.
        unlisted_scores: Shape (q,), float32: for each article, the score of any article that is a
            candidate neither of it nor of its neighbors.
    """

    neighbors: Neighbors
    copy_scores: NDArray[np.float32]
    unlisted_scores: NDArray[np.float32]


def diffuse(
    own: Neighbors,
    nearest: NDArray[np.float32],
    copies: NDArray[np.float32],
    calibration: Calibration,
    keep: int,
    recipe: RankingParameters = DEFAULT_RECIPE,
    *,
    rows: NDArray[np.int64],
) -> DiffusedScores:
    """Add what articles' nearest neighbors say of candidates, less the hub penalty; keep the best.

    Args:
        own: Every article's candidates, as :func:`gather_candidates` returns them.
        nearest: Shape (n,), float32: the result of :func:`mean_nearest`.
        copies: Shape (q,), float32: the score that each article would have with a copy of itself.
        calibration: The calibration with which ``own`` was scored.
        keep: Number of candidates to keep per article.
        recipe: Ranking parameters, of which the number of neighbors is used.
        rows: Shape (q,): the rows of the articles to compute.
    """
    links = own.rows[rows, : recipe.diffusion_neighbors if calibration.neighbors else 0]
    present = links != NO_ROW
    weights = np.where(present, 1.0 / np.arange(1, links.shape[1] + 1), 0.0)
    weights *= calibration.neighbors / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    # The article's own scores count with weight 1; its score with itself is skipped below.
    summands = np.concatenate([rows[:, None], links], axis=1)
    factors = np.concatenate([np.ones((len(rows), 1)), weights], axis=1)
    total, unlisted = _sum_scores(own, summands, factors)
    total.data += np.repeat(unlisted, np.diff(total.indptr))
    paid = (calibration.hub * (nearest - calibration.hub_mean)).astype(np.float32)
    total.data -= paid[total.indices]
    # A copy of an article is as close to its neighbors as the article itself.
    closeness = weights * np.where(present, own.scores[rows, : links.shape[1]], 0)
    return DiffusedScores(
        neighbors=top_of_rows(total, keep, skip=rows),
        copy_scores=(copies + closeness.sum(axis=1) - paid[rows]).astype(np.float32),
        unlisted_scores=unlisted,
    )


def hear_neighbors(own: Neighbors, links: Rows, rows: Rows) -> NDArray[np.float32]:
    """Return the mean score that articles' nearest neighbors give to each of their candidates.

    Args:
        own: Every article's candidates, as :func:`gather_candidates` returns them.
        links: Shape (q, any), int32: each article's nearest neighbors, best first.
        rows: Shape (q, k), int32: the candidates of each article.

    Returns:
        Shape (q, k), float32: the weighted mean; the r-th neighbor's weight is proportional to 1/r.
    """
    links = links[:, : DEFAULT_RECIPE.diffusion_neighbors]
    listed = links != NO_ROW
    weights = np.where(listed, 1.0 / np.arange(1, links.shape[1] + 1), 0.0)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    said, unlisted = _sum_scores(own, links, weights)
    lists = np.repeat(np.arange(len(rows)), rows.shape[1])
    found = np.asarray(said[lists, np.maximum(rows, 0).ravel()]).reshape(rows.shape)
    result: NDArray[np.float32] = (found + unlisted[:, None]).astype(np.float32)
    return result


def _sum_scores(
    own: Neighbors, summands: Rows, factors: NDArray[np.floating]
) -> tuple[sp.csr_matrix, NDArray[np.float32]]:
    """Return weighted sums of the scores that some articles give to their candidates.

    Args:
        own: Every article's candidates, as :func:`gather_candidates` returns them.
        summands: Shape (q, any), int32: the articles of each sum; ``NO_ROW`` for none.
        factors: Shape (q, any): the weight of each.

    Returns:
        How much each sum exceeds what an article gets that is nobody's candidate, shape (q, n),
        float32 CSR; and what such an article gets, shape (q,), float32.
    """
    listed = summands != NO_ROW
    articles, places = np.unique(summands[listed], return_inverse=True)
    ends = np.concatenate([[0], np.cumsum(listed.sum(axis=1))])
    shape = (len(summands), len(articles))
    graph = sp.csr_matrix((factors[listed].astype(np.float32), places, ends), shape=shape)
    scores, floors = _scores_above_floor(own, articles)
    return (graph @ scores).tocsr(), (graph @ floors).astype(np.float32)


def _scores_above_floor(
    own: Neighbors, articles: NDArray[np.integer]
) -> tuple[sp.csr_matrix, NDArray[np.float32]]:
    """Return how much the scores of some articles' candidates exceed each article's floor.

    The floor is the score of an article's worst candidate. It is also used as the score of every
    article that is not a candidate.

    Returns:
        The scores, shape (articles, n), float32 CSR; and the floors, shape (articles,), float32.
    """
    count, width = len(articles), own.rows.shape[1]
    columns = np.empty((count, width + 1), dtype=np.int32)
    above = np.empty((count, width + 1), dtype=np.float32)
    rows, scores = columns[:, :width], above[:, :width]
    rows[:], scores[:] = own.rows[articles], own.scores[articles]
    listed = rows != NO_ROW
    lengths = listed.sum(axis=1)
    floors = np.where(lengths, scores[np.arange(count), lengths - 1], np.float32(0))
    best = np.where(listed[:, :SELF_OF], scores[:, :SELF_OF], 0.0)
    self_scores = best.sum(axis=1) / np.maximum(listed[:, :SELF_OF].sum(axis=1), 1)
    scores -= floors[:, None]
    scores += _LISTED
    columns[:, width], above[:, width] = articles, self_scores - floors
    held = columns != NO_ROW
    ends = np.concatenate([[0], np.cumsum(lengths + 1)])
    matrix = sp.csr_matrix((above[held], columns[held], ends), shape=(count, len(own.rows)))
    return matrix, floors

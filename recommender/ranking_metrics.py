"""Metrics of ranked lists: nDCG, precision and recall from judgments, and intra-list diversity.

Sources of the formulas: nDCG with gain 2^grade - 1 and discount log2(rank + 1) after Burges et
al., "Learning to Rank using Gradient Descent", ICML 2005; bootstrap percentile intervals after
Efron & Tibshirani, "An Introduction to the Bootstrap", 1993.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import Embeddings
from recommender.errors import InputError
from recommender.parameters import SHOWN
from recommender.relevance_judgments import MIN_RELATED, Qrels

_BOOTSTRAPS = 1_000
_SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The mean of a metric over all measured lists, with its bootstrap 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """Relevance of ranked lists, measured against judgments.

    Attributes:
        seeds: Number of articles whose lists were measured.
        ndcg10: Normalized discounted cumulative gain of the first ten articles.
        p6: Share of the first six articles that are related.
        recall50: Share of all related articles that are among the first fifty.
    """

    seeds: int
    ndcg10: Estimate
    p6: Estimate
    recall50: Estimate


def measure_relevance(
    lists: Mapping[str, Sequence[str]], judged: Qrels, *, min_related: int = MIN_RELATED
) -> Relevance:
    """Measure ranked lists against judgments.

    Args:
        lists: For each seed, which is the article whose list is measured, the ids in its list, best
            first, without the seed itself.
        judged: The result of :func:`judged_seeds`; every seed in it must have a list.
        min_related: The least number of related articles per seed, for the error message.

    Raises:
        InputError: If ``judged`` is empty.
    """
    if not judged:
        raise InputError(
            f"no judged article of the build has {min_related} or more related articles: "
            "check that these judgments belong to this corpus"
        )
    figures = np.array([measure_seed(lists[seed], grades) for seed, grades in judged.items()])
    ndcg10, p6, recall50 = (_estimate(column) for column in figures.T)
    return Relevance(seeds=len(judged), ndcg10=ndcg10, p6=p6, recall50=recall50)


def intra_list_diversity(lists: NDArray[np.int32], embeddings: Embeddings) -> float:
    """Return the mean of 1 - cosine over all pairs of articles that are in the same list.

    It is 0 if all articles of a list are copies of each other.

    Args:
        lists: Shape (n, any), int32: the rows of each list, best first; negative for none.
        embeddings: Shape (rows, dim), float32, unit rows.
    """
    shown = lists[:, :SHOWN]
    total, pairs = 0.0, 0
    for rows in shown:
        present = rows[rows >= 0]
        count = len(present)
        if count > 1:
            vectors = embeddings[present]
            cosines = vectors @ vectors.T
            total += float(count * count - cosines.sum())
            pairs += count * (count - 1)
    return total / pairs if pairs else 0.0


def measure_seed(ranked: Sequence[str], grades: Mapping[str, int]) -> tuple[float, float, float]:
    """Return nDCG@10, the precision of the first six and the recall of the first fifty of a list.

    Args:
        ranked: The ids in the list, best first.
        grades: The grade of each judged article by its id; at least one is above 0 (related).
    """
    gains = [2.0 ** max(grades.get(article, 0), 0) - 1.0 for article in ranked[:10]]
    ideal = sorted((2.0 ** max(grade, 0) - 1.0 for grade in grades.values()), reverse=True)[:10]
    related = sum(grade > 0 for grade in grades.values())
    return (
        _dcg(gains) / _dcg(ideal),
        sum(grades.get(article, 0) > 0 for article in ranked[:SHOWN]) / SHOWN,
        sum(grades.get(article, 0) > 0 for article in ranked[:50]) / related,
    )


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def _estimate(values: NDArray[np.float64]) -> Estimate:
    low, high = bootstrap_interval(values)
    return Estimate(mean=float(values.mean()), low=low, high=high)


def bootstrap_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the bootstrap 95 % interval of the mean of values, shape (n,).

    If the values are the differences of two methods, one for each list, it is the paired interval.
    """
    generator = np.random.default_rng(_SEED)
    means = np.array(
        [
            values[generator.integers(len(values), size=len(values))].mean()
            for _ in range(_BOOTSTRAPS)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)

"""Quality of ranked lists: metrics of judged relevance, and diversity, which needs no judgment.

Sources of the formulas: nDCG with gain 2^grade - 1 and discount log2(rank + 1) after Burges et
al., "Learning to Rank using Gradient Descent", ICML 2005; bootstrap percentile intervals after
Efron & Tibshirani, "An Introduction to the Bootstrap", 1993.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import Embeddings
from recommender.errors import InputError
from recommender.parameters import SHOWN

MIN_RELATED = 3
"""A seed with fewer related articles says too little and is left out."""

_BOOTSTRAPS = 1_000
_SEED = 7

Qrels = Mapping[str, Mapping[str, int]]
"""Seed id → judged article id → grade; above 0 is related."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over seeds with its bootstrap 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """Judged relevance of lists.

    Attributes:
        seeds: How many articles were judged.
        ndcg10: Normalized discounted cumulative gain of the first ten.
        p6: Share of related articles among the first six.
        recall50: Share of all related articles among the first fifty.
    """

    seeds: int
    ndcg10: Estimate
    p6: Estimate
    recall50: Estimate


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read judgments: seed, article, grade, separated by tabs; ``.gz`` too.

    Raises:
        InputError: Naming the line that is not of that form.
    """
    qrels: dict[str, dict[str, int]] = {}
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                parts = line.rstrip("\r\n").split("\t")
                grade = parts[-1].strip()
                if len(parts) != 3 or not grade.lstrip("-").isdecimal():
                    raise InputError(
                        f"{path} line {number}: expected seed<TAB>article<TAB>whole grade, "
                        f"found {line.strip()[:80]!r}"
                    )
                if parts[0] != parts[1]:
                    qrels.setdefault(parts[0], {})[parts[1]] = int(grade)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read: {error}") from error
    return qrels


def judged_seeds(qrels: Qrels, known: set[str]) -> dict[str, dict[str, int]]:
    """The judgments that can be measured: among known articles, seeds with enough related."""
    restricted = {
        seed: {other: grade for other, grade in judged.items() if other in known}
        for seed, judged in qrels.items()
        if seed in known
    }
    return {
        seed: judged
        for seed, judged in sorted(restricted.items())
        if sum(grade > 0 for grade in judged.values()) >= MIN_RELATED
    }


def measure_relevance(
    lists: Mapping[str, Sequence[str]], judged: Qrels, *, min_related: int = MIN_RELATED
) -> Relevance:
    """Measure ranked lists against judgments.

    Args:
        lists: Ids of each seed's list, best first, itself not among them.
        judged: What :func:`judged_seeds` gave; every seed must have a list.
        min_related: Seeds with fewer related articles must not be given.

    Raises:
        InputError: If no seed is left to measure.
    """
    if not judged:
        raise InputError(
            f"no judged article of the build has {min_related} or more related articles: "
            "are these the judgments of this corpus?"
        )
    figures = np.array([_measure_seed(lists[seed], grades) for seed, grades in judged.items()])
    ndcg10, p6, recall50 = (_estimate(column) for column in figures.T)
    return Relevance(seeds=len(judged), ndcg10=ndcg10, p6=p6, recall50=recall50)


def intra_list_diversity(lists: NDArray[np.int32], embeddings: Embeddings) -> float:
    """Mean of 1 - cosine over all pairs of each shown list; 0 would be six times the same.

    Args:
        lists: Shape (n, any), int32 rows, best first; negative where missing.
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


def _measure_seed(ranked: Sequence[str], grades: Mapping[str, int]) -> tuple[float, float, float]:
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
    generator = np.random.default_rng(_SEED)
    means = np.array(
        [
            values[generator.integers(len(values), size=len(values))].mean()
            for _ in range(_BOOTSTRAPS)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(mean=float(values.mean()), low=float(low), high=float(high))

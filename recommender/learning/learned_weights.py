"""Learns weights of evidence from judged articles, and adopts them only if they are surely better.

The seeds are divided into folds. Weights fitted without a fold are measured on its seeds, with a
strength of shrinking that was chosen without them as well (nested cross-validation).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from recommender.learning.pairwise_fit import Pairs
from recommender.learning.training_seeds import TrainingSeeds

FOLDS = 5
MIN_SEEDS = 20
_STRENGTHS = (math.inf, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1)
_CONFIDENCE = 0.99
_RANDOM_SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedWeights:
    """The weights to rank with, and how surely they are better than the default ones.

    Attributes:
        weights: Shape (kinds,), float64: the learned weights if adopted, else the default.
        adopted: Whether the learned weights are surely better on unseen seeds.
        strength: How strongly weights shrink toward the default; infinite if that was best.
        seeds: Number of judged articles learned from.
        folds: Number of parts of the seeds, each of which was unseen once; 0 if too few seeds.
        default_ndcg10: Mean nDCG@10 of the default weights.
        learned_ndcg10: Mean nDCG@10 of learned weights on seeds that they were not learned from.
        gain_low: Lower end of the 99 % interval of what unseen lists gain, as a share of the
            default's rank-biased gain, see :meth:`TrainingSeeds.measure`. Weights are adopted only
            if it is above 0, also less what is gained by chance, and if nDCG@10 does not fall.
        gain_high: Upper end.
        shares: Shape (2, kinds), float64: the share of each kind of evidence in how much the
            scores of a list's candidates differ, by the default and by ``weights``.
    """

    weights: NDArray[np.float64]
    adopted: bool
    strength: float
    seeds: int
    folds: int
    default_ndcg10: float
    learned_ndcg10: float
    gain_low: float
    gain_high: float
    shares: NDArray[np.float64]


def learn_weights(
    seeds: TrainingSeeds, default: NDArray[np.float64], scales: NDArray[np.float64]
) -> LearnedWeights:
    """Learn weights from judged articles.

    Args:
        seeds: The judged articles with the evidence of their candidates.
        default: Shape (kinds,), float64: the weights that are kept unless better ones are found.
        scales: Shape (kinds,), float64, above 0: by how much each weight ordinarily differs.

    Returns:
        The same weights for the same arguments: nothing is drawn from the clock.
    """
    enough = len(seeds) >= MIN_SEEDS
    before = seeds.measure(default)
    unseen, choices = np.zeros((len(seeds), 3)), np.zeros(len(_STRENGTHS))
    low = high = beyond_chance = 0.0
    if enough:
        folds = np.random.default_rng(_RANDOM_SEED).permutation(len(seeds)) % FOLDS
        gains = _measure_gains(seeds, folds, default, scales)
        for fold in range(FOLDS):
            here = folds == fold
            chosen = gains[fold, ~here, :, 1].mean(axis=0).argmax()
            unseen[here] = gains[fold, here, chosen]
            choices += gains[fold, here, :, 1].sum(axis=0)
        whole = max(float(before[:, 1].mean()), 1e-9)
        low, high = _interval(unseen[:, 1] / whole)
        beyond_chance, _ = _interval(unseen[:, 1] - unseen[:, 2])
    best = int(choices.argmax())
    adopted = best > 0 and min(low, beyond_chance, float(unseen[:, 0].sum())) > 0
    weights = _fit_path(seeds, default, scales)[best] if adopted else default
    return LearnedWeights(
        weights=weights,
        adopted=adopted,
        strength=_STRENGTHS[best],
        seeds=len(seeds),
        folds=FOLDS if enough else 0,
        default_ndcg10=float(before[:, 0].sum()) / max(len(seeds), 1),
        learned_ndcg10=float((before + unseen)[:, 0].sum()) / max(len(seeds), 1),
        gain_low=low,
        gain_high=high,
        shares=np.stack([seeds.shares(default), seeds.shares(weights)]),
    )


def _fit_path(
    seeds: TrainingSeeds, default: NDArray[np.float64], scales: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Return the weights of every strength, each fitted from the one before."""
    pairs, path = Pairs(seeds, default, scales), [default]
    for strength in _STRENGTHS[1:]:
        path.append(pairs.fit(strength, path[-1]))
    return path


def _measure_gains(
    seeds: TrainingSeeds,
    folds: NDArray[np.int64],
    default: NDArray[np.float64],
    scales: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return what weights gain on seeds that they were not fitted to.

    Returns:
        Shape (folds, seeds, strengths, 3), float64: what each seed gains in every measure of
        :meth:`TrainingSeeds.measure` by weights fitted without that seed's fold and without the
        fold of the first axis.
    """
    gains = np.zeros((FOLDS, len(seeds), len(_STRENGTHS), 3))
    for one, other in itertools.combinations_with_replacement(range(FOLDS), 2):
        held = np.isin(folds, (one, other))
        path = _fit_path(seeds.take(np.flatnonzero(~held)), default, scales)
        unseen = seeds.take(np.flatnonzero(held))
        figures = np.stack([unseen.measure(weights) for weights in path], axis=1)
        figures -= figures[:, :1].copy()
        for left_out, measured in ((one, other), (other, one)):
            gains[left_out, folds == measured] = figures[folds[held] == measured]
    return gains


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the t interval of a mean."""
    count = len(values)
    reach = float(stdtrit(count - 1, (1 + _CONFIDENCE) / 2))
    reach *= float(values.std(ddof=1)) / math.sqrt(count)
    return float(values.mean()) - reach, float(values.mean()) + reach

"""Learns weights of evidence from judged articles, and adopts them only if they are surely better.

The seeds are divided into folds. Weights fitted without a fold are measured on its seeds, with a
strength of shrinking that was chosen without them as well (nested cross-validation).

Clicks are learned from in a second step, from the weights of the first on. What they change must
surely gain on unseen lists by the same rule, and must not cost the site's own links.
"""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.learning.pairwise_fit import Pairs
from recommender.learning.training_seeds import TrainingSeeds

FOLDS = 5
MIN_SEEDS = 20
_STRENGTHS = (math.inf, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1)
MOST_LOST = 0.01
"""The largest share of what lists are worth by the site's own links and judgments that may be lost
by learning from clicks, too."""

_CONFIDENCE = 0.99
_RANDOM_SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedWeights:
    """The weights to rank with, and how surely they are better than the default ones.

    Attributes:
        weights: Shape (kinds,), float64: the learned weights if adopted, else the default.
        adopted: Whether the learned weights are surely better on unseen seeds.
        seeds: Number of judged articles learned from.
        folds: Number of parts of the seeds, each of which was unseen once; 0 if too few seeds.
        default_ndcg10: Mean nDCG@10 of the default weights.
        learned_ndcg10: Mean nDCG@10 of learned weights on seeds that they were not learned from.
        gain_low: Lower end of the 99 % interval of by how much unseen lists get better, as a share
            of the default's rank-biased gain (see :meth:`TrainingSeeds.measure`). Weights are
            adopted only if it is above 0, also after what chance explains is subtracted, and if
            nDCG@10 does not fall.
        gain_high: Upper end of that interval.
        shares: Shape (2, kinds), float64: how much each kind of evidence contributes to the
            differences of scores in a list: by the default weights, and by ``weights``.
        kept: The mean rank-biased gain on guarded seeds, which may hardly lose, as a share of the
            default's; 1 if there are no such seeds.
        clicked: The result of learning from clicks, the second step; ``None`` without clicks.
    """

    weights: NDArray[np.float64]
    adopted: bool
    seeds: int
    folds: int
    default_ndcg10: float
    learned_ndcg10: float
    gain_low: float
    gain_high: float
    shares: NDArray[np.float64]
    kept: float = 1.0
    clicked: "LearnedWeights | None" = None

    @property
    def changed(self) -> bool:
        """Whether learning, from judgments or from clicks, changed the default weights."""
        return self.adopted or (self.clicked is not None and self.clicked.adopted)


def learn_in_steps(
    own: TrainingSeeds | None,
    clicked: TrainingSeeds | None,
    default: NDArray[np.float64],
    scales: NDArray[np.float64],
) -> LearnedWeights | None:
    """Learn weights from what the site itself calls related, and then from clicks.

    Args:
        own: The articles judged by the site's links and its editors; ``None`` without any.
        clicked: The articles in whose lists readers clicked; ``None`` without any.
        default: Shape (kinds,), float64: the weights that are kept unless better ones are found.
        scales: Shape (kinds,), float64, above 0: by how much each learned weight ordinarily differs
            from the default.

    Returns:
        The result of the first step, but with the weights after both; the result of the second is
        in its ``clicked``. ``None`` if there is nothing to learn from.
    """
    if clicked is None:
        return None if own is None else learn_weights(own, default, scales)
    own = clicked.take(np.arange(0)) if own is None else own
    first, both = learn_weights(own, default, scales), own.join(clicked)
    second = learn_weights(both, first.weights, scales, guarded=len(own))
    shares = np.stack([both.shares(default), both.shares(second.weights)])
    return replace(first, weights=second.weights, clicked=replace(second, shares=shares))


def learn_weights(
    seeds: TrainingSeeds,
    default: NDArray[np.float64],
    scales: NDArray[np.float64],
    *,
    guarded: int = 0,
) -> LearnedWeights:
    """Learn the weights of the kinds of evidence from judged articles (seeds).

    The same arguments give the same weights.

    Args:
        seeds: The judged articles with the evidence of their candidates.
        default: Shape (kinds,), float64: the weights that are kept unless better ones are found.
        scales: Shape (kinds,), float64, above 0: by how much each learned weight ordinarily differs
            from the default.
        guarded: Number of seeds at the beginning that need not gain, but may lose no more than the
            share :data:`MOST_LOST`: neither by weights that were learned without them nor by the
            final ones.
    """
    enough = len(seeds) - guarded >= MIN_SEEDS
    before = seeds.measure(default)
    guard, judged = slice(guarded), slice(guarded, None)
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
        gained, whole = unseen[judged], max(float(before[judged, 1].mean()), 1e-9)
        low, high = _interval(gained[:, 1] / whole)
        beyond_chance, _ = _interval(gained[:, 1] - gained[:, 2])
    best = int(choices.argmax())
    adopted = best > 0 and min(low, beyond_chance, float(unseen[judged, 0].sum())) > 0
    weights, kept = default, 1.0
    if adopted:
        learned = _fit_path(seeds, default, scales)[best]
        least = (1 - MOST_LOST) * before[guard, :2].sum(axis=0)
        after = seeds.measure(learned)[guard], before[guard] + unseen[guard]
        adopted = all((some[:, :2].sum(axis=0) >= least).all() for some in after)
        if guarded:
            kept = float(after[0][:, 1].sum() / max(before[guard, 1].sum(), 1e-9))
        weights = learned if adopted else default
    return LearnedWeights(
        weights=weights,
        adopted=adopted,
        seeds=len(seeds) - guarded,
        folds=FOLDS if enough else 0,
        default_ndcg10=float(before[judged, 0].sum()) / max(len(seeds) - guarded, 1),
        learned_ndcg10=float((before + unseen)[judged, 0].sum()) / max(len(seeds) - guarded, 1),
        gain_low=low,
        gain_high=high,
        shares=np.stack([seeds.shares(default), seeds.shares(weights)]),
        kept=kept,
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
    from scipy.special import stdtrit  # most builds learn nothing, and it takes long to import

    count = len(values)
    reach = float(stdtrit(count - 1, (1 + _CONFIDENCE) / 2))
    reach *= float(values.std(ddof=1)) / math.sqrt(count)
    return float(values.mean()) - reach, float(values.mean()) + reach

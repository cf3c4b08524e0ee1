"""Fits non-negative weights so that better candidates score above worse ones of the same list.

The loss of a pair is the logistic one of RankNet (Burges et al., "Learning to Rank using Gradient
Descent", ICML 2005), times the difference of the two gains over the list's ideal gain. It is
convex, so Newton's method with exact second derivatives finds the best weights in a few steps;
each step is a least-squares problem with non-negative weights.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.learning.training_seeds import TrainingSeeds

_CANDIDATES = 20
_ROUNDS = 30
_TOLERANCE = 1e-6
_LEAST_SHARPNESS = 0.01


class Pairs:
    """All pairs of a better and a worse candidate of the same list, to which weights are fitted.

    Args:
        seeds: The training seeds; at least one has such a pair, or every fit gives the default.
        default: Shape (kinds,), float64: the weights toward which fitted ones shrink.
        scales: Shape (kinds,), float64: by how much each fitted weight ordinarily differs from its
            default.
    """

    def __init__(
        self, seeds: TrainingSeeds, default: NDArray[np.float64], scales: NDArray[np.float64]
    ) -> None:
        first = slice(0, _CANDIDATES)
        gains, valid = seeds.grades[:, first], seeds.valid[:, first]
        ordered = gains[:, :, None] > gains[:, None, :]
        seed, better, worse = np.nonzero(ordered & valid[:, :, None] & valid[:, None, :])
        self._features = seeds.features[seed, better] - seeds.features[seed, worse]
        self._offsets = seeds.offsets[seed, better] - seeds.offsets[seed, worse]
        losses = (gains[seed, better] - gains[seed, worse]) / seeds.ideal[seed]
        self._losses = (losses / max(losses.sum(), 1e-9)).astype(np.float32)
        self._default, self._scales, self._seeds = default, scales, len(seeds)
        self._sharpness = self._fit_sharpness()

    def fit(self, strength: float, start: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the non-negative weights that order the pairs best, shrunk toward the default.

        Args:
            strength: How strongly they shrink; its effect falls with the number of seeds.
            start: Shape (kinds,), float64: weights near which the search begins.
        """
        sharp = self._sharpness
        pull = strength / self._seeds / self._scales**2
        margins = sharp * self._offsets
        return (
            _minimize(
                self._features, margins, self._losses, sharp * start, sharp * self._default, pull
            )
            / sharp
        )

    def _fit_sharpness(self) -> float:
        """Return the factor by which the default's scores fit the pairs best."""
        scores = self._features @ self._default.astype(np.float32) + self._offsets
        none, one = np.zeros_like(scores), np.ones(1)
        fitted = _minimize(scores[:, None], none, self._losses, one, one, np.full(1, 1e-4))
        return max(float(fitted[0]), _LEAST_SHARPNESS)


def _minimize(
    features: NDArray[np.float32],
    offsets: NDArray[np.float32],
    losses: NDArray[np.float32],
    start: NDArray[np.float64],
    center: NDArray[np.float64],
    pull: NDArray[np.float64],
) -> NDArray[np.float64]:
    from scipy.optimize import nnls  # a tenth of a small build's time, and most need no fit
    from scipy.special import expit

    weights, step, least = start, np.zeros_like(start), np.inf
    for _ in range(_ROUNDS):
        margins = features @ (weights + step).astype(np.float32) + offsets
        away = weights + step - center
        loss = float(losses @ np.logaddexp(0, -margins) + pull @ away**2)
        if loss > least:
            step = step / 2
            continue
        weights, gained, least = weights + step, least - loss, loss
        if gained < _TOLERANCE:
            break
        wrong = expit(-margins)
        slope = 2 * pull * away - (losses * wrong) @ features
        curves = (features.T * (losses * wrong * (1 - wrong))) @ features
        root = np.linalg.cholesky(curves + np.diag(2 * pull + 1e-9))
        step = nnls(root.T, root.T @ weights - np.linalg.solve(root, slope))[0] - weights
    return weights

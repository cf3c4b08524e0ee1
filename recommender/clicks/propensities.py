"""How much more often an item is clicked for standing higher in the list.

The model is the position-based one: the rate of clicks is the propensity of the position times how
much the target attracts on this article. Only targets that were seen at several positions of one
article's list tell of propensities, as in Agarwal et al., "Estimating Position Bias without
Intrusive Interventions" (WSDM 2019). Given how often such a target was clicked at all, its clicks
fall to its positions by how often it was seen there times the propensity; that is the conditional
likelihood of a Poisson model with fixed effects (Hausman, Hall and Griliches, Econometrica 52,
1984). It is right for any distribution with these means, and attraction need not be estimated.
Where few clicks tell, propensities shrink toward the power of the position that fits them best, the
form that Joachims et al. assume ("Unbiased Learning-to-Rank with Biased Feedback", WSDM 2017).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PRIOR = 0.5
"""So many clicks at each position, as if all were alike, keep positions without data finite."""

_OFF_POWER = 0.15
"""By how much the logarithm of a propensity usually differs from that of the power."""

_ROUNDS = 100
_LARGEST_STEP = 1.0
_NORMAL_95 = 1.959964
_MOST_UNSURE = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Propensities:
    """How often the same item is clicked at each position of a list, relative to the first.

    Attributes:
        values: Shape (k,), float64: the propensities of positions 1 to k; the first is 1.
        low: Shape (k,), float64: the lower ends of their 95 % intervals.
        high: Shape (k,), float64: the upper ends of their 95 % intervals.
        clicks: The number of clicks on targets that were seen at several positions.
    """

    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    clicks: int

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which propensities are known well enough to correct clicks by them; shape (k,), bool."""
        found: NDArray[np.bool_] = self.high < _MOST_UNSURE * self.low
        return found


def position_propensities(
    articles: NDArray[np.integer],
    targets: NDArray[np.integer],
    positions: NDArray[np.integer],
    seen: NDArray[np.integer],
    clicked: NDArray[np.integer],
) -> Propensities:
    """Estimate the propensity of each position: how often an item is clicked for standing there.

    Args:
        articles: Shape (n,), int: the row of the article whose list was shown.
        targets: Shape (n,), int: the row of an article that readers saw in that list.
        positions: Shape (n,), int: the target's position in the list, from 1.
        seen: Shape (n,), int: how often the target was seen at this position.
        clicked: Shape (n,), int: how often the target was clicked at this position.

    Returns:
        The propensities of position 1 up to the last. Their intervals have sandwich errors with
        articles as clusters (Liang and Zeger, Biometrika 73, 1986), so that they also hold if the
        clicks in one article's list depend on each other.
    """
    last = int(positions.max(initial=1))
    pairs, group = np.unique(np.stack([articles, targets]), axis=1, return_inverse=True)
    cells, shape = group.ravel() * last + positions - 1, (pairs.shape[1], last)
    size = shape[0] * last
    views = np.bincount(cells, seen, minlength=size).reshape(shape)
    clicks = np.bincount(cells, clicked, minlength=size).reshape(shape)
    telling = ((views > 0).sum(axis=1) > 1) & (clicks.sum(axis=1) > 0)
    owners = np.append(pairs[0][telling], -1)
    views = np.vstack([views[telling], np.ones(last)])
    clicks = np.vstack([clicks[telling], np.full(last, _PRIOR)])
    sums = clicks.sum(axis=1, keepdims=True)
    logs, powers = np.zeros(last), np.log(np.arange(2.0, last + 1))
    pull = np.eye(last - 1) - np.outer(powers, powers) / max(powers @ powers, 1e-9)
    pull /= _OFF_POWER**2
    for _ in range(_ROUNDS):
        rests, bend = _slopes(views, clicks, sums, logs)
        step = np.linalg.solve(bend + pull, rests.sum(axis=0)[1:] - pull @ logs[1:])
        step = np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)
        logs[1:] += step
        if np.abs(step).max(initial=0.0) < 1e-9:
            break
    rests, bend = _slopes(views, clicks, sums, logs)
    _, alone = _slopes(views[-1:], clicks[-1:], sums[-1:], logs)
    starts = np.flatnonzero(np.diff(owners, prepend=-2))[:-1]
    scores = np.add.reduceat(rests[:-1, 1:], starts) if len(starts) else rests[:0, 1:]
    inverse = np.linalg.inv(bend + pull)
    errors = np.sqrt(np.diag(inverse @ (scores.T @ scores + alone + pull) @ inverse))
    reach = np.exp(_NORMAL_95 * np.append(0.0, errors))
    values = np.exp(logs)
    return Propensities(
        values=values, low=values / reach, high=values * reach, clicks=int(clicks[:-1].sum())
    )


def _slopes(
    views: NDArray[Any],
    clicks: NDArray[Any],
    sums: NDArray[Any],
    logs: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return every group's slope by each position's logarithm, and the negative second derivatives.

    The first position stays as it is, so that the derivatives leave it out.
    """
    shares = views * np.exp(logs)
    shares /= shares.sum(axis=1, keepdims=True)
    bend = np.diag((sums * shares).sum(axis=0)) - (sums * shares).T @ shares
    return clicks - sums * shares, bend[1:, 1:]

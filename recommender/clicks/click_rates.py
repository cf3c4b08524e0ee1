"""Rates of clicks with an interval that is right for small counts, too."""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

_WRONG = 0.05
"""The share of the chosen items that may be chosen wrongly, on the average."""


def rate_interval(
    clicked: ArrayLike, seen: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the interval that holds each rate clicked / seen with 95 %: Wilson's score interval.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927).

    Args:
        clicked: Numbers of clicks, of any shape; a number above that of ``seen`` counts as it.
        seen: How often the items were seen, of the same shape.

    Returns:
        The lower and the upper ends of the intervals, float64, of the same shape; 0 and 1 where
        nothing was seen.
    """
    count = np.asarray(seen, dtype=np.float64)
    reach = NormalDist().inv_cdf(0.975) ** 2
    rate = np.minimum(np.asarray(clicked, dtype=np.float64) / np.maximum(count, 1), 1)
    middle = (count * rate + reach / 2) / (count + reach)
    half = np.sqrt(reach * count * rate * (1 - rate) + reach**2 / 4) / (count + reach)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def sure_ratios(clicked: ArrayLike, seen: ArrayLike, usual: ArrayLike) -> NDArray[np.float64]:
    """Return by which factor each of n items is surely clicked more, or less, than usual.

    Among thousands of items, some are clicked more by chance. So only items chosen by Benjamini and
    Hochberg's procedure ("Controlling the false discovery rate", JRSS B 57, 1995) get a factor
    other than 1, with the intervals of Benjamini and Yekutieli for what was so chosen (JASA 100,
    2005). Probabilities are Hoeffding's bounds (JASA 58, 1963, theorem 1), which hold for any
    number of clicks.

    Args:
        clicked: How often each item was clicked; shape (n,). A number above that of ``seen`` counts
            as it.
        seen: How often each item was seen; shape (n,).
        usual: How many clicks are usual for an item seen so often; shape (n,).

    Returns:
        Shape (n,): the end of each chosen item's interval that is nearest to ``usual``, divided by
        ``usual``: above 1 if it is clicked more, below 1 if less; and 1 for all other items.
    """
    count = np.maximum(np.asarray(seen, dtype=np.float64), 1)
    rate = np.minimum(np.asarray(clicked, dtype=np.float64) / count, 1)
    expected = np.asarray(usual, dtype=np.float64) / count
    ratios = np.ones(len(count))
    known = (expected > 0) & (expected < 1)
    unlikely = np.where(known, count * _divergence(rate, np.where(known, expected, 0.5)), 0)
    ranks = np.arange(1, len(count) + 1)
    passed = np.flatnonzero(np.sort(unlikely)[::-1] >= np.log(2 * len(count) / (_WRONG * ranks)))
    if not len(passed):
        return ratios
    least = np.log(2 * len(count) / (_WRONG * (passed[-1] + 1)))
    chosen = unlikely >= least
    count, rate, expected = count[chosen], rate[chosen], expected[chosen]
    inside, outside = rate, expected
    for _ in range(40):
        middle = (inside + outside) / 2
        within = count * _divergence(rate, middle) < least
        inside, outside = np.where(within, middle, inside), np.where(within, outside, middle)
    ratios[chosen] = inside / expected
    return ratios


def _divergence(rate: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the relative entropy of rates with others, which are neither 0 nor 1."""
    clicked = rate * np.log(np.where(rate > 0, rate, 1) / other)
    passed = (1 - rate) * np.log(np.where(rate < 1, 1 - rate, 1) / (1 - other))
    return np.asarray(clicked + passed)

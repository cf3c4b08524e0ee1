"""Rates of clicks with an interval that is right for small counts, too."""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rate_interval(
    clicked: ArrayLike, seen: ArrayLike, *, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the interval of a rate: the score interval of Wilson.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927).

    Args:
        clicked: How many were clicked; any shape. More than were seen count as all.
        seen: How many were seen, of the same shape.
        confidence: The probability with which the interval holds the true rate.

    Returns:
        The lower and the upper ends, float64, of the shape of the arguments; 0 and 1 where nothing
        was seen.
    """
    count = np.asarray(seen, dtype=np.float64)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    rate = np.minimum(np.asarray(clicked, dtype=np.float64) / np.maximum(count, 1), 1)
    middle = (count * rate + reach / 2) / (count + reach)
    half = np.sqrt(reach * count * rate * (1 - rate) + reach**2 / 4) / (count + reach)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)

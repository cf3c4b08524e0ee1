"""Which of two variants' lists are followed more often, and how sure that is at any time.

An article's lists in one block of time all come from one variant, drawn by a known share. So the
cluster, the unit that is drawn, is an article in a block. What is clicked in it is compared with
what the same article's earlier blocks let one expect, whichever variant they had; the rest is
weighted by one over the probability of the variant (Horvitz and Thompson, JASA 47, 1952). Since
the expectation comes from the past alone, every cluster's rest is right on the average by the
drawing itself: whatever articles, hours and robots do, as long as the variant does not cause it.

Such sums may be looked at as often as one likes with the asymptotic confidence sequence of
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences" (Annals of Statistics 52, 2024): the normal mixture of Robbins with the
variance of the clusters as its time.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
WORTH_FINDING = 0.1
"""The relative difference for which power is told unless another is asked for."""

_ERROR = 1 - CONFIDENCE
_USUAL_VIEWS, _USUAL_RATE = 50_000, 0.16  # the interval is tightest about here, and good elsewhere
_BEST = 8.2
"""The ratio at which the interval is tightest for a variance of 1: by the Lambert function in the
appendix of the source, ``-W(-0.05 ** 2 / e) - 1`` on its lower branch."""

_ARTICLES, _BLOCKS = 0.45, 0.2
"""By which share of the mean the rates of articles, and of one article's blocks, usually differ."""
_MOST_VIEWS = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Which of two variants' lists readers click more: the live variant's or the other's.

    A rate is the share of the lists seen in which something was clicked.

    Attributes:
        views: Number of lists seen, of both variants.
        live_rate: The rate that the live variant would have if it made all lists.
        other_rate: The rate that the other variant would have if it made all lists.
        difference: ``other_rate - live_rate``.
        low: Lower end of the interval of the difference. With probability :data:`CONFIDENCE` the
            interval holds the true difference at all times, so it may be looked at every day.
        high: Upper end of that interval.
        weight: Number of lists seen, weighted by how much each tells of the difference.
        spread: The estimated variance of the sum from which the difference is computed.
        share: The share of lists that the other variant makes.
    """

    views: int
    live_rate: float
    other_rate: float
    difference: float
    low: float
    high: float
    weight: float
    spread: float
    share: float

    @property
    def decided(self) -> bool:
        """Whether one variant is surely better: the interval of the difference excludes 0."""
        return self.low > 0 or self.high < 0

    @property
    def relative(self) -> tuple[float, float, float]:
        """The difference and the two ends of its interval, as shares of the live rate.

        They are at least -1, and NaN if the live rate is 0.
        """
        rate = self.live_rate or math.nan
        return self.difference / rate, max(self.low / rate, -1.0), self.high / rate

    def power(self, relative: float = WORTH_FINDING, views: float | None = None) -> float:
        """Return the probability with which a true difference of a given size is detected.

        Args:
            relative: The true difference, as a share of the live rate.
            views: The number of lists seen until then; by default those seen so far.
        """
        times = 1.0 if views is None else views / max(self.views, 1)
        weight, spread = self.weight * times, self.spread * times
        if not spread:
            return 0.0
        away = abs(relative) * self.live_rate * weight - _reach(spread, self.share)
        return NormalDist().cdf(away / math.sqrt(spread))

    def needed_views(self, relative: float = WORTH_FINDING, power: float = 0.8) -> int | None:
        """Return how many lists must be seen to detect a true difference of a given size.

        Args:
            relative: The true difference, as a share of the live rate.
            power: The probability with which it should be detected.

        Returns:
            The number of lists, too high by at most 3 %; ``None`` if a billion are too few, or if
            no clicks are known yet.
        """
        for views in np.geomspace(100, _MOST_VIEWS, 600).tolist():
            if self.power(relative, views) >= power:
                return int(views)
        return None


def compare_variants(
    articles: NDArray[np.integer],
    blocks: NDArray[np.integer],
    variants: NDArray[np.integer],
    seen: NDArray[np.integer],
    clicked: NDArray[np.integer],
    *,
    share: float = 0.5,
) -> Comparison:
    """Compare how often readers click in the lists of two variants.

    Each row of the arguments counts the lists that one variant made for one article in one block of
    time. The order of the rows does not matter, and a row may be divided into several.

    Args:
        articles: Shape (n,), int: the row of the article whose lists were seen.
        blocks: Shape (n,), int: the number of the block of time; later blocks have larger numbers.
        variants: Shape (n,), int: 0 for the live variant, any other number for the other one.
        seen: Shape (n,), int: how many lists were seen.
        clicked: Shape (n,), int: in how many of these lists something was clicked.
        share: The probability, above 0 and below 1, with which the other variant made a list.

    Raises:
        ValueError: If ``share`` is not above 0 and below 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share {share} must be above 0 and below 1")
    order = np.lexsort((blocks, articles))
    articles, blocks, seen, clicked = (some[order] for some in (articles, blocks, seen, clicked))
    signs = np.where(variants[order] == 0, -1 / (1 - share), 1 / share)
    first_of_article = _begins(articles)
    first = first_of_article | _begins(blocks)
    cluster = np.cumsum(first) - 1
    views, clicks, drawn_views, drawn_clicks = (
        np.bincount(cluster, values) for values in (seen, clicked, signs * seen, signs * clicked)
    )
    rate = min(float(clicks.sum() / max(views.sum(), 1)), 1.0)
    starts = np.flatnonzero(first_of_article[first])
    known_views, known_clicks = _before(views, starts), _before(clicks, starts)
    odds = rate / (1 - rate) if rate < 1 else math.inf
    prior = 1 / (odds * _ARTICLES**2) if odds else math.inf
    expected = np.full(len(views), rate)
    weights = np.ones(len(views))
    if 0 < rate < 1:
        expected = (known_clicks + prior * rate) / (known_views + prior)
        weights = 1 / (1 + views / (known_views + prior) + views * odds * _BLOCKS**2)
    rests, counted = weights * (drawn_clicks - expected * drawn_views), weights * views
    weight = float(counted.sum())
    estimate = float(rests.sum()) / max(weight, 1e-9)
    spread = float(((rests - estimate * counted) ** 2).sum())
    reach = _reach(spread, share) / max(weight, 1e-9)
    low, high = max(estimate - reach, -1.0), min(estimate + reach, 1.0)
    # Few clusters may differ by more than two rates can whose mean is the rate of all.
    least = -min(rate / (1 - share), (1 - rate) / share)
    most = min(rate / share, (1 - rate) / (1 - share))
    difference = min(max(estimate, least), most)
    return Comparison(
        views=int(views.sum()),
        live_rate=rate - share * difference,
        other_rate=rate + (1 - share) * difference,
        difference=difference,
        low=min(low, difference),
        high=max(high, difference),
        weight=weight,
        spread=spread,
        share=share,
    )


def _reach(spread: float, share: float) -> float:
    """Return how far the sum of the clusters' rests may be from the truth, see the module's source.

    How tight it is for which variance is fixed before anything is counted (Proposition 2.5 there).
    """
    ratio = _BEST * share * (1 - share) / (_USUAL_VIEWS * _USUAL_RATE * (1 - _USUAL_RATE))
    grown = spread * ratio + 1
    return math.sqrt(grown / ratio * math.log(grown / _ERROR**2))


def _begins(values: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return where another value than before begins; shape (n,)."""
    found = np.ones(len(values), dtype=bool)
    found[1:] = values[1:] != values[:-1]
    return found


def _before(values: NDArray[np.number], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the sum of the values before each one since the last start; shape (n,)."""
    sums = np.cumsum(values) - values
    lengths = np.diff(np.append(starts, len(values)))
    found: NDArray[np.float64] = sums - np.repeat(sums[starts], lengths)
    return found

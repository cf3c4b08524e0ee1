"""Clicks as judgments: how much more than its neighbors in the list readers follow a target."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.clicks.propensities import Propensities

MOST_ARTICLES = 2_000
"""Articles with the most clicks are learned from, at most so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickJudgments:
    """How much more or less than usual readers click targets in the lists of articles.

    Attributes:
        articles: Shape (m,), int32: the row of the article whose list it is.
        targets: Shape (m,), int32: the row of an article that readers saw in that list.
        gains: Shape (m,), float32: how often the target is clicked relative to the mean of the
            list, corrected for its position; near 1 where too little is known.
    """

    articles: NDArray[np.int32]
    targets: NDArray[np.int32]
    gains: NDArray[np.float32]


def click_judgments(
    articles: NDArray[np.integer],
    targets: NDArray[np.integer],
    positions: NDArray[np.integer],
    seen: NDArray[np.integer],
    clicked: NDArray[np.integer],
    propensities: Propensities,
) -> ClickJudgments:
    """Judge targets by clicks, corrected for the positions at which they were seen.

    A target's views and positions tell how many clicks it would get if it were as attractive as
    the mean of its list. Its gain is the ratio of its clicks to these expected ones, shrunk toward
    1 by the gamma-Poisson model (Clayton and Kaldor, Biometrics 43, 1987). So a target with few
    clicks has a gain near 1, and if all differences may be chance (they are within two standard
    errors of what chance alone gives), nothing is judged.

    Of each position's propensity the upper end of its interval is used. With too low ones, all
    targets far down in lists would seem better than they are; with too high ones, lists only seem
    to be in the right order already.

    Args:
        articles: Shape (n,), int: the row of the article whose list was shown.
        targets: Shape (n,), int: the row of an article that readers saw in that list.
        positions: Shape (n,), int: the target's position in the list, from 1.
        seen: Shape (n,), int: how often the target was seen at this position.
        clicked: Shape (n,), int: how often the target was clicked at this position.
        propensities: How often an item is clicked at each position; positions at which this is not
            surely known are left out.
    """
    place = np.minimum(positions, len(propensities.values)) - 1
    used = propensities.known[place] & (positions <= len(propensities.values)) & (seen > 0)
    pairs, group = np.unique(np.stack([articles, targets])[:, used], axis=1, return_inverse=True)
    count = pairs.shape[1]
    exposure = np.bincount(group.ravel(), (seen * propensities.high[place])[used], count)
    clicks = np.bincount(group.ravel(), clicked[used], count)
    _, owner = np.unique(pairs[0], return_inverse=True)
    of_article = np.bincount(owner, clicks)
    expected = exposure * (of_article / np.maximum(np.bincount(owner, exposure), 1e-9))[owner]
    several = (np.bincount(owner) > 1) & (of_article > 0)
    told, total = several[owner], np.maximum(of_article[owner], 1)
    # Expected ones are made from the list's own clicks: their chance is multinomial, not Poisson's.
    chance = expected * (1 - expected / total)
    beyond = float(((clicks - expected) ** 2 - chance)[told].sum())
    if beyond <= 2 * np.sqrt((expected + 2 * expected**2)[told].sum()):
        several[:] = False
    most = np.argsort(-of_article, kind="stable")[:MOST_ARTICLES]
    kept = several[owner] & np.isin(owner, most)
    strength = float((expected * chance * (1 - 1 / total))[told].sum()) / max(beyond, 1e-9)
    gains = (clicks + strength) / (expected + strength)
    return ClickJudgments(
        articles=pairs[0][kept].astype(np.int32),
        targets=pairs[1][kept].astype(np.int32),
        gains=gains[kept].astype(np.float32),
    )

"""Clicks as judgments: how much more than its neighbors in the list readers follow a target."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.clicks.propensities import Propensities

MOST_ARTICLES = 2_000
"""Articles with the most clicks are learned from, at most so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickJudgments:
    """How much targets attract in the lists of articles.

    Attributes:
        articles: Shape (m,), int32: whose list it is.
        targets: Shape (m,), int32: what was seen in it.
        gains: Shape (m,), float32: the target's attraction relative to the mean of the article's
            list; 1 where too little is known.
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

    A target of mean attraction would get as many clicks as its views times the propensities of
    their positions let one expect. Its gain is the mean of what that ratio may truly be, where
    ratios have a gamma distribution of mean 1 whose variance is that of all pairs beyond chance
    (the gamma-Poisson model; moments as in Clayton and Kaldor, Biometrics 43, 1987). So targets
    with few clicks hardly differ from 1, and if all differences are chance, nothing is judged.

    Propensities are taken from the upper ends of their intervals. If they were taken too low, all
    that stands lower down would seem better than it is, in every list alike, and no fold would
    show that this is wrong; too high, they only make the list's order seem right as it is.

    Args:
        articles: Shape (n,), int: whose list it is.
        targets: Shape (n,), int: what was seen in it.
        positions: Shape (n,), int: where, from 1.
        seen: Shape (n,), int: how often.
        clicked: Shape (n,), int: how often it was clicked there.
        propensities: Of the positions; those that are not surely known are left out.
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
    beyond = float(((clicks - expected) ** 2 - expected).sum())
    several = (np.bincount(owner) > 1) & (of_article > 0)
    if beyond <= 0 or not several.any():
        several[:] = False
    most = np.argsort(-of_article, kind="stable")[:MOST_ARTICLES]
    kept = several[owner] & np.isin(owner, most)
    strength = float((expected**2).sum()) / max(beyond, 1e-9)
    gains = (clicks + strength) / (expected + strength)
    return ClickJudgments(
        articles=pairs[0][kept].astype(np.int32),
        targets=pairs[1][kept].astype(np.int32),
        gains=gains[kept].astype(np.float32),
    )

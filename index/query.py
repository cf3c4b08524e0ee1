"""The query for related articles: what a request asks, and what of a list readers see."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MAX_LIMIT = 50


DEFAULT_LIMIT = 6


class Fallback(enum.StrEnum):
    """What fills a list when too few related articles are good enough."""

    NONE = "none"
    TAG = "tag"
    NEWEST = "newest"


class Order(enum.StrEnum):
    """In which order the chosen articles are shown."""

    RELEVANCE = "relevance"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedQuery:
    """What one request asks for.

    Attributes:
        limit: Most articles to return, 1 to 50.
        exclude: Article ids that must not appear (the page shows them already).
        min_score: Related articles below this score are left out.
        fallback: ``tag`` fills up with articles of the same tags, then the newest of the
            same language, or of any where that is unknown; ``newest`` with the newest only;
            ``none`` leaves the list short.
        order: Order of the articles chosen; which are chosen does not depend on it.
        language: Only articles of this language; ``None`` for any.
    """

    limit: int = DEFAULT_LIMIT
    exclude: frozenset[str] = field(default_factory=frozenset)
    min_score: float = 0.0
    fallback: Fallback = Fallback.TAG
    order: Order = Order.RELEVANCE
    language: str | None = None


def shown_score(score: float) -> float:
    """A score to four digits, as readers and limits see it (``round`` takes thrice the time)."""
    return int(score * 10_000 + 0.5) / 10_000


def shown_scores(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """:func:`shown_score` of many."""
    rounded: NDArray[np.float64] = np.floor(scores.astype(np.float64) * 10_000 + 0.5) / 10_000
    return rounded

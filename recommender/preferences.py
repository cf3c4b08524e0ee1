"""The site's preferences among its own articles: fresh ones, some tags, good ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.article import Article
from recommender.errors import SettingError

MAX_FACTOR = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Boost:
    """A factor for the scores of some articles when they are candidates.

    Attributes:
        field: ``"tags"``, ``"authors"``, ``"language"``, ``"status"`` or ``"ratings.NAME"``.
        factor: 0 keeps such articles out of every list; above 1 (at most 2) brings them forward.
        equals: The label, language or status it is for.
        at_least: The rating from which on it is for.
        below: The rating below which it is for.
    """

    field: str
    factor: float
    equals: str | None = None
    at_least: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.factor <= MAX_FACTOR:
            raise SettingError(f"boost on {self.field}: factor {self.factor} is not in [0, 2]")
        rating = self.field.startswith("ratings.")
        if not rating and self.field not in ("tags", "authors", "language", "status"):
            raise SettingError(
                f"boost on {self.field!r}: the field must be tags, authors, language, status or "
                "ratings.NAME"
            )
        if rating == (self.equals is not None) or rating == (
            self.at_least is None and self.below is None
        ):
            raise SettingError(
                f"boost on {self.field}: a rating takes at_least or below, any other field equals"
            )

    def applies(self, article: Article) -> bool:
        """Whether the boost is for an article; never for one without the field."""
        if self.field.startswith("ratings."):
            value = article.ratings.get(self.field.removeprefix("ratings."))
            return (
                value is not None
                and (self.at_least is None or value >= self.at_least)
                and (self.below is None or value < self.below)
            )
        found = getattr(article, self.field)
        return self.equals in found if isinstance(found, tuple) else found == self.equals


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """All of a site's preferences; none by default.

    Attributes:
        boosts: Applied one after another.
        half_life: Days after which an article counts half as much as the newest; ``None``
            for no regard to age.
    """

    boosts: Sequence[Boost] = ()
    half_life: float | None = None

    def boost(self, article: Article) -> float:
        """The factor of an article's score as a candidate, its age aside, in [0, 2]."""
        factor = 1.0
        for boost in self.boosts:
            if boost.applies(article):
                factor *= boost.factor
        return min(factor, MAX_FACTOR)

    def fade(self, dates: NDArray[np.int32], today: int) -> NDArray[np.float32]:
        """The factor of each article's score as a candidate for its age, in (0, 1].

        Ages are counted from the latest date of the corpus that is not in the future, so that the
        same articles give the same lists on any day; articles without a date do not age.

        Args:
            dates: Shape (n,), int32: days since 1970; the least integer where there is none.
            today: The same for today.
        """
        known = dates != np.iinfo(np.int32).min
        past = known & (dates <= today)
        if self.half_life is None or not past.any():
            return np.ones(len(dates), dtype=np.float32)
        ages = np.maximum(int(dates[past].max()) - dates.astype(np.int64), 0)
        faded = np.where(known, 0.5 ** (ages / self.half_life), 1.0)
        return faded.astype(np.float32)

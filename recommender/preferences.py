"""A site's ranking preferences: boosts by tag, author or rating, and the decay of old articles."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.article import Article
from recommender.errors import SettingError
from recommender.visibility import NO_DAY

MAX_FACTOR = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Boost:
    """A factor that multiplies the candidate scores of the articles that match a condition.

    Attributes:
        field: The article field that the condition is about: ``"tags"``, ``"authors"``,
            ``"language"``, ``"status"`` or ``"ratings.NAME"``.
        factor: From 0 to 2: 0 keeps matching articles out of every list, unless an editor pins them
            or a page names them; more than 1 promotes them.
        equals: Matches articles with this label, language or status, in upper or lower case.
        at_least: Matches articles whose rating is this or more.
        below: Matches articles whose rating is less than this.
    """

    field: str
    factor: float
    equals: str | None = None
    at_least: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.factor <= MAX_FACTOR:
            raise SettingError(f"boost on {self.field}: factor {self.factor} must be from 0 to 2")
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
                f"boost on {self.field}: use at_least or below for a rating, else equals"
            )

    def applies(self, article: Article) -> bool:
        """Return whether an article matches the condition; one without the field never does."""
        if self.field.startswith("ratings."):
            value = article.ratings.get(self.field.removeprefix("ratings."))
            return (
                value is not None
                and (self.at_least is None or value >= self.at_least)
                and (self.below is None or value < self.below)
            )
        found = getattr(article, self.field) or ()
        values = (found,) if isinstance(found, str) else found
        return self._plain(self.equals or "") in map(self._plain, values)

    def _plain(self, value: str) -> str:
        plain = unicodedata.normalize("NFC", value).casefold()
        return plain.replace("_", "-") if self.field == "language" else plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """All ranking preferences of a site; none by default.

    Attributes:
        boosts: The boosts; the factors of all that match an article are multiplied.
        half_life: Age in days at which an article counts half as much as the newest; ``None``
            to ignore age.
    """

    boosts: Sequence[Boost] = ()
    half_life: float | None = None

    def boost(self, article: Article) -> float:
        """Return the factor, in [0, 2], that the boosts give an article's candidate score."""
        factor = 1.0
        for boost in self.boosts:
            if boost.applies(article):
                factor *= boost.factor
        return min(factor, MAX_FACTOR)

    def fade(self, dates: NDArray[np.int32], newest: int | None) -> NDArray[np.float32]:
        """Return the factor, in (0, 1], by which age reduces each article's candidate score.

        Articles without a date do not age.

        Args:
            dates: Shape (n,), int32: days since 1970; the smallest int32 for no date.
            newest: The day from which ages are counted; see :func:`newest_day`.
        """
        if self.half_life is None or newest is None:
            return np.ones(len(dates), dtype=np.float32)
        ages = np.maximum(newest - dates.astype(np.int64), 0)
        faded = np.where(dates != NO_DAY, 0.5 ** (ages / self.half_life), 1.0)
        return faded.astype(np.float32)


def newest_day(dates: NDArray[np.int32], today: int) -> int | None:
    """Return the latest date of a corpus that is not in the future; ``None`` if there is none.

    Ages are counted from it, so that the same articles give the same lists on any day.

    Args:
        dates: Shape (n,), int32: days since 1970; the smallest int32 for no date.
        today: Today's date, in days since 1970.
    """
    past = dates[(dates != NO_DAY) & (dates <= today)]
    return int(past.max()) if len(past) else None

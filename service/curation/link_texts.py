"""How close a link is on this site, and the passages of both articles that speak of the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.query import RelatedQuery
from recommender.neighbors import NO_ROW
from service.errors import importing

if TYPE_CHECKING:
    from index.build.sentences import BuildSentences

_LOOSE, _CLOSE = 25, 75
"""Percentiles of the scores of the links that the site's lists show: the words change there."""

_WORD = re.compile(r"\w+(?:[-‐‑]\w+)*")  # noqa: RUF001 - typographic hyphens are intended
_SHARED = 16
_LENGTH, _STEP = 60, 6
"""How many words of each article are shown, and how many lie between the passages tried."""

Passage = list[tuple[str, bool]]
"""A text in pieces, each with whether the other article has this word too."""


@dataclass(frozen=True, slots=True)
class Closeness:
    """Says how close a link is among all that the lists of a build show.

    Attributes:
        percentiles: Shape (101,), float32: the scores' percentiles, from the lowest score to the
            highest; empty if no list shows anything.
    """

    percentiles: NDArray[np.float32]

    @classmethod
    def of(cls, build: Build, query: RelatedQuery) -> Closeness:
        """Measures the scores of the links that a build's lists show by default.

        Args:
            build: The build.
            query: What the site asks for by default: how many articles, and the least score.
        """
        rows = build.related_rows[:, : query.limit]
        scores = build.related_scores[:, : query.limit]
        shown = scores[(rows != NO_ROW) & (scores >= query.min_score)]
        found = np.percentile(shown, np.arange(101)) if len(shown) else np.zeros(0)
        return cls(found.astype(np.float32))

    def rank(self, score: float) -> int:
        """Returns how many percent of the shown links are less close than a score."""
        return min(100, int(np.searchsorted(self.percentiles, np.float32(score))))

    def word(self, score: float) -> str:
        """Returns ``very close`` for the closest quarter, ``loose`` for the last or ``close``."""
        rank = self.rank(score)
        return "very close" if rank >= _CLOSE else "close" if rank >= _LOOSE else "loose"


def compare_texts(build: Build, rows: tuple[int, int]) -> tuple[Passage, Passage]:
    """Returns the passage of each of two articles that has most of the words that both share.

    Marked are the words that weigh most in the score.

    Args:
        build: The build that holds both.
        rows: Their row numbers.

    Raises:
        UnavailableError: If no more files can be opened.
    """
    with importing("why links are there can't be read"):
        sentences = build.sentences
    first, second = rows
    shared = sentences.shared_words(first, second, most=_SHARED)
    return (
        _passage(sentences.text(first), shared, sentences),
        _passage(sentences.text(second), shared, sentences),
    )


def _passage(text: str, shared: Sequence[int], sentences: BuildSentences) -> Passage:
    words = list(_WORD.finditer(text))
    columns = [sentences.column(word[0]) for word in words]
    found = [-1 if column is None or column not in shared else column for column in columns]
    last = max(len(words) - _LENGTH, 0)
    start = max(range(0, last + 1, _STEP), key=lambda at: (len({*found[at : at + _LENGTH]}), -at))
    pieces: Passage = [("… ", False)] * (start > 0)
    at = words[start].start() if words else 0
    for word, column in zip(words[start : start + _LENGTH], found[start:], strict=False):
        pieces += [(text[at : word.start()], False), (word[0], column >= 0)]
        at = word.end()
    more = start + _LENGTH < len(words)
    return [*pieces, (" …" if more else text[at:], False)]

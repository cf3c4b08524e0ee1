"""How close a link is by this site's standards, and passages of both articles with shared words."""

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
    """A scale that ranks a link's score among the scores of all links that a build's lists show.

    Attributes:
        percentiles: The percentiles 0 to 100 of these scores, float32 of shape (101,), ascending;
            empty if no list shows anything.
    """

    percentiles: NDArray[np.float32]

    @classmethod
    def of(cls, build: Build, query: RelatedQuery) -> Closeness:
        """Makes the scale from the scores of all links that a build's lists show by default.

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
        """Returns the percentage, 0 to 100, of shown links that have a lower score than this."""
        return min(100, int(np.searchsorted(self.percentiles, np.float32(score))))

    def word(self, score: float) -> str:
        """Returns ``very close`` for a score in the best quarter, ``loose`` in the last quarter.

        Any other score is ``close``.
        """
        rank = self.rank(score)
        return "very close" if rank >= _CLOSE else "close" if rank >= _LOOSE else "loose"


def compare_texts(build: Build, rows: tuple[int, int]) -> tuple[Passage, Passage]:
    """Returns from each of two articles the passage with most of the words that both share.

    Args:
        build: The build that holds both articles.
        rows: The row numbers of both articles.

    Returns:
        Two passages, each a list of pieces of text; a piece is marked ``True`` if it is one of the
        shared words that count most for the score.

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

"""The key phrases that two articles share, and the sentence that explains a link."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

MAX_SHARED = 4
"""Phrases shown for a pair."""


class SharedPhrases:
    """One article's phrases, to be compared with those of many others.

    Args:
        mine: Its row of :attr:`recommender.keyphrases.Phrases.rows`.
        names: :attr:`recommender.keyphrases.Phrases.names`.
    """

    def __init__(self, mine: Sequence[int], names: Sequence[str]) -> None:
        self._mine = mine
        self._names = names

    @functools.cached_property
    def _rank(self) -> dict[int, int]:
        return {phrase: rank for rank, phrase in enumerate(self._mine) if phrase >= 0}

    def shared_with(self, theirs: Sequence[int]) -> list[str]:
        """Up to :data:`MAX_SHARED` phrases that the other article has too, most telling first."""
        return [self._names[phrase] for phrase in self.ids_shared_with(theirs)]

    def ids_shared_with(self, theirs: Sequence[int]) -> list[int]:
        """The ids of the phrases that :meth:`shared_with` gives."""
        both = [(self._rank[phrase], phrase) for phrase in self._rank.keys() & theirs]
        if not both:
            return []
        best_first = sorted((rank + theirs.index(phrase), phrase) for rank, phrase in both)
        return distinct_phrases((phrase for _, phrase in best_first), self._names, MAX_SHARED)


def distinct_phrases(phrases: Iterable[int], names: Sequence[str], most: int) -> list[int]:
    """The first ``most`` phrases that repeat no word of a phrase before them."""
    kept: list[int] = []
    used: set[str] = set()
    for phrase in phrases:
        stems = _stems(names[phrase])
        if used.isdisjoint(stems):
            used |= stems
            kept.append(phrase)
            if len(kept) == most:
                break
    return kept


def shared_phrases(mine: Sequence[int], theirs: Sequence[int], names: Sequence[str]) -> list[str]:
    """Up to four phrases that two articles share; see :class:`SharedPhrases`."""
    return SharedPhrases(mine, names).shared_with(theirs)


def explain(shared: Sequence[str]) -> str:
    """A sentence for editors: why two articles are related."""
    if not shared:
        return "Close in meaning, without a telling word in common."
    *most, last = shared
    return f"Both speak of {', '.join(most)} and {last}." if most else f"Both speak of {last}."


@functools.lru_cache(maxsize=50_000)
def _stems(name: str) -> frozenset[str]:
    """A phrase's words without case and plural, by which repetitions are recognized."""
    return frozenset(part.rstrip("s") for part in name.casefold().replace("-", " ").split())

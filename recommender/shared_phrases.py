"""What two articles share, in the phrases that say what each is about."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

MAX_SHARED = 4
"""Phrases shown for a pair."""


class SharedPhrases:
    """One article's phrases, to be held against those of many others.

    Args:
        mine: Its row of :attr:`recommender.keyphrases.Phrases.rows`.
        names: :attr:`recommender.keyphrases.Phrases.names`.
    """

    def __init__(self, mine: Sequence[int], names: Sequence[str]) -> None:
        self._mine = mine
        self._names = names

    @functools.cached_property
    def _place(self) -> dict[int, int]:
        return {phrase: place for place, phrase in enumerate(self._mine) if phrase >= 0}

    def shared_with(self, theirs: Sequence[int]) -> list[str]:
        """Up to four phrases that the other article has too, the most telling first."""
        return [self._names[phrase] for phrase in self.ids_shared_with(theirs)]

    def ids_shared_with(self, theirs: Sequence[int]) -> list[int]:
        """The same by their places in the names."""
        both = [(self._place[phrase], phrase) for phrase in self._place.keys() & theirs]
        if not both:
            return []
        best_first = sorted((place + theirs.index(phrase), phrase) for place, phrase in both)
        return said_once((phrase for _, phrase in best_first), self._names, MAX_SHARED)


def said_once(phrases: Iterable[int], names: Sequence[str], most: int) -> list[int]:
    """The first ``most`` phrases that say no word which one before them said."""
    kept: list[int] = []
    taken: set[str] = set()
    for phrase in phrases:
        stems = _stems(names[phrase])
        if taken.isdisjoint(stems):
            taken |= stems
            kept.append(phrase)
            if len(kept) == most:
                break
    return kept


def shared_phrases(mine: Sequence[int], theirs: Sequence[int], names: Sequence[str]) -> list[str]:
    """Up to four phrases that two articles share; see :class:`SharedPhrases`."""
    return SharedPhrases(mine, names).shared_with(theirs)


def explain(shared: Sequence[str]) -> str:
    """A sentence for editors: why two articles stand together."""
    if not shared:
        return "Close in meaning, without a telling word in common."
    *most, last = shared
    return f"Both speak of {', '.join(most)} and {last}." if most else f"Both speak of {last}."


@functools.lru_cache(maxsize=50_000)
def _stems(name: str) -> frozenset[str]:
    """Its words without their case and plural: two phrases with one in common say it twice."""
    return frozenset(part.rstrip("s") for part in name.casefold().replace("-", " ").split())

"""The key phrases that two articles share."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

PhraseNames: TypeAlias = Sequence[str] | Mapping[int, str]
"""The text of every phrase by its number."""

MAX_SHARED = 4
"""Most shared phrases shown for a pair of articles."""


class SharedPhrases:
    """The key phrases of one article, to be compared with those of many others.

    Args:
        mine: The article's key phrases, best first, as positions in ``names``.
        names: The text of every phrase.
    """

    def __init__(self, mine: Sequence[int], names: PhraseNames) -> None:
        self._mine = mine
        self._names = names

    @functools.cached_property
    def _rank(self) -> dict[int, int]:
        return {phrase: rank for rank, phrase in enumerate(self._mine) if phrase >= 0}

    def shared_with(self, theirs: Sequence[int]) -> list[str]:
        """Return up to :data:`MAX_SHARED` phrases that another article has too, best first.

        ``theirs`` are the key phrases of the other article, best first, as positions in ``names``.
        """
        both = self._rank.keys() & theirs
        best_first = sorted((self._rank[phrase] + theirs.index(phrase), phrase) for phrase in both)
        shown = distinct_phrases((phrase for _, phrase in best_first), self._names, MAX_SHARED)
        return [self._names[phrase] for phrase in shown]


def distinct_phrases(phrases: Iterable[int], names: PhraseNames, most: int) -> list[int]:
    """Return the first ``most`` phrases, skipping those that repeat a word of an earlier one.

    Phrases are given and returned as positions in ``names``, the text of every phrase.
    """
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


def shared_phrases(mine: Sequence[int], theirs: Sequence[int], names: PhraseNames) -> list[str]:
    """Return up to four phrases that two articles share, best first.

    Args:
        mine: The key phrases of one article, best first, as positions in ``names``.
        theirs: The key phrases of the other article.
        names: The text of every phrase.
    """
    return SharedPhrases(mine, names).shared_with(theirs)


@functools.lru_cache(maxsize=50_000)
def _stems(name: str) -> frozenset[str]:
    """Return a phrase's words in lower case and without plural s, to recognize repeated words."""
    return frozenset(part.rstrip("s") for part in name.casefold().replace("-", " ").split())

"""The key phrases that two articles share."""

import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise, product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

PhraseNames: TypeAlias = Sequence[str] | Mapping[int, str]
"""The text of every phrase by its number."""

MAX_SHARED = 4
"""Most shared phrases shown for a pair of articles."""

_HEAD = 4
_ALIKE = 0.75


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


def shared_in_lists(
    mine: NDArray[np.int32], theirs: NDArray[np.int32], names: PhraseNames
) -> Iterator[list[list[str]]]:
    """Yield for each list what :meth:`SharedPhrases.shared_with` returns for each of its articles.

    It takes half as long for many lists.

    Args:
        mine: Shape (n, p), int32: the key phrases of n articles, best first, as positions in
            ``names``; negative where an article has fewer.
        theirs: Shape (n, k, p), int32: those of the k articles that each is compared with.
        names: The text of every phrase.
    """
    count, width = theirs.shape[1:]
    own = np.where(mine < 0, np.iinfo(np.int32).min, mine)
    same = np.flatnonzero(theirs.reshape(len(mine), -1, 1) == own[:, None, :])
    place, rank = np.divmod(same, width)
    pair, at = np.divmod(place, width)
    # One number for pair, sum of ranks and phrase, so that sorting it sorts by them in this order.
    found = (pair * 2 * width + rank + at << 32) + theirs.reshape(-1)[place]
    found.sort()
    pairs = np.arange(len(mine) * count + 1)
    ends = pairwise(np.searchsorted(found, pairs * 2 * width << 32).tolist())
    phrases = (found & 0xFFFFFFFF).tolist()
    for _ in range(len(mine)):
        shown = (
            distinct_phrases(phrases[start:end], names, MAX_SHARED)
            for start, end in islice(ends, count)
        )
        yield [[names[phrase] for phrase in each] for each in shown]


def distinct_phrases(phrases: Iterable[int], names: PhraseNames, most: int) -> list[int]:
    """Return the first ``most`` phrases, skipping those that repeat a word of an earlier one.

    A word is also repeated by another form of it: "accessible" by "accessibility". Phrases are
    given and returned as positions in ``names``, the text of every phrase.
    """
    kept: list[int] = []
    heads: set[str] = set()
    used: list[str] = []
    for phrase in phrases:
        stems, begins = _stems(names[phrase])
        if heads.isdisjoint(begins) or not any(_alike(*each) for each in product(stems, used)):
            heads |= begins
            used += stems
            kept.append(phrase)
            if len(kept) == most:
                break
    return kept


def _alike(one: str, other: str) -> bool:
    """Return whether two words begin with the same letters, three quarters of the shorter one."""
    if not one.isalpha() or not other.isalpha():  # "get_max" and "get_min" are two names
        return one == other
    first = max(_HEAD, math.ceil(_ALIKE * min(len(one), len(other))))
    return one[:first] == other[:first]


@functools.lru_cache(maxsize=50_000)
def _stems(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return a phrase's words in lower case and without plural s, and what they begin with."""
    parts = name.casefold().replace("-", " ").split()
    stems = frozenset(part if part.endswith("ss") else part.rstrip("s") for part in parts)
    return stems, frozenset(stem[:_HEAD] for stem in stems)

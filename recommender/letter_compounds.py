"""Names that end or begin with one letter: "vitamin D", "hepatitis C", "T cells".

A letter by itself is no word, so it is told from the article "a", from initials and from what is
left of a longer name by how it is used. It ends a name where a mark or a stop word often follows
("vitamin D and", but never "regulatory T and": cells follow there), and begins one where such a
thing often stands before it ("of T cells", but never "of D deficiency").

Numbers are left out. Those that belong to a name ("interleukin 17") are few, and nothing tells them
from doses, dates and statistics.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.tokenizer import BREAK, TokenizedCorpus, is_capital

_OPEN_SHARE = 0.3
_CHUNK = 1_000_000


def find_letters(words: Sequence[str]) -> NDArray[np.bool_]:
    """Which words are letters that may be a part of a name."""
    return np.array([is_capital(word) for word in words], dtype=bool)


def find_lettered(
    corpus: TokenizedCorpus,
    word_of: NDArray[np.int64],
    words: Sequence[str],
    uses: NDArray[np.int64],
    *,
    content: NDArray[np.bool_],
    stop: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """The pairs of a letter and a word that are names.

    Args:
        corpus: The words of all articles.
        word_of: Shape (spellings,): the number of each spelling's word.
        words: Every word, folded.
        uses: Shape (words,): how often each occurs.
        content: Shape (words,): which may stand in a pair of words.
        stop: Shape (words,): which are stop words.

    Returns:
        Shape (names,), int64, ascending: ``first * len(words) + second``.
    """
    letter = find_letters(words)
    # "A", as "a" is a word: only a mark ends a name after it, and it begins none.
    number = {word: place for place, word in enumerate(words)}
    small = np.zeros(len(words), dtype=bool)
    for place in np.flatnonzero(letter).tolist():
        other = number.get(words[place].casefold())
        small[place] = other is not None and uses[other] > uses[place]
    tokens = corpus.tokens
    found = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_))]
    for start in range(0, len(tokens), _CHUNK):
        here = start + np.flatnonzero(letter[word_of[tokens[start : start + _CHUNK]]])
        # Each text ends with a break, so one stands before the first word as well.
        before, own, after = (word_of[tokens[here + step]] for step in (-1, 0, 1))
        ends, begins = content[before], content[after] & ~small[own]
        nothing_before = (before == BREAK) | stop[before]
        nothing_after = (after == BREAK) | (stop[after] & ~small[own])
        found += [
            (before[ends] * len(words) + own[ends], nothing_after[ends]),
            (own[begins] * len(words) + after[begins], nothing_before[begins]),
        ]
    keys = np.concatenate([some for some, _ in found])
    free = np.concatenate([some for _, some in found])
    names, places = np.unique(keys, return_inverse=True)
    often = np.bincount(places, minlength=len(names))
    freely = np.bincount(places, weights=free, minlength=len(names))
    lettered: NDArray[np.int64] = names[freely >= _OPEN_SHARE * often]
    return lettered

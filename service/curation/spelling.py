"""Similar spellings: words of a build that differ from a typed one by one letter."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from index.build.search_index import FullText

SHORTEST = 5
"""Least length of a word with a wrong letter: shorter ones are similar to too many."""

_MOST = 20
_LAST = "\U0010ffff"
_LATIN = 0x250
"""Before it lie all letters of Latin, plain and extended."""
_ALPHABET = 0x80
"""No alphabet's letters lie farther apart, Latin aside."""


def near_spellings(full_text: FullText, word: str) -> list[str]:
    """Beginnings of words of the build that are one letter away from ``word``.

    One letter is wrong, missing, too many, or has changed places with the next. Instead of
    going through all words, this steps through the letters that do follow each beginning of
    ``word`` somewhere in the vocabulary, so it knows every alphabet and takes a hundred or two
    look-ups at any size of build. Letters far beyond the word's own alphabet are left out: no
    slip of the hand makes them. What begins with one already found is not named again.

    Args:
        full_text: The build's.
        word: As it was typed, one of :data:`SHORTEST` letters or more; else nothing is near.
    """
    word = fold(word)
    if len(word) < SHORTEST or not word.isalnum():
        return []
    near: list[str] = []
    for at in reversed(range(len(word))):  # a word's beginning is right more often
        for spelling in _wrong_at(full_text, word, at):
            if spelling != word and not any(map(spelling.startswith, near)):
                near.append(spelling)
            if len(near) == _MOST:
                return near
    return near


def fold(word: str) -> str:
    """A word as the index holds it: in lower case, without diacritics."""
    parts = unicodedata.normalize("NFD", word.lower())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _wrong_at(full_text: FullText, word: str, at: int) -> Iterator[str]:
    """Beginnings of words that differ from ``word`` at one position."""
    before, after = word[:at], word[at:]
    swapped = [after[1] + after[0] + after[2:]] if len(after) > 1 else []
    for rest in (after[1:], *swapped):
        found = full_text.first_word(before + rest)
        if found is not None and found.startswith(before + rest):
            yield before + rest
    if not after[1:]:
        return  # whatever stands in place of the last letter, it begins with what is before
    # What is found on the way to one spelling often lies beyond the next, or at another letter.
    found = full_text.first_word(before + "\1")
    last = before + chr(max(_LATIN, ord(max(word)) + _ALPHABET))
    while found is not None and found.startswith(before) and found < last:
        begun = found[: at + 1]
        for spelling in sorted((begun + after[1:], begun + after)):
            if found is not None and found < spelling:
                found = full_text.first_word(spelling)
            if found is not None and found.startswith(spelling):
                yield spelling
        if found is not None and found.startswith(begun):
            found = full_text.first_word(begun + _LAST)

"""Finds words in a build's articles that differ from a typed word by one typing error."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from index.build.search_index import FullText

SHORTEST = 5
"""The fewest letters of a word that is corrected; shorter words resemble too many others."""

_MOST = 20
_LAST = "\U0010ffff"
_LATIN = 0x250
"""Code points below this are taken for Latin letters, with or without diacritics."""
_ALPHABET = 0x80
"""The largest distance between the code points of two letters of an alphabet other than Latin."""


def near_spellings(full_text: FullText, word: str) -> list[str]:
    """Returns beginnings of words in the build that differ from ``word`` by one typing error.

    A typing error is one letter that is wrong, missing, extra, or swapped with the next. Instead of
    comparing all words, the search tries for each beginning of ``word`` which letters follow that
    beginning in the vocabulary. So the search works for every alphabet, and takes one or two
    hundred look-ups for any size of build. Letters far outside the word's own alphabet are skipped,
    since they are unlikely typing errors. A result that begins with an earlier result is omitted.

    Args:
        full_text: The full-text index of the build.
        word: The word as typed; if it has fewer than :data:`SHORTEST` letters, the result is empty.
    """
    word = fold(word)
    if len(word) < SHORTEST or not word.isalnum():
        return []
    near: list[str] = []
    for at in reversed(range(len(word))):  # from the end, as errors are rarer at the beginning
        for spelling in _wrong_at(full_text, word, at):
            if spelling != word and not any(map(spelling.startswith, near)):
                near.append(spelling)
            if len(near) == _MOST:
                return near
    return near


def fold(word: str) -> str:
    """Returns a word as the full-text index stores it: in lower case, without diacritics."""
    parts = unicodedata.normalize("NFD", word.lower())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _wrong_at(full_text: FullText, word: str, at: int) -> Iterator[str]:
    """Yields beginnings of words in the index that differ from a word by one typing error.

    Args:
        full_text: The full-text index of the build.
        word: The word as typed, in lower case and without diacritics.
        at: The position of the wrong letter in ``word``, from 0.
    """
    before, after = word[:at], word[at:]
    swapped = [after[1] + after[0] + after[2:]] if len(after) > 1 else []
    for rest in (after[1:], *swapped):
        found = full_text.first_word(before + rest)
        if found is not None and found.startswith(before + rest):
            yield before + rest
    if not after[1:]:
        return  # words with another last letter begin with ``before``, which is yielded above
    # A look-up returns the first word from a spelling on. That word often comes after further
    # spellings too, which then need no look-up of their own.
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

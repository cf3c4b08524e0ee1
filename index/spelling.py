"""Words that differ from a typed one by one letter, among the words of a build."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from index.store import ArticleStore

SHORTEST = 5
"""Length from which on a word may hold a wrong letter: shorter ones are near to too many."""

_MOST = 20
_LAST = "\U0010ffff"


def near_spellings(articles: ArticleStore, word: str) -> list[str]:
    """Beginnings of words of the build that are one letter away from ``word``.

    One letter is wrong, missing, too many, or has changed places with the next. Instead of
    going through all words, this steps through the letters that do follow each beginning of
    ``word`` somewhere in the vocabulary, so it knows every alphabet and takes a few hundred
    look-ups at any size of build.

    Args:
        articles: The build's.
        word: As it was typed, one of :data:`SHORTEST` letters or more; else nothing is near.
    """
    word = fold(word)
    if len(word) < SHORTEST or not word.isalnum():
        return []
    near: dict[str, None] = {}
    for spelling in _candidates(articles, word):
        if spelling not in near and spelling != word and _begins(articles, spelling):
            near[spelling] = None
            if len(near) == _MOST:
                break
    return list(near)


def fold(word: str) -> str:
    """A word as the index holds it: in lower case, without diacritics."""
    parts = unicodedata.normalize("NFD", word.lower())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _candidates(articles: ArticleStore, word: str) -> Iterator[str]:
    for place in reversed(range(len(word))):  # a word's beginning is right more often
        before, after = word[:place], word[place:]
        yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in _letters_after(articles, before):
            yield before + letter + after[1:]
            yield before + letter + after


def _letters_after(articles: ArticleStore, before: str) -> Iterator[str]:
    """The letters with which words that begin with ``before`` go on."""
    found = articles.first_word(before + "\1")
    while found is not None and found.startswith(before):
        letter = found[len(before)]
        yield letter
        found = articles.first_word(before + letter + _LAST)


def _begins(articles: ArticleStore, spelling: str) -> bool:
    """Whether some word begins so."""
    found = articles.first_word(spelling)
    return found is not None and found.startswith(spelling)

"""The words, in many languages, by which pages say what they and their parts are."""

import re
from functools import lru_cache

from index.articles.word_table import load_table

_WORDS: dict[str, list[str]] = load_table(__file__)


@lru_cache(maxsize=32)
def page_words(kind: str, further: tuple[str, ...] = ()) -> re.Pattern[str]:
    """Return a pattern for words of one kind, such as headings of related links.

    It also matches if punctuation stands around the words.

    Args:
        kind: The name of a list of ``page_words.toml``, such as ``"related"``.
        further: Words that a site uses besides the usual ones, as readers see them.
    """
    own = (" ".join(map(re.escape, words.split())) for words in further)
    words = "|".join(filter(None, [words_of(kind), *(one.replace(" ", r"\s+") for one in own)]))
    return re.compile(rf"[\W_]*({words})[\W_]*", re.IGNORECASE)


def words_of(kind: str) -> str:
    """Return the words of one kind from ``page_words.toml``, joined by ``|`` for a pattern."""
    return "|".join(_WORDS[kind]).replace(" ", r"\s+")

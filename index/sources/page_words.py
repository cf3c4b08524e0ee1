"""The words, in many languages, by which pages say what they and their parts are."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

_TABLE = Path(__file__).with_suffix(".toml")


@lru_cache(maxsize=32)
def page_words(kind: str, further: tuple[str, ...] = ()) -> re.Pattern[str]:
    """Returns the pattern that matches words of a kind, whatever marks stand around them.

    Args:
        kind: ``"related"``, ``"not_found"`` or ``"turning"``, as in ``page_words.toml``.
        further: Words that a site uses besides the usual ones, as readers see them.
    """
    usual = tomllib.loads(_TABLE.read_text(encoding="utf-8"))[kind]
    own = (" ".join(map(re.escape, words.split())) for words in further)
    every = "|".join(filter(None, [*usual, *own])).replace(" ", r"\s+")
    return re.compile(rf"[\W_]*({every})[\W_]*", re.IGNORECASE)

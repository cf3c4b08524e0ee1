"""What an editor types who looks for an article, from one letter to several words and a slip."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable

from index.build.build import Build

_FILTERS = (
    {"weak": "1"}, {"orphans": "1"}, {"overridden": "1"}, {"changed": "1"}, {"language": "en"},
    {"standing": "unpublished"}, {"standing": "visible", "language": "unknown"},
)  # fmt: skip


class Typist:
    """Types what an editor would who looks for an article that exists.

    Args:
        build: What is searched.
        seed: Of the choices.
    """

    def __init__(self, build: Build, seed: int) -> None:
        self._build, self._draw = build, random.Random(seed)
        self.kinds: dict[str, Callable[[], dict[str, str]]] = {
            "as typed": self._as_typed,
            "whole words": lambda: {"q": " ".join(self._words(3))},
            "accents": self._accented,
            "one wrong letter": self._misspelled,
            "words and a filter": lambda: {"q": self._words(1)[0], **self._filter()},
            "a filter alone": self._filter,
        }

    def row(self) -> int:
        """Any article's."""
        return self._draw.randrange(self._build.count)

    def _words(self, most: int) -> list[str]:
        """Words of one title, in order."""
        words: list[str] = []
        while not words:
            title = self._build.article(self.row()).title
            words = [word for word in re.findall(r"[^\W\d_]+", title) if len(word) > 2]
        first = self._draw.randrange(len(words))
        return words[first : first + self._draw.randint(1, most)]

    def _as_typed(self) -> dict[str, str]:
        *whole, last = self._words(3)
        return {"q": " ".join([*whole, last[: self._draw.randint(1, len(last))]])}

    def _accented(self) -> dict[str, str]:
        """An accent where there is none; none where there is one."""
        words = []
        for word in self._words(2):
            plain = unicodedata.normalize("NFD", word)
            bare = "".join(part for part in plain if not unicodedata.combining(part))
            place = next((at for at, letter in enumerate(word) if letter in "aeiou"), None)
            if bare == word and place is not None:
                word = word[: place + 1] + "\N{COMBINING ACUTE ACCENT}" + word[place + 1 :]
                words.append(unicodedata.normalize("NFC", word))
            else:
                words.append(bare)
        return {"q": " ".join(words)}

    def _misspelled(self) -> dict[str, str]:
        while True:
            words = self._words(2)
            word = words[-1].lower()
            if len(word) >= 6:
                place = self._draw.randrange(1, len(word))
                letter = self._draw.choice("abcdefghijklmnopqrstuvwxyz")
                return {"q": " ".join([*words[:-1], word[:place] + letter + word[place + 1 :]])}

    def _filter(self) -> dict[str, str]:
        tag = {"tag": self._draw.choice(self._build.tag_names)} if self._build.tag_names else {}
        return self._draw.choice([*_FILTERS, tag])

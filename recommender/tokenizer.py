"""Tokenizes a corpus once: every word becomes the number of its spelling.

All later work on words is done once per distinct spelling, and NumPy does the rest: about a
million words a second on one core.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, Workspace
from recommender.parallel import (
    Block,
    BlockMapper,
    blocks_by_size,
    equal_blocks,
    in_turn,
    map_in_threads,
)
from recommender.stories import StoryTexts
from recommender.text import PreparedText

TITLE_WEIGHT = 2
"""A word of the title counts as often as this many in the body."""

BREAK = 0
"""The token id of punctuation, which no phrase crosses."""

UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]{2,}")
"""Finds scripts that are written without spaces between words."""

_TOKEN = re.compile(
    r"[^\W\d_](?:\+\+|#)"  # C++ and C#
    r"|\w+(?:[-‐‑]\w+)*|[^\w\s]+"  # noqa: RUF001 - typographic hyphens are meant
)
_PART = re.compile(r"\w+")
_BLOCK_TOKENS = 500_000
_BLOCK_ARTICLES = 2_048
_PENDING = 1_000_000
_SCANNED = 4_096  # articles at a time; more than a shard of a cluster, so that parts stay whole


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizedBlock:
    """The words of a few articles.

    Attributes:
        tokens: Shape (words,), int32: ids of spellings; :data:`BREAK` between phrases.
        owners: Shape (words,), int64: which of the articles each belongs to, from 0.
        weights: Shape (words,), float32: :data:`TITLE_WEIGHT` for words of a title, else 1.
        count: How many articles.
    """

    tokens: NDArray[np.int32]
    owners: NDArray[np.int64]
    weights: NDArray[np.float32]
    count: int

    def neighbors(self, word_of: NDArray[np.int64], width: int) -> WordPairs:
        """Pairs of neighboring words with no punctuation between them.

        Args:
            word_of: Shape (spellings,), int64: the word that each spelling is; below 0 for none.
            width: How many words there are.
        """
        words = word_of[self.tokens]
        beside = (words[:-1] >= 0) & (words[1:] >= 0) & (self.owners[:-1] == self.owners[1:])
        return WordPairs(
            keys=words[:-1][beside] * width + words[1:][beside],
            owners=self.owners[:-1][beside],
            weights=self.weights[:-1][beside],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WordPairs:
    """Pairs of neighboring words in the order of the text.

    Attributes:
        keys: Shape (pairs,), int64: ``first * width + second``.
        owners: Shape (pairs,), int64: which article each belongs to.
        weights: Shape (pairs,), float32: as the first word's.
    """

    keys: NDArray[np.int64]
    owners: NDArray[np.int64]
    weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizedCorpus:
    """A corpus as a stream of spellings.

    Attributes:
        tokens: Shape (all words,), int32: ids into ``spellings``; :data:`BREAK` between phrases.
        ends: Shape (articles,), int64: where each article's words end.
        title_ends: Shape (articles,), int64: where the words of each article's title end.
        spellings: Every distinct word as printed; index 0 is the break.
    """

    tokens: NDArray[np.int32]
    ends: NDArray[np.int64]
    title_ends: NDArray[np.int64]
    spellings: Sequence[str]

    def __len__(self) -> int:
        return len(self.ends)

    def block(self, start: int, stop: int) -> TokenizedBlock:
        """The words of the articles from ``start`` to before ``stop``."""
        begin = int(self.ends[start - 1]) if start else 0
        ends = self.ends[start:stop] - begin
        starts = np.concatenate([[0], ends[:-1]])
        tokens = self.tokens[begin : begin + int(ends[-1] if len(ends) else 0)]
        title_lengths = self.title_ends[start:stop] - begin - starts
        weights = np.ones(len(tokens), dtype=np.float32)
        offsets = np.arange(title_lengths.sum()) - np.repeat(
            np.cumsum(title_lengths) - title_lengths, title_lengths
        )
        weights[np.repeat(starts, title_lengths) + offsets] = TITLE_WEIGHT
        owners = np.repeat(np.arange(stop - start), np.diff(ends, prepend=0))
        return TokenizedBlock(tokens=tokens, owners=owners, weights=weights, count=stop - start)

    def blocks(self) -> list[Block]:
        """All articles in blocks of bounded words and articles, which bounds the memory of each."""
        return blocks_by_size(self.ends, _BLOCK_TOKENS, _BLOCK_ARTICLES)

    def spelling_counts(self) -> NDArray[np.int64]:
        """Shape (spellings,): how often each occurs."""
        spelling_counts = np.zeros(len(self.spellings), dtype=np.int64)
        for start in range(0, len(self.tokens), _PENDING):
            spelling_counts += np.bincount(
                self.tokens[start : start + _PENDING], minlength=len(spelling_counts)
            )
        return spelling_counts


class SizedTexts(StoryTexts, Sized, Protocol):
    """Texts whose number is known."""


def tokenize_corpus(
    texts: SizedTexts, workspace: Workspace = IN_MEMORY, mapper: BlockMapper = map_in_threads
) -> TokenizedCorpus:
    """Tokenize every text of a corpus.

    Args:
        texts: The articles' prepared texts.
        workspace: Gets the column ``tokens``, which the caller drops.
        mapper: Maps over blocks of articles, elsewhere than on this machine if at all.
    """
    spellings: dict[str, int] = {"": BREAK}
    tokens = workspace.column("tokens", np.int32)
    ends: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    title_ends: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    size = 0

    def work(start: int, stop: int) -> TokenizedPart:
        return _scan_part(texts[row] for row in range(start, stop))

    blocks = equal_blocks(len(texts), _SCANNED)
    for part in in_turn(mapper)(work, blocks, stage="words"):
        found = part.spellings.tobytes().decode(errors="surrogatepass")
        # In the order of the rows, so that words get the numbers that one pass would give.
        numbers = [spellings.setdefault(word, len(spellings)) for word in found.split("\n") if word]
        tokens.append(np.array([BREAK, *numbers], dtype=np.int32)[part.tokens])
        ends.append(size + part.ends)
        title_ends.append(size + part.title_ends)
        size += len(part.tokens)
    return TokenizedCorpus(
        tokens=tokens.finish(),
        ends=np.concatenate(ends),
        title_ends=np.concatenate(title_ends),
        spellings=list(spellings),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizedPart:
    """Some articles of a corpus as a stream of spellings, with spelling ids of their own.

    Attributes:
        tokens: Shape (words,), int32: lines of ``spellings`` from 1; :data:`BREAK` between phrases.
        ends: Shape (articles,), int64: where each article's words end.
        title_ends: Shape (articles,), int64: where the words of each article's title end.
        spellings: Shape (bytes,), uint8: every distinct word in UTF-8, a line each.
    """

    tokens: NDArray[np.int32]
    ends: NDArray[np.int64]
    title_ends: NDArray[np.int64]
    spellings: NDArray[np.uint8]


def _scan_part(texts: Iterable[PreparedText]) -> TokenizedPart:
    numbers = _SpellingIds()
    number_of = numbers.__getitem__
    tokens = array("i")
    ends, title_ends = array("q"), array("q")
    for text in texts:
        tokens.extend(map(number_of, _TOKEN.findall(text.title)))
        tokens.append(BREAK)
        title_ends.append(len(tokens))
        tokens.extend(map(number_of, _TOKEN.findall(text.body)))
        tokens.append(BREAK)
        ends.append(len(tokens))
    lines = "\n".join(numbers.spellings[1:]).encode(errors="surrogatepass")
    return TokenizedPart(
        tokens=np.array(tokens, dtype=np.int32),
        ends=np.array(ends, dtype=np.int64),
        title_ends=np.array(title_ends, dtype=np.int64),
        spellings=np.frombuffer(lines, dtype=np.uint8),
    )


class _SpellingIds(dict[str, int]):
    """Spelling ids by token, assigned at the first look-up; later ones are dictionary reads."""

    def __init__(self) -> None:
        super().__init__()
        self.spellings = [""]

    def __missing__(self, token: str) -> int:
        number = BREAK
        if _PART.match(token):
            number = len(self.spellings)
            self.spellings.append(token)
        self[token] = number
        return number


def split_terms(spelling: str) -> list[str]:
    """The terms that a spelling counts as: itself and its hyphenated parts, or character pairs."""
    word = spelling.casefold()
    if UNSPACED.search(word):
        return [word[i : i + 2] for i in range(len(word) - 1)]
    parts = _PART.findall(word)
    if len(parts) < 2:
        return [word] if parts else []
    names = [part for part in parts if len(part) > 1 or part.isdigit()]
    return [*names, "-".join(parts)]


def is_capital(spelling: str) -> bool:
    """Whether a spelling is a single capital letter, except I, which is an English word."""
    return len(spelling) == 1 and spelling.isupper() and spelling != "I"


def fold_case(spelling: str) -> str:
    """A spelling in lower case, except a single capital letter: the D of vitamin D stays."""
    return spelling if is_capital(spelling) else spelling.casefold()

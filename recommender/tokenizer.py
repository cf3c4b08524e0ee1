"""The tokenizer: turns the texts of a corpus into one array with the id of each word's spelling.

Later stages process each distinct spelling once, and otherwise work on arrays of ids with NumPy. So
they process about a million words per second on one core.
"""

import functools
import re
from array import array
from collections.abc import Sequence, Sized
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
from recommender.text import MARKS, UNSPACED_SCRIPTS

TITLE_WEIGHT = 2
"""Weight of a word in the title; a word in the body has weight 1."""

BREAK = 0
"""The id that stands for punctuation in the arrays of words; no phrase extends across it."""

UNSPACED = re.compile(rf"[{UNSPACED_SCRIPTS}]{{2,}}")
"""Matches text in scripts that are written without spaces between words."""

_TOKEN = re.compile(
    r"\w\w++(?:[-‐‑]\w++)*+|[^\w\s]++"  # noqa: RUF001 - typographic hyphens are intended
    r"|[^\W\d_](?:\+\+|#|(?:\.[^\W\d_])+(?!\w)\.?)"  # C++, C# and U.S.
    r"|\w(?:[-‐‑]\w++)*+"  # noqa: RUF001
)
_MARKED = re.compile(rf"[{MARKS}]")
WORD = rf"\w++(?:[{MARKS}]++(?:[\u200c\u200d](?=\w))?\w*+)*+"
"""Matches letters and digits with their marks, in a regular expression."""

# The same as _TOKEN, but with marks, which takes twice as long.
_MARKED_TOKEN = re.compile(
    rf"[^\W\d_][{MARKS}]*+(?:\+\+|#|(?:\.[^\W\d_][{MARKS}]*+)+(?![\w{MARKS}])\.?)"
    rf"|{WORD}(?:[-‐‑]{WORD})*+|[^\w\s]++"  # noqa: RUF001
)
_PART = re.compile(WORD)
_BLOCK_TOKENS = 500_000
_BLOCK_ARTICLES = 2_048
_PENDING = 1_000_000
_SCANNED = 4_096  # articles per block; more than one shard of a cluster, so no shard is split


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizedBlock:
    """The words of a block of articles.

    Attributes:
        tokens: Shape (words,), int32: spelling ids; :data:`BREAK` for punctuation.
        owners: Shape (words,), int64: the article each word belongs to; 0 is the block's first.
        weights: Shape (words,), float32: :data:`TITLE_WEIGHT` for words of a title, else 1.
        count: Number of articles in the block.
    """

    tokens: NDArray[np.int32]
    owners: NDArray[np.int64]
    weights: NDArray[np.float32]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizedCorpus:
    """A corpus as one array of spelling ids.

    Attributes:
        tokens: Shape (all words,), int32: the position of each word in ``spellings``;
            :data:`BREAK` for punctuation.
        ends: Shape (articles,), int64: the position in ``tokens`` at which each article ends.
        title_ends: Shape (articles,), int64: the position at which each article's title ends.
        spellings: Every distinct word as printed; position 0 stands for punctuation.
    """

    tokens: NDArray[np.int32]
    ends: NDArray[np.int64]
    title_ends: NDArray[np.int64]
    spellings: Sequence[str]

    def __len__(self) -> int:
        return len(self.ends)

    def block(self, start: int, stop: int) -> TokenizedBlock:
        """Return the words of the articles from row ``start`` up to, not including, ``stop``."""
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

    def titles(self, workspace: Workspace = IN_MEMORY) -> "TokenizedCorpus":
        """Return a corpus of the titles alone, each as the text of an article without title.

        Args:
            workspace: Stores the array ``title_tokens``; the caller must free it.
        """
        starts = np.concatenate([[0], self.ends[:-1]]).astype(np.int64)[: len(self)]
        ends = np.cumsum(self.title_ends - starts)
        tokens = workspace.column("title_tokens", np.int32)
        for start, stop in equal_blocks(len(self), _SCANNED):
            begin = int(starts[start])
            inside = np.zeros(int(self.ends[stop - 1]) - begin + 1, dtype=np.int8)
            np.add.at(inside, starts[start:stop] - begin, 1)
            np.add.at(inside, self.title_ends[start:stop] - begin, -1)
            part = self.tokens[begin : begin + len(inside) - 1]
            tokens.append(part[np.cumsum(inside[:-1]) > 0])
        return TokenizedCorpus(
            tokens=tokens.finish(),
            ends=ends,
            title_ends=ends - np.diff(ends, prepend=0),
            spellings=self.spellings,
        )

    def blocks(self) -> list[Block]:
        """Divide the articles into blocks with limited numbers of words and articles.

        The limits bound the memory that a block takes.
        """
        return blocks_by_size(self.ends, _BLOCK_TOKENS, _BLOCK_ARTICLES)

    def spelling_counts(self) -> NDArray[np.int64]:
        """Count how often each spelling occurs; shape (spellings,), int64."""
        spelling_counts = np.zeros(len(self.spellings), dtype=np.int64)
        for start in range(0, len(self.tokens), _PENDING):
            spelling_counts += np.bincount(
                self.tokens[start : start + _PENDING], minlength=len(spelling_counts)
            )
        return spelling_counts


class SizedTexts(StoryTexts, Sized, Protocol):
    """A collection of prepared texts that has a length."""


def tokenize_corpus(
    texts: SizedTexts, workspace: Workspace = IN_MEMORY, mapper: BlockMapper = map_in_threads
) -> TokenizedCorpus:
    """Tokenize every text of a corpus.

    Args:
        texts: The articles' prepared texts.
        workspace: Stores the array ``tokens``; the caller must free it.
        mapper: Runs a function on every block of articles; on this machine one after another.
    """
    spellings: dict[str, int] = {"": BREAK}
    tokens = workspace.column("tokens", np.int32)
    ends: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    title_ends: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    size = 0

    work = functools.partial(_scan_rows, texts)
    blocks = equal_blocks(len(texts), _SCANNED)
    for part in in_turn(mapper)(work, blocks, stage="words"):
        found = part.spellings.tobytes().decode(errors="surrogatepass")
        # Parts arrive in row order, so words get the same ids as in a single pass.
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
    """A block of articles as an array of spelling ids, which are only valid in this block.

    Attributes:
        tokens: Shape (words,), int32: the line of each word in ``spellings``, counted from 1;
            :data:`BREAK` for punctuation.
        ends: Shape (articles,), int64: the position in ``tokens`` at which each article ends.
        title_ends: Shape (articles,), int64: the position at which each article's title ends.
        spellings: Shape (bytes,), uint8: every distinct word in UTF-8, one per line.
    """

    tokens: NDArray[np.int32]
    ends: NDArray[np.int64]
    title_ends: NDArray[np.int64]
    spellings: NDArray[np.uint8]


def _scan_rows(texts: StoryTexts, start: int, stop: int) -> TokenizedPart:
    numbers = _SpellingIds()
    number_of = numbers.__getitem__
    tokens = array("i")
    ends, title_ends = array("q"), array("q")
    for row in range(start, stop):
        text = texts[row]
        tokens.extend(map(number_of, _split(text.title)))
        tokens.append(BREAK)
        title_ends.append(len(tokens))
        tokens.extend(map(number_of, _split(text.body)))
        tokens.append(BREAK)
        ends.append(len(tokens))
    lines = "\n".join(numbers.spellings[1:]).encode(errors="surrogatepass")
    return TokenizedPart(
        tokens=np.array(tokens, dtype=np.int32),
        ends=np.array(ends, dtype=np.int64),
        title_ends=np.array(title_ends, dtype=np.int64),
        spellings=np.frombuffer(lines, dtype=np.uint8),
    )


def _split(text: str) -> list[str]:
    marked = not text.isascii() and _MARKED.search(text)
    return (_MARKED_TOKEN if marked else _TOKEN).findall(text)


class _SpellingIds(dict[str, int]):
    """The id of each spelling; looking up a new spelling gives it the next free id."""

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
    """Return the terms under which a spelling is counted.

    These are the spelling itself and the parts of a hyphenated word, or, in scripts without spaces,
    pairs of characters. Initials are one term, like ``u-s`` for ``U.S.``.
    """
    word = spelling.casefold()
    parts = _PART.findall(word)
    if "." in word and len(parts) > 1:
        return ["-".join(parts)]
    if UNSPACED.search(word):
        return [word[i : i + 2] for i in range(len(word) - 1)]
    if len(parts) < 2:
        return [word] if parts else []
    names = [part for part in parts if len(part) > 1 or part.isdigit()]
    return [*names, "-".join(parts)]


def is_capital(spelling: str) -> bool:
    """Return whether a spelling is a single capital letter other than I, which is a word."""
    return len(spelling) == 1 and spelling.isupper() and spelling != "I"


def fold_case(spelling: str) -> str:
    """Convert a spelling to lower case, except a single capital letter, as in vitamin D."""
    return spelling if is_capital(spelling) else spelling.casefold()

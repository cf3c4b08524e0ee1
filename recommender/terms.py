"""Words of a corpus: scanned once, then counted as sparse rows of terms.

A spelling is looked up once however often it occurs, so that the work per article is one
regular expression and the rest is NumPy: about a million words a second on one core.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.text import PreparedText

TITLE_WEIGHT = 2
"""A word of the title counts as often as this many in the body."""

BREAK = 0
"""The spelling id of punctuation that ends a phrase."""

_TOKEN = re.compile(r"\w+(?:[-‐‑]\w+)*|[^\w\s]+")  # noqa: RUF001 - typographic hyphens are meant
_PART = re.compile(r"\w+")
_CHUNK = 4_096
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
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

    @property
    def owners(self) -> NDArray[np.int64]:
        """Which article each token belongs to."""
        lengths = np.diff(self.ends, prepend=0)
        return np.repeat(np.arange(len(self.ends)), lengths)

    @property
    def weights(self) -> NDArray[np.float32]:
        """:data:`TITLE_WEIGHT` for words of a title, else 1."""
        starts = np.concatenate([[0], self.ends[:-1]])
        title_lengths = self.title_ends - starts
        weights = np.ones(len(self.tokens), dtype=np.float32)
        offsets = np.arange(title_lengths.sum()) - np.repeat(
            np.cumsum(title_lengths) - title_lengths, title_lengths
        )
        weights[np.repeat(starts, title_lengths) + offsets] = TITLE_WEIGHT
        return weights


@dataclass(frozen=True, slots=True, kw_only=True)
class TermCounts:
    """A corpus as bags of words and of pairs of neighboring words.

    Attributes:
        words: Shape (articles, vocabulary), float32 CSR; words of titles weighted.
        pairs: Shape (articles, pairs), float32 CSR, the same for pairs.
        vocabulary: The words in column order, lower case, sorted.
        pair_keys: Shape (pairs,), int64, ascending: ``first * len(vocabulary) + second``.
        lone: Shape (articles,), float32: what the words outside the vocabulary add up to, the
            sum of (1 + ln tf)^2; they match nothing, yet make an article less like others.
    """

    words: sp.csr_matrix
    pairs: sp.csr_matrix
    vocabulary: Sequence[str]
    pair_keys: NDArray[np.int64]
    lone: NDArray[np.float32]


def scan(texts: Iterable[PreparedText]) -> Scan:
    """Read every word of a corpus once."""
    numbers = _Numbers()
    number_of = numbers.__getitem__
    chunks: list[NDArray[np.int32]] = []
    pending: list[int] = []
    ends: list[int] = []
    title_ends: list[int] = []
    size = 0
    for text in texts:
        for part in (text.title, text.body):
            pending.extend(map(number_of, _TOKEN.findall(part)))
            pending.append(BREAK)
            ends.append(size + len(pending))
        title_ends.append(ends.pop(-2))
        if len(pending) > 1_000_000:
            chunks.append(np.array(pending, dtype=np.int32))
            size += len(pending)
            pending.clear()
    chunks.append(np.array(pending, dtype=np.int32))
    return Scan(
        tokens=np.concatenate(chunks),
        ends=np.array(ends, dtype=np.int64),
        title_ends=np.array(title_ends, dtype=np.int64),
        spellings=numbers.spellings,
    )


class _Numbers(dict[str, int]):
    """The number of each token, given at its first sight, so that no later one takes a step."""

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


def count_terms(corpus: Scan, known: TermCounts | None = None) -> TermCounts:
    """Count the words and word pairs of every article.

    A hyphenated word counts as itself and as its parts (``anti-cd20``, ``anti``, ``cd20``);
    scripts without spaces count as pairs of characters. What a single article holds matches
    nothing and is dropped.

    Args:
        corpus: The articles' words.
        known: The counts of a finished build, whose columns are counted then and no others:
            for scoring a text that is not in it.
    """
    columns, found, lengths = _columns(corpus, () if known is None else known.vocabulary)
    every = _sum_up(corpus, found, lengths, len(columns))
    names = np.array(list(columns), dtype=object)
    if known is None:
        kept = np.flatnonzero(_holders(every) >= min(2, every.shape[0]))
        order = kept[np.argsort(names[kept])] if len(kept) else kept
    else:
        order = np.arange(len(known.vocabulary))
    counts = every[:, order].tocsr()
    counts.sort_indices()
    new_column = np.full(len(names), -1)
    new_column[order] = np.arange(len(order))
    vocabulary = names[order].tolist()
    # A word stands in pairs as a whole: by the last of its columns, the hyphenated form.
    stands_for = np.full(len(lengths), -1, dtype=np.int64)
    single = np.array([_UNSPACED.search(name) is None for name in corpus.spellings])
    some = (lengths > 0) & single
    stands_for[some] = new_column[found[np.cumsum(lengths)[some] - 1]] if len(found) else -1
    pair_keys, pairs = _count_pairs(
        corpus, stands_for, len(vocabulary), None if known is None else known.pair_keys
    )
    return TermCounts(
        words=counts,
        pairs=pairs,
        vocabulary=vocabulary,
        pair_keys=pair_keys,
        lone=(_damped_squares(every) - _damped_squares(counts)).astype(np.float32),
    )


def _damped_squares(counts: sp.csr_matrix) -> NDArray[np.float64]:
    """Each article's sum of (1 + ln tf)^2."""
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    squares = (1.0 + np.log(counts.data)) ** 2
    return np.bincount(rows, weights=squares, minlength=counts.shape[0]).astype(np.float64)


def _columns(
    corpus: Scan, known: Sequence[str]
) -> tuple[dict[str, int], NDArray[np.int64], NDArray[np.int64]]:
    """Columns by word, the known ones first, and each spelling's: one after another, how many."""
    columns: dict[str, int] = {word: column for column, word in enumerate(known)}
    found: list[int] = []
    lengths = [0]
    for spelling in corpus.spellings[1:]:
        numbers = [columns.setdefault(name, len(columns)) for name in terms_of(spelling)]
        found.extend(numbers)
        lengths.append(len(numbers))
    return columns, np.array(found, dtype=np.int64), np.array(lengths, dtype=np.int64)


def _count_pairs(
    corpus: Scan, stands_for: NDArray[np.int64], width: int, known: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], sp.csr_matrix]:
    """Pairs of neighboring words with nothing between them."""
    words = stands_for[corpus.tokens]
    owners = corpus.owners
    beside = (words[:-1] >= 0) & (words[1:] >= 0) & (owners[:-1] == owners[1:])
    keys = words[:-1][beside] * width + words[1:][beside]
    owners, weights = owners[:-1][beside], corpus.weights[:-1][beside]
    if known is None:
        known, places = np.unique(keys, return_inverse=True)
    else:
        places = np.searchsorted(known, keys)
        fits = places < len(known)
        fits[fits] = known[places[fits]] == keys[fits]
        places, owners, weights = places[fits], owners[fits], weights[fits]
        shape = (len(corpus.ends), len(known))
        return known, sp.coo_matrix((weights, (owners, places)), shape=shape).tocsr()
    shape = (len(corpus.ends), len(known))
    pairs = sp.coo_matrix((weights, (owners, places)), shape=shape).tocsr()
    kept = np.flatnonzero(_holders(pairs) >= 2)
    return known[kept], pairs[:, kept].tocsr()


def _holders(counts: sp.csr_matrix) -> NDArray[np.int64]:
    """In how many articles each column occurs."""
    holders: NDArray[np.int64] = np.bincount(counts.indices, minlength=counts.shape[1])
    return holders


def terms_of(spelling: str) -> list[str]:
    """The terms that one word of a text counts as."""
    word = spelling.casefold()
    if _UNSPACED.search(word):
        return [word[i : i + 2] for i in range(len(word) - 1)]
    parts = _PART.findall(word)
    names = [part for part in parts if len(part) > 1 or part.isdigit()]
    if len(parts) > 1:
        names.append("-".join(parts))
    return names


def _sum_up(
    corpus: Scan, found: NDArray[np.int64], lengths: NDArray[np.int64], width: int
) -> sp.csr_matrix:
    """Add up the weights of equal terms of one article, a few thousand articles at a time."""
    first = np.cumsum(lengths) - lengths
    owners, weights = corpus.owners, corpus.weights
    blocks: list[sp.csr_matrix] = []
    for start in range(0, len(corpus.ends), _CHUNK):
        stop = min(start + _CHUNK, len(corpus.ends))
        begin = int(corpus.ends[start - 1]) if start else 0
        here = slice(begin, int(corpus.ends[stop - 1]))
        tokens = corpus.tokens[here]
        repeats = lengths[tokens]
        total = int(repeats.sum())
        within = np.arange(total) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        block = sp.coo_matrix(
            (
                np.repeat(weights[here], repeats),
                (
                    np.repeat(owners[here] - start, repeats),
                    found[np.repeat(first[tokens], repeats) + within] if total else found[:0],
                ),
            ),
            shape=(stop - start, width),
        ).tocsr()
        blocks.append(block)
    stacked: sp.csr_matrix = sp.vstack(blocks, format="csr", dtype=np.float32)
    return stacked

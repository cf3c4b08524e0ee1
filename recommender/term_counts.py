"""Counts the terms of articles, which are words and word pairs, in sparse matrices."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import (
    IN_MEMORY,
    MatrixColumns,
    SparseRows,
    Workspace,
    drop_matrix,
    find_sorted,
)
from recommender.bag_of_words import (
    Bag,
    Bags,
    SpellingColumns,
    count_bags,
    drop_bags,
    renumber_columns,
)
from recommender.parallel import Block, BlockMapper, map_in_threads
from recommender.tokenizer import UNSPACED, TokenizedCorpus, split_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class WordCounts:
    """The counts of words in each of some texts.

    Attributes:
        words: Shape (texts, vocabulary), float32 CSR: word counts; words of titles count more.
        unmatched: Shape (texts,), float32: the sum of (1 + ln tf)^2 over a text's words that are
            not in the vocabulary. No other article has them, so they make the text less similar to
            all others.
    """

    words: sp.csr_matrix
    unmatched: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TermCounts(WordCounts):
    """The counts of words and of pairs of neighboring words in each of some texts.

    Attributes:
        pairs: Shape (texts, pairs), float32 CSR: the counts of word pairs.
    """

    pairs: sp.csr_matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusTerms:
    """The term counts of a whole corpus, stored block by block; :func:`count_corpus` returns them.

    Attributes:
        bags: The counts of all words and pairs, each in a raw column of its own.
        titles: Shape (articles, raw columns), float32 CSR: the counts of words in titles alone.
        new_column: Shape (raw columns,), int64: the column of each raw column; -1 if it is dropped.
        vocabulary: The words in column order, lower case, sorted.
        pair_keys: Shape (pairs,), int64, ascending: the key of each pair, which is
            ``first * len(vocabulary) + second``.
        word_holders: Shape (vocabulary,), int64: the number of articles that contain each word.
        pair_holders: Shape (pairs,), int64: the number of articles that contain each pair.
    """

    bags: Bags
    titles: sp.csr_matrix
    new_column: NDArray[np.int64]
    vocabulary: Sequence[str]
    pair_keys: NDArray[np.int64]
    word_holders: NDArray[np.int64]
    pair_holders: NDArray[np.int64]

    def __len__(self) -> int:
        return self.titles.shape[0]

    @property
    def blocks(self) -> Sequence[Block]:
        """The blocks of rows in which the terms were counted."""
        return self.bags.blocks

    def counts(self, start: int, stop: int) -> TermCounts:
        """Return the counts of one of :attr:`blocks`: articles ``start`` to ``stop`` - 1."""
        return _read(
            self.bags.bag(start, stop), self.new_column, len(self.vocabulary), self.pair_keys
        )

    def title_counts(self, start: int, stop: int) -> WordCounts:
        """Count the words in the titles of some articles, a repeated word once."""
        return _read_titles(self.titles[start:stop], self.new_column, len(self.vocabulary))


def count_corpus(
    corpus: TokenizedCorpus, workspace: Workspace = IN_MEMORY, mapper: BlockMapper = map_in_threads
) -> CorpusTerms:
    """Count the words and word pairs of every article, and choose the columns to keep.

    A hyphenated word counts as itself and as its parts (``anti-cd20``, ``anti``, ``cd20``); text
    in scripts without spaces counts as pairs of characters. Words and pairs that occur in only one
    article match no other and are dropped.

    Args:
        corpus: The articles' words.
        workspace: Stores the counts until :func:`drop_terms` frees them.
        mapper: Runs a function on every block of articles; by default on every core of this
            machine.
    """
    found, spelling_columns = _spelling_columns(corpus.spellings, ())
    bags = count_bags(corpus, spelling_columns, name="terms", workspace=workspace, mapper=mapper)
    alone, titles = corpus.titles(workspace), MatrixColumns(workspace, "title_terms")
    for block in alone.blocks():
        titles.append(SparseRows.of(spelling_columns.words(alone.block(*block))))
    workspace.drop("title_tokens")
    names = np.array(found, dtype=object)
    del alone, found, spelling_columns
    kept = np.flatnonzero(bags.word_holders >= min(2, len(corpus)))
    order = kept[np.argsort(names[kept])] if len(kept) else kept
    new_column = np.full(len(names), -1, dtype=np.int64)
    new_column[order] = np.arange(len(order))
    shared = bags.shared_pairs()
    first, second = np.divmod(shared.keys, max(len(names), 1))
    keys = new_column[first] * len(order) + new_column[second]
    by_key = np.argsort(keys)
    return CorpusTerms(
        bags=bags,
        titles=titles.finish(len(names)),
        new_column=new_column,
        vocabulary=names[order].tolist(),
        pair_keys=keys[by_key],
        word_holders=bags.word_holders[order],
        pair_holders=shared.holders[by_key],
    )


def drop_terms(workspace: Workspace) -> None:
    """Free the space of the counts that :func:`count_corpus` stored."""
    drop_bags(workspace, "terms")
    drop_matrix(workspace, "title_terms")


def count_titles(corpus: TokenizedCorpus, vocabulary: Sequence[str]) -> WordCounts:
    """Count the words in the titles of texts outside the corpus, a repeated word once only.

    Args:
        corpus: The texts' words.
        vocabulary: The build's words in column order.
    """
    _, spelling_columns = _spelling_columns(corpus.spellings, vocabulary)
    alone = corpus.titles()
    raw = spelling_columns.words(alone.block(0, len(alone)))
    return _read_titles(raw, _known_columns(raw, vocabulary), len(vocabulary))


def count_terms(
    corpus: TokenizedCorpus, vocabulary: Sequence[str], pair_keys: NDArray[np.int64]
) -> TermCounts:
    """Count the terms of texts outside the corpus in the columns of a finished build.

    Args:
        corpus: The texts' words.
        vocabulary: The build's words in column order.
        pair_keys: Shape (pairs,), int64, ascending: the keys of the build's word pairs.
    """
    _, spelling_columns = _spelling_columns(corpus.spellings, vocabulary)
    bags = count_bags(corpus, spelling_columns, name="terms", workspace=IN_MEMORY)
    new_column = _known_columns(bags.words, vocabulary)
    parts = [
        _read(bags.bag(*block), new_column, len(vocabulary), pair_keys) for block in bags.blocks
    ]
    return TermCounts(
        words=sp.vstack([part.words for part in parts], format="csr", dtype=np.float32),
        pairs=sp.vstack([part.pairs for part in parts], format="csr", dtype=np.float32),
        unmatched=np.concatenate([part.unmatched for part in parts]),
    )


def _known_columns(raw: sp.csr_matrix, vocabulary: Sequence[str]) -> NDArray[np.int64]:
    """Return the new column of each raw column: its own for the vocabulary, which is first."""
    new_column = np.arange(raw.shape[1])
    new_column[len(vocabulary) :] = -1
    return new_column


def _read(
    bag: Bag, new_column: NDArray[np.int64], width: int, pair_keys: NDArray[np.int64]
) -> TermCounts:
    """Return the counts of a block in the columns to keep, of which ``width`` are words."""
    found = _read_words(bag.words, new_column, width)
    first, second = np.divmod(bag.keys, max(len(new_column), 1))
    first, second = new_column[first], new_column[second]
    keys = np.where((first < 0) | (second < 0), -1, first * width + second)
    pairs = renumber_columns(bag.pairs, find_sorted(pair_keys, keys), len(pair_keys))
    return TermCounts(words=found.words, unmatched=found.unmatched, pairs=pairs)


def _read_titles(raw: sp.csr_matrix, new_column: NDArray[np.int64], width: int) -> WordCounts:
    """Return the counts of titles, which are changed in place, in the columns to keep."""
    raw.data = np.ones_like(raw.data)
    return _read_words(raw, new_column, width)


def _read_words(raw: sp.csr_matrix, new_column: NDArray[np.int64], width: int) -> WordCounts:
    words = renumber_columns(raw, new_column, width)
    unmatched = _damped_squares(raw) - _damped_squares(words)
    return WordCounts(words=words, unmatched=unmatched.astype(np.float32))


def _spelling_columns(
    spellings: Sequence[str], vocabulary: Sequence[str]
) -> tuple[list[str], SpellingColumns]:
    """Return the term of each raw column, and the raw columns of each spelling.

    The first columns are those of the vocabulary.
    """
    numbers = {word: column for column, word in enumerate(vocabulary)}
    columns, lengths, paired = array("q"), array("q", [0]), array("q", [-1])
    for spelling in spellings[1:]:
        found = [numbers.setdefault(name, len(numbers)) for name in split_terms(spelling)]
        columns.extend(found)
        lengths.append(len(found))
        is_word = bool(found) and UNSPACED.search(spelling) is None
        paired.append(found[-1] if is_word else -1)
    return list(numbers), SpellingColumns(
        width=len(numbers),
        columns=np.array(columns, dtype=np.int64),
        lengths=np.array(lengths, dtype=np.int64),
        paired=np.array(paired, dtype=np.int64),
    )


def _damped_squares(counts: sp.csr_matrix) -> NDArray[np.float64]:
    """Return each article's sum of (1 + ln tf)^2; shape (articles,)."""
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    squares = (1.0 + np.log(counts.data)) ** 2
    return np.bincount(rows, weights=squares, minlength=counts.shape[0]).astype(np.float64)

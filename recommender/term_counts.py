"""Counts the terms of articles, which are words and word pairs, in sparse matrices."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, Workspace, find_sorted
from recommender.bag_of_words import Bag, Bags, SpellingColumns, count_bags, renumber_columns
from recommender.parallel import Block, BlockMapper, map_in_threads
from recommender.tokenizer import UNSPACED, TokenizedCorpus, split_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class TermCounts:
    """The counts of words and of pairs of neighboring words in each article.

    Attributes:
        words: Shape (articles, vocabulary), float32 CSR: word counts; words of titles count more.
        pairs: Shape (articles, pairs), float32 CSR: the counts of word pairs.
        vocabulary: The words in column order, lower case, sorted.
        pair_keys: Shape (pairs,), int64, ascending: the key of each pair, which is
            ``first * len(vocabulary) + second``.
        unmatched: Shape (articles,), float32: the sum of (1 + ln tf)^2 over an article's words that
            are not in the vocabulary. No other article has them, so they make the article less
            similar to all others.
    """

    words: sp.csr_matrix
    pairs: sp.csr_matrix
    vocabulary: Sequence[str]
    pair_keys: NDArray[np.int64]
    unmatched: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusTerms:
    """The term counts of a whole corpus, stored block by block; :func:`count_corpus` returns them.

    Attributes:
        bags: The counts of all words and pairs, each in a raw column of its own.
        titles: Those of titles alone, in the same raw columns.
        new_column: Shape (raw columns,), int64: the column of each raw column; -1 if it is dropped.
        vocabulary: The words in column order, lower case, sorted.
        pair_keys: Shape (pairs,), int64, ascending: the key of each pair, which is
            ``first * len(vocabulary) + second``.
        word_holders: Shape (vocabulary,), int64: the number of articles that contain each word.
        pair_holders: Shape (pairs,), int64: the number of articles that contain each pair.
    """

    bags: Bags
    titles: Bags
    new_column: NDArray[np.int64]
    vocabulary: Sequence[str]
    pair_keys: NDArray[np.int64]
    word_holders: NDArray[np.int64]
    pair_holders: NDArray[np.int64]

    def __len__(self) -> int:
        return self.blocks[-1][1] if self.blocks else 0

    @property
    def blocks(self) -> Sequence[Block]:
        """The blocks of rows in which the terms were counted."""
        return self.bags.blocks

    def counts(self, start: int, stop: int) -> TermCounts:
        """Return the counts of one of :attr:`blocks`: articles ``start`` to ``stop`` - 1."""
        return self._read(self.bags.bag(start, stop))

    @property
    def title_blocks(self) -> Sequence[Block]:
        """The blocks of rows in which the terms of titles were counted."""
        return self.titles.blocks

    def title_counts(self, start: int, stop: int) -> TermCounts:
        """Count the words in the titles of one of :attr:`title_blocks`, a repeated word once."""
        bag = self.titles.bag(start, stop)
        words = bag.words.copy()
        words.data = np.ones_like(words.data)
        return self._read(replace(bag, words=words))

    def whole(self) -> TermCounts:
        """Return the counts of all articles at once, in memory."""
        parts = [self.counts(*block) for block in self.blocks]
        return TermCounts(
            words=sp.vstack([part.words for part in parts], format="csr", dtype=np.float32),
            pairs=sp.vstack([part.pairs for part in parts], format="csr", dtype=np.float32),
            vocabulary=self.vocabulary,
            pair_keys=self.pair_keys,
            unmatched=np.concatenate([part.unmatched for part in parts]),
        )

    def drop(self) -> None:
        """Free the space that the counts take in the workspace."""
        self.bags.drop()
        self.titles.drop()

    def _read(self, bag: Bag) -> TermCounts:
        words = renumber_columns(bag.words, self.new_column, len(self.vocabulary))
        first, second = np.divmod(bag.keys, max(len(self.new_column), 1))
        first, second = self.new_column[first], self.new_column[second]
        keys = np.where((first < 0) | (second < 0), -1, first * len(self.vocabulary) + second)
        pairs = find_sorted(self.pair_keys, keys)
        return TermCounts(
            words=words,
            pairs=renumber_columns(bag.pairs, pairs, len(self.pair_keys)),
            vocabulary=self.vocabulary,
            pair_keys=self.pair_keys,
            unmatched=(_damped_squares(bag.words) - _damped_squares(words)).astype(np.float32),
        )


def count_corpus(
    corpus: TokenizedCorpus, workspace: Workspace = IN_MEMORY, mapper: BlockMapper = map_in_threads
) -> CorpusTerms:
    """Count the words and word pairs of every article, and choose the columns to keep.

    A hyphenated word counts as itself and as its parts (``anti-cd20``, ``anti``, ``cd20``); text
    in scripts without spaces counts as pairs of characters. Words and pairs that occur in only one
    article match no other and are dropped.

    Args:
        corpus: The articles' words.
        workspace: Stores the counts until :meth:`CorpusTerms.drop` frees them.
        mapper: Runs a function on every block of articles; by default on every core of this
            machine.
    """
    found, spelling_columns = _spelling_columns(corpus.spellings, ())
    bags = count_bags(corpus, spelling_columns, name="terms", workspace=workspace, mapper=mapper)
    titles = count_bags(
        corpus.titles(workspace),
        spelling_columns,
        name="title_terms",
        workspace=workspace,
        mapper=mapper,
    )
    workspace.drop("title_tokens")
    names = np.array(found, dtype=object)
    del found, spelling_columns
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
        titles=titles,
        new_column=new_column,
        vocabulary=names[order].tolist(),
        pair_keys=keys[by_key],
        word_holders=bags.word_holders[order],
        pair_holders=shared.holders[by_key],
    )


def count_titles(
    corpus: TokenizedCorpus, vocabulary: Sequence[str], pair_keys: NDArray[np.int64]
) -> TermCounts:
    """Count the words in the titles of texts outside the corpus, a repeated word once only.

    The arguments are those of :func:`count_terms`.
    """
    found = _count_outside(corpus.titles(), vocabulary, pair_keys)
    return found.title_counts(*found.title_blocks[0])


def count_terms(
    corpus: TokenizedCorpus, vocabulary: Sequence[str], pair_keys: NDArray[np.int64]
) -> TermCounts:
    """Count the terms of texts outside the corpus in the columns of a finished build.

    Args:
        corpus: The texts' words.
        vocabulary: The build's words in column order.
        pair_keys: Shape (pairs,), int64, ascending: the keys of the build's word pairs.
    """
    return _count_outside(corpus, vocabulary, pair_keys).whole()


def _count_outside(
    corpus: TokenizedCorpus, vocabulary: Sequence[str], pair_keys: NDArray[np.int64]
) -> CorpusTerms:
    _, spelling_columns = _spelling_columns(corpus.spellings, vocabulary)
    bags = count_bags(corpus, spelling_columns, name="terms", workspace=IN_MEMORY)
    new_column = np.full(spelling_columns.width, -1, dtype=np.int64)
    new_column[: len(vocabulary)] = np.arange(len(vocabulary))
    nothing = np.zeros(0, dtype=np.int64)
    return CorpusTerms(
        bags=bags,
        titles=bags,
        new_column=new_column,
        vocabulary=vocabulary,
        pair_keys=pair_keys,
        word_holders=nothing,
        pair_holders=nothing,
    )


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

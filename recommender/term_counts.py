"""Terms of a corpus: words and pairs of neighboring words, counted as sparse rows."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, Workspace
from recommender.bag_of_words import Bag, Bags, count_bags, renumbered
from recommender.parallel import Block, BlockPlan, over_blocks
from recommender.tokenizer import UNSPACED, TokenizedBlock, TokenizedCorpus, WordPairs, split_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class TermCounts:
    """Articles as bags of words and of pairs of neighboring words.

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


class CorpusTerms:
    """The terms of a whole corpus, counted block by block; made by :func:`count_corpus`.

    Attributes:
        vocabulary: See :class:`TermCounts`.
        pair_keys: See :class:`TermCounts`.
        word_holders: Shape (vocabulary,), int64: how many articles hold each word.
        pair_holders: Shape (pairs,), int64: the same for pairs.
    """

    def __init__(
        self,
        bags: Bags,
        columns: _Columns,
        *,
        word_holders: NDArray[np.int64],
        pair_holders: NDArray[np.int64],
    ) -> None:
        self._bags, self._columns = bags, columns
        self.vocabulary = columns.vocabulary
        self.pair_keys = columns.pair_keys
        self.word_holders, self.pair_holders = word_holders, pair_holders

    def __len__(self) -> int:
        return self.blocks[-1][1] if self.blocks else 0

    @property
    def blocks(self) -> Sequence[Block]:
        """The blocks of rows in which they were counted."""
        return self._bags.blocks

    def counts(self, start: int, stop: int) -> TermCounts:
        """The counts of one of the blocks."""
        return self._columns.read(self._bags.bag(start, stop))

    def whole(self) -> TermCounts:
        """The counts of all articles at once, which takes their memory."""
        parts = [self.counts(*block) for block in self.blocks]
        return TermCounts(
            words=sp.vstack([part.words for part in parts], format="csr", dtype=np.float32),
            pairs=sp.vstack([part.pairs for part in parts], format="csr", dtype=np.float32),
            vocabulary=self.vocabulary,
            pair_keys=self.pair_keys,
            lone=np.concatenate([part.lone for part in parts]),
        )

    def drop(self) -> None:
        """Give the room of the counts back."""
        self._bags.drop()


def count_corpus(
    corpus: TokenizedCorpus, workspace: Workspace = IN_MEMORY, spread: BlockPlan = over_blocks
) -> CorpusTerms:
    """Count the words and word pairs of every article, and decide which are columns.

    A hyphenated word counts as itself and as its parts (``anti-cd20``, ``anti``, ``cd20``);
    scripts without spaces count as pairs of characters. What a single article holds matches
    nothing and is dropped.

    Args:
        corpus: The articles' words.
        workspace: Gets the counts, until :meth:`CorpusTerms.drop`.
        spread: Works on many articles at once; on every core of this machine by default.
    """
    found, spelled = _spell(corpus.spellings, ())
    bags = count_bags(
        corpus,
        spelled.words,
        spelled.pairs,
        spelled.width,
        name="terms",
        workspace=workspace,
        spread=spread,
    )
    names = np.array(found, dtype=object)
    del found, spelled
    kept = np.flatnonzero(bags.word_holders >= min(2, len(corpus)))
    order = kept[np.argsort(names[kept])] if len(kept) else kept
    new_column = np.full(len(names), -1, dtype=np.int64)
    new_column[order] = np.arange(len(order))
    shared = bags.shared_pairs()
    first, second = np.divmod(shared.keys, max(len(names), 1))
    keys = new_column[first] * len(order) + new_column[second]
    by_key = np.argsort(keys)
    columns = _Columns(
        vocabulary=names[order].tolist(), pair_keys=keys[by_key], new_column=new_column
    )
    return CorpusTerms(
        bags,
        columns,
        word_holders=bags.word_holders[order],
        pair_holders=shared.holders[by_key],
    )


def count_terms(corpus: TokenizedCorpus, known: TermCounts) -> TermCounts:
    """Count texts in the columns of a finished build and no others: see :func:`count_corpus`.

    Args:
        corpus: The texts' words.
        known: The build's counts; only its columns are looked at.
    """
    _, spelled = _spell(corpus.spellings, known.vocabulary)
    bags = count_bags(
        corpus, spelled.words, spelled.pairs, spelled.width, name="terms", workspace=IN_MEMORY
    )
    new_column = np.full(spelled.width, -1, dtype=np.int64)
    new_column[: len(known.vocabulary)] = np.arange(len(known.vocabulary))
    columns = _Columns(
        vocabulary=known.vocabulary, pair_keys=known.pair_keys, new_column=new_column
    )
    nothing = np.zeros(0, dtype=np.int64)
    return CorpusTerms(bags, columns, word_holders=nothing, pair_holders=nothing).whole()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spelled:
    """What each spelling counts as, by raw column: in the order in which they were met.

    Attributes:
        width: How many raw columns there are.
        found: The columns of all spellings, one spelling after another.
        first: Shape (spellings,): where each spelling's begin among them.
        lengths: Shape (spellings,): how many of them are each spelling's.
        stands_for: Shape (spellings,): the column of the whole word, which stands in pairs; -1
            for none.
    """

    width: int
    found: NDArray[np.int64]
    first: NDArray[np.int64]
    lengths: NDArray[np.int64]
    stands_for: NDArray[np.int64]

    def words(self, block: TokenizedBlock) -> sp.csr_matrix:
        """The weights of equal terms of one article added up."""
        repeats = self.lengths[block.tokens]
        total = int(repeats.sum())
        within = np.arange(total) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        columns = self.found[np.repeat(self.first[block.tokens], repeats) + within]
        return sp.coo_matrix(
            (np.repeat(block.weights, repeats), (np.repeat(block.owners, repeats), columns)),
            shape=(block.count, self.width),
        ).tocsr()

    def pairs(self, block: TokenizedBlock) -> WordPairs:
        """Pairs of neighboring words with nothing between them."""
        return block.neighbors(self.stands_for, self.width)


def _spell(spellings: Sequence[str], known: Sequence[str]) -> tuple[list[str], _Spelled]:
    """The term of each raw column, and what each spelling counts as."""
    columns: dict[str, int] = {word: column for column, word in enumerate(known)}
    found, lengths, stands_for = array("q"), array("q", [0]), array("q", [-1])
    for spelling in spellings[1:]:
        numbers = [columns.setdefault(name, len(columns)) for name in split_terms(spelling)]
        found.extend(numbers)
        lengths.append(len(numbers))
        whole = bool(numbers) and UNSPACED.search(spelling) is None
        stands_for.append(numbers[-1] if whole else -1)
    counts = np.array(lengths, dtype=np.int64)
    return list(columns), _Spelled(
        width=len(columns),
        found=np.array(found, dtype=np.int64),
        first=np.cumsum(counts) - counts,
        lengths=counts,
        stands_for=np.array(stands_for, dtype=np.int64),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """From raw columns to those that stay.

    Attributes:
        vocabulary: See :class:`TermCounts`.
        pair_keys: See :class:`TermCounts`.
        new_column: Shape (raw columns,): -1 for those that go.
    """

    vocabulary: Sequence[str]
    pair_keys: NDArray[np.int64]
    new_column: NDArray[np.int64]

    def read(self, bag: Bag) -> TermCounts:
        words = renumbered(bag.words, self.new_column, len(self.vocabulary))
        return TermCounts(
            words=words,
            pairs=renumbered(bag.pairs, self._pair_places(bag.keys), len(self.pair_keys)),
            vocabulary=self.vocabulary,
            pair_keys=self.pair_keys,
            lone=(_damped_squares(bag.words) - _damped_squares(words)).astype(np.float32),
        )

    def _pair_places(self, raw: NDArray[np.int64]) -> NDArray[np.int64]:
        first, second = np.divmod(raw, max(len(self.new_column), 1))
        first, second = self.new_column[first], self.new_column[second]
        keys = np.where((first < 0) | (second < 0), -1, first * len(self.vocabulary) + second)
        places = np.searchsorted(self.pair_keys, keys)
        fits = places < len(self.pair_keys)
        fits[fits] = self.pair_keys[places[fits]] == keys[fits]
        return np.where(fits, places, -1)


def _damped_squares(counts: sp.csr_matrix) -> NDArray[np.float64]:
    """Each article's sum of (1 + ln tf)^2."""
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    squares = (1.0 + np.log(counts.data)) ** 2
    return np.bincount(rows, weights=squares, minlength=counts.shape[0]).astype(np.float64)

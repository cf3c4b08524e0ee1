"""Counts the words and word pairs of articles (bags of words), one block of articles at a time.

Only words and pairs that occur in more than one article are needed in the end, and they are known
only when all blocks are counted. So all words and pairs of each block are counted first, each in a
raw column of its own. Then the columns to keep are chosen, and the counts of each block are read
again with these columns only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import Workspace
from recommender.parallel import Block, BlockMapper, map_in_threads
from recommender.tokenizer import TokenizedBlock, TokenizedCorpus

_KEPT = {
    "word_columns": np.int32,
    "word_counts": np.float32,
    "pair_keys": np.int64,
    "pair_holders": np.int32,
    "pair_places": np.int32,
    "pair_counts": np.float32,
}
"""The arrays of :class:`BagPart` that are stored in the workspace, with their types."""

_MOST_BITS = 27
"""Most address bits of the hash table of pairs seen before; with 27 bits it takes 128 MB."""

_MERGE = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SpellingColumns:
    """The columns of a count matrix in which each spelling of a corpus is counted.

    A spelling is a distinct word as printed. It may be counted in several columns, or in none.

    Attributes:
        width: Number of columns of the count matrix.
        columns: Shape (entries,), int64: the columns of each spelling, one spelling after another.
        lengths: Shape (spellings,), int64: the number of columns of each spelling.
        paired: Shape (spellings,), int64: the column that represents a spelling in word pairs;
            -1 for a spelling that forms no pairs.
    """

    width: int
    columns: NDArray[np.int64]
    lengths: NDArray[np.int64]
    paired: NDArray[np.int64]

    def words(self, block: TokenizedBlock) -> sp.csr_matrix:
        """Return the weighted counts of the words of each article of a block.

        Returns:
            Shape (articles of the block, :attr:`width`), float32 CSR.
        """
        first = np.cumsum(self.lengths) - self.lengths
        repeats = self.lengths[block.tokens]
        within = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        columns = self.columns[np.repeat(first[block.tokens], repeats) + within]
        return sp.coo_matrix(
            (np.repeat(block.weights, repeats), (np.repeat(block.owners, repeats), columns)),
            shape=(block.count, self.width),
        ).tocsr()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bag:
    """The words and word pairs of one block of articles.

    Attributes:
        words: Shape (articles, words), float32 CSR: the weighted counts of the words.
        pairs: Shape (articles, len(keys)), float32 CSR: the weighted counts of the word pairs.
        keys: Shape (distinct pairs of the block,), int64, ascending: the key of each pair, a
            number made from the columns of its two words.
    """

    words: sp.csr_matrix
    pairs: sp.csr_matrix
    keys: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BagPart:
    """The word and pair counts of one or more successive blocks of articles, as plain arrays.

    Such arrays are easy to join and to send to other processes.

    Attributes:
        word_columns: Shape (entries,), int32: the columns of each article's words, one article
            after another.
        word_counts: Shape (entries,), float32: the weighted count of each of these words.
        word_lengths: Shape (articles,), int64: the number of word entries of each article.
        pair_keys: Shape (keys,), int64: the keys of each block's distinct pairs, one block after
            another.
        pair_holders: Shape (keys,), int32: the number of articles of the block with each pair.
        key_lengths: Shape (blocks,), int64: the number of distinct pairs of each block.
        pair_places: Shape (entries,), int32: each article's pairs, one article after another, as
            positions among the keys of the article's block.
        pair_counts: Shape (entries,), float32: the weighted count of each of these pairs.
        pair_lengths: Shape (articles,), int64: the number of pair entries of each article.
    """

    word_columns: NDArray[np.int32]
    word_counts: NDArray[np.float32]
    word_lengths: NDArray[np.int64]
    pair_keys: NDArray[np.int64]
    pair_holders: NDArray[np.int32]
    key_lengths: NDArray[np.int64]
    pair_places: NDArray[np.int32]
    pair_counts: NDArray[np.float32]
    pair_lengths: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPairs:
    """The word pairs that occur in at least two articles.

    Attributes:
        keys: Shape (pairs,), int64, ascending: the key of each pair.
        holders: Shape (pairs,), int64: the number of articles that contain each pair.
    """

    keys: NDArray[np.int64]
    holders: NDArray[np.int64]


class Bags:
    """The word and word-pair counts of all blocks of a corpus, made by :func:`count_bags`."""

    def __init__(
        self,
        blocks: Sequence[Block],
        columns: dict[str, NDArray[Any]],
        ends: dict[str, NDArray[np.int64]],
        word_holders: NDArray[np.int64],
        drop: Callable[[], None],
    ) -> None:
        self.blocks = blocks
        self.word_holders = word_holders
        self._place = {start: position for position, (start, _) in enumerate(blocks)}
        self._columns, self._ends, self._drop = columns, ends, drop

    def __reduce__(self) -> tuple[type["Bags"], tuple[object, ...]]:
        """Pickle the bags for another process, which can only read them.

        There, :meth:`drop` does nothing.
        """
        return Bags, (self.blocks, self._columns, self._ends, self.word_holders, _nothing)

    def bag(self, start: int, stop: int) -> Bag:
        """Return the counts of a block of articles: rows ``start`` to ``stop`` - 1."""
        keys = self._columns["pair_keys"][self._keys(start)]
        words = self._matrix("word", ("word_columns", "word_counts"), start, stop)
        pairs = self._matrix("pair", ("pair_places", "pair_counts"), start, stop)
        return Bag(
            words=sp.csr_matrix(words, shape=(stop - start, len(self.word_holders))),
            pairs=sp.csr_matrix(pairs, shape=(stop - start, len(keys))),
            keys=keys,
        )

    def shared_pairs(self) -> SharedPairs:
        """Find the pairs that occur in at least two articles, and count those articles.

        Most pairs occur in one article only. To rule out most of these without storing their keys,
        pairs are first counted in a hash table of bytes: a slot with a count of one stands for a
        pair that is in one article only. Only the keys of the other pairs are then collected.
        """
        total = int(self._ends["key"][-1]) if len(self.blocks) else 0
        bits = min(_MOST_BITS, max(10, int(4 * total).bit_length()))
        seen = np.zeros(1 << bits, dtype=np.uint8)
        for start, _ in self.blocks:
            here = self._keys(start)
            slots = _hash(self._columns["pair_keys"][here], bits)
            before = seen[slots]
            again = (before > 0) | (self._columns["pair_holders"][here] > 1)
            seen[slots[before == 0]] = 1
            seen[slots[again]] = 2
        keys, holders = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        waiting: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for number, (start, _) in enumerate(self.blocks, 1):
            here = self._keys(start)
            found = self._columns["pair_keys"][here]
            kept = seen[_hash(found, bits)] == 2
            waiting.append(
                (found[kept], self._columns["pair_holders"][here][kept].astype(np.int64))
            )
            size = sum(len(some) for some, _ in waiting)
            if size > max(_MERGE, len(keys)) or number == len(self.blocks):
                keys, holders = _add_up([(keys, holders), *waiting])
                waiting.clear()
        shared = holders >= 2
        return SharedPairs(keys=keys[shared], holders=holders[shared])

    def drop(self) -> None:
        """Free the space that the counts take in the workspace."""
        self._drop()

    def _keys(self, start: int) -> slice:
        position, ends = self._place[start], self._ends["key"]
        return slice(int(ends[position - 1]) if position else 0, int(ends[position]))

    def _matrix(
        self, kind: str, names: tuple[str, str], start: int, stop: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int64]]:
        ends = self._ends[kind]
        begin = int(ends[start - 1]) if start else 0
        indptr = np.concatenate([[0], ends[start:stop] - begin])
        here = slice(begin, begin + int(indptr[-1]))
        return self._columns[names[1]][here], self._columns[names[0]][here], indptr


def _nothing() -> None:
    pass


def count_bags(
    corpus: TokenizedCorpus,
    spelling_columns: SpellingColumns,
    *,
    name: str,
    workspace: Workspace,
    mapper: BlockMapper = map_in_threads,
) -> Bags:
    """Count the words and word pairs of every block of a corpus.

    Args:
        corpus: The words of all articles.
        spelling_columns: The columns in which each spelling (distinct word) is counted.
        name: Prefix of the arrays' names in the workspace.
        workspace: Stores the counts until :meth:`Bags.drop` frees them.
        mapper: Runs a function on every block of articles; by default on every core of this
            machine.
    """
    blocks = corpus.blocks()
    corpus = replace(corpus, spellings=())  # not needed for counting, and large to send
    width = spelling_columns.width

    def count(start: int, stop: int) -> BagPart:
        return _count(corpus.block(start, stop), spelling_columns)

    columns = {part: workspace.column(f"{name}_{part}", kind) for part, kind in _KEPT.items()}
    lengths: dict[str, list[NDArray[np.int64]]] = {"word": [], "pair": [], "key": []}
    word_holders = np.zeros(width, dtype=np.int64)
    for found in mapper(count, blocks, stage=name):
        word_holders += np.bincount(found.word_columns, minlength=width)
        for part, column in columns.items():
            column.append(getattr(found, part))
        for kind, some in lengths.items():
            some.append(getattr(found, f"{kind}_lengths"))
    ends = {
        kind: np.cumsum(np.concatenate([[], *some]), dtype=np.int64)
        for kind, some in lengths.items()
    }
    return Bags(
        blocks,
        {part: column.finish() for part, column in columns.items()},
        ends,
        word_holders,
        lambda: workspace.drop(*(f"{name}_{part}" for part in _KEPT)),
    )


def _count(block: TokenizedBlock, columns: SpellingColumns) -> BagPart:
    words = columns.words(block)
    first, second = columns.paired[block.tokens[:-1]], columns.paired[block.tokens[1:]]
    owners, weights = block.owners[:-1], block.weights[:-1]  # of each pair's first word
    beside = (first >= 0) & (second >= 0) & (owners == block.owners[1:])
    pairs = (first * columns.width + second)[beside]
    keys, places = np.unique(pairs, return_inverse=True)
    counts = weights[beside], (owners[beside], places)
    rows = sp.coo_matrix(counts, shape=(block.count, len(keys))).tocsr()
    return BagPart(
        word_columns=words.indices.astype(np.int32, copy=False),
        word_counts=words.data,
        word_lengths=np.diff(words.indptr).astype(np.int64),
        pair_keys=keys,
        pair_holders=np.bincount(rows.indices, minlength=len(keys)).astype(np.int32),
        key_lengths=np.array([len(keys)], dtype=np.int64),
        pair_places=rows.indices.astype(np.int32, copy=False),
        pair_counts=rows.data,
        pair_lengths=np.diff(rows.indptr).astype(np.int64),
    )


def renumber_columns(
    counts: sp.csr_matrix, new_column: NDArray[np.int64], width: int
) -> sp.csr_matrix:
    """Return a matrix with the same rows, but renumbered columns, and sorted indices.

    Args:
        counts: Any float32 CSR matrix.
        new_column: Shape (columns of ``counts``,), int64: each column's new number; -1 to drop it.
        width: Number of columns of the result.
    """
    columns = new_column[counts.indices]
    kept = columns >= 0
    ends = np.concatenate([[0], np.cumsum(kept)])
    moved = sp.csr_matrix(
        (counts.data[kept], columns[kept].astype(np.int32), ends[counts.indptr]),
        shape=(counts.shape[0], width),
    )
    moved.sort_indices()
    return moved


def _hash(keys: NDArray[np.int64], bits: int) -> NDArray[np.uint64]:
    """Hash keys to ``bits`` bits by Fibonacci hashing (Knuth, TAOCP 3, 6.4)."""
    return (keys.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - bits)


def _add_up(
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Merge lists of keys and their numbers of holders.

    Returns:
        The distinct keys, ascending, and the sum of the numbers of each key.
    """
    keys = np.concatenate([some for some, _ in parts])
    holders = np.concatenate([some for _, some in parts])
    order = np.argsort(keys, kind="stable")
    keys, holders = keys[order], holders[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)])
    return keys[starts], np.add.reduceat(holders, starts) if len(starts) else holders

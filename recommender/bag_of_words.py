"""Counts the words and word pairs of articles (bags of words), one block of articles at a time.

Only words and pairs that occur in more than one article are needed in the end, and they are known
only when all blocks are counted. So all words and pairs of each block are counted first, each in a
raw column of its own. Then the columns to keep are chosen, and the counts of each block are read
again with these columns only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import MatrixColumns, SparseRows, Workspace, drop_matrix
from recommender.parallel import Block, BlockMapper, map_in_threads
from recommender.tokenizer import TokenizedBlock, TokenizedCorpus

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
        pairs: Shape (articles, at least len(keys)), float32 CSR: the weighted counts of the word
            pairs, in the order of their keys.
        keys: Shape (distinct pairs of the block,), int64, ascending: the key of each pair, a
            number made from the columns of its two words.
    """

    words: sp.csr_matrix
    pairs: sp.csr_matrix
    keys: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPairs:
    """The word pairs that occur in at least two articles.

    Attributes:
        keys: Shape (pairs,), int64, ascending: the key of each pair.
        holders: Shape (pairs,), int64: the number of articles that contain each pair.
    """

    keys: NDArray[np.int64]
    holders: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bags:
    """The word and word-pair counts of all blocks of a corpus, made by :func:`count_bags`.

    Attributes:
        blocks: The blocks of articles, which were counted one by one.
        words: Shape (articles, words), float32 CSR: the weighted counts of the words.
        pairs: Shape (articles, any), float32 CSR: the weighted counts of the word pairs, in the
            order of the keys of the article's block.
        keys: Shape (keys,), int64: the keys of each block's distinct pairs, one block after
            another.
        pair_holders: Shape (keys,), int32: the number of articles of the block with each pair.
        spans: Where the keys of each block stand, by the first row of the block.
        word_holders: Shape (words,), int64: the number of articles with each word.
    """

    blocks: Sequence[Block]
    words: sp.csr_matrix
    pairs: sp.csr_matrix
    keys: NDArray[np.int64]
    pair_holders: NDArray[np.int32]
    spans: Mapping[int, slice]
    word_holders: NDArray[np.int64]

    def bag(self, start: int, stop: int) -> Bag:
        """Return the counts of a block of articles: rows ``start`` to ``stop`` - 1."""
        return Bag(
            words=self.words[start:stop],
            pairs=self.pairs[start:stop],
            keys=self.keys[self.spans[start]],
        )

    def shared_pairs(self) -> SharedPairs:
        """Find the pairs that occur in at least two articles, and count those articles.

        Most pairs occur in one article only. To rule out most of these without storing their keys,
        pairs are first counted in a hash table of bytes: a slot with a count of one stands for a
        pair that is in one article only. Only the keys of the other pairs are then collected.
        """
        bits = min(_MOST_BITS, max(10, (4 * len(self.keys)).bit_length()))
        seen = np.zeros(1 << bits, dtype=np.uint8)
        for here in self.spans.values():
            slots = _hash(self.keys[here], bits)
            before = seen[slots]
            again = (before > 0) | (self.pair_holders[here] > 1)
            seen[slots[before == 0]] = 1
            seen[slots[again]] = 2
        keys, holders = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        waiting: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for number, here in enumerate(self.spans.values(), 1):
            found = self.keys[here]
            kept = seen[_hash(found, bits)] == 2
            waiting.append((found[kept], self.pair_holders[here][kept].astype(np.int64)))
            size = sum(len(some) for some, _ in waiting)
            if size > max(_MERGE, len(keys)) or number == len(self.blocks):
                keys, holders = _add_up([(keys, holders), *waiting])
                waiting.clear()
        shared = holders >= 2
        return SharedPairs(keys=keys[shared], holders=holders[shared])


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
        workspace: Stores the counts until :func:`drop_bags` frees them.
        mapper: Runs a function on every block of articles; by default on every core of this
            machine.
    """
    blocks = corpus.blocks()
    corpus = replace(corpus, spellings=())  # not needed for counting, and large to send
    width = spelling_columns.width

    def count(start: int, stop: int) -> Bag:
        return _count(corpus.block(start, stop), spelling_columns)

    words, pairs = (MatrixColumns(workspace, f"{name}_{kind}") for kind in ("words", "pairs"))
    keys = workspace.column(f"{name}_keys", np.int64)
    pair_holders = workspace.column(f"{name}_holders", np.int32)
    word_holders = np.zeros(width, dtype=np.int64)
    spans: dict[int, slice] = {}
    end = most = 0
    for (first, _), bag in zip(blocks, mapper(count, blocks, stage=name), strict=True):
        words.append(SparseRows.of(bag.words))
        pairs.append(SparseRows.of(bag.pairs))
        keys.append(bag.keys)
        pair_holders.append(np.bincount(bag.pairs.indices, minlength=len(bag.keys)))
        word_holders += np.bincount(bag.words.indices, minlength=width)
        spans[first] = slice(end, end + len(bag.keys))
        end, most = spans[first].stop, max(most, len(bag.keys))
    return Bags(
        blocks=blocks,
        words=words.finish(width),
        pairs=pairs.finish(most),
        keys=keys.finish(),
        pair_holders=pair_holders.finish(),
        spans=spans,
        word_holders=word_holders,
    )


def drop_bags(workspace: Workspace, name: str) -> None:
    """Free the space of the counts that :func:`count_bags` stored under a name."""
    for kind in ("words", "pairs"):
        drop_matrix(workspace, f"{name}_{kind}")
    workspace.drop(f"{name}_keys", f"{name}_holders")


def _count(block: TokenizedBlock, columns: SpellingColumns) -> Bag:
    first, second = columns.paired[block.tokens[:-1]], columns.paired[block.tokens[1:]]
    owners, weights = block.owners[:-1], block.weights[:-1]  # of each pair's first word
    beside = (first >= 0) & (second >= 0) & (owners == block.owners[1:])
    pairs = (first * columns.width + second)[beside]
    keys, places = np.unique(pairs, return_inverse=True)
    counts = weights[beside], (owners[beside], places)
    rows = sp.coo_matrix(counts, shape=(block.count, len(keys))).tocsr()
    return Bag(words=columns.words(block), pairs=rows, keys=keys)


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

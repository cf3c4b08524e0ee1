"""Key phrases: what an article is about, and so what two articles share.

Candidates are words and pairs of neighboring words, none of them a stop word, a bare number
or a word that every other article of the site uses too; one word of a pair may be a letter, as in
"vitamin D". Each article keeps its best phrases. Two articles share the phrases that both keep, so
any pair of articles can be explained, however it was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, Workspace, find_sorted
from recommender.bag_of_words import Bag, SharedPairs, count_bags, renumber_columns
from recommender.parallel import BlockMapper, equal_blocks, map_in_threads
from recommender.phrase_words import METHOD_WORDS, PhraseWords, find_phrase_words
from recommender.tokenizer import BREAK, TokenizedCorpus, fold_case
from recommender.top_k import top_of_rows

PER_ARTICLE = 40
"""Phrases kept of each article."""

NO_PHRASE = -1

_MAX_SHARE = 0.15  # of the articles; a more frequent phrase tells nothing
_MIN_COHESION = 0.08  # share of the articles with the rarer word of a pair that hold the pair
_PAIR_BONUS = 1.5
_METHOD_FACTOR = 0.25
_BOUND_SHARE = 0.8
_LOOSE_SHARE = 0.5
_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """Each article's phrases.

    Attributes:
        rows: Shape (articles, :data:`PER_ARTICLE`), int32: ids into ``names``, best first,
            :data:`NO_PHRASE` at the end.
        names: Every phrase as a reader would write it.
    """

    rows: NDArray[np.int32]
    names: Sequence[str]


def extract_phrases(
    corpus: TokenizedCorpus,
    languages: Sequence[str],
    workspace: Workspace = IN_MEMORY,
    mapper: BlockMapper = map_in_threads,
) -> Phrases:
    """Find every article's phrases.

    Args:
        corpus: The words of all articles.
        languages: BCP 47 tags of the languages that occur, for their stop words; if empty,
            the language whose stop words cover most of the corpus.
        workspace: Gets the column ``phrases_rows``.
        mapper: Maps over blocks of articles; on every core of this machine by default.
    """
    words = find_phrase_words(corpus, languages)
    bags = count_bags(corpus, words.columns, name="phrases", workspace=workspace, mapper=mapper)
    candidates = _Candidates.of(bags.word_holders, bags.shared_pairs(), len(corpus), words)

    def choose(start: int, stop: int) -> BestPhrases:
        return candidates.best(bags.bag(start, stop))

    numbers = workspace.column("phrase_numbers", np.int32, PER_ARTICLE)
    used = np.zeros(len(candidates), dtype=bool)
    for best in mapper(choose, bags.blocks, stage="best-phrases"):
        used[best.rows[best.rows != NO_PHRASE]] = True
        numbers.append(best.rows)
    bags.drop()
    new_number = np.cumsum(used) - 1
    chosen, rows = numbers.finish(), workspace.column("phrases_rows", np.int32, PER_ARTICLE)
    for start, stop in equal_blocks(len(corpus), _CHUNK):
        part = chosen[start:stop]
        rows.append(np.where(part == NO_PHRASE, NO_PHRASE, new_number[part]).astype(np.int32))
    workspace.drop("phrase_numbers")
    return Phrases(rows=rows.finish(), names=candidates.names(np.flatnonzero(used), words.printed))


def emphasis(phrase: str) -> float:
    """The factor of a phrase's weight beside its rarity: pairs count more, words of method less."""
    parts = phrase.casefold().split(" ")
    pair = _PAIR_BONUS if len(parts) > 1 else 1.0
    return pair if METHOD_WORDS.isdisjoint(parts) else pair * _METHOD_FACTOR


@dataclass(frozen=True, slots=True, kw_only=True)
class BestPhrases:
    """The phrases of some articles, numbered as the candidates are.

    Attributes:
        rows: Shape (articles, :data:`PER_ARTICLE`), int32, best first; :data:`NO_PHRASE` at the
            end.
    """

    rows: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidates:
    """Every phrase that there may be: words, then pairs of words.

    Attributes:
        weights: Shape (phrases,), float64: how much each tells; 0 for what is no phrase.
        pair_keys: Shape (pairs,), int64, ascending: ``first * words + second``.
    """

    weights: NDArray[np.float64]
    pair_keys: NDArray[np.int64]

    @classmethod
    def of(
        cls, holders: NDArray[np.int64], pairs: SharedPairs, count: int, words: PhraseWords
    ) -> _Candidates:
        """Weigh every word and pair by rarity and :func:`emphasis`.

        Args:
            holders: Shape (words,), int64: how many articles hold each word.
            pairs: The pairs that several articles hold.
            count: How many articles there are.
            words: The words themselves.
        """
        most = max(2.0, _MAX_SHARE * count) if count > 20 else float(count)
        words_fit = (holders >= 2) & (holders <= most)
        first, second = _split_keys(pairs.keys, holders)
        rarer = np.maximum(1, np.minimum(holders[first], holders[second]))
        # Any letter may follow many a word: in mathematics, and in lists.
        rarer = np.where(words.letters[second], holders[first], rarer)
        pairs_fit = (pairs.holders <= most) & (pairs.holders >= _MIN_COHESION * rarer)
        pairs_fit &= ~_find_fragments(pairs, holders)
        pairs_fit &= ~(words.letters[first] | words.letters[second]) | np.isin(
            pairs.keys, words.letter_names
        )
        rarity = np.log1p(count / np.maximum(np.concatenate([holders, pairs.holders]), 1))
        fit = np.concatenate([words_fit, pairs_fit])
        factors = np.array([emphasis(word) for word in words.printed])
        pair_factors = _PAIR_BONUS * np.minimum(factors[first], factors[second])
        weights = np.where(fit, rarity * np.concatenate([factors, pair_factors]), 0.0)
        return cls(weights=weights, pair_keys=pairs.keys)

    def __len__(self) -> int:
        return len(self.weights)

    def best(self, bag: Bag) -> BestPhrases:
        """The best phrases of each article of a block."""
        places = find_sorted(self.pair_keys, bag.keys)
        pairs = renumber_columns(bag.pairs, places, len(self.pair_keys))
        both = sp.hstack([bag.words, pairs], format="csr")
        kept = np.where(self.weights > 0, np.arange(len(self)), -1)
        phrases = renumber_columns(both, kept, len(self))
        phrases.data = np.sqrt(phrases.data) * self.weights[phrases.indices].astype(np.float32)
        return BestPhrases(rows=top_of_rows(phrases, PER_ARTICLE).rows)

    def names(self, numbers: NDArray[np.int64], printed: Sequence[str]) -> list[str]:
        """Phrases as a reader would write them."""
        words = numbers < len(printed)
        first, second = _split_keys(self.pair_keys[numbers[~words] - len(printed)], printed)
        pairs = zip(first.tolist(), second.tolist(), strict=True)
        return [
            *(printed[number] for number in numbers[words].tolist()),
            *(f"{printed[one]} {printed[other]}" for one, other in pairs),
        ]


def _find_fragments(pairs: SharedPairs, holders: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which pairs lack their noun: "progressive multiple", where sclerosis nearly always follows.

    In most articles the last word of such a pair is followed by one and the same word, and in few
    it stands in this pair. A pair that lacks a word before it, "cuff tears", says enough.
    """
    first, second = _split_keys(pairs.keys, holders)
    most_followed = np.zeros(len(holders), dtype=np.int64)
    np.maximum.at(most_followed, first, pairs.holders)
    bound = most_followed[second] >= _BOUND_SHARE * holders[second]
    return bound & (pairs.holders < _LOOSE_SHARE * holders[second])


def _split_keys(
    keys: NDArray[np.int64], words: Sized
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The two words of each pair."""
    first, second = np.divmod(keys, max(len(words), 1))
    return first, second


def find_known_phrases(
    corpus: TokenizedCorpus,
    rows: NDArray[np.int32],
    names: Sequence[str],
    rarity: Callable[[str], float],
) -> list[int]:
    """The phrases of a text that is no article, out of those of the articles close to it.

    Args:
        corpus: The words of the one text.
        rows: Any of :attr:`Phrases.rows`: those of the articles that are close to the text, since
            it could share no other phrase with them.
        names: :attr:`Phrases.names`.
        rarity: ``ln(1 + articles / holders)`` of a phrase.

    Returns:
        At most :data:`PER_ARTICLE` ids, best first.
    """
    counts = _count_phrases(corpus)
    values: dict[int, float] = {}
    for phrase in np.unique(rows[rows != NO_PHRASE]).tolist():
        name = names[phrase]
        if (count := counts.get(" ".join(map(fold_case, name.split(" "))))) is not None:
            values[phrase] = emphasis(name) * rarity(name) * count**0.5
    best = sorted((-value, phrase) for phrase, value in values.items() if value > 0)
    return [phrase for _, phrase in best[:PER_ARTICLE]]


def _count_phrases(corpus: TokenizedCorpus) -> Counter[str]:
    """How often each word and each pair of neighboring words occurs, words of the title twice."""
    words = [fold_case(spelling) for spelling in corpus.spellings]
    tokens, weights = corpus.tokens.tolist(), corpus.block(0, len(corpus)).weights.tolist()
    counts: Counter[str] = Counter()
    # A text ends with a break, so every word has a token after it.
    for token, following, weight in zip(tokens, [*tokens[1:], BREAK], weights, strict=True):
        if token == BREAK:
            continue
        counts[words[token]] += weight
        if following != BREAK:
            counts[f"{words[token]} {words[following]}"] += weight
    return counts

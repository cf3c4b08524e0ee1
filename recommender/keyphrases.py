"""Key phrases: the words and word pairs that say what an article is about.

Candidates are words and pairs of neighboring words. Stop words, bare numbers and words that very
many of the site's articles use are excluded; one word of a pair may be a letter, as in "vitamin D".
The best phrases of each article are stored. The phrases that are stored for two articles explain
why the two are related.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, Workspace, find_sorted
from recommender.bag_of_words import Bag, SharedPairs, count_bags, drop_bags, renumber_columns
from recommender.parallel import BlockMapper, equal_blocks, map_in_threads
from recommender.phrase_words import METHOD_WORDS, PhraseWords, find_phrase_words
from recommender.tokenizer import BREAK, TokenizedCorpus, fold_case
from recommender.top_k import top_of_rows

PER_ARTICLE = 40
"""Number of phrases kept per article."""

NO_PHRASE = -1

_MAX_SHARE = 0.15  # of the articles; a phrase that is in more of them says nothing about one
_MIN_COHESION = 0.08  # of the articles with a pair's rarer word, at least this share has the pair
_PAIR_BONUS = 1.5
_METHOD_FACTOR = 0.25
_BOUND_SHARE = 0.8
_LOOSE_SHARE = 0.5
_CHUNK = 65_536
_SPELLED = 10_000_000  # words in which the usual spelling of pairs is looked for
_FIXED_USES = 3  # of a pair, all of them beside the same word, which then belongs to its name
_UNSEEN = -2
_LONGEST = 6  # words of a name: a pair, and two on each side


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """The key phrases of every article of a corpus.

    Attributes:
        rows: Shape (articles, :data:`PER_ARTICLE`), int32: each article's phrases, best first, as
            positions in ``names``; :data:`NO_PHRASE` at the end.
        names: The text of every phrase, in its usual spelling.
        weights: Shape (phrases,), float32: the weight of each phrase, by which an article's best
            ones are chosen.
        spellings: For each word that can be a phrase by itself, in lower case, its usual spelling.
    """

    rows: NDArray[np.int32]
    names: Sequence[str]
    weights: NDArray[np.float32]
    spellings: Mapping[str, str]


def extract_phrases(
    corpus: TokenizedCorpus,
    languages: Sequence[str],
    workspace: Workspace = IN_MEMORY,
    mapper: BlockMapper = map_in_threads,
) -> Phrases:
    """Extract the key phrases of every article.

    Args:
        corpus: The words of all articles.
        languages: BCP 47 tags of the corpus's languages, whose stop words are excluded; if empty,
            the language whose stop words cover most of the corpus is used.
        workspace: Stores the array ``phrases_rows``, which is :attr:`Phrases.rows`.
        mapper: Runs a function on every block of articles; by default on every core of this
            machine.
    """
    words = find_phrase_words(corpus, languages)
    bags = count_bags(corpus, words.columns, name="phrases", workspace=workspace, mapper=mapper)
    candidates = _Candidates.of(bags.word_holders, bags.shared_pairs(), len(corpus), words)

    def choose(start: int, stop: int) -> NDArray[np.int32]:
        return candidates.best(bags.bag(start, stop))

    numbers = workspace.column("phrase_numbers", np.int32, PER_ARTICLE)
    used = np.zeros(len(candidates), dtype=bool)
    for best in mapper(choose, bags.blocks, stage="best-phrases"):
        used[best[best != NO_PHRASE]] = True
        numbers.append(best)
    drop_bags(workspace, "phrases")
    new_number = np.cumsum(used) - 1
    chosen, rows = numbers.finish(), workspace.column("phrases_rows", np.int32, PER_ARTICLE)
    for start, stop in equal_blocks(len(corpus), _CHUNK):
        part = chosen[start:stop]
        rows.append(np.where(part == NO_PHRASE, NO_PHRASE, new_number[part]).astype(np.int32))
    workspace.drop("phrase_numbers")
    return Phrases(
        rows=rows.finish(),
        names=candidates.names(np.flatnonzero(used), words, corpus),
        weights=candidates.weights[used].astype(np.float32),
        spellings=words.spellings,
    )


def emphasis(phrase: str) -> float:
    """Return the factor by which a phrase's rarity is multiplied to get the phrase's weight.

    It is high for word pairs, and low for phrases about how a study was done.
    """
    parts = phrase.casefold().split(" ")
    pair = _PAIR_BONUS if len(parts) > 1 else 1.0
    return pair if METHOD_WORDS.isdisjoint(parts) else pair * _METHOD_FACTOR


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidates:
    """All candidate phrases of a corpus: its words, followed by its word pairs.

    Attributes:
        weights: Shape (candidates,), float64: the weight of each candidate; 0 if it is no phrase.
        pair_keys: Shape (pairs,), int64, ascending: the key of each word pair, which is
            ``first * number of words + second``.
    """

    weights: NDArray[np.float64]
    pair_keys: NDArray[np.int64]

    @classmethod
    def of(
        cls, holders: NDArray[np.int64], pairs: SharedPairs, count: int, words: PhraseWords
    ) -> "_Candidates":
        """Weight every word and pair by its rarity and its :func:`emphasis`.

        Args:
            holders: Shape (words,), int64: the number of articles that contain each word.
            pairs: The pairs that occur in at least two articles.
            count: Number of articles.
            words: The words that phrases may contain.
        """
        most = max(2.0, _MAX_SHARE * count) if count > 20 else float(count)
        words_fit = (holders >= 2) & (holders <= most)
        first, second = _split_keys(pairs.keys, holders)
        rarer = np.maximum(1, np.minimum(holders[first], holders[second]))
        # In formulas and lists almost any letter can follow a word: compare with the word only.
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

    def best(self, bag: Bag) -> NDArray[np.int32]:
        """Return the best phrases of each article of a block, as :func:`_best_of` does."""
        places = find_sorted(self.pair_keys, bag.keys)
        pairs = renumber_columns(bag.pairs, places, len(self.pair_keys))
        both = sp.hstack([bag.words, pairs], format="csr")
        kept = np.where(self.weights > 0, np.arange(len(self)), -1)
        phrases = renumber_columns(both, kept, len(self))
        return _best_of(phrases, self.weights)

    def names(
        self, numbers: NDArray[np.int64], words: PhraseWords, corpus: TokenizedCorpus
    ) -> list[str]:
        """Return the text of some candidates in their usual spelling.

        Args:
            numbers: Shape (any,), int64, ascending: positions among the candidates.
            words: The words that phrases may contain.
            corpus: The words of all articles.
        """
        printed = words.printed
        alone = numbers < len(printed)
        keys = self.pair_keys[numbers[~alone] - len(printed)]
        first, second = _split_keys(keys, printed)
        pairs = [
            f"{printed[one]} {printed[other]}"
            for one, other in zip(first.tolist(), second.tolist(), strict=True)
        ]
        for place, name in _spell_pairs(corpus, words, keys):
            pairs[place] = name
        return [*(printed[number] for number in numbers[alone].tolist()), *pairs]


def _pair_keys(
    words: PhraseWords, first: NDArray[np.integer], second: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Return the keys of pairs of spellings; -1 if one of the two is in no pair."""
    one, other = words.columns.paired[first], words.columns.paired[second]
    return np.where((one < 0) | (other < 0), -1, one * len(words.printed) + other)


def _spell_pairs(
    corpus: TokenizedCorpus, words: PhraseWords, keys: NDArray[np.int64]
) -> Iterator[tuple[int, str]]:
    """Yield the place of each pair among the keys, and its name as the corpus mostly spells it.

    So it is "Tax Court", though "tax" is mostly a small word. If the same words stand beside a pair
    wherever it is used, they belong to its name: "optical coherence" is "optical coherence
    tomography".

    Args:
        corpus: The words of all articles, of which the first :data:`_SPELLED` are looked at.
        words: The words that phrases may contain.
        keys: Shape (pairs,), int64, ascending: the keys of the pairs.
    """
    width, tokens, paired = len(corpus.spellings), corpus.tokens, words.columns.paired
    beside = {step: np.full(len(keys), _UNSEEN) for step in (-2, -1, 2, 3)}
    uses = np.zeros(len(keys), dtype=np.int64)
    found = [np.zeros((2, 0), dtype=np.int64)]
    for start in range(0, min(len(tokens), _SPELLED), _CHUNK):
        first, second = tokens[start : start + _CHUNK], tokens[start + 1 : start + _CHUNK + 1]
        first = first[: len(second)].astype(np.int64)
        places = find_sorted(keys, _pair_keys(words, first, second))
        held = np.flatnonzero(places >= 0)
        places = places[held]
        uses += np.bincount(places, minlength=len(keys))
        found.append(np.stack([(first * width + second)[held], start + held]))
        for step, usual in beside.items():
            here = paired[tokens.take(start + held + step, mode="wrap")]
            usual[places] = np.where(usual[places] == _UNSEEN, here, usual[places])
            usual[places[here != usual[places]]] = -1
    fixed = {
        step: (uses >= _FIXED_USES) & (usual >= 0) & ~words.letters[usual]
        for step, usual in beside.items()
    }
    starts = np.where(fixed[-1], 1 + fixed[-2], 0)
    stops = 2 + np.where(fixed[2], 1 + fixed[3], 0)
    spelled, at = np.concatenate(found, axis=1)
    pairs, firsts, counts = np.unique(spelled, return_index=True, return_counts=True)
    commonest = np.argsort(-counts, kind="stable")
    of = _pair_keys(words, *np.divmod(pairs[commonest], max(width, 1)))
    of, firsts_of = np.unique(of, return_index=True)
    for place, where in zip(
        find_sorted(keys, of).tolist(), at[firsts[commonest[firsts_of]]].tolist(), strict=True
    ):
        name = tokens[where - starts[place] : where + stops[place]].tolist()
        yield place, " ".join(corpus.spellings[token] for token in name)


def _find_fragments(pairs: SharedPairs, holders: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Find pairs that are cut off, such as "progressive multiple" (of "… multiple sclerosis").

    A pair counts as cut off if, in most articles with its last word ("multiple"), one certain word
    ("sclerosis") follows that word, and only some of those articles contain the whole pair. A pair
    that lacks its beginning, such as "cuff tears" (of "rotator cuff tears"), is kept.
    """
    first, second = _split_keys(pairs.keys, holders)
    most_followed = np.zeros(len(holders), dtype=np.int64)
    np.maximum.at(most_followed, first, pairs.holders)
    bound = most_followed[second] >= _BOUND_SHARE * holders[second]
    return bound & (pairs.holders < _LOOSE_SHARE * holders[second])


def _split_keys(
    keys: NDArray[np.int64], words: Sized
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split the keys of word pairs; return the id of each pair's first word and of its second."""
    first, second = np.divmod(keys, max(len(words), 1))
    return first, second


def _best_of(counts: sp.csr_matrix, weights: NDArray[np.floating]) -> NDArray[np.int32]:
    """Return the best phrases of some articles.

    Args:
        counts: Shape (articles, phrases), float32 CSR: how often each article has each phrase;
            changed in place.
        weights: Shape (phrases,): the weight of each phrase.

    Returns:
        Shape (articles, :data:`PER_ARTICLE`), int32: positions among the phrases, best first;
        :data:`NO_PHRASE` at the end.
    """
    counts.data = np.sqrt(counts.data) * weights[counts.indices].astype(np.float32)
    return top_of_rows(counts, PER_ARTICLE).rows


def find_known_phrases(
    corpus: TokenizedCorpus,
    phrases: Iterable[int],
    names: Sequence[str],
    weights: NDArray[np.float32],
) -> NDArray[np.int32]:
    """Find the key phrases of texts outside the corpus, such as a draft, among those of the corpus.

    Args:
        corpus: The words of the texts.
        phrases: The phrases to look for, as positions in ``names``: for a draft, those of its
            related articles, since it can share no others with them.
        names: The text of every phrase of the corpus.
        weights: Shape (phrases,), float32: see :attr:`Phrases.weights`.

    Returns:
        Shape (texts, :data:`PER_ARTICLE`), int32: positions in ``names``, best first;
        :data:`NO_PHRASE` at the end.
    """
    numbers_of: dict[str, list[int]] = defaultdict(list)
    for number in phrases:
        numbers_of[" ".join(map(fold_case, names[number].split(" ")))].append(number)
    counted = [_count_phrases(corpus, row, numbers_of) for row in range(len(corpus))]
    found = [
        (row, number, count)
        for row, counts in enumerate(counted)
        for name, count in counts.items()
        for number in numbers_of[name]
    ]
    rows, numbers, counts = zip(*found, strict=True) if found else ((), (), ())
    matrix = sp.csr_matrix(
        (np.array(counts, dtype=np.float32), (rows, numbers)), shape=(len(corpus), len(names))
    )
    return _best_of(matrix, weights)


def _count_phrases(corpus: TokenizedCorpus, row: int, names: Collection[str]) -> Counter[str]:
    """Count those of some phrases that are in a text; title words count twice."""
    block = corpus.block(row, row + 1)
    tokens, weights = block.tokens.tolist(), block.weights.tolist()
    words = {token: fold_case(corpus.spellings[token]) for token in tokens}
    counts: Counter[str] = Counter()
    for at, weight in enumerate(weights):
        name = ""
        for token in itertools.takewhile(BREAK.__ne__, tokens[at : at + _LONGEST]):
            name = f"{name} {words[token]}" if name else words[token]
            if name in names:
                counts[name] += weight
    return counts

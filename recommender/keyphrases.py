"""Phrases that say what an article is about, and so what two articles share.

Candidates are words and pairs of neighboring words, none of them a stop word, a bare number
or a word that every other article of the site uses too; of a pair, one may be a letter, as in
"vitamin D". Each article keeps its best; what two articles share is what both lists hold, so any
pair can be explained, whichever way it came about.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence, Sized
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import stopwordsiso
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, Workspace
from recommender.bag_of_words import Bag, SharedPairs, count_bags, renumbered
from recommender.letter_compounds import find_lettered, find_letters
from recommender.parallel import BlockPlan, equal_blocks, over_blocks
from recommender.stop_phrases import METHOD, REPORTING
from recommender.tokenizer import BREAK, TokenizedBlock, TokenizedCorpus, WordPairs, folded
from recommender.top_k import top_of_rows

PER_ARTICLE = 40
"""Phrases kept of each article."""

NO_PHRASE = -1

_COMMON_SHARE = 0.15
_PAIR_COHESION = 0.08
_PAIR_BONUS = 1.5
_METHOD_SHARE = 0.25
_BOUND = 0.8
_LOOSE = 0.5
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
    spread: BlockPlan = over_blocks,
) -> Phrases:
    """Find every article's phrases.

    Args:
        corpus: The words of all articles.
        languages: BCP 47 tags of the languages that occur, for their stop words; if empty,
            the language whose stop words cover most of the corpus.
        workspace: Gets the column ``phrases_rows``.
        spread: Works on many articles at once; on every core of this machine by default.
    """
    words, spelled = _spell(corpus, languages)
    bags = count_bags(
        corpus,
        spelled.words,
        spelled.pairs,
        spelled.width,
        name="phrases",
        workspace=workspace,
        spread=spread,
    )
    known = _Known.of(bags.word_holders, bags.shared_pairs(), len(corpus), words)

    def choose(start: int, stop: int) -> BestPhrases:
        return known.best(bags.bag(start, stop))

    numbers = workspace.column("phrase_numbers", np.int32, PER_ARTICLE)
    used = np.zeros(len(known), dtype=bool)
    for best in spread(choose, bags.blocks, stage="best-phrases"):
        used[best.rows[best.rows != NO_PHRASE]] = True
        numbers.append(best.rows)
    bags.drop()
    new_number = np.cumsum(used) - 1
    chosen, rows = numbers.finish(), workspace.column("phrases_rows", np.int32, PER_ARTICLE)
    for start, stop in equal_blocks(len(corpus), _CHUNK):
        part = chosen[start:stop]
        rows.append(np.where(part == NO_PHRASE, NO_PHRASE, new_number[part]).astype(np.int32))
    workspace.drop("phrase_numbers")
    return Phrases(rows=rows.finish(), names=known.names(np.flatnonzero(used), words.printed))


def emphasis(phrase: str) -> float:
    """What a phrase counts beside how rare it is: two words more than one, those of method less."""
    parts = phrase.casefold().split(" ")
    pair = _PAIR_BONUS if len(parts) > 1 else 1.0
    return pair if METHOD.isdisjoint(parts) else pair * _METHOD_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class BestPhrases:
    """The phrases of some articles, before they are numbered anew.

    Attributes:
        rows: Shape (articles, :data:`PER_ARTICLE`), int32, best first; :data:`NO_PHRASE` at the
            end.
    """

    rows: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Every word that may be a phrase or half of one.

    Attributes:
        printed: How each is mostly printed, whatever its case.
        letters: Shape (words,), bool: which are one letter.
        lettered: Shape (pairs,), int64: which pairs with a letter are names; see
            :func:`recommender.letter_compounds.find_lettered`.
    """

    printed: list[str]
    letters: NDArray[np.bool_]
    lettered: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spelled:
    """What each spelling is as a phrase, and what it is in one of two words.

    Attributes:
        width: How many words there are.
        alone: Shape (spellings,): its word's number, -1 if that is no phrase by itself.
        paired: Shape (spellings,): the same, -1 if no phrase begins or ends with it.
    """

    width: int
    alone: NDArray[np.int64]
    paired: NDArray[np.int64]

    def words(self, block: TokenizedBlock) -> sp.csr_matrix:
        """How often each word is in each article, words of the title twice."""
        columns = self.alone[block.tokens]
        told = columns >= 0
        return sp.coo_matrix(
            (block.weights[told], (block.owners[told], columns[told])),
            shape=(block.count, self.width),
        ).tocsr()

    def pairs(self, block: TokenizedBlock) -> WordPairs:
        """Pairs of neighboring words."""
        return block.neighbors(self.paired, self.width)


def _spell(corpus: TokenizedCorpus, languages: Sequence[str]) -> tuple[_Words, _Spelled]:
    """The words of a corpus, and what each spelling is."""
    uses = corpus.uses()
    words, word_of, printed = _fold_case(corpus.spellings, uses)
    word_uses = np.bincount(word_of, weights=uses, minlength=len(words)).astype(np.int64)
    stop = _stop_words(words, word_uses, languages)
    letters = find_letters(words)
    content = _content_words(words, printed, stop) & ~letters
    short = np.array([len(word) <= 2 for word in words])
    acronym = np.array([len(name) == 2 and name.isupper() for name in printed])
    telling = content & (~short | acronym)
    lettered = find_lettered(
        corpus,
        word_of,
        words,
        word_uses,
        content=content,
        stop=np.array([word in stop for word in words]) & ~content,
    )
    return _Words(printed=printed, letters=letters, lettered=lettered), _Spelled(
        width=len(words),
        alone=np.where(telling[word_of], word_of, -1),
        paired=np.where((content | letters)[word_of], word_of, -1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Every phrase there may be: words, and after them pairs of words.

    Attributes:
        weights: Shape (phrases,), float64: how telling each is; 0 for what is none.
        pair_keys: Shape (pairs,), int64, ascending: ``first * words + second``.
    """

    weights: NDArray[np.float64]
    pair_keys: NDArray[np.int64]

    @classmethod
    def of(
        cls, holders: NDArray[np.int64], pairs: SharedPairs, count: int, words: _Words
    ) -> _Known:
        common = max(2.0, _COMMON_SHARE * count) if count > 20 else float(count)
        alone = (holders >= 2) & (holders <= common)
        first, second = _parts(pairs.keys, holders)
        rarer = np.maximum(1, np.minimum(holders[first], holders[second]))
        # After many a word stands any letter: in mathematics, and where things are listed.
        rarer = np.where(words.letters[second], holders[first], rarer)
        fits = (pairs.holders <= common) & (pairs.holders >= _PAIR_COHESION * rarer)
        fits &= ~_fragments(pairs, holders)
        fits &= ~(words.letters[first] | words.letters[second]) | np.isin(
            pairs.keys, words.lettered
        )
        rarity = np.log1p(count / np.maximum(np.concatenate([holders, pairs.holders]), 1))
        told = np.concatenate([alone, fits])
        each = np.array([emphasis(word) for word in words.printed])
        stress = np.concatenate([each, _PAIR_BONUS * np.minimum(each[first], each[second])])
        return cls(weights=np.where(told, rarity * stress, 0.0), pair_keys=pairs.keys)

    def __len__(self) -> int:
        return len(self.weights)

    def best(self, bag: Bag) -> BestPhrases:
        """The best phrases of each article of a block."""
        places = np.searchsorted(self.pair_keys, bag.keys)
        fits = places < len(self.pair_keys)
        fits[fits] = self.pair_keys[places[fits]] == bag.keys[fits]
        pairs = renumbered(bag.pairs, np.where(fits, places, -1), len(self.pair_keys))
        both = sp.hstack([bag.words, pairs], format="csr")
        told = np.where(self.weights > 0, np.arange(len(self)), -1)
        phrases = renumbered(both, told, len(self))
        phrases.data = np.sqrt(phrases.data) * self.weights[phrases.indices].astype(np.float32)
        return BestPhrases(rows=top_of_rows(phrases, PER_ARTICLE).rows)

    def names(self, numbers: NDArray[np.int64], printed: Sequence[str]) -> list[str]:
        """Phrases as a reader would write them."""
        words = numbers < len(printed)
        first, second = _parts(self.pair_keys[numbers[~words] - len(printed)], printed)
        pairs = zip(first.tolist(), second.tolist(), strict=True)
        return [
            *(printed[number] for number in numbers[words].tolist()),
            *(f"{printed[one]} {printed[other]}" for one, other in pairs),
        ]


def _fragments(pairs: SharedPairs, holders: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which pairs lack their noun: "progressive multiple", where sclerosis nearly always follows.

    Such a pair ends with a word that goes on the same way in most articles that hold it, and that
    few of them hold in this pair. One that lacks a word before it, "cuff tears", says enough.
    """
    first, second = np.divmod(pairs.keys, max(len(holders), 1))
    goes_on = np.zeros(len(holders), dtype=np.int64)
    np.maximum.at(goes_on, first, pairs.holders)
    bound = goes_on[second] >= _BOUND * holders[second]
    return bound & (pairs.holders < _LOOSE * holders[second])


def _parts(keys: NDArray[np.int64], words: Sized) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, second = np.divmod(keys, max(len(words), 1))
    return first, second


def _fold_case(
    spellings: Sequence[str], uses: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.int64], list[str]]:
    """Words, folded, each spelling's word, and how each word is mostly printed."""
    numbers: dict[str, int] = {"": BREAK}
    word_of = np.zeros(len(spellings), dtype=np.int64)
    printed: list[str] = [""]
    best = array("q", [0])
    for spelling_id, (spelling, used) in enumerate(zip(spellings, uses.tolist(), strict=True)):
        if spelling_id == BREAK:
            continue
        number = numbers.setdefault(folded(spelling), len(numbers))
        word_of[spelling_id] = number
        if number == len(printed):
            printed.append(spelling)
            best.append(0)
        if used > best[number]:
            printed[number], best[number] = spelling, used
    return list(numbers), word_of, printed


def _content_words(
    words: list[str],
    printed: list[str],
    stop: set[str],
) -> NDArray[np.bool_]:
    return np.array(
        [
            bool(word)
            and not word[0].isdigit()
            # An acronym is no stop word, though many a country's code is listed as one.
            and (word not in stop or (len(name) > 1 and name.isupper()))
            and word not in REPORTING
            and not word.replace("-", "").isdigit()
            for word, name in zip(words, printed, strict=True)
        ]
    )


def _stop_words(words: list[str], uses: NDArray[np.int64], languages: Sequence[str]) -> set[str]:
    codes = {language.partition("-")[0] for language in languages}
    known = sorted(code for code in codes if stopwordsiso.has_lang(code))
    if not known:
        frequent = Counter({words[i]: int(uses[i]) for i in np.argsort(-uses)[:300] if words[i]})
        covered = {
            code: sum(
                number for word, number in frequent.items() if word in stopwordsiso.stopwords(code)
            )
            for code in sorted(stopwordsiso.langs())
        }
        known = [max(covered, key=lambda code: covered[code])] if any(covered.values()) else []
    return set(stopwordsiso.stopwords(known)) if known else set()

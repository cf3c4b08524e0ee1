"""Sentences for editors: why an article is in another's list, told by the evidence.

Each kind of evidence gives a clause if there is something to name: phrases or words that stand in
both texts, a title that the other text names, tags, authors, links of the pages. The two clauses
whose evidence adds most to the score make the sentence. Everything that is named stands in both
articles.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import find_sorted
from recommender.evidence import KINDS, PairData, compare
from recommender.fusion import Calibration
from recommender.neighbors import NO_ROW, Rows
from recommender.shared_phrases import distinct_phrases
from recommender.text import PreparedText
from recommender.tokenizer import BREAK, WORD, split_terms, tokenize_corpus

CLOSE = "Close in meaning."
"""Says that the texts are alike, but there is no word, title, label or link to name."""

NOTHING = "Nothing in common was found."
"""Says the same of articles that are not alike either, such as one that an editor pinned."""

_CLAUSES = 2
_PHRASES = 3
_FEW = 2
_LOOKED_AT = 16
_LABELS = 2
_TITLES, _TEXTS = 10_000, 1_000
_ANY = float(np.finfo(np.float32).tiny)
_WHOLE = 0.99
"""Only a text with at least this share of the idf of a title's words is searched for the title."""

_WORD = re.compile(WORD)
_AT = {kind.name: position for position, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteNames:
    """The titles, words, tags and authors of a site, which explanations of lists quote.

    Attributes:
        title: Returns the title of an article by its row.
        text: Returns the title and the text of an article by its row.
        column: Returns the column of a word in the term weights; ``None`` if it has none.
        pair_keys: Shape (pairs,), int64: see :class:`recommender.term_counts.CorpusTerms`.
        words: The usual spelling of the word of each column of the term weights; empty for a word
            that says nothing by itself.
        tags: The name of each tag by its number.
        authors: The name of each author by its number.
    """

    title: Callable[[int], str]
    text: Callable[[int], str]
    column: Callable[[str], int | None]
    pair_keys: NDArray[np.int64]
    words: Sequence[str]
    tags: Sequence[str]
    authors: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNames:
    """What the sentences that explain one related list may quote.

    Attributes:
        title: The title of the article or draft whose list it is.
        text: Returns the title and the text of that article or draft.
        shared: For each listed article, the phrases that it shares with that one, best first.
        linked: Returns, for the row of a listed article, a clause that says how links connect the
            two; empty if none do.
    """

    title: str
    text: Callable[[], str]
    shared: Sequence[Sequence[str]]
    linked: Callable[[int], str]


class Sentences:
    """Writes the sentences that explain why articles are in related lists.

    Args:
        corpus: The data by which the articles of the corpus are compared.
        calibration: The weights and scales by which pairs are scored.
        names: The titles, words, tags and authors that sentences may quote.
    """

    def __init__(self, corpus: PairData, calibration: Calibration, names: SiteNames) -> None:
        self._corpus, self._calibration, self._names = corpus, calibration, names
        self._weights = np.array(calibration.weights, dtype=np.float32)
        # Of a method it would make a circle, which keeps a replaced build's files open.
        self._title_pairs = functools.lru_cache(_TITLES)(functools.partial(_pairs_of, names))

    def explain(self, own: PairData, rows: Rows, lists: Sequence[ListNames]) -> list[list[str]]:
        """Return, for each list, a sentence for each listed article that says why it is there.

        Args:
            own: The data of the articles or drafts whose lists they are, one row for each list.
            rows: Shape (lists, k), int32: the rows of the listed articles; ``NO_ROW`` only at the
                end.
            lists: What the sentences of each list may quote.
        """
        values = compare(own, self._corpus, rows, self._calibration.weights)
        added = (self._calibration.standardize(values) * self._weights).tolist()
        found = []
        for number, (listed, facts) in enumerate(zip(rows.tolist(), lists, strict=True)):
            terms = _row(own.terms, number)
            labels = {kind: _weights_of(getattr(own, kind), number) for kind in ("tags", "authors")}
            found.append(
                [
                    self._sentence(_Pair(labels, terms, other, shared), facts, held, says)
                    for other, held, says, shared in zip(
                        listed, values[number].tolist(), added[number], facts.shared, strict=False
                    )
                    if other != NO_ROW
                ]
            )
        return found

    def _sentence(
        self, pair: _Pair, facts: ListNames, values: Sequence[float], added: Sequence[float]
    ) -> str:
        """Return why a pair is related.

        Args:
            pair: The pair.
            facts: What may be quoted.
            values: Shape (kinds,): the pair's evidence.
            added: Shape (kinds,): what each kind of evidence adds to the score.
        """
        kinds: list[tuple[float, _Tell]] = [
            (max(added[_AT["words"]], added[_AT["meaning"]]), Sentences._speak_of)
        ]
        kinds += [(added[at], tell) for at, least, tell in _TELLERS if values[at] >= least]
        kinds.sort(key=_by_added, reverse=True)
        clauses: list[str] = []
        for _, tell in kinds:
            if clause := tell(self, pair, facts):
                clauses.append(clause)
                if len(clauses) == _CLAUSES:
                    break
        else:
            if linked := facts.linked(pair.other):
                clauses.append(linked)
        if not clauses:
            return CLOSE if added[_AT["meaning"]] > 0 else NOTHING
        sentence = ", and ".join(clauses)
        return f"{sentence[0].upper()}{sentence[1:]}."

    def _speak_of(self, pair: _Pair, _: ListNames) -> str:
        told = list(pair.shared[:_PHRASES])
        if len(told) < _FEW:
            every = [*told, *self._heaviest_words(pair)]
            told = [every[at] for at in distinct_phrases(range(len(every)), every, _PHRASES)]
        return f"both mention {_quoted(told)}" if told else ""

    def _heaviest_words(self, pair: _Pair) -> list[str]:
        """Return the words that both hold, by the product of their two weights."""
        columns, weights = _row(self._corpus.terms, pair.other)
        places = find_sorted(pair.terms[0], columns)
        both = (places >= 0) & (columns < len(self._names.words))
        products = weights[both] * pair.terms[1][places[both]]
        heaviest = np.argsort(-products, kind="stable")[: np.count_nonzero(products)]
        looked_at = columns[both][heaviest[:_LOOKED_AT]].tolist()
        return [name for column in looked_at if (name := self._names.words[column])]

    def _names_it(self, pair: _Pair, facts: ListNames) -> str:
        title = self._names.title(pair.other)
        # The text need not be read if it lacks a pair of the title's words.
        columns = self._title_pairs(title)
        likely = _are_in(pair.terms[0], columns)
        found = likely and (_names(facts.title, title) or _names(facts.text(), title))
        return f"the text names “{title}”" if found else ""

    def _is_named(self, pair: _Pair, facts: ListNames) -> str:
        title = facts.title
        columns = self._title_pairs(title)
        likely = _are_in(_row(self._corpus.terms, pair.other)[0], columns)
        their_title, text = self._names.title(pair.other), self._names.text
        found = likely and (_names(their_title, title) or _names(text(pair.other), title))
        return f"its text names “{title}”" if found else ""

    def _are_tagged(self, pair: _Pair, _: ListNames) -> str:
        tags = self._shared_labels(pair, "tags", self._names.tags)
        return f"both are tagged {_quoted(tags)}" if tags else ""

    def _are_by(self, pair: _Pair, _: ListNames) -> str:
        authors = self._shared_labels(pair, "authors", self._names.authors)
        return f"both are by {_and(authors)}" if authors else ""

    def _shared_labels(self, pair: _Pair, kind: str, names: Sequence[str]) -> list[str]:
        """Return the rarest labels that both have."""
        weight_of = pair.labels[kind]
        theirs = _row(getattr(self._corpus, kind), pair.other)[0].tolist()
        both = [number for number, weight in weight_of.items() if weight and number in theirs]
        rarest = sorted(both, key=lambda number: -weight_of[number])
        return [names[number] for number in rarest[:_LABELS]]


class _Pair(NamedTuple):
    """An article or text, and an article of the corpus.

    Attributes:
        labels: The weights of its tags and authors, by kind and number.
        terms: The columns of its words and pairs of words, ascending, and their weights.
        other: The row of the second.
        shared: The phrases that both have, best first.
    """

    labels: Mapping[str, Mapping[int, float]]
    terms: tuple[NDArray[np.int32], NDArray[np.float32]]
    other: int
    shared: Sequence[str]


_by_added = operator.itemgetter(0)
_Tell: TypeAlias = Callable[[Sentences, _Pair, ListNames], str]
_TELLERS: Sequence[tuple[int, float, _Tell]] = (
    (_AT["names"], _WHOLE, Sentences._names_it),
    (_AT["named"], _WHOLE, Sentences._is_named),
    (_AT["tags"], _ANY, Sentences._are_tagged),
    (_AT["authors"], _ANY, Sentences._are_by),
)
"""For kinds of evidence: position, the least value of which there is something to say, and what."""


def _are_in(ascending: NDArray[np.integer], columns: NDArray[np.integer]) -> bool:
    return len(columns) > 0 and bool((find_sorted(ascending, columns) >= 0).all())


def _row(matrix: sp.csr_matrix, row: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    here = slice(matrix.indptr[row], matrix.indptr[row + 1])
    return matrix.indices[here], matrix.data[here]


def _weights_of(matrix: sp.csr_matrix, row: int) -> dict[int, float]:
    columns, weights = _row(matrix, row)
    return dict(zip(columns.tolist(), weights.tolist(), strict=True))


def _and(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _quoted(names: Sequence[str]) -> str:
    return _and([f"“{name}”" for name in names])


def _names(text: str, title: str) -> bool:
    """Return whether the words of a title stand in a text one after another."""
    return _spaced(title) in _spaced(text)


def _pairs_of(names: SiteNames, title: str) -> NDArray[np.int64]:
    """Return the columns of a title's word pairs.

    There are none if less than two words say something, or no other article has one of them.
    """
    text = tokenize_corpus([PreparedText(title=title, body="")])
    terms = [split_terms(spelling) for spelling in text.spellings]
    found = [names.column(each[-1]) if each else None for each in terms]
    words = np.array([-1 if column is None else column for column in found], dtype=np.int64)
    telling = sum(bool(names.words[column]) for column in {*found} if column is not None)
    beside = (text.tokens[:-1] != BREAK) & (text.tokens[1:] != BREAK)
    first, second = words[text.tokens[:-1]][beside], words[text.tokens[1:]][beside]
    places = find_sorted(names.pair_keys, first * len(names.words) + second)
    if telling < _FEW or (first < 0).any() or (second < 0).any() or (places < 0).any():
        return np.zeros(0, dtype=np.int64)
    return len(names.words) + places


@functools.lru_cache(_TEXTS)
def _spaced(text: str) -> str:
    """Return the words of a text, in lower case, each between two spaces."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "

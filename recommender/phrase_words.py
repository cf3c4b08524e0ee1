"""Chooses the words that key phrases may contain: no stop words, no words used to report findings.

Words such as "reported" or "randomized" tell how something was found out, not what an article is
about. On a large site they are so frequent that they are excluded anyway; for a small site, or one
that writes about many kinds of studies, this file lists them.

A single letter is no phrase by itself but can be part of a name ("vitamin D", "hepatitis C",
"T cells"). Its neighbors tell whether it is, or else the word "a", an initial or a part of a longer
name. A letter ends a name if punctuation or a stop word often follows it: "vitamin D and"
occurs, but "regulatory T and" does not, since "cells" follows there. A letter begins a name if
punctuation or a stop word often precedes it: "of T cells" occurs, "of D deficiency" does not.
Initials ("U.S.") are a part of names as well, but none by themselves; in small letters ("e.g.")
they are none. Numbers are left out: few belong to a name ("interleukin 17"), and those can't be
told apart from doses, dates and statistics.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import stopwordsiso
from numpy.typing import NDArray

from recommender.bag_of_words import SpellingColumns
from recommender.tokenizer import BREAK, TokenizedCorpus, fold_case, is_capital

REPORTING_WORDS = frozenset(
    """
    abstract aim aims analyses analysis appear appeared approach article articles assess
    assessed associated association author authors average background based baseline benefit
    benefits case cases cause caused change changed changes check checked choose cited clear
    clinical common compare compared comparison conclusion conclusions consider
    considerations control controls count counted cut data day days describe described
    design detail details difference differences early effect effects end evaluate evaluated
    evidence examined existence expect expected experiment factor factors figure figures
    finding findings follow followed future half hand happen held help helped helps high
    higher hour hours hundred identify improve improved include included including increase
    increased indicate individual individuals investigate kept key known lack large larger
    late later lead leads leave led left less level levels likely limit limitation
    limitations limited literature living long longer look looked lot low lower main makes
    mean measure measured measurements measures method methods minute minutes model month
    months note novel number numbers objective observed outcome outcomes pair paper part
    participants parts patient patients people percent period person persons place places
    play point position possible potential present previous probably proportion provide
    purpose question range rare rate rates ratio read reader readers reason recent record
    recorded recording records reduce reduced relate related relation remain report reported
    reports research researcher researchers result results review reviewed risk role said
    sample score scores see seen series set short show showed shown side sign significant
    significantly similar simple single small smaller sort start started stay stayed step
    studied studies study subject subjects suggest suggests summary support surprised
    takeaway team tell tend term terms test tested tests thing things third thirds time
    times tool total treatment treatments trial trials turn turned twice type types
    understand unknown use used users uses using value values vary versus way week weeks
    work works worth year years young
    """.split()
)
"""Words used to report findings; no phrase contains one."""

METHOD_WORDS = frozenset(
    """
    case-control ci cochrane cohort cohorts controlled cross-sectional double-blind embase icc iqr
    longitudinal mann-whitney medline meta-analyses meta-analysis meta-regression multicenter
    multicentre multivariable multivariate observational open-label placebo-controlled pooled
    population-based prospective prospectively pubmed randomised randomization randomized rct rcts
    retrospective retrospectively scoping scopus searched single-blind statistically systematic
    systematically univariate
    """.split()
)
"""Words about how a study was done; a phrase that contains one counts less than others."""


_OPEN_SHARE = 0.3
"""A pair of a letter and a word is a name if, in at least this share of its uses, punctuation or a
stop word is on the other side of the letter."""

_CHUNK = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseWords:
    """The words of a corpus, regardless of case, and which of them key phrases may contain.

    Attributes:
        printed: The commonest spelling of each word.
        letters: Shape (words,), bool: which words are a single letter.
        letter_names: Shape (names,), int64, ascending: the keys of the pairs of a letter and a word
            that are names ("vitamin D"); the key of a pair of positions in ``printed`` is
            ``first * len(printed) + second``.
        spellings: The commonest spelling of each word that can be a phrase by itself, by the word.
        columns: For each spelling, the column in which its word is counted, if the word can be a
            phrase by itself, and its column in word pairs, if it can be part of a phrase.
    """

    printed: list[str]
    letters: NDArray[np.bool_]
    letter_names: NDArray[np.int64]
    spellings: dict[str, str]
    columns: SpellingColumns


def find_phrase_words(corpus: TokenizedCorpus, languages: Sequence[str]) -> PhraseWords:
    """Find which words of a corpus, regardless of case, key phrases may contain.

    Args:
        corpus: The words of all articles.
        languages: BCP 47 tags of the languages whose stop words to use; if empty, the language
            whose stop words cover most of the corpus is used.
    """
    uses = corpus.spelling_counts()
    words, word_of, printed = _fold_case(corpus.spellings, uses)
    word_uses = np.bincount(word_of, weights=uses, minlength=len(words)).astype(np.int64)
    stop = _stop_words(words, word_uses, languages)
    letters = np.array([is_capital(word) for word in words], dtype=bool)
    content = _content_words(words, printed, stop) & ~letters
    short = np.array([len(word) <= 2 for word in words])
    acronym = np.array([len(name) == 2 and name.isupper() for name in printed])
    initials = np.array(["." in word for word in words])
    fit = content & (~short | acronym) & ~initials
    alone = fit[word_of]
    letter_names = _find_letter_names(
        corpus,
        word_of,
        words,
        word_uses,
        letters=letters,
        content=content,
        stop=np.array([word in stop for word in words]) & ~content,
    )
    columns = SpellingColumns(
        width=len(words),
        columns=word_of[alone],
        lengths=alone.astype(np.int64),
        paired=np.where((content | letters)[word_of], word_of, -1),
    )
    return PhraseWords(
        printed=printed,
        letters=letters,
        letter_names=letter_names,
        spellings={words[word]: printed[word] for word in np.flatnonzero(fit).tolist()},
        columns=columns,
    )


def _find_letter_names(
    corpus: TokenizedCorpus,
    word_of: NDArray[np.int64],
    words: Sequence[str],
    uses: NDArray[np.int64],
    *,
    letters: NDArray[np.bool_],
    content: NDArray[np.bool_],
    stop: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Find the pairs of a letter and a word that are names, such as "vitamin D" and "T cells".

    Args:
        corpus: The words of all articles.
        word_of: Shape (spellings,), int64: the word id of each spelling.
        words: Every word, with its case folded.
        uses: Shape (words,), int64: how often each word occurs.
        letters: Shape (words,), bool: which words are a single letter.
        content: Shape (words,), bool: which words may be part of a pair.
        stop: Shape (words,), bool: which words are stop words.
    """
    # "A" is mostly the word "a": such a letter begins no name, and ends one only at punctuation.
    number = {word: position for position, word in enumerate(words)}
    small = np.zeros(len(words), dtype=bool)
    for position in np.flatnonzero(letters).tolist():
        other = number.get(words[position].casefold())
        small[position] = other is not None and uses[other] > uses[position]
    tokens = corpus.tokens
    found = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_))]
    for start in range(0, len(tokens), _CHUNK):
        here = start + np.flatnonzero(letters[word_of[tokens[start : start + _CHUNK]]])
        # Each text ends with a break. For the first word, index -1 reads the last text's break.
        before, own, after = (word_of[tokens[here + step]] for step in (-1, 0, 1))
        ends, begins = content[before], content[after] & ~small[own]
        open_before = (before == BREAK) | stop[before]
        open_after = (after == BREAK) | (stop[after] & ~small[own])
        found += [
            (before[ends] * len(words) + own[ends], open_after[ends]),
            (own[begins] * len(words) + after[begins], open_before[begins]),
        ]
    keys = np.concatenate([some for some, _ in found])
    is_open = np.concatenate([some for _, some in found])
    names, places = np.unique(keys, return_inverse=True)
    count = np.bincount(places, minlength=len(names))
    open_count = np.bincount(places, weights=is_open, minlength=len(names))
    letter_names: NDArray[np.int64] = names[open_count >= _OPEN_SHARE * count]
    return letter_names


def _fold_case(
    spellings: Sequence[str], uses: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.int64], list[str]]:
    """Return the case-folded words, each spelling's word id, and each word's commonest spelling."""
    numbers: dict[str, int] = {"": BREAK}
    word_of = np.zeros(len(spellings), dtype=np.int64)
    printed: list[str] = [""]
    best = array("q", [0])
    for spelling_id, (spelling, used) in enumerate(zip(spellings, uses.tolist(), strict=True)):
        if spelling_id == BREAK:
            continue
        number = numbers.setdefault(fold_case(spelling), len(numbers))
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
            # An acronym counts as a content word, though stop word lists hold country codes.
            and (word not in stop or (len(name) > 1 and name.isupper()))
            and word not in REPORTING_WORDS
            and ("." not in word or name.isupper())
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
            code: sum(frequent[word] for word in stopwordsiso.stopwords(code) & frequent.keys())
            for code in sorted(stopwordsiso.langs())
        }
        known = [max(covered, key=lambda code: covered[code])] if any(covered.values()) else []
    return set(stopwordsiso.stopwords(known)) if known else set()

"""Phrases that say what an article is about, and so what two articles share.

Candidates are words and pairs of neighboring words, none of them a stop word, a bare number
or a word that every other article of the site uses too. Each article keeps its best; what
two articles share is what both lists hold, so any pair can be explained, whichever way it
came about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import stopwordsiso
from numpy.typing import NDArray

from recommender.terms import BREAK, Scan

PER_ARTICLE = 40
"""Phrases kept of each article."""

NO_PHRASE = -1

_COMMON_SHARE = 0.15
_PAIR_COHESION = 0.08
PAIR_BONUS = 1.5

# Words of reporting, not of topics. Frequent on a large site, they fall out by their
# frequency; a small one needs the list.
_REPORTING = frozenset(
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


def extract_phrases(corpus: Scan, languages: Sequence[str]) -> Phrases:
    """Find every article's phrases.

    Args:
        corpus: The words of all articles.
        languages: BCP 47 tags of the languages that occur, for their stop words; if empty,
            the language whose stop words cover most of the corpus.
    """
    words, word_of, printed = _fold_case(corpus)
    content = _content_words(words, printed, corpus, word_of, languages)
    count = len(corpus.ends)
    tokens = word_of[corpus.tokens]
    owners, weights = corpus.owners, corpus.weights

    alone = content[tokens] & (np.array([len(word) for word in words])[tokens] > 2)
    acronym = np.array([len(name) == 2 and name.isupper() for name in printed])
    alone |= content[tokens] & acronym[tokens]
    keys = tokens.astype(np.int64)
    article, phrase, tf = _frequencies(owners[alone], keys[alone], weights[alone])
    holders = np.bincount(phrase, minlength=len(words))
    common = max(2.0, _COMMON_SHARE * count) if count > 20 else float(count)
    good = (holders <= common)[phrase] & ((holders >= 2)[phrase])
    singles = article[good], phrase[good], tf[good], np.log1p(count / holders[phrase[good]])

    joined = content[tokens[:-1]] & content[tokens[1:]] & (owners[:-1] == owners[1:])
    pair_keys = (keys[:-1] * len(words) + keys[1:])[joined]
    article, pair, tf = _frequencies(owners[:-1][joined], pair_keys, weights[:-1][joined])
    known, inverse, pair_holders = np.unique(pair, return_inverse=True, return_counts=True)
    first, second = known // len(words), known % len(words)
    rarer = np.minimum(*(np.maximum(1, holders[part]) for part in (first, second)))
    fits = (pair_holders >= 2) & (pair_holders <= common) & (pair_holders >= _PAIR_COHESION * rarer)
    good = fits[inverse]
    pairs = (
        article[good],
        inverse[good] + len(words),
        tf[good],
        PAIR_BONUS * np.log1p(count / pair_holders[inverse[good]]),
    )

    articles, phrases, frequency, weight = (
        np.concatenate(both) for both in zip(singles, pairs, strict=True)
    )
    value = np.sqrt(frequency) * weight
    order = np.lexsort((phrases, -value, articles))
    articles, phrases = articles[order], phrases[order]
    starts = np.searchsorted(articles, np.arange(count))
    rank = np.arange(len(articles)) - starts[articles]
    chosen = rank < PER_ARTICLE
    used, ids = np.unique(phrases[chosen], return_inverse=True)
    rows = np.full((count, PER_ARTICLE), NO_PHRASE, dtype=np.int32)
    rows[articles[chosen], rank[chosen]] = ids
    names = [
        printed[number]
        if number < len(words)
        else f"{printed[first[number - len(words)]]} {printed[second[number - len(words)]]}"
        for number in used.tolist()
    ]
    return Phrases(rows=rows, names=names)


def _fold_case(corpus: Scan) -> tuple[list[str], NDArray[np.int64], list[str]]:
    """Words without case, each spelling's word, and how each word is mostly printed."""
    uses = np.bincount(corpus.tokens, minlength=len(corpus.spellings))
    numbers: dict[str, int] = {"": BREAK}
    word_of = np.zeros(len(corpus.spellings), dtype=np.int64)
    printed: list[str] = [""]
    best: list[int] = [0]
    for spelling_id, spelling in enumerate(corpus.spellings[1:], 1):
        number = numbers.setdefault(spelling.casefold(), len(numbers))
        word_of[spelling_id] = number
        if number == len(printed):
            printed.append(spelling)
            best.append(0)
        if uses[spelling_id] > best[number]:
            printed[number], best[number] = spelling, int(uses[spelling_id])
    return list(numbers), word_of, printed


def _content_words(
    words: list[str],
    printed: list[str],
    corpus: Scan,
    word_of: NDArray[np.int64],
    languages: Sequence[str],
) -> NDArray[np.bool_]:
    stop = _stop_words(words, corpus, word_of, languages)
    return np.array(
        [
            bool(word)
            and not word[0].isdigit()
            # An acronym is no stop word, though many a country's code is listed as one.
            and (word not in stop or (len(name) > 1 and name.isupper()))
            and word not in _REPORTING
            and not word.replace("-", "").isdigit()
            for word, name in zip(words, printed, strict=True)
        ]
    )


def _stop_words(
    words: list[str], corpus: Scan, word_of: NDArray[np.int64], languages: Sequence[str]
) -> set[str]:
    codes = {language.partition("-")[0] for language in languages}
    known = sorted(code for code in codes if stopwordsiso.has_lang(code))
    if not known:
        uses = np.bincount(word_of[corpus.tokens], minlength=len(words))
        frequent = Counter({words[i]: int(uses[i]) for i in np.argsort(-uses)[:300] if words[i]})
        covered = {
            code: sum(
                number for word, number in frequent.items() if word in stopwordsiso.stopwords(code)
            )
            for code in sorted(stopwordsiso.langs())
        }
        known = [max(covered, key=lambda code: covered[code])] if any(covered.values()) else []
    return set(stopwordsiso.stopwords(known)) if known else set()


def _frequencies(
    owners: NDArray[np.int64], keys: NDArray[np.int64], weights: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Equal keys of one article added up, in the order (article, key)."""
    order = np.lexsort((keys, owners))
    owners, keys, weights = owners[order], keys[order], weights[order]
    fresh = np.ones(len(keys), dtype=bool)
    fresh[1:] = (owners[1:] != owners[:-1]) | (keys[1:] != keys[:-1])
    starts = np.flatnonzero(fresh)
    summed = np.add.reduceat(weights, starts) if len(starts) else weights
    return owners[starts], keys[starts], summed.astype(np.float64)

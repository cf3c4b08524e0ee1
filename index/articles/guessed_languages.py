"""Decides which guesses of languages hold, by the languages of a source's other articles.

A single text may be guessed wrong, most often if it is short. So a source that is in one language
is not torn apart: what can't be guessed is taken to be in it too, and so is an uncertain guess of
a language in which the source has hardly any articles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import IntEnum

from index.articles.language_guess import guess_language
from recommender.article import Article

_ENOUGH = 20
_MAIN = 0.9
_FEW = 0.02
_NAMES_OF = {"no": ("nb", "no")}


class Certainty(IntEnum):
    """How certain an article's language is; stored while a build reads its sources."""

    NOTHING = 0
    WEAK = 1
    FAIR = 2
    FIRM = 3
    SAID = 4


StagedLanguage = tuple[str, Certainty]
"""An article's language, or a guess of it, empty if there is none; and how certain it is."""


def find_language(article: Article) -> StagedLanguage:
    """Return an article's language or, if nothing says it, a guess, and how certain it is."""
    if article.language is not None:
        return article.language, Certainty.SAID
    guess = guess_language(article)
    if guess.is_firm:
        return guess.language, Certainty.FIRM
    if guess.is_fair:
        return guess.language, Certainty.FAIR
    return guess.language, Certainty.WEAK if guess.language else Certainty.NOTHING


def settle_guesses(
    counts: Mapping[StagedLanguage, int], said_before: Iterable[str] = ()
) -> dict[StagedLanguage, str]:
    """Return the language that the articles of each guess get; empty if it stays unknown.

    Args:
        counts: How many articles of one source have each language or guess.
        said_before: Languages of the site's articles that are not read again, once for each.
    """
    said = Counter(said_before)
    for (language, certainty), count in counts.items():
        if certainty == Certainty.SAID:
            said[language] += count
    del said[""]

    def as_said(language: str) -> str:
        """Return the tag that the source uses for a language, such as ``pt-br`` for ``pt``."""
        names = _NAMES_OF.get(language, (language,))
        return next((tag for tag, _ in said.most_common() if tag.split("-")[0] in names), language)

    known = said.copy()
    for (language, certainty), count in counts.items():
        if certainty in (Certainty.FAIR, Certainty.FIRM):
            known[as_said(language)] += count
    total = known.total()
    main, most = next(iter(known.most_common(1)), ("", 0))
    if total < _ENOUGH or most < _MAIN * total:
        main = ""
    settled: dict[StagedLanguage, str] = {}
    for language, certainty in counts:
        tag = as_said(language)
        common = known[tag] > 0 and known[tag] >= _FEW * total
        holds = {
            Certainty.FIRM: True,
            Certainty.FAIR: common or not main,
            Certainty.WEAK: common,
            Certainty.NOTHING: False,
        }
        if certainty in holds:
            settled[language, certainty] = tag if holds[certainty] else main
    return settled

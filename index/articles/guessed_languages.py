"""Guesses the languages of articles of which nothing says it, and decides which guesses hold.

A single text may be guessed wrong, most often if it is short. So a source that is in one language
is not torn apart: what can't be guessed is taken to be in it too, and so is an uncertain guess of
a language in which the source has hardly any articles.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import cache
from typing import Any

from recommender.article import Article

_LENGTH = 600
_SHORTEST = 20
_NO_LANGUAGE = "zxx"
_ENOUGH = 20
_MAIN = 0.9
_FEW = 0.02
_NAMES_OF = {"no": ("nb", "no")}


class Certainty(IntEnum):
    """How certain an article's language is: said by its source (``SAID``), or guessed.

    A firm guess always holds. A fair guess holds unless nearly all of the source is in another
    language: of 9,700 such guesses on texts whose language was known, three were wrong. A weak
    guess holds only if the source surely has other articles in that language.
    """

    NOTHING = 0
    WEAK = 1
    FAIR = 2
    FIRM = 3
    SAID = 4


_LEAST = {Certainty.FIRM: (0.95, 100), Certainty.FAIR: (0.7, 40), Certainty.WEAK: (0.5, _SHORTEST)}
"""The least probability and number of letters of each kind of guess."""

StagedLanguage = tuple[str, Certainty]
"""An article's language, or a guess of it, empty if there is none; and how certain it is."""


def find_language(article: Article) -> StagedLanguage:
    """Return an article's language or, if it is not given, a guess; and how certain that is.

    The guess is made by py3langid, from the first 600 characters of title and text.
    """
    if article.language is not None:
        return article.language, Certainty.SAID
    text = article.title
    for section in article.sections:
        if len(text) >= _LENGTH:
            break
        text += f"\n{section.heading}\n{section.text[:_LENGTH]}"
    letters = sum(map(str.isalpha, text[:_LENGTH]))
    if letters >= _SHORTEST:
        language, probability = _identifier().classify(text[:_LENGTH])
        for certainty, (sure, long) in _LEAST.items():
            if probability >= sure and letters >= long and language != _NO_LANGUAGE:
                return str(language), certainty
    return "", Certainty.NOTHING


@cache
def _identifier() -> Any:
    """Load the model, which takes a second and 115 MB, at the first guess."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def settle_guesses(
    counts: Mapping[StagedLanguage, int], said_before: Iterable[str] = ()
) -> dict[StagedLanguage, str]:
    """Decide, for each guess of a language in a source, which language its articles get.

    Args:
        counts: How many articles of the source have each language or guess.
        said_before: The language of each article of the site that is not read again.

    Returns:
        The language by guess; empty if it stays unknown.
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
        holds = certainty == Certainty.FIRM or known[tag] >= max(1, _FEW * total)
        holds |= certainty == Certainty.FAIR and not main
        if certainty != Certainty.SAID:
            settled[language, certainty] = tag if holds else main
    return settled

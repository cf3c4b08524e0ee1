"""Renders the "You May Also Like" section as an HTML fragment for includes and the widget."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import Field

from index.articles.card import ArticleCard, read_card
from index.build.build import Build
from service.serving.selection import SelectedItem

_HEADINGS = {
    "de": "Das könnte Sie auch interessieren",
    "en": "You May Also Like",
    "es": "También te puede interesar",
    "fr": "Vous aimerez aussi",
    "it": "Potrebbe interessarti anche",
    "nl": "Misschien ook interessant",
    "pt": "Você também pode gostar",
}
_READ_MORE = {
    "de": "Weiterlesen",
    "en": "Read more",
    "es": "Leer más",
    "fr": "Lire la suite",
    "it": "Continua a leggere",
    "nl": "Lees meer",
    "pt": "Ler mais",
}

templates = Environment(
    loader=PackageLoader("service"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_fragment = templates.get_template("related.html")


class FragmentCard(ArticleCard):
    """One article of the section, with the labels and the date as readers see them."""

    initial: str = Field(description="stands for the picture where there is none")
    printed_date: str | None = Field(description="the date as people of the language write it")
    language: str | None = Field(description="the article's, if known")
    read_more: str = Field(description="the label of the link")
    read_more_language: str | None = Field(description="of that label, if it differs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The text of the section's heading, and the text's language, if known."""

    text: str
    language: str | None


def render_fragment(cards: list[FragmentCard], heading: Heading) -> bytes:
    """Renders the section as HTML in UTF-8, all values escaped; empty if there are no cards."""
    if not cards:
        return b""
    return _fragment.render(cards=cards, heading=heading).encode()


def make_heading(text: str | None, language: str | None, locale: str) -> Heading:
    """Returns the section's heading.

    Without the setting ``heading`` this is “You May Also Like” in the page's language.

    Args:
        text: The setting ``heading``; ``None`` if it is not set.
        language: The language of the article that the section appears under, if known.
        locale: The setting ``locale``, used if the language is unknown.
    """
    if text is not None:
        return Heading(text=text, language=None)
    spoken = _speak(language, locale).language
    spoken = spoken if spoken in _HEADINGS else "en"
    return Heading(text=_HEADINGS[spoken], language=spoken)


def make_fragment_card(card: ArticleCard, language: str | None, locale: str) -> FragmentCard:
    """Adds labels and a formatted date, in an article's language, to the article's card.

    Args:
        card: The card, as stored in the build.
        language: The article's language, if known.
        locale: The setting ``locale``, used if the language is unknown.
    """
    spoken = _speak(language, locale)
    return FragmentCard.model_construct(
        **dict(card),
        initial=next(filter(str.isalnum, card.title), "").upper(),
        printed_date=None if card.date is None else print_date(card.date, spoken),
        language=language,
        read_more=_READ_MORE.get(spoken.language, _READ_MORE["en"]),
        read_more_language=None if spoken.language in _READ_MORE else "en",
    )


@functools.lru_cache(maxsize=10_000)
def print_date(date: str, spoken: Locale) -> str:
    """Formats an ISO date in the long format of a locale, such as "January 5, 2024"."""
    return format_date(dt.date.fromisoformat(date), format="long", locale=spoken)


@functools.lru_cache(maxsize=1_000)
def find_locale(tag: str | None) -> Locale | None:
    """Returns the locale for a BCP 47 language tag, such as ``de-AT``.

    If the tag's region is unknown, the language alone decides. Returns ``None`` if the language is
    unknown too.
    """
    if tag is None:
        return None
    for name in (tag.replace("-", "_"), tag.partition("-")[0]):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return None


def _speak(language: str | None, locale: str) -> Locale:
    return find_locale(language) or find_locale(locale) or Locale("en")


def related_html(
    build: Build, row: int, items: list[SelectedItem], *, heading: str | None, locale: str
) -> bytes:
    """Renders the section for the page of an article.

    Args:
        build: The build that the articles' cards are read from.
        row: The row of the article that the section appears under.
        items: The related articles that the section shows.
        heading: The setting ``heading``; ``None`` for “You May Also Like”.
        locale: The setting ``locale``, used if the article's language is unknown.
    """

    def language(row: int) -> str | None:
        return build.language_names[build.language_of[row]] or None

    cards = [
        make_fragment_card(read_card(build.cards[item.row]), language(item.row), locale)
        for item in items
    ]
    return render_fragment(cards, make_heading(heading, language(row), locale))

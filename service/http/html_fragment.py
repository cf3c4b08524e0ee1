"""Renders the section "You May Also Like" as HTML, for server-side includes and the widget."""

from __future__ import annotations

import datetime as dt
import functools
from typing import NamedTuple

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined

from index.articles.card import ArticleCard, read_card
from index.build.build import Build
from service.serving.selection import SelectedItem

_LABELS = {
    "de": ("Das könnte Sie auch interessieren", "Weiterlesen"),
    "en": ("You May Also Like", "Read more"),
    "es": ("También te puede interesar", "Leer más"),
    "fr": ("Vous aimerez aussi", "Lire la suite"),
    "it": ("Potrebbe interessarti anche", "Continua a leggere"),
    "nl": ("Misschien ook interessant", "Lees meer"),
    "pt": ("Você também pode gostar", "Ler mais"),
}
"""The section's heading and the label of its links, by language."""


def load_templates() -> Environment:
    """Returns the templates of all pages; values are escaped, and a missing one is an error."""
    return Environment(
        loader=PackageLoader("service"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


templates = load_templates()
_fragment = templates.get_template("related.html")


class FragmentCard(ArticleCard):
    """One article of the section "You May Also Like": its card, labels and readable date."""

    initial: str
    """the title's first letter, shown in place of a missing image"""

    printed_date: str | None
    """the date in the format of the language"""

    language: str | None
    """the article's language, if known"""

    read_more: str
    """the label of the link"""

    read_more_language: str | None
    """the label's language, if it is not the article's"""


class Heading(NamedTuple):
    """The heading of the section: its text, and the text's language (``None`` if unknown)."""

    text: str
    language: str | None


def render_fragment(
    cards: list[FragmentCard], heading: Heading, placement: str | None = None
) -> bytes:
    """Renders the section as HTML in UTF-8; returns nothing (``b""``) if there are no cards.

    All values are escaped.
    """
    if not cards:
        return b""
    return _fragment.render(cards=cards, heading=heading, placement=placement).encode()


def make_heading(text: str | None, language: str | None, locale: str) -> Heading:
    """Returns the heading of the section "You May Also Like".

    This is the setting ``heading`` if it is set; else “You May Also Like” in the language of the
    page, or in English if there is no translation.

    Args:
        text: The setting ``heading``; ``None`` if it is not set.
        language: The language of the article under which the section appears, if known.
        locale: The setting ``locale``, used if the language is unknown.
    """
    if text is not None:
        return Heading(text=text, language=None)
    spoken = _speak(language, locale).language
    spoken = spoken if spoken in _LABELS else "en"
    return Heading(text=_LABELS[spoken][0], language=spoken)


def make_fragment_card(card: ArticleCard, language: str | None, locale: str) -> FragmentCard:
    """Adds to an article's card the label "Read more" and the date, both in the article's language.

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
        read_more=_LABELS.get(spoken.language, _LABELS["en"])[1],
        read_more_language=None if spoken.language in _LABELS else "en",
    )


@functools.lru_cache(maxsize=10_000)
def print_date(date: str, spoken: Locale) -> str:
    """Formats an ISO date such as ``2024-01-05`` in a locale's long format: "January 5, 2024"."""
    return format_date(dt.date.fromisoformat(date), format="long", locale=spoken)


@functools.lru_cache(maxsize=1_000)
def find_locale(tag: str | None) -> Locale | None:
    """Returns Babel's locale for a BCP 47 language tag.

    If Babel knows ``de`` but not the rest of a tag such as ``de-XY``, it returns the locale for
    ``de``. Returns ``None`` without a tag or if the language is unknown.
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
    build: Build,
    row: int,
    items: list[SelectedItem],
    *,
    heading: str | None,
    locale: str,
    placement: str | None = None,
) -> bytes:
    """Renders the section "You May Also Like" for the page of one article, as HTML in UTF-8.

    Args:
        build: The build from which the cards of the articles are read.
        row: The row number, in the build, of the article under which the section appears.
        items: The related articles to show, in their order.
        heading: The setting ``heading``; ``None`` for “You May Also Like”.
        locale: The setting ``locale``, used if an article's language is unknown.
        placement: The list's placement, if clicks on it are counted.
    """

    def language(row: int) -> str | None:
        return build.language_names[build.language_of[row]] or None

    cards = [
        make_fragment_card(read_card(build.cards[item.row]), language(item.row), locale)
        for item in items
    ]
    return render_fragment(cards, make_heading(heading, language(row), locale), placement)

"""Renders the section "You May Also Like" as HTML, for server-side includes and the widget."""

import datetime as dt
import functools
from typing import NamedTuple

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from index.articles.card import ArticleCard, read_card
from index.articles.word_table import load_table
from index.build.build import Build
from service.serving.selection import SelectedItem
from service.settings import Settings

_WORDS: dict[str, tuple[str, str]] = load_table(__file__)
"""The section's heading and the label of its links, by language."""


def load_templates() -> Environment:
    """Returns Jinja's environment with the templates of all pages.

    It escapes all values in HTML; a template that lacks one of its values raises an error.
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader("service"), PackageLoader("index")]),
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

    foreign: str | None
    """the article's language in the words of the page's, if it is another"""

    page_language: str | None
    """the language of the page"""

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
    """Renders the section "You May Also Like" as HTML in UTF-8, with all values escaped.

    Args:
        cards: The articles to show; without any, the result is empty (``b""``).
        heading: The section's heading.
        placement: The signed text by which clicks on the list are counted; ``None`` for none.
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
    written = _written_in(_speak(language, locale))
    return Heading(text=_WORDS[written][0], language=written)


def make_fragment_card(
    card: ArticleCard, language: str | None, locale: str, page_language: str | None = None
) -> FragmentCard:
    """Adds to an article's card the label "Read more" and the date, both in the article's language.

    Args:
        card: The card, as stored in the build.
        language: The article's language, if known.
        locale: The setting ``locale``, used if the language is unknown.
        page_language: The language of the page that shows the card, if known; the card of an
            article in another one says so.
    """
    spoken, page = _speak(language, locale), find_locale(page_language)
    written = _written_in(spoken)
    own = find_locale(language)
    foreign = own is not None and page is not None and page.language != own.language
    return FragmentCard.model_construct(
        **dict(card),
        initial=first_letter(card.title),
        printed_date=None if card.date is None else print_date(card.date, spoken),
        language=language,
        foreign=spoken.get_language_name(page) if foreign else None,
        page_language=page_language,
        read_more=_WORDS[written][1],
        read_more_language=None if written.partition("-")[0] == spoken.language else written,
    )


def first_letter(title: str) -> str:
    """Returns the capital that stands in place of a picture that is missing or can't be loaded."""
    return next(filter(str.isalnum, title), "").upper()


@functools.lru_cache(maxsize=10_000)
def print_date(date: str, spoken: Locale) -> str:
    """Formats an ISO date such as ``2024-01-05`` in a locale's long form: "January 5, 2024"."""
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


def _written_in(spoken: Locale) -> str:
    """Returns the tag of the words to use for a locale: ``en`` if there are none of its own."""
    parts = (spoken.script, spoken.territory)
    tags = [*(f"{spoken.language}-{part}" for part in parts), spoken.language, "en"]
    return next(tag for tag in tags if tag in _WORDS)


def related_html(
    settings: Settings,
    build: Build,
    row: int,
    items: list[SelectedItem],
    placement: str | None = None,
) -> bytes:
    """Renders the section "You May Also Like" for the page of one article, as HTML in UTF-8.

    Args:
        settings: The effective settings, of which ``heading`` and ``locale`` are used.
        build: The build from which the cards of the articles are read.
        row: The row number, in the build, of the article under which the section appears.
        items: The related articles to show, in their order.
        placement: The signed text by which clicks on the list are counted; ``None`` for none.
    """

    def language(row: int) -> str | None:
        return build.language_names[build.language_of[row]] or None

    page, locale = language(row), settings.locale
    cards = [
        make_fragment_card(read_card(build.cards[item.row]), language(item.row), locale, page)
        for item in items
    ]
    return render_fragment(cards, make_heading(settings.heading, page, locale), placement)

"""The "You May Also Like" section as a piece of HTML, for includes and for the widget."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentCard:
    """One card as the template wants it."""

    title: str
    initial: str
    url: str
    excerpt: str
    image: dict[str, str] | None
    date: str | None
    printed_date: str | None
    language: str | None
    read_more: str
    read_more_language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The section's heading and the language it is in, if known."""

    text: str
    language: str | None


def render_fragment(cards: list[FragmentCard], heading: Heading) -> bytes:
    """The whole section; every value escaped; nothing at all when there are no cards."""
    if not cards:
        return b""
    return _fragment.render(cards=cards, heading=heading).encode()


def make_heading(text: str | None, language: str | None, locale: str) -> Heading:
    """The setting ``heading`` or, where that is open, words of ours.

    Args:
        text: The setting.
        language: Of the article that the section stands under, if known.
        locale: The setting ``locale``, used where it is not.
    """
    if text is not None:
        return Heading(text=text, language=None)
    spoken = _speak(language, locale).language
    spoken = spoken if spoken in _HEADINGS else "en"
    return Heading(text=_HEADINGS[spoken], language=spoken)


def make_card(values: dict[str, Any], language: str | None, locale: str) -> FragmentCard:
    """Fill a card.

    Args:
        values: The card's JSON.
        language: The article's language, if known.
        locale: The setting ``locale``, used where it is not.
    """
    spoken = _speak(language, locale)
    date = values["date"]
    return FragmentCard(
        title=values["title"],
        initial=next(filter(str.isalnum, values["title"]), "").upper(),
        url=values["url"],
        excerpt=values["excerpt"],
        image=values["image"],
        date=date,
        printed_date=None if date is None else print_date(date, spoken),
        language=language,
        read_more=_READ_MORE.get(spoken.language, _READ_MORE["en"]),
        read_more_language=None if spoken.language in _READ_MORE else "en",
    )


@functools.lru_cache(maxsize=10_000)
def print_date(date: str, spoken: Locale) -> str:
    """An ISO date as people of a locale write it."""
    return format_date(dt.date.fromisoformat(date), format="long", locale=spoken)


@functools.lru_cache(maxsize=1_000)
def find_locale(tag: str | None) -> Locale | None:
    """The locale of a BCP 47 tag, or of its language alone."""
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

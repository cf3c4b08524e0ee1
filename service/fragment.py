"""The "You May Also Like" section as a piece of HTML, for includes and for the widget."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined

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
class Card:
    """One card as the template wants it."""

    title: str
    url: str
    excerpt: str
    image: dict[str, str] | None
    date: str | None
    printed_date: str | None
    language: str | None
    read_more: str


def render_fragment(cards: list[Card], heading: str) -> bytes:
    """The whole section; every value escaped; nothing at all when there are no cards."""
    if not cards:
        return b""
    return _fragment.render(cards=cards, heading=heading).encode()


def make_card(values: dict[str, Any], language: str | None, locale: str) -> Card:
    """Fill a card.

    Args:
        values: The card's JSON.
        language: The article's language, if known.
        locale: The setting ``locale``, used where it is not.
    """
    spoken = find_locale(language) or find_locale(locale) or Locale("en")
    date = values["date"]
    return Card(
        title=values["title"],
        url=values["url"],
        excerpt=values["excerpt"],
        image=values["image"],
        date=date,
        printed_date=None
        if date is None
        else format_date(dt.date.fromisoformat(date), format="long", locale=spoken),
        language=language,
        read_more=_READ_MORE.get(spoken.language, _READ_MORE["en"]),
    )


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

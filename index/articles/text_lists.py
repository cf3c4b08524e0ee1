"""Splits texts that hold several tags or several authors, as table cells and meta tags do."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from index.articles.page_words import words_of

_SEMICOLON = re.compile("[;；\n]|[|]{2}")  # noqa: RUF001 - as written in Chinese
_COMMA = re.compile("[,，、،]")  # noqa: RUF001 - as written in Chinese, Japanese and Arabic
_BAR = re.compile(r"[|]|(?<=\s)[•·](?=\s)")
_ANGLED = re.compile(r"(?:<[\w.#+-]+>)+", re.ASCII)
"""Tags as Stack Exchange writes them: ``<c#><.net>``."""

_ITEM = re.compile(
    r"""\s*+(?:"((?:\\.|[^"\\])*+)"|'((?:\\.|[^'\\])*+)'|([^,\s"'{}\[\]][^,{}\[\]]*+))
        \s*+(?:,|\Z|(?=["']))""",
    re.DOTALL | re.VERBOSE,
)
_NO_ITEM = ("NULL", "None", "nan")
_DEGREE = r"(?:Ph\.?D|M\.?D|MBA|Jr|Sr)\b\.?"
_BETWEEN = re.compile(rf"{_COMMA.pattern}(?!\s*{_DEGREE}\s*(?:{_COMMA.pattern}|\Z|and\b|&))")
_TITLE = re.compile(rf"\A(?:(?:Dr|Prof|Mrs?|Ms)\b\.?\s+)+|(?:,\s*{_DEGREE})+\Z")
_AUTHORS = re.compile("[;\uff1b\n、]|[|]{2}")
_AND = re.compile(rf"(?<!\s)\s++(?:{words_of('and')})\s+")
_BY = re.compile(
    rf"\A(?:(?:{words_of('by')})[:\uff1a]?\s+|(?:{words_of('author_label')})\s*[:/=\uff1a\uff0f\uff1d]\s*)",
    re.IGNORECASE,
)
_NAME_LIKE_BY = re.compile(rf"(?:[Vv]on|Oleh) ([^\s,]+)(?:\Z|,| (?:{words_of('and')}) )")
"""A first name that is a word for by in some language, and one name behind it."""

_INITIALS = re.compile(r"\S.*\s[A-Z]{1,3}(?: (?:Jr|Sr|2nd|3rd))?")  # as in Lind MA
_STOP = re.compile(r"(?<=[A-Z][A-Z])\.\Z")
_PARTICLES = set("van von der den de del della di da dos la le el bin al ter ten zu y".split())
_ROLES = re.compile(rf"\b(?:{words_of('role')})\b", re.IGNORECASE)


def split_keywords(text: str) -> list[str]:
    """Split a text of keywords at semicolons and line breaks, else at commas or at bars.

    Of commas and bars, or the dots in the middle of a line that stand for bars, the more frequent
    ones part the keywords.
    """
    if _ANGLED.fullmatch(text):
        return text[1:-1].split("><")
    mark = max(_COMMA, _BAR, key=lambda one: len(one.findall(text)))
    words = (_SEMICOLON if _SEMICOLON.search(text.strip()) else mark).split(text)
    return [word.strip() for word in words if word.strip()]


def split_listed(text: str) -> list[str] | None:
    """Split a list as PostgreSQL (``{a,"b c"}``) and Python (``['a', 'b c']``) write it in a cell.

    Returns ``None`` for any other text.
    """
    inside = text.strip()
    ends, inside = inside[:1] + inside[-1:], inside[1:-1]
    names, at = [], 0
    while ends in ("{}", "[]") and at < len(inside):
        if (found := _ITEM.match(inside, at)) is None:
            return None
        quoted, at = found[1] or found[2], found.end()
        if quoted or found[3] not in (None, *_NO_ITEM):
            names.append(re.sub(r"\\(.)", r"\1", quoted) if quoted else found[3].strip())
    return names or None


def names_in(value: Any, split: Callable[[str], list[str]] = split_keywords) -> list[str]:
    """Return the names, such as tags or authors, in a value of a record.

    Args:
        value: A list of texts or of objects with ``name``, or one text with several names.
            Lists within the list are joined. Anything else is one name; ``None`` is no name.
        split: Splits a text into names.
    """
    items = split(value) if isinstance(value, str) else value
    names = [
        _whole_name(item.get("name")) if isinstance(item, Mapping) else item
        for group in (items if isinstance(items, list) else [items])
        for item in (group if isinstance(group, list) else [group])
    ]
    return [text for name in names if name is not None and (text := str(name).strip())]


def _whole_name(name: Any) -> Any:
    """Return a name as one text, also one in parts, as in Quarto: ``{given: Jo, family: Bo}``."""
    if not isinstance(name, Mapping):
        return name
    return " ".join(str(name[part]) for part in ("given", "family") if name.get(part))


def split_authors(text: str) -> list[str]:
    """Split a byline into authors.

    Semicolons, line breaks and 、 always separate authors. A comma, "and" or "&" does so only if
    a full name stands on each side of all of them: "A Name, Director" and "Doe, Jane" are one
    author. Titles and degrees, as in "Dr. A Name, PhD", are part of a name. Names with initials
    behind, as in "Lind MA, Berg O, Sea Group.", are parted in any case.
    """
    names: list[str] = []
    for part in _AUTHORS.split(text):
        byline = " ".join(part.split()).strip(" ,")
        named = _NAME_LIKE_BY.match(byline)
        name = named[1] if named else ""
        if not name[:1].isupper() or name[1:].isupper() or _ROLES.search(name):  # "Von DPA"
            byline = _BY.sub("", byline)
        byline = _STOP.sub("", byline)
        several = [
            name.strip()
            for item in _BETWEEN.split(byline)
            for name in _AND.split(re.sub(rf"^\s*(?:{words_of('and')})\s+", "", item))
        ]
        if len(several) > 1 and all(map(_INITIALS.fullmatch, several[:2])):
            names += [*several[:-1], several[-1].rstrip(".")]
        else:
            names += several if all(map(is_full_name, several)) else [byline]
    return names


def without_by(name: str) -> str:
    """Return a full name without "By" or the like before it; "Von Braun" stays."""
    rest = _BY.sub("", name)
    return rest if is_full_name(rest) else name


def is_full_name(text: str) -> bool:
    """Return whether a text is a name of two words or more, such as "Dr. Jo van Beek"."""
    text = _TITLE.sub("", text)
    words = text.split()
    return (
        2 <= len(words) <= 5
        and not _ROLES.search(text)
        and not any(character.isdigit() for character in text)
        and all(word[0].isupper() or word.casefold() in _PARTICLES for word in words)
    )

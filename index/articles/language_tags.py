"""Reads what a source says about an article's language: tags, locales, codes and names."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from index.articles.record import short
from recommender.errors import ArticleError
from recommender.translations import COUNTRIES

_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_MOST = 100
_NO_LANGUAGE = frozenset({"", "und", "mul", "mis", "zxx", "x-default", "default", "*"})
"""What stands for an unknown language, several or none; read as if nothing were said."""

_OLD = {"iw": "he", "in": "id", "ji": "yi"} | COUNTRIES


def read_language(value: Any) -> str | None:
    """Return the BCP 47 tag, in lower case, of the language that a value names.

    Args:
        value: A tag (``"pt-BR"``), a locale (``"de_DE.UTF-8"``), a three-letter code (``"deu"``), a
            name in English or in the language itself (``"German"``, ``"Deutsch"``), or a list with
            one of these.

    Returns:
        The tag; ``None`` if the value stands for no or an unknown language.

    Raises:
        ArticleError: If the value names no language, or more than one.
    """
    if isinstance(value, Mapping):  # schema.org's Language
        value = value.get("alternateName") or value.get("name")
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1:
        value = value[0]
    value = "no" if value is False else value  # YAML 1.1 reads Norwegian's tag as false
    text = " ".join(value.casefold().split()) if isinstance(value, str) else None
    if text is None or len(text) > _MOST:
        raise _invalid(value)
    tag = re.split("[.@]", text)[0].replace("_", "-")
    if tag in _NO_LANGUAGE:
        return None
    if not _TAG.fullmatch(tag):
        named = _by_name().get(text) or _by_name(own=True).get(text)
        if named is None and text.endswith(")") and "(" in text:  # English (US)
            return read_language(text[: text.rindex("(")])
        if named is None:
            raise _invalid(value)
        return named
    primary, dash, rest = tag.partition("-")
    if len(primary) == 3:
        primary = _short_code(primary)
    return f"{_OLD.get(primary, primary)}{dash}{rest}"


def _invalid(value: Any) -> ArticleError:
    message = f"language {short(value)} is no language; write it like en or pt-BR"
    return ArticleError("language", "invalid", message)


def _short_code(code: str) -> str:
    """Return the two-letter code of a language, if it has one, for a three-letter code."""
    from babel.core import get_global

    short_code: str = get_global("language_aliases").get(code, code)
    return short_code if len(short_code) == 2 else code


@cache
def _by_name(own: bool = False) -> dict[str, str]:
    """Return the languages by their names in English or, in a second, each in the language itself.

    A name that two languages have is left out.
    """
    from babel import Locale
    from babel.localedata import locale_identifiers

    names = [(name, code) for code, name in Locale("en").languages.items()]
    if own:
        locales = [Locale(code) for code in locale_identifiers() if len(code) == 2]
        names = [(one.languages.get(one.language, ""), one.language) for one in locales]
        names += [(Locale.parse(tag).languages[tag], tag) for tag in ("zh_Hans", "zh_Hant")]
    found: dict[str, str] = {}
    for name, code in names:
        name, tag = name.casefold(), code.replace("_", "-").lower()
        found[name] = tag if found.get(name, tag) == tag else ""
    return {name: tag for name, tag in found.items() if name and tag}


@cache
def _codes() -> frozenset[str]:
    return frozenset(_by_name().values())


def is_language(tag: str) -> bool:
    """Return whether a tag, in lower case, is one of a language with a two-letter code."""
    return re.fullmatch(r"[a-z]{2}(-[a-z]{4})?(-[a-z]{2})?", tag) is not None and (
        tag[:2] in _codes()
    )


def is_locale(tag: str) -> bool:
    """Return whether the region of a language's tag, in lower case, is one where it is spoken."""
    from babel import Locale, UnknownLocaleError

    try:
        Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return "-" not in tag
    return True

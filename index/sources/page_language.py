"""Reads a page's language from its path: a folder, ``de/page.md``, or a suffix, ``page.de.md``.

A folder names a language only if the source lists its ``languages``. A suffix does so too if there
is a file of the same name without a suffix, or with that of another language.
"""

from collections import Counter
from collections.abc import Container, Iterable
from typing import NamedTuple

from index.articles.language_tags import is_language, read_language
from recommender.errors import ArticleError, SettingError


class PagePath(NamedTuple):
    """A page's id and language, as they are read from its path.

    Attributes:
        id: The path without file suffix; a language comes first, wherever it stood.
        language: The language as a BCP 47 tag; empty if the path names none.
        base: The path without language, which translations share; empty if it can have none.
    """

    id: str
    language: str = ""
    base: str = ""


def read_languages(names: Iterable[str]) -> tuple[str, ...]:
    """Return the BCP 47 tags of the languages that the option ``languages`` of a source names.

    Raises:
        SettingError: If one of the names is no language.
    """
    tags = []
    for name in names:
        try:
            tag = read_language(name)
        except ArticleError:
            tag = None
        if tag is None:
            raise SettingError(f"languages: {name!r} is no language; write it like de or pt-BR")
        tags.append(tag)
    return tuple(tags)


def translated_bases(names: Iterable[str]) -> frozenset[str]:
    """Return the paths, without language suffix, of pages that there are in several languages.

    Args:
        names: The paths of all pages, without file suffix (``"a/page.de"``).
    """
    known = set(names)
    found = Counter(base for name in known if (base := _split_suffix(name)[0]) != name)
    return frozenset(base for base, count in found.items() if count + (base in known) > 1)


def read_page_path(
    name: str, languages: tuple[str, ...] = (), translated: Container[str] = ()
) -> PagePath:
    """Read a page's id and language from its path.

    Args:
        name: The path below the source's folder, without file suffix.
        languages: The languages of the source, if it lists them.
        translated: The result of :func:`translated_bases` for all pages of the source.
    """
    folder, _, rest = name.partition("/")
    base, language = _split_suffix(name)
    if rest and _tag(folder) in languages:
        base, language = rest, _tag(folder)
    elif language not in languages and base not in translated:
        base, language = name, ""
    parent, _, last = base.rpartition("/")
    page_id = parent if last == "index" and parent else base
    if language:
        page_id = f"{language}/{page_id}" if page_id != "index" else language
    return PagePath(page_id, language, base if languages or base in translated else "")


def _split_suffix(name: str) -> tuple[str, str]:
    """Return a path without its language suffix, and the language; empty if there is none."""
    base, _, suffix = name.rpartition(".")
    tag = _tag(suffix)
    if base and not base.endswith("/") and "/" not in suffix and is_language(tag):
        return base, tag
    return name, ""


def _tag(text: str) -> str:
    return text.lower().replace("_", "-")

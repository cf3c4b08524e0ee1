"""Extracts the facts about an HTML page's article: title, link, date, picture and so on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urljoin, urlsplit

from index.articles.translation_keys import read_alternates
from index.sources.main_text import main_element
from index.sources.markup import Element, select, text_of
from index.sources.page_title import find_title
from index.sources.schema_org import SchemaOrg, split_keywords

_METAS = {
    "url": ("og:url",),
    "excerpt": ("og:description", "description", "twitter:description", "dc.description"),
    "date": (
        "article:published_time",
        "dc.date",
        "dcterms.date",
        "citation_publication_date",
        "parsely-pub-date",
        "date",
    ),
    "visible_until": ("article:expiration_time",),
    "language": ("og:locale", "dc.language"),
}
_TITLES = ("og:title", "twitter:title", "dc.title", "citation_title")
_AUTHORS = ("author", "dc.creator", "citation_author", "article:author")
_ROBOTS = ("robots", "googlebot", "googlebot-news", "bingbot")
_URL = re.compile(r"(?:[a-z]+:)?//\S+")

Metas = dict[str, list[str]]
"""The contents of a page's ``<meta>`` elements by their names in lower case."""


def page_facts(
    root: Element, main: Element, said: SchemaOrg, metas: Metas, address: str
) -> dict[str, Any]:
    """Returns an article's fields from a page's metadata.

    Each field is taken from the first of these that has it: schema.org, the text that readers see,
    OpenGraph, other ``<meta>``. ``language_from`` is "page" if the language is that of the whole
    page, not stated as a fact of the article.

    Args:
        root: The page's root element.
        main: The element that holds the article.
        said: What the page says in schema.org's words.
        metas: The page's ``<meta>`` elements.
        address: The page's address, against which links are resolved; may be empty.
    """
    facts: dict[str, Any] = {
        name: metas[key][0]
        for name, keys in _METAS.items()
        for key in reversed(keys)
        if key in metas
    }
    images = metas.get("og:image", metas.get("twitter:image"))
    if images:
        facts["image"] = {"src": images[0], "alt": metas.get("og:image:alt", [""])[0]}
    facts["tags"] = metas.get("article:tag") or split_keywords(metas.get("keywords", [""])[0])
    facts["authors"] = next(filter(None, (_names(metas.get(key, [])) for key in _AUTHORS)), [])
    facts["robots"] = ", ".join(word for key in _ROBOTS for word in metas.get(key, []))
    facts |= _seen(root, main)
    stated = said.facts()
    facts |= stated
    facts["url"] = canonical_of(root, address) or facts.get("url", "")
    alternates = read_alternates(
        [
            (link.get("hreflang"), _joined(facts["url"] or address, link.get("href").strip()))
            for link in select(root, "head > link[rel~=alternate][hreflang][href]")
        ],
        facts["url"],
    )
    facts["translation_key"] = alternates.key
    if not stated.get("language"):
        facts["language"] = alternates.language or facts.get("language")
        facts["language_from"] = "page"
    facts["title"] = find_title(
        root,
        main,
        said.titles(),
        [metas[key][0] for key in _TITLES if key in metas],
        [*metas.get("og:site_name", []), *said.site_names()],
        facts["url"] or address,
    )
    if image := facts.get("image"):
        source = _joined(base_of(root, facts["url"] or address), image["src"])
        facts["image"] = {**image, "src": source}
    return {name: value for name, value in facts.items() if value}


def metas_of(root: Element) -> Metas:
    """Returns the page's ``<meta>`` elements that have a content."""
    metas: Metas = {}
    for element in select(root, "meta[content]"):
        content = " ".join(element.get("content").split())
        for name in (element.get("property") or element.get("name") or "").lower().split():
            if content:
                metas.setdefault(name, []).append(content)
    return metas


def canonical_of(root: Element, address: str) -> str:
    """Returns the address that a page gives as its own; empty if it gives none.

    The home page's address on another page is a mistake of its template, and counts as none.
    """
    link = next(iter(select(root, "link[rel~=canonical][href]")), None)
    href = "" if link is None else link.get("href").strip()
    canonical = _joined(base_of(root, address), href) if href else ""
    return "" if _is_home(canonical) and not _is_home(address) else canonical


def base_of(root: Element, address: str) -> str:
    """Returns the address that a page's relative links are resolved against."""
    base = next(iter(select(root, "base[href]")), None)
    return address if base is None else _joined(address, base.get("href").strip())


def published_times(root: Element) -> list[Element]:
    """Finds the elements that show the publication date: marked ones, or the first ``<time>``."""
    return (
        select(root, "time[itemprop=datePublished], time[pubdate]")
        or select(main_element(root), "time[datetime]")[:1]
    )


def _seen(root: Element, main: Element) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    times = published_times(root)
    if times:
        facts["date"] = (times[0].get("datetime") or text_of(times[0])).strip()
    language = next(iter(select(root, "html")), root).get("lang")
    if language:
        facts["language"] = language
    labels = _labels(select(main, "a[rel~=tag]")) or _labels(select(root, "a[rel~=tag]"))
    if labels:
        facts["tags"] = labels
    return facts


def _labels(links: Iterable[Element]) -> list[str]:
    return [" ".join(text_of(link).split()) for link in links]


def _names(values: list[str]) -> list[str]:
    return [value for value in values if not _URL.fullmatch(value)]


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:  # the record parser reports the invalid link
        return url


def _is_home(address: str) -> bool:
    try:
        return urlsplit(address).path in ("", "/")
    except ValueError:
        return False

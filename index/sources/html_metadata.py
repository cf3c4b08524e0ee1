"""Extracts an HTML page's metadata."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from index.articles.translation_keys import read_alternates
from index.sources.json_ld import article_facts
from index.sources.main_text import main_element
from index.sources.markup import Element, select, text_of

_METAS = {
    "title": ("og:title", "twitter:title"),
    "url": ("og:url",),
    "excerpt": ("og:description", "description", "twitter:description"),
    "date": ("article:published_time", "dc.date", "date"),
    "visible_until": ("article:expiration_time",),
    "language": ("og:locale",),
}


def page_facts(root: Element) -> dict[str, Any]:
    """Returns an article's fields from a page's metadata.

    Each field is taken from the first of these that has it: JSON-LD, the text that readers see,
    OpenGraph, ``<meta>``.

    ``language_from`` is "page" if the language is that of the whole page, not stated as a fact of
    the article.
    """
    metas = _metas(root)
    facts: dict[str, Any] = {
        name: metas[key][0]
        for name, keys in _METAS.items()
        for key in reversed(keys)
        if key in metas
    }
    if "og:image" in metas:
        facts["image"] = {
            "src": metas["og:image"][0],
            "alt": metas.get("og:image:alt", [""])[0],
        }
    facts["tags"] = metas.get("article:tag") or [
        word.strip() for word in metas.get("keywords", [""])[0].split(",")
    ]
    facts["authors"] = metas.get("author", [])
    facts |= _seen(root)
    stated = article_facts(root)
    facts |= stated
    canonical = select(root, "link[rel~=canonical][href]")
    if canonical:
        facts["url"] = canonical[0].get("href").strip()
    links = select(root, "head > link[rel~=alternate][hreflang][href]")
    alternates = read_alternates(
        [
            (link.get("hreflang"), _joined(facts.get("url", ""), link.get("href").strip()))
            for link in links
        ],
        facts.get("url", ""),
    )
    facts["translation_key"] = alternates.key
    if not stated.get("language"):
        facts["language"] = alternates.language or facts.get("language")
        facts["language_from"] = "page"
    facts = {name: value for name, value in facts.items() if value}
    _resolve(facts)
    return facts


def published_times(root: Element) -> list[Element]:
    """Finds the elements that show the publication date: marked ones, or the first ``<time>``."""
    return (
        select(root, "time[itemprop=datePublished], time[pubdate]")
        or select(main_element(root), "time[datetime]")[:1]
    )


def _seen(root: Element) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for element in [*select(root, "head > title")[:1], *select(root, "h1")[:1]]:
        title = " ".join(text_of(element).split())
        if title and (element.tag == "h1" or not select(root, "meta[property='og:title']")):
            facts["title"] = title
    times = published_times(root)
    if times:
        facts["date"] = (times[0].get("datetime") or text_of(times[0])).strip()
    language = next(iter(select(root, "html")), root).get("lang")
    if language:
        facts["language"] = language
    labels = [" ".join(text_of(link).split()) for link in select(root, "a[rel~=tag]")]
    if labels:
        facts["tags"] = labels
    return facts


def _metas(root: Element) -> dict[str, list[str]]:
    metas: dict[str, list[str]] = {}
    for element in select(root, "meta[content]"):
        key = (element.get("property") or element.get("name") or "").strip().lower()
        if element.get("content").strip():
            metas.setdefault(key, []).append(element.get("content").strip())
    return metas


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def _resolve(facts: dict[str, Any]) -> None:
    """Makes the image's link in ``facts`` absolute, if the page states its own URL."""
    image = facts.get("image")
    if image and "url" in facts:
        facts["image"] = {**image, "src": _joined(facts["url"], image["src"])}

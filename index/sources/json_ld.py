"""Reads the schema.org metadata that HTML pages hold as JSON-LD."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from index.articles.cleaning import unescape
from index.articles.json_text import load_json
from index.sources.markup import Element, select, text_of

_ARTICLES = ("Article", "Posting", "Report", "AnalysisNewsArticle")


def article_facts(root: Element) -> dict[str, Any]:
    """Returns the fields of the first article in a page's JSON-LD; empty if there is none.

    Blocks that are not JSON are ignored: the page can be read without them.
    """
    for script in select(root, "script[type='application/ld+json']"):
        try:
            document = load_json(text_of(script), strict=False)
        except ValueError:
            continue
        for node in _nodes(document):
            if any(name.endswith(_ARTICLES) for name in _texts(node.get("@type"))):
                return {name: value for name, value in _fields(node).items() if value}
    return {}


def _nodes(document: Any) -> Iterator[Mapping[str, Any]]:
    """Yields the objects at the document's top level, in ``@graph`` and in ``mainEntity``."""
    pending = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += reversed(value)
        elif isinstance(value, Mapping):
            yield value
            pending += [value.get("mainEntity"), value.get("@graph")]


def _fields(node: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": _first(node.get("headline")) or _first(node.get("name")),
        "url": _first(node.get("url")) or _first(node.get("mainEntityOfPage")),
        "excerpt": _first(node.get("description")) or _first(node.get("abstract")),
        "image": _image(node.get("image")) or _image(node.get("thumbnailUrl")),
        "date": _first(node.get("datePublished")) or _first(node.get("dateCreated")),
        "visible_until": _first(node.get("expires")),
        "status": _first(node.get("creativeWorkStatus")),
        "language": _first(node.get("inLanguage"), "alternateName", "name"),
        "tags": _keywords(node.get("keywords")) or _texts(node.get("articleSection")),
        "authors": _names(node.get("author")) or _names(node.get("creator")),
        "summary": _first(node.get("articleBody")) or _first(node.get("text")),
    }


def _texts(value: Any) -> list[str]:
    """Returns a text, or a list of texts, as a list."""
    items = value if isinstance(value, list) else [value]
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]


def _first(value: Any, *keys: str) -> str:
    """Returns the first text in a value.

    The value may be a text, a list, or an object, whose text is under one of ``keys``.
    """
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and item.strip():
            return unescape(item.strip())  # many generators escape HTML in JSON too
        if isinstance(item, Mapping):
            for key in (*keys, "@value", "url", "@id"):
                if isinstance(item.get(key), str) and item[key].strip():
                    return unescape(item[key].strip())
    return ""


def _image(value: Any) -> dict[str, str] | None:
    item = value[0] if isinstance(value, list) and value else value
    src = _first(item, "contentUrl", "url")
    if not src:
        return None
    alt = ""
    if isinstance(item, Mapping):
        alt = _first(item.get("caption")) or _first(item.get("description"))
    return {"src": src, "alt": alt}


def _keywords(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    items = value if isinstance(value, list) else []
    return [text for item in items if (text := _first(item, "name", "termCode"))]


def _names(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [text for item in items if (text := _first(item, "name"))]

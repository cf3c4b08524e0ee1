"""Reads the schema.org metadata that HTML pages hold as JSON-LD or microdata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from index.articles.cleaning import unescape
from index.articles.json_text import load_json
from index.sources.markup import Element, select, text_of

_ARTICLES = ("Article", "Posting", "Report", "AnalysisNewsArticle")
_LISTS = ("CollectionPage", "SearchResultsPage", "ProfilePage")
_NESTED = ("mainEntity", "@graph")
_VALUE_IN = ("content", "datetime", "src", "href")
_URL = re.compile(r"[a-z]+://\S+")

Node = Mapping[str, Any]
"""An object of schema.org: its types under ``@type``, and its properties."""


class SchemaOrg:
    """What a page says of itself in schema.org's words.

    Blocks that are not JSON are ignored: the page can be read without them.
    """

    def __init__(self, root: Element, canonical: str = "") -> None:
        """Reads a page's JSON-LD, then its microdata.

        Args:
            root: The page's root element.
            canonical: The page's address. Of several articles, the one with this address is taken.
        """
        self._nodes = [node for document in _documents(root) for node in _nodes(document)]
        self._by_id: dict[str, Node] = {}
        for node in self._nodes:
            name = node.get("@id")
            if isinstance(name, str) and len(node) > 1:
                self._by_id.setdefault(name, node)
        linked = [target for node in self._nodes for target in self._targets(node)]
        self._nodes += [*linked, *_items(root)]
        articles = [node for node in self._nodes if _is_a(node, _ARTICLES)]
        same = [node for node in articles if canonical and self._address(node) == canonical]
        self._article = next(iter([*same, *articles]), None)

    @property
    def is_list(self) -> bool:
        """Whether the page says that it is a list of pages, and holds no article."""
        return self._article is None and any(_is_a(node, _LISTS) for node in self._nodes)

    def site_names(self) -> list[str]:
        """Returns the names of the site and of who publishes the article."""
        sites = [node for node in self._nodes if _is_a(node, ("WebSite",))]
        publisher = self._values((self._article or {}).get("publisher"))
        return [name for node in [*sites, *publisher] for name in self._names(node)]

    def titles(self) -> list[str]:
        """Returns the article's headline and its name, if it has them."""
        found = (self._first(self._article or {}, name) for name in ("headline", "name"))
        return [title for title in found if title]

    def facts(self) -> dict[str, Any]:
        """Returns the article's fields that have a value; empty if there is no article."""
        node = self._article
        if node is None:
            return {}
        facts = {
            "url": self._first(node, "url", "mainEntityOfPage"),
            "excerpt": self._first(node, "description", "abstract"),
            "image": self._image(node.get("image")) or self._image(node.get("thumbnailUrl")),
            "date": self._first(node, "datePublished", "dateCreated"),
            "visible_until": self._first(node, "expires"),
            "status": self._first(node, "creativeWorkStatus"),
            "language": _text(node.get("inLanguage"), "alternateName", "name"),
            "tags": self._keywords(node.get("keywords")) or _texts(node.get("articleSection")),
            "authors": self._names(node.get("author")) or self._names(node.get("creator")),
            "summary": self._first(node, "articleBody", "text"),
        }
        return {name: value for name, value in facts.items() if value}

    def _values(self, value: Any) -> list[Any]:
        """Returns a value's items; a reference is replaced by what it refers to."""
        items = value if isinstance(value, list) else [value]
        return [
            self._by_id.get(item["@id"], item)
            if isinstance(item, Mapping) and isinstance(item.get("@id"), str)
            else item
            for item in items
        ]

    def _targets(self, node: Node) -> list[Node]:
        return [item for item in self._values(node.get("mainEntity")) if isinstance(item, Mapping)]

    def _first(self, node: Node, *names: str) -> str:
        found = (_text(self._values(node.get(name)), "url", "@id") for name in names)
        return next(filter(None, found), "")

    def _address(self, node: Node) -> str:
        address = self._first(node, "url", "mainEntityOfPage") or self._first(node, "@id")
        return address.partition("#")[0]

    def _image(self, value: Any) -> dict[str, str] | None:
        for item in self._values(value):
            # An @id with a fragment names a part of the page, not a picture.
            src = _text([item], "contentUrl", "url", "@id")
            if src and not (isinstance(item, Mapping) and src == item.get("@id") and "#" in src):
                words = item if isinstance(item, Mapping) else {}
                return {"src": src, "alt": self._first(words, "caption", "description")}
        return None

    def _keywords(self, value: Any) -> list[str]:
        found = [_text([item], "name", "termCode") for item in self._values(value)]
        return [word for text in found for word in split_keywords(text)]

    def _names(self, value: Any) -> list[str]:
        names = []
        for item in self._values(value):
            given = item.get("name") if isinstance(item, Mapping) else item
            names += [unescape(name) for name in _texts(given) if not _URL.fullmatch(name)]
        return names


def split_keywords(text: str) -> list[str]:
    """Parts keywords at semicolons if there are any, else at commas."""
    words = (word.strip() for word in text.split(";" if ";" in text else ","))
    return [word for word in words if word]


def _documents(root: Element) -> Iterator[Any]:
    for script in select(root, "script[type]"):
        if script.get("type").partition(";")[0].strip().lower() == "application/ld+json":
            text = text_of(script).strip().removeprefix("<![CDATA[").removesuffix("]]>")
            try:
                yield load_json(text, strict=False)
            except ValueError:
                continue


def _nodes(document: Any) -> Iterator[Node]:
    """Yields the objects at the document's top level, in ``@graph`` and in ``mainEntity``."""
    pending = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += reversed(value)
        elif isinstance(value, Mapping):
            yield value
            pending += [value.get(name) for name in _NESTED]


def _items(root: Element) -> Iterator[Node]:
    """Yields the articles that a page's microdata describe."""
    for element in select(root, "[itemscope][itemtype]"):
        if _is_a({"@type": _types(element)}, _ARTICLES):
            yield _item(element)


def _item(element: Element) -> dict[str, Any]:
    item: dict[str, Any] = {"@type": _types(element)}
    pending = list(element)[::-1]
    while pending:
        child = pending.pop()
        if not isinstance(child.tag, str):
            continue
        nested = "itemscope" in child.attrib
        for name in (child.get("itemprop") or "").split():
            if name != "articleBody":  # it is found in the page's text
                item.setdefault(name, []).append(_item(child) if nested else _value(child))
        if not nested:
            pending += list(child)[::-1]
    return item


def _types(element: Element) -> list[str]:
    return [name for name in (element.get("itemtype") or "").split() if "schema.org/" in name]


def _value(element: Element) -> str:
    given = (element.get(name) for name in _VALUE_IN)
    return next((value for value in given if value), None) or " ".join(text_of(element).split())


def _is_a(node: Node, types: tuple[str, ...]) -> bool:
    return any(name.endswith(types) for name in _texts(node.get("@type")))


def _texts(value: Any) -> list[str]:
    """Returns a text, or a list of texts, as a list."""
    items = value if isinstance(value, list) else [value]
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]


def _text(value: Any, *keys: str) -> str:
    """Returns the first text in a value.

    The value may be a text, a list, or an object, whose text is under one of ``keys``.
    """
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and item.strip():
            return unescape(item.strip())  # many generators escape HTML in JSON too
        if isinstance(item, Mapping):
            for key in (*keys, "@value"):
                if found := _texts(item.get(key)):
                    return unescape(found[0])
    return ""

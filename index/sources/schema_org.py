"""Reads the schema.org metadata that HTML pages hold as JSON-LD or microdata."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from index.articles.cleaning import plain_text, unescape
from index.articles.json_text import load_json
from index.articles.text_lists import split_keywords
from index.articles.urls import join_url, split_url
from index.sources.main_text import own_length
from index.sources.markup import Element, line_of, select, text_of

_ARTICLES = ("Article", "Posting", "Report", "AnalysisNewsArticle")
_WORKS = ("Recipe", "HowTo")
"""What a page may be about instead of an article, if it is about one only."""

_LISTS = ("CollectionPage", "SearchResultsPage", "ProfilePage")
_NESTED = ("mainEntity", "@graph")
_WORDS = {"name", "headline", "alternativeHeadline", "description", "keywords", "author", "creator"}
"""Properties whose value is never an address."""

_SUFFIX = re.compile(r"(/index)?(\.x?html?)?/?$")
_URL = re.compile(r"[a-z]+://\S+")
_AROUND = re.compile(
    r"\A(?:/\*|//|<!--)?\s*<!\[CDATA\[\s*(?:\*/)?|(?:/\*|//)?\s*\]\]>\s*(?:\*/|-->)?\Z|\A<!--|-->\Z"
)
_STRAY_COMMA = re.compile(r",(?=\s*(?:[}\]]|\Z))|(?<=[}\]])\s*;\s*\Z")
_TAGGED = re.compile(r"<(\w+)\b[^<>]*>[^<]*</\1>|<br ?/?>")

Node = Mapping[str, Any]
"""An object of schema.org: its types under ``@type``, and its properties."""


class SchemaOrg:
    """The schema.org metadata of a page, about its article and its site.

    Blocks that are not valid JSON are ignored: the page can be read without them.
    """

    def __init__(self, root: Element, canonical: str, path: str) -> None:
        """Reads a page's JSON-LD, then its microdata.

        Args:
            root: The page's root element.
            canonical: The page's address; empty if unknown. An article with another is not taken.
            path: The page's path. Of several articles that with this path is taken.
        """
        self._nodes = [node for document in _documents(root) for node in _nodes(document)]
        self._by_id: dict[str, Node] = {}
        for node in self._nodes:
            if isinstance(node.get("@id"), str) and len(node) > 1:
                self._by_id.setdefault(node["@id"], node)
        self._canonical = canonical
        items = [(each, _item(each)) for each in select(root, "[itemscope][itemtype]")]
        self._nodes += [item for _, item in items]
        articles = self._of_this_page(_ARTICLES)
        if not articles and not any(_is_a(node, _LISTS) for node in self._nodes):
            works = self._of_this_page(_WORKS)
            articles = works if len(works) == 1 else []
        own, pages = _page(canonical or path), [_page(self._address(node)) for node in articles]
        same = [node for node, page in zip(articles, pages, strict=True) if page == own]
        if not (canonical or same) and len({*pages} - {""}) > 1:  # teasers of a list
            articles = [node for node, page in zip(articles, pages, strict=True) if not page]
        self._article: Node = next(iter([*same, *articles]), {})
        self._posts = {
            address: each
            for each, item in items
            if not self._article and _is_a(item, _ARTICLES) and (address := self._address(item))
        }

    def _of_this_page(self, types: tuple[str, ...]) -> list[Node]:
        found = (node for node in self._nodes if _is_a(node, types))
        return [one for one in found if not _is_other_page(self._address(one), self._canonical)]

    @property
    def is_list(self) -> bool:
        """Whether the page says that it is a list of pages, and holds no article."""
        return not self._article and any(_is_a(node, _LISTS) for node in self._nodes)

    def shows_posts(self, root: Element) -> bool:
        """Tells whether most of what a page shows is two articles of other pages, or more."""
        found = {*self._posts.values()}
        posts = [each for each in found if found.isdisjoint(each.iterancestors())]
        around = {above for post in posts for above in (post, *post.iterancestors())}
        length = sum(own_length(post, around) for post in posts)
        return len(posts) > 1 and 2 * length > own_length(root, around)

    def site_names(self) -> list[str]:
        """Returns the names of the site and of the article's publisher."""
        sites = [node for node in self._nodes if _is_a(node, ("WebSite",))]
        names = [name for node in sites for name in self._read(node, "name")]
        return names + self._read(self._article, "publisher", "name")

    def titles(self) -> list[str]:
        """Returns the article's headline and its name, if it has them."""
        if not _is_a(self._article, _ARTICLES):  # a page about a recipe has a title of its own
            return []
        return [title for name in ("headline", "name") if (title := self._first(name))]

    def facts(self) -> dict[str, Any]:
        """Returns the article's fields that the metadata gives; empty if it names no article."""
        node = self._article
        keywords = self._read(node, "keywords", "name", "termCode")
        authors = self._read(node, "author", "name") or self._read(node, "creator", "name")
        facts = {
            "url": self._first("url", "mainEntityOfPage"),
            "excerpt": self._first("description", "abstract"),
            "image": self._image("image") or self._image("thumbnailUrl"),
            "date": self._first("datePublished", "dateCreated"),
            "visible_until": self._first("expires"),
            "status": "".join(self._read(node, "creativeWorkStatus", "name", "termCode")[:1]),
            "language": "".join(self._read(node, "inLanguage", "alternateName", "name")[:1]),
            "tags": [word for text in keywords for word in split_keywords(text)],
            "authors": [name for name in authors if not _URL.fullmatch(name)],
            "summary": self._first("articleBody", "text"),
        }
        if _is_gated(node):
            del facts["summary"]
        return {name: value for name, value in facts.items() if value}

    def sections(self) -> list[str]:
        """Returns the parts of the site in which the article stands."""
        found = self._read(self._article, "articleSection")
        return [word for text in found for word in split_keywords(text)]

    def gated(self) -> list[str]:
        """Returns the CSS selectors of what the article shows to subscribers only."""
        parts = [part for part in self._values(self._article.get("hasPart")) if _is_gated(part)]
        return [css for part in parts for css in self._read(part, "cssSelector")]

    def _values(self, value: Any) -> list[Any]:
        """Returns a value's items; a reference is replaced by what it refers to."""
        items = value if isinstance(value, list) else [value]
        names = [item.get("@id") if isinstance(item, Mapping) else None for item in items]
        return [
            self._by_id.get(name, item) if isinstance(name, str) else item
            for name, item in zip(names, items, strict=True)
        ]

    def _read(self, node: Node, name: str, *keys: str) -> list[str]:
        """Returns the texts of a property; that of an object stands under one of ``keys``."""
        return [text for item in self._values(node.get(name)) if (text := _text(item, *keys))]

    def _first(self, *names: str, of: Node | None = None) -> str:
        node = self._article if of is None else of
        found = (text for name in names for text in self._read(node, name, "url", "@id"))
        return next(found, "")

    def _address(self, node: Node) -> str:
        found = self._first("url", "mainEntityOfPage", "@id", of=node).partition("#")[0]
        return join_url(self._canonical, found) if found.startswith("/") else found

    def _image(self, name: str) -> dict[str, str] | None:
        for item in self._values(self._article.get(name)):
            words = item if isinstance(item, Mapping) else {}
            src = _text(item, "contentUrl", "url", "@id")
            # An @id with a fragment names a part of the page, not a picture.
            if src and not (src == words.get("@id") and "#" in src):
                return {"src": src, "alt": self._first("caption", "description", of=words)}
        return None


def _documents(root: Element) -> Iterator[Any]:
    for script in select(root, "script[type]"):
        if script.get("type").partition(";")[0].strip().lower() == "application/ld+json":
            text = _AROUND.sub("", text_of(script).strip())
            for written in (text, _STRAY_COMMA.sub("", text), unescape(text)):  # React escapes it
                try:
                    yield load_json(written, strict=False)
                    break
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


def _item(element: Element) -> dict[str, Any]:
    """Returns an item of microdata."""
    types = [name for name in (element.get("itemtype") or "").split() if "schema.org/" in name]
    item: dict[str, Any] = {"@type": types}
    pending = list(element)[::-1]
    while pending:
        child = pending.pop()
        if not isinstance(child.tag, str):
            continue
        nested = "itemscope" in child.attrib
        names = (child.get("itemprop") or "").split()
        each = (
            select(child, "a") if names == ["keywords"] and child.tag in ("ul", "ol") else [child]
        )
        for name in names:
            if "articleBody" not in names:  # it is found in the page's text
                found = (_item(part) if nested else _value(part, name) for part in each)
                item.setdefault(name, []).extend(found)
        if not nested:
            pending += list(child)[::-1]
    return item


def _value(element: Element, name: str) -> str:
    """Returns a property's value; of a link that is to be a title or a name, its words."""
    if name.startswith("date"):  # as Shopify writes dates: around a <time>
        element = next((each for each in element.iter("time") if each.get("datetime")), element)
    stated = ["content", "datetime", *(() if name in _WORDS else ("src", "href"))]
    if element.tag == "abbr":  # as Blogger writes dates: <abbr title="2016-05-08T00:55:00Z">
        stated.append("title")
    return next(filter(None, map(element.get, stated)), None) or line_of(element)


def _page(address: str) -> str:
    """Returns what all addresses of a page share: its path, without its suffix, and its query."""
    url = split_url(address)
    return _SUFFIX.sub("", unquote(url.path).casefold()) + f"?{url.query}" * bool(url.query)


def _is_other_page(stated: str, canonical: str) -> bool:
    """Tells whether an absolute address that is stated, not of a home page, is not the page's."""
    urls = split_url(stated), split_url(canonical)
    path, own = (_SUFFIX.sub("", unquote(url.path).casefold()) for url in urls)
    return path not in ("", own) and all(url.netloc for url in urls)


def _is_gated(node: Any) -> bool:
    free = node.get("isAccessibleForFree") if isinstance(node, Mapping) else None
    return str(free).rpartition("/")[2].casefold() == "false"


def _is_a(node: Node, types: tuple[str, ...]) -> bool:
    given = node.get("@type")
    names = given if isinstance(given, list) else [given]
    return any(isinstance(name, str) and name.endswith(types) for name in names)


def _text(value: Any, *keys: str) -> str:
    """Returns a text, or the first text that an object has under one of ``keys``."""
    given = [value.get(key) for key in (*keys, "@value")] if isinstance(value, Mapping) else [value]
    for item in given:
        text = next(iter(item), "") if isinstance(item, list) else item
        text = _text(text, *keys) if isinstance(text, Mapping) and keys else text
        if isinstance(text, str) and text.strip():
            text = unescape(text.strip())  # many generators escape HTML in JSON too
            return plain_text(text) if _TAGGED.search(text) else text
    return ""

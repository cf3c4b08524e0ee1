"""Parses an article's links: those on its page, and what the page itself calls related.

Sources give links as ``{"url", "text", "section", "kind", "heading"}``, of which only ``url`` is
needed. What a page calls related may be named by address, id, slug, file or title.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from posixpath import normpath
from typing import Any
from urllib.parse import urljoin

from index.articles.cleaning import plain_text
from index.articles.file_suffixes import SUFFIXES
from index.articles.record import plain_name
from index.articles.text_lists import split_keywords
from index.articles.urls import MAX_URL, check_url
from recommender.article import FILE_LINK, Link, LinkKind, without_fragment
from recommender.errors import ArticleError

MAX_LINKS = 1_000
"""Most links of an article."""

MAX_WORDS = 200
"""Longest words of a link in characters."""

MAX_ALIASES = 100
"""Most other addresses of an article."""

_RELATED_FIELDS = frozenset(
    "relatedposts relatedarticles relatedpages relatedcontent relatedlinks seealso"
    " jetpackrelatedposts".split()
)
_ADDRESS_KEYS = ("url", "link", "href", "permalink", "id", "slug", "path", "file", "name", "title")
_WORDS_KEYS = ("title", "text", "label", "name")
_MAX_NAME = 500
_LINK_TAG = re.compile(r"<a\s([^<>]{1,3000})>", re.IGNORECASE)
_HREF = re.compile(r"""(?:^|\s)href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_END_TAG = re.compile("</a", re.IGNORECASE)
_QUOTED = re.compile(
    r"<(/?)(blockquote|pre|code|q|kbd|samp|button|h[1-6])(?=[\s/>])[^<>]*>?", re.IGNORECASE
)
_REL = re.compile(r"""\brel\s*=\s*("[^"]*+"|'[^']*+'|[^\s"'>]++)""", re.IGNORECASE)
_NO_EDITOR = re.compile(r"\b(?:nofollow|sponsored|ugc|tag)\b", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]*)\]\(\s*+<?([^()\s<>]++)>?[^()]*+\)")
_WIKI_LINK = re.compile(r"\[\[([^\[\]|]+)(?:\|([^\[\]]*))?\]\]")
_ADDRESS = re.compile(rf"(?:https?:)?//|/|\./|\.\./|\?|{FILE_LINK}", re.IGNORECASE)
_NO_HOST = re.compile(r"//[^./:\[]+/")
"""Begins a path with one slash too many, such as ``//2026/03/kelp/``; no host is named so."""

_FOLDED = re.compile(r"[\t\r\n]+")


def parse_links(value: Any, article_url: str, positions: Mapping[int, int]) -> Iterator[Link]:
    """Parse the field ``links`` of a record; entries that are not usable links are skipped.

    Args:
        value: A list of addresses, or of objects with ``url`` and, if known, ``text``, ``section``,
            ``kind`` and ``heading``.
        article_url: The article's own address, against which relative ones are resolved.
        positions: For each section of the record by number, its position in the article's sections.
    """
    for item in value[: 4 * MAX_LINKS] if isinstance(value, list | tuple) else ():
        given = item if isinstance(item, Mapping) else {"url": item}
        if url := resolve(given.get("url"), article_url):
            kind, section = given.get("kind"), given.get("section")
            yield Link(
                url=url,
                text=_words(given.get("text")),
                section=positions.get(section) if isinstance(section, int) else None,
                kind=LinkKind(str(kind)) if kind in [*LinkKind] else LinkKind.TEXT,
                heading=_words(given.get("heading")),
            )


def parse_related(value: Any, article_url: str, heading: str) -> Iterator[Link]:
    """Parse a field of a record that names related articles, and yield a link for each of them.

    Args:
        value: A list, or a text with commas, of addresses, ids, slugs, files or titles; or a list
            of objects that hold one of these.
        article_url: The article's own address, against which relative ones are resolved.
        heading: The name of the field, which stands for the heading of a block.
    """
    items: Any = value
    if isinstance(value, str):
        items = split_keywords(value[: MAX_URL * 50])
    elif isinstance(value, Mapping):
        inner = [item for item in value.values() if isinstance(item, list)]
        items = [one for item in inner for one in item] or [value]
    elif isinstance(value, int):
        items = [value]
    for item in items[:MAX_LINKS] if isinstance(items, list | tuple) else ():
        name, words = _named(item)
        if url := resolve(name, article_url):
            text, kind = _words(words), LinkKind.RELATED
            yield Link(url=url, text=text, kind=kind, heading=heading[:MAX_WORDS])


def is_related_name(name: str) -> bool:
    """Return whether a field with this name is known to hold related articles on many sites."""
    return plain_name(name) in _RELATED_FIELDS


def links_in_markup(markup: str, section: int) -> list[dict[str, Any]]:
    """Return the links in a section's HTML as dictionaries, for :func:`parse_links`.

    ``section`` is the number of the section in its record.
    """
    links: list[dict[str, Any]] = []
    for found in _LINK_TAG.finditer(markup):
        href = _HREF.search(found[1])
        end = _END_TAG.search(markup, found.end(), found.end() + 2_000)
        if href is not None and len(links) < MAX_LINKS:
            url = (href[1] or href[2] or href[3] or "").replace("&amp;", "&")
            link = {"url": url, "text": markup[found.end() : end.start()] if end else ""}
            apart = any(map(_NO_EDITOR.search, _REL.findall(found[1])))
            links.append(link | ({"kind": "apart"} if apart else {"section": section}))
    return links


def quoted_in_markup(markup: str) -> list[str]:
    """Return the quotations, code blocks and headings in a text with HTML, each as HTML.

    A quotation or block of code that is never closed reaches to the end, as in a browser.
    """
    opened: defaultdict[str, list[int]] = defaultdict(list)
    spans: list[tuple[int, int]] = []
    for tag in _QUOTED.finditer(markup):
        starts = opened[tag[2].lower()]
        if not tag[1]:
            starts.append(tag.start())
        elif starts:
            spans.append((starts.pop(), tag.end()))
    spans += [(opened[name][0], len(markup)) for name in ("blockquote", "pre") if opened[name]]
    passages: list[str] = []
    end = 0
    for first, last in sorted(spans, key=lambda span: (span[0], -span[1])):
        if last > end:
            passages.append(markup[max(first, end) : last])
            end = last
    return passages


def parse_aliases(value: Any, article_url: str) -> tuple[str, ...]:
    """Parse the field ``aliases``: other addresses of the article. Unusable ones are left out."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        return ()
    found = (resolve(item, article_url) for item in items[:MAX_ALIASES])
    return tuple(dict.fromkeys(url for url in found if url))


def distinct(links: Iterable[Link], article_url: str) -> tuple[Link, ...]:
    """Return each link once, without links to the article itself; at most ``MAX_LINKS``."""
    own = without_fragment(article_url)
    seen = dict.fromkeys(link for link in links if without_fragment(link.url) != own)
    return tuple(seen)[:MAX_LINKS]


def resolve(address: Any, article_url: str) -> str | None:
    """Return the full address that a link leads to; ``None`` if it is unsafe or not an address.

    Args:
        address: The link as it stands on the page: an address, or ``file:`` and a name, which is
            only tidied.
        article_url: The article's own address.
    """
    if not isinstance(address, str):
        return None
    address = _FOLDED.sub("", address.strip()[: MAX_URL + 1])
    if address.startswith(FILE_LINK):
        name = normpath(address[len(FILE_LINK) :].strip().strip("/")[:_MAX_NAME])
        name = name.replace("../", "")
        return f"{FILE_LINK}{name}" if name.strip("./ ") and name.isprintable() else None
    if _NO_HOST.match(address):
        address = address[1:]
    try:
        url = urljoin(article_url, address.replace(" ", "%20"))
        return check_url(f"https:{url}" if url.startswith("//") else url)
    except (ValueError, ArticleError):
        return None


def _named(item: Any) -> tuple[str, Any]:
    """Returns the address or ``file:`` name of one related article, and its words."""
    words: Any = ""
    if isinstance(item, Mapping):
        words = next((item[key] for key in _WORDS_KEYS if isinstance(item.get(key), str)), "")
        usable = (item.get(key) for key in _ADDRESS_KEYS)
        item = next((value for value in usable if value and isinstance(value, str | int)), "")
    if isinstance(item, int) and not isinstance(item, bool) and item.bit_length() <= 128:
        item = str(item)
    name = item[: MAX_URL + 1].strip().strip("\"'") if isinstance(item, str) else ""
    if found := _MARKDOWN_LINK.search(name):
        words, name = found[1], found[2]
    elif found := _WIKI_LINK.search(name):
        words, name = found[2] or found[1], found[1]
    if name.lower().endswith(SUFFIXES["markdown"]) and "://" not in name:
        name = f"{FILE_LINK}{name.lstrip('./')}"
    elif name and not _ADDRESS.match(name):
        name = f"{FILE_LINK}{name}"
    return name, words


def _words(value: Any) -> str:
    text = plain_text(value[: 4 * MAX_WORDS]) if isinstance(value, str) else ""
    return text.replace("\n", " ")[:MAX_WORDS]

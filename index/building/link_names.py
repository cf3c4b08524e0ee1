"""Numbers for what links name: addresses, files, ids, slugs and titles.

A link and an article that share a number are a pair, so that links are resolved by sorting numbers,
whatever the number of articles.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from posixpath import splitext
from urllib.parse import unquote, urlsplit

import numpy as np

from index.build.name_table import (
    ANY_HOST,
    NameTable,
    address_key,
    host_of,
    number_of,
    path_of,
)
from recommender.article import FILE_LINK, Article, Link, LinkKind
from recommender.text import without_link_words

LINK = np.dtype(
    [
        *(("row", "<i4"), ("order", "<i4"), ("name", "<u8"), ("second", "<u8"), ("host", "<u8")),
        *(("block", "<u8"), ("kind", "u1")),
    ]
)
"""One link: its article's row, its position there, the numbers of what it names exactly, of what
else it may mean (0 for nothing), of its host (0 for none) and of its block, and its kind."""

KINDS = (LinkKind.TEXT, LinkKind.RELATED, LinkKind.APART)
"""The kinds of links, in the order of the numbers in ``LINK``."""

_PAGE_SUFFIXES = {".md", ".mdx", ".markdown", ".html", ".htm", ".xhtml", ".txt", ".rst", ".adoc"}
_NO_PAGE = re.compile(
    r"\.(png|jpe?g|gif|webp|avif|svg|ico|bmp|tiff?|pdf|zip|gz|tgz|tar|bz2|xz|7z|exe|dmg|deb|rpm|mp3"
    r"|mp4|m4a|ogg|wav|webm|mov|avi|css|js|mjs|json|xml|rss|atom|csv|tsv|xlsx?|docx?|pptx?|odt|ods"
    r"|epub|woff2?|ttf|txt|ics)$",
    re.IGNORECASE,
)
_LOOSE = "name:"
_INDEX_NAMES = {"index", "_index", "readme"}
_DATED = re.compile(r"^\d{4}-\d{2}-\d{2}-(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkNames:
    """The numbers of one article and of its links, in a form that is quick to send.

    Attributes:
        names: uint64 numbers of the addresses, files and id that name this article alone, and of
            slugs and titles, which several articles may share.
        links: The links, as ``LINK``; without row.
        host: The host of the article's address; empty if it is relative to the site.
        source: The name of the article's source.
        headings: The headings of its blocks of related links.
    """

    names: bytes
    links: bytes
    host: str
    source: str
    headings: tuple[str, ...]


def link_names(article: Article) -> LinkNames:
    """Return the numbers of an article and of its links."""
    addresses = [article.url, *(each for each in article.aliases if not each.startswith(FILE_LINK))]
    keys = [address_key(each) for each in addresses]
    exact = [*keys, *(f"{ANY_HOST}{path_of(key)}" for key in keys if path_of(key))]
    exact.append(f"{FILE_LINK}{_stem(article.id)}")
    loose = [_last(article.id), _last(unquote(urlsplit(article.url).path)), article.title]
    for alias in article.aliases:
        if not alias.startswith(FILE_LINK):
            continue
        stem = _stem(alias[len(FILE_LINK) :])
        folder, _, name = stem.rpartition("/")
        exact += [f"{FILE_LINK}{stem}", *[f"{FILE_LINK}{folder}"] * (name in _INDEX_NAMES)]
        loose += [_last(stem), *_DATED.findall(_last(stem))]
    names = {*exact, *(f"{_LOOSE}{name.casefold()}" for name in loose if name)}
    found = (_link(number, link, article.source) for number, link in enumerate(article.links))
    related = (link.heading for link in article.links if link.kind is LinkKind.RELATED)
    return LinkNames(
        names=np.array([number_of(name) for name in sorted(names)], dtype="<u8").tobytes(),
        links=np.array([link for link in found if link is not None], dtype=LINK).tobytes(),
        host=host_of(keys[0]),
        source=article.source,
        headings=tuple(dict.fromkeys(related)),
    )


def block_number(source: str, heading: str) -> int:
    """Return the number of the blocks of related links under a heading in a source."""
    return number_of(f"{source}\0{heading.casefold()}")


def _link(order: int, link: Link, source: str) -> tuple[int, ...] | None:
    numbers = link_numbers(link)
    if numbers is None:
        return None
    block = block_number(source, link.heading) if link.kind is LinkKind.RELATED else 0
    return (0, order, *numbers, block, KINDS.index(link.kind))


def link_numbers(link: Link) -> tuple[int, int, int] | None:
    """Return the numbers of what a link names, of what else it may mean, and of its host.

    The latter two are 0 if there is nothing. The result is ``None`` for what is no page.
    """
    host = second = ""
    if link.url.startswith(FILE_LINK):
        stem = _stem(link.url[len(FILE_LINK) :])
        name = f"{FILE_LINK}{stem}"
        second = f"{_LOOSE}{stem if ' ' in stem else _last(stem)}"
    else:
        name = address_key(link.url)
        if _NO_PAGE.search(unquote(name.partition("?")[0])):
            return None
        host = host_of(name)
        second = path_of(name)
    return number_of(name), number_of(second) if second else 0, number_of(host) if host else 0


def without_words_of_links(article: Article, names: NameTable) -> Article:
    """Return an article whose texts lack the words of its links to other articles.

    What leads to other sites says nothing of the site's own idea of related, so its words stay.

    Args:
        article: The article.
        names: What the articles of the site are called by links.
    """

    def leads_to_article(link: Link) -> bool:
        numbers = link_numbers(link)
        return numbers is not None and any(names.row(each) is not None for each in numbers[:2])

    own = tuple(filter(leads_to_article, article.links))
    return without_link_words(replace(article, links=own))


def _stem(name: str) -> str:
    """Returns a file's path in lower case without the suffix of a page."""
    stem, suffix = splitext(name)
    return (stem if suffix.lower() in _PAGE_SUFFIXES else name).casefold()


def _last(path: str) -> str:
    """Returns the last part of a path that names something, without the suffix of a page."""
    parts = [part for part in _stem(path).split("/") if part]
    if len(parts) > 1 and parts[-1] in _INDEX_NAMES:
        parts.pop()
    return parts[-1] if parts else ""

"""Numbers for what links name: addresses, files, ids, slugs and titles.

A link and an article that share a number are a pair, so that links are resolved by sorting numbers,
whatever the number of articles.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from posixpath import splitext
from urllib.parse import unquote, urlsplit

import numpy as np

from index.articles.urls import url_key
from recommender.article import FILE_LINK, Article, Link, LinkKind

LINK = np.dtype(
    [
        *(("row", "<i4"), ("order", "<i4"), ("name", "<u8"), ("second", "<u8"), ("host", "<u8")),
        *(("block", "<u8"), ("kind", "u1"), ("by_name", "?")),
    ]
)
"""One link: its article's row, its position there, the numbers of what it names exactly, of what
else it may mean, of its host (0 for none) and of its block, its kind, and if it is ``file:``."""

KINDS = (LinkKind.TEXT, LinkKind.RELATED, LinkKind.APART)
"""The kinds of links, in the order of the numbers in ``LINK``."""

_PAGE_SUFFIXES = {".md", ".mdx", ".markdown", ".html", ".htm", ".xhtml", ".txt", ".rst", ".adoc"}
_NO_PAGE = re.compile(
    r"\.(png|jpe?g|gif|webp|avif|svg|ico|bmp|tiff?|pdf|zip|gz|tgz|tar|bz2|xz|7z|exe|dmg|deb|rpm|mp3"
    r"|mp4|m4a|ogg|wav|webm|mov|avi|css|js|mjs|json|xml|rss|atom|csv|tsv|xlsx?|docx?|pptx?|odt|ods"
    r"|epub|woff2?|ttf|txt|ics)$",
    re.IGNORECASE,
)
_INDEX_NAMES = {"index", "_index", "readme"}
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}-(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkNames:
    """The numbers of one article and of its links, in a form that is quick to send.

    Attributes:
        exact: uint64 numbers of the addresses, the file and the id that name this article alone.
        loose: uint64 numbers of slugs and titles, which several articles may share.
        links: The links, as ``LINK``; without row.
        host: The host of the article's address; empty if it is relative to the site.
        source: The name of the article's source.
        headings: The headings of its blocks of related links.
    """

    exact: bytes
    loose: bytes
    links: bytes
    host: str
    source: str
    headings: tuple[str, ...]


def link_names(article: Article) -> LinkNames:
    """Return the numbers of an article and of its links."""
    address = address_key(article.url)
    exact = [address, f"{FILE_LINK}{_stem(article.id)}"]
    loose = [_last(article.id), _last(unquote(urlsplit(article.url).path)), article.title]
    for alias in article.aliases:
        if alias.startswith(FILE_LINK):
            stem = _stem(alias[len(FILE_LINK) :])
            exact.append(f"{FILE_LINK}{stem}")
            folder, _, name = stem.rpartition("/")
            if name.casefold() in _INDEX_NAMES and folder:
                exact.append(f"{FILE_LINK}{folder}")
            loose.append(_last(stem))
            if dated := _DATED.fullmatch(_last(stem)):
                loose.append(dated[1])
        else:
            exact.append(address_key(alias))
    found = [_link(number, link, article.source) for number, link in enumerate(article.links)]
    related = (link.heading for link in article.links if link.kind is LinkKind.RELATED)
    return LinkNames(
        exact=_numbers(dict.fromkeys(exact)),
        loose=_numbers(dict.fromkeys(f"{FILE_LINK}{name.casefold()}" for name in loose if name)),
        links=np.array([link for link in found if link is not None], dtype=LINK).tobytes(),
        host=host_of(address),
        source=article.source,
        headings=tuple(dict.fromkeys(related)),
    )


def address_key(url: str) -> str:
    """Return :func:`index.articles.urls.url_key` without ``www.`` and in lower case.

    No site has two articles whose addresses differ in no more, but links often do.
    """
    return re.sub(r"^//www\.", "//", url_key(url).casefold())


def host_of(key: str) -> str:
    """Return the host of an address's key; empty if it has none."""
    return key[2:].partition("/")[0].partition("?")[0] if key.startswith("//") else ""


def number_of(name: str) -> int:
    """Return the 64-bit number of a name, never 0."""
    digest = hashlib.blake2b(name.encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


def block_number(source: str, heading: str) -> int:
    """Return the number of the blocks of related links under a heading in a source."""
    return number_of(f"{source}\0{heading.casefold()}")


def _link(order: int, link: Link, source: str) -> tuple[int | bool, ...] | None:
    block = block_number(source, link.heading) if link.kind is LinkKind.RELATED else 0
    kind = KINDS.index(link.kind)
    if link.url.startswith(FILE_LINK):
        name = link.url[len(FILE_LINK) :]
        stem = _stem(name)
        last = name if " " in name else _last(stem)
        numbers = (number_of(f"{FILE_LINK}{stem}"), number_of(f"{FILE_LINK}{last.casefold()}"), 0)
        return (0, order, *numbers, block, kind, True)
    key = address_key(link.url)
    if _NO_PAGE.search(unquote(key.partition("?")[0])):
        return None
    host = host_of(key)
    path = key[2 + len(host) :] if host else ""
    numbers = (
        number_of(key),
        number_of(path or "/") if host else 0,
        number_of(host) if host else 0,
    )
    return (0, order, *numbers, block, kind, False)


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


def _numbers(names: dict[str, None]) -> bytes:
    return np.array([number_of(name) for name in names], dtype="<u8").tobytes()

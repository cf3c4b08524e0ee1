"""Numbers for what links name: addresses, files, ids, slugs and titles.

A link and an article that share a number are a pair, so that links are resolved by sorting numbers,
whatever the number of articles.
"""

import re
import struct
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import numpy as np

from index.build.link_numbers import (
    INDEX_NAMES,
    LOOSE,
    last_part,
    link_numbers,
    linked_row,
    page_stem,
)
from index.build.name_table import ANY_HOST, NameTable, host_of, number_of, path_of, spelled_key
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

OWN, SPELLED = 0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F
"""Added to the number of a name, make the numbers that mark an article's own address: that in lower
case, and that as it is spelled."""

CAPITALS = 0xD6E8_FEB8_6659_FD93
"""Added to the number of an address in lower case, makes that which marks that it has capitals."""

_DATED = re.compile(r"^\d{4}-\d{2}-\d{2}-(.+)")


class LinkNames(NamedTuple):
    """One article's names and links as numbers (hashes), which are quick to send.

    Attributes:
        names: uint64 numbers of the addresses, files and id that name this article alone, and of
            slugs and titles, which several articles may share. Those of its own address, not of
            aliases, occur again with ``OWN`` or ``SPELLED`` added, those of all with capitals with
            ``CAPITALS``.
        links: The links, as bytes of the dtype ``LINK``; their field ``row`` is not set.
        host: The host of the article's address; empty if it is relative to the site.
        source: The name of the article's source.
        headings: The headings of its blocks of related links to pages.
    """

    names: bytes
    links: bytes
    host: str
    source: str
    headings: tuple[str, ...]


def link_names(article: Article) -> LinkNames:
    """Return the names by which links may refer to an article, and its own links, as numbers."""
    spelled = spelled_keys(article)
    keys = [each.casefold() for each in spelled]
    own = dict.fromkeys(_with_paths(keys[:1]), OWN)
    own |= dict.fromkeys(_with_paths(spelled[:1]), SPELLED)
    exact = [*_with_paths([*keys, *spelled]), f"{FILE_LINK}{page_stem(article.id)}"]
    loose = [last_part(article.id), last_part(unquote(urlsplit(article.url).path)), article.title]
    for alias in article.aliases:
        if not alias.startswith(FILE_LINK):
            continue
        stem = page_stem(alias[len(FILE_LINK) :])
        folder, _, name = stem.rpartition("/")
        exact += [f"{FILE_LINK}{stem}", *[f"{FILE_LINK}{folder}"] * (name in INDEX_NAMES)]
        loose += [last_part(stem), *_DATED.findall(last_part(stem))]
    names = {*exact, *(f"{LOOSE}{name.casefold()}" for name in loose if name)}
    numbers = {*map(number_of, names)}
    cased = (key for key, each in zip(keys, spelled, strict=True) if key != each)
    marked = [*own.items(), *((key, CAPITALS) for key in cased)]
    numbers |= {(number_of(name) + mark) % 2**64 for name, mark in marked}
    found = [
        (link, made)
        for number, link in enumerate(article.links)
        if (made := _link(number, link, article.source)) is not None
    ]
    related = (link.heading for link, _ in found if link.kind is LinkKind.RELATED)
    return LinkNames(
        names=struct.pack(f"<{len(numbers)}Q", *sorted(numbers)),
        links=np.array([made for _, made in found], dtype=LINK).tobytes() if found else b"",
        host=host_of(keys[0]),
        source=article.source,
        headings=tuple(dict.fromkeys(related)),
    )


def spelled_keys(article: Article) -> list[str]:
    """Return the keys of an article's addresses with their capitals: its own, then its aliases."""
    aliases = (each for each in article.aliases if not each.startswith(FILE_LINK))
    return [spelled_key(each) for each in (article.url, *aliases)]


def block_number(source: str, heading: str) -> int:
    """Return a number (hash) for the blocks of related links under a heading in a source."""
    return number_of(f"{source}\0{heading.casefold()}")


def _with_paths(keys: list[str]) -> list[str]:
    return [*keys, *(f"{ANY_HOST}{path}" for path in map(path_of, keys) if path)]


def _link(order: int, link: Link, source: str) -> tuple[int, ...] | None:
    numbers = link_numbers(link)
    if numbers is None:
        return None
    block = block_number(source, link.heading) if link.kind is LinkKind.RELATED else 0
    return (0, order, *numbers, block, KINDS.index(link.kind))


def without_words_of_links(article: Article, names: NameTable) -> Article:
    """Return an article whose texts lack the words of its links to other articles.

    The words of links to other sites stay, as those show nothing of the site's idea of related.

    Args:
        article: The article.
        names: The names by which links refer to the site's articles.
    """
    own = tuple(link for link in article.links if linked_row(link, names) is not None)
    return without_link_words(replace(article, links=own))

"""Numbers for what a link names, by which its article is found in a build's names."""

import re
from posixpath import splitext
from urllib.parse import unquote

from index.articles.file_suffixes import PAGES
from index.build.name_table import (
    NameTable,
    address_key,
    host_of,
    number_of,
    path_of,
    spelled_key,
)
from recommender.article import FILE_LINK, Link

_NO_PAGE = re.compile(
    r"\.(png|jpe?g|gif|webp|avif|svg|ico|bmp|tiff?|pdf|zip|gz|tgz|tar|bz2|xz|7z|exe|dmg|deb|rpm|mp3"
    r"|mp4|m4a|ogg|wav|webm|mov|avi|css|js|mjs|json|xml|rss|atom|csv|tsv|xlsx?|docx?|pptx?|odt|ods"
    r"|epub|woff2?|ttf|txt|ics)$",
    re.IGNORECASE,
)
LOOSE = "name:"
INDEX_NAMES = {"index", "_index", "readme"}


def link_numbers(link: Link) -> tuple[int, int, int] | None:
    """Return the three numbers by which the article that a link leads to is looked up.

    They stand for the name that the link gives, for a looser form of that name (0 if there is none)
    and for the host of its address (0 if it has none). ``None`` if the link leads to no page, but
    to an image or the like.
    """
    host = second = ""
    if link.url.startswith(FILE_LINK):
        stem = page_stem(link.url[len(FILE_LINK) :])
        name = f"{FILE_LINK}{stem}"
        second = f"{LOOSE}{stem if ' ' in stem else last_part(stem)}"
    else:
        name = address_key(link.url)
        if _NO_PAGE.search(unquote(name.partition("?")[0])):
            return None
        host = host_of(name)
        second = path_of(name)
    return number_of(name), number_of(second) if second else 0, number_of(host) if host else 0


def linked_row(link: Link, names: NameTable) -> int | None:
    """Return the row of the article that a link leads to; ``None`` if it leads to none.

    Args:
        link: The link.
        names: The addresses and other names of the site's articles.
    """
    numbers = link_numbers(link)
    if numbers is None:
        return None
    key = spelled_key(link.url)
    found = map(names.row, (number_of(key), number_of(path_of(key)), *numbers[:2]))
    return next((row for row in found if row is not None), None)


def page_stem(name: str) -> str:
    """Return a file's path in lower case, without a suffix such as ``.md`` or ``.html``."""
    if "." not in name:
        return name.casefold()
    stem, suffix = splitext(name)
    return (stem if suffix.lower() in PAGES else name).casefold()


def last_part(path: str) -> str:
    """Return the last part of a path without suffix: ``kelp`` for ``posts/kelp/index.md``."""
    parts = [part for part in page_stem(path).split("/") if part]
    if len(parts) > 1 and parts[-1] in INDEX_NAMES:
        parts.pop()
    return parts[-1] if parts else ""

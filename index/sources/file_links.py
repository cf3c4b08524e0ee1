"""Turns links between a folder's files into names of these files, whatever their addresses are.

Such a link's address is ``file:`` and the file's path below the source's folder. A shortcode that
names a page otherwise becomes ``file:`` and this name, which may lack folder and suffix.
"""

import re
from collections.abc import Mapping
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote

from index.articles.file_suffixes import PAGES, SUFFIXES
from index.articles.urls import split_url
from recommender.article import FILE_LINK

_MARK = re.compile(r"\A(?:[{|](?:filename|static|attach)[}|]|@(?=/))")
"""Begins links to files in Pelican's pages, and in Zola's."""


def with_file_links(values: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Returns a page's record values in which its links to other files are ``file:PATH``.

    Its own file, in the same form, becomes one of its ``aliases``, so that such links find it.

    Args:
        values: The values of the page's record, which are copied.
        file: The page's file, relative to the source's folder.
    """
    links = [{**link, "url": _with_file(link["url"], file)} for link in values.get("links", ())]
    given = values.get("aliases") or ()
    aliases = [*given] if isinstance(given, list | tuple) else [given]
    return {**values, "links": links, "aliases": [f"{FILE_LINK}{file}", *aliases]}


def _with_file(url: str, file: str) -> str:
    """Returns the ``file:`` form of a relative link to a page's file; other links unchanged."""
    parts = split_url(url)
    path = _MARK.sub("", unquote(parts.path))
    if parts.scheme or parts.netloc or not path.lower().endswith(PAGES):
        return url
    if path.startswith("/"):
        # Generators resolve these from the folder of their content; other pages are addresses.
        return f"{FILE_LINK}{path[1:]}" if path.lower().endswith(SUFFIXES["markdown"]) else url
    return f"{FILE_LINK}{normpath(join(dirname(file), path))}"

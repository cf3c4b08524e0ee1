"""Reads Markdown files with front matter, as used by Hugo, Jekyll and Astro."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from index.articles.cleaning import unescape
from index.articles.record import Record
from index.sources.encodings import decode
from index.sources.front_matter import split_front_matter
from index.sources.markdown_text import markdown_line, page_content
from index.sources.markup import select, text_of
from index.sources.page_folder import (
    Page,
    PageError,
    PageFolderSource,
    display_path,
    folder_of,
    literal,
)
from index.sources.page_text import text_and_links
from index.sources.regular_file import open_regular

_JEKYLL_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})-(.+)")

_MAX_INCLUDED = 64 * 1024

_NAMES = {
    "id": ("id",),
    "title": ("title",),
    "url": ("url", "permalink"),
    "excerpt": ("excerpt", "description", "summary"),
    "date": ("date", "publishDate", "pubDate"),
    "visible_from": ("visible_from", "publishDate"),
    "visible_until": ("visible_until", "expiryDate", "unpublishDate"),
    "language": ("language", "lang"),
    "image": ("image", "heroImage", "cover", "featured_image", "thumbnail", "images"),
    "authors": ("authors", "author"),
    "status": ("status",),
    "supersedes": ("supersedes",),
    "ratings": ("ratings",),
}
"""For each article field, the names it may have in front matter; the first one found is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownSource(PageFolderSource):
    """A folder of Markdown pages with YAML (``---``), TOML (``+++``) or no front matter.

    The record keeps the whole front matter, so that a field mapping can name any part of it.

    Attributes:
        path: A folder, a glob or one file.
    """

    suffixes = (".md", ".markdown", ".mdx")

    def parse_page(self, page: Page) -> Record:
        """Parses a Markdown page into a record; raises a ``PageError`` if it can't be used."""
        if page.path.name == "_index.md":
            raise PageError("list-page", "the page lists a section's pages and is not an article")
        front, body = split_front_matter(page.text)
        values = {**front, **_fields(front)}
        _name(values, page, front)
        include = partial(self._included, page.path.parent)
        root = page_content(body, mdx=page.path.suffix.lower() == ".mdx", include=include)
        if not values.get("title"):
            headings = select(root, "h1")[:1] or select(root, "h2, h3, h4, h5, h6")[:1]
            values["title"] = literal("".join(map(text_of, headings)))
        values |= text_and_links(
            root, title=unescape(values["title"]), headings=self.related_headings
        )
        return Record(location=display_path(page.path), values=values)

    def _included(self, folder: Path, name: str) -> str:
        """Returns the text of a file that a page in ``folder`` includes.

        It is "" if the file can't be read, or lies outside the source's folder. ``~/`` stands for
        the source's folder.
        """
        base = folder_of(self.path)
        path = base / name[2:] if name.startswith("~/") else folder / name
        try:
            if not path.resolve().is_relative_to(base.resolve()):
                return ""
            with open_regular(path) as file:
                return split_front_matter(decode(file.read(_MAX_INCLUDED)))[1].strip()
        except (OSError, ValueError, RuntimeError, PageError):  # a name that holds a null, a loop
            return ""


def _fields(front: Mapping[str, Any]) -> dict[str, Any]:
    given = {name.casefold(): value for name, value in front.items() if value is not None}
    values: dict[str, Any] = {}
    for name, theirs in _NAMES.items():
        found = [given[key.casefold()] for key in theirs if key.casefold() in given]
        if found:
            values[name] = _READ.get(name, _as_is)(found[0])
    labels = [*_list(given.get("tags")), *_list(given.get("categories"))]
    if labels:
        values["tags"] = labels
    if "/:" in str(values.get("url", "")):  # Jekyll's pattern for links, not a link
        del values["url"]
    return values


def _name(values: dict[str, Any], page: Page, front: Mapping[str, Any]) -> None:
    """Adds the id and the date from the file name to ``values``, if the front matter has none."""
    folder, _, name = page.id.rpartition("/")
    dated = _JEKYLL_NAME.fullmatch(name)
    if dated:
        name = dated[2]
        values.setdefault("date", dated[1])
    if front.get("slug"):
        name = str(front["slug"])
    values.setdefault("id", f"{folder}/{name}" if folder else name)


def _as_is(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    return literal(str(value))


def _line(value: Any) -> str:
    return markdown_line(str(value))


def _time(value: Any) -> Any:
    """Returns a date-time unchanged, but a date without a time of day as text."""
    return value if isinstance(value, dt.datetime) else str(value)


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        value = value.split(",")
    items = value if isinstance(value, list) else [] if value is None else [value]
    names = [item.get("name", "") if isinstance(item, Mapping) else item for item in items]
    return [_text(name).strip() for name in names]


def _image(value: Any) -> Any:
    item = value[0] if isinstance(value, list) and value else value
    if isinstance(item, Mapping):  # {src|url|image, alt}, as in many themes
        src = next((item[key] for key in ("src", "url", "image") if item.get(key)), None)
        return {"src": src, "alt": _text(item.get("alt") or "")}
    return item


_READ: dict[str, Callable[[Any], Any]] = {
    "title": _line,
    "excerpt": _line,
    "date": _time,
    "visible_from": _time,
    "visible_until": _time,
    "image": _image,
    "authors": _list,
}
"""The function that converts the value of each of these fields; other values stay unchanged."""

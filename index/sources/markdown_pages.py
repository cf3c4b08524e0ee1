"""Reads Markdown files with front matter, as used by Hugo, Jekyll and Astro."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from markdown_it import MarkdownIt

from index.articles.cleaning import unescape
from index.articles.record import Record
from index.sources.markup import MarkupError, parse_html, select, text_of
from index.sources.page_folder import Page, PageError, PageFolderSource, display_path, literal
from index.sources.page_text import text_and_links

_FRONT = re.compile(r"\A(---|\+\+\+)[^\S\n]*\n(.*?)^\1[^\S\n]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_OPEN = re.compile(r"\A(---|\+\+\+)[^\S\n]*\n")
_SHORTCODE = re.compile(r"\{\{[<%].{0,2000}?[%>]\}\}|\{%.{0,2000}?%\}", re.DOTALL)
_JEKYLL_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})-(.+)")
_MAX_FRONT = 64 * 1024
_MAX_DEPTH = 20
_MAX_BITS = 128
_MAX_OPEN = 2_000

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

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_markdown = MarkdownIt("commonmark", {"html": True}).enable("table")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownSource(PageFolderSource):
    """A folder of Markdown pages with YAML (``---``), TOML (``+++``) or no front matter.

    The record keeps the whole front matter, so that a field mapping can name any part of it.

    Attributes:
        path: A folder, a glob or one file.
    """

    suffixes = (".md", ".markdown")

    def parse_page(self, page: Page) -> Record:
        """Parses a Markdown page into a record; raises a ``PageError`` if it can't be used."""
        if page.path.name == "_index.md":
            raise PageError("list-page", "a section's list page, not an article")
        text = page.text.replace("\r\n", "\n").replace("\r", "\n")
        front, body = _split(text)
        values = {**front, **_fields(front)}
        _name(values, page, front)
        if body.count("[") - body.count("]") > _MAX_OPEN:  # the parser searches for each one's ]
            raise PageError("invalid-markdown", f"more than {_MAX_OPEN} unclosed [")
        try:
            root = parse_html(f"<div>{_markdown.render(_SHORTCODE.sub('', body))}</div>")
        except MarkupError as error:
            raise PageError("invalid-markdown", str(error)) from error
        if not values.get("title"):
            headings = select(root, "h1")[:1]
            values["title"] = literal("".join(map(text_of, headings)))
        values |= text_and_links(root, title=unescape(values["title"]))
        return Record(location=display_path(page.path), values=values)


def _split(text: str) -> tuple[dict[str, Any], str]:
    found = _FRONT.match(text)
    if found is None:
        if _OPEN.match(text):
            raise PageError("front-matter", f"the front matter has no closing {text[:3]}")
        return {}, text
    if len(found[2]) > _MAX_FRONT:
        raise PageError("front-matter", f"the front matter is longer than {_MAX_FRONT} characters")
    front = _toml(found[2]) if found[1] == "+++" else _yaml(found[2])
    _check_front(front)
    return front, text[found.end() :]


def _check_front(value: Any, name: str = "", depth: int = 0) -> None:
    """Refuses values that are too costly to print: huge integers, deeply nested tables."""
    if depth > _MAX_DEPTH:
        raise PageError("front-matter", f"{name} is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise PageError("front-matter", f"{name}: an integer of more than {_MAX_BITS} bits")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_front(key, "a name", depth + 1)
            _check_front(item, name or str(key), depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_front(item, name, depth + 1)


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise PageError("front-matter", f"the front matter is not TOML: {error}") from error


def _yaml(text: str) -> dict[str, Any]:
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            # Aliases can make a short text expand hugely, and YAML tags can construct any type.
            if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
                where = event.start_mark.line + 2
                raise PageError("front-matter", f"line {where}: YAML aliases and tags are refused")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise PageError(
                    "front-matter", f"front matter is nested more than {_MAX_DEPTH} levels deep"
                )
        front = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, in C
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        line = " ".join(str(error).split())
        raise PageError("front-matter", f"the front matter is not YAML: {line:.200}") from error
    if front is None:
        return {}
    if not isinstance(front, Mapping):
        raise PageError("front-matter", f"the front matter is not a table: {front!r:.40}")
    _check_front(front)
    return {str(name): value for name, value in front.items()}


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
    if given.get("draft") in (True, "true"):
        values["status"] = "draft"
    elif given.get("published") is False:
        values["status"] = "unpublished"
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
    "title": _text,
    "excerpt": _text,
    "date": _time,
    "visible_from": _time,
    "visible_until": _time,
    "image": _image,
    "authors": _list,
}
"""The function that converts the value of each of these fields; other values stay unchanged."""

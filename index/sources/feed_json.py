"""Parses JSON Feed, versions 1 and 1.1 (jsonfeed.org)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from index.articles.cleaning import literals
from index.articles.json_text import load_json
from index.articles.record import Record, SourceItem
from index.errors import RecordError
from index.sources.html_texts import html_record
from index.sources.markup import MarkupError
from index.sources.source import read_record

_MAX_VALUES = 1_000_000


def read_json_feed(content: bytes, name: str) -> Iterator[SourceItem | str]:
    """Parses a page of a JSON feed.

    Args:
        content: The page as it was received.
        name: The feed's name, for the records' locations.

    Yields:
        The link to the next page as text, which is empty if there is none; and the records.

    Raises:
        MarkupError: If the content is not a JSON Feed.
    """
    try:
        # Bytes that can't be decoded become surrogates: only their field is lost, not the feed.
        feed = load_json(content.decode("utf-8-sig", errors="surrogateescape"), _MAX_VALUES)
    except ValueError as error:
        raise MarkupError(f"not JSON: {error}") from error
    items = feed.get("items")
    if not isinstance(items, list):
        raise MarkupError("the JSON object has no items")
    following = feed.get("next_url")
    yield following if isinstance(following, str) else ""
    for number, item in enumerate(items, 1):
        yield read_record(f"{name} item {number}", _record, item, feed)


def _record(location: str, item: Any, feed: Mapping[str, Any]) -> Record:
    if not isinstance(item, dict):
        raise RecordError("invalid-item", f"it is not a JSON object but {type(item).__name__}")
    html = item.get("content_html")
    if not (isinstance(html, str) and html.strip()):
        html = str(literals(item.get("content_text") or "")).replace("\n", "<br>")
    values = {
        **item,
        "title": literals(item.get("title")),
        "url": item.get("url") or item.get("external_url"),
        "aliases": [item.get("id")],
        "date": item.get("date_published"),
        "language": item.get("language") or feed.get("language"),
        "excerpt": literals(item.get("summary")),
        "image": item.get("image") or item.get("banner_image"),
        "authors": _authors(item) or _authors(feed),
        "tags": literals(item.get("tags")),
    }
    values.pop("summary", None)
    return html_record(location, html, values)


def _authors(owner: Mapping[str, Any]) -> Any:
    people = owner.get("authors") or [owner.get("author")]
    found = people if isinstance(people, list) else []
    return literals([one["name"] for one in found if isinstance(one, dict) and "name" in one])

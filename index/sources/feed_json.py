"""Parses JSON Feed, versions 1 and 1.1 (jsonfeed.org)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from index.articles.json_text import load_json
from index.articles.record import Record, RecordProblem
from index.sources.html_texts import read_html_text
from index.sources.markup import MarkupError
from index.sources.page_folder import literal
from index.sources.source import read_record

_MAX_VALUES = 1_000_000


def read_json_feed(content: bytes, name: str) -> Iterator[Record | RecordProblem | str]:
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


def _record(location: str, item: Any, feed: Mapping[str, Any]) -> Record | RecordProblem:
    if not isinstance(item, dict):
        kind = type(item).__name__
        return RecordProblem(
            location=location, reason="invalid-item", message=f"it is not a JSON object but {kind}"
        )
    url = item.get("url") or item.get("external_url")
    values = {
        **item,
        "url": url,
        "date": item.get("date_published"),
        "language": item.get("language") or feed.get("language"),
        "excerpt": _literal(item.get("summary")),
        "image": item.get("image") or item.get("banner_image"),
        "authors": _authors(item) or _authors(feed),
    }
    values.pop("summary", None)
    if isinstance(item.get("tags"), list):
        values["tags"] = [_literal(tag) for tag in item["tags"]]
    html, plain, title = (item.get(name) for name in ("content_html", "content_text", "title"))
    if not (isinstance(html, str) and html.strip()):
        html = literal(plain).replace("\n", "<br>") if isinstance(plain, str) else ""
    address, said = (value if isinstance(value, str) else "" for value in (url, title))
    try:
        text = read_html_text(html, address, literal(said))
    except MarkupError as error:
        return RecordProblem(
            location=location, field="content", reason="invalid-html", message=str(error)
        )
    return Record(location=location, values={**values, **text} if said or not title else values)


def _authors(owner: Mapping[str, Any]) -> list[str]:
    people = owner.get("authors") or [owner.get("author")]
    names = [person.get("name") for person in _list(people) if isinstance(person, Mapping)]
    return [literal(name) for name in names if isinstance(name, str) and name]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _literal(value: Any) -> Any:
    return literal(value) if isinstance(value, str) else value

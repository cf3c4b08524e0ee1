"""Parses RSS 2.0, RSS 1.0 and Atom feeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from index.articles.record import Record, RecordProblem
from index.sources.markup import (
    Element,
    MarkupError,
    inner_markup,
    local_name,
    parse_html,
    parse_xml,
    text_of,
)
from index.sources.page_folder import literal
from index.sources.page_text import text_and_links
from index.sources.source import read_record

_ATOM = "{http://www.w3.org/2005/Atom}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_MEDIA = "{http://search.yahoo.com/mrss/}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def read_xml_feed(content: bytes, name: str) -> tuple[list[Record | RecordProblem], str]:
    """Parses a page of an RSS or Atom feed; returns its records and the link to the next page.

    Args:
        content: The page as it was received.
        name: The feed's name, for the records' locations.

    Returns:
        The records, and the link to the next page (RFC 5005), which is empty if there is none.

    Raises:
        MarkupError: If the content is not well-formed XML, defines entities, or is not a feed.
    """
    root = parse_xml(content)
    kind = local_name(root)
    if kind not in ("rss", "RDF", "feed"):
        raise MarkupError(f"the root element is <{kind}>, not rss, RDF or feed")
    channel = root if kind == "feed" else next(_children(root, "channel"), root)
    language = root.get(_LANG) or _text(channel, "language")
    read = _atom_entry if kind == "feed" else _rss_item
    entry_name = "entry" if kind == "feed" else "item"
    entries = [*_children(channel, entry_name)]
    if kind == "RDF":
        entries += _children(root, entry_name)
    records: list[Record | RecordProblem] = []
    for number, entry in enumerate(entries, 1):
        location = f"{name} item {number} (line {entry.sourceline})"
        records.append(read_record(location, _record, entry, read, language))
    return records, _link(channel, "next")


def _record(
    location: str, entry: Element, read: Callable[[Element], dict[str, Any]], language: str
) -> Record | RecordProblem:
    try:
        values = read(entry)
    except MarkupError as error:
        return RecordProblem(
            location=location, field="content", reason="invalid-html", message=str(error)
        )
    values["language"] = values["language"] or language
    return Record(
        location=location, values={field: value for field, value in values.items() if value}
    )


def _rss_item(item: Element) -> dict[str, Any]:
    link = _text(item, "link") or _link(item, "alternate")
    description = _text(item, "description")
    content = _text(item, "encoded", _CONTENT)
    guid = next(_children(item, "guid"), None)
    if not link and guid is not None and guid.get("isPermaLink", "true") == "true":
        link = _web(text_of(guid).strip())
    return {
        "id": _text(item, "guid") or link,
        "title": _text(item, "title"),
        "url": link,
        **_body(content or description),
        "excerpt": description if content else "",
        "date": _text(item, "pubDate") or _text(item, "date", _DC),
        "language": _text(item, "language", _DC),
        "tags": _texts(item, "category") or _texts(item, "subject", _DC),
        "authors": _texts(item, "creator", _DC) or _texts(item, "author"),
        "image": _image(item),
    }


def _atom_entry(entry: Element) -> dict[str, Any]:
    content, summary = _construct(entry, "content"), _construct(entry, "summary")
    link = _link(entry, "alternate")
    return {
        "id": _text(entry, "id") or link,
        "title": _construct(entry, "title"),
        "url": link,
        **_body(content or summary),
        "excerpt": summary if content else "",
        "date": _text(entry, "published") or _text(entry, "updated"),
        "language": entry.get(_LANG),
        "tags": [
            literal(category.get("label") or category.get("term") or "")
            for category in _children(entry, "category")
        ],
        "authors": [name for author in _children(entry, "author") if (name := _name(author))],
        "image": _image(entry),
    }


def _children(parent: Element, name: str, namespace: str | None = None) -> Iterator[Element]:
    """Yields an element's children with a name.

    By default, they may be in Atom's namespace, in that of RSS 1.0, or in none.
    """
    for child in parent.iterchildren("*"):
        if namespace is not None:
            if child.tag == namespace + name:
                yield child
        elif local_name(child) == name and not child.tag.startswith((_CONTENT, _DC, _MEDIA)):
            yield child


def _texts(parent: Element, name: str, namespace: str | None = None) -> list[str]:
    found = [text_of(child).strip() for child in _children(parent, name, namespace)]
    return [text for text in found if text]


def _text(parent: Element, name: str, namespace: str | None = None) -> str:
    return next(iter(_texts(parent, name, namespace)), "")


def _name(author: Element) -> str:
    return literal(_text(author, "name"))


def _construct(entry: Element, name: str) -> str:
    """Returns the content of an Atom text element as markup, whichever ``type`` it declares."""
    child = next(_children(entry, name), None)
    if child is None:
        return ""
    kind = child.get("type", "text")
    if kind == "xhtml":
        return inner_markup(child)
    text = text_of(child).strip()
    return text if kind in ("html", "text/html") else literal(text)


def _body(markup: str) -> dict[str, Any]:
    return text_and_links(parse_html(f"<div>{markup}</div>")) if markup else {}


def _link(parent: Element, relation: str) -> str:
    for link in _children(parent, "link", _ATOM):
        if link.get("rel", "alternate") == relation:
            return str(link.get("href", ""))
    return ""


def _web(text: str) -> str:
    """Returns ``text`` if it is a web link, else ""; many guids claim to be links but are not."""
    return text if text.startswith(("http://", "https://")) else ""


def _image(item: Element) -> dict[str, str] | None:
    for name, namespace in (("content", _MEDIA), ("thumbnail", _MEDIA), ("enclosure", None)):
        for child in _children(item, name, namespace):
            kind = child.get("type") or child.get("medium") or ""
            if child.get("url") and (kind.startswith("image") or name == "thumbnail"):
                alt = _text(child, "description", _MEDIA) or _text(child, "title", _MEDIA)
                return {"src": child.get("url"), "alt": literal(alt)}
    return None

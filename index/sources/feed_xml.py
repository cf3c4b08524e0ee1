"""Parses RSS and Atom feeds of all versions; the only module that imports feedparser.

feedparser never fetches here, and never sees entities: it gets decoded text without a document
type. Its cleaning of markup is off, which doubles its speed: all texts are taken out of the markup
afterwards.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urljoin

from index.articles.record import Record, RecordProblem
from index.errors import SourceError
from index.sources.encodings import decode, markup_encoding
from index.sources.html_texts import first_image, read_html_text, without_own_link
from index.sources.markup import MarkupError
from index.sources.page_folder import literal
from index.sources.source import read_record

_PROLOG = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^<>\[]*(?:\[.*?\]\s*)?>)*+", re.DOTALL)
_ROOT = re.compile(r"<([^\s<>/:]+:)?([^\s<>/:]+)")
_STARTS = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<(?:[\w.-]+:)?(item|entry)(?=[\s/>])", re.DOTALL
)
_END = re.compile(r"</\s*(?:[\w.-]+:)?(?:rss|rdf|feed)\s*>", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EXPORT = re.compile(r"https?://wordpress\.org/export/")
_BLOGGER = "http://schemas.google.com/g/2005#kind"
_ELSEWHERE = {
    "": "it is empty, or does not begin with an element",
    "wxr": 'it is a WordPress export, which holds drafts too; read it with kind = "wxr"',
    "sitemap": 'it is a sitemap; read the pages that it names with kind = "sitemap"',
    "<html>": "the root element is <html>: name the address of the feed itself",
}


def read_xml_feed(
    content: bytes, name: str, url: str = "", charset: str = ""
) -> Iterator[Record | RecordProblem | str]:
    """Parses a page of an RSS or Atom feed.

    A feed that is not well-formed is read as feed readers read it, and reported.

    Args:
        content: The page as it was received.
        name: The feed's name, for the records' locations.
        url: The address it came from, by which its links are resolved; empty for a file.
        charset: The encoding that the server named; empty if none.

    Yields:
        The records and problems; and, first of all, the link to the next page (RFC 5005) as text,
        which is empty if there is none.

    Raises:
        MarkupError: If the content is not a feed, defines entities or can't be decoded.
        SourceError: After the records, if the feed breaks off.
    """
    text = _checked(content, charset)
    lines = _item_lines(text)
    has_end = bool(_END.search(text, text.rfind("</")))
    feed = _parse(text, url)
    del text  # it may take a third of the memory that the parser process has
    yield next((link["href"] for link in _links(feed.feed) if link.get("rel") == "next"), "")
    known = len(lines) == len(feed.entries)
    for number, entry in enumerate(feed.entries, 1):
        line = f" (line {lines[number - 1]})" if known else ""
        yield read_record(f"{name} item {number}{line}", _record, entry, feed)
    if not has_end or len(feed.entries) < len(lines):
        where = f"item {len(lines)} (line {lines[-1]})" if lines else "the beginning"
        raise SourceError(
            f"{name} can't be read to its end: it breaks off in {where}; fetch it again, or repair "
            "it there"
        )
    if feed.bozo and (problem := _malformed(feed.bozo_exception, name)):
        yield problem


def xml_kind(text: str) -> str:
    """Returns which kind of source an XML document, or its beginning, belongs to.

    Returns:
        ``"feed"``, ``"wxr"`` or ``"sitemap"``; of any other document, its root element in angle
        brackets, or "" if it has none.
    """
    root = _ROOT.match(text, cast("re.Match[str]", _PROLOG.match(text)).end())
    if root is None:
        return ""
    if root[2] in ("urlset", "sitemapindex"):
        return "sitemap"
    if root[2] not in ("rss", "RDF", "feed"):
        return f"<{root[2]}>"
    return (
        "wxr" if any(_stands_in_tag(text, at.start()) for at in _EXPORT.finditer(text)) else "feed"
    )


def _stands_in_tag(text: str, at: int) -> bool:
    return text.rfind("<", 0, at) > text.rfind(">", 0, at)


def _checked(content: bytes, charset: str) -> str:
    try:
        text = decode(content, charset or markup_encoding(content))
    except ValueError as error:
        raise MarkupError(str(error)) from error
    text = _CONTROL.sub(" ", text).lstrip("\ufeff")
    prolog = cast("re.Match[str]", _PROLOG.match(text))
    if "<!ENTITY" in prolog[0].upper():
        raise MarkupError("the document defines its own entities, which is not allowed")
    kind = xml_kind(text)
    if kind != "feed":
        raise MarkupError(_ELSEWHERE.get(kind, f"the root element is {kind}, not rss, RDF or feed"))
    # Without prolog, which named the encoding of the bytes; its lines still count.
    return "\n" * prolog[0].count("\n") + text[prolog.end() :]


@functools.cache
def _parsers() -> Any:
    """Imports feedparser, in the parser process alone; returns the module.

    The words of a picture (``media:description``) are kept apart from those of its item, and ids
    are left as they stand.
    """
    import feedparser
    from feedparser import api

    class Changes:
        def pop(self: Any, element: str, *others: Any) -> Any:
            link = getattr(self, "guidislink", 0)
            self.guidislink = link and element != "id"  # else an id is resolved like a link
            try:
                return super().pop(element, *others)  # type: ignore[misc]
            finally:
                self.guidislink = link

        def _start_media_description(self: Any, _attributes: Any) -> None:
            self.push("picture_words", 0)

        def _end_media_description(self: Any) -> None:
            words = self.pop("picture_words")
            if self.inentry and words:
                self.entries[-1].setdefault("picture_words", words)

        _start_media_title, _end_media_title = _start_media_description, _end_media_description

    api.StrictFeedParser = type("Strict", (Changes, api.StrictFeedParser), {})
    api.LooseFeedParser = type("Loose", (Changes, api.LooseFeedParser), {})
    return feedparser


def _parse(text: str, url: str) -> Any:
    return _parsers().parse(
        io.BytesIO(text.encode(errors="replace")),
        response_headers={
            "content-type": "application/xml; charset=utf-8",
            **({"content-location": url} if url else {}),
        },
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def _item_lines(text: str) -> list[int]:
    """Returns the lines in which items begin."""
    lines, line, at = [], 1, 0
    for found in _STARTS.finditer(text):
        if found[1]:
            line += text.count("\n", at, found.start())
            at = found.start()
            lines.append(line)
    return lines


def _malformed(error: Exception, name: str) -> RecordProblem | None:
    line, column = getattr(error, "getLineNumber", None), getattr(error, "getColumnNumber", None)
    if line is None or column is None:
        return None
    reason = getattr(error, "getMessage", lambda: "")()
    at = max(1, (line() or 1) - 1)  # feedparser puts a declaration before the text
    return RecordProblem(
        location=f"{name} line {at}",
        reason="not-well-formed",
        message=f"the feed is not well-formed XML: {reason} at line {at}, column "
        f"{(column() or 0) + 1}; its items were read as feed readers do: check that place",
    )


def _record(location: str, entry: Any, feed: Any) -> Record | RecordProblem:
    kind = _blogger_kind(entry)
    if kind not in ("", "post", "page"):
        what = f"it is no article, but {kind!r:.40} of a Blogger export"
        return RecordProblem(location=location, reason="not-an-article", message=what)
    base = feed.feed.get("link", "")
    given = entry.get("feedburner_origlink") or entry.get("link") or ""
    if given == entry.get("id") and not given.startswith("http"):
        given = ""  # a guid that claims to be a link
    url = urljoin(base, given) if given else ""
    url = url if url.startswith(("http://", "https://", "/")) else given
    content, excerpt = _texts(entry)
    try:
        text = read_html_text(content, url, _markup(entry.get("title_detail")))
        excerpt = without_own_link(excerpt, url)
        image = _image(entry, base) or first_image(content, url)
    except MarkupError as error:
        return RecordProblem(
            location=location, field="content", reason="invalid-html", message=str(error)
        )
    identifier = str(entry.get("id") or url)
    status = str(entry.get("blogger_status") or "").lower()
    date = entry.get("published") or _own(entry, "updated") or entry.get("created")
    values = {
        **text,
        "id": identifier,
        "url": url if url.startswith(("http", "/")) else entry.get("blogger_filename"),
        "aliases": [
            address
            for address in dict.fromkeys((identifier, entry.get("link")))
            if address and address != url and address.startswith("http")
        ],
        "excerpt": excerpt,
        "date": date,
        "status": status,
        "draft": next((entry[key] for key in entry if key.endswith("_draft")), None),  # app:draft
        "visible_from": date if status == "scheduled" else None,
        "language": _language(entry) or feed.feed.get("language"),
        "tags": [
            literal(tag.get("label") or tag.get("term") or "")
            for tag in entry.get("tags", ())
            if tag.get("scheme") != _BLOGGER
        ],
        "authors": _names(entry) or (_names(feed.feed) if feed.version[:4] == "atom" else []),
        "image": image,
    }
    return Record(
        location=location, values={field: value for field, value in values.items() if value}
    )


def _blogger_kind(entry: Any) -> str:
    """Returns what an entry of a Blogger export is, in lower case; "" for any other feed."""
    kinds = [
        str(tag.get("term")).rpartition("#")[2]
        for tag in entry.get("tags", ())
        if tag.get("scheme") == _BLOGGER
    ]
    return str(next(iter(kinds), entry.get("blogger_type") or "")).lower()


def _texts(entry: Any) -> tuple[str, str]:
    """Returns an item's text, and its excerpt if it has both."""
    contents = [
        markup
        for part in entry.get("content", ())
        if (markup := _markup(part)) and not part.get("src")
    ]
    content = max(contents, key=len, default="")
    summary = _markup(entry.get("summary_detail"))
    if not content or len(summary) > len(content):
        content, summary = summary, content
    return content, "" if summary.strip() == content.strip() else summary


def _markup(part: Any) -> str:
    """Returns a text of a feed as markup, whichever type it declares."""
    if not part or not part.get("value"):
        return ""
    kind = part.get("type") or "text/plain"
    if kind == "text/plain":
        return literal(part["value"])
    return str(part["value"]) if "html" in kind or kind.endswith("xml") else ""


def _own(entry: Mapping[str, Any], name: str) -> Any:
    return dict.get(cast("dict[str, Any]", entry), name)


def _language(entry: Any) -> str:
    parts = [*entry.get("content", ()), entry.get("summary_detail"), entry.get("title_detail")]
    said = [part.get("language") for part in parts if part]
    return str(entry.get("language") or next(filter(None, said), ""))


def _names(owner: Any) -> list[str]:
    return [literal(name) for person in owner.get("authors", ()) if (name := person.get("name"))]


def _links(owner: Any) -> Sequence[Any]:
    return [link for link in owner.get("links", ()) if link.get("href")]


def _image(entry: Any, base: str) -> dict[str, str] | None:
    """Returns an item's picture: of Media RSS, an enclosure, or iTunes."""
    enclosed = [
        {"url": link["href"], "type": link.get("type", "")}
        for link in _links(entry)
        if link.get("rel") == "enclosure"
    ]
    found = [
        part.get("url")
        for part in [*entry.get("media_content", ()), *enclosed]
        if str(part.get("type") or part.get("medium") or "").startswith("image")
    ]
    found += [part.get("url") for part in entry.get("media_thumbnail", ())]
    found.append((entry.get("image") or {}).get("href"))
    for address in filter(None, found):
        return {"src": urljoin(base, address), "alt": literal(entry.get("picture_words", ""))}
    return None

"""Reads RSS, Atom and JSON feeds, from a URL or a file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from index.articles.cleaning import literals
from index.articles.json_text import load_json
from index.articles.record import Record, SourceItem
from index.articles.urls import join_url
from index.errors import RecordError, SourceError, raised_as
from index.sources.encodings import charset_of
from index.sources.feed_xml import read_xml_feed
from index.sources.host_rules import redacted
from index.sources.html_texts import html_record
from index.sources.http_client import DocumentOptions, Fetcher
from index.sources.markup import MarkupError
from index.sources.parser_process import parse_apart
from index.sources.regular_file import open_unpacked, read_whole
from index.sources.source import read_record

_MAX_PAGES = 10_000
_MAX_VALUES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource(DocumentOptions):
    """A source that reads an RSS, Atom or JSON feed, with all its pages if it has several.

    Most feeds hold only a site's newest articles. That is enough for small sites, and for builds
    that read only a few articles (``--only``).
    """

    def records(self) -> Iterator[SourceItem]:
        """Yields one record for each entry of the feed, or a problem for an entry it can't read."""
        fetcher = Fetcher(url=self.url, options=self)
        pending, seen = self.url or self.path, set[str]()
        while pending and pending not in seen:
            if len(seen) == _MAX_PAGES:
                raise SourceError(
                    f"{self.name} has over {_MAX_PAGES} pages, the most that are read"
                )
            seen.add(pending)
            name, url, charset = self.path, "", ""
            if self.url:
                answer = fetcher.get(pending)
                name, url, content = redacted(answer.url), answer.url, answer.body
                charset = charset_of(answer.headers.get("content-type", ""))
            else:
                content = read_whole(open_unpacked(self.path), self.path, "a feed", self.max_bytes)
            pending = ""
            for item in parse_apart(_read, content, name, url, charset):
                if not isinstance(item, str):
                    yield item
                elif item and url:
                    pending = urljoin(url, item)


def _read(content: bytes, name: str, url: str, charset: str) -> Iterator[SourceItem | str]:
    """Parses a page of a feed; yields its records, and the link to the next page as text."""
    with raised_as(SourceError, f"{name} is not a feed: ", MarkupError):
        if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
            yield from _read_json(content, name)
        else:
            yield from read_xml_feed(content, name, url, charset)


def _read_json(content: bytes, name: str) -> Iterator[SourceItem | str]:
    """Parses a page of a JSON Feed, version 1 or 1.1 (jsonfeed.org), as :func:`_read` yields it."""
    with raised_as(MarkupError, "not JSON: ", ValueError):
        # Bytes that can't be decoded become surrogates: only their field is lost, not the feed.
        feed = load_json(content.decode("utf-8-sig", errors="surrogateescape"), _MAX_VALUES)
    items = feed.get("items")
    if not isinstance(items, list):
        raise MarkupError('the JSON object has no list "items", as JSON feeds have')
    following = feed.get("next_url")
    yield following if isinstance(following, str) else ""
    for number, item in enumerate(items, 1):
        yield read_record(f"{name} item {number}", _json_item, item, feed)


def _json_item(location: str, item: Any, feed: Mapping[str, Any]) -> Record:
    if not isinstance(item, dict):
        raise RecordError(
            "invalid-item", f"the item is not a JSON object but {type(item).__name__}"
        )
    html = item.get("content_html")
    if not (isinstance(html, str) and html.strip()):
        text = item.get("content_text") or item.get("summary") or ""
        html = str(literals(text)).replace("\n", "<br>")
    base, names = feed.get("home_page_url"), ("url", "id", "external_url", "image", "banner_image")
    url, permalink, elsewhere, *images = (
        join_url(str(base or ""), value) if isinstance(value := item.get(name), str) else ""
        for name in names
    )
    own = permalink if str(item.get("id")).startswith("http") else ""
    values = {
        **item,
        "title": literals(item.get("title")),
        "url": (item.get("url") and url) or own or elsewhere,
        "aliases": [item.get("id")],
        "date": item.get("date_published") or item.get("date_modified"),
        "language": item.get("language") or feed.get("language"),
        "excerpt": literals(item.get("summary")),
        "image": next(filter(None, images), None),
        "authors": _json_authors(item) or _json_authors(feed),
        "tags": literals(item.get("tags")),
    }
    for name in ("summary", "date_published"):  # as in RSS, the date hides no item
        values.pop(name, None)
    return html_record(location, html, values)


def _json_authors(owner: Mapping[str, Any]) -> Any:
    people = owner.get("authors") or [owner.get("author")]
    found = people if isinstance(people, list) else []
    return literals([one["name"] for one in found if isinstance(one, dict) and "name" in one])

"""Reads the pages that a site's sitemap names, from the site itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from index.articles.record import Record, RecordProblem
from index.errors import SourceError
from index.sources.encodings import charset_of, decode, markup_encoding
from index.sources.host_rules import redacted
from index.sources.html_pages import HtmlSource
from index.sources.http_client import HttpError, UnreachableError
from index.sources.page_cache import FetchedPage, PageCache, now
from index.sources.page_folder import Page, PageError, literal
from index.sources.parser_process import parse_record
from index.sources.polite_client import ForbiddenError, PoliteClient
from index.sources.sitemap_file import SitemapEntry
from index.sources.sitemap_list import GONE, SitemapOptions, list_pages
from index.sources.source import SplitSource

MAX_FAILURES = 5
"""After so many pages in a row that the server fails to send, the reading ends."""

_TOO_MANY = 429
_HTML = ("", "text/html", "application/xhtml+xml")
_PAGE_SUFFIXES = (".html", ".htm", ".xhtml")

_UNAVAILABLE = re.compile(r"unavailable_after:\s*((?:[A-Za-z]+,\s*)?[^,]+)", re.IGNORECASE)

RawPage = tuple[SitemapEntry, FetchedPage]


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapSource(SitemapOptions, SplitSource):
    """The HTML pages that a sitemap names, fetched one after another.

    Attributes:
        cache: A folder in which pages are kept, so that later builds fetch only what changed.
        main: As for ``html``, like ``select`` and ``drop``.
        select: For fields that are not detected, the CSS selector of the element to read.
        drop: CSS selectors of elements that are not part of the article's text.
    """

    cache: str = ""
    main: str = ""
    select: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        SitemapOptions.__post_init__(self)  # a slotted dataclass has no bare super()
        self._pages_source()  # which checks the selectors

    def split(
        self,
    ) -> tuple[Iterator[RawPage | RecordProblem], Callable[[Any], Record | RecordProblem]]:
        """Returns the fetched pages, and the function that parses one of them."""
        return self._fetched(), partial(_parse_raw_page, self._pages_source())

    def _pages_source(self) -> HtmlSource:
        return HtmlSource(path="", main=self.main, select=self.select, drop=self.drop)

    def _fetched(self) -> Iterator[RawPage | RecordProblem]:
        listed = list_pages(self)
        yield from listed.problems
        failures = 0
        with closing(PageCache(self.cache)) as cache:
            for entry in listed.pages:
                found = _fetch(listed.client, cache, entry)
                yield found
                failed = isinstance(found, RecordProblem) and found.reason == "unreachable"
                failures = failures + 1 if failed else 0
                if failures == MAX_FAILURES:
                    raise SourceError(
                        f"{self.name}: {failures} pages in a row could not be fetched, the last: "
                        f"{found}; build again when the site answers"
                    )
            cache.drop_unused()


def _fetch(client: PoliteClient, cache: PageCache, entry: SitemapEntry) -> RawPage | RecordProblem:
    """Fetches a page, unless the cache holds it as it is now."""
    try:
        client.check(entry.url)
        stored = cache.get(entry.url)
        if stored is None or not stored.is_current(entry.lastmod, now()):
            stored = _request(client, entry, stored)
            cache.put(entry.url, stored)
    except SourceError as error:
        reason = _reason(error)
        if reason != "unreachable":
            cache.drop(entry.url)
        return _problem(entry, reason, str(error))
    if urlsplit(stored.url).path in ("", "/") and urlsplit(entry.url).path not in ("", "/"):
        return _problem(entry, "gone", "it redirects to the home page, as pages do that are gone")
    return replace(entry, url=stored.url), stored


def _request(client: PoliteClient, entry: SitemapEntry, stored: FetchedPage | None) -> FetchedPage:
    response = client.get(entry.url, conditions=stored.conditions() if stored else {})
    robots = response.headers.get("x-robots-tag", "")
    if response.unchanged:
        if stored is None:
            raise SourceError(f"{redacted(entry.url)} answered 304 to a request without conditions")
        return replace(stored, lastmod=entry.lastmod, checked=now(), robots=robots or stored.robots)
    content_type = response.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() not in _HTML:
        raise _NotHtmlError(f"it is no HTML page, but {content_type!r:.80}")
    return FetchedPage(
        url=response.url,
        body=response.body,
        content_type=content_type,
        robots=robots,
        etag=response.headers.get("etag", ""),
        modified=response.headers.get("last-modified", ""),
        lastmod=entry.lastmod,
        checked=now(),
    )


class _NotHtmlError(SourceError):
    """A page has another media type than HTML."""


def _reason(error: SourceError) -> str:
    if isinstance(error, HttpError):
        if error.status in GONE:
            return "gone"
        return "unreachable" if error.status >= 500 or error.status == _TOO_MANY else "refused"
    reasons: dict[type[SourceError], str] = {
        ForbiddenError: "robots-txt",
        _NotHtmlError: "not-html",
        UnreachableError: "unreachable",
    }
    return reasons.get(type(error), "not-fetched")


def _problem(entry: SitemapEntry, reason: str, message: str) -> RecordProblem:
    return RecordProblem(location=redacted(entry.url), reason=reason, message=message)


def _parse_raw_page(html: HtmlSource, raw: RawPage | RecordProblem) -> Record | RecordProblem:
    """Parses a page in the parser process; returns problems unchanged."""
    if isinstance(raw, RecordProblem):
        return raw
    return parse_record(redacted(raw[0].url), _parse_page, html, *raw)


def _parse_page(html: HtmlSource, entry: SitemapEntry, page: FetchedPage) -> Record | RecordProblem:
    try:
        text = decode(page.body, charset_of(page.content_type) or markup_encoding(page.body))
    except ValueError as error:
        return _problem(entry, "invalid-encoding", f"the page can't be decoded: {error}")
    try:
        record = html.parse_page(
            Page(path=Path("page"), id=page_id(page.url), text=text, url=page.url)
        )
    except PageError as error:
        return _problem(entry, error.reason, str(error))
    stated = {name: value for name, value in record.values.items() if value not in ("", [], [""])}
    values = {**_literals(entry.facts), **stated}
    values["url"] = _absolute(page.url, values.get("url", ""))
    if isinstance(image := values.get("image"), dict):
        values["image"] = {**image, "src": _absolute(page.url, image["src"])}
    values["robots"] = ", ".join(filter(None, [str(values.get("robots") or ""), page.robots]))
    if until := _UNAVAILABLE.search(values["robots"]):
        values.setdefault("visible_until", until[1].strip())
    return replace(record, location=redacted(page.url), values=values)


def _absolute(base: str, link: Any) -> Any:
    try:
        return urljoin(base, link) if isinstance(link, str) else link
    except ValueError:
        return link  # the record parser reports it


def _literals(facts: Mapping[str, object]) -> dict[str, Any]:
    return {
        name: literal(value) if isinstance(value, str) and name == "title" else value
        for name, value in facts.items()
    }


def page_id(url: str) -> str:
    """Returns the id of the page at an address: its path, like that of a file in a folder."""
    parts = urlsplit(url)
    path = unquote(parts.path).strip("/")
    stem, suffix = posixpath.splitext(path)
    if suffix.lower() in _PAGE_SUFFIXES:
        folder, _, last = stem.rpartition("/")
        path = folder if last == "index" and folder else stem
    return f"{path}?{parts.query}" if parts.query else path or "index"

"""Finds out how a site can be read, from its address, a folder or a file alone."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from index.articles.record import Record, RecordProblem
from index.errors import SourceError
from index.sources.encodings import charset_of, decode, markup_encoding
from index.sources.host_rules import is_public, origin_of, redacted, resolve_host
from index.sources.http_client import Fetcher, HttpOptions, HttpResponse
from index.sources.markup import MarkupError, parse_html, select
from index.sources.page_folder import MAX_PAGE_BYTES
from index.sources.parser_process import ParserStoppedError, parse_apart
from index.sources.polite_client import PoliteClient
from index.sources.registry import table_for
from index.sources.sitemap_file import Sitemap
from index.sources.sitemap_list import SitemapOptions, list_pages, read_sitemap
from index.sources.source import Source

DELAY = 0.2
"""Seconds from one request to the next."""

NOT_ARTICLES = (
    *("*/tag/*", "*/tags/*", "*/category/*", "*/categories/*", "*/author/*", "*/authors/*", "/"),
    *("*/page/[0-9]*", "*sitemap-tax*", "*sitemap-users*", "*sitemap-tags*", "*sitemap-authors*"),
    *("*category-sitemap*", "*tag-sitemap*", "*author-sitemap*", "*sitemap-image*"),
)
"""Paths, and names of sitemaps, of lists of articles rather than of articles."""

_USUAL = ("sitemap.xml", "sitemap_index.xml", "wp-sitemap.xml", "sitemap-index.xml")
_HOST = re.compile(r"(?=.{4,253}$)([\w-]{1,63}\.)+[a-zA-Z]{2,63}(:\d{1,5})?(/\S*)?")
_FEED = re.compile(rb"<(rss|feed|rdf:RDF)\b|jsonfeed\.org/version")
_MAX_SITEMAPS = 5
_WORDS = {"html": "HTML pages", "markdown": "Markdown pages", "plain": "pages of plain text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSite:
    """How a site can be read.

    Attributes:
        tables: A ``[[source]]`` table for each source.
        how: How they were found, in a sentence.
    """

    tables: list[dict[str, Any]]
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRecords:
    """The first records of another source."""

    source: Source
    most: int

    @property
    def name(self) -> str:
        """The other source's name."""
        return self.source.name

    def records(self) -> Iterator[Record | RecordProblem]:
        """Yields the first records, at most ``most``."""
        yield from islice(self.source.records(), self.most)


def discover_site(location: str, *, most: int, cache: str) -> FoundSite:
    """Finds out how a site can be read.

    Args:
        location: A folder, a file, or an address: of a sitemap, a feed or the site.
        most: Most pages to read from a sitemap.
        cache: A folder for fetched pages.

    Raises:
        SourceError: If nothing is found that can be read.
        SettingError: If the kind of a file or folder is unclear.
    """
    if _HOST.fullmatch(location) and not Path(location).exists():
        location = f"https://{location}"
    if not location.startswith(("http://", "https://")):
        table = table_for(location)
        what = _WORDS.get(table["kind"], table["kind"])
        return FoundSite(tables=[table], how=f"{location} holds {what}")
    options = typed_options(location)
    client = PoliteClient(
        fetcher=Fetcher(url=location, options=options), delay=DELAY, max_page_bytes=MAX_PAGE_BYTES
    )
    common = {"hosts": list(options.hosts), "private": list(options.private)}
    sitemap = {
        "kind": "sitemap",
        "delay": DELAY,
        "cache": cache,
        "exclude": list(NOT_ARTICLES),
        **common,
    }
    response = client.get_file(location)
    if _sitemap(response) is not None:
        table = {**sitemap, "url": response.url, "sample": most}
        return FoundSite(tables=[table], how=f"{redacted(response.url)} is a sitemap")
    if _FEED.search(response.body[:4096]):
        table = {"kind": "feed", "url": response.url, **common}
        return FoundSite(tables=[table], how=f"{redacted(response.url)} is a feed")
    named = client.sitemaps(response.url)
    usual = [urljoin(response.url, name) for name in (*_USUAL, *(f"/{name}" for name in _USUAL))]
    site = redacted(response.url)
    for urls, how in ((named, "names in its robots.txt"), (usual, "has")):
        found = _readable(client, urls)[: _MAX_SITEMAPS if urls is named else 1]
        if found:
            share = -(-most // len(found))
            inside = urlsplit(response.url).path.rpartition("/")[0]
            part = {"include": [f"{inside}/*"]} if inside else {}
            tables = [{**sitemap, **part, "url": url, "sample": share} for url in found]
            return FoundSite(
                tables=tables, how=f"{site} {how} {' and '.join(map(redacted, found))}"
            )
    for url in _feeds(response):
        table = {"kind": "feed", "url": url, **common}
        return FoundSite(tables=[table], how=f"{site} has the feed {redacted(url)}")
    raise SourceError(
        f"{site} has no sitemap in its robots.txt or at /sitemap.xml, and names "
        "no feed; give the address of one of these, or a folder with the site's files"
    )


def sitemap_addresses(location: str) -> list[str]:
    """Returns the addresses of all pages that a sitemap names, from its address or file.

    Raises:
        SourceError: If it can't be read.
    """
    if not location.startswith(("http://", "https://")):
        return [page.url for page in list_pages(SitemapOptions(path=location)).pages]
    typed = typed_options(location)
    options = SitemapOptions(url=location, hosts=typed.hosts, private=typed.private)
    return [page.url for page in list_pages(options).pages]


def typed_options(location: str) -> HttpOptions:
    """Returns options for an address that somebody typed: its own host may be a private one."""
    origin = origin_of(location)
    bare = origin.host.removeprefix("www.")
    other = bare if bare != origin.host else f"www.{bare}"
    port = "" if origin.host_and_port[1] is None else f":{origin.port}"
    try:
        found = resolve_host(origin.host, origin.port)
    except (OSError, UnicodeError) as error:
        raise SourceError(f"the host {origin.host} can't be found: {error}") from error
    private = [text for text in found if not is_public(ipaddress.ip_address(text))]
    is_name = re.search(r"\.[a-z]", bare) is not None
    return HttpOptions(
        hosts=(f"{other}{port}",) if is_name else (), private=tuple(private), attempts=2
    )


def _readable(client: PoliteClient, urls: list[str]) -> list[str]:
    """Returns those addresses at which there is a sitemap."""
    found = []
    for url in dict.fromkeys(urls):
        try:
            response = client.get_file(url)
        except SourceError:  # it is not there, or not for us
            continue
        if _sitemap(response) is not None:
            found.append(response.url)
            if len(found) == _MAX_SITEMAPS:
                break
    return found


def _sitemap(response: HttpResponse) -> Sitemap | None:
    if _FEED.search(response.body[:4096]):
        return None
    try:
        found = read_sitemap(response.body, response.url, len(response.body) * 100 + 1)
    except SourceError:
        return None
    return found if found.pages or found.sitemaps else None


def _feeds(response: HttpResponse) -> list[str]:
    content_type = response.headers.get("content-type", "")
    try:
        (found,) = parse_apart(_feed_links, response.body, charset_of(content_type), response.url)
    except (ParserStoppedError, SourceError):
        return []
    return list(found)


def _feed_links(content: bytes, charset: str, base: str) -> list[str]:
    """Returns the addresses of the feeds that a page names; those of comments come last."""
    try:
        root = parse_html(decode(content, charset or markup_encoding(content)))
    except (MarkupError, ValueError):
        return []
    links = [
        urljoin(base, link.get("href"))
        for link in select(root, "link[rel~=alternate][href]")
        if re.search(r"rss|atom|feed\+json", link.get("type", ""))
    ]
    return sorted(links, key=lambda link: "comments" in link)

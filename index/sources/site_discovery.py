"""Finds out how a site can be read, from its address, a folder or a file alone."""

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from index.articles.language_tags import read_language
from index.articles.urls import join_url, split_url
from index.articles.word_table import load_table
from index.errors import SourceError, raised_as
from index.sources.encodings import charset_of, decode, markup_encoding
from index.sources.host_rules import is_public, origin_of, redacted, resolve_host
from index.sources.http_client import Fetcher, HttpOptions
from index.sources.markup import parse_html, select
from index.sources.parser_process import parse_apart
from index.sources.polite_client import PoliteClient
from index.sources.registry import table_for
from index.sources.site_presets.find_site import find_site
from index.sources.site_presets.site_preset import SitePreset
from index.sources.sitemap import SitemapSource, fetch_sitemap
from recommender.errors import ArticleError

DELAY = 0.2
"""Seconds from one request to the next."""

_TABLE = load_table(__file__)
_HOST = re.compile(
    r"(?=.{4,253}$)([\w-]{1,63}\.)+(xn--[\w-]{1,59}|[^\W\d_]{2,63})(:\d{1,5})?(/\S*)?"
)
_FEED = re.compile(rb"<(rss|feed|rdf:RDF)\b|jsonfeed\.org/version")
_MAX_SITEMAPS = 5
_MAX_ADDRESSES = 10**7  # the pages are only compared with articles, not fetched
_WORDS = {"html": "HTML pages", "markdown": "Markdown pages", "plain": "pages of plain text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSite:
    """How a site can be read.

    Attributes:
        tables: The settings of the sources to read it from, each a ``[[source]]`` table.
        how: What was found, as a sentence for people.
        home: The address of the site's host, if it is known; else empty.
        language: The site's language, if its generator's configuration says it; else empty.
    """

    tables: list[dict[str, Any]]
    how: str
    home: str = ""
    language: str = ""


def discover_site(location: str, *, most: int, cache: str) -> FoundSite:
    """Finds out how a site can be read, from its files, or its sitemap or feed on the web.

    Args:
        location: A folder, a file, or an address: of a sitemap, a feed or the site.
        most: Most pages to read from a sitemap.
        cache: A folder in which to keep fetched pages.

    Raises:
        SourceError: If nothing is found that can be read.
        SettingError: If it can't be told what kind of file or folder it is.
    """
    if _HOST.fullmatch(location) and not Path(location).exists():
        location = f"https://{location}"
    if not location.startswith(("http://", "https://")):
        table = table_for(location)
        how = f"{location} holds {_WORDS.get(table['kind'], table['kind'])}"
        if table["kind"] not in _WORDS:
            return FoundSite(tables=[table], how=how)
        site, language = find_site(location), ""
        with suppress(ArticleError):
            language = read_language(site.language or "") or ""
        home = _origin(site.home if isinstance(site.home, str) else "")
        told = [f"made by {site.name}"] * (site.name != SitePreset.name)
        told += [f"in {language}"] * bool(language) + [f"for {home}"] * bool(home)
        return FoundSite(
            tables=[{**table, "language": language} if language else table],
            how=", ".join([how, *told]),
            home=home,
            language=language,
        )
    return _on_the_web(location, most, cache)


def _on_the_web(location: str, most: int, cache: str) -> FoundSite:
    options = typed_options(location)
    client = PoliteClient(fetcher=Fetcher(url=location, options=options), delay=DELAY)

    def common(address: str) -> dict[str, Any]:
        known, own = (*options.hosts, str(origin_of(location))), str(origin_of(address))
        hosts = [host for host in known if host != own]
        return {"url": address, "hosts": hosts, "private": list(options.private)}

    def by_sitemaps(urls: list[str], how: str, **more: Any) -> FoundSite:
        table = {"kind": "sitemap", "delay": DELAY, "cache": cache}
        table["exclude"] = _TABLE["not_articles"]
        share = -(-most // len(urls))
        tables = [{**table, **common(one), **more, "sample": share} for one in urls]
        return FoundSite(tables=tables, how=how, home=_origin(url))

    def by_feed(feed: str, how: str) -> FoundSite:
        return FoundSite(tables=[{"kind": "feed", **common(feed)}], how=how, home=_origin(url))

    response = client.get_file(location)
    url, site = response.url, redacted(response.url)
    if _FEED.search(response.body[:4096]):
        return by_feed(url, f"{site} is a feed")
    if _is_sitemap(client, url, []):
        return by_sitemaps([url], f"{site} is a sitemap")
    inside = urlsplit(url).path.rpartition("/")[0]
    part = {"include": [f"{inside}/*"]} if inside else {}
    named = [join_url(url, name) for name in client.robots(url).sitemaps]
    usual = [urljoin(url, f"{start}{name}") for start in ("", "/") for name in _TABLE["usual"]]
    failed: list[str] = []
    for urls, number, how in ((named, _MAX_SITEMAPS, "names in its robots.txt"), (usual, 1, "has")):
        readable = (one for one in dict.fromkeys(urls) if _is_sitemap(client, one, failed))
        if found := [*islice(readable, number)]:
            sitemaps = " and ".join(map(redacted, found))
            return by_sitemaps(found, f"{site} {how} {sitemaps}", **part)
    content_type = response.headers.get("content-type", "")
    try:
        (feeds,) = parse_apart(_feed_links, response.body, charset_of(content_type), url)
    except SourceError:
        feeds = []
    if feeds:
        return by_feed(feeds[0], f"{site} has the feed {redacted(feeds[0])}")
    raise SourceError(
        f"{site} has no sitemap in its robots.txt or at /sitemap.xml"
        + f" that can be read ({next(iter(failed), '')})" * bool(failed)
        + ", and names no feed; give the address of one of these, or a folder with the site's files"
    )


def _origin(address: str) -> str:
    parts = split_url(address.strip())
    is_web = parts.scheme in ("http", "https") and parts.netloc
    return f"{parts.scheme}://{parts.netloc}" if is_web else ""


def sitemap_addresses(location: str) -> list[str]:
    """Returns the addresses of all pages that a sitemap names; ``location`` is its URL or file.

    Raises:
        SourceError: If the sitemap can't be read.
    """
    if location.startswith(("http://", "https://")):
        typed = typed_options(location)
        source = SitemapSource(
            url=location, hosts=typed.hosts, private=typed.private, max_pages=_MAX_ADDRESSES
        )
    else:
        source = SitemapSource(path=location, max_pages=_MAX_ADDRESSES)
    return [page.url for page in source.listed()[0]]


def typed_options(location: str) -> HttpOptions:
    """Returns HTTP options for a URL that a person typed: its host may be in a private network."""
    origin = origin_of(location)
    name = str(origin)
    other = name.removeprefix("www.") if name.startswith("www.") else f"www.{name}"
    unknown = f"the host {origin.host} can't be found: "
    with raised_as(SourceError, unknown, OSError, UnicodeError):
        found = resolve_host(origin.host, origin.port)
    return HttpOptions(
        hosts=(other,) if re.search(r"\.[a-z]", name) else (),
        private=tuple(text for text in found if not is_public(ipaddress.ip_address(text))),
        attempts=2,
    )


def _is_sitemap(client: PoliteClient, url: str, failed: list[str]) -> bool:
    """Tells whether there is a sitemap at an address: one that can be had, and names something."""
    try:
        return bool(fetch_sitemap(client, url))
    except SourceError as error:
        failed += [str(error)] * (getattr(error, "reason", "") != "gone")
        return False


def _feed_links(content: bytes, charset: str, base: str) -> list[str]:
    """Returns the addresses of the feeds that a page names; those of comments come last."""
    root = parse_html(decode(content, charset, markup_encoding(content)))
    links = [
        address
        for link in select(root, "link[rel~=alternate][href]")
        if re.search(r"rss|atom|feed\+json", link.get("type", ""))
        and _origin(address := join_url(base, link.get("href")))
    ]
    return sorted(links, key=lambda link: "comments" in link)

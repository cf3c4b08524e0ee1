"""Reads the pages that a site's sitemap names, from the site itself."""

import posixpath
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import Field, NonNegativeInt, PositiveInt

from index.articles.file_suffixes import SUFFIXES
from index.articles.record import Record, RecordProblem, SourceItem
from index.articles.urls import join_url
from index.errors import SourceError
from index.sources.encodings import charset_of
from index.sources.host_rules import redacted
from index.sources.html_pages import HtmlSource
from index.sources.http_client import DocumentOptions, Fetcher, FetchError
from index.sources.page_cache import CacheError, FetchedPage, PageCache, fetch_page
from index.sources.page_folder import Page
from index.sources.page_language import PagePath, read_page_path
from index.sources.parser_process import parse_record
from index.sources.polite_client import PoliteClient
from index.sources.regular_file import in_memory, open_unpacked, read_whole, unpacked
from index.sources.sitemap_file import SitemapEntry, read_sitemap
from index.sources.source import SplitItems, SplitSource

MAX_FAILURES = 5
"""After so many pages in a row that the server fails to send, the reading ends."""

MAX_DEPTH = 3
"""How deep indexes of sitemaps may name further ones."""

MAX_SITEMAPS = 5_000

_ENOUGH = 3  # times as many pages as are wanted, from which they are chosen
_ROBOT = re.compile(r"\*|robots|[\w-]*(?:bot|spider|crawler|slurp|archiver|-extended|-ai)[\w-]*")

RawPage = tuple[SitemapEntry, FetchedPage]


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapSource(DocumentOptions, SplitSource):
    """The HTML pages that a sitemap names, fetched one after another.

    Attributes:
        include: Patterns of paths (``"/blog/*"``); if given, only pages that match one are read.
        exclude: Patterns of paths; pages that match one, and sitemaps of an index, are not read.
        max_pages: Most pages that the sitemap may name.
        sample: How many of these pages to read: the newest or, without dates, an even choice; 0 for
            all.
        delay: Least seconds from one request to the next to one host.
        cache: A folder in which pages are kept, so that later builds fetch only what changed.
        main: CSS selector of the element that holds the article's text; detected if empty.
        select: The CSS selector of the element to read, by article field, for fields that are not
            detected.
        drop: CSS selectors of elements that are not part of the article's text.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_pages: PositiveInt = 50_000
    sample: NonNegativeInt = 0
    delay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.2
    cache: str = ""
    main: str = ""
    select: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        DocumentOptions.__post_init__(self)  # a slotted dataclass has no bare super()
        self._html()  # which checks the selectors

    def split(self) -> SplitItems:
        """Returns the fetched pages, and the function that parses one of them."""
        return self._fetched(), partial(_parse_raw_page, self._html())

    def listed(self) -> tuple[list[SitemapEntry], list[RecordProblem], PoliteClient]:
        """Lists the pages to read: those that the sitemap names and the options let through.

        Returns:
            The pages, problems with sitemaps that are gone, and the client that read the sitemap.

        Raises:
            SourceError: If the sitemap, or one that it names, can't be read; if there is no page to
                read, or more than ``max_pages``.
        """
        pages: dict[str, SitemapEntry] = {}
        problems: list[RecordProblem] = []
        client, first = self._opened()
        for found in self._with_named(client, first, problems):
            for entry in found:
                if not entry.is_sitemap and self._wants(entry.url):
                    pages.setdefault(entry.url, entry)
            if len(pages) > self.max_pages and not self.sample:
                raise SourceError(
                    f"{self.name} names more than {self.max_pages} pages; raise max_pages, or "
                    "choose some by include and exclude"
                )
            if 0 < _ENOUGH * self.sample <= len(pages):
                break
        if not pages:
            raise SourceError(f"{self.name} names no page to read; check include and exclude")
        return _sampled([*pages.values()], self.sample), problems, client

    def _opened(self) -> tuple[PoliteClient, list[SitemapEntry]]:
        if self.url:
            client = self._client(self.url)
            client.robots(self.url)  # for the pause it asks for
            return client, fetch_sitemap(client, self.url)
        content = read_whole(open_unpacked(self.path), self.path, "a sitemap", self.max_bytes)
        first = read_sitemap(content, "", self.path)
        if not first:
            raise SourceError(f"the sitemap {self.path} names no page")
        return self._client(first[0].url), first

    def _with_named(
        self, client: PoliteClient, first: list[SitemapEntry], problems: list[RecordProblem]
    ) -> Iterator[list[SitemapEntry]]:
        """Yields what a sitemap names and what each of those names that it leads to."""
        yield first
        pending = deque(self._named(first, 1))
        seen = {self.url}
        while pending:
            url, depth = pending.popleft()
            if url in seen:
                continue
            seen.add(url)
            if len(seen) > MAX_SITEMAPS:
                raise SourceError(
                    f"{self.name} names more than {MAX_SITEMAPS} sitemaps; exclude some of them"
                )
            try:
                found = fetch_sitemap(client, url)
            except SourceError as error:
                if not isinstance(error, FetchError) or error.reason != "gone":
                    paths = [urlsplit(one).path for one in {*seen, *(one for one, _ in pending)}]
                    raise SourceError(f"{error}{_remedy(urlsplit(url).path, paths)}") from error
                problems.append(_problem(url, error))
                continue
            yield found
            pending += self._named(found, depth + 1)

    def _named(self, found: list[SitemapEntry], depth: int) -> list[tuple[str, int]]:
        named = [one for one in found if one.is_sitemap and not _matches(one.url, self.exclude)]
        if named and depth > MAX_DEPTH:
            raise SourceError(f"{self.name} names sitemaps nested deeper than {MAX_DEPTH} levels")
        if self.sample:
            named.sort(key=lambda entry: entry.lastmod, reverse=True)
        return [(entry.url, depth) for entry in named]

    def _html(self) -> HtmlSource:
        return HtmlSource(path="", main=self.main, select=self.select, drop=self.drop)

    def _client(self, url: str) -> PoliteClient:
        return PoliteClient(fetcher=Fetcher(url=url, options=self), delay=self.delay)

    def _wants(self, url: str) -> bool:
        included = not self.include or _matches(url, self.include)
        return included and not _matches(url, self.exclude)

    def _fetched(self) -> Iterator[RawPage | RecordProblem]:
        pages, problems, client = self.listed()
        yield from problems
        failures = 0
        with closing(PageCache(self.cache)) as cache:
            for entry in pages:
                found = _fetch(client, cache, entry)
                yield found
                problem = _why_unreachable(found)
                failures = failures + 1 if problem else 0
                if failures == MAX_FAILURES:
                    raise SourceError(
                        f"{self.name}: {failures} pages in a row could not be fetched, the last: "
                        f"{problem}; build again when the site answers"
                    )
            cache.drop_unused()


def fetch_sitemap(client: PoliteClient, url: str) -> list[SitemapEntry]:
    """Fetches a sitemap, and returns the pages and further sitemaps that it names.

    Raises:
        SourceError: If it can't be fetched, or is no sitemap.
    """
    response = client.get_file(url)
    name, most = redacted(response.url), client.fetcher.options.max_bytes
    content = read_whole(unpacked(in_memory(response.body)), name, "a sitemap", most)
    return read_sitemap(content, response.url, name)


def _remedy(path: str, named: list[str]) -> str:
    """Says how a sitemap is left out, if its path names neither the home page nor several."""
    if len(path) < 2 or re.search(r'[*?\["\\]', path) or named.count(path) > 1:
        return ""
    return f'; if that lasts, exclude = ["{path}"] in the source leaves it out'


def _matches(url: str, patterns: tuple[str, ...]) -> bool:
    path = urlsplit(url).path or "/"
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _sampled(pages: list[SitemapEntry], count: int) -> list[SitemapEntry]:
    """Returns the newest pages; an even choice if their dates tell too few of them apart."""
    if not count or len(pages) <= count:
        return pages
    if len({page.lastmod for page in pages}) > max(1, count // 4):
        return sorted(pages, key=lambda page: page.lastmod, reverse=True)[:count]
    return [pages[at * len(pages) // count] for at in range(count)]


def _fetch(client: PoliteClient, cache: PageCache, entry: SitemapEntry) -> RawPage | RecordProblem:
    try:
        page = fetch_page(client, cache, entry.url, entry.lastmod)
    except CacheError:
        raise
    except SourceError as error:
        return _problem(entry.url, error)
    return entry, page


def _why_unreachable(found: RawPage | RecordProblem) -> str:
    if isinstance(found, RecordProblem):
        return str(found) if found.reason == "unreachable" else ""
    return found[1].outdated


def _problem(url: str, error: SourceError) -> RecordProblem:
    reason = error.reason if isinstance(error, FetchError) else "not-fetched"
    return RecordProblem(location=redacted(url), reason=reason, message=str(error))


def _parse_raw_page(html: HtmlSource, raw: RawPage) -> SourceItem:
    """Parses a page in the parser process."""
    return parse_record(redacted(raw[1].url), _parse_page, html, *raw)


def _parse_page(location: str, html: HtmlSource, entry: SitemapEntry, page: FetchedPage) -> Record:
    fetched = Page(
        path=Path("page"),
        content=page.body,
        where=PagePath(page_id(page.url)),
        url=page.url,
        charset=charset_of(page.headers.get("content-type", "")),
        robots=_for_every_robot(page.headers.get("x-robots-tag", "")),
        refresh=page.headers.get("refresh", ""),
    )
    record = html.parse_page(location, fetched)
    stated = {name: value for name, value in record.values.items() if value not in ("", [], [""])}
    values = {**entry.facts, **stated}
    values["url"] = join_url(page.url, values.get("url", ""))
    return replace(record, values=values, outdated=page.outdated)


def _for_every_robot(header: str) -> str:
    """Returns the rules of ``X-Robots-Tag`` but for those that stand behind another robot's name.

    Args:
        header: The header's values, a line for each.
    """
    kept: list[str] = []
    for line in header.split("\n"):
        robot = ""
        for rule in line.split(","):
            name = rule.partition(":")[0].strip().casefold()
            if name != rule.strip().casefold() and _ROBOT.fullmatch(name):
                robot, rule = name, rule.partition(":")[2]
            if robot in ("", "*", "robots", "googlebot"):
                kept.append(rule.strip())
    return ", ".join(kept)


def page_id(url: str) -> str:
    """Makes a page's id from its URL: path, without ``.html`` or ``index.html``, and query."""
    parts = urlsplit(url)
    path = unquote(parts.path).strip("/")
    stem, suffix = posixpath.splitext(path)
    if suffix.lower() in SUFFIXES["html"]:
        path = read_page_path(stem).id
    return f"{path}?{parts.query}" if parts.query else path or "index"

"""Lists the pages that a sitemap names: follows its index, and chooses by pattern and number."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import IO, cast
from urllib.parse import urlsplit

from index.articles.record import RecordProblem
from index.errors import SourceError
from index.sources.host_rules import redacted
from index.sources.http_client import Fetcher, HttpError, HttpOptions
from index.sources.markup import MarkupError
from index.sources.page_folder import MAX_PAGE_BYTES
from index.sources.parser_process import ParserStoppedError, parse_apart
from index.sources.polite_client import PoliteClient
from index.sources.regular_file import file_errors, open_unpacked, unpacked
from index.sources.sitemap_file import Sitemap, SitemapEntry, parse_sitemap
from recommender.errors import SettingError

MAX_DEPTH = 3
"""How deep indexes of sitemaps may name further ones."""

MAX_SITEMAPS = 5_000

GONE = (404, 410)
"""The statuses of what is no longer there."""

_ENOUGH = 3  # times as many pages as are wanted, from which they are chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapOptions(HttpOptions):
    """Where a sitemap is, and which of its pages are wanted.

    Attributes:
        url: The sitemap's URL; give either this or ``path``.
        path: The file that holds the sitemap.
        include: Only pages whose path matches one of these patterns (``"/blog/*"``).
        exclude: No pages, and no sitemaps of an index, whose path matches one of these.
        max_pages: Most pages that the sitemap may name.
        sample: Only so many of them: the newest or, without dates, an even choice. 0: all.
        delay: Least seconds from one request to the next to one host.
    """

    url: str = field(default="", repr=False)
    path: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_pages: int = 50_000
    sample: int = 0
    delay: float = 0.2

    def __post_init__(self) -> None:
        HttpOptions.__post_init__(self)  # a slotted dataclass has no bare super()
        if bool(self.url) == bool(self.path):
            raise SettingError("a sitemap needs either url or path")
        if self.max_pages < 1 or self.sample < 0 or not 0 <= self.delay < float("inf"):
            raise SettingError("max_pages must be above 0; sample and delay can't be below 0")

    @property
    def name(self) -> str:
        """The sitemap's URL without its query, or its path."""
        return redacted(self.url) if self.url else self.path

    def wants(self, url: str) -> bool:
        """Tells whether the path of an address is included and not excluded."""
        return (not self.include or _matches(url, self.include)) and not self.excludes(url)

    def excludes(self, url: str) -> bool:
        """Tells whether the path of an address matches a pattern of ``exclude``."""
        return _matches(url, self.exclude)


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapPages:
    """The pages that a sitemap names.

    Attributes:
        client: The client that read the sitemap, to fetch the pages with.
        pages: The wanted pages, each once.
        problems: Sitemaps of an index that are gone.
    """

    client: PoliteClient
    pages: list[SitemapEntry]
    problems: list[RecordProblem]


def list_pages(options: SitemapOptions) -> SitemapPages:
    """Reads a sitemap and those that it names, and lists their pages.

    Raises:
        SourceError: If one of them can't be read, or they name no page or too many.
    """
    listing = _Listing(options)
    if options.url:
        client = _client(options, options.url)
        client.robots(options.url)  # for the pause it asks for
        listing.take(_fetched(client, options.url, options), 0)
    else:
        first = _from_file(options)
        client = _client(options, next((one.url for one in [*first.pages, *first.sitemaps]), ""))
        listing.take(first, 0)
    listing.follow(client)
    if not listing.pages:
        raise SourceError(f"{options.name} names no page that is wanted")
    pages = _sampled([*listing.pages.values()], options.sample)
    return SitemapPages(client=client, pages=pages, problems=listing.problems)


class _Listing:
    """The pages found so far, and the sitemaps still to read."""

    def __init__(self, options: SitemapOptions) -> None:
        self.pages: dict[str, SitemapEntry] = {}
        self.problems: list[RecordProblem] = []
        self._options = options
        self._pending: deque[tuple[str, int]] = deque()

    def take(self, found: Sitemap, depth: int) -> None:
        """Adds what a sitemap names; ``depth`` is how many indexes led to it."""
        options = self._options
        if found.sitemaps and depth == MAX_DEPTH:
            raise SourceError(f"{options.name} names sitemaps nested deeper than {MAX_DEPTH}")
        for page in found.pages:
            if options.wants(page.url):
                self.pages.setdefault(page.url, page)
        if len(self.pages) > options.max_pages and not options.sample:
            raise SourceError(
                f"{options.name} names more than {options.max_pages} pages; raise max_pages, or "
                "choose some by include and exclude"
            )
        named = [entry for entry in found.sitemaps if not options.excludes(entry.url)]
        if options.sample:
            named.sort(key=lambda entry: entry.lastmod, reverse=True)
        self._pending.extend((entry.url, depth + 1) for entry in named)

    def follow(self, client: PoliteClient) -> None:
        """Reads the sitemaps that were named, until enough pages are found."""
        options, seen = self._options, set[str]()
        while self._pending and not 0 < _ENOUGH * options.sample <= len(self.pages):
            url, depth = self._pending.popleft()
            if url in seen:
                continue
            seen.add(url)
            if len(seen) > MAX_SITEMAPS:
                raise SourceError(f"{options.name} names more than {MAX_SITEMAPS} sitemaps")
            try:
                self.take(_fetched(client, url, options), depth)
            except HttpError as error:
                if error.status not in GONE:
                    raise
                gone = RecordProblem(location=redacted(url), reason="gone", message=str(error))
                self.problems.append(gone)


def _client(options: SitemapOptions, url: str) -> PoliteClient:
    if not url:
        raise SourceError(f"{options.name} names no page")
    fetcher = Fetcher(url=url, options=options)
    return PoliteClient(fetcher=fetcher, delay=options.delay, max_page_bytes=MAX_PAGE_BYTES)


def _fetched(client: PoliteClient, url: str, options: SitemapOptions) -> Sitemap:
    response = client.get_file(url)
    return read_sitemap(response.body, response.url, options.max_bytes)


def read_sitemap(content: bytes, url: str, max_bytes: int) -> Sitemap:
    """Parses a sitemap that was fetched, gzipped or not, in the parser process.

    Raises:
        SourceError: If it is none, or larger than ``max_bytes``.
    """
    name = redacted(url)
    with file_errors(name, "a sitemap"), unpacked(_buffered(content)) as file:
        return _parsed(_limited(file, name, max_bytes), url, name)


def _from_file(options: SitemapOptions) -> Sitemap:
    with file_errors(options.path, "a sitemap"), open_unpacked(options.path) as file:
        content = _limited(file, options.path, options.max_bytes)
    return _parsed(content, "", options.path)


def _buffered(content: bytes) -> io.BufferedReader:
    return io.BufferedReader(cast("io.RawIOBase", io.BytesIO(content)))


def _limited(file: IO[bytes], name: str, limit: int) -> bytes:
    content = file.read(limit + 1)
    if len(content) > limit:
        raise SourceError(f"{name} is larger than {limit} bytes (max_bytes)")
    return content


def _parsed(content: bytes, base: str, name: str) -> Sitemap:
    """Runs ``_parse`` in the parser process, and joins what it yields."""
    found = Sitemap()
    try:
        for part in parse_apart(_parse, content, base, name):
            found.pages.extend(part.pages)
            found.sitemaps.extend(part.sitemaps)
    except ParserStoppedError as error:
        raise SourceError(f"{name} can't be read: {error}") from error
    return found


def _parse(content: bytes, base: str, name: str) -> Iterator[Sitemap]:
    try:
        yield from parse_sitemap(content, base)
    except MarkupError as error:
        raise SourceError(f"{name} is not a sitemap: {error}") from error


def _matches(url: str, patterns: Sequence[str]) -> bool:
    path = urlsplit(url).path or "/"
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _sampled(pages: list[SitemapEntry], count: int) -> list[SitemapEntry]:
    """Returns the newest pages; an even choice if their dates tell too few of them apart."""
    if not count or len(pages) <= count:
        return pages
    if len({page.lastmod for page in pages}) > max(1, count // 4):
        return sorted(pages, key=lambda page: page.lastmod, reverse=True)[:count]
    return [pages[at * len(pages) // count] for at in range(count)]

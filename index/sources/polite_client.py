"""An HTTP client that reads sites politely: robots.txt, and a pause between two requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin

from index.errors import SourceError
from index.sources.host_rules import origin_of, redacted
from index.sources.http_client import MAX_WAIT, Fetcher, HttpError, HttpResponse
from index.sources.parser_process import ParserStoppedError, parse_apart
from index.sources.robots_file import MAX_BYTES, allowed, crawl_delay, named_sitemaps

_BUSY = 429


class ForbiddenError(SourceError):
    """A robots.txt forbids to fetch the URL."""


@dataclass(slots=True, kw_only=True)
class PoliteClient:
    """Fetches pages one after another, and only those that the hosts' robots.txt files allow.

    Attributes:
        fetcher: The client that fetches, within its limits.
        delay: Least seconds from one request to the next to the same host; more if the host's
            robots.txt asks for more.
        max_page_bytes: Largest page in bytes.
        clock: A function that returns the time in seconds.
    """

    fetcher: Fetcher
    delay: float
    max_page_bytes: int
    clock: Callable[[], float] = time.monotonic
    _robots: dict[str, str] = field(default_factory=dict)
    _delays: dict[str, float] = field(default_factory=dict)
    _next: dict[str, float] = field(default_factory=dict)
    _pages: Fetcher = field(init=False)

    def __post_init__(self) -> None:
        most = min(self.max_page_bytes, self.fetcher.options.max_bytes)
        options = replace(self.fetcher.options, max_bytes=most)
        self._pages = replace(self.fetcher, options=options)

    def get(
        self, url: str, *, conditions: Mapping[str, str] = MappingProxyType({})
    ) -> HttpResponse:
        """Fetches a page.

        Args:
            url: The page's URL.
            conditions: Headers that make the request conditional.

        Raises:
            ForbiddenError: If a robots.txt forbids the page, or where it redirects to.
            SourceError: As by :meth:`Fetcher.get`; or if the robots.txt can't be read.
        """
        accept = "text/html,application/xhtml+xml"
        return self._pages.get(url, accept=accept, conditions=conditions, before=self._admit)

    def get_file(self, url: str) -> HttpResponse:
        """Fetches a file that is made for programs, such as a sitemap; robots.txt does not count.

        Raises:
            SourceError: As by :meth:`Fetcher.get`.
        """
        return self.fetcher.get(url, before=self._wait)

    def sitemaps(self, url: str) -> list[str]:
        """Returns the sitemaps that the robots.txt of a URL's host names."""
        return [urljoin(url, found) for found in _apart(named_sitemaps, self.robots(url))]

    def delay_of(self, url: str) -> float:
        """Returns the least seconds between two requests to a URL's host."""
        self.robots(url)
        return max(self.delay, self._delays[str(origin_of(url))])

    def robots(self, url: str) -> str:
        """Returns the robots.txt of a URL's host; empty if it has none.

        Raises:
            SourceError: If it can't be told whether there is one, or it asks for longer pauses than
                :data:`MAX_WAIT`: then nothing may be fetched.
        """
        self.fetcher.rules.check(url)
        origin = str(origin_of(url))
        if origin not in self._robots:
            address = urljoin(url, "/robots.txt")
            try:
                content = self.get_file(address).body[:MAX_BYTES].decode(errors="replace")
            except HttpError as error:
                if error.status >= 500 or error.status == _BUSY:
                    raise SourceError(f"{error}; without it no page may be fetched") from error
                content = ""
            delay = _apart(crawl_delay, content)
            if delay > MAX_WAIT:
                raise SourceError(
                    f"{redacted(address)} asks for {delay:g} seconds between two requests; read "
                    "this site from its own files or from an export"
                )
            self._robots[origin], self._delays[origin] = content, delay
        return self._robots[origin]

    def check(self, url: str) -> None:
        """Checks that a page may be fetched.

        Raises:
            ForbiddenError: If the robots.txt of its host forbids it.
            SourceError: If the host is not configured, or its robots.txt can't be read.
        """
        if not _apart(allowed, self.robots(url), [url])[0]:
            raise ForbiddenError(f"robots.txt forbids to fetch {redacted(url)}")

    def _admit(self, url: str) -> None:
        self.check(url)
        self._wait(url)

    def _wait(self, url: str) -> None:
        origin = str(origin_of(url))
        pause = self._next.get(origin, 0.0) - self.clock()
        if pause > 0:
            self.fetcher.sleep(pause)
        self._next[origin] = self.clock() + max(self.delay, self._delays.get(origin, 0.0))


def _apart(work: Callable[..., Any], text: str, *args: Any) -> Any:
    """Runs a function of :mod:`index.sources.robots_file` in the parser process.

    Raises:
        SourceError: If the process had to be stopped: the rules can't be kept then.
    """
    try:
        (found,) = parse_apart(work, text, *args)
    except ParserStoppedError as error:
        raise SourceError(f"robots.txt can't be read: {error}") from error
    return found

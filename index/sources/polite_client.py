"""An HTTP client that reads sites politely: robots.txt, and a pause between two requests.

This is the only module that imports protego, which reads robots.txt files as RFC 9309 says.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from index.errors import SourceError
from index.sources.host_rules import origin_of, redacted
from index.sources.http_client import AGENT, MAX_WAIT, Fetcher, FetchError, HttpError, HttpResponse
from index.sources.page_folder import MAX_PAGE_BYTES
from index.sources.parser_process import parse_apart

if TYPE_CHECKING:
    from protego import Protego

MAX_BYTES = 500 * 1024
"""How much of a robots.txt is read; RFC 9309 asks for at least that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsRules:
    """What a site's robots.txt allows this program.

    Attributes:
        allowed: Whether the URL in question may be fetched.
        delay: Least seconds between two requests.
        sitemaps: The addresses of the sitemaps that it names.
    """

    allowed: bool
    delay: float
    sitemaps: list[str]


@dataclass(slots=True, kw_only=True)
class PoliteClient:
    """Fetches pages one after another, and only those that the hosts' robots.txt files allow.

    Attributes:
        fetcher: The HTTP client that sends the requests.
        delay: Least seconds from one request to the next to the same host; more if the host's
            robots.txt asks for more.
        clock: A function that returns the time in seconds.
    """

    fetcher: Fetcher
    delay: float
    clock: Callable[[], float] = time.monotonic
    _robots: dict[str, str] = field(default_factory=dict)
    _delays: dict[str, float] = field(default_factory=dict)
    _next: dict[str, float] = field(default_factory=dict)
    _pages: Fetcher = field(init=False)

    def __post_init__(self) -> None:
        most = min(MAX_PAGE_BYTES, self.fetcher.options.max_bytes)
        options = replace(self.fetcher.options, max_bytes=most)
        self._pages = replace(self.fetcher, options=options)

    def get(self, url: str, conditions: Mapping[str, str]) -> HttpResponse:
        """Fetches a page.

        Args:
            url: The page's URL.
            conditions: Headers that make the request conditional, such as ``If-None-Match``.

        Raises:
            FetchError: If a robots.txt forbids the page, or the address that it redirects to; or if
                the page is longer than any may be.
            SourceError: As by :meth:`Fetcher.get`; or if the robots.txt can't be read.
        """
        accept = "text/html,application/xhtml+xml"
        try:
            return self._pages.get(url, accept=accept, conditions=conditions, before=self._admit)
        except FetchError as error:
            if error.reason != "too-large" or self._pages.options.max_bytes < MAX_PAGE_BYTES:
                raise
            message = f"the page is longer than {MAX_PAGE_BYTES} bytes"
            raise FetchError(message, "page-too-long") from error

    def get_file(self, url: str) -> HttpResponse:
        """Fetches a file made for programs, such as a sitemap, even if robots.txt forbids it.

        Raises:
            SourceError: As by :meth:`Fetcher.get`.
        """
        return self.fetcher.get(url, before=self._wait)

    def check(self, url: str) -> None:
        """Checks that a page may be fetched.

        Raises:
            FetchError: If the robots.txt of its host forbids it.
            SourceError: As by :meth:`robots`.
        """
        if not self.robots(url).allowed:
            raise FetchError(
                f"the site's robots.txt forbids fetching {redacted(url)}", "robots-txt"
            )

    def robots(self, url: str) -> RobotsRules:
        """Returns the rules for a URL from its host's robots.txt; all is allowed if it has none.

        Raises:
            SourceError: If the host is not configured; if it can't be told whether it has a
                robots.txt; or if that asks for pauses of more than :data:`MAX_WAIT` seconds.
        """
        self.fetcher.rules.check(url)
        origin, address = str(origin_of(url)), urljoin(url, "/robots.txt")
        if origin not in self._robots:
            try:
                body = self.get_file(address).body[:MAX_BYTES]
                content = body.decode("utf-8-sig", errors="replace")
            except HttpError as error:
                if error.reason == "unreachable":
                    message = f"{error}: while robots.txt can't be read, no page may be fetched"
                    raise FetchError(message, error.reason) from error
                content = ""
            self._robots[origin] = content
        rules: RobotsRules
        (rules,) = parse_apart(read_robots, self._robots[origin], url)
        if rules.delay > MAX_WAIT:
            raise SourceError(
                f"{redacted(address)} asks for {rules.delay:g} seconds between two requests, which "
                "is too slow; read this site from its own files or from an export"
            )
        self._delays[origin] = max(self.delay, rules.delay)
        return rules

    def _admit(self, url: str) -> None:
        self.check(url)
        self._wait(url)

    def _wait(self, url: str) -> None:
        origin = str(origin_of(url))
        pause = self._next.get(origin, 0.0) - self.clock()
        if pause > 0:
            self.fetcher.sleep(pause)
        self._next[origin] = self.clock() + self._delays.get(origin, self.delay)


def read_robots(text: str, url: str) -> RobotsRules:
    """Parses a robots.txt, and returns its rules for a URL; runs in the parser process."""
    rules = _parsed(text)
    rate = rules.request_rate(AGENT)
    asked = [float(rules.crawl_delay(AGENT) or 0)]
    asked += [rate.seconds / rate.requests] if rate is not None and rate.requests > 0 else []
    return RobotsRules(
        allowed=rules.can_fetch(url, AGENT),
        delay=max(filter(math.isfinite, asked), default=0.0),
        sitemaps=list(rules.sitemaps),
    )


@lru_cache(maxsize=8)
def _parsed(text: str) -> Protego:
    from protego import Protego

    return Protego.parse(text)

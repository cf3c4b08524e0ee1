"""Fetches pages, and keeps them for later builds, which then fetch only what has changed."""

import json
import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import time as now
from typing import Any

from index.articles.foreign_dates import DateReader
from index.errors import SourceError
from index.sources.host_rules import redacted
from index.sources.http_client import FetchError, HttpError, HttpResponse
from index.sources.interstitial import check_is_no_interstitial, check_leads_to_page
from index.sources.polite_client import PoliteClient

FILE = "pages.sqlite"

RECHECK = 7 * 86400
"""After so many seconds a page is asked for again, whatever the sitemap says of it."""

KEEP = 30 * 86400
"""So many seconds after its last use a page is removed, as several sources may share a cache."""

_HTML = ("", "text/html", "application/xhtml+xml")
_KEPT = ("content-type", "x-robots-tag", "refresh", "etag", "last-modified")
_SESSION = re.compile(
    r";jsessionid=[^/?#;]*|(?<=[?&])(?:phpsessid|jsessionid|aspsessionid\w*)=[^&#]*(?:&|\Z)",
    re.IGNORECASE,
)
_TIMEOUT = 60  # seconds for another build to let go of the file
_SETTLED = 2 * 86400  # a lastmod may name a day only, in any time zone

_SETUP = """PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS fetched (asked TEXT PRIMARY KEY, facts TEXT, body BLOB, used INTEGER)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPage(HttpResponse):
    """A page as its server sent it, with the useful ones of the response's headers.

    Attributes:
        lastmod: The date of the page's last change in the sitemap by which it was fetched.
        checked: When the server last confirmed the page, in seconds since 1970.
        outdated: Why the server could not be asked again; empty if it could, or needed not be.
    """

    lastmod: str = ""
    checked: float = 0.0
    outdated: str = ""

    def is_current(self, lastmod: str) -> bool:
        """Tells whether the stored page is surely unchanged, so that it need not be fetched again.

        So it is if the sitemap gives the same ``lastmod`` as before, the server confirmed the page
        over two days after that, and less than :data:`RECHECK` seconds ago.
        """
        changed = DateReader().find_instant(lastmod)
        return (
            changed is not None
            and lastmod == self.lastmod
            and changed.timestamp() + _SETTLED < self.checked <= now() < self.checked + RECHECK
        )


class CacheError(SourceError):
    """The cache can't be read or written: not the fault of the page in question."""


class PageCache:
    """Keeps the pages that builds fetched, by their addresses, in one SQLite file.

    Args:
        folder: The folder for the file, made if there is none; empty to keep nothing.

    Raises:
        CacheError: If the folder or the file can't be used, here or in a later call.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._database: sqlite3.Connection | None = None
        if folder:
            with self._errors():
                Path(folder).mkdir(parents=True, exist_ok=True)
                self._database = sqlite3.connect(
                    Path(folder) / FILE, timeout=_TIMEOUT, isolation_level=None
                )
                self._database.executescript(_SETUP)
                # Once "used" was no time, but said whether the last build used the page.
                self._run("UPDATE fetched SET used = ? WHERE used < 2", int(now()))

    def get(self, asked: str) -> FetchedPage | None:
        """Returns the stored page that was fetched from an address; ``None`` if there is none."""
        found = self._run(
            "UPDATE fetched SET used = ? WHERE asked = ? RETURNING facts, body", int(now()), asked
        )
        with suppress(ValueError, zlib.error):  # what is damaged is fetched anew
            for facts, body in found:
                return FetchedPage(**json.loads(facts), body=zlib.decompress(body))
        return None

    def put(self, asked: str, page: FetchedPage) -> None:
        """Stores a page under the address from which it was fetched."""
        facts = {name: getattr(page, name) for name in ("url", "headers", "lastmod", "checked")}
        self._run(
            "INSERT OR REPLACE INTO fetched VALUES (?, ?, ?, ?)",
            *(asked, json.dumps(facts), zlib.compress(page.body, 1), int(now())),
        )

    def drop(self, asked: str) -> None:
        """Removes the stored page that was fetched from an address."""
        self._run("DELETE FROM fetched WHERE asked = ?", asked)

    def drop_unused(self) -> None:
        """Removes the stored pages that no build asked for in :data:`KEEP` seconds."""
        self._run("DELETE FROM fetched WHERE used < ?", int(now()) - KEEP)

    def close(self) -> None:
        """Closes the cache's file."""
        if self._database:
            self._database.close()

    def _run(self, command: str, *values: object) -> list[tuple[Any, ...]]:
        with self._errors():
            return self._database.execute(command, values).fetchall() if self._database else []

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, sqlite3.Error) as error:
            raise CacheError(
                f"the cache {self._folder} can't be used: {error}; remove its {FILE}, or name a "
                "folder that can be written"
            ) from error


def fetch_page(client: PoliteClient, cache: PageCache, url: str, lastmod: str) -> FetchedPage:
    """Returns a page from the cache if it is surely unchanged; else fetches and stores it.

    A stored page is also returned, as ``outdated``, if its server can't be reached.

    Args:
        client: The client that fetches pages.
        cache: The pages that earlier builds fetched.
        url: The page's URL.
        lastmod: When it last changed, as the sitemap writes it.

    Raises:
        SourceError: If the page can't be fetched. It is then removed from the cache.
        CacheError: If the cache can't be used.
    """
    stored = cache.get(url)
    try:
        if stored:  # an earlier version may have stored what is not the page
            _check_is_page(url, stored.url, stored.body)
    except FetchError:
        stored = None
    try:
        client.check(url)
        if stored is None or not stored.is_current(lastmod):
            stored = _request(client, url, stored, lastmod)
            cache.put(url, stored)
    except CacheError:
        raise
    except SourceError as error:
        if stored and isinstance(error, FetchError) and error.reason == "unreachable":
            return replace(stored, outdated=f"{error}; the copy of an earlier build is used")
        cache.drop(url)
        raise
    return stored


def _request(client: PoliteClient, url: str, old: FetchedPage | None, lastmod: str) -> FetchedPage:
    try:
        response = client.get(url, old.conditions() if old else {})
    except HttpError as error:
        if error.reason == "refused":  # what is gone is gone, whatever is shown then
            check_is_no_interstitial(url, error.body)
        raise
    if response.unchanged and old and response.url != old.url:  # what it now leads to is unchanged
        old, response = None, client.get(url, {})
    headers = {name: response.headers[name] for name in _KEPT if response.headers.get(name)}
    fresh: dict[str, Any] = {"lastmod": lastmod, "checked": now()}
    if response.unchanged and old:
        return replace(old, headers={**old.headers, **headers}, **fresh)
    if response.unchanged:
        raise SourceError(f"{redacted(url)} wrongly answered 304 (not modified); check its server")
    content_type = headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() not in _HTML:
        raise FetchError(f"the server sent no HTML page, but {content_type!r:.80}", "not-html")
    _check_is_page(url, response.url, response.body)
    own = _SESSION.sub("", response.url).rstrip("?&")
    return FetchedPage(url=own, body=response.body, headers=headers, **fresh)


def _check_is_page(asked: str, url: str, content: bytes) -> None:
    check_leads_to_page(asked, url, content)
    check_is_no_interstitial(asked, content)

"""Keeps fetched pages for later builds, which then fetch only what has changed."""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.errors import SourceError

FILE = "pages.sqlite"

RECHECK = 7 * 86400
"""After so many seconds a page is asked for again, whatever the sitemap says of it."""

_TABLE = """CREATE TABLE IF NOT EXISTS pages (
    asked TEXT PRIMARY KEY, url TEXT, body BLOB, content_type TEXT, robots TEXT, etag TEXT,
    modified TEXT, lastmod TEXT, checked REAL, used INTEGER)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPage:
    """A page as its server sent it.

    Attributes:
        url: Its address after redirects.
        body: The decompressed body.
        content_type: The header ``Content-Type``.
        robots: The header ``X-Robots-Tag``.
        etag: The header ``ETag``.
        modified: The header ``Last-Modified``.
        lastmod: When the page changed, as the sitemap said when it was fetched.
        checked: When the server last confirmed the page, in seconds since 1970.
    """

    url: str
    body: bytes
    content_type: str = ""
    robots: str = ""
    etag: str = ""
    modified: str = ""
    lastmod: str = ""
    checked: float = 0.0

    def conditions(self) -> Mapping[str, str]:
        """Returns the headers that ask the server for the page only if it has changed."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in asked.items() if value}

    def is_current(self, lastmod: str, now: float) -> bool:
        """Tells whether the page need not be asked for again.

        So it is if the sitemap gives the same ``lastmod`` as before, the page was confirmed well
        after it, and that is less than :data:`RECHECK` ago.
        """
        if not lastmod or lastmod != self.lastmod:
            return False
        try:
            changed = dt.datetime.fromisoformat(lastmod)
        except ValueError:
            return False
        if changed.tzinfo is None:  # a day, or a time in an unknown zone
            changed = changed.replace(tzinfo=dt.UTC) + dt.timedelta(days=2)
        return changed.timestamp() < self.checked <= now < self.checked + RECHECK


class PageCache:
    """The pages of earlier builds, in one SQLite file.

    Args:
        folder: The folder of the file; made if there is none. Empty: nothing is kept.

    Raises:
        SourceError: If the folder or the file can't be used.
    """

    def __init__(self, folder: str) -> None:
        self._name = folder
        with self._errors():
            if folder:
                Path(folder).mkdir(parents=True, exist_ok=True)
            path = Path(folder) / FILE if folder else ":memory:"
            self._database = sqlite3.connect(path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(_TABLE)
            self._database.execute("UPDATE pages SET used = 0")

    def get(self, asked: str) -> FetchedPage | None:
        """Returns the page that was fetched from an address; ``None`` if there is none."""
        if not self._name:
            return None
        with self._errors():
            self._database.execute("UPDATE pages SET used = 1 WHERE asked = ?", (asked,))
            found = self._database.execute(
                "SELECT url, body, content_type, robots, etag, modified, lastmod, checked "
                "FROM pages WHERE asked = ?",
                (asked,),
            ).fetchone()
            if found is None:
                return None
            url, body, content_type, robots, etag, modified, lastmod, checked = found
            return FetchedPage(
                url=url,
                body=zlib.decompress(body),
                content_type=content_type,
                robots=robots,
                etag=etag,
                modified=modified,
                lastmod=lastmod,
                checked=checked,
            )

    def put(self, asked: str, page: FetchedPage) -> None:
        """Keeps a page under the address from which it was fetched."""
        if not self._name:
            return
        with self._errors():
            self._database.execute(
                "INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
                (
                    *(asked, page.url, zlib.compress(page.body, 1), page.content_type),
                    *(page.robots, page.etag, page.modified, page.lastmod, page.checked),
                ),
            )

    def drop(self, asked: str) -> None:
        """Forgets the page that was fetched from an address."""
        with self._errors():
            self._database.execute("DELETE FROM pages WHERE asked = ?", (asked,))

    def drop_unused(self) -> None:
        """Forgets the pages that nobody asked for since the cache was opened."""
        with self._errors():
            self._database.execute("DELETE FROM pages WHERE used = 0")

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, zlib.error) as error:
            raise SourceError(
                f"cache {self._name} can't be used: {error}; remove its {FILE}, or name a folder "
                "that can be written"
            ) from error


def now() -> float:
    """Returns the time in seconds since 1970."""
    return time.time()

"""A temporary SQLite file that collects articles in any order and writes them sorted by id."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path


class ArticleStaging:
    """Collects articles in a file of its own, in the order in which they come.

    Only their ids are indexed, so that each article is appended to the file and read once, whatever
    the order of the ids.

    Args:
        path: Where to keep them until :meth:`write`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        self._database = _open(path)
        self._database.execute(
            "CREATE TABLE staged (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, data BLOB)"
        )
        self._database.execute("BEGIN")

    def add(self, articles: Sequence[tuple[str, bytes]]) -> list[int]:
        """Keep some articles.

        Args:
            articles: The id of each, and itself as :func:`index.articles.article_store.to_bytes`
                gives it.

        Returns:
            The positions, ascending, of those whose id was there before; its first article stays.
        """
        first = self._count
        self._count += len(articles)
        cursor = self._database.executemany(
            "INSERT OR IGNORE INTO staged VALUES (?, ?, ?)",
            ((first + number, *article) for number, article in enumerate(articles)),
        )
        if cursor.rowcount == len(articles):
            return []
        owner = "SELECT number FROM staged WHERE id = ?"
        return [
            number
            for number, (article_id, _) in enumerate(articles)
            if self._database.execute(owner, (article_id,)).fetchone() != (first + number,)
        ]

    def write(self, path: Path) -> int:
        """Write the build's articles by their ids, remove the staging; returns their number."""
        self._database.execute("COMMIT")
        self._database.close()
        with closing(_open(path)) as database:
            database.execute("CREATE TABLE articles (row INTEGER PRIMARY KEY, data BLOB NOT NULL)")
            database.execute("ATTACH ? AS staging", (str(self._path),))
            database.execute("BEGIN")
            written = database.execute(
                "INSERT INTO articles SELECT row_number() OVER (ORDER BY id) - 1, data FROM staged"
            )
            database.execute("COMMIT")
        self._path.unlink()
        return written.rowcount


def _open(path: Path) -> sqlite3.Connection:
    """Open a file that is worthless if its writer dies: no journal, no syncing."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    return database

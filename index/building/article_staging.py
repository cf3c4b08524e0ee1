"""A temporary SQLite file that collects articles in any order, then writes them sorted by id."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path


class ArticleStaging:
    """Collects articles in a temporary file, in the order in which they arrive.

    The file has an index over the ids only, so that whatever the order of the ids, each article is
    written once and read once.

    Args:
        path: The temporary file; :meth:`write` removes it.
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
        """Adds articles; of several articles with the same id, the first is kept.

        Args:
            articles: The id of each article, and the article as
                :func:`index.articles.article_store.to_bytes` encodes it.

        Returns:
            The positions in ``articles`` of those that were not added because the file already
            holds their id, ascending.
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
        """Writes all articles, sorted by id, to an article store at ``path``.

        Removes the temporary file, and returns the number of articles.
        """
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
    """Opens an SQLite file without journal or syncing: after a crash it is of no use anyway."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    return database

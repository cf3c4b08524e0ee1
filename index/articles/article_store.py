"""The article store of a build: one SQLite file that holds each article under its row number.

Rows are numbered in the order of the ids' UTF-8 bytes. So sorting by row number sorts by id, and
the order in which the articles are read does not matter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from index.errors import BuildError
from index.files import open_sqlite
from recommender.article import Article

ARTICLES = "articles.sqlite"

_ADAPTER = TypeAdapter(Article)


def to_bytes(article: Article) -> bytes:
    """Encode an article in the form in which the store keeps it: JSON with every field."""
    return _ADAPTER.dump_json(article)


class ArticleStore:
    """Reads the articles of a build from its SQLite file.

    Args:
        path: The SQLite file; opened read-only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = open_sqlite(path)

    def __getitem__(self, row: int) -> Article:
        found = list(self._query("SELECT data FROM articles WHERE row = ?", (row,)))
        if not found:
            raise IndexError(row)
        return self._article(found[0])

    def __iter__(self) -> Iterator[Article]:
        return map(self._article, self.kept())

    def __reduce__(self) -> tuple[type[ArticleStore], tuple[Path]]:
        """Pickle only the path: another process opens the file again."""
        return ArticleStore, (self._path.resolve(),)

    def kept(self) -> Iterator[bytes]:
        """Yield every article in row order, encoded as by :func:`to_bytes`."""
        return self._query("SELECT data FROM articles ORDER BY row")

    def rows(self, start: int, stop: int) -> Iterator[Article]:
        """Yield the articles from row ``start`` up to, not including, ``stop``."""
        statement = "SELECT data FROM articles WHERE row >= ? AND row < ? ORDER BY row"
        return map(self._article, self._query(statement, (start, stop)))

    def sample(self, count: int, total: int) -> Iterator[Article]:
        """Yield about ``count`` articles, evenly spread over all ``total`` articles."""
        step = max(1, total // count)
        statement = "SELECT data FROM articles WHERE row % ? = 0 ORDER BY row"
        return map(self._article, self._query(statement, (step,)))

    def close(self) -> None:
        """Close the SQLite file."""
        self._database.close()

    def _query(self, statement: str, values: tuple[object, ...] = ()) -> Iterator[Any]:
        try:
            for (value,) in self._database.execute(statement, values):
                yield value
        except sqlite3.Error as error:
            raise BuildError(f"{self._path} can't be read: {error}") from error

    def _article(self, data: bytes) -> Article:
        try:
            return _ADAPTER.validate_json(data)
        except ValidationError as error:
            raise BuildError(
                f"{self._path} contains an article that can't be read: {error}; rebuild"
            ) from error

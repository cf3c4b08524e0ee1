"""The articles of a build: one SQLite file with full-text search.

Rows are numbered in the order of the ids' UTF-8 bytes, so ties by row are ties by id, and the
order of the input does not matter.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from recommender.article import Article
from recommender.errors import BuildError

ARTICLES = "articles.sqlite"

_ADAPTER = TypeAdapter(Article)

RANKED = 10_000
"""Most hits of a search that are put in order of relevance."""

_NOT_SEARCHABLE = re.compile("[\0\ud800-\udfff]")

# One line per occurrence is found at once; one per word would first count all its occurrences.
_VOCABULARY = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary "
    "USING fts5vocab('main', 'words', 'instance')"
)


def split_words(words: str) -> list[str]:
    """What a person typed, word by word, without what SQLite can't take."""
    return _NOT_SEARCHABLE.sub(" ", words).split()


class ArticleStaging:
    """Collects articles in any order, each id once, in a file of its own.

    Args:
        path: Where to keep them until :func:`write_articles`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE staged (id TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, article: Article) -> bool:
        """Keep an article; ``False`` if its id is there already, whose first owner stays."""
        cursor = self._database.execute(
            "INSERT OR IGNORE INTO staged VALUES (?, ?)", (article.id, _ADAPTER.dump_json(article))
        )
        return cursor.rowcount == 1

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Ids and their articles' bytes, by id."""
        yield from self._database.execute("SELECT id, data FROM staged ORDER BY id")

    def discard(self) -> None:
        """Close and remove the file."""
        self._database.close()
        self._path.unlink()


def write_articles(path: Path, staged: Iterable[tuple[str, bytes]]) -> int:
    """Write the build's articles in the order given, and return their number."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("CREATE TABLE articles (row INTEGER PRIMARY KEY, data BLOB NOT NULL)")
        database.execute(
            "CREATE VIRTUAL TABLE words USING fts5 (id, title, body, content = '', "
            "tokenize = \"unicode61 remove_diacritics 2\", prefix = '1 2 3')"
        )
        database.execute("BEGIN")
        count = 0
        for article_id, data in staged:
            article = _ADAPTER.validate_json(data)
            database.execute("INSERT INTO articles VALUES (?, ?)", (count, data))
            body = "\n".join(f"{section.heading}\n{section.text}" for section in article.sections)
            database.execute(
                "INSERT INTO words (rowid, id, title, body) VALUES (?, ?, ?, ?)",
                (count, article_id, article.title, body),
            )
            count += 1
        # One tree instead of a handful: looking a word up takes a third of the time.
        database.execute("INSERT INTO words (words) VALUES ('optimize')")
        database.execute("COMMIT")
    return count


class ArticleStore:
    """Reads a build's articles.

    Args:
        path: The SQLite file; opened read-only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._has_vocabulary = False
        try:
            self._database = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise BuildError(f"{path} can't be opened: {error}") from error

    def __getitem__(self, row: int) -> Article:
        found = list(self._query("SELECT data FROM articles WHERE row = ?", (row,)))
        if not found:
            raise IndexError(row)
        return self._article(found[0][0])

    def __iter__(self) -> Iterator[Article]:
        for (data,) in self._query("SELECT data FROM articles ORDER BY row"):
            yield self._article(data)

    def __reduce__(self) -> tuple[type[ArticleStore], tuple[Path]]:
        """Another process opens the file anew."""
        return ArticleStore, (self._path.resolve(),)

    def rows(self, start: int, stop: int) -> Iterator[Article]:
        """The articles from row ``start`` to before ``stop``."""
        statement = "SELECT data FROM articles WHERE row >= ? AND row < ? ORDER BY row"
        for (data,) in self._query(statement, (start, stop)):
            yield self._article(data)

    def sample(self, count: int, total: int) -> Iterator[Article]:
        """About ``count`` articles, evenly spread over all ``total``."""
        step = max(1, total // count)
        statement = "SELECT data FROM articles WHERE row % ? = 0 ORDER BY row"
        for (data,) in self._query(statement, (step,)):
            yield self._article(data)

    def search(self, words: str, limit: int) -> list[int]:
        """Rows whose id, title or text begins words with all of ``words``, best first."""
        terms = [[word] for word in split_words(words)]
        return self.ranked(terms, self.holding(terms))[:limit]

    def holding(self, words: Sequence[Sequence[str]]) -> list[int]:
        """Rows that hold, for each entry, a word that begins with one of its spellings."""
        return self._rows("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid", words)

    def ranked(self, words: Sequence[Sequence[str]], rows: list[int]) -> list[int]:
        """What :meth:`holding` found, best first by BM25.

        Left by row where so much was found that ranking it all would take longer than a person
        waits, and would tell them nothing.
        """
        if not 1 < len(rows) <= RANKED:
            return rows
        return self._rows("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank, rowid", words)

    def first_word(self, at_least: str) -> str | None:
        """The first of all words in the order of their UTF-8 bytes, from ``at_least`` on."""
        with self._lock:
            if not self._has_vocabulary:
                list(self._query(_VOCABULARY))
                self._has_vocabulary = True
        statement = "SELECT term FROM temp.vocabulary WHERE term >= ? LIMIT 1"
        return next((str(word) for (word,) in self._query(statement, (at_least,))), None)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _rows(self, statement: str, words: Sequence[Sequence[str]]) -> list[int]:
        if not words:
            return []
        terms = " AND ".join(
            f"({' OR '.join(_quote(spelling) for spelling in spellings)})" for spellings in words
        )
        try:
            return [row for (row,) in self._database.execute(statement, (terms,)).fetchall()]
        except sqlite3.Error as error:
            raise BuildError(f"{self._path} can't be read: {error}") from error

    def _query(self, statement: str, values: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise BuildError(f"{self._path} can't be read: {error}") from error

    def _article(self, data: bytes) -> Article:
        try:
            return _ADAPTER.validate_json(data)
        except ValidationError as error:
            raise BuildError(f"{self._path} holds an unreadable article: {error}") from error


def _quote(word: str) -> str:
    return '"' + word.replace('"', '""') + '"*'

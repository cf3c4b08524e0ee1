"""The full-text index over a build's articles, for editors' searches, in SQLite with FTS5.

Only editors' searches need the index, so it has a file of its own: whoever reads an article need
not verify it, and a thread can fill it while the other stages of a build run. SQLite fills the
index in a few long statements, during which Python's global lock is free for those stages.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from index.articles.article_store import ARTICLES
from index.errors import BuildError
from index.files import open_sqlite

FULL_TEXT = "search.sqlite"

RANKED = 10_000
"""A search with more hits than this returns them unsorted rather than sorted by relevance."""

_PENDING = 4 * 1024 * 1024
"""Bytes of words that SQLite sorts in memory before it merges them into the file."""

_WRITE = """
INSERT INTO words (rowid, id, title, body)
SELECT
    row,
    json_extract(article, '$.id'),
    json_extract(article, '$.title'),
    (
        SELECT group_concat(
            json_extract(value, '$.heading') || char(10) || json_extract(value, '$.text'), char(10)
        )
        FROM json_each(article, '$.sections')
    )
FROM (SELECT row, CAST(data AS TEXT) AS article FROM store.articles ORDER BY row)
"""

_NOT_SEARCHABLE = re.compile("[\0\ud800-\udfff]")

# 'instance' (one row per occurrence) answers at once; 'row' would count every word's occurrences.
_VOCABULARY = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary "
    "USING fts5vocab('main', 'words', 'instance')"
)


def split_words(words: str) -> list[str]:
    """Split what a person typed into words; characters that SQLite can't handle are left out."""
    return _NOT_SEARCHABLE.sub(" ", words).split()


class FullText:
    """The full-text index of a build, opened for searching.

    Args:
        path: The SQLite file; opened read-only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._has_vocabulary = False
        self._database = open_sqlite(path)

    def search(self, words: str, limit: int) -> list[int]:
        """Search ids, titles and texts; return at most ``limit`` rows, best first.

        A row matches if, for each of ``words``, it has a word that begins with it.
        """
        terms = [[word] for word in split_words(words)]
        return self.ranked(terms, self.holding(terms))[:limit]

    def holding(self, words: Sequence[Sequence[str]]) -> list[int]:
        """Return the rows that match all entries of ``words``, each a list of spellings.

        A row matches an entry if one of its words begins with one of the entry's spellings.
        """
        return self._rows("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid", words)

    def ranked(self, words: Sequence[Sequence[str]], rows: list[int]) -> list[int]:
        """Sort the rows that :meth:`holding` found by their BM25 score, best first.

        More than :data:`RANKED` rows are returned unsorted: sorting so many would keep a person
        waiting and be of no use.
        """
        if not 1 < len(rows) <= RANKED:
            return rows
        return self._rows("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank, rowid", words)

    def first_word(self, at_least: str) -> str | None:
        """Return the first indexed word that is ``at_least`` or after it, in byte order."""
        with self._lock:
            if not self._has_vocabulary:
                self._query(_VOCABULARY, ())
                self._has_vocabulary = True
        statement = "SELECT term FROM temp.vocabulary WHERE term >= ? LIMIT 1"
        return next((str(word) for (word,) in self._query(statement, (at_least,))), None)

    def close(self) -> None:
        """Close the SQLite file."""
        self._database.close()

    def _rows(self, statement: str, words: Sequence[Sequence[str]]) -> list[int]:
        if not words:
            return []
        terms = " AND ".join(
            f"({' OR '.join(_quote(spelling) for spelling in spellings)})" for spellings in words
        )
        return [row for (row,) in self._query(statement, (terms,))]

    def _query(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise BuildError(f"{self._path} can't be read: {error}") from error


def _quote(word: str) -> str:
    return '"' + word.replace('"', '""') + '"*'


@contextmanager
def filled_beside(folder: Path) -> Iterator[Future[None]]:
    """Fill the index in a background thread while the block runs.

    If the block ends before the index is complete, filling is interrupted.

    Args:
        folder: The build's folder, in which the articles are already written.

    Yields:
        A future that is done when the index is complete. Its ``result()`` raises the
        ``sqlite3.Error`` if filling failed.
    """
    with closing(_open(folder)) as database, ThreadPoolExecutor(1, "full-text") as thread:
        done = thread.submit(_write, database)
        try:
            yield done
        finally:
            while not done.done():  # again, if it ran between two statements
                database.interrupt()
                wait([done], timeout=0.02)


def _open(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(
        (folder / FULL_TEXT).resolve().as_uri(),
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    articles = (folder / ARTICLES).resolve().as_uri()
    database.execute("ATTACH ? AS store", (f"{articles}?mode=ro&immutable=1",))
    return database


def _write(database: sqlite3.Connection) -> None:
    database.execute(
        "CREATE VIRTUAL TABLE words USING fts5 (id, title, body, content = '', "
        "tokenize = \"unicode61 remove_diacritics 2\", prefix = '1 2 3')"
    )
    database.execute("INSERT INTO words (words, rank) VALUES ('hashsize', ?)", (_PENDING,))
    database.execute("BEGIN")
    database.execute(_WRITE)
    # Merge the index's b-trees into one: looking a word up then takes a third of the time.
    database.execute("INSERT INTO words (words) VALUES ('optimize')")
    database.execute("COMMIT")

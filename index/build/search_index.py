"""The full-text index of a build's articles, for editors' searches: an SQLite file, by FTS5.

It has a file of its own beside the articles, because it is needed last and by editors alone.
Reading an article hashes nothing of it, and the other stages of a build run while one core fills
it. SQLite does that in a few statements and reads the articles itself: the thread that waits for
them leaves the interpreter to the rest of the build.
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
"""Most hits of a search that are put in order of relevance."""

_PENDING = 4 * 1024 * 1024
"""Bytes of words that are put in order in memory, before they are merged with those in the file."""

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

# One line per occurrence is found at once; one per word would first count all its occurrences.
_VOCABULARY = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary "
    "USING fts5vocab('main', 'words', 'instance')"
)


def split_words(words: str) -> list[str]:
    """What a person typed, word by word, without what SQLite can't take."""
    return _NOT_SEARCHABLE.sub(" ", words).split()


class FullText:
    """Finds a build's rows by words.

    Args:
        path: The SQLite file; opened read-only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._has_vocabulary = False
        self._database = open_sqlite(path)

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
                self._query(_VOCABULARY, ())
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
    """Fill the index in a thread of its own; whoever leaves before it is done ends it.

    Args:
        folder: The build, whose articles are written.

    Yields:
        What waits for the index, and raises what went wrong with it (``sqlite3.Error``).
    """
    with closing(_open(folder)) as database, ThreadPoolExecutor(1, "full-text") as thread:
        done = thread.submit(_write, database)
        try:
            yield done
        finally:
            while not done.done():  # between two statements there is nothing to interrupt
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
    # One tree instead of a handful: looking a word up takes a third of the time.
    database.execute("INSERT INTO words (words) VALUES ('optimize')")
    database.execute("COMMIT")

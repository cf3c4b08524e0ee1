"""The full-text index over a build's articles, for editors' searches, in SQLite with FTS5.

Only editors' searches need the index, so it has a file of its own: whoever reads an article need
not verify it, and a thread can fill it while the other stages of a build run. SQLite fills the
index in a few long statements, during which Python's global lock is free for those stages.
"""

import re
import shutil
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.articles.article_store import ARTICLES, NUMBERS
from index.build.carried_rows import CarriedRows
from index.errors import BuildError, raised_as
from index.files import load_array, open_sqlite, open_unjournaled
from recommender.text import UNSPACED_SCRIPTS

FULL_TEXT = "search.sqlite"

RowNumbers = NDArray[np.int64]

RANKED = 3_000
"""A search with more hits than this sorts by relevance only those with the words in the title."""

_FILLING = {"hashsize": 16 * 1024 * 1024, "automerge": 0, "crisismerge": 1_000}
"""How FTS5 fills an index at once: it sorts this many bytes of words in memory before it writes
them as one b-tree, and merges the b-trees only at the end, unless there are very many."""

_CHANGING = {"hashsize": 1024 * 1024, "automerge": 4, "crisismerge": 16}
"""How FTS5 adds to it: by default, or each change would leave one more b-tree to search."""

_UNSPACED = re.compile(f"[{UNSPACED_SCRIPTS}]")
_TOKENS = 1  # user_version of a file whose unspaced scripts are indexed by character

_FIELDS = """
    number,
    json_extract(article, '$.id'),
    json_extract(article, '$.title'),
    (
        SELECT group_concat(
            json_extract(value, '$.heading') || char(10) || json_extract(value, '$.text'), char(10)
        )
        FROM json_each(article, '$.sections')
    )
FROM (
    SELECT number, iif(length(data) > 1.1 * length(text), spaced(text), text) AS article
    FROM (SELECT number, data, CAST(data AS TEXT) AS text FROM {store}.articles {which})
    LIMIT -1
)
"""
"""An article's fields; with a limit, which limits nothing, SQLite makes its text only once.

In Japanese and the like words are found by their characters, one after another; most characters of
such a text take more than one byte."""

_INSERT = f"INSERT INTO words (rowid, id, title, body) SELECT {_FIELDS}"
_DELETE = f"INSERT INTO words (words, rowid, id, title, body) SELECT 'delete', {_FIELDS}"

_FOUND = "SELECT group_concat(rowid) FROM words WHERE words MATCH ?"
_SOME = "SELECT group_concat(rowid) FROM (SELECT rowid FROM words WHERE words MATCH ? LIMIT ?)"
_SCORED = "SELECT group_concat(rowid), group_concat(rank) FROM words WHERE words MATCH ?"

_NOT_SEARCHABLE = re.compile("[\0\ud800-\udfff]")

# 'instance' (one row per occurrence) answers at once; 'row' would count every word's occurrences.
_VOCABULARY = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary "
    "USING fts5vocab('main', 'words', 'instance')"
)


def split_words(words: str) -> list[str]:
    """Split what a person typed into words; characters that SQLite can't handle are left out.

    So are words without a letter or digit, which would find nothing ("Salt & Pepper"), unless there
    are no others.
    """
    found = _NOT_SEARCHABLE.sub(" ", words).split()
    return [word for word in found if any(map(str.isalnum, word))] or found


class FullText:
    """The full-text index of a build, opened for searching.

    Args:
        path: The SQLite file, which is opened read-only. A second file beside it says under which
            number it holds the article of each row.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._has_vocabulary = False
        self._database = open_sqlite(path)
        weakref.finalize(self, self._database.close)  # it refers to itself: a circle
        numbers = load_array(path.with_name(NUMBERS))
        self._count = len(numbers)
        self._row_of = np.zeros(int(numbers.max(initial=0)) + 1, dtype=np.int64)
        self._row_of[numbers] = np.arange(len(numbers))

    def search(self, words: str, limit: int) -> list[int]:
        """Search ids, titles and texts; return at most ``limit`` rows, best first.

        An article matches if, for each of ``words``, it has a word that begins with that word.
        """
        terms = [[word] for word in split_words(words)]
        rows: list[int] = self.ranked(terms, self.holding(terms))[:limit].tolist()
        return rows

    def holding(self, words: Sequence[Sequence[str]]) -> RowNumbers:
        """Return the rows of the articles that have all the words searched for, ascending.

        Args:
            words: For each word searched for, its spellings. An article has the word if one of its
                own words begins with one of these spellings.
        """
        matches = np.zeros(self._count, dtype=bool)
        matches[self._hits(_FOUND, _expression(words))[0]] = True
        return np.flatnonzero(matches)

    def ranked(self, words: Sequence[Sequence[str]], rows: RowNumbers) -> RowNumbers:
        """Sort the rows that :meth:`holding` found by BM25 score, best first.

        If there are more than :data:`RANKED` rows, only those with all the words in id or title are
        sorted and come first, and the others keep their order; if these are too many as well,
        nothing is sorted.

        Args:
            words: For each word searched for, its spellings.
            rows: The rows to sort.
        """
        if len(rows) < 2:
            return rows
        expression = _expression(words)
        if len(rows) > RANKED:
            expression = f"{{id title}} : ({expression})"
            if len(self._hits(_SOME, expression, RANKED + 1)[0]) > RANKED:
                return rows
        found, scores = self._hits(_SCORED, expression)
        best = found[np.lexsort((found, scores))]
        return np.concatenate([best, rows[np.isin(rows, best, invert=True)]])

    def first_word(self, at_least: str) -> str | None:
        """Return the first indexed word from ``at_least`` on, in byte order; ``None`` if none."""
        with self._lock:
            if not self._has_vocabulary:
                self._query(_VOCABULARY, ())
                self._has_vocabulary = True
        statement = "SELECT term FROM temp.vocabulary WHERE term >= ? LIMIT 1"
        return next((str(word) for (word,) in self._query(statement, (at_least,))), None)

    def close(self) -> None:
        """Close the SQLite file."""
        self._database.close()

    def _hits(self, statement: str, expression: str, *limit: int) -> list[NDArray[Any]]:
        """Return the rows that match an FTS5 expression, and perhaps scores; none if it is empty.

        SQLite joins the values of a column to one text, since to make an object of each takes
        several times as long.
        """
        (texts,) = self._query(statement, (expression, *limit)) if expression else [(None,)]
        if texts[0] is None:
            return [np.empty(0, dtype=np.int64), np.empty(0)]
        numbers = np.fromstring(texts[0], np.int64, sep=",")
        return [self._row_of[numbers], *(np.fromstring(text, sep=",") for text in texts[1:])]

    def _query(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with raised_as(BuildError, f"{self._path} can't be read: ", sqlite3.Error):
            return self._database.execute(statement, values).fetchall()


def _expression(words: Sequence[Sequence[str]]) -> str:
    return " AND ".join(f"({' OR '.join(map(_quote, spellings))})" for spellings in words)


def _quote(word: str) -> str:
    quoted = word.replace('"', '""')
    spaced = _space(quoted)
    return f'"{quoted}"*' if spaced == quoted else f'("{quoted}"* OR "{spaced}"*)'


def _space(text: str) -> str:
    """Put spaces around the characters of scripts that are written without spaces."""
    return _UNSPACED.sub(r" \g<0> ", text)


@contextmanager
def filled_beside(folder: Path, carried: CarriedRows | None = None) -> Iterator[Future[None]]:
    """Fill the full-text index in a background thread while the ``with`` block runs.

    If the block ends before the index is complete, filling is interrupted.

    Args:
        folder: The build's folder, in which the articles are already written.
        carried: The articles to take over from the live build: its index is copied, and then only
            changed articles are indexed. ``None`` to index all articles.

    Yields:
        A future that is done when the index is complete. Its ``result()`` raises the
        ``sqlite3.Error`` if filling failed.
    """
    if carried is not None:
        shutil.copyfile(carried.path_of(FULL_TEXT), folder / FULL_TEXT)
    with closing(_open(folder)) as database, ThreadPoolExecutor(1, "full-text") as thread:
        if carried is None:
            done = thread.submit(_write, database)
        else:
            done = thread.submit(_change, database, folder, carried)
        try:
            yield done
        finally:
            while not done.done():  # again, if it ran between two statements
                database.interrupt()
                wait([done], timeout=0.02)


def _open(folder: Path) -> sqlite3.Connection:
    address = (folder / FULL_TEXT).resolve().as_uri()
    database = open_unjournaled(address, uri=True, check_same_thread=False)
    database.create_function("spaced", 1, _space, deterministic=True)
    _attach(database, "store", folder / ARTICLES)
    return database


def _attach(database: sqlite3.Connection, name: str, path: Path) -> None:
    database.execute(f"ATTACH ? AS {name}", (f"{path.resolve().as_uri()}?mode=ro&immutable=1",))


def _write(database: sqlite3.Connection) -> None:
    database.execute(
        "CREATE VIRTUAL TABLE words USING fts5 (id, title, body, content = '', "
        "tokenize = \"unicode61 remove_diacritics 2\", prefix = '1 2')"
    )
    _configure(database, _FILLING)
    database.execute(f"PRAGMA user_version = {_TOKENS}")
    database.execute("BEGIN")
    database.execute(_INSERT.format(store="store", which="ORDER BY number"))
    # Merge the index's b-trees into one: looking a word up then takes a third of the time.
    database.execute("INSERT INTO words (words) VALUES ('optimize')")
    database.execute("COMMIT")
    _configure(database, _CHANGING)


def _configure(database: sqlite3.Connection, values: Mapping[str, int]) -> None:
    database.executemany("INSERT INTO words (words, rank) VALUES (?, ?)", values.items())


def _change(database: sqlite3.Connection, folder: Path, carried: CarriedRows) -> None:
    """Take what changed or is gone out of the index, as it was indexed, and add what is new."""
    if database.execute("PRAGMA user_version").fetchone() != (_TOKENS,):
        database.execute("DROP TABLE words")
        _write(database)
        return
    _attach(database, "live", carried.path_of(ARTICLES))
    gone = load_array(carried.path_of(NUMBERS))[carried.new_rows < 0]
    fresh = load_array(folder / NUMBERS)[carried.fresh]
    database.execute("BEGIN")
    for statement, store, numbers in ((_DELETE, "live", gone), (_INSERT, "store", fresh)):
        database.executemany(
            statement.format(store=store, which="WHERE number = ?"),
            ((number,) for number in numbers.tolist()),
        )
    database.execute("COMMIT")

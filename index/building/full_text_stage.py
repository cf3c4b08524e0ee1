"""The full-text index of a build, made beside its other stages.

It is one file, so one core makes it, and only editors' searches need it. SQLite does it in two
statements and reads the articles itself: the thread that waits for them leaves the interpreter to
the rest of the build, and ends with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path

from index.articles.article_store import ARTICLES
from index.build.full_text_index import FULL_TEXT
from index.building.context import Progress

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


@contextmanager
def full_text(folder: Path) -> Iterator[Future[None]]:
    """Begin to make the index; whoever leaves before it is done ends it.

    Args:
        folder: The build, whose articles are written.

    Yields:
        What waits for the index, and raises what went wrong with it (``sqlite3.Error``).
    """
    with (
        closing(_open(folder)) as database,
        ThreadPoolExecutor(1, "full-text") as thread,
    ):
        done = thread.submit(_write, database)
        try:
            yield done
        finally:
            while not done.done():  # between two statements there is nothing to interrupt
                database.interrupt()
                wait([done], timeout=0.02)


def ending_with(done: Future[None], progress: Progress) -> Progress:
    """Progress of the other stages that ends them once the index has failed.

    A full disk is told when it is full, not when everything else is done.

    Args:
        done: What waits for the index.
        progress: What is told as long as it has not failed.
    """

    def told(stage: str, so_far: int, total: int | None) -> None:
        if done.done():
            done.result()
        progress(stage, so_far, total)

    return told


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

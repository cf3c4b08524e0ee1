"""MariaDB FULLTEXT in natural language: what common WordPress plugins ask with a post's words."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pymysql
from tests.real_servers import mariadb

from benchmarks.peers.peer import Peer, size_of
from recommender.text import PreparedText

_PASSWORD = "benchmark"
_TABLE = """
CREATE TABLE articles (id INT PRIMARY KEY, title TEXT NOT NULL, body MEDIUMTEXT NOT NULL)
ENGINE=InnoDB
"""
_RELATED = """
SELECT id, MATCH (title, body) AGAINST (%(words)s) AS score FROM articles
WHERE MATCH (title, body) AGAINST (%(words)s) AND id <> %(row)s
ORDER BY score DESC, id LIMIT %(limit)s
"""


class MariaDB(Peer):
    """A table with one FULLTEXT key over title and text."""

    call = "two SQL queries through PyMySQL: the article's text, then MATCH … AGAINST that text"
    packages = ("pymysql",)
    threads = 2

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._address = urlsplit((folder / "url").read_text())
        self._local = threading.local()

    @classmethod
    @contextmanager
    def server(cls, folder: Path) -> Iterator[None]:
        """See :class:`Peer`."""
        with mariadb(_PASSWORD) as url:
            (folder / "url").write_text(url)
            yield

    @property
    def version(self) -> str:
        """See :class:`Peer`."""
        ((server,),) = self._query("SELECT VERSION()")
        return f"MariaDB {server.partition('-')[0]}, {super().version}"

    def build(self, ids: Sequence[str], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        del ids
        self._query("DROP TABLE IF EXISTS articles")
        self._query(_TABLE)
        with self._connection().cursor() as cursor:
            for start in range(0, len(texts), 500):
                some = enumerate(texts[start : start + 500], start)
                cursor.executemany(
                    "INSERT INTO articles VALUES (%s, %s, %s)",
                    [(row, text.title, text.body) for row, text in some],
                )
        self._connection().commit()
        self._query("ALTER TABLE articles ADD FULLTEXT KEY words (title, body)")

    def change(self, rows: Sequence[int], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        with self._connection().cursor() as cursor:
            cursor.executemany(
                "UPDATE articles SET title = %s, body = %s WHERE id = %s",
                [(texts[row].title, texts[row].body, row) for row in rows],
            )
        self._connection().commit()

    def related(self, row: int, limit: int) -> list[int]:
        """See :class:`Peer`."""
        ((title, body),) = self._query("SELECT title, body FROM articles WHERE id = %s", row)
        values = {"row": row, "limit": limit, "words": f"{title} {body}"}
        return [found for found, _ in self._query(_RELATED, values)]

    def disk_bytes(self) -> int:
        """Every table space of the database, FULLTEXT's own among them."""
        ((folder,),) = self._query("SELECT @@datadir")
        return size_of(Path(folder) / "site")

    def _query(self, statement: str, values: object = ()) -> tuple[tuple, ...]:
        with self._connection().cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    def _connection(self) -> pymysql.Connection:
        if not hasattr(self._local, "connection"):
            self._local.connection = pymysql.connect(
                host=self._address.hostname,
                port=self._address.port or 3306,
                user=self._address.username,
                password=_PASSWORD,
                database="site",
                charset="utf8mb4",
                autocommit=False,
            )
            self._local.connection.autocommit(True)
        return self._local.connection


peer = MariaDB

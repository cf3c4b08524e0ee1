"""PostgreSQL full text: the article's own lexemes as the query, ranked by ``ts_rank``."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.real_servers import postgres

from benchmarks.peers.peer import Peer
from recommender.text import PreparedText

_PASSWORD = "benchmark"
_TABLE = """
CREATE TABLE articles (
    row integer PRIMARY KEY, title text NOT NULL, body text NOT NULL,
    words tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('english', title), 'A') || to_tsvector('english', body)
    ) STORED
)
"""
_RELATED = """
WITH query AS (
    SELECT string_agg(quote_literal(lexeme), ' | ')::tsquery AS query
    FROM articles, unnest(words) WHERE row = %(row)s
)
SELECT row FROM articles, query WHERE words @@ query AND row <> %(row)s
ORDER BY ts_rank(words, query) DESC, row LIMIT %(limit)s
"""


class Postgres(Peer):
    """A table, its text as ``tsvector`` under a GIN index."""

    call = "one SQL query through psycopg: any of the article's lexemes, by ts_rank"
    packages = ("psycopg",)
    threads = 2

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._url = (folder / "url").read_text()
        self._local = threading.local()

    @classmethod
    @contextmanager
    def server(cls, folder: Path) -> Iterator[None]:
        """See :class:`Peer`."""
        with postgres(_PASSWORD) as url:
            (folder / "url").write_text(url.replace("reader@", f"reader:{_PASSWORD}@"))
            yield

    @property
    def version(self) -> str:
        """See :class:`Peer`."""
        ((server,),) = self._query("SHOW server_version")
        return f"PostgreSQL {server}, {super().version}"

    def build(self, ids: Sequence[str], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        del ids
        connection = self._connection()
        connection.execute("DROP TABLE IF EXISTS articles")
        connection.execute(_TABLE)
        copy = "COPY articles (row, title, body) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(copy) as rows:
            for row, text in enumerate(texts):
                rows.write_row((row, *_columns(text)))
        connection.execute("CREATE INDEX ON articles USING gin (words)")
        connection.execute("VACUUM ANALYZE articles")

    def change(self, rows: Sequence[int], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        with self._connection().cursor() as cursor:
            cursor.executemany(
                "UPDATE articles SET title = %s, body = %s WHERE row = %s",
                [(*_columns(texts[row]), row) for row in rows],
            )

    def related(self, row: int, limit: int) -> list[int]:
        """See :class:`Peer`."""
        return [found for (found,) in self._query(_RELATED, {"row": row, "limit": limit})]

    def disk_bytes(self) -> int:
        """The table with its indexes."""
        ((size,),) = self._query("SELECT pg_total_relation_size('articles')")
        return int(size)

    def _query(self, statement: str, values: dict[str, int] | None = None) -> list[tuple]:
        return self._connection().execute(statement, values).fetchall()

    def _connection(self) -> psycopg.Connection:
        if not hasattr(self._local, "connection"):
            self._local.connection = psycopg.connect(self._url, autocommit=True)
        return self._local.connection


def _columns(text: PreparedText) -> tuple[str, str]:
    return text.title.replace("\0", ""), text.body.replace("\0", "")


peer = Postgres

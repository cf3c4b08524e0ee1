"""Rows of a site's own database, as they come.

Reading another program's database is a guest's work: one connection, a read-only transaction,
rows as they come from the server, nothing held in memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from index.errors import DatabaseError
from index.sql_engine import open_engine, parse_url, plain_reason

_MAX_CELL = 16 * 1024 * 1024
_AT_ONCE = 16
"""Longest row of a file of SQLite in bytes, and rows held at a time: a view makes any of both."""


def stream_rows(url: str, query: str, password: str, batch: int) -> Iterator[dict[str, Any]]:
    """A query's rows, ``batch`` at a time from a server-side cursor, by column name.

    Raises:
        DatabaseError: If the database or the query fails, before or amid the rows.
    """
    parsed = parse_url(url, password)
    options: dict[str, Any] = {"poolclass": NullPool}
    if parsed.get_backend_name() == "sqlite":
        options["creator"] = lambda: _open_sqlite(parsed.database)
    engine = open_engine(parsed, **options)
    try:
        with engine.connect() as connection:
            yield from _rows(connection, query, batch)
    except SQLAlchemyError as error:
        raise DatabaseError(plain_reason(error)) from error
    except (ValueError, OverflowError, RecursionError) as error:  # a cell no driver can hold
        raise DatabaseError(f"a value can't be read: {error}") from error


def _rows(connection: sa.Connection, query: str, batch: int) -> Iterator[dict[str, Any]]:
    if connection.dialect.name in ("mysql", "mariadb"):
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.commit()
    elif connection.dialect.name == "postgresql":
        connection.execution_options(postgresql_readonly=True)
        connection.exec_driver_sql("SET datestyle TO ISO")
        _take_as_text(connection.connection.driver_connection)
    else:
        batch = min(batch, _AT_ONCE)
    # Without parameters the driver leaves % and : in the query alone.
    result = connection.execution_options(
        stream_results=True, max_row_buffer=batch, yield_per=batch, no_parameters=True
    ).exec_driver_sql(query)
    if not result.returns_rows:
        raise DatabaseError("the query gives no rows; write a SELECT")
    names = list(result.keys())
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DatabaseError(f"the query gives two columns {twice!r}; rename one with AS")
    try:
        for row in result:
            yield dict(zip(names, row, strict=True))
    except GeneratorExit:
        if connection.dialect.name in ("mysql", "mariadb"):
            # To end in good order the driver would fetch all remaining rows: cut the line.
            cursor: Any = result.cursor
            cursor._result.unbuffered_active = False
            connection.invalidate()
        raise
    finally:
        result.close()


def _take_as_text(connection: Any) -> None:
    """Leave times and JSON as the server writes them: Python has no year 0, nor 2,000 brackets."""
    from psycopg.types.string import TextLoader

    for name in ("date", "timestamp", "timestamptz", "json", "jsonb", "interval", "timetz"):
        connection.adapters.register_loader(name, TextLoader)


def _open_sqlite(path: str | None) -> sqlite3.Connection:
    if path is None or not Path(path).is_file():
        raise DatabaseError(f"there is no file {path or ':memory:'}")
    connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_CELL)
    # Text that is no UTF-8 costs its field, not the whole table.
    connection.text_factory = lambda content: content.decode(errors="surrogateescape")
    return connection

"""The one door to database engines.

Reading another program's database is a guest's work: one connection, a read-only transaction,
rows as they come from the server, nothing held in memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
"""What a URL that names no driver means: those that AlsoLike is tested with."""

_EXTRAS = {"psycopg": "postgres", "pymysql": "mysql"}


class DatabaseError(Exception):
    """A database can't be used; the message is one line and may name what the URL names."""


def parse_url(url: str, password: str = "") -> sa.URL:
    """An SQLAlchemy URL with a tested driver where it names none.

    Args:
        url: For example ``"postgresql://reader@db.example/site"``.
        password: Takes the place of one in ``url``.

    Raises:
        DatabaseError: If it is no such URL.
    """
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise DatabaseError(
            "not a database URL; write it like postgresql://user@host/name or sqlite:///file"
        ) from None
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    return parsed.set(password=password) if password else parsed


def describe(url: str) -> str:
    """A URL as it may be shown: no password, none of its options."""
    try:
        return sa.make_url(url).set(password=None, query={}).render_as_string()
    except (ArgumentError, ValueError):
        return "the database"


def open_engine(url: sa.URL, **options: Any) -> sa.Engine:
    """An engine whose driver is there.

    Raises:
        DatabaseError: Naming the extra that brings the driver.
    """
    if url.drivername.endswith("+pymysql") and isinstance(url.password, str):
        # As text it would be sent in Latin-1, which no server has stored.
        options = {"connect_args": {"password": url.password.encode()}, **options}
    try:
        return sa.create_engine(url, **options)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "")
        remedy = f"pip install 'alsolike[{extra}]'" if extra else f"install {error.name}"
        raise DatabaseError(f"{url.drivername} needs the package {error.name}: {remedy}") from error
    except (NoSuchModuleError, ArgumentError) as error:
        raise DatabaseError(f"{url.drivername}: {error}") from error


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
        reason = str(getattr(error, "orig", None) or error)
        raise DatabaseError(" ".join(reason.split())) from error
    except (ValueError, OverflowError, RecursionError) as error:  # a cell no driver can hold
        raise DatabaseError(f"a value can't be read: {error}") from error


def _rows(connection: sa.Connection, query: str, batch: int) -> Iterator[dict[str, Any]]:
    if connection.dialect.name in ("mysql", "mariadb"):
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.commit()
    elif connection.dialect.name == "postgresql":
        connection.execution_options(postgresql_readonly=True)
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


def _open_sqlite(path: str | None) -> sqlite3.Connection:
    if path is None or not Path(path).is_file():
        raise DatabaseError(f"there is no file {path or ':memory:'}")
    connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    # Text that is no UTF-8 costs its field, not the whole table.
    connection.text_factory = lambda content: content.decode(errors="surrogateescape")
    return connection

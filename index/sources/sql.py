"""Reads articles from an SQL database: streams the rows of a query from any SQLAlchemy URL.

The database belongs to another program, so it is read with as little load as possible: over one
connection, in a read-only transaction, with rows streamed from the server rather than held in
memory.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from index.articles.cleaning import plain_value
from index.articles.json_text import load_json
from index.articles.record import Record, SourceItem, short
from index.errors import DatabaseError, SourceError
from index.sources.source import read_record
from index.sql_engine import describe, open_engine, parse_url, plain_reason

_MAX_CELL = 16 * 1024 * 1024
_LOCK_SECONDS = 60
_LIMITS = {
    "psycopg": {
        "connect_timeout": "10",
        "tcp_user_timeout": "60000",
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
    },
    "pymysql": {"connect_timeout": "10", "read_timeout": "600"},
}
"""What is added to the URL, by driver, so that a server that is gone or hangs does not hold a
build, and with it the root's lock, for hours."""
_REMEDIES = {
    "readonly database": "write a SELECT; if it is one, the file is in WAL mode: let this user "
    "write to its folder, or read a copy",
    "blob too big": "one of the next 16 rows has more than 16 MiB: leave it out by its id",
}
"""What is added to SQLite's messages, by their words."""
_AT_ONCE = 16
"""Most rows in memory at a time. Cells have a limit too, as a view can yield data of any size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSource:
    """The rows of a database query, one article per row; nothing is ever written.

    The columns for sections, tags, ratings and images may be JSON, or text that holds JSON.

    Attributes:
        url: SQLAlchemy URL without the password (``"postgresql://reader@db.example/site"``).
        query: One SELECT statement, whose columns are the fields.
        password: The password of the user in ``url``.
        batch: Number of rows fetched at a time.
    """

    url: str = field(repr=False)
    query: str
    password: str = field(default="", repr=False)
    batch: int = 1_000

    @property
    def name(self) -> str:
        """The source's name for messages: the URL without its password and options."""
        return describe(self.url)

    def records(self) -> Iterator[SourceItem]:
        """Yields one record for each row, or a problem for a row that can't be read."""
        name, row = self.name, 0
        try:
            for values in self._stream():
                row += 1
                key, value = next(iter(values.items()))
                yield read_record(f"{name} row {row} ({key}={short(value, 60)})", _record, values)
        except DatabaseError as error:
            raise SourceError(f"{name} can't be read after row {row}: {error}") from error

    def _stream(self) -> Iterator[dict[str, Any]]:
        """Yields the query's rows; raises a ``DatabaseError`` if it fails, at once or later."""
        parsed = parse_url(self.url, self.password)
        limits = _LIMITS.get(parsed.drivername.rpartition("+")[2], {})
        parsed = parsed.set(query={**limits, **parsed.query})
        options: dict[str, Any] = {"poolclass": NullPool}
        if parsed.get_backend_name() == "sqlite":
            options["creator"] = lambda: _open_sqlite(parsed.database)
        engine = open_engine(parsed, **options)
        try:
            with engine.connect() as connection:
                yield from _rows(connection, self.query, self.batch)
        except SQLAlchemyError as error:
            reason = plain_reason(error)
            remedies = (remedy for said, remedy in _REMEDIES.items() if said in reason)
            raise DatabaseError("; ".join([reason, *remedies])) from error
        except (ValueError, OverflowError, RecursionError) as error:  # the driver can't convert it
            raise DatabaseError(f"a value of the query can't be read: {error}") from error


def _record(location: str, values: dict[str, Any]) -> Record:
    return Record(location=location, values=plain_value(values))


def _rows(connection: sa.Connection, query: str, batch: int) -> Iterator[dict[str, Any]]:
    """Yields a query's rows, fetched ``batch`` at a time from a server-side cursor."""
    if connection.dialect.name in ("mysql", "mariadb"):
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.exec_driver_sql(f"SET lock_wait_timeout = {_LOCK_SECONDS}")
        connection.commit()
    elif connection.dialect.name == "postgresql":
        connection.execution_options(postgresql_readonly=True)
        connection.exec_driver_sql(f"SET datestyle TO ISO; SET lock_timeout TO '{_LOCK_SECONDS}s'")
        _set_loaders(connection.connection.driver_connection)
    else:
        batch = min(batch, _AT_ONCE)
    # Without parameters the driver does not interpret % and : in the query.
    result = connection.execution_options(
        stream_results=True, max_row_buffer=batch, yield_per=batch, no_parameters=True
    ).exec_driver_sql(query)
    if not result.returns_rows or not result.keys():
        raise DatabaseError("the query does not return rows; write a SELECT")
    names = list(result.keys())
    try:
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise DatabaseError(
                f"the query returns two columns named {twice!r}; rename one with AS"
            )
        for row in result:
            yield dict(zip(names, row, strict=True))
    except (GeneratorExit, DatabaseError):
        if connection.dialect.name in ("mysql", "mariadb"):
            # Cut the connection, as closing the cursor would fetch all remaining rows.
            cursor: Any = result.cursor
            cursor._result.unbuffered_active = False
            connection.invalidate()
        raise
    finally:
        result.close()


def _set_loaders(connection: Any) -> None:
    """Reads as text what Python can't hold: year 0, the time 24:00, JSON nested 2,000 deep."""
    from psycopg.types.string import TextLoader

    class JsonLoader(TextLoader):
        def load(self, data: Any) -> Any:
            text = str(super().load(data))
            return text if text.lstrip()[:1] in ("[", "{") else load_json(text)

    for name in ("date", "timestamp", "timestamptz", "time", "timetz", "interval"):
        connection.adapters.register_loader(name, TextLoader)
    for name in ("json", "jsonb"):
        connection.adapters.register_loader(name, JsonLoader)


def _open_sqlite(path: str | None) -> sqlite3.Connection:
    if path is None or not Path(path).is_file():
        raise DatabaseError(f"there is no file {path or ':memory:'}; name an SQLite database")
    connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_CELL)
    # Bytes that can't be decoded become surrogates: only their field is lost, not the whole table.
    connection.text_factory = lambda content: content.decode(errors="surrogateescape")
    return connection

"""Connects to the database: SQLite with a write-ahead log on disk, PostgreSQL with time limits."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

from index.files import sync_folder
from index.sql_engine import open_engine
from service.decisions.decision_store import WRITES

BUSY_SECONDS = 5.0
"""How long a writer waits for another before it gives up, in seconds."""

_CONNECT_SECONDS = 3
_STATEMENT_SECONDS = 10


def sqlite_engine(path: Path, *, create: bool = False) -> sa.Engine:
    """Makes an SQLAlchemy engine for one SQLite file.

    Args:
        path: The file.
        create: Whether to create a missing file; otherwise a missing file is an error.
    """

    def connect() -> sqlite3.Connection:
        return _connect_sqlite(path, create=create)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=4)

    @sa.event.listens_for(engine, "connect")
    def remember(connection: sqlite3.Connection, record: Any) -> None:  # noqa: ARG001 - as called
        record.info["file"] = _identity(path)

    @sa.event.listens_for(engine, "checkout")
    def same_file(connection: Any, record: Any, proxy: Any) -> None:  # noqa: ARG001 - as called
        # If a backup was moved into place, an old connection would still use the old file.
        if record.info["file"] != _identity(path):
            raise DisconnectionError(f"{path} is another file now")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def copy_file(path: Path, target: Path) -> None:
    """Copies a database that may be in use, as a consistent whole.

    Args:
        path: The database file.
        target: The copy; replaced atomically. Its folder needs room for a second file.

    Raises:
        sqlite3.Error: If the database can't be read or the copy can't be written.
    """
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    beside.unlink(missing_ok=True)
    try:
        with (
            closing(_connect_sqlite(path, create=False)) as source,
            closing(sqlite3.connect(beside)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, no log beside it
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(target)
        sync_folder(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def postgres_engine(url: sa.URL) -> sa.Engine:
    """Makes an SQLAlchemy engine for PostgreSQL, with time limits for connections and statements.

    Raises:
        DatabaseError: If the PostgreSQL driver is not installed.
    """
    engine = open_engine(
        url,
        pool_size=4,
        pool_pre_ping=True,  # so that no decision fails after a restart of the server
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "tcp_user_timeout": _STATEMENT_SECONDS * 1000,
            "application_name": "alsolike",
        },
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(WRITES):
            connection.exec_driver_sql(
                f"SET LOCAL lock_timeout = '{BUSY_SECONDS:g}s'; "
                f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'; "
                "SET LOCAL synchronous_commit = on"
            )

    return engine


def _connect_sqlite(path: Path, *, create: bool) -> sqlite3.Connection:
    mode = "rwc" if create else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # the engine's event handlers begin transactions
        check_same_thread=False,  # the pool lends a connection to one thread at a time
    )
    try:
        _keep_a_log(connection)
        connection.execute("PRAGMA synchronous = FULL")  # a commit returns once it is on disk
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Turns on write-ahead logging, so that readers and the writer don't wait for each other.

    Turning it on needs exclusive access to the file. SQLite does not wait for that by itself, so
    this function does.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - called at every use, so it makes no Path object
    except OSError:
        return None
    return found.st_dev, found.st_ino

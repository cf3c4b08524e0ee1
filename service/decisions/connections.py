"""Connects to the database of decisions, which is an SQLite file or a PostgreSQL database.

SQLite gets a write-ahead log, so that reading and writing don't block each other; PostgreSQL gets
time limits, so that a server that hangs does not block the service.
"""

import os
import sqlite3
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

from index.files import sync_folder
from index.sql_engine import open_engine
from service.decisions.decision_store import WRITES
from service.decisions.snapshot_file import BUSY_SECONDS

_CONNECT_SECONDS = 3
_STATEMENT_SECONDS = 10


def sqlite_engine(path: Path, *, create: bool = False, wait: float = BUSY_SECONDS) -> sa.Engine:
    """Returns an SQLAlchemy engine for an SQLite file, which keeps up to four connections open.

    Args:
        path: The file.
        create: Whether to create a missing file; otherwise connecting to it is an error.
        wait: How long to wait for a process that locks the file before it is an error, in seconds.
    """
    connect = partial(_connect_sqlite, path, create=create, wait=wait)
    engine = sa.create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=4)

    @sa.event.listens_for(engine, "connect")
    def remember(connection: sqlite3.Connection, record: Any) -> None:  # noqa: ARG001 - as called
        record.info["file"] = _identity(path)

    @sa.event.listens_for(engine, "checkout")
    def same_file(connection: Any, record: Any, proxy: Any) -> None:  # noqa: ARG001 - as called
        # If someone has put a backup in the file's place, an old connection still has the old file.
        if record.info["file"] != _identity(path):
            raise DisconnectionError(f"the database {path} was replaced by another file")

    @sa.event.listens_for(engine, "handle_error")
    def broken(context: sa.engine.ExceptionContext) -> None:
        # A connection whose file or log was taken away would say so for ever.
        context.is_disconnect |= "disk I/O error" in str(context.original_exception)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def copy_file(path: Path, target: Path) -> None:
    """Copies an SQLite database as it is at one moment, even while others write to it.

    Args:
        path: The database file, whose kind of log stays as it is.
        target: The copy; replaced in one step when it is complete, so its folder needs room for
            an old and a new one.

    Raises:
        sqlite3.Error: If the database can't be read or the copy can't be written.
    """
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    beside.unlink(missing_ok=True)
    _make_private(beside)
    uri = f"{path.absolute().as_uri()}?mode=rw"  # mode=ro may leave a log behind
    try:
        with (
            closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as source,
            closing(sqlite3.connect(beside)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # the copy is one file, without a log
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(target)
        sync_folder(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def _make_private(path: Path) -> None:
    """Makes an empty file that not every user of the machine can read, if there is none.

    SQLite gives its log the same permissions. The group may do what the umask leaves it.
    """
    with suppress(OSError):  # of a folder that is missing, say, SQLite tells
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o660))


def postgres_engine(url: sa.URL) -> sa.Engine:
    """Returns an SQLAlchemy engine for PostgreSQL, which keeps up to four connections open.

    Connecting, writing and waiting for locks have time limits, so that a server that hangs does not
    block the service.

    Raises:
        DatabaseError: If the PostgreSQL driver is not installed.
    """
    engine = open_engine(
        url,
        pool_size=4,
        pool_pre_ping=True,  # replace connections that were cut by a restart of the server
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "tcp_user_timeout": _STATEMENT_SECONDS * 1000,
            "application_name": "alsolike",
        },
    )

    @sa.event.listens_for(engine, "connect")
    def limit(connection: Any, record: Any) -> None:  # noqa: ARG001 - as called
        connection.execute(f"SET lock_timeout = '{BUSY_SECONDS * 1000:.0f}ms'")
        connection.commit()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(WRITES):
            connection.exec_driver_sql(
                f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'; "
                "SET LOCAL synchronous_commit = on"
            )

    return engine


def _connect_sqlite(path: Path, *, create: bool, wait: float = BUSY_SECONDS) -> sqlite3.Connection:
    if create:
        _make_private(path)
    mode = "rwc" if create else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=wait,
        isolation_level=None,  # the engine's event handlers begin transactions
        check_same_thread=False,  # the pool lends a connection to one thread at a time
    )
    try:
        _keep_a_log(connection, wait)
        connection.execute("PRAGMA synchronous = FULL")  # a commit returns once it is on disk
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _keep_a_log(connection: sqlite3.Connection, wait: float) -> None:
    """Turns on write-ahead logging, so that reading and writing don't block each other.

    Turning it on needs exclusive access to the file. SQLite fails at once if another process uses
    the file, so this function tries again for ``wait`` seconds.
    """
    deadline = time.monotonic() + wait
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

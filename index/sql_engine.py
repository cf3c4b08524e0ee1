"""SQLAlchemy engines: parses database URLs, chooses drivers and translates driver errors."""

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from index.errors import DatabaseError

_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
"""The drivers with which AlsoLike is tested, used for URLs that name no driver."""

_EXTRAS = {"psycopg": "postgres", "pymysql": "mysql"}

_REMEDIES = {
    "database is locked": "is locked by another process; nothing was written, try again",
    "disk is full": "has no room left on its disk; nothing was written, free some space",
    "disk i/o error": "can't be read or written; nothing was written, check its disk",
    "readonly database": "can't be written: this user may not write to the file or its folder",
    "not a database": "is not an SQLite database; restore the file from a backup",
    "malformed": "is damaged; restore the file from a backup",
}
"""For SQLite's messages on common failures, the messages that replace them and name a remedy."""

CANT_OPEN = "unable to open database file"
"""SQLite's message if it can't open a file, whatever the cause."""


def parse_url(url: str, password: str = "") -> sa.URL:
    """Parse a database URL; if it names no driver, choose a tested one.

    Args:
        url: For example ``"postgresql://reader@db.example/site"``.
        password: Replaces the password in ``url``, unless empty.

    Raises:
        DatabaseError: If ``url`` is not a database URL.
    """
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):  # such as a port that is no number
        raise DatabaseError(
            "this is not a database URL; write it like postgresql://user@host/name or "
            "sqlite:///file"
        ) from None
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    return parsed.set(password=password) if password else parsed


def file_url(path: Path) -> str:
    """Return the SQLAlchemy URL of an SQLite file, with special characters in its name escaped."""
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


def describe(url: str) -> str:
    """Return a database URL without its password and options, so that it may be shown."""
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        return "the database"
    behind_user = url.partition("://")[2].partition(":")[2]
    if behind_user.count("@") > (parsed.password is not None):
        return f"{parsed.drivername}://***"  # an @ in the password: it may be parsed wrongly
    return parsed.set(query={}).render_as_string()  # *** for a password


def open_engine(url: sa.URL, **options: Any) -> sa.Engine:
    """Create the SQLAlchemy engine of a database, after checking that its driver is installed.

    Args:
        url: The URL of the database.
        **options: Further options of ``sqlalchemy.create_engine``.

    Raises:
        DatabaseError: If the driver is unknown or not installed; the message names the extra to
            install.
    """
    if url.drivername.endswith("+pymysql") and isinstance(url.password, str):
        # Given as text, PyMySQL would send it in Latin-1, but servers store passwords in UTF-8.
        options = {"connect_args": {"password": url.password.encode()}, **options}
    if url.drivername.endswith("+psycopg"):
        # A database of the encoding SQL_ASCII would give bytes, on which SQLAlchemy fails.
        url = url.set(query={"client_encoding": "utf8", **url.query})
    try:
        return sa.create_engine(url, **options)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "")
        remedy = f"pip install 'alsolike[{extra}]'" if extra else f"install {error.name}"
        raise DatabaseError(f"{url.drivername} needs the package {error.name}: {remedy}") from error
    except (NoSuchModuleError, ArgumentError) as error:
        raise DatabaseError(f"{url.drivername}: {error}") from error


def plain_reason(error: SQLAlchemyError) -> str:
    """Return the driver's error message on one line, without the statement and its parameters."""
    return " ".join(str(getattr(error, "orig", None) or error).split())


def why_unopened(path: Path) -> str:
    """Return why SQLite can't open a file, and the remedy, by looking at the file and its folder.

    Args:
        path: The file.
    """
    if not os.path.isdir(path.parent):  # noqa: PTH112 - Path.is_dir raises where it may not look
        return "its folder is missing or not accessible"
    if not os.access(path.parent, os.X_OK):
        return "this user may not enter its folder"
    if not os.path.lexists(path):
        if os.access(path.parent, os.W_OK):
            return "the file is missing: restore it from a backup"
        return "the file is missing, and this user may not write to its folder"
    if path.is_dir():
        return "it is a folder: move it away"
    if not os.access(path, os.R_OK):
        return "this user may not read it: restore its permissions"
    return "this user may not write to it or its folder, or the process has too many files open"


def translate(
    error: SQLAlchemyError, database: str, public: str = "the decision database"
) -> DatabaseError:
    """Translate an SQLAlchemy error into a message for operators.

    Args:
        error: The error that SQLAlchemy raised.
        database: The database's name, without secrets.
        public: What the database is called in messages that anybody may read.
    """
    reason = plain_reason(error)
    if CANT_OPEN in reason and (path := sa.make_url(database).database):
        why = f"can't be opened: {why_unopened(Path(path))}"
        return DatabaseError(f"{database} {why}", f"{public} {why}")
    for said, remedy in _REMEDIES.items():
        if said in reason.casefold():
            return DatabaseError(f"{database} {remedy}", f"{public} {remedy}")
    return DatabaseError(
        f"{database} can't be used: {reason}", f"{public} can't be used: the service's log says why"
    )

"""Database engines: URLs, drivers, and errors in one line."""

from __future__ import annotations

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
"""What a URL that names no driver means: those that AlsoLike is tested with."""

_EXTRAS = {"psycopg": "postgres", "pymysql": "mysql"}

_REMEDIES = {
    "database is locked": "is locked by another process; nothing was written, try again",
    "disk is full": "has no room left on its disk; nothing was written, free some space",
    "disk i/o error": "can't be read or written; look after its disk, nothing was written",
    "readonly database": "can't be written: who runs this may not write the file or its folder",
    "unable to open database file": "can't be opened: no such folder, or no right to it",
    "not a database": "is no SQLite database; restore the file from a backup",
    "malformed": "is damaged; restore the file from a backup",
}
"""What SQLite says of things that operators meet, and what they can do."""


def parse_url(url: str, password: str = "") -> sa.URL:
    """An SQLAlchemy URL with a tested driver where it names none.

    Args:
        url: For example ``"postgresql://reader@db.example/site"``.
        password: Replaces the one in ``url``.

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


def file_url(path: Path) -> str:
    """The URL of an SQLite file, whatever its name holds."""
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


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


def plain_reason(error: SQLAlchemyError) -> str:
    """What a driver said, on one line, without the statement and its parameters."""
    return " ".join(str(getattr(error, "orig", None) or error).split())


def translate(error: SQLAlchemyError, database: str) -> DatabaseError:
    """An engine's error in words for operators.

    Args:
        error: As SQLAlchemy raised it.
        database: The database as it may be shown.
    """
    reason = plain_reason(error)
    for said, remedy in _REMEDIES.items():
        if said in reason.casefold():
            return DatabaseError(f"{database} {remedy}")
    return DatabaseError(f"{database} can't be used: {reason}")

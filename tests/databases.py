"""Databases of decisions for tests: a SQLite file, or a database on a real PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from real_servers import postgres

from index.database.database import Database, open_database, upgrade_database
from index.database.engine import open_engine, parse_url
from index.database.store import Actor

PASSWORD = "päss@w/ord%"
MIRA = Actor(name="mira", how="session")
OMAR = Actor(name="omar", how="token")
NewUrl = Callable[[], str]

_numbers = itertools.count()


@contextmanager
def urls(kind: str, folder: Path) -> Iterator[NewUrl]:
    """Gives URLs of databases that are empty, with the password inside.

    Args:
        kind: ``"sqlite"`` or ``"postgresql"``.
        folder: For files.
    """
    if kind == "sqlite":
        yield lambda: f"sqlite:///{folder}/decisions-{next(_numbers)}.sqlite"
        return
    with postgres(PASSWORD) as server:
        engine = open_engine(parse_url(server, PASSWORD), isolation_level="AUTOCOMMIT")

        def make() -> str:
            name = f"decisions{next(_numbers)}"
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
            url = parse_url(server, PASSWORD).set(database=name)
            return url.render_as_string(hide_password=False)

        yield make
        engine.dispose()


@contextmanager
def opened(url: str, **options: Any) -> Iterator[Database]:
    """A database with its tables made; ``options`` are :func:`open_database`'s."""
    upgrade_database(url)
    database = open_database(url, **options)
    try:
        yield database
    finally:
        database.close()

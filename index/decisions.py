"""Where a root's decisions are: the database that the settings name, and the snapshot beside it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from index.database.database import Database, open_database, upgrade_database
from index.database.engine import file_url
from index.keeper import StateKeeper
from index.settings import Settings
from index.state import State
from index.state_file import STATE, save_state
from recommender.errors import DatabaseError

FILE = "alsolike.sqlite"
"""The database of a root whose settings name none."""


def database_url(settings: Settings) -> str:
    """The URL of the database, with a password where the setting holds one."""
    return settings.database or file_url(settings.root / FILE)


def open_decisions(settings: Settings) -> Database:
    """Open the database for deciding.

    A SQLite file is made if there is no sign that there ever was one: with a snapshot in the
    root, a missing file is a lost one, and an empty one would bring back what was taken down.

    Raises:
        DatabaseError: With the remedy.
    """
    return _open(settings, create=not (settings.root / STATE).exists())


def keep_state(settings: Settings) -> StateKeeper:
    """The keeper of a serving process; makes the default database where there is none yet."""
    return StateKeeper(
        settings.root, lambda: open_decisions(settings), own_file=_own_file(settings)
    )


def read_state(settings: Settings) -> State:
    """The decisions for a command that only reads; makes no file.

    Raises:
        DatabaseError: If neither the database nor a snapshot can be read.
    """
    keeper = StateKeeper(
        settings.root, lambda: _open(settings, create=False), own_file=_own_file(settings)
    )
    keeper.refresh()
    kept = keeper.kept
    keeper.close()
    if kept.state is None:
        raise DatabaseError(f"{kept.problem}; and there is no snapshot {settings.root / STATE}")
    return kept.state


def upgrade_decisions(settings: Settings) -> str | None:
    """Make the database, or bring its schema to this version's; returns the version it had.

    Raises:
        DatabaseError: If it can't be upgraded.
    """
    _make_root(settings)
    password = settings.database_password.get_secret_value()
    return upgrade_database(database_url(settings), password=password)


def _open(settings: Settings, *, create: bool) -> Database:
    if create:
        _make_root(settings)
    return open_database(
        database_url(settings),
        password=settings.database_password.get_secret_value(),
        create=create,
        save_state=partial(save_state, settings.root),
    )


def _own_file(settings: Settings) -> Path | None:
    return None if settings.database else settings.root / FILE


def _make_root(settings: Settings) -> None:
    try:
        settings.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"{settings.root} can't be made: {error.strerror}") from error

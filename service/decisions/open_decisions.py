"""Opens the decisions of a root: the database that the settings name, and its snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from index.errors import DatabaseError
from index.files import is_missing
from index.sql_engine import file_url
from service.decisions.database import Database, open_database, upgrade_database
from service.decisions.decision_state import DecisionState
from service.decisions.poller import StatePoller
from service.decisions.snapshot import (
    check_decisions,
    check_snapshot,
    has_snapshot,
    load_snapshot,
    snapshot_version,
    update_snapshot,
)
from service.decisions.snapshot_file import SNAPSHOT
from service.settings import Settings

FILE = "alsolike.sqlite"
"""The database file of a root whose settings name no database."""


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
    saved = snapshot_version(settings.root)
    database = _open(settings)
    try:
        check_snapshot(settings.root, saved, database.version(), database.lacks)
    except DatabaseError:
        database.close()
        raise
    return database


def keep_state(settings: Settings) -> StatePoller:
    """The poller of a serving process; creates the default database where there is none yet."""
    return StatePoller(settings.root, partial(_open, settings), own_file=_own_file(settings))


def read_state(settings: Settings) -> DecisionState:
    """The decisions for a command that only reads; makes no database.

    Raises:
        DatabaseError: If neither the database nor a snapshot can be read.
    """
    keeper = StatePoller(
        settings.root, lambda: _open(settings, create=False), own_file=_own_file(settings)
    )
    keeper.refresh()
    kept = keeper.kept
    keeper.close()
    if kept.state is None:
        raise DatabaseError(f"{kept.problem}; and there is no snapshot {settings.root / SNAPSHOT}")
    return kept.state


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsStatus:
    """The state of a root's database and snapshot, for operators.

    Attributes:
        version: The database's id and version; ``None`` if it can't be used.
        counts: Rows by table.
        snapshot: The state in the snapshot; ``None`` if there is none, or it is damaged.
        only_in_snapshot: What the snapshot says and the database does not, a sentence each.
        problem: Why the database can't be used, or not as it is.
    """

    version: tuple[str, int] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    snapshot: DecisionState | None = None
    only_in_snapshot: list[str] = field(default_factory=list)
    problem: str | None = None


def decisions_status(settings: Settings) -> DecisionsStatus:
    """The status of the database and the snapshot; changes neither."""
    try:
        snapshot = load_snapshot(settings.root)
    except DatabaseError as error:
        return DecisionsStatus(problem=str(error))
    if snapshot is None and nothing_decided(settings):
        return DecisionsStatus()
    try:
        database = _open(settings, create=False)
    except DatabaseError as error:
        return DecisionsStatus(snapshot=snapshot, problem=str(error))
    saved, problem = None if snapshot is None else (snapshot.database, snapshot.version), None
    try:
        state, counts = database.state(), database.counts()
        version = state.database, state.version
        try:
            check_snapshot(settings.root, saved, version, database.lacks)
        except DatabaseError as error:
            problem = str(error)
    finally:
        database.close()
    return DecisionsStatus(
        version=version,
        counts=counts,
        snapshot=snapshot,
        only_in_snapshot=_only_in(snapshot, state) if snapshot and problem else [],
        problem=problem,
    )


def nothing_decided(settings: Settings) -> bool:
    """Whether the root never had a database: neither the default file nor a snapshot is there."""
    own_file = _own_file(settings)
    return own_file is not None and is_missing(own_file) and not has_snapshot(settings.root)


def _only_in(snapshot: DecisionState, state: DecisionState) -> list[str]:
    found = [f"takedown of {key}" for key in snapshot.takedowns if key not in state.takedowns]
    for article_id, some in snapshot.overrides.items():
        there = set(state.overrides.get(article_id, ()))
        found += [
            f"{item.kind} of {item.target_id} in the list of {article_id}"
            for item in some
            if item not in there
        ]
    return found


def upgrade_decisions(settings: Settings) -> str | None:
    """Make the database, or bring its schema to this version's; returns the version it had.

    Raises:
        DatabaseError: If it can't be upgraded, or is lost: with a snapshot in the root, none is
            made without a word.
    """
    _make_root(settings)
    password = settings.database_password.get_secret_value()
    return upgrade_database(
        database_url(settings), password=password, create=not has_snapshot(settings.root)
    )


def _open(settings: Settings, *, create: bool | None = None) -> Database:
    """Open the database; by default a missing file is made if no snapshot tells of one."""
    if create is None:
        create = not has_snapshot(settings.root)
    if create:
        _make_root(settings)
    return open_database(
        database_url(settings),
        password=settings.database_password.get_secret_value(),
        create=create,
        save=partial(update_snapshot, settings.root),
        check=partial(check_decisions, settings.root),
    )


def _own_file(settings: Settings) -> Path | None:
    return None if settings.database else settings.root / FILE


def _make_root(settings: Settings) -> None:
    try:
        settings.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"{settings.root} can't be made: {error.strerror}") from error

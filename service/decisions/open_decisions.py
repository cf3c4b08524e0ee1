"""Opens the database of editors' decisions that the settings name, or reads its copy on disk.

This copy, the snapshot, is in the folder that holds the builds. It is used when the database is
unavailable.
"""

import datetime as dt
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from index.errors import DatabaseError
from index.files import is_missing
from index.sql_engine import file_url
from recommender.visibility import NEVER
from service.decisions.database import Database, open_database, upgrade_database
from service.decisions.decision_state import NO_STATE, DecisionState
from service.decisions.list_scope import name_lists, name_scope
from service.decisions.poller import StatePoller
from service.decisions.snapshot import (
    check_decisions,
    check_snapshot,
    has_snapshot,
    load_snapshot,
    snapshot_version,
    update_snapshot,
    was_decided,
)
from service.decisions.snapshot_file import SNAPSHOT
from service.settings import Settings

FILE = "alsolike.sqlite"
"""The database file in the folder of the builds that is used if the settings name no database."""


def database_url(settings: Settings) -> str:
    """Returns the URL of the database of decisions, such as ``sqlite:///file``.

    It contains a password if the setting ``database`` does.
    """
    return settings.database or file_url(settings.root / FILE)


def open_decisions(settings: Settings, *, upgrade: bool = True) -> Database:
    """Opens the database that the settings name, for reading and making decisions.

    A missing SQLite file is created, unless there is or was a snapshot (a copy of the decisions on
    disk). In that case the file was lost, and an empty one would bring back articles that were
    taken down.

    Args:
        settings: The effective settings.
        upgrade: Whether to upgrade an SQLite file of an older schema, which an older service may be
            using; else, for what only reads, it is an error.

    Raises:
        DatabaseError: If the database can't be opened; the message names the remedy.
    """
    saved = snapshot_version(settings.root)
    database = _open(settings, upgrade=upgrade)
    try:
        check_snapshot(settings.root, saved, database.version(), database.lacks)
    except DatabaseError:
        database.close()
        raise
    return database


def keep_state(settings: Settings) -> StatePoller:
    """Returns an object that keeps this process's copy of editors' decisions current.

    Creates the default database if there is none.
    """
    return StatePoller(settings.root, partial(_open, settings), own_file=_own_file(settings))


def read_state(settings: Settings) -> DecisionState:
    """Returns all takedowns, pins and hides, for commands that only read.

    Reads their copy on disk (the snapshot) if the database is unavailable; never creates a
    database.

    Raises:
        DatabaseError: If neither the database nor a snapshot can be read.
    """
    if nothing_decided(settings):
        return NO_STATE
    keeper = StatePoller(
        settings.root,
        lambda: _open(settings, create=False, upgrade=False),
        own_file=_own_file(settings),
    )
    keeper.refresh()
    kept = keeper.kept
    keeper.close()
    if kept.state is None:
        snapshot = settings.root / SNAPSHOT
        raise DatabaseError(
            f"editors' decisions can't be read: {kept.problem}, and there is no copy of the "
            f"decisions at {snapshot}"
        )
    return kept.state


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsStatus:
    """What operators should know about the database of decisions and its copy on disk.

    Attributes:
        version: The database's id and version; ``None`` if the database can't be used.
        counts: The number of rows in each table.
        snapshot: The decisions in the copy; ``None`` if it is missing or damaged.
        only_in_snapshot: Decisions that the copy has and the database lacks, each as a phrase such
            as ``"takedown of news/7"``.
        only_in_database: Decisions of the database that the copy lacks: what was taken back or
            changed since a backup was made.
        problem: Why the database can't be used; ``None`` if it can.
    """

    version: tuple[str, int] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    snapshot: DecisionState | None = None
    only_in_snapshot: list[str] = field(default_factory=list)
    only_in_database: list[str] = field(default_factory=list)
    problem: str | None = None


def decisions_status(settings: Settings) -> DecisionsStatus:
    """Returns the status of the database and of its copy on disk, without changing either."""
    try:
        snapshot = load_snapshot(settings.root)
    except DatabaseError as error:
        return DecisionsStatus(problem=str(error))
    if snapshot is None and nothing_decided(settings):
        return DecisionsStatus()
    try:
        database = _open(settings, create=False, upgrade=False)
    except DatabaseError as error:
        return DecisionsStatus(snapshot=snapshot, problem=str(error))
    problem = None
    with closing(database):
        state, counts = database.state(), database.counts()
        version = state.database, state.version
        if snapshot is not None:
            saved = snapshot.database, snapshot.version
            try:
                check_snapshot(settings.root, saved, version, database.lacks)
            except DatabaseError as error:
                problem = str(error)
    return DecisionsStatus(
        version=version,
        counts=counts,
        snapshot=snapshot,
        only_in_snapshot=_only_in(snapshot, state) if snapshot and problem else [],
        only_in_database=_only_in(state, snapshot) if snapshot and problem else [],
        problem=problem,
    )


def nothing_decided(settings: Settings) -> bool:
    """Whether it is certain that no editorial decision was ever made.

    That is so if the settings name no database, and the folder of the builds has neither the
    default database file nor a snapshot (a copy of the decisions).
    """
    own_file = _own_file(settings)
    return own_file is not None and is_missing(own_file) and not was_decided(settings.root)


def _only_in(one: DecisionState, other: DecisionState) -> list[str]:
    found = [
        f"takedown of {key}{_ends(end)}"
        for key, end in one.takedowns.items()
        if other.takedowns.get(key) != end
    ]
    for scope, some in one.overrides.items():
        there = set(other.overrides.get(scope, ()))
        found += [
            f"{item.kind} of {name_scope(item.target_id)} in {name_lists(scope)}{_ends(item.until)}"
            for item in some
            if item not in there
        ]
    return found


def _ends(end: int) -> str:
    if end >= NEVER:
        return ""
    return f" until {dt.datetime.fromtimestamp(end // 1_000_000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def upgrade_decisions(settings: Settings) -> str | None:
    """Creates the database of decisions, or brings its tables to the current form (schema).

    Returns:
        The schema version before the upgrade; ``None`` if there was no database.

    Raises:
        DatabaseError: If the database can't be upgraded. Also if it is missing although its copy on
            disk (the snapshot) exists, so that it must have been lost.
    """
    _make_root(settings)
    password = settings.database_password.get_secret_value()
    return upgrade_database(
        database_url(settings), password=password, create=not has_snapshot(settings.root)
    )


def _open(settings: Settings, *, create: bool | None = None, upgrade: bool = True) -> Database:
    """Opens the database that the settings name.

    Args:
        settings: The effective settings.
        create: Whether to create a missing SQLite file. By default this is done only if there never
            was a snapshot (a copy of the decisions); if there was one, the file was lost.
        upgrade: Whether to upgrade an SQLite file of an older schema.
    """
    if create is None:
        create = not was_decided(settings.root)
    if create:
        _make_root(settings)
    return open_database(
        database_url(settings),
        password=settings.database_password.get_secret_value(),
        create=create,
        upgrade=upgrade,
        save=partial(update_snapshot, settings.root),
        check=partial(check_decisions, settings.root),
    )


def _own_file(settings: Settings) -> Path | None:
    return None if settings.database else settings.root / FILE


def _make_root(settings: Settings) -> None:
    try:
        settings.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"can't create the folder for builds {settings.root}: {error.strerror}; set root to "
            "a folder that can be written"
        ) from error

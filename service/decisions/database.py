"""The database of editors' decisions: one object to read them and to decide.

::

    database = open_database("sqlite:////srv/site/alsolike.sqlite")
    actor = Actor(name="mira", how="session")
    database.overrides.put(actor, article_id="a", target_id="b", kind=Kind.PIN, position=1)
    database.takedowns.put(actor, article_id="c", reason="the author withdrew it")
    database.version()   # ("5f0c…", 1789…), cheap; it changes whenever readers see a difference
    database.state()     # what serving needs, see service.decisions.decision_state

Every change is one transaction: the decision, its entry in the audit trail, the state's new
version and the list's. Every method may be called from any thread, and raises
:class:`~index.errors.DatabaseError` if the database is not available.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from index.errors import DatabaseError
from index.files import is_missing
from index.sql_engine import describe, parse_url, translate
from recommender.visibility import utc_now
from service.decisions import connections as connecting
from service.decisions import copy_database as copying
from service.decisions import read_state as reading
from service.decisions import undo as undoing
from service.decisions.api_tokens import Tokens
from service.decisions.audit_trail import AuditTrail
from service.decisions.decision_state import DecisionState, StateChanges
from service.decisions.decision_store import Actor, Check, Store, Written, lacks_version
from service.decisions.editor_accounts import Editors
from service.decisions.judgments import Judgments
from service.decisions.overrides import Overrides
from service.decisions.schema import HEAD
from service.decisions.schema_version import check_schema, schema_version, upgrade
from service.decisions.sessions import Sessions
from service.decisions.sign_in_attempts import Attempts
from service.decisions.takedowns import Takedowns


class Database:
    """The database of decisions.

    Args:
        store: An open store with this version's schema.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.overrides = Overrides(store)
        self.takedowns = Takedowns(store)
        self.judgments = Judgments(store)
        self.tokens = Tokens(store)
        self.editors = Editors(store)
        self.sessions = Sessions(store)
        self.attempts = Attempts(store)
        self.audit = AuditTrail(store)

    def version(self) -> tuple[str, int]:
        """The database's id and the state's version; see :func:`.read_state.read_version`."""
        return reading.read_version(self._store)

    def state(self) -> DecisionState:
        """All decisions at one moment; see :func:`.read_state.read_state`."""
        return reading.read_state(self._store)

    def changes(self, database: str, version: int) -> StateChanges | None:
        """What was decided since a version; see :func:`.read_state.read_changes`."""
        return reading.read_changes(self._store, database, version)

    def lacks(self, version: int) -> bool:
        """Whether it never had a version; see :func:`.decision_store.lacks_version`."""
        with self._store.read() as connection:
            return lacks_version(connection, version)

    def undo(self, actor: Actor, seq: int, *, reason: str = "") -> Written:
        """Revert one audited decision; see :func:`.undo.undo`."""
        return undoing.undo(self._store, actor, seq, reason=reason)

    def counts(self) -> dict[str, int]:
        """How many rows the tables of decisions and accounts hold, by name."""
        return reading.count_rows(self._store)

    def copy_into(self, empty: Database) -> dict[str, int]:
        """Copy every row into a database without any; see :func:`.copy_database.copy_rows`."""
        return copying.copy_rows(self._store, empty._store)

    def close(self) -> None:
        """Close all connections."""
        self._store.engine.dispose()


def open_database(
    url: str,
    *,
    password: str = "",
    create: bool = True,
    save: Callable[[Database], object] | None = None,
    check: Check | None = None,
    now: Callable[[], int] = utc_now,
) -> Database:
    """Open a database whose schema is this version's.

    A SQLite file is made and upgraded on the way; PostgreSQL only by :func:`upgrade_database`.

    Args:
        url: ``sqlite:///file`` or ``postgresql://user@host/name``.
        password: Takes the place of one in ``url``.
        create: Whether a SQLite file that is missing, or has no tables, may be made.
        save: Called after each decision about a takedown; see
            :class:`~service.decisions.decision_store.Store`.
        check: Called before anything is decided; likewise.
        now: The clock, microseconds since 1970 UTC.

    Raises:
        DatabaseError: If it can't be opened, or has another schema; with the remedy.
    """
    parsed = _parse(url, password)
    label = describe(url)
    engine, path = _engine(parsed)
    try:
        version = _version(engine, label) if path is None or not is_missing(path) else None
        if version != HEAD and path is not None:
            if version is None and not create:
                raise _lost(label)
            _upgrade_file(path, label)
        elif version != HEAD:
            check_schema(version, label)
    except BaseException:
        engine.dispose()
        raise
    saving = (lambda _: None) if save is None else (lambda store: save(Database(store)))
    return Database(Store(engine, label, now, saving, check))


def upgrade_database(url: str, *, password: str = "", create: bool = True) -> str | None:
    """Bring a database's schema to this version's; returns the version it had.

    Args:
        url: As for :func:`open_database`.
        password: Takes the place of one in ``url``.
        create: Whether tables may be made where there are none.

    Raises:
        DatabaseError: If it can't be upgraded.
    """
    engine, path = _engine(_parse(url, password))
    label = describe(url)
    try:
        if not create and _version_at(url, password) is None:
            raise _lost(label)
        return upgrade(engine, label) if path is None else _upgrade_file(path, label)
    finally:
        engine.dispose()


def back_up(url: str, target: Path) -> None:
    """Copy a SQLite database that may be in use; servers have tools of their own.

    Raises:
        DatabaseError: If it is not SQLite, or can't be copied.
    """
    engine, path = _engine(_parse(url, ""))
    engine.dispose()
    label = describe(url)
    if path is None:
        raise DatabaseError(f"{label} is a server's; copy it with the server's own: pg_dump")
    try:
        connecting.copy_file(path, target)
    except sqlite3.Error as error:
        raise DatabaseError(f"{label} can't be copied to {target}: {error}") from error


def copy_database(
    source: str, target: str, *, source_password: str = "", target_password: str = ""
) -> dict[str, int]:
    """Copy all decisions into an empty database; makes its tables where there are none.

    Args:
        source: As for :func:`open_database`; it is only read.
        target: Likewise; of either kind.
        source_password: Takes the place of one in ``source``.
        target_password: Takes the place of one in ``target``.

    Returns:
        How many rows were copied, by table.

    Raises:
        DatabaseError: See :func:`.copy_database.copy_rows`.
    """
    if _version_at(source, source_password) is None:
        raise DatabaseError(f"{describe(source)} holds no decisions: there is nothing to copy")
    if _version_at(target, target_password) is None:
        upgrade_database(target, password=target_password)
    with (
        closing(open_database(source, password=source_password, create=False)) as old,
        closing(open_database(target, password=target_password, create=False)) as new,
    ):
        return old.copy_into(new)


def _lost(label: str) -> DatabaseError:
    return DatabaseError(
        f"{label} holds no decisions, though a snapshot in the root does: restore it from a "
        "backup; or, to begin anew, remove the snapshot and run: alsolike db upgrade"
    )


def _upgrade_file(path: Path, label: str) -> str | None:
    engine = connecting.sqlite_engine(path, create=True)
    try:
        return upgrade(engine, label)
    finally:
        engine.dispose()


def _parse(url: str, password: str) -> sa.URL:
    parsed = parse_url(url, password)
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise DatabaseError(f"{describe(url)}: decisions are kept in sqlite or postgresql")
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise DatabaseError(f"{describe(url)} names no file; write it like sqlite:///file")
    return parsed


def _engine(url: sa.URL) -> tuple[sa.Engine, Path | None]:
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        return connecting.sqlite_engine(path), path
    return connecting.postgres_engine(url), None


def _version_at(url: str, password: str) -> str | None:
    """Which schema a database has; ``None`` if it holds nothing, or is a file that is not there."""
    engine, path = _engine(_parse(url, password))
    try:
        return _version(engine, describe(url)) if path is None or not is_missing(path) else None
    finally:
        engine.dispose()


def _version(engine: sa.Engine, label: str) -> str | None:
    try:
        with engine.connect() as connection:
            return schema_version(connection)
    except SQLAlchemyError as error:
        raise translate(error, label) from error

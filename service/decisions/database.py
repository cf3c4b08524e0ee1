"""The database of editors' decisions: one object through which to read and make decisions.

::

    database = open_database("sqlite:////srv/site/alsolike.sqlite")
    actor = Actor(name="mira", how="session")
    database.overrides.put(actor, article_id="a", target_id="b", kind=Kind.PIN, position=1)
    database.takedowns.put(actor, article_id="c", reason="the author withdrew it")
    database.version()   # ("5f0c…", 1789…), fast; grows with every decision that readers see
    database.state()     # all takedowns, pins and hides, to answer requests by

Every change is one transaction, or part of one with others (:meth:`Database.together`). It writes
the decision, the entry in the audit trail, and the new versions of the database and of the changed
list. Every method may be called from any thread, and raises :class:`~index.errors.DatabaseError` if
the database is unavailable.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from index.errors import DatabaseError
from index.files import is_missing
from index.sql_engine import describe, parse_url, translate
from recommender.visibility import utc_now
from service.decisions import connections as connecting
from service.decisions import schema
from service.decisions.api_tokens import Tokens
from service.decisions.audit_trail import AuditTrail
from service.decisions.copy_database import copy_rows, count_rows
from service.decisions.decision_state import DecisionState, StateChanges
from service.decisions.decision_store import WRITES, Actor, Check, Store, lacks_version, no_tables
from service.decisions.editor_accounts import Editors
from service.decisions.judgments import Judgments
from service.decisions.overrides import Overrides
from service.decisions.pushed_statements import PushedStatements
from service.decisions.read_state import read_changes, read_state
from service.decisions.refused_words import RefusedWords
from service.decisions.schema import HEAD, VERSION_TABLE, make_tables
from service.decisions.sessions import Attempts, Sessions
from service.decisions.takedowns import Takedowns

if TYPE_CHECKING:  # Alembic is slow to import, and needed only for upgrades
    from alembic.config import Config

log = logging.getLogger("alsolike")


class Database:
    """The database of editors' decisions.

    Each attribute reads and changes one table, such as ``takedowns``.

    Args:
        store: The open database; its tables must have the current form (schema).
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.overrides = Overrides(store)
        self.takedowns = Takedowns(store)
        self.judgments = Judgments(store)
        self.refused_words = RefusedWords(store)
        self.pushed = PushedStatements(store)
        self.tokens = Tokens(store)
        self.editors = Editors(store)
        self.sessions = Sessions(store)
        self.attempts = Attempts(store)
        self.audit = AuditTrail(store)

    def version(self) -> tuple[str, int]:
        """Returns the database's id and its version.

        The version is a number that grows with every decision that changes what readers see.
        """
        with self._store.read() as connection:
            row = connection.execute(sa.select(schema.meta)).one()
        return row.database_id, row.version

    def state(self) -> DecisionState:
        """Returns all takedowns, pins and hides, as they are at one moment."""
        with self._store.read() as connection:
            return read_state(connection)

    def changes(self, database: str, version: int) -> StateChanges | None:
        """Returns the takedowns, pins and hides that changed since an earlier version.

        Returns ``None`` if it is not known what changed; then :meth:`state` must be read instead.

        Args:
            database: The id of the database that had the version; see :meth:`version`.
            version: The earlier version.
        """
        with self._store.read() as connection:
            return read_changes(connection, database, version)

    def lacks(self, version: int) -> bool:
        """Whether it is certain that the database, as it is now, never had this version.

        If so, the version was made by decisions that the database lost, for example because an
        older backup was restored.
        """
        with self._store.read() as connection:
            return lacks_version(connection, version)

    def pushed_to(self, build: str | None = None) -> str:
        """Returns the build that was live where a site last pushed; empty if none is known.

        Args:
            build: The name of a build that is live where something is being pushed, to note it.
        """
        with self._store.read() as connection:
            noted = connection.execute(sa.select(schema.meta.c.pushed_to)).scalar_one()
        if build is None or build == noted:
            return str(noted)
        with self._store.write() as connection:
            connection.execute(sa.update(schema.meta).values(pushed_to=build))
        return build

    @contextmanager
    def together(self, actor: Actor) -> Iterator[Database]:
        """Context manager that makes several decisions of an actor in one transaction.

        Yields a database that reads and decides in that transaction; when the ``with`` block ends,
        the decisions are on disk.
        """
        with self._store.together(actor) as store:
            yield Database(store)

    def counts(self) -> dict[str, int]:
        """Returns the number of rows in each table of decisions or accounts, by table name.

        For example, ``{"overrides": 3, "takedowns": 0, …}``.
        """
        tables = (
            *("overrides", "takedowns", "judgments", "refused_words"),
            *("pushed", "tokens", "editors", "audit"),
        )
        with self._store.read() as connection:
            return {name: count_rows(connection, schema.metadata.tables[name]) for name in tables}

    def close(self) -> None:
        """Closes all connections to the database."""
        self._store.engine.dispose()


def open_database(
    url: str,
    *,
    password: str = "",
    create: bool = True,
    upgrade: bool = True,
    save: Callable[[Database], object] = lambda _: None,
    check: Check = lambda *_: None,
    now: Callable[[], int] = utc_now,
) -> Database:
    """Opens the database of decisions and makes sure that its tables have the current form.

    An SQLite file is created or upgraded if needed. A PostgreSQL database must have been upgraded
    by :func:`upgrade_database`.

    Args:
        url: ``sqlite:///file`` or ``postgresql://user@host/name``.
        password: The password; replaces one in ``url``.
        create: Whether to create an SQLite file that is missing or has no tables.
        upgrade: Whether to upgrade an SQLite file of an older schema, which is an error otherwise.
        save: A function that writes the database's decisions into their copy on disk (the
            snapshot); called after each decision about a takedown.
        check: A function that raises an error if the database has lost decisions; called before
            each decision, as :class:`~service.decisions.decision_store.Store` describes.
        now: A function that returns the time in microseconds since 1970 UTC.

    Raises:
        DatabaseError: If the database can't be opened, or has another schema; the message names
            the remedy.
    """
    label = describe(url)
    engine, path = _engine(url, password)
    try:
        version = _version(engine, path, label)
        if path is None or (version is not None and not upgrade):
            _check_schema(version, label)
        elif version is None and not create:
            raise no_tables(label)
        elif version != HEAD:
            upgrade_database(url)
            if version is not None:
                log.warning("%s was upgraded from schema %s to %s", label, version, HEAD)
    except BaseException:
        engine.dispose()
        raise
    return Database(Store(engine, label, now, lambda store: save(Database(store)), check))


def upgrade_database(url: str, *, password: str = "", create: bool = True) -> str | None:
    """Brings the tables of a database to the current form (schema).

    Args:
        url: ``sqlite:///file`` or ``postgresql://user@host/name``.
        password: The password; replaces one in ``url``.
        create: Whether to create the tables if there are none.

    Returns:
        The schema version before the upgrade; ``None`` if there were no tables.

    Raises:
        DatabaseError: If the database can't be upgraded.
    """
    label = describe(url)
    if not create and _version_at(url, password) is None:
        raise no_tables(label)
    engine, _ = _engine(url, password, create=True)
    try:
        return _upgrade(engine, label)
    finally:
        engine.dispose()


def back_up(url: str, target: Path) -> None:
    """Copies an SQLite database to a file, even while others write to it.

    A PostgreSQL database is refused; PostgreSQL has its own tools for backups.

    Args:
        url: The database's URL, such as ``sqlite:///file``.
        target: The file to write.

    Raises:
        DatabaseError: If the database is not SQLite or not there, or can't be copied to the file,
            as that is the database itself.
    """
    engine, path = _engine(url)
    engine.dispose()
    label = describe(url)
    if path is None:
        raise DatabaseError(f"{label} is on a PostgreSQL server; back it up with pg_dump")
    if is_missing(path):
        raise DatabaseError(
            f"there is no {label}: nothing was decided yet, it was lost, or it belongs to another "
            "folder; alsolike db status says more"
        )
    if target.is_dir() or (target.exists() and target.samefile(path)):
        what = "a folder" if target.is_dir() else "the database itself"
        raise DatabaseError(f"{target} is {what}; name a new file for the backup")
    try:
        connecting.copy_file(path, target)
    except (sqlite3.Error, OSError) as error:
        raise DatabaseError(
            f"{label} can't be copied to {target}: {error}; is its folder there, with room, and "
            "may this user write to it?"
        ) from error


def copy_database(
    source: str, target: str, *, source_password: str = "", target_password: str = ""
) -> dict[str, int]:
    """Copies all decisions into an empty database; creates its tables if there are none.

    Args:
        source: The URL of the database to copy from, which is only read: ``sqlite:///file`` or
            ``postgresql://user@host/name``.
        target: The URL of the database to copy to, in the same form.
        source_password: The source's password; replaces one in ``source``.
        target_password: The target's password; replaces one in ``target``.

    Returns:
        The number of rows copied, by table.

    Raises:
        DatabaseError: If the target is not empty, or either database can't be used; then nothing
            was copied.
    """
    with (
        TemporaryDirectory() as folder,
        closing(_open_to_copy(source, source_password, Path(folder))) as old,
    ):
        if _version_at(target, target_password) is None:
            upgrade_database(target, password=target_password)
        with closing(open_database(target, password=target_password, create=False)) as new:
            return copy_rows(old._store, new._store)


def _open_to_copy(url: str, password: str, folder: Path) -> Database:
    """Opens a database; of an SQLite file a copy in a folder, as opening the file may change it."""
    label = describe(url)
    engine, path = _engine(url, password)
    if path is not None and not is_missing(path):
        beside = folder / "copy.sqlite"
        try:
            connecting.copy_file(path, beside)
        except (sqlite3.Error, OSError) as error:
            raise translate(SQLAlchemyError(str(error)), label) from error
        engine, path = connecting.sqlite_engine(beside), beside
    try:
        version = _version(engine, path, label)
        if version is None:
            raise DatabaseError(f"{label} holds no decisions, so there is nothing to copy")
        if path is None:
            _check_schema(version, label)
        else:
            _upgrade(engine, label)
    except BaseException:
        engine.dispose()
        raise
    return Database(Store(engine, label))


def _engine(url: str, password: str = "", *, create: bool = False) -> tuple[sa.Engine, Path | None]:
    """Returns an SQLAlchemy engine for a database, and the file if the database is SQLite."""
    parsed = parse_url(url, password)
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return connecting.postgres_engine(parsed), None
    if backend != "sqlite":
        raise DatabaseError(
            f"decisions can't be kept in {describe(url)}; name a URL of sqlite or postgresql"
        )
    if parsed.database in (None, "", ":memory:"):
        raise DatabaseError(f"{describe(url)} names no file; write it like sqlite:///file")
    path = Path(str(parsed.database))
    return connecting.sqlite_engine(path, create=create), path


def _version_at(url: str, password: str) -> str | None:
    """Returns the version of the tables' form (schema) in a database, such as ``"0002"``.

    Returns ``None`` if the database is empty, or its file is missing.
    """
    engine, path = _engine(url, password)
    try:
        return _version(engine, path, describe(url))
    finally:
        engine.dispose()


def _version(engine: sa.Engine, path: Path | None, label: str) -> str | None:
    if path is not None and is_missing(path):
        return None
    try:
        with engine.connect() as connection:
            return _schema_version(connection)
    except SQLAlchemyError as error:
        raise translate(error, label) from error


_UPGRADE_LOCK = 0x616C736F
"""The number of the PostgreSQL advisory lock that makes a second upgrade wait for the first."""


def _schema_version(connection: sa.Connection) -> str | None:
    """Returns the version of a database's tables (its schema); ``None`` if it has none of them."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.execute(
        sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))
    ).scalar()
    return version


def _check_schema(version: str | None, label: str) -> None:
    """Raises an error that names the remedy, unless a database's schema is the current one."""
    if version == HEAD:
        return
    if version is None:
        raise DatabaseError(f"{label} has no AlsoLike tables yet; run: alsolike db upgrade")
    if version < HEAD:
        raise DatabaseError(
            f"{label} has schema {version}, but this version of AlsoLike needs {HEAD}; "
            "run: alsolike db upgrade"
        )
    raise DatabaseError(
        f"{label} has schema {version}, made by a newer AlsoLike (this one reads {HEAD}); "
        "install the newer version"
    )


def _upgrade(engine: sa.Engine, label: str) -> str | None:
    """Brings the tables of a database to the current schema; creates them if there are none.

    The upgrade is one transaction. If two processes upgrade at once, one waits for the other.
    """
    try:
        with engine.execution_options(**{WRITES: True}).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            before = _schema_version(connection)
            if before != HEAD:
                if before is not None and before > HEAD:
                    _check_schema(before, label)
                _migrate(connection, before)
            return before
    except SQLAlchemyError as error:
        raise translate(error, label) from error


def _migrate(connection: sa.Connection, before: str | None) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    if before is None:
        make_tables(connection)
        command.stamp(config, "head")
    else:
        command.upgrade(config, "head")


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config

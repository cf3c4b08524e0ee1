"""Runs transactions on the database of decisions, and records each change in the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from index.errors import DatabaseError
from index.sql_engine import translate
from recommender.errors import NotFoundError
from recommender.visibility import NEVER, utc_now
from service.decisions import schema
from service.decisions.decision_rules import check_reason
from service.decisions.snapshot_file import SNAPSHOT
from service.errors import ConflictError

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


_KEPT = 30 * 24 * 3600 * 1_000_000
"""How long rows of the table ``changes`` are kept, in microseconds."""

Check = Callable[[tuple[str, int], Callable[[int], bool]], None]

WRITES = "alsolike_writes"
"""The SQLAlchemy execution option that says that a transaction will write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person or program that makes a change, as the audit trail names it.

    Attributes:
        name: The name of an editor, an API token, or the operating system's user.
        how: How the actor signed in: ``"cli"``, ``"token"``, ``"session"``, ``"proxy"`` or
            ``"link"``.
    """

    name: str
    how: str


@dataclass(frozen=True, slots=True)
class Store:
    """An open database of decisions, on which transactions can be run.

    Args:
        engine: The SQLAlchemy engine, as :mod:`service.decisions.connections` makes it.
        label: The database's URL without a password, for messages to operators.
        now: A function that returns the time in microseconds since 1970 UTC.
        save: A function that writes decisions into their copy on disk (the snapshot), so that they
            take effect even without the database. It is called with this store after each decision
            about a takedown, and may raise :class:`DatabaseError`.
        check: A function that raises :class:`DatabaseError` if the database has lost decisions. It
            is called before each decision. Its arguments are the database's id and version, and
            a function that takes a version and says whether the database certainly never had it.
    """

    engine: sa.Engine
    label: str
    now: Callable[[], int] = utc_now
    save: Callable[[Store], object] = lambda _: None
    check: Check = lambda *_: None
    public: ClassVar[str] = "the decision database"
    """What the database is called in messages that anybody may read."""

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Context manager that opens a read-only transaction and yields its connection.

        It sees the whole database as it is at one moment.

        Raises:
            DatabaseError: If the database can't be read.
        """
        try:
            with self.engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql(
                        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
                    )
                yield connection
        except SQLAlchemyError as error:
            raise self._fault(error) from error

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Context manager that opens a transaction for writing and yields its connection.

        When the ``with`` block ends, its changes are on disk; if it raises an error, nothing is
        changed.

        Raises:
            DatabaseError: If the database can't be written.
        """
        try:
            with self.engine.execution_options(**{WRITES: True}).begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._fault(error) from error

    def _fault(self, error: SQLAlchemyError) -> DatabaseError:
        with suppress(SQLAlchemyError):
            if "no such table" in str(error) and not sa.inspect(self.engine).has_table("meta"):
                return no_tables(self.label)  # another file was put in the database's place
        return translate(error, self.label, self.public)

    @contextmanager
    def change(self, actor: Actor) -> Iterator[Change]:
        """Context manager for a transaction in which an actor makes a decision; one at a time.

        When the ``with`` block ends, the decision is on disk. A decision about a takedown is then
        also in the snapshot, the copy that is used if the database is unavailable.

        Raises:
            DatabaseError: If the database or the snapshot can't be written. If only the snapshot
                can't, the decision was made nevertheless; making it again is harmless.
        """
        with self.write() as connection:
            # On PostgreSQL, the lock of this row makes other decisions wait. SQLite allows only
            # one writing transaction at a time anyway.
            meta = connection.execute(sa.select(schema.meta).with_for_update()).one()
            version = meta.database_id, meta.version
            self.check(version, lambda one: lacks_version(connection, one))
            change = Change(connection, actor, self.now(), meta.version)
            yield change
        if change.of_takedowns:
            self.save(self)

    @contextmanager
    def together(self, actor: Actor) -> Iterator[Store]:
        """Context manager that makes several decisions of an actor in one transaction.

        Yields a store that reads and decides in that transaction. A decision that is refused writes
        nothing, so the other decisions can still be made.

        Raises:
            DatabaseError: As for :meth:`change`.
        """
        with self.change(actor) as change:
            yield _Joined(self.engine, self.label, self.now, joined=change)


@dataclass(frozen=True, slots=True)
class _Joined(Store):
    joined: Change = field(kw_only=True)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        yield self.joined.connection

    @contextmanager
    def change(self, actor: Actor) -> Iterator[Change]:  # noqa: ARG002 - it is the same
        yield self.joined


class Table:
    """Reads and changes one table of the database of decisions.

    Args:
        store: The open database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        with self._store.read() as connection:
            return connection.execute(query).mappings().all()


@dataclass(slots=True)
class Change:
    """An open transaction in which an actor makes a decision.

    Args:
        connection: The connection, with its transaction begun.
        actor: The actor who decides.
        now: The time of the decision, microseconds since 1970 UTC.
        version: The database's version before the decision.
    """

    connection: sa.Connection
    actor: Actor
    now: int
    version: int
    of_takedowns: bool = False

    def _new_version(self, article_id: str, *, takedown: bool) -> int:
        """Raises the database's version, because readers will see the decision, and returns it.

        It also records whose list or takedown changed, so that services need to read only that.
        """
        since, self.version = self.version, max(self.version + 1, self.now)
        self.of_takedowns |= takedown
        self.connection.execute(sa.update(schema.meta).values(version=self.version))
        changes = schema.changes
        self.connection.execute(
            sa.insert(changes).values(
                version=self.version, since=since, article_id=article_id, takedown=takedown
            )
        )
        self.connection.execute(sa.delete(changes).where(changes.c.version < self.now - _KEPT))
        return self.version

    def stored(
        self, table: sa.Table, key: Mapping[str, str], *wanted: sa.Column[Any]
    ) -> dict[str, Any] | None:
        """Returns the stored values of the row with this key; ``None`` if there is no such row.

        Args:
            table: The table to read.
            key: The values of the key columns, by column name.
            *wanted: The columns to return; by default all but the key and the row's number.

        Returns:
            The values by the columns' names.
        """
        columns = wanted or [column for column in table.c if column.name not in (*key, "id")]
        row = self.connection.execute(sa.select(*columns).where(*_has(table, key)))
        found = row.mappings().first()
        return None if found is None else dict(found)

    def decide(
        self,
        action: str,
        table: sa.Table,
        key: Mapping[str, str],
        values: Mapping[str, Any] | None,
        *,
        reason: str,
        if_version: int | None = None,
        absent: str = "",
    ) -> int:
        """Writes a decision, replacing an earlier one, and records it in the audit trail.

        Args:
            action: What the audit entry says was done: ``"override.put"``, ``"takedown.lift"``, …
            table: The table of overrides, takedowns or judgments.
            key: Values of the table's key columns by name, the article's id among them.
            values: Values of the other columns by name; ``None`` to remove the decision.
            reason: The actor's reason; may be empty.
            if_version: For a pin or hide, the version of the list that the editor saw; ``None`` to
                accept any.
            absent: The text of the error if there is no decision to remove; empty for no error.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            DecisionError: If the reason is not valid.
            NotFoundError: If there is no decision to remove.
            ConflictError: If the list has changed since ``if_version``.
        """
        check_reason(reason)
        article_id = key["article_id"]
        before = self.stored(table, key)
        if before is None and absent:
            raise NotFoundError(absent)
        if table is schema.overrides:
            self._touch_list(article_id, if_version)
        elif table is schema.takedowns:
            self._new_version(article_id, takedown=True)
        if values is None:
            self.connection.execute(sa.delete(table).where(*_has(table, key)))
        else:
            upsert(self.connection, table, key, **values)
        pair = {name: key[name] for name in ("article_id", "target_id") if name in key}
        further = {name: value for name, value in key.items() if name not in pair}
        return self.record(
            action,
            **pair,
            before=None if before is None else {**further, **before},
            after=None if values is None else {**further, **values},
            reason=reason,
        )

    def _touch_list(self, article_id: str, if_version: int | None) -> None:
        """Gives an article's list its next version, because a pin or hide in it changes."""
        found = list_version(self.connection, article_id)
        if if_version is not None and if_version != found:
            raise ConflictError(
                f"the list of {article_id!r} has changed since you read it (from version "
                f"{if_version} to {found}); look at it again, then decide"
            )
        version = self._new_version(article_id, takedown=False)
        upsert(self.connection, schema.list_versions, {"article_id": article_id}, version=version)

    def record(
        self,
        action: str,
        *,
        article_id: str = "",
        target_id: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> int:
        """Adds an entry about a change to the audit trail.

        The arguments are the fields of :class:`service.decisions.audit_trail.AuditEntry`.

        Returns:
            The entry's number, one more than the last.
        """
        last = self.connection.execute(sa.select(sa.func.max(schema.audit.c.seq))).scalar() or 0
        self.connection.execute(
            sa.insert(schema.audit).values(
                seq=last + 1,
                at=self.now,
                who=self.actor.name,
                how=self.actor.how,
                action=action,
                article_id=article_id,
                target_id=target_id,
                before=_as_json(before),
                after=_as_json(after),
                reason=reason,
            )
        )
        return last + 1


def list_version(connection: sa.Connection, article_id: str) -> int:
    """Returns the version of an article's list, which grows with each pin or hide in it.

    Returns 0 if no editor ever changed the list.
    """
    table = schema.list_versions.c
    query = sa.select(table.version).where(table.article_id == article_id)
    return connection.execute(query).scalar() or 0


def no_tables(label: str) -> DatabaseError:
    """Returns the error for a database without tables though decisions were made.

    Args:
        label: The database's URL without its password.
    """
    return DatabaseError(
        f"{label} holds no decisions, but decisions were kept for this root, with a copy in "
        f"{SNAPSHOT}: restore the database from a backup; or, to start over, remove the copy and "
        "run: alsolike db upgrade",
        "the decision database holds no decisions, but decisions were kept for it: restore it "
        "from a backup",
    )


def lacks_version(connection: sa.Connection, version: int) -> bool:
    """Whether it is certain that a database, as it is now, never had a version.

    The table ``changes`` holds the versions of the last 30 days. For an older version this returns
    ``False``, as it does for one that the database had.
    """
    table = schema.changes.c
    oldest = connection.execute(sa.select(sa.func.min(table.since))).scalar()
    if oldest is None or version < oldest:
        return False
    had = sa.or_(table.version == version, table.since == version)
    return connection.execute(sa.select(table.version).where(had).limit(1)).first() is None


def _has(table: sa.Table, key: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]


def _as_json(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Converts the values of a decision for the audit trail: an end of ``NEVER`` becomes null.

    JavaScript would round such a large number.
    """
    if values is None:
        return None
    return {name: None if value == NEVER else value for name, value in values.items()}


def lock_row(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], **values: Any
) -> Mapping[str, Any]:
    """Locks a row of a table until the transaction ends; inserts the row if there is none.

    Both are one statement, since between two statements another transaction could insert the row.

    Args:
        connection: The connection, with its transaction begun.
        table: The table.
        key: The values of the key columns, by column name.
        **values: The values of the other columns, if the row is inserted.

    Returns:
        All columns of the row by name.
    """
    statement = insert_into(connection, table).values(**key, **values)
    held = statement.on_conflict_do_update(index_elements=list(key), set_=key).returning(table)
    return dict(connection.execute(held).mappings().one())


def upsert(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], **values: Any
) -> None:
    """Sets columns of the row with a key; inserts the row if there is none.

    Args:
        connection: The connection, with its transaction begun.
        table: The table.
        key: The values of the key columns, by column name.
        **values: The values to set, by column name.
    """
    statement = insert_into(connection, table).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def insert_into(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Returns an insert statement that can also replace rows, for the database's dialect of SQL.

    Args:
        connection: A connection to the database.
        table: The table.
    """
    # Import only the dialect in use, because importing the other would slow down the start.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)

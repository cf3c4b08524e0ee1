"""The database of decisions: reading it, and changing it in audited transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from index.sql_engine import translate
from recommender.visibility import NEVER, utc_now
from service.decisions import schema
from service.decisions.upsert import upsert
from service.errors import ConflictError

_KEPT = 30 * 24 * 3600 * 1_000_000
"""How long the changes from version to version are kept, microseconds."""

Check = Callable[[tuple[str, int], Callable[[int], bool]], None]

WRITES = "alsolike_writes"
"""Execution option of connections that are going to write; see :mod:`.connections`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who changes something.

    Attributes:
        name: An editor, a token's name, or the system's user.
        how: How they signed in: ``"cli"``, ``"token"``, ``"session"``, ``"proxy"``, ``"link"``.
    """

    name: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a change left behind.

    Attributes:
        seq: Its entry in the audit trail.
        version: Of the state, as :meth:`~service.decisions.database.Database.version` tells it.
        list_version: Of the article's list, for the next ``if_version``; 0 if it concerns none.
    """

    seq: int
    version: int
    list_version: int = 0


class Store:
    """An engine with a known schema.

    Args:
        engine: See :mod:`service.decisions.connections`.
        label: The database's URL as it may be shown, without a password.
        now: The clock, microseconds since 1970 UTC.
        save: Called with this store after each decision about a takedown: writes it into the
            snapshot, so that readers honor it without the database; may raise
            :class:`DatabaseError`.
        check: Called before each decision with the database's id and version, and a function that
            says whether it never had a version: raises :class:`DatabaseError` if it has lost
            decisions.
    """

    def __init__(
        self,
        engine: sa.Engine,
        label: str,
        now: Callable[[], int] = utc_now,
        save: Callable[[Store], object] = lambda _: None,
        check: Check | None = None,
    ) -> None:
        self.engine = engine
        self.label = label
        self.now = now
        self._save = save
        self._check = check

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one moment of the database.

        Raises:
            DatabaseError: If it can't be read.
        """
        try:
            with self.engine.connect() as connection, connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql(
                        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
                    )
                yield connection
        except SQLAlchemyError as error:
            raise translate(error, self.label) from error

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that is on disk when the block ends, or did not happen.

        Raises:
            DatabaseError: If it can't be written.
        """
        try:
            with (
                self.engine.connect().execution_options(**{WRITES: True}) as connection,
                connection.begin(),
            ):
                yield connection
        except SQLAlchemyError as error:
            raise translate(error, self.label) from error

    @contextmanager
    def change(self, actor: Actor) -> Iterator[Change]:
        """A transaction for a decision; only one runs at a time.

        When the block ends, a takedown that was made, lifted or restored is in the root's
        snapshot too.

        Raises:
            DatabaseError: If it can't be written. If only the snapshot can't be, the decision
                holds all the same; making it again is harmless.
        """
        with self.write() as connection:
            # SQLite has one writer anyway; PostgreSQL is told to have one by this row.
            meta = connection.execute(sa.select(schema.meta).with_for_update()).one()
            if self._check is not None:
                version = meta.database_id, meta.version
                self._check(version, lambda one: lacks_version(connection, one))
            change = Change(connection, actor, self.now(), meta.version)
            yield change
        if change.of_takedowns:
            self._save(self)


class Change:
    """A decision inside its transaction.

    Args:
        connection: Inside its transaction.
        actor: Whose decision it is.
        now: Microseconds since 1970 UTC.
        version: The state's version before it.
    """

    def __init__(self, connection: sa.Connection, actor: Actor, now: int, version: int) -> None:
        self.connection = connection
        self.actor = actor
        self.now = now
        self.version = version
        self.of_takedowns = False

    def new_version(self, article_id: str, *, takedown: bool) -> int:
        """Give the state its next version, because readers will see a difference.

        Args:
            article_id: Which article's takedown or list changed.
            takedown: Whether it is the takedown.
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

    def list_version(self, article_id: str) -> int:
        """The version of an article's list; 0 if nobody ever touched it."""
        table = schema.list_versions
        query = sa.select(table.c.version).where(table.c.article_id == article_id)
        return self.connection.execute(query).scalar() or 0

    def stored(self, table: sa.Table, key: Mapping[str, str]) -> dict[str, Any] | None:
        """The columns of the row with this key, but for key and number; ``None`` without one."""
        columns = (column for column in table.c if column.name not in (*key, "id"))
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
    ) -> Written:
        """Put a decision in place of an earlier one, and record it in the audit trail.

        Args:
            action: Of the audit entry: ``"override.put"``, ``"takedown.lift"``, …
            table: Overrides, takedowns or judgments.
            key: The table's key columns; an article's id is one of them.
            values: The other columns; ``None`` to remove the decision.
            reason: Why; may be empty.
            if_version: For an override: the list's version that the editor looked at; ``None``
                for any.

        Raises:
            ConflictError: If the list has another version by now.
        """
        article_id = key["article_id"]
        if table is schema.overrides:
            self._touch_list(article_id, if_version)
        elif table is schema.takedowns:
            self.new_version(article_id, takedown=True)
        before = self.stored(table, key)
        if values is None:
            self.connection.execute(sa.delete(table).where(*_has(table, key)))
        else:
            upsert(self.connection, table, key, **values)
        pair = {name: key[name] for name in ("article_id", "target_id") if name in key}
        further = {name: value for name, value in key.items() if name not in pair}
        seq = self.record(
            action,
            **pair,
            before=None if before is None else {**further, **before},
            after=None if values is None else {**further, **values},
            reason=reason,
        )
        list_version = 0 if table is schema.takedowns else self.list_version(article_id)
        return Written(seq=seq, version=self.version, list_version=list_version)

    def _touch_list(self, article_id: str, if_version: int | None) -> None:
        """Give an article's list its next version.

        Raises:
            ConflictError: If the list has another version by now.
        """
        found = self.list_version(article_id)
        if if_version is not None and if_version != found:
            raise ConflictError(
                f"the list of {article_id!r} was changed in the meantime (version {found}, "
                f"not {if_version}); look at it again, then decide",
                found,
            )
        version = self.new_version(article_id, takedown=False)
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
        """Add an entry to the audit trail and return its number, one more than the last."""
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


def lacks_version(connection: sa.Connection, version: int) -> bool:
    """Whether a database never had a version, although its changes cover that time."""
    table = schema.changes.c
    oldest = connection.execute(sa.select(sa.func.min(table.since))).scalar()
    if oldest is None or version < oldest:
        return False
    had = sa.or_(table.version == version, table.since == version)
    return connection.execute(sa.select(table.version).where(had).limit(1)).first() is None


def _has(table: sa.Table, key: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]


def _as_json(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """As the audit trail keeps it: no end is null, not a number that JavaScript would round."""
    if values is None:
        return None
    return {name: None if value == NEVER else value for name, value in values.items()}

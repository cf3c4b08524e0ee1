"""Reads takedowns, pins and hides from the database: all of them, or only those that changed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from recommender.visibility import NEVER
from service.decisions import schema
from service.decisions.decision_state import DecisionState, Override, OverrideKind, StateChanges
from service.decisions.decision_store import Store

Value = TypeVar("Value")

_KINDS = {kind.value: kind for kind in OverrideKind}
_BATCH = 500
_MOST_CHANGES = 1_000
"""The largest number of changes that are read singly; with more, reading all is as fast."""

_TAKEDOWNS = schema.takedowns.c
_OVERRIDES = schema.overrides.c


def read_version(store: Store) -> tuple[str, int]:
    """Returns the database's id and version.

    The version grows with every decision that changes what readers see. Both are in a single row,
    so this is fast.

    Raises:
        DatabaseError: If the database can't be read.
    """
    with store.read() as connection:
        row = connection.execute(sa.select(schema.meta)).one()
    return row.database_id, row.version


def count_rows(store: Store) -> dict[str, int]:
    """Returns the number of rows in each table of decisions or accounts, by table name.

    Raises:
        DatabaseError: If the database can't be read.
    """
    tables = ("overrides", "takedowns", "judgments", "tokens", "editors", "audit")
    with store.read() as connection:
        return {
            name: connection.execute(
                sa.select(sa.func.count()).select_from(schema.metadata.tables[name])
            ).scalar_one()
            for name in tables
        }


def read_state(store: Store) -> DecisionState:
    """Returns all takedowns, pins and hides, as they are at one moment.

    Raises:
        DatabaseError: If the database can't be read.
    """
    with store.read() as connection:
        row = connection.execute(sa.select(schema.meta)).one()
        return DecisionState(
            database=row.database_id,
            version=row.version,
            takedowns=_read_takedowns(connection),
            overrides=_read_overrides(connection),
        )


def read_changes(store: Store, database: str, version: int) -> StateChanges | None:
    """Returns the takedowns, pins and hides that changed since an earlier version of the database.

    Returns ``None`` if it is not known what changed; then all decisions must be read instead.

    Args:
        store: The open database of decisions.
        database: The id of the database that ``version`` belongs to.
        version: The earlier version, from :func:`read_version`.

    Raises:
        DatabaseError: If the database can't be read.
    """
    table = schema.changes
    query = sa.select(table).where(table.c.version > version).order_by(table.c.version)
    with store.read() as connection:
        now = connection.execute(sa.select(schema.meta)).one()
        found = connection.execute(query.limit(_MOST_CHANGES)).all()
        versions = [version, *(row.version for row in found)]
        if now.database_id != database or versions[-1] != now.version:
            return None
        if any(row.since != before for row, before in zip(found, versions, strict=False)):
            return None
        taken = sorted({row.article_id for row in found if row.takedown})
        listed = sorted({row.article_id for row in found if not row.takedown})
        takedowns = _in_batches(taken, lambda ids: _read_takedowns(connection, ids))
        overrides = _in_batches(listed, lambda ids: _read_overrides(connection, ids))
    return StateChanges(
        database=database,
        since=version,
        version=now.version,
        takedowns={article_id: takedowns.get(article_id) for article_id in taken},
        overrides={article_id: overrides.get(article_id, ()) for article_id in listed},
    )


def _in_batches(
    ids: Sequence[str], read: Callable[[Sequence[str]], dict[str, Value]]
) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for start in range(0, len(ids), _BATCH):
        found |= read(ids[start : start + _BATCH])
    return found


def _read_takedowns(connection: sa.Connection, ids: Sequence[str] | None = None) -> dict[str, int]:
    query = sa.select(_TAKEDOWNS.article_id, _TAKEDOWNS.until)
    if ids is not None:
        query = query.where(_TAKEDOWNS.article_id.in_(ids))
    return {article_id: _shared(until) for article_id, until in _rows(connection, query)}


def _read_overrides(
    connection: sa.Connection, ids: Sequence[str] | None = None
) -> dict[str, tuple[Override, ...]]:
    # Of two pins at the same position, the newer is inserted into the list later. So the newer
    # gets the position, and the older one follows it.
    query = sa.select(
        _OVERRIDES.article_id,
        _OVERRIDES.target_id,
        _OVERRIDES.kind,
        _OVERRIDES.position,
        _OVERRIDES.until,
    ).order_by(
        _OVERRIDES.article_id,
        _OVERRIDES.kind.desc(),  # pins, then hides
        _OVERRIDES.position,
        _OVERRIDES.created,
        _OVERRIDES.id,
    )
    if ids is not None:
        query = query.where(_OVERRIDES.article_id.in_(ids))
    grouped = itertools.groupby(_rows(connection, query), key=lambda row: row[0])
    return {
        article_id: tuple(
            Override(
                article_id=article_id,
                target_id=target_id,
                kind=_KINDS[kind],
                position=position,
                until=_shared(until),
            )
            for _, target_id, kind, position, until in rows
        )
        for article_id, rows in grouped
    }


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> Iterable[Any]:
    return connection.execute(query.execution_options(yield_per=_BATCH))


def _shared(until: int) -> int:
    """Returns ``until``; for ``NEVER`` always the same object, as a million copies take memory."""
    return NEVER if until == NEVER else until

"""Reads takedowns, pins and hides from the database: all of them, or only those that changed."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from service.decisions import schema
from service.decisions.decision_state import DecisionState, Override, StateChanges

_BATCH = 500
_MOST_CHANGES = 1_000
"""The largest number of changes that are read singly; with more, reading all is as fast."""

_TAKEDOWNS = schema.takedowns.c
_OVERRIDES = schema.overrides.c


def read_state(connection: sa.Connection) -> DecisionState:
    """Returns all takedowns, pins and hides, as they are at one moment."""
    row = connection.execute(sa.select(schema.meta)).one()
    return DecisionState(
        database=row.database_id,
        version=row.version,
        takedowns=_read_takedowns(connection),
        overrides=_read_overrides(connection),
    )


def read_changes(connection: sa.Connection, database: str, version: int) -> StateChanges | None:
    """Returns the takedowns, pins and hides that changed since an earlier version of the database.

    Returns ``None`` if it is not known what changed; then all decisions must be read instead.

    Args:
        connection: A connection to the database, with its transaction begun.
        database: The id of the database that ``version`` belongs to.
        version: The earlier version.
    """
    table = schema.changes
    query = sa.select(table).where(table.c.version > version).order_by(table.c.version)
    now = connection.execute(sa.select(schema.meta)).one()
    found = connection.execute(query.limit(_MOST_CHANGES)).all()
    versions = [version, *(row.version for row in found)]
    if now.database_id != database or versions[-1] != now.version:
        return None
    if any(row.since != before for row, before in zip(found, versions, strict=False)):
        return None
    taken = sorted({row.article_id for row in found if row.takedown})
    listed = sorted({row.article_id for row in found if not row.takedown})
    takedowns, overrides = _read_takedowns(connection, taken), _read_overrides(connection, listed)
    return StateChanges(
        database=database,
        since=version,
        version=now.version,
        takedowns={article_id: takedowns.get(article_id) for article_id in taken},
        overrides={article_id: overrides.get(article_id, ()) for article_id in listed},
    )


def _read_takedowns(connection: sa.Connection, ids: Sequence[str] | None = None) -> dict[str, int]:
    query = sa.select(_TAKEDOWNS.article_id, _TAKEDOWNS.until)
    if ids is not None:
        query = query.where(_TAKEDOWNS.article_id.in_(ids))
    return {row.article_id: row.until for row in _rows(connection, query)}


def _read_overrides(
    connection: sa.Connection, ids: Sequence[str] | None = None
) -> dict[str, tuple[Override, ...]]:
    # Of two pins at the same position, the newer is inserted into the list later. So the newer
    # gets the position, and the older one follows it.
    query = sa.select(*(_OVERRIDES[name] for name in Override.__slots__)).order_by(
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
        article_id: tuple(Override(**row._mapping) for row in rows) for article_id, rows in grouped
    }


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> Iterable[Any]:
    return connection.execute(query.execution_options(yield_per=_BATCH))

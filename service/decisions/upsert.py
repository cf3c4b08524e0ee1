"""Inserts a row or updates the existing one, in one statement, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def lock_row(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], **values: Any
) -> Mapping[str, Any]:
    """Locks the row with this key until the transaction ends, and returns the row's columns.

    If there is no such row, it is inserted with ``values``. All this is one statement, since
    between two statements another transaction could insert the row.
    """
    statement = _insert(connection, table).values(**key, **values)
    held = statement.on_conflict_do_update(index_elements=list(key), set_=key).returning(table)
    return dict(connection.execute(held).mappings().one())


def upsert(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], **values: Any
) -> None:
    """Sets columns of the row with this key; inserts the row if there is none."""
    statement = _insert(connection, table).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def _insert(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    # Import only the dialect in use, because importing the other would slow down the start.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)

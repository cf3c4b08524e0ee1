"""Inserting a row or updating the one that is there, in one statement, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def lock_row(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], **values: Any
) -> Mapping[str, Any]:
    """Hold the row with this key until the transaction ends; it is added if there is none.

    One statement: between looking and adding, another transaction could do either.
    """
    statement = _insert(connection, table).values(**key, **values)
    held = statement.on_conflict_do_update(index_elements=list(key), set_=key).returning(table)
    return dict(connection.execute(held).mappings().one())


def upsert(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], **values: Any
) -> None:
    """Set columns of the row with this key, or add it."""
    statement = _insert(connection, table).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def _insert(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    # Only the one that is in use: importing the other takes a while, and a start waits for it.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)

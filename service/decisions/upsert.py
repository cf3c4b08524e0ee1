"""Inserts a database row or updates the existing one, in one SQLite or PostgreSQL statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


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
    statement = _insert(connection, table).values(**key, **values)
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
    statement = _insert(connection, table).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def _insert(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    # Import only the dialect in use, because importing the other would slow down the start.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)

"""Copies all decisions from one database into an empty one, SQLite or PostgreSQL.

The copy keeps the database's id and the state's version, so a root's snapshot fits it as it fitted
the original: a service that is switched to the copy goes on where it was, and one whose snapshot
holds a newer decision refuses the copy instead of forgetting that decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from index.errors import DatabaseError
from index.sql_engine import translate
from service.decisions import schema
from service.decisions.decision_store import Store

_BATCH = 500
_TABLES = [table for table in schema.metadata.tables.values() if table is not schema.meta]


def copy_rows(source: Store, target: Store) -> dict[str, int]:
    """Copy every row as of one moment, in one transaction.

    Args:
        source: Is only read.
        target: Holds tables without a row.

    Returns:
        How many rows were copied, by table.

    Raises:
        DatabaseError: If the target holds anything, or either can't be used; then nothing was
            copied.
    """
    copied = {}
    with source.read() as old, target.write() as new:
        # As for a decision: on PostgreSQL others wait until the copy is there or undone.
        new.execute(sa.select(schema.meta).with_for_update()).one()
        _refuse_rows(new, target.label)
        for table in _TABLES:
            copied[table.name] = 0
            for batch in _batches(old, table, source.label):
                new.execute(sa.insert(table), batch)
                copied[table.name] += len(batch)
        for batch in _batches(old, schema.meta, source.label):
            new.execute(sa.update(schema.meta).values(**batch[0]))
        _count_on(new, schema.overrides.c.id)
    return copied


def _batches(
    connection: sa.Connection, table: sa.Table, label: str
) -> Iterator[list[dict[str, Any]]]:
    """All rows of a table, some at a time."""
    try:
        query = sa.select(table).execution_options(yield_per=_BATCH)
        for rows in connection.execute(query).mappings().partitions():
            yield [dict(row) for row in rows]
    except SQLAlchemyError as error:  # else the error would name the target, in whose block we are
        raise translate(error, label) from error


def _refuse_rows(connection: sa.Connection, label: str) -> None:
    found = []
    for table in _TABLES:
        if table is schema.changes:
            continue  # all of it is in the audit trail too
        count = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        if count:
            found.append(f"{count} {table.name}")
    if found:
        raise DatabaseError(
            f"{label} holds {', '.join(found)} already, and a copy goes into an empty database "
            "only: name another, or move that one away (a file with mv, a server's with "
            "ALTER DATABASE … RENAME)"
        )


def _count_on(connection: sa.Connection, column: sa.Column[int]) -> None:
    """Let PostgreSQL number new rows after those copied; SQLite does so by itself."""
    if connection.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence(column.table.name, column.name)
        connection.execute(
            sa.select(sa.func.setval(sequence, sa.func.max(column))).having(
                sa.func.max(column).is_not(None)
            )
        )

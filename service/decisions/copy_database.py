"""Copies all decisions from one database to an empty one, each SQLite or PostgreSQL.

The copy keeps the id and the version of the original. So a service that is switched to the copy
continues where it was. The service also keeps its own copy of the decisions on disk (the snapshot).
If that has a decision which was made after the database was copied, the service refuses the new
database instead of losing that decision.
"""

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
    """Copies every row of all tables as they are at one moment, in one transaction.

    Args:
        source: The database to copy from; only read.
        target: The database to copy to; its tables must exist and be empty.

    Returns:
        The number of rows copied, by table.

    Raises:
        DatabaseError: If the target is not empty, or either database can't be used; then
            nothing was copied.
    """
    copied = {}
    with source.read() as old, target.write() as new:
        # Every decision locks this row first. So on PostgreSQL, decisions wait until the copy ends.
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
    """Yields all rows of a table, as lists of at most 500 dictionaries."""
    try:
        query = sa.select(table).execution_options(yield_per=_BATCH)
        for rows in connection.execute(query).mappings().partitions():
            yield [dict(row) for row in rows]
    except SQLAlchemyError as error:  # caught here, so that the message names the right database
        raise translate(error, label) from error


def count_rows(connection: sa.Connection, table: sa.Table) -> int:
    """Returns the number of rows in a table."""
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _refuse_rows(connection: sa.Connection, label: str) -> None:
    found = []
    for table in _TABLES:
        if table is schema.changes:
            continue  # each row here belongs to one in the audit trail, which is counted too
        if count := count_rows(connection, table):
            found.append(f"{count} {table.name}")
    if found:
        raise DatabaseError(
            f"{label} already holds {', '.join(found)}, but the target of a copy must be empty: "
            "name another database, or move this one away (a file with mv, a server's with "
            "ALTER DATABASE … RENAME)"
        )


def _count_on(connection: sa.Connection, column: sa.Column[int]) -> None:
    """Makes the numbers of new rows begin after those of the copied rows.

    PostgreSQL has to be told; SQLite does so by itself.
    """
    if connection.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence(column.table.name, column.name)
        connection.execute(
            sa.select(sa.func.setval(sequence, sa.func.max(column))).having(
                sa.func.max(column).is_not(None)
            )
        )

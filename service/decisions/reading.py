"""From the tables to the state that reading needs."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa

from index.state import Kind, Override, State
from service.decisions import schema
from service.decisions.store import Store

_KINDS = {kind.value: kind for kind in Kind}


def read_version(store: Store) -> tuple[str, int]:
    """The database's id and the state's version; one row.

    Raises:
        DatabaseError: If it can't be read.
    """
    with store.read() as connection:
        row = connection.execute(sa.select(schema.meta)).one()
    return row.database_id, row.version


def count_rows(store: Store) -> dict[str, int]:
    """How many rows the tables of decisions and accounts hold, by name.

    Raises:
        DatabaseError: If it can't be read.
    """
    tables = ("overrides", "takedowns", "judgments", "tokens", "editors", "audit")
    with store.read() as connection:
        return {
            name: connection.execute(
                sa.select(sa.func.count()).select_from(schema.metadata.tables[name])
            ).scalar_one()
            for name in tables
        }


def read_state(store: Store) -> State:
    """All decisions, as of one moment.

    Raises:
        DatabaseError: If it can't be read.
    """
    pins: defaultdict[str, list[Override]] = defaultdict(list)
    hides: defaultdict[str, list[Override]] = defaultdict(list)
    table = schema.overrides.c
    # Of two pins to one position the newer comes later, and pushes the older one down.
    query = sa.select(
        table.article_id, table.target_id, table.kind, table.position, table.until
    ).order_by(table.position, table.created, table.id)
    with store.read() as connection:
        row = connection.execute(sa.select(schema.meta)).one()
        taken = connection.execute(
            sa.select(schema.takedowns.c.article_id, schema.takedowns.c.until)
        ).all()
        for article_id, target_id, kind, position, until in connection.execute(query):
            override = Override(
                article_id=article_id,
                target_id=target_id,
                kind=_KINDS[kind],
                position=position,
                until=until,
            )
            (pins if override.kind is Kind.PIN else hides)[article_id].append(override)
    return State(
        database=row.database_id,
        version=row.version,
        takedowns={article_id: until for article_id, until in taken},  # noqa: C416 - rows
        overrides={key: (*pins.get(key, ()), *hides.get(key, ())) for key in {**pins, **hides}},
    )

"""Stores counted views and clicks by day in a database of their own, nothing about any reader.

The database is apart from that of editors' decisions, so that no takedown waits for a click: the
file ``clicks.sqlite`` in the root, or what the setting ``clicks_database`` names. In a PostgreSQL
database the tables are in the schema ``alsolike_clicks``.
"""

import datetime as dt
import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import Integer, Text
from sqlalchemy.exc import SQLAlchemyError

from index.errors import DatabaseError
from index.sql_engine import describe, file_url, parse_url, translate
from service.decisions.connections import postgres_engine, sqlite_engine
from service.decisions.decision_store import Store, insert_into
from service.decisions.snapshot_file import BUSY_SECONDS
from service.settings import Settings

FILE = "clicks.sqlite"
"""The database file in the folder of the builds that is used if the settings name no database."""

SCHEMA = "alsolike_clicks"
"""The schema that holds the tables in a PostgreSQL database."""

_MAKING = 0x636C6963
"""The number of the PostgreSQL lock that makes a second process wait while tables are made."""

_AT_ONCE, _PAUSE = 100, 0.000_5
"""How many sums are stored before other threads, which answer readers, get Python's lock; and for
how many seconds they surely do. One statement for all of them makes readers wait longer."""

_DELETED_AT_ONCE, _FETCHED_AT_ONCE = 50_000, 10_000

metadata = sa.MetaData()


def _sums(name: str, keys: Mapping[str, type[Text | Integer]], *sums: str) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        *(sa.Column(key, kind, primary_key=True) for key, kind in keys.items()),
        *(sa.Column(each, sa.BigInteger, nullable=False) for each in sums),
        sqlite_with_rowid=False,
    )


counts = _sums(
    "counts",
    {
        "day": Text,
        "variant": Text,
        "build": Text,
        "article": Text,
        "target": Text,
        "position": Integer,
        "origin": Text,
    },
    "seen",
    "clicked",
)
"""How often each link was seen and clicked.

``day`` is ``YYYY-MM-DD`` in the site's time zone, ``variant`` is ``live``, the name of the compared
variant or ``export``, ``build`` the last full build. The rows with ``target`` ``''`` and
``position`` 0 are of lists: views of the list, and views of it in which anything was clicked.
"""

sa.Index("counts_article", counts.c.article, counts.c.day)  # made with the table, never later

_SUMS = [
    sa.cast(sa.func.coalesce(sa.func.sum(column), 0), sa.BigInteger)
    for column in (counts.c.seen, counts.c.clicked)
]

blocks = _sums(
    "blocks",
    {"comparison": Text, "block": Integer, "article": Text, "variant": Text},
    "seen",
    "clicked",
)
"""Views of lists, and those with a click, by block of time, while a comparison runs."""

rejected = _sums("rejected", {"day": Text, "reason": Text}, "events")
"""How many reported events did not count, by reason."""

Sums = Mapping[tuple[str | int, ...], Sequence[int]]
"""Sums to add to a table, by the values of its key columns, in the table's order."""


class ClickStore(Store):
    """The open database of counted views and clicks.

    Args:
        engine: The SQLAlchemy engine of the database.
        label: The database's URL without its password, for messages.
    """

    public = "the database of counted clicks"

    def _fault(self, error: SQLAlchemyError) -> DatabaseError:
        return translate(error, self.label, self.public)

    def add(self, sums: Mapping[sa.Table, Sums]) -> None:
        """Adds numbers to the sums that the tables hold, in one transaction.

        All processes lock rows in the order of their keys, so that none waits for another for ever.

        Args:
            sums: The numbers to add, for each table by the values of its key columns.

        Raises:
            DatabaseError: If the database can't be written; then nothing is added.
            ValueError: If the database refuses one of these numbers; then nothing is added.
        """
        try:
            with self.write() as connection:
                for table, rows in sums.items():
                    upsert = _upsert(connection, table)
                    names, left = table.columns.keys(), iter(sorted(rows.items()))
                    while some := list(itertools.islice(left, _AT_ONCE)):
                        values = [
                            dict(zip(names, (*key, *sum_), strict=True)) for key, sum_ in some
                        ]
                        connection.execute(upsert, values)
                        time.sleep(_PAUSE)
        except DatabaseError as error:
            if isinstance(error.__cause__, (sa.exc.DataError, sa.exc.IntegrityError)):
                raise ValueError(str(error)) from error
            raise

    def forget(self, before: str) -> bool:
        """Deletes the oldest rows, of the days and of the comparisons that are too old.

        To delete all that is too old at once may take longer than a statement may on PostgreSQL.

        Args:
            before: The first day to keep, such as ``2026-01-31``; comparisons that began before it
                are too old.

        Returns:
            Whether more is left to delete.

        Raises:
            DatabaseError: If the database can't be written.
        """
        since, left = dt.datetime.fromisoformat(before).timestamp(), False
        with self.write() as connection:
            ended, key = [], ""
            each = sa.func.min(blocks.c.comparison)  # one after another, found by the index
            while key := connection.scalar(sa.select(each).where(blocks.c.comparison > key)):
                if int(key.rpartition("@")[2]) < since:
                    ended.append(key)
            for table, old in (
                (counts, counts.c.day < before),
                (rejected, rejected.c.day < before),
                (blocks, blocks.c.comparison.in_(ended)),
            ):
                left |= _delete_some(connection, table, old)
        return left

    def sums(
        self,
        *columns: str,
        since: str,
        lists: bool = False,
        article: str = "",
        origin: str = "",
        least: int = 0,
        most: int | None = None,
    ) -> list[tuple[Any, ...]]:
        """Returns how often lists or links were seen and clicked, grouped by some columns.

        Args:
            *columns: The columns of :data:`counts` to group by.
            since: The first day to count, such as ``2026-01-31``.
            lists: Whether to return the sums of lists instead of those of links.
            article: If given, only the list of the article with this id is counted.
            origin: If given, only the links of this origin are counted.
            least: The least number of views over all positions; groups with fewer are left out.
            most: The largest number of groups to return: those with the most views.

        Returns:
            A tuple for each group: the values of the columns, the number of views and the number
            of clicks.

        Raises:
            DatabaseError: If the database can't be read.
        """
        by = [counts.c[name] for name in columns]
        kind = counts.c.target == "" if lists else counts.c.target != ""
        query = sa.select(*by, *_SUMS).where(counts.c.day >= since, kind).group_by(*by)
        if article:
            query = query.where(counts.c.article == article)
        if origin:
            query = query.where(counts.c.origin == origin)
        if most:
            query = query.order_by(_SUMS[0].desc(), *by).limit(most)
        if least:
            pair = [column for column in by if column is not counts.c.position]
            total = sa.func.sum(_SUMS[0]).over(partition_by=pair).label("total")
            found = query.add_columns(total).subquery()
            query = sa.select(*list(found.c)[:-1]).where(found.c.total >= least)
        with self.read() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def links(self) -> Iterator[Sequence[Any]]:
        """Yields for each link and position the sums of all days, without holding all in memory.

        Each is the article's id, the target's id, the position, the number of views and the number
        of clicks.

        Raises:
            DatabaseError: If the database can't be read.
        """
        by = [counts.c.article, counts.c.target, counts.c.position]
        query = sa.select(*by, *_SUMS).where(counts.c.target != "").group_by(*by)
        with self.read() as connection:
            yield from connection.execution_options(yield_per=_FETCHED_AT_ONCE).execute(query)

    def blocks_of(self, comparison: str) -> NDArray[np.int32]:
        """Returns the counts of a comparison of a variant with the live lists.

        Args:
            comparison: The comparison's key.

        Returns:
            Shape (n, 5), int32: for each list and block of time a number that stands for the
            article, the block's number, whether the list is the variant's, the number of views
            and the number of views with a click.

        Raises:
            DatabaseError: If the database can't be read.
        """
        number = defaultdict[str, int](itertools.count().__next__)
        query = sa.select(*list(blocks.c)[1:]).where(blocks.c.comparison == comparison)
        with self.read() as connection:
            rows = connection.execution_options(yield_per=_FETCHED_AT_ONCE).execute(query)
            counted = (
                (number[article], block, variant != "live", seen, clicked)
                for block, article, variant, seen, clicked in rows
            )
            return np.fromiter(counted, dtype=np.dtype((np.int32, 5)))

    def export(self, since: str) -> Iterator[Sequence[Any]]:
        """Yields the column names of the table :data:`counts`, then all its rows since a day.

        Args:
            since: The first day, such as ``2026-01-31``.

        Raises:
            DatabaseError: If the database can't be read.
        """
        query = sa.select(counts).where(counts.c.day >= since).order_by(*counts.primary_key)
        yield counts.columns.keys()
        with self.read() as connection:
            yield from connection.execution_options(yield_per=_FETCHED_AT_ONCE).execute(query)

    def rejections(self, since: str) -> list[tuple[str, int]]:
        """Returns reasons why reported events were not counted, with their numbers, most first.

        Args:
            since: The first day, such as ``2026-01-31``.

        Raises:
            DatabaseError: If the database can't be read.
        """
        events = sa.func.sum(rejected.c.events)
        query = sa.select(rejected.c.reason, events).where(rejected.c.day >= since)
        with self.read() as connection:
            rows = connection.execute(query.group_by(rejected.c.reason).order_by(-events))
            return [(reason, int(count)) for reason, count in rows]

    def close(self) -> None:
        """Closes all connections to the database."""
        self.engine.dispose()


def open_clicks(settings: Settings, wait: float = BUSY_SECONDS) -> ClickStore:
    """Opens the database of counted clicks that the settings name; creates missing tables.

    Args:
        settings: The effective settings.
        wait: How long to wait for a process that locks an SQLite file, in seconds.

    Raises:
        DatabaseError: If the database can't be opened or created; the message names the remedy.
    """
    url = settings.clicks_database or file_url(settings.root / FILE)
    label = describe(url)
    parsed = parse_url(url)
    if parsed.get_backend_name() == "postgresql":
        if parsed.password is None:
            parsed = parse_url(url, settings.database_password.get_secret_value())
        engine: sa.Engine = postgres_engine(parsed)
        engine = engine.execution_options(schema_translate_map={None: SCHEMA})
    elif parsed.get_backend_name() == "sqlite" and parsed.database:
        engine = sqlite_engine(Path(parsed.database), create=True, wait=wait)
    else:
        raise DatabaseError(
            f"clicks can't be counted in {label}: set clicks_database to the URL of an SQLite file "
            "or a PostgreSQL database"
        )
    store = ClickStore(engine, label)
    try:
        with store.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING})")
                connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
            metadata.create_all(connection)
    except BaseException:
        store.close()
        raise
    return store


def read_clicks(settings: Settings) -> Iterator[tuple[str, str, int, int, int]]:
    """Yields all counted views and clicks of links, to learn the weights of evidence from them.

    Yields:
        A tuple for each link and position: the article's id, the target's id, the position, the
        number of views and the number of clicks (at most that of views); nothing if clicks are not
        counted.

    Raises:
        DatabaseError: If the database can't be read.
    """
    if not settings.clicks:
        return
    with closing(open_clicks(settings)) as store:
        for article, target, position, seen, clicked in store.links():
            yield article, target, position, seen, min(seen, clicked)


def _delete_some(connection: sa.Connection, table: sa.Table, old: sa.ColumnElement[bool]) -> bool:
    """Deletes the first of a table's old rows; tells whether more are left."""
    key = [*table.primary_key]
    first = sa.select(*key).where(old).order_by(*key).offset(_DELETED_AT_ONCE).limit(1)
    kept = connection.execute(first).first()
    if kept is not None:
        old = sa.and_(old, sa.tuple_(*key) < tuple(kept))
    connection.execute(sa.delete(table).where(old))
    return kept is not None


def _upsert(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    insert = insert_into(connection, table)
    sums = {
        column.name: column + insert.excluded[column.name]
        for column in table.columns
        if not column.primary_key
    }
    return insert.on_conflict_do_update(index_elements=[*table.primary_key], set_=sums)

"""Rows of an SQL query, by any SQLAlchemy URL, streamed from the server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from index.articles.cleaning import plain_value
from index.articles.record import Record, RecordProblem, short
from index.errors import DatabaseError, SourceError
from index.sources.source import read_record
from index.sources.sql_rows import stream_rows
from index.sql_engine import describe


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSource:
    """What a query gives, one row an article; nothing is ever written.

    Sections, tags, ratings and images may be JSON columns, or texts that hold JSON.

    Attributes:
        url: SQLAlchemy's (``"postgresql://reader@db.example/site"``), without the password.
        query: One SELECT; its columns' names are the fields.
        password: Of the user in ``url``.
        batch: Rows fetched at a time.
    """

    url: str = field(repr=False)
    query: str
    password: str = field(default="", repr=False)
    batch: int = 1_000

    @property
    def name(self) -> str:
        """The URL without its password and options."""
        return describe(self.url)

    def records(self) -> Iterator[Record | RecordProblem]:
        """See :class:`~index.sources.source.Source`."""
        name, row = self.name, 0
        try:
            for values in stream_rows(self.url, self.query, self.password, self.batch):
                row += 1
                key, value = next(iter(values.items()))
                yield read_record(f"{name} row {row} ({key}={short(value, 60)})", _record, values)
        except DatabaseError as error:
            raise SourceError(f"{name} can't be read after row {row}: {error}") from error


def _record(location: str, values: dict[str, Any]) -> Record:
    return Record(
        location=location, values={column: plain_value(cell) for column, cell in values.items()}
    )

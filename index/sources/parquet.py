"""Reads Parquet files with the optional package pyarrow."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

from index.articles.cleaning import plain_value
from index.articles.record import Record, SourceItem
from index.errors import SourceError
from index.sources.parser_process import parse_apart
from index.sources.regular_file import open_regular
from index.sources.source import PathSource, read_record

_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetSource(PathSource):
    """A ``.parquet`` file; its columns are the fields, and may hold lists and structs.

    Attributes:
        path: The file.
    """

    def records(self) -> Iterator[SourceItem]:
        """Yields one record for each row, or a problem for a row that can't be read."""
        if find_spec("pyarrow") is None:
            raise SourceError(f"{self.path} needs pyarrow: pip install 'alsolike[parquet]'")
        row = 0
        try:
            for records in parse_apart(_batches, self.path):
                row += len(records)
                yield from records
        except SourceError as error:
            raise SourceError(f"{self.path} can't be read after row {row}: {error}") from error


def _batches(path: str) -> Iterator[list[SourceItem]]:
    """Yields a file's records in batches; this function runs in the parser process."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = 0
    try:
        with open_regular(path) as file, pq.ParquetFile(file) as table:
            for batch in table.iter_batches(batch_size=_BATCH, use_threads=False):
                numbers = range(batch.num_rows)
                try:
                    cells = batch.to_pylist()
                except Exception:  # noqa: BLE001 - a cell can't be converted to a Python value
                    cells = [partial(_row, batch, number) for number in numbers]
                yield [
                    read_record(f"{path} row {count + number + 1}", _record, cells[number])
                    for number in numbers
                ]
                count += batch.num_rows
    except FileNotFoundError as error:
        raise SourceError("there is no such file; give the path of a .parquet file") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise SourceError(str(error).partition("\n")[0]) from error


def _record(location: str, values: dict[str, Any] | Callable[[], dict[str, Any]]) -> Record:
    return Record(location=location, values=plain_value(values() if callable(values) else values))


def _row(batch: Any, number: int) -> dict[str, Any]:
    names = batch.schema.names
    return {name: _cell(batch.column(at)[number]) for at, name in enumerate(names)}


def _cell(cell: Any) -> Any:
    """Returns a cell's value, or its content as text or bytes if Python has no such value."""
    try:
        return cell.as_py()
    except (ValueError, OverflowError):
        if hasattr(cell, "as_buffer"):
            return cell.as_buffer().to_pybytes()  # text that is not UTF-8
        values = getattr(cell, "values", None)
        if callable(values):  # an object
            return dict(zip(cell, map(_cell, values()), strict=True))
        if values is not None:  # a list or a map
            items = [*map(_cell, values)]
            is_map = hasattr(cell.type, "key_type")
            return [tuple(pair.values()) for pair in items] if is_map else items
        return _far_time(cell)


def _far_time(cell: Any) -> str:
    """Returns a time that has nanoseconds or lies outside Python's calendar, as ISO 8601 text."""
    import numpy as np

    kind: Any = cell.type
    unit: Any = getattr(kind, "unit", "D")  # days of a date
    zone = "Z" if getattr(kind, "tz", None) else ""
    return f"{np.datetime64(cell.value, unit)}{zone}"

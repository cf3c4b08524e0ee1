"""Parquet files, by the optional package pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from index.sources.cells import plain
from index.sources.source import Problem, Record
from recommender.errors import SourceError

_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetSource:
    """A ``.parquet`` file; its columns are the fields, lists and structs included.

    Attributes:
        path: The file.
    """

    path: str

    @property
    def name(self) -> str:
        """The path."""
        return self.path

    def records(self) -> Iterator[Record | Problem]:
        """See :class:`~index.sources.source.Source`."""
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ModuleNotFoundError as error:
            raise SourceError(
                f"{self.path} needs pyarrow: pip install 'alsolike[parquet]'"
            ) from error
        if not Path(self.path).is_file():
            raise SourceError(f"there is no file {self.path}; give the path of a .parquet file")
        row = 0
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=_BATCH):
                    for values in batch.to_pylist():
                        row += 1
                        yield Record(place=f"{self.path} row {row}", values=plain(values))
        except (OSError, ValueError, pa.ArrowException) as error:
            reason = str(error).partition("\n")[0]
            raise SourceError(f"{self.path} can't be read after row {row}: {reason}") from error

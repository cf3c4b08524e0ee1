"""What a small build takes over from the live build: the rows of what did not change."""

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from index.files import Blob, BlobWriter, load_array, open_blob

COUNTED = "counted.json"
"""What is known of all articles of a build together, for the next small build."""

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, kw_only=True)
class CarriedRows:
    """The articles whose data a small build takes over from the live build.

    Attributes:
        path_of: Verifies a file of the live build, given by its name, and returns its path.
        count: The number of articles in the live build.
        rows: Shape (n,), int32, ascending but for -1: for each article of the new build, its row in
            the live build; -1 for an article that is new or changed.
    """

    path_of: Callable[[str], Path]
    count: int
    rows: NDArray[np.int32]

    @functools.cached_property
    def fresh(self) -> NDArray[np.intp]:
        """The rows, in the new build, of new and changed articles, ascending."""
        return np.flatnonzero(self.rows < 0)

    @functools.cached_property
    def new_rows(self) -> NDArray[np.int32]:
        """For each row of the live build, its row in the new one; -1 if changed or gone."""
        found = np.full(self.count, -1, dtype=np.int32)
        kept = np.flatnonzero(self.rows >= 0)
        found[self.rows[kept]] = kept
        return found

    def renumber(self, rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """Convert rows of the live build to rows of the new one; -1 stays -1."""
        return np.where(rows < 0, np.int32(-1), self.new_rows[rows])

    def lists(self, related: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return which articles have the same related list in the live build as in the new one.

        Args:
            related: Shape (n, width), int32: the rows of the first articles of each new list.

        Returns:
            Shape (n,), int32: the row of the article in the live build; -1 if its list differs, or
            if it, or an article of its list, changed.
        """
        kept = np.flatnonzero(self.rows >= 0)
        stored: NDArray[np.int32] = load_array(self.path_of("related_rows.npy"))
        old = stored[self.rows[kept], : related.shape[1]]
        now = self.renumber(old)
        same = ((related[kept] == now) & ((old < 0) == (now < 0))).all(axis=1)
        found = np.full(len(self.rows), -1, dtype=np.int32)
        found[kept[same]] = self.rows[kept[same]]
        return found

    def array(self, name: str, fresh: NDArray[T]) -> NDArray[T]:
        """Return an array of the new build, with the live build's values for unchanged articles.

        Args:
            name: The name of the file that holds this array in the live build.
            fresh: The values for new and changed articles, in the order of :attr:`fresh`.
        """
        found = np.empty((len(self.rows), *fresh.shape[1:]), dtype=fresh.dtype)
        kept = self.rows >= 0
        found[kept] = load_array(self.path_of(name))[self.rows[kept]]
        found[~kept] = fresh
        return found


class CarriedBlobWriter(BlobWriter):
    """Writes a byte string for each row; some are copied from the same file of an older build.

    Only the strings that are not copied must be appended, in the order of their rows.

    Args:
        path: The data file to write.
        old: The byte strings of the older build.
        rows: Shape (n,): for each row to write, the row of ``old`` to copy; -1 for a string that is
            appended.
    """

    def __init__(self, path: Path, old: Blob, rows: NDArray[np.int32]) -> None:
        super().__init__(path)
        self._old, self._runs = old, _runs(rows)

    def append(self, content: bytes) -> None:
        """Append the next byte string that is not copied from the older build."""
        self._carry()
        super().append(content)

    def close(self) -> None:
        """Copy and write what is left; nothing can be appended afterwards."""
        self._carry()
        super().close()

    def _carry(self) -> None:
        """Write the byte strings that stand before the next one that is appended."""
        for run in self._runs:
            if run is None:
                break
            self.extend(*self._old.part(*run))


def blob_writer(
    path: Path, carried: CarriedRows | None, rows: NDArray[np.int32] | None = None
) -> BlobWriter:
    """Return a writer of one byte string per row, which copies some from the live build.

    Args:
        path: The data file to write; the live build has it under the same name.
        carried: The articles to take over from the live build; ``None`` to copy nothing.
        rows: Shape (n,), int32: for each row to write, the row of the live build to copy; -1 for a
            string that is appended. By default ``carried.rows``.
    """
    if carried is None:
        return BlobWriter(path)
    old = open_blob(carried.path_of, path.name)
    return CarriedBlobWriter(path, old, carried.rows if rows is None else rows)


def _runs(rows: NDArray[np.int32]) -> Iterator[tuple[int, int] | None]:
    """Yield ranges of consecutive rows, and ``None`` for each -1 between them."""
    breaks = np.flatnonzero((np.diff(rows) != 1) | (rows[1:] < 0) | (rows[:-1] < 0)) + 1
    for start, stop in itertools.pairwise([0, *breaks.tolist(), len(rows)]):
        if start < stop:
            yield None if rows[start] < 0 else (int(rows[start]), int(rows[stop - 1]) + 1)

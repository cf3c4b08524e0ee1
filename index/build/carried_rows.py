"""What a small build takes over from the live build: the rows of what did not change."""

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from index.files import Blob, BlobWriter, ends_path, load_array

COUNTED = "counted.json"
"""What is known of all articles of a build together, for the next small build."""

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, kw_only=True)
class CarriedRows:
    """The rows of the live build that a small build takes over.

    Attributes:
        path_of: Returns the path of a file of the live build, verified.
        count: The number of the live build's articles.
        rows: Shape (n,), int32, ascending but for -1: the row there of each article that did not
            change; -1 for all others.
    """

    path_of: Callable[[str], Path]
    count: int
    rows: NDArray[np.int32]

    @functools.cached_property
    def fresh(self) -> NDArray[np.intp]:
        """The rows of new and changed articles, ascending."""
        return np.flatnonzero(self.rows < 0)

    @functools.cached_property
    def new_rows(self) -> NDArray[np.int32]:
        """The new row of each row of the live build; -1 if the article changed or is gone."""
        found = np.full(self.count, -1, dtype=np.int32)
        kept = np.flatnonzero(self.rows >= 0)
        found[self.rows[kept]] = kept
        return found

    def renumber(self, rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the new row of each of some rows of the live build; -1 stays -1."""
        return np.where(rows < 0, np.int32(-1), self.new_rows[rows])

    def lists(self, related: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the row in the live build of each article whose list is the same there.

        Args:
            related: Shape (n, width), int32: the first rows of each list.

        Returns:
            Shape (n,), int32; -1 for an article that changed, or whose list has other articles, or
            one that changed.
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
        """Return an array of the new build.

        Args:
            name: The name of the live build's file.
            fresh: The values of the fresh rows.
        """
        found = np.empty((len(self.rows), *fresh.shape[1:]), dtype=fresh.dtype)
        kept = self.rows >= 0
        found[kept] = load_array(self.path_of(name))[self.rows[kept]]
        found[~kept] = fresh
        return found

    def blob(self, name: str) -> Blob:
        """Open a file of byte strings of the live build."""
        self.path_of(ends_path(Path(name)).name)
        return Blob(self.path_of(name))


class CarriedBlobWriter(BlobWriter):
    """Writes byte strings, of which some are those of another build.

    Only the others are appended, in order.

    Args:
        path: The data file.
        old: The byte strings of the other build.
        rows: Shape (n,): the row in ``old`` of each; -1 for those that are appended.
    """

    def __init__(self, path: Path, old: Blob, rows: NDArray[np.int32]) -> None:
        super().__init__(path)
        self._old, self._runs = old, _runs(rows)

    def append(self, content: bytes) -> None:
        """Append the next byte string that is not one of the other build."""
        self._carry()
        super().append(content)

    def close(self) -> None:
        """Write both files."""
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
    """Return a writer of byte strings by row, of which some may be those of the live build.

    Args:
        path: The data file, which the live build has under the same name.
        carried: What is taken over from the live build, if anything is.
        rows: Shape (n,), int32: the row there of each; -1 for those that are appended. By default
            those of ``carried``.
    """
    if carried is None:
        return BlobWriter(path)
    return CarriedBlobWriter(path, carried.blob(path.name), carried.rows if rows is None else rows)


def _runs(rows: NDArray[np.int32]) -> Iterator[tuple[int, int] | None]:
    """Yield ranges of consecutive rows, and ``None`` for each -1 between them."""
    breaks = np.flatnonzero((np.diff(rows) != 1) | (rows[1:] < 0) | (rows[:-1] < 0)) + 1
    for start, stop in itertools.pairwise([0, *breaks.tolist(), len(rows)]):
        if start < stop:
            yield None if rows[start] < 0 else (int(rows[start]), int(rows[stop - 1]) + 1)

"""Ragged arrays: lists of different lengths, stored in two memory-mapped arrays."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from index.files import load_array, save_array


@dataclass(frozen=True)
class Ragged:
    """Lists of different lengths, stored in two arrays.

    Attributes:
        values: Shape (entries of all lists,), int32: the entries, one list after another.
        ends: Shape (lists,), int64: the position in ``values`` at which each list ends.
    """

    values: NDArray[np.int32]
    ends: NDArray[np.int64]

    @functools.cached_property
    def _plain(self) -> tuple[memoryview, memoryview]:
        return self.values.data, self.ends.data

    def numbers(self, index: int) -> list[int]:
        """Return list ``index`` as Python integers; this is faster than indexing the arrays."""
        values, ends = self._plain
        return values[ends[index - 1] if index else 0 : ends[index]].tolist()

    def values_between(self, start: int, end: int) -> list[int]:
        """Return ``values[start:end]`` as Python integers."""
        return self._plain[0][start:end].tolist()

    def span(self, index: int) -> tuple[int, int]:
        """Return where list ``index`` starts and ends in :attr:`values`, as Python integers."""
        ends = self._plain[1]
        return ends[index - 1] if index else 0, ends[index]

    def __getitem__(self, index: int) -> NDArray[np.int32]:
        start, end = self.span(index)
        return self.values[start:end]

    def __len__(self) -> int:
        return len(self.ends)

    @classmethod
    def grouped(
        cls, keys: NDArray[np.integer], values: NDArray[np.integer], count: int
    ) -> "Ragged":
        """Make ``count`` lists, of which list ``k`` has the values with key ``k``, in their order.

        Args:
            keys: The key of each value, from 0 to ``count`` - 1; same shape as ``values``.
            values: The values to group.
            count: The number of lists.
        """
        order = np.argsort(keys, kind="stable")
        ends = np.cumsum(np.bincount(keys, minlength=count)).astype(np.int64)
        return cls(values[order].astype(np.int32), ends)

    def save(self, folder: Path, name: str) -> None:
        """Write both arrays into a build's folder, into files whose names start with ``name``."""
        save_array(folder / f"{name}_values.npy", self.values)
        save_array(folder / f"{name}_ends.npy", self.ends)

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        """Map the arrays that :meth:`save` wrote into memory, read-only."""
        return cls(
            load_array(folder / f"{name}_values.npy"), load_array(folder / f"{name}_ends.npy")
        )

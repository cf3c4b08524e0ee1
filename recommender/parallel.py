"""Map a function over blocks of rows, on every core, with results in the order of the rows."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import starmap
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Block = tuple[int, int]
"""First row, and the row after the last."""

T = TypeVar("T")


def equal_blocks(count: int, size: int) -> list[Block]:
    """All ``count`` rows in blocks of ``size``; the last may be shorter."""
    return [(start, min(start + size, count)) for start in range(0, count, size)]


def blocks_by_size(ends: NDArray[np.int64], size: int, most_rows: int | None = None) -> list[Block]:
    """All rows in blocks that hold about as many entries each.

    Args:
        ends: Shape (rows,), int64, ascending: where each row's entries end.
        size: Most entries of a block, unless a single row has more.
        most_rows: Most rows of a block.
    """
    blocks: list[Block] = []
    start = 0
    while start < len(ends):
        begin = int(ends[start - 1]) if start else 0
        full = int(np.searchsorted(ends, begin + size, side="right"))
        stop = min(max(full, start + 1), start + (most_rows or len(ends)), len(ends))
        blocks.append((start, stop))
        start = stop
    return blocks


class BlockMapper(Protocol):
    """Maps over blocks as :func:`map_in_threads` does, on this machine or elsewhere."""

    def __call__(
        self, work: Callable[[int, int], T], blocks: Iterable[Block], *, stage: str = ""
    ) -> Iterator[T]:
        """The results of ``work(start, stop)`` in order; ``stage`` names them in logs and files."""
        ...


def in_turn(mapper: BlockMapper) -> BlockMapper:
    """``mapper``, but one block after another where it would use threads of this machine.

    For work that holds the interpreter's lock, or that uses every core by itself.
    """
    return _map_in_turn if mapper is map_in_threads else mapper


def _map_in_turn(
    work: Callable[[int, int], T],
    blocks: Iterable[Block],
    *,
    stage: str = "",  # noqa: ARG001 - see BlockMapper
) -> Iterator[T]:
    return starmap(work, blocks)


def map_in_threads(
    work: Callable[[int, int], T],
    blocks: Iterable[Block],
    *,
    stage: str = "",  # noqa: ARG001 - see BlockMapper
) -> Iterator[T]:
    """The results of ``work(start, stop)`` in order, computed in threads a few blocks ahead.

    NumPy, SciPy and FAISS release the interpreter's lock while they compute, so threads are
    enough. At most two blocks per core are in memory at a time.
    """
    cores = len(os.sched_getaffinity(0))
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        try:
            for start, stop in blocks:
                waiting.append(pool.submit(work, start, stop))
                if len(waiting) > cores:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

"""Parallel mapping of a function over blocks of rows, with the results in row order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import starmap
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.machine import usable_cores

Block = tuple[int, int]
"""A range of rows: the first row, and the row after the last."""

T = TypeVar("T")


def equal_blocks(count: int, size: int) -> list[Block]:
    """Divide ``count`` rows into blocks (start, stop) of ``size`` rows; the last may be shorter."""
    return [(start, min(start + size, count)) for start in range(0, count, size)]


def blocks_by_size(ends: NDArray[np.int64], size: int, most_rows: int | None = None) -> list[Block]:
    """Divide rows of different lengths into blocks (start, stop) of about as many entries each.

    Args:
        ends: Shape (rows,), int64, ascending: the position at which each row's entries end.
        size: Most entries per block, unless a single row has more.
        most_rows: Most rows per block; no limit by default.
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
    """A function that runs another function on blocks of rows, like :func:`map_in_threads`.

    It may use other machines, too.
    """

    def __call__(
        self, work: Callable[[int, int], T], blocks: Iterable[Block], *, stage: str = ""
    ) -> Iterator[T]:
        """Yield ``work(*block)`` for each block, in order; logs and files may show ``stage``."""
        ...


def in_turn(mapper: BlockMapper) -> BlockMapper:
    """Return a mapper that runs only one block at a time on this machine.

    Use it for work that holds Python's global lock or that uses every core by itself. Any mapper
    but :func:`map_in_threads` is returned unchanged.
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
    """Yield ``work(start, stop)`` for each block, in order, computed in one thread per core.

    NumPy, SciPy and FAISS release Python's global lock while they compute, so threads are enough.
    The threads work ahead of the caller, but at most two blocks per core are in memory at a time.
    """
    return call_in_threads(work, blocks)


def call_in_threads(
    work: Callable[..., T],
    calls: Iterable[tuple[Any, ...]],
    give_up: Callable[[], None] = lambda: None,
) -> Iterator[T]:
    """Yield ``work(*arguments)`` for each tuple of arguments; see :func:`map_in_threads`.

    If that ends early, ``give_up`` is called before calls in progress are waited for.
    """
    cores = usable_cores()
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        try:
            for arguments in calls:
                waiting.append(pool.submit(work, *arguments))
                if len(waiting) > cores:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BaseException:
            give_up()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

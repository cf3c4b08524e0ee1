"""Work on a corpus block by block, on every core, with results in the order of the rows."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import starmap
from typing import Protocol, TypeVar

Block = tuple[int, int]
"""First row, and the row after the last."""

T = TypeVar("T")


def equal_blocks(count: int, size: int) -> list[Block]:
    """All rows in blocks of ``size``, the last of what is left."""
    return [(start, min(start + size, count)) for start in range(0, count, size)]


class BlockPlan(Protocol):
    """Works on blocks as :func:`over_blocks` does, here or elsewhere."""

    def __call__(
        self, work: Callable[[int, int], T], blocks: Iterable[Block], *, stage: str = ""
    ) -> Iterator[T]:
        """The results in order; ``stage`` names what they are."""
        ...


def in_turn(spread: BlockPlan) -> BlockPlan:
    """``spread``, but on this machine block after block.

    For work that keeps the interpreter to itself, or uses every core already.
    """
    return _one_by_one if spread is over_blocks else spread


def _one_by_one(
    work: Callable[[int, int], T],
    blocks: Iterable[Block],
    *,
    stage: str = "",  # noqa: ARG001 - see Spread
) -> Iterator[T]:
    return starmap(work, blocks)


def over_blocks(
    work: Callable[[int, int], T],
    blocks: Iterable[Block],
    *,
    stage: str = "",  # noqa: ARG001 - see Spread
) -> Iterator[T]:
    """The results of ``work(start, stop)``, in order, a few blocks ahead of the one yielded.

    NumPy, SciPy and FAISS let go of the interpreter while they work, so threads are enough, and
    what is not yet asked for is not yet in memory: at most two blocks per core are.
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

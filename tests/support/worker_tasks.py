"""What tests give worker processes to do, apart from the tests: a worker imports little."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Never

import numpy as np
from numpy.typing import NDArray

from index.errors import BuildError
from index.files import mapped_part
from recommender.errors import ArticleError
from recommender.parallel import equal_blocks

BLOCKS = equal_blocks(60, 7)


def squares(start: int, stop: int) -> tuple[int, list[int]]:
    return os.getpid(), [row * row for row in range(start, stop)]


def fails_at_last(name: str, start: int, stop: int) -> int:
    if stop == BLOCKS[-1][1]:
        raise BuildError("row 59 has no name") if name == "known" else ZeroDivisionError(name)
    return start


class EndsAtOnce:
    """Ends the process in which it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[int], Never], tuple[int]]:
        return os._exit, (1,)


def ends(start: int, stop: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return start - stop


def doubled(numbers: list[int]) -> tuple[int, list[int]]:
    if 59 in numbers:
        raise BuildError("59 has no name")
    return os.getpid(), [2 * number for number in numbers]


def doubled_slowly(numbers: list[int]) -> tuple[int, list[int]]:
    time.sleep(0.1)
    return doubled(numbers)


def killed(numbers: list[int]) -> Never:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError(numbers)


def slow(numbers: list[int]) -> list[int]:
    time.sleep(600 if 59 in numbers else 0)
    return numbers


def told_twice(numbers: list[int]) -> Never:
    raise ArticleError("title", "missing", f"{numbers[0]} has no title")


def pids_of(batch: list[object]) -> int:
    return os.getpid() if len(batch) < 3 else threading.Lock()  # type: ignore[return-value]


def is_mapped(array: NDArray[np.int64], start: int, stop: int) -> tuple[bool, int]:
    return mapped_part(array) is not None, int(array[start:stop].sum())

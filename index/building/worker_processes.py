"""Worker processes of a build, for work that holds Python's global lock.

Threads would take turns at such work, and even many short calls of NumPy, which free the lock, wait
for it half of the time. Processes do it side by side, but take a second to start, so they pay only
for many rows.
"""

import functools
import io
import pickle
import queue
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import numpy as np

from index.child_process import start_child
from index.errors import BuildError
from index.files import map_part, mapped_part
from recommender.errors import AlsoLikeError
from recommender.machine import usable_cores
from recommender.parallel import Block, BlockMapper, in_turn, map_in_threads

T = TypeVar("T")

MANY_ROWS = 20_000
"""With fewer rows, starting processes takes longer than it saves."""

_IN_TURN = in_turn(map_in_threads)


def in_processes(mapper: BlockMapper, few: BlockMapper = _IN_TURN) -> BlockMapper:
    """Returns a mapper that runs blocks in worker processes, one for each core of this machine.

    The functions that it runs must be picklable, and so must their results. Any mapper but
    :func:`recommender.parallel.map_in_threads` is returned unchanged.

    Args:
        mapper: The mapper to replace.
        few: Runs blocks of fewer than :data:`MANY_ROWS` rows.
    """
    return functools.partial(map_in_processes, few=few) if mapper is map_in_threads else mapper


def map_in_processes(
    work: Callable[[int, int], T],
    blocks: Iterable[Block],
    *,
    stage: str = "",
    few: BlockMapper = _IN_TURN,
) -> Iterator[T]:
    """Yields ``work(start, stop)`` for each block, in order, computed in one process per core.

    Arrays that are mapped from files are not sent: the processes map the same files.

    Raises:
        BuildError: If a worker process can't be started, or was killed.
    """
    blocks, cores = list(blocks), usable_cores()
    if cores == 1 or sum(stop - start for start, stop in blocks) < MANY_ROWS:
        yield from few(work, blocks, stage=stage)
        return
    pickled = io.BytesIO()
    _WorkPickler(pickled).dump(work)
    idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()

    def run(start: int, stop: int) -> T:
        connection = idle.get()
        try:
            connection.send((start, stop))
            error, result = connection.recv()
        finally:
            idle.put(connection)
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]  # what the worker sent

    try:
        with ExitStack() as workers:
            for _ in range(min(cores, len(blocks))):
                connection, process = start_child(serve)
                workers.enter_context(process)  # waits for it after its connection was closed
                workers.enter_context(connection).send_bytes(pickled.getbuffer())
                idle.put(connection)
            yield from map_in_threads(run, blocks, stage=stage)
    except (EOFError, OSError) as error:
        raise BuildError(
            f"a worker process of the build could not be started or ended in the stage {stage!r}: "
            "most often memory ran out; give the build more of it, or fewer cores, and run it again"
        ) from error


class _WorkPickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Returns how to make an array in another process that is mapped from a file in this."""
        mapped = mapped_part(value) if isinstance(value, np.ndarray) else None
        return NotImplemented if mapped is None else (map_part, mapped)


def serve(descriptor: int) -> None:
    """The worker's main loop: receives a function, then blocks, and sends what it returns.

    Args:
        descriptor: The file descriptor of this end of the connection to the build.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent process
    connection = Connection(descriptor)
    with suppress(EOFError, OSError):
        work = connection.recv()
        while True:
            connection.send(_answer(work, connection.recv()))


def _answer(work: Callable[[int, int], Any], block: Block) -> tuple[Exception | None, Any]:
    try:
        return None, work(*block)
    except AlsoLikeError as error:
        return error, None
    except Exception:  # noqa: BLE001 - raised where the build runs
        return RuntimeError(traceback.format_exc()), None

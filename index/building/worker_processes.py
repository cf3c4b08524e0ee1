"""Worker processes of a build, for work that holds Python's global lock.

Threads would take turns at such work, and even many short calls of NumPy, which free the lock, wait
for it half of the time. Processes do it side by side, but take a second to start, so they pay only
for many rows.
"""

import functools
import io
import itertools
import pickle
import queue
import signal
import subprocess
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from index.child_process import start_child
from index.errors import BuildError
from index.files import map_part, mapped_part
from recommender.errors import AlsoLikeError
from recommender.machine import usable_cores
from recommender.parallel import Block, BlockMapper, call_in_threads, in_turn, map_in_threads

S = TypeVar("S")
T = TypeVar("T")

MANY_ROWS = 20_000
"""With fewer rows, starting processes takes longer than it saves."""

LONG = 2.0
"""Seconds of work on a stream from which on worker processes pay."""

UNPICKLABLE = (pickle.PicklingError, AttributeError, TypeError)
"""What pickling raises, of a function within a function, for example."""

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
    with _workers(work, _pickled(work), min(cores, len(blocks)), stage) as (run, kill):
        yield from call_in_threads(run, blocks, kill)


def stream_in_processes(
    work: Callable[[S], T], batches: Iterator[S], *, stage: str = ""
) -> Iterator[T]:
    """Yields ``work(batch)`` for each batch, in order; if it takes long, from one process per core.

    How many batches there are need not be known: those of the first :data:`LONG` seconds are worked
    on in this process. So are all that can't be pickled, all if ``work`` can't, and all as long as
    the batches take more time to come than to be worked on.

    Raises:
        BuildError: If a worker process can't be started, or was killed.
    """
    cores, worked, waited = usable_cores(), 0.0, 0.0
    asked = None  # to open a source may take its time
    for batch in batches:
        start = time.monotonic()
        waited += 0.0 if asked is None else start - asked
        if worked >= max(LONG, waited) and cores > 1:
            try:
                pickled = _pickled(work)
            except UNPICKLABLE:
                cores = 1
            else:
                with _workers(work, pickled, cores, stage) as (run, kill):
                    yield from call_in_threads(run, zip(itertools.chain([batch], batches)), kill)
                return
        result = work(batch)
        worked += time.monotonic() - start
        yield result
        asked = time.monotonic()


@contextmanager
def _workers(
    work: Callable[..., T], pickled: memoryview, count: int, stage: str
) -> Iterator[tuple[Callable[..., T], Callable[[], None]]]:
    """Starts worker processes, which have received the pickled ``work``.

    Yields:
        A function that has one of them call ``work``, or calls it here if its arguments can't be
        pickled; and one that kills them all.
    """
    idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()
    processes: list[subprocess.Popen[bytes]] = []

    def run(*arguments: object) -> T:
        try:
            sent = _pickled(arguments)
        except UNPICKLABLE:
            return work(*arguments)
        connection = idle.get()
        try:
            connection.send_bytes(sent)
            error, result = connection.recv()
        finally:
            idle.put(connection)
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]  # what the worker sent

    def kill() -> None:
        for process in processes:
            process.kill()

    try:
        with ExitStack() as workers:
            for _ in range(count):
                connection, process = start_child(serve)
                processes.append(process)
                workers.enter_context(process)  # waits for it after its connection was closed
                workers.enter_context(connection).send_bytes(pickled)
                idle.put(connection)
            yield run, kill
    except (EOFError, OSError) as error:
        raise BuildError(
            f"a worker process of the build could not be started or ended in the stage {stage!r}: "
            "most often memory ran out; give the build more of it, or fewer cores, and run it again"
        ) from error


def _pickled(value: object) -> memoryview:
    pickled = io.BytesIO()
    _WorkPickler(pickled).dump(value)
    return pickled.getbuffer()


class _WorkPickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Returns how to make an array in another process that is mapped from a file in this."""
        if isinstance(value, type | FunctionType) and value.__module__ == "__main__":
            raise pickle.PicklingError(f"no other process has {value.__qualname__}")
        mapped = mapped_part(value) if isinstance(value, np.ndarray) else None
        return NotImplemented if mapped is None else (map_part, mapped)


def serve(descriptor: int) -> None:
    """The worker's main loop: receives a function, then arguments, and sends what it returns.

    Args:
        descriptor: The file descriptor of this end of the connection to the build.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # they are for the parent process
        signal.signal(number, signal.SIG_IGN)
    connection = Connection(descriptor)
    with suppress(EOFError, OSError):
        work = functools.cache(functools.partial(pickle.loads, connection.recv_bytes()))
        while True:
            connection.send_bytes(_answer(work, connection.recv_bytes()))


def _answer(work: Callable[[], Callable[..., Any]], arguments: bytes) -> bytes:
    """Returns a pickled pair: an error, if there was one, and what ``work`` returned."""
    try:
        return pickle.dumps((None, work()(*pickle.loads(arguments))))  # noqa: S301 - of the parent
    except AlsoLikeError as error:
        return pickle.dumps((error, None))
    except Exception:  # noqa: BLE001 - raised where the build runs
        return pickle.dumps((RuntimeError(traceback.format_exc()), None))

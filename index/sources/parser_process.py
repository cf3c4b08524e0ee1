"""The parser process, which the kernel ends when a parser takes too much time or memory.

A parser written in C can't be interrupted from within its process, and hostile markup can make any
parser take quadratic time. So parsers run in a child process. It parses many pages one after
another, so that a page costs only two messages, not a new process.
"""

import atexit
import math
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from index.articles.record import Record, RecordProblem, SourceItem, describe
from index.child_process import start_child
from index.errors import SourceError
from index.sources.source import read_record

MAX_SECONDS = 5
"""Most processor time for one page, feed or batch of rows, in seconds."""

MAX_MEMORY = 288 * 1024 * 1024
"""Most memory of the parser process in bytes."""

_MAX_WAIT = 120.0  # seconds of wall-clock time, enough on a busy machine


class ParserStoppedError(SourceError):
    """A parser took too much time or memory, or crashed; the message says which."""


def parse_record(location: str, make: Callable[..., Record], *args: Any) -> SourceItem:
    """Makes a record by ``make(location, *args)`` in the parser process.

    If the call raises an exception, or the process had to be stopped, returns a problem instead.
    """
    try:
        (item,) = parse_apart(read_record, location, make, *args)
    except ParserStoppedError as error:
        message = f"{error}: make the record smaller or simpler, or leave it out"
        return RecordProblem(location=location, reason="parser-stopped", message=message)
    return cast("SourceItem", item)


def parse_apart(work: Callable[..., Any], *args: Any) -> Iterator[Any]:
    """Runs ``work(*args)`` in the parser process, whose time and memory are limited.

    Yields:
        The items that ``work`` yields, if it is a generator; otherwise its result, once.

    Raises:
        ParserStoppedError: If the process had to be stopped.
        SourceError: If ``work`` raised any exception; has its message.
    """
    child = _borrow()
    try:
        yield from child.run(work, args)
    except BaseException as error:
        if isinstance(error, SourceError) and not isinstance(error, ParserStoppedError):
            _idle.append(child)
        else:
            child.close()
        raise
    _idle.append(child)


def _borrow() -> "_Child":
    with suppress(IndexError):
        while True:
            if (child := _idle.pop()).is_usable():
                return child
    return _Child()


class _Child:
    """A parser process, as its parent process sees it; it runs one call at a time."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._spent = False
        self._limits = MAX_SECONDS, MAX_MEMORY
        self._connection, self._process = start_child(serve, *self._limits)

    def is_usable(self) -> bool:
        """Tells whether the process can run another call; ends the process if it can't."""
        usable = self._owner == os.getpid() and not self._spent and self._process.poll() is None
        if not usable:
            self.close()
        return usable

    def run(self, work: Callable[..., Any], args: tuple[Any, ...]) -> Iterator[Any]:
        kind = ""
        try:
            self._connection.send((work, args))
            while kind != "end":
                if not self._connection.poll(_MAX_WAIT):
                    raise ParserStoppedError(f"parsing takes more than {_MAX_WAIT:g} seconds")
                kind, value, self._spent = self._connection.recv()
                if kind == "error":
                    raise SourceError(value)
                if kind == "stopped":
                    raise ParserStoppedError(value)
                if kind == "item" or value is not None:
                    yield value
        except (EOFError, OSError):
            raise ParserStoppedError(self._why()) from None

    def close(self) -> None:
        self._connection.close()
        if self._owner == os.getpid():
            self._process.kill()
            self._process.wait()

    def _why(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            if self._process.wait(5) == -signal.SIGXCPU:
                return f"parsing takes more than {self._limits[0]} seconds of processor time"
        return f"the parser crashed, or needs more than {self._limits[1] >> 20} MiB"


_idle: list[_Child] = []


@atexit.register
def _end() -> None:
    while _idle:
        _idle.pop().close()


def serve(descriptor: int, seconds: int, memory: int) -> None:
    """The child's main loop: runs incoming calls and sends the results until the pipe closes.

    Args:
        descriptor: The file descriptor of the child's end of the pipe to the parent process.
        seconds: Most processor time for one call, in seconds.
        memory: Most memory of this process in bytes.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # they are for the parent process
        signal.signal(number, signal.SIG_IGN)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_DATA, memory)
    connection = Connection(descriptor)
    with suppress(EOFError, OSError):
        while True:
            for answer in _answers(seconds, memory, *connection.recv()):
                connection.send(answer)


def _answers(
    seconds: int, memory: int, work: Callable[..., Any], args: tuple[Any, ...]
) -> Iterator[tuple[str, Any, bool]]:
    """Runs a call and yields its results: kind, value, and whether this process should end."""

    def limit_time() -> None:
        _limit(resource.RLIMIT_CPU, math.ceil(time.process_time()) + seconds)

    try:
        limit_time()
        result = work(*args)
        if isinstance(result, Iterator):
            for item in result:
                yield "item", item, False
                limit_time()
            result = None
    except MemoryError:
        yield "stopped", f"parsing needs more than {memory >> 20} MiB", True
    except Exception as error:  # noqa: BLE001 - sent to the caller
        text = str(error) if isinstance(error, SourceError) else describe(error)
        yield "error", text, _is_larger(memory // 2)
    else:
        yield "end", result, _is_larger(memory // 2)


def _limit(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _is_larger(size: int) -> bool:
    """Tells whether this process has taken so much memory that too little is left for a page."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[5])
    except OSError:  # not Linux
        return False
    return pages * resource.getpagesize() > size

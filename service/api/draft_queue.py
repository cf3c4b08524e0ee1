"""One thread that does the slow work, and a short line of those who wait for it.

Encoding a text takes all of a processor for a while. So it happens one at a time, off the event
loop, in a thread that yields to those that answer the site; who comes when the line is full is
asked to come again.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from service.http.problems import ProblemError
from service.serving.background import background_thread

_FIRST_GUESS = 1.0

T = TypeVar("T")


class DraftQueue:
    """Runs work one by one.

    Args:
        room: How many may wait or be at work together.
        seconds: How long one may take, its waiting included.
        watch: Told how many there are, whenever that changes.
    """

    def __init__(
        self, room: int, seconds: float, watch: Callable[[int], None] = lambda _: None
    ) -> None:
        self._room = room
        self._seconds = seconds
        self._watch = watch
        self._thread = background_thread("drafts")
        self._lock = threading.Lock()
        self._usual = _FIRST_GUESS
        self.waiting = 0

    async def run(
        self, work: Callable[[], T], gone: Callable[[], Coroutine[Any, Any, object]]
    ) -> T:
        """Do some work in its turn.

        Args:
            work: Called in the thread; what it raises is raised here.
            gone: Awaited; ends when nobody waits for the answer any more.

        Raises:
            ProblemError: 429 if the line is full, 503 if it took too long or nobody waits.
        """
        job = self._enter(work)
        answer = asyncio.wrap_future(job)
        leaving = asyncio.create_task(gone())
        try:
            either: set[asyncio.Future[Any]] = {answer, leaving}
            await asyncio.wait(either, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if leaving.done():
                raise ProblemError(503, "nobody waits for the answer any more")
            raise ProblemError(
                503,
                f"relating the draft took over {self._seconds:g} s; try a shorter text",
                headers={"Retry-After": str(self._wait())},
            )
        finally:
            leaving.cancel()
            answer.cancel()  # leaves the line, unless it is at work already
            with suppress(asyncio.CancelledError):
                await leaving

    def close(self) -> None:
        """Let nobody in any more, and send those away who wait."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _enter(self, work: Callable[[], T]) -> Future[T]:
        with self._lock:
            if self.waiting >= self._room:
                raise ProblemError(
                    429,
                    f"{self.waiting} drafts are waiting already; try again later",
                    headers={"Retry-After": str(self._wait())},
                )
            self.waiting += 1
            self._watch(self.waiting)
        try:
            job = self._thread.submit(self._timed, work)
        except BaseException:
            self._leave(None)
            raise
        job.add_done_callback(self._leave)
        return job

    def _timed(self, work: Callable[[], T]) -> T:
        start = time.monotonic()
        result = work()
        self._usual += 0.2 * (time.monotonic() - start - self._usual)
        return result

    def _leave(self, _: object) -> None:
        with self._lock:
            self.waiting -= 1
            self._watch(self.waiting)

    def _wait(self) -> int:
        """Seconds after which those who wait now are probably done."""
        return max(1, math.ceil(self.waiting * self._usual))

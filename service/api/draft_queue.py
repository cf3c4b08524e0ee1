"""The queue of drafts: one thread that relates them, and a bound on how many wait.

Encoding a text takes all of a processor for a while. So drafts are related one at a time, off the
event loop, on a thread of low priority. When the queue is full, clients are asked to come again.
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
        size: How many may wait or be at work together.
        seconds: How long one may take, waiting included.
        watch: Called with the number of drafts in the queue whenever it changes.
    """

    def __init__(
        self, size: int, seconds: float, watch: Callable[[int], None] = lambda _: None
    ) -> None:
        self._size = size
        self._seconds = seconds
        self._watch = watch
        self._thread = background_thread("drafts")
        self._lock = threading.Lock()
        self._average = _FIRST_GUESS
        self.waiting = 0

    async def run(
        self, work: Callable[[], T], gone: Callable[[], Coroutine[Any, Any, object]]
    ) -> T:
        """Do some work when its turn comes.

        Args:
            work: Called in the thread; what it raises is raised here.
            gone: Awaited; ends when the client has left.

        Raises:
            ProblemError: 429 if the queue is full, 503 if it took too long or the client left.
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
                raise ProblemError(503, "the client left before the draft was answered")
            raise ProblemError(
                503,
                f"relating the draft took over {self._seconds:g} s; try a shorter text",
                headers={"Retry-After": str(self._wait())},
            )
        finally:
            leaving.cancel()
            answer.cancel()  # leaves the queue, unless it is at work already
            with suppress(asyncio.CancelledError):
                await leaving

    def close(self) -> None:
        """Accept no more work, and cancel what waits."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _enter(self, work: Callable[[], T]) -> Future[T]:
        with self._lock:
            if self.waiting >= self._size:
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
        self._average += 0.2 * (time.monotonic() - start - self._average)
        return result

    def _leave(self, _: object) -> None:
        with self._lock:
            self.waiting -= 1
            self._watch(self.waiting)

    def _wait(self) -> int:
        """Seconds after which all that is in the queue now is probably done."""
        return max(1, math.ceil(self.waiting * self._average))

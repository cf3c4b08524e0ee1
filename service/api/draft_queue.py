"""The queue of drafts: one thread processes them, and only a limited number may wait.

Encoding a text uses a whole processor core for a while. So drafts are processed one at a time, off
the event loop, on a low-priority thread. When the queue is full, clients get 429 and must wait.
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
    """Runs jobs one at a time on a low-priority thread.

    Args:
        size: The largest number of jobs that may wait or run at once.
        seconds: The longest time that a job may take, including waiting, in seconds.
        watch: Called with the number of jobs in the queue whenever it changes.
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
        """Runs a job when its turn comes, and returns its result.

        Args:
            work: The job; called in the thread, its exceptions are raised here.
            gone: A function that returns a coroutine, which ends when the client disconnects.

        Raises:
            ProblemError: 429 if the queue is full, 503 if the job takes too long or the client
                disconnects.
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
                raise ProblemError(503, "the client disconnected before the draft was answered")
            raise ProblemError(
                503,
                f"the draft was not answered within {self._seconds:g} s; try a shorter text",
                headers={"Retry-After": str(self._wait())},
            )
        finally:
            leaving.cancel()
            answer.cancel()  # removes the job, unless it is running already
            with suppress(asyncio.CancelledError):
                await leaving

    def close(self) -> None:
        """Closes the queue: waiting jobs are cancelled, and new ones are refused."""
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
        """Estimates the seconds until all jobs in the queue are done."""
        return max(1, math.ceil(self.waiting * self._average))

"""One thread does the slow work; the line before it is short, and nobody in it waits for ever."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable

import pytest

from service.api.draft_routes import DraftQueue
from service.http.problems import ProblemError


async def stays() -> None:
    await asyncio.Event().wait()


def with_queue(
    room: int, seconds: float, play: Callable[[DraftQueue], Awaitable[None]]
) -> list[int]:
    """Play a scene; returns the lengths that the line had."""
    seen: list[int] = []
    queue = DraftQueue(room, seconds, seen.append)
    asyncio.run(asyncio.wait_for(play(queue), 30))
    return seen


async def until(found: Callable[[], bool]) -> None:
    while not found():
        await asyncio.sleep(0.01)


def test_work_is_done_one_by_one_in_its_order_and_off_the_event_loop() -> None:
    done: list[tuple[int, int]] = []
    busy = threading.Lock()

    def work(number: int) -> int:
        assert busy.acquire(blocking=False), "two at once"
        done.append((number, threading.get_ident()))
        busy.release()
        return number

    async def play(queue: DraftQueue) -> None:
        turns = [queue.run(lambda number=number: work(number), stays) for number in range(5)]
        assert await asyncio.gather(*turns) == [0, 1, 2, 3, 4]

    seen = with_queue(5, 30, play)
    assert [number for number, _ in done] == [0, 1, 2, 3, 4]
    assert {thread for _, thread in done} - {threading.get_ident()}
    assert len({thread for _, thread in done}) == 1
    assert min(seen) == seen[-1] == 0
    assert len(seen) == 10, "five came and five went"


def test_who_comes_when_the_line_is_full_is_told_when_to_come_again() -> None:
    release = threading.Event()

    async def play(queue: DraftQueue) -> None:
        first = [asyncio.create_task(queue.run(release.wait, stays)) for _ in range(2)]
        await until(lambda: queue.waiting == 2)
        with pytest.raises(ProblemError) as caught:
            await queue.run(lambda: True, stays)
        assert caught.value.status == 429
        assert caught.value.headers is not None
        assert int(caught.value.headers["Retry-After"]) >= 1
        release.set()
        await asyncio.gather(*first)
        assert await queue.run(lambda: "now", stays) == "now"

    with_queue(2, 30, play)


def test_who_leaves_the_line_is_never_worked_for() -> None:
    release = threading.Event()
    worked: list[str] = []

    async def play(queue: DraftQueue) -> None:
        first = asyncio.create_task(queue.run(release.wait, stays))
        await until(lambda: queue.waiting == 1)
        left = asyncio.Event()

        async def leave() -> None:
            await left.wait()

        second = asyncio.create_task(queue.run(lambda: worked.append("second"), leave))
        await until(lambda: queue.waiting == 2)
        left.set()
        with pytest.raises(ProblemError, match="the client disconnected"):
            await second
        assert queue.waiting == 1
        release.set()
        await first

    with_queue(4, 30, play)
    assert worked == []


def test_what_takes_too_long_is_given_up_and_still_fills_the_line_until_it_ends() -> None:
    release = threading.Event()

    async def play(queue: DraftQueue) -> None:
        with pytest.raises(ProblemError, match=r"within 0\.05 s") as caught:
            await queue.run(release.wait, stays)
        assert caught.value.status == 503
        assert queue.waiting == 1, "the thread is still at it"
        with pytest.raises(ProblemError, match="waiting already"):
            await queue.run(lambda: True, stays)
        release.set()
        await until(lambda: queue.waiting == 0)

    with_queue(1, 0.05, play)


def test_what_work_raises_reaches_who_asked_and_nobody_else() -> None:
    def fail() -> None:
        raise ValueError("a bad text")

    async def play(queue: DraftQueue) -> None:
        with pytest.raises(ValueError, match="a bad text"):
            await queue.run(fail, stays)
        assert await queue.run(lambda: 7, stays) == 7

    with_queue(1, 30, play)


def test_a_request_that_is_cancelled_leaves_the_line() -> None:
    release = threading.Event()

    async def play(queue: DraftQueue) -> None:
        first = asyncio.create_task(queue.run(release.wait, stays))
        second = asyncio.create_task(queue.run(lambda: True, stays))
        await until(lambda: queue.waiting == 2)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert queue.waiting == 1
        release.set()
        await first

    with_queue(4, 30, play)


def test_the_thread_yields_to_those_that_answer_the_site() -> None:
    async def play(queue: DraftQueue) -> None:
        mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        theirs = await queue.run(
            lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), stays
        )
        assert theirs > mine or theirs == 19

    with_queue(1, 30, play)

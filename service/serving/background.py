"""Work that must not slow down requests: it runs on threads with low CPU priority."""

import asyncio
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from index.build.build import Build
from recommender.errors import AlsoLikeError
from service.serving.live import Live

_LOWER_BY = 10


def background_thread(name: str) -> ThreadPoolExecutor:
    """Returns an executor that runs tasks one after another on a thread with low CPU priority.

    Threads that its tasks start have the same low priority.

    Args:
        name: The beginning of the thread's name.
    """
    return ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_lower_priority)


def _lower_priority() -> None:
    with suppress(OSError, AttributeError):  # some systems only have priorities of processes
        thread = threading.get_native_id()
        lower = os.getpriority(os.PRIO_PROCESS, thread) + _LOWER_BY
        os.setpriority(os.PRIO_PROCESS, thread, lower)


log = logging.getLogger("alsolike")

LOOK_SECONDS = 0.5


async def keep_warm(live: Live) -> None:
    """Reads ahead the files that editors' pages need, whenever a build is loaded.

    Runs until cancelled, and reads on a thread. A request that needs a file which has not been read
    yet waits for that file only. Most of the time is spent on hashing, during which other threads
    can run.

    Args:
        live: Holds the published build.
    """
    thread = background_thread("warming")
    warm = None
    while True:
        build = live.build
        if build is not None and build.name != warm:
            warm = build.name
            await asyncio.wrap_future(thread.submit(_warm_up, build))
            del build  # this variable must not keep a replaced build open until the next loop
        await asyncio.sleep(LOOK_SECONDS)


def _warm_up(build: Build) -> None:
    try:
        build.warm_up()
    except AlsoLikeError as error:
        log.error("editors can't read or search the articles of %s: %s", build.name, error)

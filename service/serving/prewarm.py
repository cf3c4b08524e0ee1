"""Reads the files that editors' pages need as soon as the service has loaded a build."""

from __future__ import annotations

import asyncio
import logging

from index.build.build import Build
from recommender.errors import AlsoLikeError
from service.serving.background import background_thread
from service.serving.live import Live

log = logging.getLogger("alsolike")

LOOK_SECONDS = 0.5


async def keep_warm(live: Live) -> None:
    """Reads the files that editors' pages need, for each build that is loaded, until cancelled.

    This happens on a thread. A request that needs a file which has not been read yet waits for that
    file only. Most of the time is spent on hashing, during which other threads can run.
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

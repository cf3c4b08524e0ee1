"""The live build of a serving process: opened, watched, swapped when ``CURRENT`` changes."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from index.build import Build
from index.root import Root
from recommender.errors import AlsoLikeError, NotFoundError

log = logging.getLogger("alsolike")

WATCH_SECONDS = 0.5
RETRY_SECONDS = 30.0


@dataclass(slots=True)
class Live:
    """What is served now, and why a newer build is not, if it was refused.

    A request takes ``build`` once and finishes on it; a swap only changes what the next
    request takes.
    """

    root: Root
    build: Build | None = None
    refused: str | None = None
    _seen: tuple[int, int, int] | None = None
    _retry: float = 0.0

    def refresh(self) -> None:
        """Open what ``CURRENT`` names if that changed; a bad build is refused and logged.

        What was refused is tried again now and then: a disk may come back, a file be restored.
        """
        stamp = self._stamp()
        if stamp == self._seen and time.monotonic() < self._retry:
            return
        self._seen, self._retry = stamp, float("inf")
        try:
            self._open_current()
        except (AlsoLikeError, OSError) as error:
            self._retry = time.monotonic() + RETRY_SECONDS
            if str(error) != self.refused:
                self.refused = str(error)
                log.error("still serving %s: %s", self._name(), error)

    def _open_current(self) -> None:
        pointer = self.root.current()
        if pointer is None:
            raise NotFoundError(f"nothing is published in {self.root.path}")
        if self.build is None or self.build.name != pointer.build:
            start = time.perf_counter()
            build = Build(self.root.folder(pointer.build), manifest_sha256=pointer.manifest_sha256)
            self.build = build
            log.info(
                "serving build %s: %d articles, opened in %.3f s",
                build.name,
                build.count,
                time.perf_counter() - start,
            )
        self.refused = None

    async def watch(self) -> None:
        """Refresh until cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await asyncio.to_thread(self.refresh)

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = (self.root.path / "CURRENT").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _name(self) -> str:
        return "nothing" if self.build is None else self.build.name

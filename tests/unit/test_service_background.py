"""What is read of a build before anyone asks for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from index.build.build import Build
from index.errors import BuildError
from index.root.root import Root
from service.serving import background as warming
from service.serving.background import keep_warm
from service.serving.live import Live
from tests.support.articles import prose
from tests.support.builds import publish
from tests.support.undecided import Undecided

FILES = ("articles.sqlite", "search.sqlite")


@pytest.fixture
def records() -> list[dict[str, str]]:
    return [
        {"id": f"piece-{number}", "title": f"Piece {number}", "summary": prose(number)}
        for number in range(5)
    ]


@pytest.fixture
def live(tmp_path: Path, records: list[dict[str, str]]) -> Live:
    publish(Root(tmp_path / "root"), tmp_path, records)
    return Live(Root(tmp_path / "root"), Undecided())


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "LOOK_SECONDS", 0.005)


@asynccontextmanager
async def warmed(live: Live) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_warm(live))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.005)


def is_warm(build: Build | None) -> bool:
    """Whether its files were opened: a property that was asked for is kept in the object."""
    return build is not None and {"articles", "full_text"} <= vars(build).keys()


def lose(build: Build) -> None:
    for name in FILES:
        (build.folder / name).unlink()


def test_what_editors_read_is_open_before_they_ask(live: Live) -> None:
    async def play() -> None:
        live.refresh()
        async with warmed(live):
            await until(lambda: is_warm(live.build))

    asyncio.run(play())
    assert live.build is not None
    lose(live.build)
    assert live.build.article(0).title == "Piece 0", "it was opened, so the file's name may go"
    assert live.build.full_text.search("piece", 9) == [0, 1, 2, 3, 4]
    fresh = live.root.open()
    with pytest.raises(BuildError, match=r"articles\.sqlite"):
        fresh.article(0)
    with pytest.raises(BuildError, match=r"search\.sqlite"):
        _ = fresh.full_text


def test_each_build_that_becomes_live_is_warmed_up(
    live: Live, tmp_path: Path, records: list[dict[str, str]]
) -> None:
    async def play() -> None:
        async with warmed(live):
            live.refresh()  # there was none yet when it was first looked for
            await until(lambda: is_warm(live.build))
            first = live.build
            publish(live.root, tmp_path, records[:3])
            live.refresh()
            assert live.build is not first
            await until(lambda: is_warm(live.build))

    asyncio.run(play())


def test_a_damaged_file_is_logged_once_and_the_next_build_warmed_up_all_the_same(
    live: Live, tmp_path: Path, records: list[dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    (live.root.folder() / "articles.sqlite").write_bytes(b"")

    async def play() -> None:
        live.refresh()
        async with warmed(live):
            await until(lambda: bool(caplog.records))
            publish(live.root, tmp_path, records[:3])
            live.refresh()
            await until(lambda: is_warm(live.build))

    with caplog.at_level(logging.ERROR, logger="alsolike"):
        asyncio.run(play())
    [told] = [record.getMessage() for record in caplog.records]
    assert "articles.sqlite" in told
    assert told.startswith("editors can't read or search")

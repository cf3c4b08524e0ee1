"""What a start does at once, what it leaves for later, and what becomes of that."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from index.build.build import Build
from service.http.middleware import LateApp


def page() -> ASGIApp:
    return Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])


def test_page_views_and_probes_are_answered_before_pages_and_api_are_imported(
    sample_build: Build,
) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from service.settings import Settings
from service.app import create_app
from service.http.middleware import LateApp

waiting = asyncio.Event()

async def composed(self):
    await waiting.wait()

LateApp.composed = composed
app = create_app(Settings(root=Path(sys.argv[1])))
found = {}

async def ask(path, query=b""):
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
             "query_string": query, "headers": []}
    async def send(message):
        if message["type"] == "http.response.start":
            found[path] = message["status"]
    await app(scope, None, send)

async def main():
    started, ends = asyncio.Event(), asyncio.Event()
    async def receive():
        if started.is_set():
            await ends.wait()
        return {}
    async def send(message):
        started.set()
    life = asyncio.create_task(app({"type": "lifespan"}, receive, send))
    await started.wait()
    await ask("/readyz")
    await ask("/livez")
    await ask("/v1/related", b"id=" + sys.argv[2].encode())
    ends.set()
    await life

asyncio.run(main())
assert found == {"/readyz": 200, "/livez": 200, "/v1/related": 200}, found
assert "fastapi" not in sys.modules
assert not [name for name in sys.modules if name.startswith("service.editor")]
"""
    root = sample_build.folder.parent.parent
    known = next(
        sample_build.article_id(row)
        for row in range(sample_build.count)
        if sample_build.is_visible(row, 1_790_000_000_000_000)
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(root), known],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_whoever_asks_early_waits_and_it_is_composed_once() -> None:
    made, begun, go = [], threading.Event(), threading.Event()

    def compose() -> ASGIApp:
        begun.set()
        go.wait()
        made.append(page())
        return made[0]

    app = LateApp(compose)

    async def ask_thrice() -> list[ASGIApp]:
        early = [asyncio.create_task(app.composed()) for _ in range(3)]
        await asyncio.to_thread(begun.wait)
        assert not any(one.done() for one in early)
        go.set()
        return await asyncio.gather(*early)

    assert asyncio.run(ask_thrice()) == [made[0]] * 3
    assert len(made) == 1
    assert TestClient(app).get("/").text == "here"


def test_what_could_not_be_composed_is_tried_again() -> None:
    tries: list[int] = []

    def compose() -> ASGIApp:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("a file was away")
        return page()

    app = LateApp(compose)
    answer = TestClient(app).get("/")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert "away" not in answer.text, "the log says what it was"
    assert TestClient(app).get("/").text == "here"


@pytest.mark.parametrize("stage", ["startup", "shutdown"])
def test_a_server_is_told_what_failed_at_its_start_or_end(stage: str) -> None:
    @asynccontextmanager
    async def running(_: object) -> AsyncIterator[None]:
        if stage == "startup":
            raise OSError("no disk")
        yield
        raise OSError("no disk")

    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {}

    async def send(message: Any) -> None:
        told.append(message)

    app = Router(default=page(), lifespan=running)
    with pytest.raises(OSError, match="no disk"):
        asyncio.run(app({"type": "lifespan"}, receive, send))
    assert told[-1]["type"] == f"lifespan.{stage}.failed"
    assert "no disk" in told[-1]["message"]

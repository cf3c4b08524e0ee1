"""Holds unit tests to what they are: no process, no network, no real model."""

from __future__ import annotations

import math
import sys
from collections.abc import Generator
from multiprocessing import util
from pathlib import Path
from typing import Any

import pytest

PROCESSES = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system")
NETWORK = ("socket.bind", "socket.connect")

HERE = Path(__file__).parent

_guarded = False


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    """An audit hook: Python itself tells it of every process and connection before it is made."""
    if _guarded and (event in PROCESSES or event in NETWORK):
        pytest.fail(
            f"A unit test starts no process and uses no network, and this one raised {event}: "
            "move it to tests/integration, or to tests/e2e if it runs a command or a server"
        )


sys.addaudithook(_refuse)


def _refuse_spawn(*_: Any) -> int:
    """What multiprocessing starts by spawn or forkserver, for which there is no audit event."""
    _refuse("os.posix_spawn", ())
    raise AssertionError("not reached")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Around each test of this folder with its fixtures, whatever their scope."""
    global _guarded
    if not item.path.is_relative_to(HERE):  # pytest asks this for every test, once it knows it
        return (yield)
    if item.get_closest_marker("model") or item.get_closest_marker("browser"):
        raise pytest.UsageError(f"{item.nodeid}: real models and browsers belong elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(util, "spawnv_passfds", _refuse_spawn)
        if workers := sys.modules.get("index.building.worker_processes"):
            patch.setattr(workers, "LONG", math.inf)  # a slow machine starts no process either
        _guarded = True
        try:
            return (yield)
        finally:
            _guarded = False

"""Real processes and real requests, for the tests that need them."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recommender.errors import SettingError
from service.server import bind

_PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def get(url: str) -> Answer | None:
    """A real GET; ``None`` if nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers), error.read())
    except OSError:
        return None


def until(found: Callable[[], Any]) -> Any:
    """Wait for something to come true; a slow machine is no failure."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"did not come true within {_PATIENCE:.0f} s")


def free_ports() -> int:
    """A port that is free, and so is the next; neither is one that systems give to connections."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with suppress(SettingError), bind("127.0.0.1", port), bind("127.0.0.1", port + 1):
            return port


@contextmanager
def alsolike(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a process of its own, interrupted at the end as by Ctrl+C.

    Args:
        *arguments: Of the command line.
        folder: Where it runs; its output goes to ``stdout`` and ``stderr`` there.
        environment: Added to this process's.
    """
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", *arguments],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        try:
            yield process
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> int:
    """Press Ctrl+C and wait for the end."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise

"""Requests per second and the slowest hundredth, by wrk against a real process on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.memory import descendants, proportional_bytes
from benchmarks.support.servers import find_program, free_port, running

CONNECTIONS = 16
_FEW, _LONGER = 40, 6

# Every request is for an article drawn at random; each thread of wrk draws its own.
_SCRIPT = """
local threads = 0
function setup(thread) thread:set("seed", threads); threads = threads + 1 end
function init(args)
  paths = {}
  for line in io.lines(args[1]) do paths[#paths + 1] = line end
  math.randomseed(20260101 + seed)
end
function request() return wrk.format("GET", paths[math.random(#paths)]) end
function done(summary, latency)
  local wrong = summary.errors
  io.write(string.format('{"requests": %d, "us": %d, "p99_us": %d, "wrong": %d}\\n',
    summary.requests, summary.duration, latency:percentile(99),
    wrong.connect + wrong.read + wrong.write + wrong.status + wrong.timeout))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a server did.

    Attributes:
        rps: Requests per second with :data:`CONNECTIONS` at a time.
        p99_ms: The slowest hundredth with one at a time, so without waiting in line.
        serve_mb: Memory of the web process and of any server behind it, after that.
    """

    rps: float
    p99_ms: float
    serve_mb: float


def measure_load(
    command: Callable[[int], Sequence[str]], paths: Sequence[str], folder: Path, seconds: float
) -> Load:
    """Start a web process, ask it, and stop it.

    Args:
        command: Of the process, by the port it shall listen on.
        paths: What to ask for, at random.
        folder: Where wrk's files may lie.
        seconds: How long each of the two runs lasts.
    """
    (folder / "paths.txt").write_text("\n".join(paths) + "\n")
    (folder / "wrk.lua").write_text(_SCRIPT)
    port = free_port()
    with running(command(port), Path(os.devnull), port, lambda: _answers(port, paths[0])):
        _wrk(folder, port, CONNECTIONS, min(1.0, seconds))  # warm
        many = _enough(folder, port, CONNECTIONS, seconds)
        one = _enough(folder, port, 1, seconds)
        memory = sum(map(proportional_bytes, descendants(os.getpid())))
    if many["wrong"] or one["wrong"]:
        raise RuntimeError(
            f"{many['wrong'] + one['wrong']} requests failed: {' '.join(command(port))}"
        )
    return Load(
        rps=round(many["requests"] / many["us"] * 1e6, 1),
        p99_ms=round(one["p99_us"] / 1000, 3),
        serve_mb=round(memory / 1e6, 1),
    )


def _enough(folder: Path, port: int, connections: int, seconds: float) -> dict[str, int]:
    """Ask for longer where a server is so slow that next to nothing was answered."""
    found = _wrk(folder, port, connections, seconds)
    if found["requests"] < _FEW:
        found = _wrk(folder, port, connections, _LONGER * seconds)
    return found


def _wrk(folder: Path, port: int, connections: int, seconds: float) -> dict[str, int]:
    threads = min(2, connections)
    done = subprocess.run(
        [
            *(find_program("wrk"), f"-t{threads}", f"-c{connections}"),
            f"-d{max(1, round(seconds))}s",
            *("--timeout", "60s", "-s", folder / "wrk.lua", f"http://127.0.0.1:{port}"),
            *("--", folder / "paths.txt"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def _answers(port: int, path: str) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        address = f"http://127.0.0.1:{port}{path}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return bool(answer.read())
    return False

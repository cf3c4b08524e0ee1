"""A build may be killed at any moment: what was live stays live, and the next one cleans up."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from index.query import RelatedQuery
from index.root.root import Root
from service.serving.selection import select
from service.serving.serving_view import ServingView
from tests.support.articles import topical
from tests.support.service_process import until


def build_command(root: Root, source: Path) -> list[str]:
    build = [sys.executable, "-m", "service.cli", "build", str(source)]
    return [*build, "--root", str(root.path), "--model", "hashing:64"]


def write_corpus(path: Path, count: int, *, seed: int) -> Path:
    """Articles, most of them the same whatever the seed: no gate has to hold them."""
    records = topical(count)
    records[::20] = topical(count, seed=seed)[::20]
    path.write_text("\n".join(json.dumps(record) for record in records))
    return path


def live_name(root: Root) -> str:
    pointer = root.current()
    assert pointer is not None
    return pointer.build


def check_that_builds_survive(folder: Path, kills: int, articles: int) -> None:
    root = Root(folder / "root")
    sources = [write_corpus(folder / f"{seed}.jsonl", articles, seed=seed) for seed in (1, 2)]
    start = time.perf_counter()
    subprocess.run(build_command(root, sources[0]), check=True, capture_output=True, timeout=120)
    duration = time.perf_counter() - start
    live = live_name(root)
    draw = random.Random(kills)
    interrupted = unfinished = 0
    for kill in range(kills):
        with subprocess.Popen(
            # Other texts each time, so that there is something to encode.
            [*build_command(root, sources[(kill + 1) % 2]), *["--small"] * (kill % 3 > 0)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            if kill == 0:  # surely in the middle
                until(lambda one=process: any(root.builds.glob(".*")) or one.poll() is not None)
            else:  # spread over the whole of a build, its last moments included
                time.sleep(duration * (kill + draw.random()) / kills)
            process.kill()
            interrupted += process.wait() < 0
        unfinished += any(path.name.startswith(".") for path in root.builds.iterdir())
        if live_name(root) != live:  # it was done already, or just about
            live = live_name(root)
        check_that_it_serves(root)
        for name in root.names():  # whatever has a build's name is one
            root.verify(name)
    assert interrupted >= max(1, kills // 4)
    assert unfinished >= 1
    assert kills < 20 or any(root.manifest(name).small for name in root.names())
    subprocess.run(build_command(root, sources[1]), check=True, capture_output=True, timeout=120)
    assert all(not path.name.startswith(".") for path in root.builds.iterdir())
    assert not list(root.path.glob(".*.tmp"))
    assert live_name(root) == root.names()[-1]
    check_that_it_serves(root)


def check_that_it_serves(root: Root) -> None:
    root.verify()
    build = root.open()
    row = build.row("sea-000")
    assert row is not None
    assert (
        len(select(ServingView(build), row, now=time.time_ns() // 1000, query=RelatedQuery())) == 6
    )


@pytest.mark.long
def test_a_build_killed_at_any_moment_leaves_the_previous_one_live(tmp_path: Path) -> None:
    check_that_builds_survive(tmp_path, 4, articles=120)


@pytest.mark.full
@pytest.mark.timeout(3_000)
def test_two_hundred_killed_builds_leave_one_live(tmp_path: Path) -> None:
    check_that_builds_survive(tmp_path, 200, articles=600)

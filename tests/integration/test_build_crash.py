"""Dying processes, dying sources and full disks: the live build stays intact.

Builds killed at any moment are in test_build_killed.py; here it is everything around them.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from index.articles.record import Record, RecordProblem
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.errors import BuildError, BusyError, SourceError
from index.publishing.retention import prune
from index.root.journal import read_journal
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from tests.support.builds import SAMPLE, plain_mapping
from tests.support.fork_server import forked
from tests.support.small_disk import fill, small_disk

pytestmark = pytest.mark.slow_first

WRITE = Callable[[Iterable[Any]], Path]
SOURCE = SAMPLE / "articles.jsonl"


def build(root: Root, source: Any = None, *, publish: bool = True) -> str:
    options = BuildOptions(mapping=plain_mapping())
    sources = [source or JsonlSource(str(SOURCE))]
    manifest = make_build(root, sources, lambda: HashingEncoder(32), options).manifest
    if publish:
        root.make_live(root.verify(manifest.name))
    return manifest.name


def operate_for_ever(path: Path, begun: Any) -> None:
    """Everything operations do, again and again: build, publish, go back, release, prune."""
    root = Root(path)
    begun.set()
    while True:
        with root.locked("test"):
            root.release()  # a kill between the two below leaves a hold, as it must
            build(root)
            build(root)
            root.rollback()
            root.release()
            prune(root, 2)


def build_once(path: Path) -> None:
    root = Root(path)
    with root.locked("the first builder"):
        build(root)


def live_name(root: Root) -> str:
    pointer = root.current()
    assert pointer is not None
    return pointer.build


def check_root(root: Root) -> None:
    """What must hold after anything: the live build verifies, and all is told and tidy."""
    root.verify()
    with root.locked("test"):
        pass
    assert {path.name for path in root.builds.iterdir()} == set(root.names())
    assert not list(root.path.glob(".*.tmp"))
    moves = [
        line
        for line in read_journal(root.path)
        if line["event"] in ("publish", "force", "rollback")
    ]
    assert moves[-1]["build"] == live_name(root)
    for name in root.kept_for_rollback():
        root.verify(name)


def check_kills(folder: Path, kills: int, how: signal.Signals) -> None:
    root = Root(folder / "root")
    with root.locked("test"):
        build(root)
        start = time.perf_counter()
        build(root)
        once = time.perf_counter() - start
    draw = random.Random(kills)
    for _ in range(kills):
        begun = forked().Event()
        process = forked().Process(target=operate_for_ever, args=(root.path, begun))
        process.start()
        begun.wait()
        time.sleep(draw.uniform(0, 4 * once))
        assert process.pid is not None
        os.kill(process.pid, how)
        process.join()
        assert process.exitcode == -how
        check_root(root)
    unfinished = [line for line in read_journal(root.path) if line["event"] == "clean-up"]
    assert unfinished  # some were met in the middle of a build


@pytest.mark.long
def test_operations_killed_at_any_moment_leave_a_live_build(tmp_path: Path) -> None:
    check_kills(tmp_path, 5, signal.SIGKILL)


def test_operations_ended_politely_leave_a_live_build(tmp_path: Path) -> None:
    check_kills(tmp_path, 3, signal.SIGTERM)


@pytest.mark.full
@pytest.mark.timeout(1_800)
def test_two_hundred_kills_leave_a_live_build(tmp_path: Path) -> None:
    check_kills(tmp_path, 200, signal.SIGKILL)


@pytest.mark.full
@pytest.mark.model
@pytest.mark.timeout(900)
def test_builds_with_the_real_model_killed_at_any_moment_leave_a_live_build(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    lines = SOURCE.read_text().splitlines()
    root = Root(tmp_path / "root")

    def command(texts: int) -> list[str]:
        source = write_jsonl(lines[:texts])
        return [
            sys.executable,
            "-m",
            "service.cli",
            "build",
            str(source),
            "--root",
            str(root.path),
        ]

    start = time.perf_counter()
    subprocess.run(command(60), check=True, capture_output=True)
    once = time.perf_counter() - start
    draw = random.Random(5)
    for kill in range(5):
        with subprocess.Popen(
            command(60 + kill), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(once * (0.4 + 0.6 * draw.random()))
            process.kill()
        check_root(root)


def test_two_builders_at_once_are_one_builder_and_one_refusal(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    with root.locked("test"):
        before = build(root)
    process = forked().Process(target=build_once, args=(root.path,))
    process.start()
    while "the first builder" not in (root.path / ".lock").read_text():
        assert process.is_alive()
    with (
        pytest.raises(BusyError, match=rf"the first builder \(process {process.pid}\)"),
        root.locked("the second builder"),
    ):
        build(root)
    process.join()
    assert process.exitcode == 0
    assert live_name(root) > before
    check_root(root)


class DyingSource:
    """Gives some articles, then dies."""

    name = "a feed"

    def __init__(self, death: Exception) -> None:
        self._death = death

    def records(self) -> Iterator[Record | RecordProblem]:
        for number in range(50):
            values = {"id": f"a{number}", "title": f"Title {number}"}
            yield Record(location=f"item {number}", values=values)
        raise self._death


@pytest.mark.parametrize(
    ("death", "expected"),
    [
        (SourceError("the feed closed the connection after item 50"), SourceError),
        (ConnectionResetError("reset by peer"), BuildError),
        (RuntimeError("a fault of the reader's"), RuntimeError),
    ],
)
def test_a_source_that_dies_midway_changes_nothing(
    tmp_path: Path, death: Exception, expected: type[Exception]
) -> None:
    root = Root(tmp_path / "root")
    with root.locked("test"):
        before = build(root)
        with pytest.raises(expected, match=str(death)):
            build(root, DyingSource(death))
    assert live_name(root) == before
    assert root.names() == [before]
    last = read_journal(root.path)[-1]
    assert last["event"] == "fail"
    assert str(death) in last["reason"]
    check_root(root)


def test_a_file_cut_short_is_refused_whole(tmp_path: Path) -> None:
    whole = gzip.compress(SOURCE.read_bytes())
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    root = Root(tmp_path / "root")
    with root.locked("test"):
        before = build(root)
        with pytest.raises(SourceError, match="can't be read to its end"):
            build(root, JsonlSource(str(tmp_path / "cut.jsonl.gz")))
    assert live_name(root) == before
    check_root(root)


def command(root: Root, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments, "--root", str(root.path)],
        check=False,
        capture_output=True,
        text=True,
    )


def check_full_disks(disk: Path, shares: list[float], *options: str) -> None:
    """Build with room for each share of a build; the last is room enough."""
    root = Root(disk / "root")
    with root.locked("test"):
        before = build(root)
    need = sum(path.stat().st_size for path in root.folder().iterdir())
    for share in shares:
        ballast = fill(disk, int(need * share))
        arguments = (str(SOURCE), "--model", "hashing:32", "--no-publish", *options)
        done = command(root, "build", *arguments)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in (0, 4), (done.returncode, done.stderr)  # never a signal
        assert live_name(root) == before
        root.verify()
        ballast.unlink()
        if done.returncode:
            assert done.stderr.startswith("alsolike: ")
            assert root.names() == [before]
        else:
            root.remove(root.names()[-1])
        check_root(root)
    assert done.returncode == 0


@pytest.mark.long
def test_a_disk_that_fills_up_changes_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        check_full_disks(disk, [0.0, 0.4, 0.8, 3.0])


@pytest.mark.long
def test_a_disk_that_fills_up_during_a_small_build_changes_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        check_full_disks(disk, [0.3, 0.8, 3.0], "--small")


@pytest.mark.full
def test_a_disk_that_fills_up_at_any_stage_changes_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        check_full_disks(disk, [*(step / 30 for step in range(2, 63)), 3.0])


def test_on_a_full_disk_nothing_is_half_published(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 12) as disk:
        root = Root(disk / "root")
        with root.locked("test"):
            first, second = build(root), build(root, publish=False)
        for name in ("journal.jsonl", "CURRENT"):  # no room is left in their last blocks
            path = root.path / name
            assert path.stat().st_size < 4096
        ballast = fill(disk, 0)
        done = command(root, "publish", second)
        assert "Traceback" not in done.stderr
        assert live_name(root) in (first, second)
        root.verify()
        assert (done.returncode == 0) == (live_name(root) == second)
        ballast.unlink()
        check_root(root)
        assert command(root, "publish", second).returncode == 0
        assert live_name(root) == second


def test_the_command_says_what_a_dead_build_left(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    with root.locked("test"):
        build(root)
    left = root.start_build("20260102T030405Z-0a1b2c")
    (left / "ids.bin").write_bytes(b"half")
    done = command(root, "build", str(SOURCE), "--model", "hashing:32")
    assert done.returncode == 0
    assert "cleaning up: build 20260102T030405Z-0a1b2c was left unfinished" in done.stderr
    (line,) = (entry for entry in read_journal(root.path) if entry["event"] == "clean-up")
    assert json.dumps(line).count("20260102T030405Z-0a1b2c") == 1

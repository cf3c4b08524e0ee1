"""Several serving processes: one dies, builds change under load, figures add up."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from index.root.comparison import block_of
from index.root.root import Root
from recommender.visibility import utc_now
from service.http.processes import METRICS_DIRECTORY, is_running
from service.server import _sweep
from tests.support.articles import prose, topical
from tests.support.builds import publish
from tests.support.compared_site import ComparedSite
from tests.support.service_process import Answer, alsolike, free_ports, get, until

MARKS = ("#aaa", "#bbb")


def marked_builds(root: Root, folder: Path) -> list[str]:
    """Two builds of the same ids; every title of each carries its mark."""
    names = []
    for mark in MARKS:
        records = [
            {
                "id": f"p-{number}",
                "title": f"Piece {number} {mark}",
                "summary": prose(number),
            }
            for number in range(24)
        ]
        names.append(publish(root, folder, records))
    return names


@contextmanager
def service(root: Root, folder: Path, workers: int) -> Iterator[str]:
    port = free_ports()
    serve = ("serve", "--root", str(root.path), "--port", str(port), "--workers", str(workers))
    with alsolike(*serve, folder=folder):
        base = f"http://127.0.0.1:{port}"
        until(lambda: (answer := get(f"{base}/readyz")) and answer.status == 200)
        until(lambda: len(started(folder)) == workers)
        yield base


def started(folder: Path) -> list[int]:
    """Every worker that ever was ready to serve, in the order of their starts."""
    log = (folder / "stderr").read_text()
    if "Application startup complete" not in log:
        return []
    ready = log.count("Application startup complete")
    return [int(pid) for pid in re.findall(r"Started server process \[(\d+)\]", log)][:ready]


def test_a_worker_that_dies_is_replaced_while_the_others_serve(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    marked_builds(root, tmp_path)
    with service(root, tmp_path, workers=2) as base:
        first, _ = started(tmp_path)
        served: list[int] = []
        os.kill(first, signal.SIGKILL)
        answered = time.monotonic()
        while len(started(tmp_path)) < 3:
            answer = get(f"{base}/v1/related?id=p-1")
            if answer is None:  # a connection that the dead worker had accepted
                assert time.monotonic() - answered < 5
                continue
            answered = time.monotonic()
            served.append(answer.status)
        assert set(served) == {200}
    assert "Traceback" not in (tmp_path / "stderr").read_text()


def test_all_workers_give_an_article_the_lists_of_the_same_variant(tmp_path: Path) -> None:
    site = ComparedSite(tmp_path, topical(24))
    block = 604_800
    comparison = site.compare(block=block, weights={"meaning": 0.0, "words": 1.0})
    site.build(topical(24))
    live, varied = site.both()
    number = block_of(utc_now(), block)
    ids = [live.article_id(row) for row in range(24)]
    expected = {}
    for row, key in enumerate(ids):
        build = varied if comparison.picks(key, number) else live
        expected[key] = [build.article_id(other) for other in build.related_rows[row, :3]]
    assert any(
        expected[key] != [live.article_id(other) for other in live.related_rows[row, :3]]
        for row, key in enumerate(ids)
    )
    for restart in range(2):
        folder = tmp_path / f"service-{restart}"
        folder.mkdir()
        with service(site.root, folder, workers=2) as base:
            for key in ids * 6:  # on a new connection each, which either worker takes
                answer = get(f"{base}/v1/related?id={key}&limit=3")
                assert answer is not None
                assert [each["article_id"] for each in answer.json()["items"]] == expected[key]


def test_workers_end_with_the_process_that_started_them_and_the_next_one_cleans_up(
    tmp_path: Path,
) -> None:
    root = Root(tmp_path / "root")
    marked_builds(root, tmp_path)
    port = str(free_ports())
    temporary = {"TMPDIR": str(tmp_path)}
    serve = ("serve", "--root", str(root.path), "--port", port)

    def left() -> list[Path]:
        return list(tmp_path.glob("alsolike-metrics-*"))

    with alsolike(*serve, "--workers", "2", folder=tmp_path, environment=temporary) as process:
        until(lambda: len(started(tmp_path)) == 2)
        process.kill()
        process.wait()
        for worker in started(tmp_path):
            until(lambda worker=worker: not is_running(worker))  # type: ignore[misc]
    (dead,) = left()
    with alsolike(*serve, folder=tmp_path, environment=temporary) as process:
        until(lambda: len(started(tmp_path)) == 1)
        (own,) = left()
        assert own != dead
        process.terminate()
        assert process.wait() == 0
    assert left() == []


def test_only_folders_of_this_users_dead_processes_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = tmp_path / "kept"
    names = [f"alsolike-metrics-{name}" for name in (f"{os.getpid()}-a", "older", "²-a")]
    for folder in (kept, *(tmp_path / name for name in names)):
        folder.mkdir()
        (folder / "counter_1.db").touch()
    dead = f"alsolike-metrics-{gone.pid}-"
    (tmp_path / f"{dead}link").symlink_to(kept)
    (tmp_path / f"{dead}file").touch()
    locked = tmp_path / f"{dead}locked"
    for folder in (locked, tmp_path / f"{dead}swept"):
        folder.mkdir()
        (folder / "counter_1.db").touch()
    holder = os.open(locked, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    _sweep()
    os.close(holder)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*names, "kept", f"{dead}link", f"{dead}file", locked.name]
    )
    assert (kept / "counter_1.db").exists()


def test_figures_are_those_of_all_workers_and_outlive_a_death(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    marked_builds(root, tmp_path)
    with service(root, tmp_path, workers=2) as base:

        def counted() -> float:
            body = get(f"{base}/metrics").body.decode()  # type: ignore[union-attr]
            found = re.search(
                r'^alsolike_requests_total\{route="/v1/related",status="200"\} (\S+)$', body, re.M
            )
            return float(found[1]) if found else 0

        def ask(_: int) -> int:
            return get(f"{base}/v1/related?id=p-1").status  # type: ignore[union-attr]

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(ask, range(120))) == {200}
        until(lambda: counted() == 120)
        body = get(f"{base}/metrics").body.decode()  # type: ignore[union-attr]
        assert "alsolike_build_swaps_total 2.0" in body, "each worker took the build up"
        assert "alsolike_ready 1.0" in body
        os.kill(started(tmp_path)[0], signal.SIGKILL)
        until(lambda: len(started(tmp_path)) == 3)
        assert counted() == 120


class Reader(threading.Thread):
    """Asks without a pause and keeps what came of it."""

    def __init__(self, base: str, expected: set[tuple[str, str]]) -> None:
        super().__init__()
        self.base = base
        self.expected = expected
        self.ended = threading.Event()
        self.failed: list[Answer | None] = []
        self.mixed: list[Any] = []
        self.seen: set[str] = set()

    def run(self) -> None:
        number = 0
        while not self.ended.is_set():
            number += 1
            answer = get(f"{self.base}/v1/related?id=p-{number % 24}&limit=8&_={number % 100}")
            if answer is None or answer.status != 200:
                self.failed.append(answer)
                continue
            body = json.loads(answer.body)
            titles = " ".join(item["title"] for item in body["items"])
            self.seen.add(body["build"])
            marks = [mark for mark in MARKS if mark in titles]
            if len(marks) != 1 or (body["build"], marks[0]) not in self.expected:
                self.mixed.append(body)


def told_builds(base: str) -> list[str]:
    answer = get(f"{base}/metrics")
    assert answer is not None
    return [
        line for line in answer.body.decode().splitlines() if line.startswith("alsolike_build_i")
    ]


@pytest.mark.parametrize("swaps", [4, pytest.param(100, marks=pytest.mark.full)])
def test_builds_change_under_load_without_a_failed_or_mixed_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swaps: int
) -> None:
    counts = tmp_path / "counts"
    monkeypatch.setenv(METRICS_DIRECTORY, str(counts))
    root = Root(tmp_path / "root")
    names = marked_builds(root, tmp_path)
    expected = set(zip(names, MARKS, strict=True))
    with service(root, tmp_path, workers=2) as base:
        readers = [Reader(base, expected) for _ in range(4)]
        for reader in readers:
            reader.start()
        try:
            for swap in range(swaps):
                name = names[swap % 2]
                with root.locked("test"):
                    root.make_live(root.verify(name))
                for _ in range(4):  # likely asks both workers
                    until(
                        lambda wanted=name: (
                            get(f"{base}/readyz").json()["build"] == wanted  # type: ignore[union-attr]
                        )
                    )
            live = f'alsolike_build_info{{build="{name}"}} 1.0'
            until(lambda: told_builds(base) == [live])
            kept = b"".join(path.read_bytes() for path in counts.iterdir())
            assert b"build_articles" in kept
            assert not [name for name in names if name.encode() in kept], "each build adds a line"
        finally:
            for reader in readers:
                reader.ended.set()
            for reader in readers:
                reader.join()
    assert [reader.failed for reader in readers] == [[]] * 4
    assert [reader.mixed for reader in readers] == [[]] * 4
    assert set().union(*(reader.seen for reader in readers)) == set(names)

"""A build of many articles runs in several processes, and is the same as one that does not."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from index.building import worker_processes
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.building.engine import LocalEngine
from index.building.worker_processes import map_in_processes, stream_in_processes
from index.errors import BuildError
from index.files import load_array
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from recommender.errors import ArticleError
from tests.support.builds import SAMPLE, plain_mapping
from tests.support.worker_tasks import (
    BLOCKS,
    EndsAtOnce,
    doubled,
    doubled_slowly,
    ends,
    fails_at_last,
    is_mapped,
    killed,
    pids_of,
    slow,
    squares,
    told_twice,
)

ROOT = str(Path(__file__).parents[2])


@pytest.fixture(autouse=True)
def few_rows_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_processes, "MANY_ROWS", 1)
    monkeypatch.setattr(worker_processes, "LONG", 0.0)
    monkeypatch.setattr(worker_processes, "usable_cores", lambda: 2)


def test_blocks_are_computed_in_other_processes_and_come_in_order() -> None:
    found = list(map_in_processes(squares, BLOCKS))
    assert [square for _, some in found for square in some] == [row * row for row in range(60)]
    workers = {pid for pid, _ in found}
    assert len(workers) == 2
    assert os.getpid() not in workers
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def numbers_then_error(stop: int) -> Iterator[int]:
    yield from range(stop)
    raise OSError("the source has ended early")


def test_a_stream_that_takes_long_goes_on_in_other_processes_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_processes, "LONG", 0.2)
    batches = [[number, number + 1] for number in range(0, 50, 2)]
    found = list(stream_in_processes(doubled_slowly, iter(batches)))
    assert [number for _, some in found for number in some] == list(range(0, 100, 2))
    here, workers = {pid for pid, _ in found[:2]}, {pid for pid, _ in found[2:]}
    assert here == {os.getpid()}
    assert len(workers) == 2
    assert os.getpid() not in workers
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def test_a_stream_of_what_no_other_process_can_do_stays_in_this_one() -> None:
    found = list(stream_in_processes(lambda some: (os.getpid(), some), iter([[1], [2], [3]])))
    assert found == [(os.getpid(), [1]), (os.getpid(), [2]), (os.getpid(), [3])]


def test_errors_of_a_stream_in_other_processes_are_told_after_what_came_before() -> None:
    with pytest.raises(BuildError, match=r"^59 has no name$"):
        list(stream_in_processes(doubled, iter([[1], [59], [3]])))
    with pytest.raises(BuildError, match=r"stage 'read'.*memory ran out; give the build more"):
        list(stream_in_processes(killed, iter([[1]]), stage="read"))
    stream = LocalEngine().stream(doubled, numbers_then_error(50))
    pid, some = next(stream)
    assert pid != os.getpid()
    assert some == list(range(0, 100, 2))
    with pytest.raises(OSError, match="the source has ended early"):
        next(stream)


def test_who_stops_early_does_not_wait_for_a_batch_in_work() -> None:
    before = _children()
    stream = stream_in_processes(slow, iter([[1], [59], [3]]))
    assert next(stream) == [1]
    assert len(_children() - before) == 2
    stream.close()  # type: ignore[attr-defined]
    assert not _children() - before


def _children() -> set[str]:
    return {*Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()}


def test_an_error_of_more_than_a_message_arrives_whole() -> None:
    with pytest.raises(ArticleError, match=r"^1 has no title$") as caught:
        list(stream_in_processes(told_twice, iter([[1]])))
    assert (caught.value.field, caught.value.reason) == ("title", "missing")


class Locked:
    """A value that can't be sent to another process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


def test_what_cannot_be_sent_is_worked_on_here_and_what_cannot_come_back_is_told() -> None:
    here, there = stream_in_processes(pids_of, iter([[Locked()], [1]]))
    assert here == os.getpid() != there
    with pytest.raises(RuntimeError, match=r"cannot pickle '_thread.lock'"):
        list(stream_in_processes(pids_of, iter([[1, 2, 3]])))


def test_a_function_of_the_main_program_stays_in_this_process(tmp_path: Path) -> None:
    program = tmp_path / "own.py"
    program.write_text(
        "import os\n"
        "from index.building import worker_processes as at\n"
        "at.LONG, at.usable_cores = 0.0, lambda: 2\n"
        "def mine(batch): return os.getpid()\n"
        "assert set(at.stream_in_processes(mine, iter([[1], [2]]))) == {os.getpid()}\n"
    )
    subprocess.run([sys.executable, program], check=True, env={**os.environ, "PYTHONPATH": ROOT})


def test_a_source_that_is_slower_than_the_work_is_worked_on_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(worker_processes, "LONG", 2.0)
    monkeypatch.setattr(worker_processes.time, "monotonic", lambda: clock[0])
    consumed: list[int] = []

    def batches() -> Iterator[list[int]]:
        for number in range(6):
            clock[0] += 3.0
            assert len(consumed) == number, "no batch is asked for before it is needed"
            yield [number]

    def work(numbers: list[int]) -> int:
        clock[0] += 2.0
        return numbers[0]

    for found in stream_in_processes(work, batches()):
        consumed.append(found)
    assert consumed == [0, 1, 2, 3, 4, 5]


def test_workers_leave_signals_to_their_parent() -> None:
    stream = stream_in_processes(doubled, iter([[number] for number in range(40)]))
    pid, _ = next(stream)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    assert len(list(stream)) == 39


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A raw record, as sources of pages give it."""

    name: str
    html: bytes


def test_a_batch_of_large_pages_is_a_small_one() -> None:
    pages = [Wrapped(str(number), b" " * 3_000_000) for number in range(12)]
    assert [len(batch) for batch in LocalEngine().stream(list, pages)] == [3, 3, 3, 3]


def test_arrays_that_are_mapped_from_files_are_mapped_in_workers_too(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.arange(60))
    whole = load_array(tmp_path / "rows.npy")
    for array, mapped in ((whole, True), (np.arange(60), False)):
        found = list(map_in_processes(functools.partial(is_mapped, array), BLOCKS))
        assert found == [(mapped, sum(range(start, stop))) for start, stop in BLOCKS]


def test_an_error_in_a_worker_is_raised_with_what_says_where() -> None:
    with pytest.raises(BuildError, match=r"^row 59 has no name$"):
        list(map_in_processes(functools.partial(fails_at_last, "known"), BLOCKS))
    with pytest.raises(RuntimeError, match=r"(?s)in fails_at_last.*ZeroDivisionError: unforeseen"):
        list(map_in_processes(functools.partial(fails_at_last, "unforeseen"), BLOCKS))


def test_a_worker_that_is_killed_is_told_with_the_remedy() -> None:
    told = r"stage 'words'.*memory ran out; give the build more"
    with pytest.raises(BuildError, match=told):
        list(map_in_processes(ends, BLOCKS, stage="words"))
    with pytest.raises(BuildError, match=told):
        list(map_in_processes(functools.partial(squares, EndsAtOnce()), BLOCKS, stage="words"))


def test_a_build_in_processes_has_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = JsonlSource(str(SAMPLE / "articles.jsonl"))
    options = BuildOptions(mapping=plain_mapping())
    digests = []
    for name, cores in (("one", 1), ("two", 2)):
        monkeypatch.setattr(worker_processes, "usable_cores", lambda cores=cores: cores)
        root = Root(tmp_path / name)
        with root.locked("test"):
            made = make_build(root, [source], lambda: HashingEncoder(64), options)
        digests.append({name: file.sha256 for name, file in made.manifest.files.items()})
    one, two = digests
    assert one.keys() == two.keys()
    differ = {name for name in one if one[name] != two[name]}
    assert differ <= {"listed_in.npy", "report.json", "report.html"}  # which hold times


def test_workers_end_with_a_build_that_is_killed(tmp_path: Path) -> None:
    program = (
        "from index.building import worker_processes as at; "
        "from tests.support.worker_tasks import BLOCKS, squares; "
        "at.MANY_ROWS, at.usable_cores = 1, lambda: 2; "
        "some = at.map_in_processes(squares, BLOCKS); "
        "print(next(some)[0], flush=True); import signal; signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as build:
        assert build.stdout is not None
        worker = Path("/proc") / build.stdout.readline().strip()
        assert worker.exists()
        build.kill()
    deadline = time.monotonic() + 60
    while worker.exists():
        assert time.monotonic() < deadline, "the worker goes on alone"
        time.sleep(0.05)

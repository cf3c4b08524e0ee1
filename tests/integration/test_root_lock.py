"""A root that another process holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from index.errors import BusyError
from index.root.lock import work_in_progress
from index.root.root import Root
from tests.support.builds import live


@contextmanager
def held_by_another_process(root: Root) -> Iterator[subprocess.Popen[bytes]]:
    code = (
        "import sys, time; from pathlib import Path; from index.root.root import Root\n"
        "with Root(Path(sys.argv[1])).locked('a nightly build'):\n"
        "    print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(root.path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_root_in_use_is_refused_and_the_holder_named(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    root.builds.mkdir(parents=True)
    with (
        held_by_another_process(root) as process,
        pytest.raises(BusyError, match=f"a nightly build.*{process.pid}"),
        root.locked("test"),
    ):
        pytest.fail("the lock was given twice")


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    root.builds.mkdir(parents=True)
    with held_by_another_process(root) as process:
        assert work_in_progress(root.path) == "a nightly build"
        process.kill()
        process.wait()
        assert work_in_progress(root.path) == ""
        with root.locked("test"):
            pass


def test_a_busy_root_can_still_be_read(three_builds: tuple[Root, list[str]]) -> None:
    root, names = three_builds
    with held_by_another_process(root):
        assert live(root) == names[2]
        assert root.verify().count == 6

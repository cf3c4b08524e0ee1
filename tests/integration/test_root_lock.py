"""A root that another process holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from index.errors import BusyError, GateError
from index.publishing.gates import Limits
from index.publishing.publish import publish_build
from index.root.lock import work_in_progress
from index.root.root import HELD_EXIT_CODE, Root
from service.curation.publishing import BuildActions
from service.decisions.decision_store import Actor
from service.settings import Settings
from tests.support.builds import live

ANN = Actor(name="ann", how="cli")


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


def test_a_rollback_need_not_wait_for_a_build_which_then_is_not_published(
    three_builds: tuple[Root, list[str]],
) -> None:
    root, names = three_builds
    actions = BuildActions(Settings(root=root.path))
    with held_by_another_process(root):
        unfinished = root.start_build("20990101T000000Z-000000")
        assert actions.roll_back(ANN, reason="wrong links") == names[1]
        with pytest.raises(GateError, match="wrong links") as held:  # as the build will end
            publish_build(root, names[2], Limits(), force=True)
        assert held.value.gate == HELD_EXIT_CODE
        assert actions.release(ANN)
        actions.publish(ANN, names[0], force=True)
        assert live(root) == names[0]
        with pytest.raises(BusyError, match="a nightly build"):
            actions.stop_comparison(ANN)
        assert unfinished.is_dir(), "it belongs to the process that makes it"


def test_what_is_live_changes_in_one_process_at_a_time(
    three_builds: tuple[Root, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, names = three_builds
    monkeypatch.setattr("index.root.root._SWITCH_SECONDS", 0.1)
    with root.switching("a rollback"):
        for change in (root.rollback, partial(publish_build, root, names[0], Limits())):
            with pytest.raises(BusyError, match="a rollback"):
                change()
        assert live(root) == names[2]

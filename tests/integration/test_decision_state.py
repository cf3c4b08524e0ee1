"""What a process serves by, without rights, on a full disk, with a server, beside others."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from index.errors import DatabaseError
from recommender.visibility import NEVER
from service.decisions.decision_state import (
    NO_STATE,
    DecisionState,
)
from service.decisions.open_decisions import (
    FILE,
    keep_state,
    nothing_decided,
    open_decisions,
    upgrade_decisions,
)
from service.decisions.poller import PolledState, StatePoller
from service.decisions.snapshot import load_snapshot, update_snapshot
from service.decisions.snapshot_file import SNAPSHOT
from service.settings import Settings
from tests.support.decision_databases import MIRA, History, reopen, server, started
from tests.support.fork_server import forked
from tests.support.small_disk import small_disk


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path / "root")


def take_down(settings: Settings, article_id: str) -> None:
    database = open_decisions(settings)
    database.takedowns.put(MIRA, article_id=article_id)
    database.close()


def look_again(keeper: StatePoller) -> PolledState:
    keeper.refresh()
    return keeper.kept


@pytest.mark.parametrize("older", [False, True])
def test_where_database_and_copy_are_both_lost_nothing_begins_anew_by_itself(
    settings: Settings, older: bool
) -> None:
    take_down(settings, "kelp")
    if older:  # an earlier version left no mark
        (settings.root / ".decided").unlink()
        assert started(settings).problem is None
    for path in (settings.root / FILE, settings.root / SNAPSHOT):
        path.unlink()
    keeper = keep_state(settings)
    kept = look_again(keeper)
    keeper.close()
    assert kept.state is None
    assert "restore the database from a backup" in str(kept.problem)
    with pytest.raises(DatabaseError, match="to start over"):
        open_decisions(settings)
    assert not nothing_decided(settings)
    upgrade_decisions(settings)  # by whoever wants to start over
    take_down(settings, "rye")


def test_what_may_not_be_looked_at_is_not_taken_for_missing(settings: Settings) -> None:
    take_down(settings, "kelp")
    # Without the rights that root has over any folder, as a service's own user.
    script = (
        "from service.decisions.open_decisions import keep_state, nothing_decided\n"
        "from service.settings import Settings\n"
        f"settings = Settings(root={str(settings.root)!r})\n"
        "keeper = keep_state(settings)\n"
        "keeper.refresh()\n"
        "print(keeper.kept.state, nothing_decided(settings), keeper.kept.problem)\n"
    )
    settings.root.chmod(0)
    drop = "-dac_override,-dac_read_search"
    mine = [] if os.getuid() else ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"]
    done = subprocess.run(
        [*mine, sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    settings.root.chmod(0o755)
    if done.stderr.startswith("setpriv:"):
        pytest.skip(f"root's rights can't be given up here: {done.stderr.strip()}")
    assert done.stdout.startswith("None False "), done.stderr
    assert str(settings.root) in done.stdout


def test_a_database_elsewhere_that_was_never_reached_serves_nothing(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/unmounted/x.sqlite", "postgresql://u@127.0.0.1:1/x"):
        kept = started(Settings(root=tmp_path, database=url))
        assert kept.state is None
        assert kept.problem is not None


def test_a_root_that_cant_be_written_and_never_was_decided_in_is_ready(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        kept = started(Settings(root=disk))
        assert kept.state is NO_STATE
        assert kept.state is NO_STATE
        assert kept.problem is not None


def test_reading_goes_on_while_postgresql_is_stopped(tmp_path: Path) -> None:
    with server() as (url, postgresql):
        settings = Settings(root=tmp_path, database=url)
        with pytest.raises(DatabaseError, match="alsolike db upgrade"):
            open_decisions(settings)
        assert upgrade_decisions(settings) is None
        keeper = keep_state(settings)
        keeper.refresh()
        keeper.database.takedowns.put(MIRA, article_id="x")
        keeper.refresh()
        postgresql.stop()
        for kept in (look_again(keeper), started(settings)):
            assert kept.problem is not None
            assert kept.state is not None
            assert set(kept.state.takedowns) == {"x"}
        with pytest.raises(DatabaseError, match="no decision can be made now"):
            keeper.database  # noqa: B018 - looking is what fails
        postgresql.start()
        reopen(url).close()
        keeper.refresh()
        keeper.database.takedowns.lift(MIRA, article_id="x")
        keeper.refresh()
        assert keeper.kept.problem is None
        assert keeper.kept.state is not None
        assert keeper.kept.state.takedowns == {}
        keeper.close()


def save_many(folder: Path, first: int) -> None:
    states = [
        DecisionState(
            database="one",
            version=version,
            takedowns={f"x{number}": NEVER for number in range(version)},
        )
        for version in range(80)
    ]
    for version in range(first, 80, 4):
        with contextlib.suppress(DatabaseError):  # another process was quicker
            update_snapshot(folder, History(states[: version + 1]))


def test_processes_that_save_at_once_leave_the_newest(tmp_path: Path) -> None:
    processes = [forked().Process(target=save_many, args=(tmp_path, n)) for n in (1, 2, 3, 4)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        found = load_snapshot(tmp_path)
        assert found is None or len(found.takedowns) == found.version
    assert [process.exitcode for process in processes] == [0] * 4
    found = load_snapshot(tmp_path)
    assert found is not None
    assert found.version == 79
    assert {path.name for path in tmp_path.iterdir()} == {SNAPSHOT, ".state.lock", ".decided"}

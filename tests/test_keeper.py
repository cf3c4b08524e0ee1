"""What a process serves by: the database, else the last known state, never a guess."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest
from databases import MIRA, reopen, server, started
from disks import small_disk
from hypothesis import given
from hypothesis import strategies as st

from index.settings import Settings
from index.state import NO_STATE, Kind, Override, State
from recommender.errors import DatabaseError
from recommender.visibility import NEVER
from service.decisions.database import open_database
from service.decisions.keeper import Kept, StateKeeper, StateSource
from service.decisions.open import (
    keep_state,
    look_at_decisions,
    open_decisions,
    read_state,
    upgrade_decisions,
)
from service.decisions.snapshot import STATE, load_state, save_state

_processes = get_context("forkserver")
_processes.set_forkserver_preload(["test_keeper"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path / "root")


def test_what_may_not_be_looked_at_is_not_taken_for_missing(settings: Settings) -> None:
    take_down(settings, "kelp")
    # Without the rights that root has over any folder, as a service's own user.
    script = (
        "from service.decisions.open import keep_state, nothing_decided\n"
        "from index.settings import Settings\n"
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


@pytest.fixture
def keeper(settings: Settings) -> Iterator[StateKeeper]:
    keeper = keep_state(settings)
    keeper.refresh()
    yield keeper
    keeper.close()


def take_down(settings: Settings, article_id: str) -> None:
    database = open_decisions(settings)
    database.takedowns.put(MIRA, article_id=article_id)
    database.close()


def lose(settings: Settings) -> Path:
    """Move the database away, as a broken mount would; returns where it is."""
    away = settings.root.with_name("away")
    away.mkdir(exist_ok=True)
    for path in settings.root.glob("alsolike.sqlite*"):
        shutil.move(path, away / path.name)
    return away


def bring_back(settings: Settings) -> None:
    for path in settings.root.with_name("away").iterdir():
        shutil.move(path, settings.root / path.name)


# With a database


def test_a_root_without_any_database_gets_one_and_is_ready(
    settings: Settings, keeper: StateKeeper
) -> None:
    assert keeper.kept.source is StateSource.DATABASE
    assert keeper.kept.problem is None
    assert keeper.kept.state is not None
    assert keeper.kept.state.takedowns == {}
    assert (settings.root / "alsolike.sqlite").exists()


def test_another_process_decision_is_found_at_the_next_look(
    settings: Settings, keeper: StateKeeper
) -> None:
    before = keeper.kept.state
    assert keeper.refresh() is False
    assert keeper.kept.state is before
    take_down(settings, "x")
    state = keeper.poll()
    assert state is not None
    assert state.takedowns == {"x": NEVER}


def test_many_threads_may_look_and_take_at_once(settings: Settings, keeper: StateKeeper) -> None:
    stop = threading.Event()
    seen: list[int] = []

    def look() -> None:
        while not stop.is_set():
            keeper.refresh()
            state = keeper.kept.state
            assert state is not None
            seen.append(len(state.takedowns))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(10):
        take_down(settings, f"x{number}")
    stop.set()
    for thread in threads:
        thread.join()
    keeper.refresh()
    assert keeper.kept.state is not None
    assert len(keeper.kept.state.takedowns) == 10
    assert len(seen) >= 4


# Without


def test_a_takedown_answered_is_known_to_who_starts_without_the_database(
    settings: Settings,
) -> None:
    take_down(settings, "x")
    lose(settings)
    kept = started(settings)
    assert kept.source is StateSource.SNAPSHOT
    assert kept.state is not None
    assert kept.state.takedowns == {"x": NEVER}
    assert kept.problem is not None
    assert "restore it from a backup" in kept.problem
    assert not (settings.root / "alsolike.sqlite").exists()  # no empty one in its place


def test_a_database_that_goes_away_leaves_its_last_state_and_refuses_decisions(
    settings: Settings, keeper: StateKeeper, caplog: pytest.LogCaptureFixture
) -> None:
    take_down(settings, "x")
    keeper.refresh()
    known = keeper.kept.state
    keeper.database.version()
    lose(settings)
    for _ in range(3):
        assert keeper.refresh() is False
    assert keeper.kept.state is known
    assert keeper.kept.source is StateSource.SNAPSHOT
    since = keeper.kept.away_since
    assert since is not None
    assert abs(since - time.time_ns() // 1000) < 60_000_000
    with pytest.raises(DatabaseError, match="nothing can be decided now"):
        keeper.database  # noqa: B018 - looking is what fails
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1  # once, not at every look
    bring_back(settings)
    with caplog.at_level(logging.INFO, "alsolike"):
        keeper.refresh()
    assert keeper.kept == Kept(state=known, source=StateSource.DATABASE, problem=None)
    assert "is back" in caplog.records[-1].message


def test_while_the_database_is_away_another_process_snapshot_is_taken_up(
    settings: Settings, keeper: StateKeeper
) -> None:
    """It may have reached the database when this one could not."""
    assert keeper.kept.state is not None
    known = keeper.kept.state
    lose(settings)
    keeper.refresh()
    newer = State(database=known.database, version=known.version + 1, takedowns={"x": NEVER})
    assert save_state(settings.root, newer)
    assert keeper.refresh() is True
    assert keeper.kept.state == newer


def test_polling_does_not_look_for_an_absent_database_all_the_time(settings: Settings) -> None:
    looks = []

    def connect() -> object:
        looks.append(1)
        raise DatabaseError("away")

    keeper = StateKeeper(settings.root, connect)  # type: ignore[arg-type]
    for _ in range(50):
        assert keeper.poll() is None
    assert len(looks) < 5
    keeper.refresh()
    assert keeper.kept.problem == "away"


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "replaced", "removed"])
def test_with_neither_database_nor_an_intact_snapshot_nothing_is_served(
    settings: Settings, damage: str
) -> None:
    take_down(settings, "some-article")
    lose(settings)
    path = settings.root / STATE
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[:-20])
    elif damage == "flipped":
        path.write_bytes(content.replace(b"some-article", b"same-article"))
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "replaced":
        path.write_bytes(b'{"state": {"takedowns": {}}, "sha256": "0"}')
    else:
        path.write_bytes(content)
        (settings.root / "alsolike.sqlite").write_bytes(b"damaged")
        path.unlink()
    kept = started(settings)
    assert kept.state is None
    assert kept.source is None
    with pytest.raises(DatabaseError, match="there is no snapshot"):
        read_state(settings)


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
        assert kept.source is StateSource.NOTHING
        assert kept.problem is not None


# A database that is not what it was


def test_a_restored_backup_is_not_believed_before_someone_removed_the_snapshot(
    settings: Settings, keeper: StateKeeper
) -> None:
    keeper.database.takedowns.put(MIRA, article_id="old")
    keeper.refresh()
    backup = settings.root.with_name("backup.sqlite")
    copy(settings, backup)
    keeper.database.takedowns.put(MIRA, article_id="new")
    keeper.refresh()
    lose(settings)
    shutil.move(backup, settings.root / "alsolike.sqlite")
    for kept in (look_again(keeper), started(settings)):
        assert kept.state is not None
        assert set(kept.state.takedowns) == {"old", "new"}
        assert kept.problem is not None
        assert "older than the snapshot" in kept.problem
    with pytest.raises(DatabaseError, match="older than the snapshot"):
        open_decisions(settings)
    look = look_at_decisions(settings)
    assert look.only_in_snapshot == ["takedown of new"]
    (settings.root / STATE).unlink()
    for kept in (look_again(keeper), started(settings)):
        assert kept.state is not None
        assert set(kept.state.takedowns) == {"old"}
        assert kept.problem is None


def look_again(keeper: StateKeeper) -> Kept:
    keeper.refresh()
    return keeper.kept


def copy(settings: Settings, target: Path) -> None:
    with (
        closing(sqlite3.connect(settings.root / "alsolike.sqlite")) as source,
        closing(sqlite3.connect(target)) as copied,
    ):
        source.backup(copied)


def test_another_database_is_not_believed_before_someone_removed_the_snapshot(
    settings: Settings, tmp_path: Path
) -> None:
    take_down(settings, "x")
    wrong = f"sqlite:///{tmp_path}/wrong.sqlite"
    open_database(wrong).close()
    moved = Settings(root=settings.root, database=wrong)
    kept = started(moved)
    assert kept.state is not None
    assert set(kept.state.takedowns) == {"x"}
    assert kept.problem is not None
    assert "is of another database" in kept.problem
    (settings.root / STATE).unlink()
    kept = started(moved)
    assert kept.state is not None
    assert kept.state.takedowns == {}
    assert kept.source is StateSource.DATABASE


def test_an_upgrade_makes_no_empty_database_in_the_place_of_a_lost_one(
    settings: Settings,
) -> None:
    take_down(settings, "x")
    lose(settings)
    with pytest.raises(DatabaseError, match="restore it from a backup"):
        upgrade_decisions(settings)
    (settings.root / STATE).unlink()
    assert upgrade_decisions(settings) is None
    assert started(settings).problem is None


# PostgreSQL


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
            assert kept.source is StateSource.SNAPSHOT
            assert kept.state is not None
            assert set(kept.state.takedowns) == {"x"}
        with pytest.raises(DatabaseError, match="nothing can be decided now"):
            keeper.database  # noqa: B018 - looking is what fails
        postgresql.start()
        reopen(url).close()
        keeper.refresh()
        keeper.database.takedowns.lift(MIRA, article_id="x")
        keeper.refresh()
        assert keeper.kept.source is StateSource.DATABASE
        assert keeper.kept.state is not None
        assert keeper.kept.state.takedowns == {}
        keeper.close()


# The snapshot


IDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
ENDS = st.one_of(st.just(NEVER), st.integers(0, 2**62))


@st.composite
def states(draw: st.DrawFn) -> State:
    overrides: dict[str, tuple[Override, ...]] = {}
    for article_id in draw(st.sets(IDS, max_size=4)):
        overrides[article_id] = tuple(
            Override(
                article_id=article_id,
                target_id=draw(IDS),
                kind=Kind.PIN if position else Kind.HIDE,
                position=position,
                until=draw(ENDS),
            )
            for position in draw(
                st.lists(st.one_of(st.none(), st.integers(1, 50)), min_size=1, max_size=3)
            )
        )
    return State(
        database=draw(st.sampled_from(["one", "two"])),
        version=draw(st.integers(1, 5)),
        takedowns=draw(st.dictionaries(IDS, ENDS, max_size=4)),
        overrides=overrides,
    )


@given(state=states())
def test_a_state_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, state: State
) -> None:
    folder = tmp_path_factory.mktemp("state")
    assert save_state(folder, state)
    assert load_state(folder) == state


@given(some=st.lists(states(), min_size=1, max_size=6))
def test_the_newest_state_stays_whatever_comes_after_it(
    tmp_path_factory: pytest.TempPathFactory, some: list[State]
) -> None:
    folder = tmp_path_factory.mktemp("state")
    same = [state for state in some if state.database == some[0].database]
    for state in some:
        if state.database == some[0].database:
            save_state(folder, state)
        else:
            with pytest.raises(DatabaseError, match="of another database"):
                save_state(folder, state)
    found = load_state(folder)
    assert found is not None
    assert found.version == max(state.version for state in same)
    assert found == next(state for state in same if state.version == found.version)


@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_snapshot_with_any_byte_changed_says_the_same_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    folder = tmp_path_factory.mktemp("state")
    state = State(database="one", version=7, takedowns={"ü/x": NEVER, "y": 12})
    save_state(folder, state)
    content = bytearray((folder / STATE).read_bytes())
    content[place % len(content)] = value
    (folder / STATE).write_bytes(content)
    assert load_state(folder) in (state, None)


def save_many(folder: Path, first: int) -> None:
    for version in range(first, 80, 4):
        takedowns = {f"x{number}": NEVER for number in range(version)}
        save_state(folder, State(database="one", version=version, takedowns=takedowns))


def test_processes_that_save_at_once_leave_the_newest(tmp_path: Path) -> None:
    processes = [_processes.Process(target=save_many, args=(tmp_path, n)) for n in (1, 2, 3, 4)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        found = load_state(tmp_path)
        assert found is None or len(found.takedowns) == found.version
    assert [process.exitcode for process in processes] == [0] * 4
    found = load_state(tmp_path)
    assert found is not None
    assert found.version == 79
    assert {path.name for path in tmp_path.iterdir()} == {STATE, ".state.lock"}


def test_a_snapshot_is_json_that_people_can_read(settings: Settings) -> None:
    take_down(settings, "ü/x")
    told = json.loads((settings.root / STATE).read_text())
    assert told["state"]["takedowns"] == {"ü/x": None}

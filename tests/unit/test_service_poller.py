"""What a process serves by: the database, else the last known state, never a guess."""

from __future__ import annotations

import fcntl
import logging
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from index.errors import DatabaseError
from recommender.visibility import NEVER
from service.decisions.connections import sqlite_engine
from service.decisions.database import Database, open_database
from service.decisions.decision_state import (
    NO_STATE,
    DecisionState,
    OverrideKind,
)
from service.decisions.decision_store import WRITES
from service.decisions.open_decisions import (
    decisions_status,
    keep_state,
    open_decisions,
    read_state,
    upgrade_decisions,
)
from service.decisions.poller import PolledState, StatePoller
from service.decisions.schema import HEAD
from service.decisions.snapshot import load_snapshot, update_snapshot
from service.decisions.snapshot_file import SNAPSHOT
from service.settings import Settings
from tests.support.decision_databases import MIRA, History, started
from tests.support.schema_0001 import make_schema_0001


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path / "root")


@pytest.fixture
def keeper(settings: Settings) -> Iterator[StatePoller]:
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
    settings: Settings, keeper: StatePoller
) -> None:
    assert keeper.kept.problem is None
    assert keeper.kept.problem is None
    assert keeper.kept.state is not None
    assert keeper.kept.state.takedowns == {}
    assert (settings.root / "alsolike.sqlite").exists()


def test_another_process_decision_is_found_at_the_next_look(
    settings: Settings, keeper: StatePoller
) -> None:
    before = keeper.kept.state
    keeper.refresh()
    assert keeper.kept.state is before
    take_down(settings, "x")
    state = keeper.poll()
    assert state is not None
    assert state.takedowns == {"x": NEVER}


def test_many_threads_may_look_and_take_at_once(settings: Settings, keeper: StatePoller) -> None:
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
    assert kept.problem is not None
    assert kept.state is not None
    assert kept.state.takedowns == {"x": NEVER}
    assert kept.problem is not None
    assert "restore the database from a backup" in kept.problem
    assert not (settings.root / "alsolike.sqlite").exists()  # no empty one in its place


def test_a_database_that_goes_away_leaves_its_last_state_and_refuses_decisions(
    settings: Settings, keeper: StatePoller, caplog: pytest.LogCaptureFixture
) -> None:
    take_down(settings, "x")
    keeper.refresh()
    known = keeper.kept.state
    keeper.database.version()
    lose(settings)
    for _ in range(3):
        keeper.refresh()
    assert keeper.kept.state is known
    assert keeper.kept.problem is not None
    since = keeper.kept.away_since
    assert since is not None
    assert abs(since - time.time_ns() // 1000) < 60_000_000
    with pytest.raises(DatabaseError, match="no decision can be made now"):
        keeper.database  # noqa: B018 - looking is what fails
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1  # once, not at every look
    bring_back(settings)
    with caplog.at_level(logging.INFO, "alsolike"):
        keeper.refresh()
    assert keeper.kept == PolledState(state=known, problem=None)
    assert "is back" in caplog.records[-1].message


def test_while_the_database_is_away_another_process_snapshot_is_taken_up(
    settings: Settings, keeper: StatePoller
) -> None:
    """It may have reached the database when this one could not."""
    assert keeper.kept.state is not None
    known = keeper.kept.state
    lose(settings)
    keeper.refresh()
    newer = DecisionState(
        database=known.database, version=known.version + 1, takedowns={"x": NEVER}
    )
    update_snapshot(settings.root, History([newer]))
    keeper.refresh()
    assert keeper.kept.state == newer


def test_a_root_that_was_never_decided_in_is_served_without_a_database(tmp_path: Path) -> None:
    def connect() -> Database:
        raise DatabaseError("away")

    own_file = tmp_path / "alsolike.sqlite"
    for path, state in ((own_file, NO_STATE), (None, None)):
        keeper = StatePoller(tmp_path, connect, own_file=path)
        keeper.refresh()
        assert (keeper.kept.state, keeper.kept.problem) == (state, "away")
    own_file.write_bytes(b"")
    keeper = StatePoller(tmp_path, connect, own_file=own_file)
    keeper.refresh()
    assert keeper.kept.state is None, "something may have been decided"


def test_polling_does_not_look_for_an_absent_database_all_the_time(settings: Settings) -> None:
    looks = []

    def connect() -> object:
        looks.append(1)
        raise DatabaseError("away")

    keeper = StatePoller(settings.root, connect)  # type: ignore[arg-type]
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
    path = settings.root / SNAPSHOT
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
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
    assert kept.state is None
    with pytest.raises(DatabaseError, match="there is no copy of the decisions"):
        read_state(settings)


# A database that is not what it was


def test_a_restored_backup_is_not_believed_before_someone_removed_the_snapshot(
    settings: Settings, keeper: StatePoller
) -> None:
    keeper.database.takedowns.put(MIRA, article_id="old")
    keeper.refresh()
    backup = settings.root.with_name("backup.sqlite")
    copy(settings, backup)
    keeper.database.takedowns.put(MIRA, article_id="new")
    keeper.database.takedowns.put(MIRA, article_id="old", until=4_000_000_000_000_000)
    keeper.refresh()
    lose(settings)
    shutil.move(backup, settings.root / "alsolike.sqlite")
    for kept in (look_again(keeper), started(settings)):
        assert kept.state is not None
        assert set(kept.state.takedowns) == {"old", "new"}
        assert kept.problem is not None
        assert "lacks decisions that are in its copy" in kept.problem
    with pytest.raises(DatabaseError, match="lacks decisions that are in its copy"):
        open_decisions(settings)
    look = decisions_status(settings)
    assert look.only_in_snapshot == [
        "takedown of new",
        "takedown of old until 2096-10-02 07:06:40 UTC",
    ]
    assert look.only_in_database == ["takedown of old"]
    (settings.root / SNAPSHOT).unlink()
    for kept in (look_again(keeper), started(settings)):
        assert kept.state is not None
        assert set(kept.state.takedowns) == {"old"}
        assert kept.problem is None


def look_again(keeper: StatePoller) -> PolledState:
    keeper.refresh()
    return keeper.kept


def copy(settings: Settings, target: Path) -> None:
    with (
        closing(sqlite3.connect(settings.root / "alsolike.sqlite")) as source,
        closing(sqlite3.connect(target)) as copied,
    ):
        source.backup(copied)


@contextmanager
def history_of_two(settings: Settings, tmp_path: Path) -> Iterator[tuple[StatePoller, Path]]:
    """A service that confirmed a takedown, and a database that lacks it."""
    keeper = keep_state(settings)
    keeper.refresh()
    keeper.database.takedowns.put(MIRA, article_id="first")
    keeper.refresh()
    backup = tmp_path / "backup.sqlite"
    copy(settings, backup)
    keeper.database.takedowns.put(MIRA, article_id="secret")
    keeper.refresh()
    yield keeper, backup
    keeper.close()


def put_in_place(settings: Settings, backup: Path) -> None:
    for left in settings.root.glob("alsolike.sqlite-*"):
        left.unlink()
    backup.replace(settings.root / "alsolike.sqlite")


def check_secret(settings: Settings, kept: PolledState) -> None:
    assert kept.state is not None
    assert "secret" in kept.state.takedowns
    saved = load_snapshot(settings.root)
    assert saved is not None
    assert "secret" in saved.takedowns


def test_nothing_is_decided_in_a_restored_backup_before_the_next_look(
    settings: Settings, tmp_path: Path
) -> None:
    with history_of_two(settings, tmp_path) as (keeper, backup):
        database = keeper.database
        put_in_place(settings, backup)
        with pytest.raises(DatabaseError, match="lacks decisions that are in its copy"):
            database.takedowns.put(MIRA, article_id="other")
        check_secret(settings, look_again(keeper))


def test_a_restored_backup_that_went_on_by_itself_is_not_believed(
    settings: Settings, tmp_path: Path
) -> None:
    with history_of_two(settings, tmp_path) as (keeper, backup):
        with closing(open_database(f"sqlite:///{backup}")) as other:
            other.takedowns.put(MIRA, article_id="other")  # so that its version is the higher one
            assert other.version()[1] > keeper.kept.state.version  # type: ignore[union-attr]
        for left in tmp_path.glob("backup.sqlite-*"):
            left.unlink()
        put_in_place(settings, backup)
        for kept in (look_again(keeper), started(settings)):
            check_secret(settings, kept)
            assert "lacks decisions that are in its copy" in str(kept.problem)
        with pytest.raises(DatabaseError, match="lacks decisions that are in its copy"):
            open_decisions(settings)


def test_a_copy_that_is_served_too_early_takes_no_decision_and_forgets_none(
    settings: Settings, tmp_path: Path
) -> None:
    with history_of_two(settings, tmp_path) as (keeper, backup):
        switched = settings.model_copy(update={"database": f"sqlite:///{backup}"})
        new = keep_state(switched)
        new.refresh()
        check_secret(settings, new.kept)
        keeper.database.takedowns.put(MIRA, article_id="secret too")
        new.refresh()
        assert new.kept.state is not None
        assert "secret too" in new.kept.state.takedowns
        with pytest.raises(DatabaseError, match="no decision can be made now"):
            new.database  # noqa: B018 - looking is what fails
        new.close()


def test_a_snapshot_that_cant_be_looked_at_is_not_taken_for_none(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.decisions.snapshot_file.BUSY_SECONDS", 0.1)
    with history_of_two(settings, tmp_path) as (keeper, backup):
        keeper.close()
        put_in_place(settings, backup)
        holder = sqlite3.connect(settings.root / SNAPSHOT, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        kept = started(settings)
        assert kept.state is None, "nobody knows what is taken down"
        assert "can't be read" in str(kept.problem)
        holder.close()
        check_secret(settings, started(settings))


def test_what_a_killed_writer_left_half_done_is_not_put_into_a_new_snapshot(
    settings: Settings, tmp_path: Path
) -> None:
    take_down(settings, "first")
    path, journal = settings.root / SNAPSHOT, settings.root / f"{SNAPSHOT}-journal"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN IMMEDIATE")
    writer.executemany("INSERT INTO takedowns VALUES (?, 1)", ((f"{n}",) for n in range(2_000)))
    left = journal.read_bytes()  # as a kill leaves it
    assert left
    writer.execute("ROLLBACK")
    writer.close()
    path.unlink()
    journal.write_bytes(left)
    take_down(settings, "secret")
    assert not journal.exists()
    lose(settings)
    kept = started(settings)
    assert kept.state is not None
    assert set(kept.state.takedowns) == {"first", "secret"}


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
    assert "is a copy of another database" in kept.problem
    (settings.root / SNAPSHOT).unlink()
    kept = started(moved)
    assert kept.state is not None
    assert kept.state.takedowns == {}
    assert kept.problem is None


def test_an_upgrade_makes_no_empty_database_in_the_place_of_a_lost_one(
    settings: Settings,
) -> None:
    take_down(settings, "x")
    lose(settings)
    with pytest.raises(DatabaseError, match="restore the database from a backup"):
        upgrade_decisions(settings)
    (settings.root / SNAPSHOT).unlink()
    assert upgrade_decisions(settings) is None
    assert started(settings).problem is None


def test_what_only_reads_leaves_a_database_of_an_older_schema_to_an_older_service(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    take_down(settings, "x")
    with closing(keep_state(settings)) as keeper:
        keeper.refresh()
        assert keeper.kept.state is not None
        same = {"id": keeper.kept.state.database, "version": keeper.kept.state.version}
    (path := settings.root / "alsolike.sqlite").unlink()
    engine = sqlite_engine(path, create=True)
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        make_schema_0001(connection)
        connection.execute(sa.text("UPDATE meta SET database_id = :id, version = :version"), same)
        connection.exec_driver_sql(f"INSERT INTO takedowns VALUES ('x', 1, 'mira', '', {NEVER})")
    engine.dispose()
    told = f"has schema 0001, but .* needs {HEAD}; run: alsolike db upgrade"
    status = decisions_status(settings)
    assert status.snapshot is not None
    assert re.search(told, str(status.problem))
    assert set(read_state(settings).takedowns) == {"x"}
    with pytest.raises(DatabaseError, match=told):
        open_decisions(settings, upgrade=False)
    assert started(settings).problem is None
    assert f"was upgraded from schema 0001 to {HEAD}" in caplog.text
    assert decisions_status(settings).problem is None


def block(root: Path) -> list[Path]:
    """Let nothing be written into the snapshot, nor beside it; returns what is in the way."""
    ways = [root / f"{SNAPSHOT}-journal", root / ".decisions-snapshot.new"]
    for way in ways:
        way.mkdir()
    return ways


def test_a_snapshot_that_cant_be_written_is_tried_again_until_it_can(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.decisions.poller._RETRY_SECONDS", 0.0)
    keeper = keep_state(settings)
    keeper.refresh()
    database = keeper.database
    database.takedowns.put(MIRA, article_id="a")
    seq = database.takedowns.lift(MIRA, article_id="a")
    ways = {
        "put": lambda: database.takedowns.put(MIRA, article_id="b"),
        "undo of a lift": lambda: database.audit.undo(MIRA, seq),
        "lift": lambda: database.takedowns.lift(MIRA, article_id="b"),
    }
    for way in ways.values():
        blocked = block(settings.root)
        with pytest.raises(DatabaseError, match=r"copy .* can.t be"):
            way()
        for _ in range(2):
            keeper.refresh()
            assert keeper.kept.problem is None
            assert "the copy" in str(keeper.kept.unsaved)
        for path in blocked:
            path.rmdir()
        keeper.refresh()
        assert keeper.kept.unsaved is None
        assert load_snapshot(settings.root) == keeper.kept.state
    assert keeper.kept.state is not None
    assert set(keeper.kept.state.takedowns) == {"a"}
    (settings.root / SNAPSHOT).unlink()  # by hand: it is made again
    keeper.refresh()
    assert load_snapshot(settings.root) == keeper.kept.state
    keeper.close()


def test_one_decision_among_many_reads_and_writes_no_other(settings: Settings) -> None:
    database = open_decisions(settings)
    keeper = keep_state(settings)
    keeper.refresh()
    for number in range(30):
        database.takedowns.put(MIRA, article_id=f"x{number}")
        database.overrides.put(MIRA, article_id="a", target_id=f"b{number}", kind=OverrideKind.HIDE)
    keeper.refresh()
    asked: list[str] = []
    for engine in (database._store.engine, keeper.database._store.engine):
        sa.event.listen(
            engine, "before_cursor_execute", lambda *args: asked.append(args[2]), named=False
        )
    database.takedowns.put(MIRA, article_id="one")
    keeper.refresh()
    assert keeper.kept.state is not None
    assert len(keeper.kept.state.takedowns) == 31
    reads = [said for said in asked if "FROM takedowns" in said or "FROM overrides" in said]
    assert reads
    assert all("WHERE" in said for said in reads)
    database.close()
    keeper.close()


def test_decisions_that_came_by_no_change_of_ours_are_read_whole(settings: Settings) -> None:
    keeper = keep_state(settings)
    keeper.refresh()
    database = keeper.database
    database.takedowns.put(MIRA, article_id="a")
    keeper.refresh()
    with closing(sqlite3.connect(settings.root / "alsolike.sqlite")) as connection:
        connection.execute(
            "INSERT INTO takedowns SELECT 'b', since, who, reason, until, NULL FROM takedowns"
        )
        connection.execute("UPDATE meta SET version = version + 1")
        connection.commit()
    database.takedowns.put(MIRA, article_id="c")
    keeper.refresh()
    for state in (keeper.kept.state, load_snapshot(settings.root)):
        assert state is not None
        assert set(state.takedowns) == {"a", "b", "c"}
    keeper.close()


def test_readers_wait_for_no_snapshot_that_another_process_holds_up(
    settings: Settings, keeper: StatePoller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.decisions.snapshot.LOCK_SECONDS", 0.5)
    with (settings.root / ".state.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a process does that was stopped amid its work
        with pytest.raises(DatabaseError, match=r"copy .* can.t be"):
            keeper.database.takedowns.put(MIRA, article_id="x")
        seen: list[bool] = []
        looking = threading.Thread(target=keeper.refresh)
        looking.start()
        while looking.is_alive():
            seen.append("x" in (keeper.kept.state or NO_STATE).takedowns)
            time.sleep(0.01)
        assert True in seen, "it was taken up while the snapshot was waited for"
        assert keeper.kept.unsaved is not None
    monkeypatch.setattr("service.decisions.poller._RETRY_SECONDS", 0.0)
    keeper._next_save = 0.0
    keeper.refresh()
    assert keeper.kept.unsaved is None
    assert load_snapshot(settings.root) == keeper.kept.state


def test_a_snapshot_that_cant_be_written_is_told_once_and_not_tried_at_every_look(
    settings: Settings, keeper: StatePoller, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = block(settings.root)
    with pytest.raises(DatabaseError, match="copy"):
        keeper.database.takedowns.put(MIRA, article_id="x")
    keeper.refresh()
    told = keeper.kept.unsaved
    assert told is not None
    (settings.root / SNAPSHOT).unlink()
    for path in blocked:
        path.rmdir()
    keeper.refresh()
    assert keeper.kept.unsaved == told
    assert [each.message for each in caplog.records if each.levelno == logging.ERROR] == [told]
    assert load_snapshot(settings.root) is None
    keeper._next_save = 0.0
    with caplog.at_level(logging.INFO, "alsolike"):
        keeper.refresh()
    assert "can be written again" in caplog.records[-1].message
    assert keeper.kept.unsaved is None
    assert load_snapshot(settings.root) == keeper.kept.state

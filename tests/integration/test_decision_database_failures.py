"""Full disks, locks, damaged files, stopped servers: told on one line, and nothing half-written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.pool import NullPool

from index.errors import DatabaseError
from index.sql_engine import open_engine, parse_url
from service.decisions import connections as connecting
from service.decisions.database import Database, back_up, open_database
from service.decisions.decision_state import OverrideKind
from tests.support.decision_databases import MIRA, opened, reopen, server
from tests.support.small_disk import fill, small_disk


def pin(database: Database, target: str) -> None:
    database.overrides.put(
        MIRA,
        article_id="a",
        target_id=target,
        kind=OverrideKind.PIN,
        position=1,
        reason="x" * 1_000,
    )


def pin_until_refused(database: Database) -> Iterator[str]:
    """The pins that were answered before the disk was full."""
    for number in range(10_000):
        try:
            pin(database, f"t{number}")
        except DatabaseError as error:
            assert "no room left on its disk" in str(error)  # noqa: PT017 - the last of many
            assert number > 3
            return
        yield f"t{number}"
    pytest.fail("the disk never was full")


def test_a_full_disk_is_told_and_costs_no_answered_decision(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        url = f"sqlite:///{disk}/decisions.sqlite"
        with opened(url) as database:
            pin(database, "first")
            ballast = fill(disk, 600_000)
            answered = ["first", *pin_until_refused(database)]
            state = database.state()  # reading goes on
            assert {item.target_id for item in state.overrides["a"]} == set(answered)
            ballast.unlink()
            pin(database, "after")
            told = [entry.target_id for entry in database.audit.all()]
            assert told == [*answered, "after"]


def test_a_lock_that_stays_is_told_and_one_that_goes_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "BUSY_SECONDS", 0.3)
    path = tmp_path / "decisions.sqlite"
    with (
        opened(f"sqlite:///{path}") as database,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        pin(database, "before")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="is locked by another process"):
            pin(database, "during")
        assert len(database.overrides.all()) == 1  # reading does not wait
        other.execute("ROLLBACK")
        pin(database, "after")
        assert [entry.target_id for entry in database.audit.all()] == ["before", "after"]


def test_a_file_that_was_damaged_is_told(tmp_path: Path) -> None:
    path = tmp_path / "decisions.sqlite"
    with opened(f"sqlite:///{path}") as database:
        pin(database, "a pin")
    path.write_bytes(b"not a database at all " * 1_000)
    with pytest.raises(DatabaseError, match="restore the file from a backup"):
        open_database(f"sqlite:///{path}")


def test_a_disk_that_can_only_be_read_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        url = f"sqlite:///{disk}/decisions.sqlite"
        with opened(url) as database:
            pin(database, "before")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(DatabaseError, match=r"can.t be (written|opened)") as error:
            open_database(url).takedowns.put(MIRA, article_id="x")
        assert "\n" not in str(error.value)


def test_a_backup_moved_into_place_is_seen_by_who_has_the_old_file_open(tmp_path: Path) -> None:
    path, copy = tmp_path / "decisions.sqlite", tmp_path / "copy.sqlite"
    with opened(f"sqlite:///{path}") as database:
        pin(database, "before")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        pin(database, "after")
        for name in ("decisions.sqlite-wal", "decisions.sqlite-shm"):
            (tmp_path / name).unlink()
        shutil.move(copy, path)
        assert [item.target_id for item in database.overrides.all()] == ["before"]
        path.unlink()
        with pytest.raises(DatabaseError, match="opened: the file is missing: restore it from"):
            database.version()
        assert not path.exists()
        path.mkdir()
        with pytest.raises(DatabaseError, match="can't be opened: it is a folder: move it away"):
            database.version()
        path.rmdir()
        path.touch()
        with pytest.raises(DatabaseError, match=r"holds no decisions.*restore the database from a"):
            database.version()


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o640), (0o002, 0o660), (0o077, 0o600)])
def test_only_its_user_and_group_can_read_a_database(tmp_path: Path, umask: int, mode: int) -> None:
    path, before = tmp_path / "decisions.sqlite", os.umask(umask)
    try:
        with opened(f"sqlite:///{path}") as database:
            pin(database, "a pin")
            back_up(f"sqlite:///{path}", tmp_path / "copy.sqlite")
            files = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    names = ("decisions.sqlite", "decisions.sqlite-wal", "decisions.sqlite-shm", "copy.sqlite")
    assert files == dict.fromkeys(names, mode)


def test_a_file_that_this_user_may_not_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "decisions.sqlite"
    with opened(f"sqlite:///{path}") as database:
        pin(database, "a pin")
    opening = f"open_database('sqlite:///{path}').version()"
    path.chmod(0)
    told = failing_as_user(opening)
    assert f"{path} can't be opened: this user may not read it: restore its permissions" in told
    path.chmod(0o644)
    tmp_path.chmod(0o600)
    told = failing_as_user(opening)
    tmp_path.chmod(0o700)
    assert "can't be opened: this user may not enter its folder" in told


def failing_as_user(expression: str) -> str:
    """The error with which an expression ends for a user to whom permissions apply."""
    code = f"from service.decisions.database import open_database; {expression}"
    lose = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]  # else root may do all
    command = [*(lose if os.getuid() == 0 else []), sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_a_connection_that_lost_its_file_is_made_anew(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/decisions.sqlite") as database:
        pin(database, "first")
        folder = os.open(tmp_path, os.O_RDONLY)  # which nothing can be read from
        for descriptor in Path("/proc/self/fd").iterdir():
            if descriptor.resolve().name in ("decisions.sqlite", "decisions.sqlite-wal"):
                os.dup2(folder, int(descriptor.name))
        os.close(folder)
        with pytest.raises(DatabaseError, match="can't be read or written"):
            pin(database, "lost")
        pin(database, "second")
        assert [entry.target_id for entry in database.audit.all()] == ["first", "second"]


def test_a_server_that_stops_is_told_and_decisions_go_on_when_it_is_back() -> None:
    with server() as (url, postgresql), opened(url) as database:
        pin(database, "before")
        postgresql.stop()
        for _ in range(2):
            with pytest.raises(DatabaseError, match="can't be used") as error:
                pin(database, "during")
            assert "w/ord" not in str(error.value)
            assert "\n" not in str(error.value)
        with pytest.raises(DatabaseError):
            database.version()
        postgresql.start()
        reopen(url).close()
        pin(database, "after")
        assert [entry.target_id for entry in database.audit.all()] == ["before", "after"]


def test_reading_a_table_that_a_session_has_locked_ends_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connecting, "BUSY_SECONDS", 0.3)
    with server() as (url, _), opened(url) as database:
        pin(database, "before")
        with open_engine(parse_url(url), poolclass=NullPool).begin() as other:
            other.exec_driver_sql("LOCK TABLE overrides IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(DatabaseError, match="lock timeout"):
                database.overrides.all()
        assert [item.target_id for item in database.overrides.all()] == ["before"]


def test_a_server_that_was_restarted_between_two_decisions_costs_none() -> None:
    with server() as (url, postgresql), opened(url) as database:
        pin(database, "before")
        postgresql.stop()
        postgresql.start()
        reopen(url).close()
        pin(database, "after")  # its connections were of the old server
        assert len(database.overrides.all()) == 2

"""The copy of the decisions: it says what the database said, or nothing."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import DatabaseError
from recommender.visibility import NEVER
from service.decisions.decision_state import (
    DecisionState,
    Override,
    OverrideKind,
)
from service.decisions.snapshot import file_stamp, load_snapshot, update_snapshot
from service.decisions.snapshot_file import SNAPSHOT, apply_changes
from tests.support.decision_databases import History, differences

IDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
ENDS = st.one_of(st.just(NEVER), st.integers(0, 2**62))


@st.composite
def states(draw: st.DrawFn) -> DecisionState:
    overrides: dict[str, tuple[Override, ...]] = {}
    for article_id in draw(st.sets(IDS, max_size=4)):
        overrides[article_id] = tuple(
            Override(
                article_id=article_id,
                target_id=draw(IDS),
                kind=OverrideKind.PIN if position else OverrideKind.HIDE,
                position=position,
                until=draw(ENDS),
            )
            for position in draw(
                st.lists(st.one_of(st.none(), st.integers(1, 50)), min_size=1, max_size=3)
            )
        )
    return DecisionState(
        database=draw(st.sampled_from(["one", "two"])),
        version=draw(st.integers(1, 5)),
        takedowns=draw(st.dictionaries(IDS, ENDS, max_size=4)),
        overrides=overrides,
    )


def in_order(some: list[DecisionState]) -> list[DecisionState]:
    """The same decisions as those of one database, one version after another."""
    return [replace(state, database="one", version=at) for at, state in enumerate(some, 1)]


@given(some=st.lists(states(), min_size=1, max_size=6).map(in_order))
def test_what_changed_is_written_as_if_all_was(
    tmp_path_factory: pytest.TempPathFactory, some: list[DecisionState]
) -> None:
    folder, whole = (tmp_path_factory.mktemp(name) for name in ("changed", "whole"))
    state = some[0]
    for count, expected in enumerate(some, 1):
        history = History(some[:count])
        update_snapshot(folder, history)
        state = state.after(differences(state, expected))
        for found in (load_snapshot(folder), state):
            assert found == expected
            assert found is not None
            assert found.instants.tolist() == expected.instants.tolist()
    update_snapshot(whole, History(some[-1:]))
    assert load_snapshot(whole) == some[-1]


@given(some=st.lists(states(), min_size=1, max_size=6))
def test_no_older_state_and_no_other_databases_takes_the_place_of_the_newest(
    tmp_path_factory: pytest.TempPathFactory, some: list[DecisionState]
) -> None:
    folder = tmp_path_factory.mktemp("state")
    newest = some[0]
    for state in some:
        if state.database != newest.database:
            with pytest.raises(DatabaseError, match="of another database"):
                update_snapshot(folder, History([state]))
        elif state.version < newest.version:
            with pytest.raises(DatabaseError, match="lacks decisions that are in its copy"):
                update_snapshot(folder, History([state]))
        else:
            update_snapshot(folder, History([state]))
            newest = state if state.version > newest.version else newest
    assert load_snapshot(folder) == newest


@given(place=st.integers(0, 100_000), value=st.integers(0, 255))
def test_a_snapshot_with_any_byte_changed_says_the_same_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    folder = tmp_path_factory.mktemp("state")
    state = DecisionState(database="one", version=7, takedowns={"ü/x": NEVER, "y": 12})
    update_snapshot(folder, History([state]))
    content = bytearray((folder / SNAPSHOT).read_bytes())
    content[place % len(content)] = value
    (folder / SNAPSHOT).write_bytes(content)
    assert load_snapshot(folder) in (state, None)
    update_snapshot(folder, History([state]), verify=True)
    assert load_snapshot(folder) == state


def test_a_damaged_snapshot_is_written_anew_and_an_intact_one_left_alone(tmp_path: Path) -> None:
    state = DecisionState(database="one", version=7, takedowns={"some-article": NEVER})
    update_snapshot(tmp_path, History([state]))
    path = tmp_path / SNAPSHOT
    before = file_stamp(path)
    for verify in (False, True):
        update_snapshot(tmp_path, History([state]), verify=verify)
        assert file_stamp(path) == before
    path.write_bytes(path.read_bytes().replace(b"some-article", b"same-article"))
    assert load_snapshot(tmp_path) is None
    update_snapshot(tmp_path, History([state]), verify=True)
    assert load_snapshot(tmp_path) == state


def test_what_is_up_to_date_needs_no_lock_and_what_fails_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = in_order([DecisionState(takedowns=dict.fromkeys(some, 1)) for some in ("a", "ab")])
    update_snapshot(tmp_path, History(states[:1]))

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("fcntl.flock", refuse)
    for verify in (False, True):
        update_snapshot(tmp_path, History(states[:1]), verify=verify)
    with pytest.raises(DatabaseError, match=r"can't be written \(Read-only file system\)"):
        update_snapshot(tmp_path, History(states))


def test_changes_are_not_said_to_be_written_into_a_file_that_another_process_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = in_order([DecisionState(takedowns=dict.fromkeys(some, 1)) for some in ("a", "ab")])
    assert not apply_changes(tmp_path, differences(*states)), "there is no file"
    update_snapshot(tmp_path, History(states[:1]))
    monkeypatch.setattr("service.decisions.snapshot_file.BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(tmp_path / SNAPSHOT, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            apply_changes(tmp_path, differences(*states))
    assert load_snapshot(tmp_path) == states[0]
    assert apply_changes(tmp_path, differences(*states))
    assert load_snapshot(tmp_path) == states[1]


def test_a_snapshot_of_an_earlier_version_is_replaced_whole(tmp_path: Path) -> None:
    states = in_order([DecisionState(takedowns=dict.fromkeys(some, 1)) for some in ("a", "ab")])
    update_snapshot(tmp_path, History(states[:1]))
    with closing(sqlite3.connect(tmp_path / SNAPSHOT)) as earlier:
        earlier.execute("ALTER TABLE overrides DROP COLUMN since")
    assert not apply_changes(tmp_path, differences(*states))
    update_snapshot(tmp_path, History(states))
    assert load_snapshot(tmp_path) == states[1]

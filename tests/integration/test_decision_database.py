"""What editors decide: stored, versioned, audited and undone, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import DatabaseError
from recommender.errors import NotFoundError
from recommender.visibility import NEVER
from service.decisions.database import Database
from service.decisions.decision_state import DecisionState, Override, OverrideKind
from service.decisions.list_scope import EVERY, tag_scope
from service.errors import ConflictError, DecisionError
from service.roles import Role
from tests.support.decision_databases import MIRA, OMAR, NewUrl, opened
from tests.support.moments import Clock

SECOND = 1_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(new_url: NewUrl, clock: Clock) -> Iterator[Database]:
    with opened(new_url(), now=clock) as database:
        yield database


def pin(database: Database, target: str = "b", **values: Any) -> int:
    given = {"article_id": "a", "position": 1, "kind": OverrideKind.PIN, **values}
    return database.overrides.put(MIRA, target_id=target, **given)


def hide(database: Database, target: str = "b", **values: Any) -> int:
    given = {"article_id": "a", "kind": OverrideKind.HIDE, **values}
    return database.overrides.put(MIRA, target_id=target, **given)


def targets(database: Database, article_id: str = "a") -> list[tuple[str, str, int | None]]:
    items = database.overrides.of(article_id).items
    return [(item.target_id, item.kind.value, item.position) for item in items]


# Overrides


def test_a_second_decision_about_a_pair_takes_the_place_of_the_first(database: Database) -> None:
    pin(database)
    hide(database)
    assert targets(database) == [("b", "hide", None)]


def test_two_pins_to_one_position_reach_readers_older_first(
    database: Database, clock: Clock
) -> None:
    """So that inserting one after the other leaves the newer where its editor put it."""
    pin(database, "older", position=2)
    clock.now += SECOND
    pin(database, "newer", position=2)
    hide(database, "gone")
    pin(database, "first", position=1)
    some = database.state().overrides["a"]
    assert [item.target_id for item in some] == ["first", "older", "newer", "gone"]


def test_a_removed_override_is_gone_and_its_list_has_a_new_version(database: Database) -> None:
    pin(database)
    first = database.overrides.of("a").version
    database.overrides.remove(MIRA, article_id="a", target_id="b")
    assert targets(database) == []
    assert database.overrides.of("a").version > first
    with pytest.raises(NotFoundError, match="'b' is not pinned or hidden in the list of 'a'"):
        database.overrides.remove(MIRA, article_id="a", target_id="b")


def test_the_longest_ids_and_reasons_are_kept_as_they_are(database: Database) -> None:
    article_id, target_id, reason = "ü" * 256, "🦉" * 128, "é" * 1_000
    hide(database, target_id, article_id=article_id, reason=reason)
    (found,) = database.overrides.all()
    assert (found.article_id, found.target_id, found.reason) == (article_id, target_id, reason)


# Two editors


def test_an_editor_who_looked_at_an_older_list_is_told_and_overwrites_nothing(
    database: Database,
) -> None:
    assert database.overrides.of("a").version == 0
    pin(database, if_version=0)
    seen = database.overrides.of("a").version
    hide(database, "c", if_version=seen)
    theirs = database.overrides.of("a").version
    with pytest.raises(ConflictError, match=f"from version {seen} to {theirs}"):
        pin(database, "d", if_version=seen)
    assert targets(database) == [("b", "pin", 1), ("c", "hide", None)]
    pin(database, "d", if_version=theirs)


def test_another_list_is_no_conflict(database: Database) -> None:
    pin(database)
    seen = database.overrides.of("a").version
    pin(database, article_id="other")
    pin(database, "c", if_version=seen)
    assert len(database.overrides.all()) == 3


def test_rules_are_read_without_the_pins_and_hides_of_single_lists(database: Database) -> None:
    scopes = [EVERY, tag_scope("100% _sea")]
    for article_id in (*scopes, "a", "#a"):
        hide(database, article_id=article_id)
    assert [each.article_id for each in database.overrides.rules()] == scopes


def test_of_many_who_saw_the_same_list_one_decides(database: Database) -> None:
    pin(database)
    seen = database.overrides.of("a").version

    def decide(number: int) -> bool:
        try:
            hide(database, f"t{number}", if_version=seen)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(decide, range(24)))
    assert won.count(True) == 1
    assert len(database.overrides.of("a").items) == 2


def test_decisions_at_once_are_all_there_and_numbered_without_gaps(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda n: hide(database, f"t{n}"), range(40)))
    assert len(database.overrides.of("a").items) == 40
    assert sorted(written) == list(range(1, 41))
    assert [entry.seq for entry in database.audit.all()] == list(range(1, 41))


def test_several_decisions_are_made_together_or_not_at_all(database: Database) -> None:
    hide(database, "t0")
    before = database.version()
    with database.together(MIRA) as joined:
        for target in ("t1", "t2"):
            hide(joined, target, if_version=joined.overrides.of("a").version)
        with pytest.raises(NotFoundError):
            joined.takedowns.lift(MIRA, article_id="x")
        joined.takedowns.put(MIRA, article_id="y")
        assert database.version() == before
    changes = database.changes(*before)
    assert changes is not None
    assert (len(changes.overrides["a"]), set(changes.takedowns)) == (3, {"y"})
    assert [entry.seq for entry in database.audit.all()] == [1, 2, 3, 4]
    with suppress(RuntimeError), database.together(MIRA) as joined:
        joined.takedowns.lift(MIRA, article_id="y")
        raise RuntimeError
    assert set(database.state().takedowns) == {"y"}


# Takedowns


def test_a_takedown_is_in_the_state_until_it_is_lifted(database: Database, clock: Clock) -> None:
    database.takedowns.put(MIRA, article_id="x/1", reason="withdrawn")
    database.takedowns.put(OMAR, article_id="y", until=clock.now + SECOND)
    assert database.state().takedowns == {"x/1": NEVER, "y": clock.now + SECOND}
    found = database.takedowns.get("x/1")
    assert found is not None
    assert (found.who, found.reason, found.since) == ("mira", "withdrawn", clock.now)
    database.takedowns.lift(OMAR, article_id="x/1")
    assert database.takedowns.get("x/1") is None
    assert [item.article_id for item in database.takedowns.all()] == ["y"]
    with pytest.raises(NotFoundError, match="'x/1' is not taken down"):
        database.takedowns.lift(OMAR, article_id="x/1")


def test_a_takedown_is_saved_outside_the_database_before_it_is_answered(new_url: NewUrl) -> None:
    saved: list[DecisionState] = []
    with opened(new_url(), save=lambda now: saved.append(now.state())) as database:
        pin(database)
        assert saved == []  # what brings nothing hidden back may wait for the next look
        ways = [
            lambda: database.takedowns.put(MIRA, article_id="x"),
            lambda: database.audit.undo(MIRA, database.audit.latest(limit=1)[0].seq),
            lambda: database.takedowns.put(MIRA, article_id="x", until=NEVER),
            lambda: database.takedowns.lift(MIRA, article_id="x"),
            lambda: database.audit.undo(MIRA, database.audit.latest(limit=1)[0].seq),
            lambda: _take_down_together(database, "x", "y"),
        ]
        for count, way in enumerate(ways, 1):
            way()
            assert len(saved) == count
            assert saved[-1] == database.state()
        assert set(saved[-1].takedowns) == {"x", "y"}


def _take_down_together(database: Database, *ids: str) -> None:
    with database.together(MIRA) as joined:
        for article_id in ids:
            joined.takedowns.put(MIRA, article_id=article_id)


def test_a_takedown_that_cant_be_saved_holds_and_is_told_to_be_said_again(new_url: NewUrl) -> None:
    def fail(_: Database) -> None:
        raise DatabaseError("no room")

    with opened(new_url(), save=fail) as database:
        with pytest.raises(DatabaseError, match="no room"):
            database.takedowns.put(MIRA, article_id="x")
        assert "x" in database.state().takedowns


# Judgments


def test_everyone_has_one_word_on_a_pair(database: Database) -> None:
    database.judgments.put(MIRA, article_id="a", target_id="b", verdict=1, build="x")
    database.judgments.put(OMAR, article_id="a", target_id="b", verdict=1)
    database.judgments.put(OMAR, article_id="a", target_id="b", verdict=-1, reason="no")
    database.judgments.put(OMAR, article_id="c", target_id="b", verdict=1)
    assert [(item.author, item.verdict) for item in database.judgments.of("a")] == [
        ("mira", 1),
        ("omar", -1),
    ]
    database.judgments.remove(OMAR, article_id="a", target_id="b")
    assert [item.article_id for item in database.judgments.all()] == ["a", "c"]
    with pytest.raises(NotFoundError):
        database.judgments.remove(OMAR, article_id="a", target_id="b")


def test_not_related_is_a_judgment_for_as_long_as_it_stands(database: Database) -> None:
    database.judgments.put(MIRA, article_id="a", target_id="b", verdict=1)
    written = hide(database, not_related=True)
    assert [item.verdict for item in database.judgments.of("a")] == [-1]
    database.audit.undo(MIRA, written)
    assert [item.verdict for item in database.judgments.of("a")] == [1]
    pair = {"article_id": "a", "target_id": "b"}
    for verdict in (1, None):
        hide(database, not_related=True, reason="too far")
        if verdict is None:
            database.judgments.remove(MIRA, **pair)
        else:
            database.judgments.put(MIRA, **pair, verdict=verdict)
        assert [item.verdict for item in database.judgments.of("a")] == [verdict] * (verdict or 0)
        [kept] = database.overrides.of("a").items
        assert (kept.kind, kept.reason, kept.not_related) == (OverrideKind.HIDE, "too far", False)
    hide(database, not_related=True)
    with pytest.raises(NotFoundError):
        database.judgments.remove(OMAR, **pair)
    database.judgments.put(OMAR, **pair, verdict=1)
    assert [item.verdict for item in database.judgments.of("a")] == [-1, 1], "another's"


def test_a_judgment_changes_nothing_for_readers(database: Database) -> None:
    version = database.version()
    database.judgments.put(MIRA, article_id="a", target_id="b", verdict=1)
    assert database.version() == version
    with pytest.raises(DecisionError, match="1 or -1"):
        database.judgments.put(MIRA, article_id="a", target_id="b", verdict=0)


# The state


def test_the_version_grows_with_every_decision_and_never_lags_behind_the_clock(
    database: Database, clock: Clock
) -> None:
    """After a backup was restored, no version is given out a second time."""
    database_id, before = database.version()
    for change in (
        lambda: pin(database),
        lambda: database.takedowns.put(MIRA, article_id="x"),
        lambda: database.takedowns.lift(MIRA, article_id="x"),
        lambda: database.overrides.remove(MIRA, article_id="a", target_id="b"),
    ):
        change()
        same, version = database.version()
        assert same == database_id
        assert version > before
        assert version >= clock.now
        before = version


def test_the_state_holds_what_was_decided_and_knows_its_version(
    database: Database, clock: Clock
) -> None:
    pin(database, position=4, until=clock.now + SECOND)
    state = database.state()
    assert (state.database, state.version) == database.version()
    assert state.overrides == {
        "a": (
            Override(
                article_id="a",
                target_id="b",
                kind=OverrideKind.PIN,
                position=4,
                until=clock.now + SECOND,
            ),
        )
    }


# The audit trail


def test_every_change_is_told_with_who_how_when_what_and_why(
    database: Database, clock: Clock
) -> None:
    pin(database, reason="a good one")
    clock.now += SECOND
    database.overrides.remove(OMAR, article_id="a", target_id="b", reason="not so good")
    first, second = database.audit.all()
    assert (first.seq, first.who, first.how, first.action) == (1, "mira", "session", "override.put")
    assert (first.article_id, first.target_id, first.reason) == ("a", "b", "a good one")
    assert first.before is None
    assert first.after is not None
    assert (first.after["kind"], first.after["position"], first.after["until"]) == ("pin", 1, None)
    assert (second.who, second.how, second.at) == ("omar", "token", clock.now)
    assert (second.action, second.reason) == ("override.remove", "not so good")
    assert second.before == first.after
    assert second.after is None


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "TRUNCATE audit"]
)
def test_the_audit_trail_can_only_be_added_to(database: Database, statement: str) -> None:
    pin(database)
    before = list(database.audit.all())
    with pytest.raises(DatabaseError), database._store.write() as connection:
        connection.exec_driver_sql(statement)
    assert list(database.audit.all()) == before


def test_the_audit_trail_is_read_in_pages_and_by_article_or_person(database: Database) -> None:
    for number in range(5):
        pin(database, f"t{number}")
    database.takedowns.put(OMAR, article_id="t3")
    assert [entry.seq for entry in database.audit.latest(limit=2)] == [6, 5]
    assert [entry.seq for entry in database.audit.latest(before=5, limit=2)] == [4, 3]
    assert [entry.seq for entry in database.audit.latest(article_id="t3")] == [6, 4]
    assert [entry.seq for entry in database.audit.latest(who="omar")] == [6]
    entry = database.audit.get(6)
    assert entry is not None
    assert entry.action == "takedown.put"
    assert database.audit.get(7) is None


# Undo


def test_undo_puts_back_what_stood_there_and_is_itself_told(
    database: Database, clock: Clock
) -> None:
    pin(database, position=3, until=clock.now + SECOND)
    before = database.overrides.of("a").items
    second = hide(database)
    clock.now += 2 * SECOND  # even if its end has passed meanwhile
    undone = database.audit.undo(OMAR, second, reason="a slip")
    assert database.overrides.of("a").items == before
    entry = database.audit.get(undone)
    assert entry is not None
    assert (entry.action, entry.who, entry.reason) == ("override.undo", "omar", "a slip")
    database.audit.undo(MIRA, undone)
    assert targets(database) == [("b", "hide", None)]


def test_undo_of_a_first_decision_leaves_none(database: Database) -> None:
    database.audit.undo(MIRA, pin(database))
    assert targets(database) == []
    database.audit.undo(MIRA, database.takedowns.put(MIRA, article_id="x"))
    assert database.takedowns.all() == []
    word = database.judgments.put(MIRA, article_id="a", target_id="b", verdict=1)
    database.audit.undo(OMAR, word)
    assert database.judgments.all() == []


def test_undo_of_a_removal_brings_back(database: Database) -> None:
    pin(database)
    database.audit.undo(MIRA, database.overrides.remove(MIRA, article_id="a", target_id="b"))
    assert targets(database) == [("b", "pin", 1)]
    database.takedowns.put(MIRA, article_id="x")
    database.audit.undo(MIRA, database.takedowns.lift(MIRA, article_id="x"))
    assert "x" in database.state().takedowns


def test_undo_reaches_past_nothing_newer_about_the_same(database: Database) -> None:
    first = pin(database)
    second = hide(database)
    pin(database, "c")
    with pytest.raises(ConflictError, match="undo that first"):
        database.audit.undo(MIRA, first)
    database.audit.undo(MIRA, second)  # what happened to another article does not matter
    assert targets(database) == [("b", "pin", 1), ("c", "pin", 1)]
    database.audit.undo(MIRA, first)  # as the newer decision was undone
    assert targets(database) == [("c", "pin", 1)]


def test_another_persons_judgment_is_no_reason_not_to_undo_ones_own(database: Database) -> None:
    mine = database.judgments.put(MIRA, article_id="a", target_id="b", verdict=1)
    database.judgments.put(OMAR, article_id="a", target_id="b", verdict=-1)
    database.audit.undo(MIRA, mine)
    assert [item.author for item in database.judgments.all()] == ["omar"]


def test_what_is_not_there_or_about_an_account_cant_be_undone(database: Database) -> None:
    with pytest.raises(NotFoundError, match="no entry 7"):
        database.audit.undo(MIRA, 7)
    database.tokens.add(MIRA, name="cms", role=Role.EDITOR)
    with pytest.raises(DecisionError, match=r"token\.add"):
        database.audit.undo(MIRA, 1)


# Whatever is decided


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pin", "hide", "remove", "take", "lift", "undo"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["a", "b", "c", "d/ü"]),
        st.integers(1, 50),
    ),
    max_size=25,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_state_is_what_replaying_the_audit_trail_gives(
    new_url: NewUrl, steps: list[tuple[str, str, str, int]]
) -> None:
    with opened(new_url()) as database:
        for what, article_id, target_id, number in steps:
            attempt(database, what, article_id, target_id, number)
        overrides: dict[tuple[str, str], Any] = {}
        takedowns: dict[str, Any] = {}
        for entry in database.audit.all():
            if entry.action.startswith("override."):
                key: Any = (entry.article_id, entry.target_id)
                known: dict[Any, Any] = overrides
            else:
                key, known = entry.article_id, takedowns
            assert known.pop(key, None) == entry.before
            if entry.after is not None:
                known[key] = entry.after
        state = database.state()
        assert set(state.takedowns) == set(takedowns)
        found = {
            (item.article_id, item.target_id): (item.kind.value, item.position)
            for some in state.overrides.values()
            for item in some
        }
        assert found == {
            key: (values["kind"], values["position"]) for key, values in overrides.items()
        }


def attempt(database: Database, what: str, article_id: str, target_id: str, number: int) -> None:
    changes: dict[str, Callable[[], Any]] = {
        "pin": lambda: pin(database, target_id, article_id=article_id, position=number),
        "hide": lambda: hide(database, target_id, article_id=article_id),
        "remove": lambda: database.overrides.remove(
            MIRA, article_id=article_id, target_id=target_id
        ),
        "take": lambda: database.takedowns.put(MIRA, article_id=target_id),
        "lift": lambda: database.takedowns.lift(MIRA, article_id=target_id),
        "undo": lambda: database.audit.undo(OMAR, number),
    }
    with suppress(DecisionError, NotFoundError, ConflictError):
        changes[what]()

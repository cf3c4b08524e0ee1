"""What is pushed is kept once per article, in order, and takes down what it unpublishes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from recommender.errors import ArticleError
from recommender.visibility import NEVER
from service.decisions import pushed_statements
from service.decisions.copy_database import copy_rows
from service.decisions.database import Database, upgrade_database
from service.decisions.decision_store import Actor
from service.decisions.pushed_statements import NewStatement
from tests.support.decision_databases import MIRA, NewUrl, opened
from tests.support.moments import Clock

CMS = Actor(name="cms", how="token")
HOUR = 3_600_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(new_url: NewUrl, clock: Clock) -> Iterator[Database]:
    with opened(new_url(), now=clock) as found:
        yield found


def put(database: Database, article_id: str, record: Any = None, **more: Any) -> Any:
    if record is None:
        more.setdefault("hidden_until", NEVER)
    return database.pushed.put(CMS, [NewStatement(article_id=article_id, record=record, **more)])[0]


def takedown(database: Database, article_id: str) -> tuple[str, int, int | None] | None:
    found = database.takedowns.get(article_id)
    return None if found is None else (found.who, found.until, found.before_push)


def test_each_article_has_one_statement_and_numbers_grow_over_all(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = put(database, "a", {"title": "A"}), put(database, "b", {"title": "B"})
    third = put(database, "a", {"title": "Anew"})
    assert first.number < second.number < third.number == database.pushed.last()
    assert [one.number for one in database.pushed.above(0)] == [second.number, third.number]
    assert database.pushed.above(second.number) == [third] == [database.pushed.get("a")]
    assert database.pushed.get("c") is None
    assert {one.article_id for one in database.pushed.all()} == {"a", "b"}
    monkeypatch.setattr(pushed_statements, "_BATCH", 2)
    assert [*database.pushed.about(["c", "b", "a"])] == [second, third]
    assert [*database.pushed.about(["b"])] == [second]


def test_the_same_record_again_keeps_its_number_however_its_fields_are_ordered(
    database: Database, clock: Clock
) -> None:
    first = put(database, "a", {"title": "A", "tags": ["x"], "odd": "\x00\ud800"})
    clock.now += HOUR
    again = put(database, "a", {"tags": ["x"], "odd": "\x00\ud800", "title": "A"})
    assert again == first
    found = database.pushed.get("a")
    assert found is not None
    assert (found.number, found.stated) == (first.number, clock.now), "but it was said again"
    gone = put(database, "a")
    assert put(database, "a") == gone != first


def test_numbers_grow_even_if_the_clock_goes_back_or_all_statements_were_settled(
    database: Database, clock: Clock
) -> None:
    first = put(database, "a", {"title": "A"})
    clock.now -= HOUR
    database.pushed.settle(MIRA, {"a": first.number})
    assert database.pushed.get("a") is None
    assert put(database, "a", {"title": "A"}).number > first.number


def test_a_batch_is_stored_as_a_whole_or_not_at_all(database: Database) -> None:
    good, bad = (NewStatement(article_id=one, record={"title": "T"}) for one in ("a", " b"))
    with pytest.raises(ArticleError):
        database.pushed.put(CMS, [good, bad])
    assert database.pushed.above(0) == []
    found = database.pushed.put(CMS, [good, NewStatement(article_id="a", record={"title": "U"})])
    assert [one.article_id for one in found] == ["a", "a"]
    assert database.pushed.above(0) == found[1:]


def test_what_is_unpublished_is_taken_down_with_it_and_comes_back_with_the_next_push(
    database: Database,
) -> None:
    put(database, "a")
    assert takedown(database, "a") == ("cms", NEVER, 0)
    assert set(database.state().takedowns) == {"a"}
    put(database, "a", {"title": "A"})
    assert takedown(database, "a") is None
    told = [(entry.action, entry.who, entry.reason) for entry in database.audit.latest()]
    assert told == [
        ("takedown.lift", "cms", "published by a push"),
        ("takedown.put", "cms", "unpublished by a push"),
    ]


def test_a_push_never_lifts_what_an_editor_took_down(database: Database) -> None:
    database.takedowns.put(MIRA, article_id="a", reason="withdrawn")
    put(database, "a")
    put(database, "a", {"title": "A"})
    assert takedown(database, "a") == ("mira", NEVER, None)
    put(database, "b")
    database.takedowns.put(MIRA, article_id="b", reason="withdrawn")
    put(database, "b", {"title": "B"})
    assert takedown(database, "b") == ("mira", NEVER, None)


def test_an_editors_takedown_that_ends_is_prolonged_and_afterwards_ends_as_it_was_meant_to(
    database: Database, clock: Clock
) -> None:
    end = clock.now + HOUR
    database.takedowns.put(MIRA, article_id="a", until=end)
    put(database, "a", {"title": "A"}, hidden_until=end + HOUR)
    assert takedown(database, "a") == ("mira", end + HOUR, end)
    put(database, "a")
    assert takedown(database, "a") == ("mira", NEVER, end), "still the editor's name"
    put(database, "a", {"title": "A"})
    assert takedown(database, "a") == ("mira", end, None)
    put(database, "a")
    clock.now = end + 1
    put(database, "a", {"title": "A"})
    assert takedown(database, "a") is None


def test_undoing_an_editors_takedown_brings_back_no_push_that_was_taken_back(
    database: Database, clock: Clock
) -> None:
    end = clock.now + HOUR
    database.takedowns.put(MIRA, article_id="b", until=end)
    for key in ("a", "b", "c", "d"):
        put(database, key)
    clock.now += 1
    entries = {key: database.takedowns.put(MIRA, article_id=key) for key in ("a", "b", "c", "d")}
    clock.now += 1
    for key in ("a", "b"):
        put(database, key, {"title": key})
    database.pushed.settle(MIRA, {"d": database.pushed.last()})
    assert database.pushed.get("d") is None
    for entry in entries.values():
        database.audit.undo(MIRA, entry)
    assert takedown(database, "a") is None
    assert takedown(database, "b") == ("mira", end, None), "the editor's own"
    assert takedown(database, "c") == ("cms", NEVER, 0), "the site has not taken it back"
    assert takedown(database, "d") is None


def test_an_undone_lifting_is_an_editors_takedown_if_the_site_shows_the_article(
    database: Database, clock: Clock
) -> None:
    gone = {key: put(database, key).number for key in ("a", "b", "c")}
    clock.now += 1
    put(database, "a", {"title": "A"})
    database.pushed.show(MIRA, {"b": gone["b"]}, lambda _: True)
    database.takedowns.lift(MIRA, article_id="c")
    for entry in database.audit.latest(limit=3):
        database.audit.undo(MIRA, entry.seq)
    put(database, "a", {"title": "Anew"})
    database.pushed.show(MIRA, {"b": gone["b"]}, lambda _: True)
    put(database, "c", {"title": "C"})
    assert takedown(database, "a") == takedown(database, "b") == ("cms", NEVER, None)
    assert takedown(database, "c") is None, "restored as it was: the push's"


def test_what_the_site_says_holds_where_an_editors_takedown_ends(
    database: Database, clock: Clock
) -> None:
    draft, end = {"status": "draft"}, clock.now + HOUR
    keys = ("a", "b", "c", "d", "e", "f")
    for key in ("a", "f"):
        put(database, key, draft, hidden_until=NEVER)
    clock.now += 1
    ends = {"f": end}
    entries = {
        key: database.takedowns.put(MIRA, article_id=key, until=ends.get(key, NEVER))
        for key in keys
    }
    assert takedown(database, "f") == ("mira", NEVER, end), "and then the site's"
    clock.now += 1
    put(database, "a", draft, hidden_until=NEVER)
    put(database, "b")
    put(database, "c")
    put(database, "d", draft, hidden_until=end)
    put(database, "e")
    put(database, "e", {"title": "E"})
    for key in keys:
        if key in ("b", "d", "e"):
            database.takedowns.lift(MIRA, article_id=key)
        else:
            database.audit.undo(MIRA, entries[key])
    found = {key: takedown(database, key) for key in keys}
    assert found.pop("e") is None
    assert found.pop("d") == ("cms", end, 0)
    assert set(found.values()) == {("cms", NEVER, 0)}
    for key in keys:
        if key == "b":
            database.takedowns.lift(MIRA, article_id=key)
        else:
            put(database, key, {"title": key})
        assert takedown(database, key) is None


def test_a_scheduled_article_is_down_until_its_time(database: Database, clock: Clock) -> None:
    at = clock.now + HOUR
    put(database, "a", {"title": "A"}, hidden_until=at)
    assert takedown(database, "a") == ("cms", at, 0)
    put(database, "a", {"title": "A"}, hidden_until=at)
    assert len(database.audit.latest()) == 1
    put(database, "a")
    assert takedown(database, "a") == ("cms", NEVER, 0)


def test_deleting_again_takes_down_again_what_an_editor_brought_back(database: Database) -> None:
    first = put(database, "a")
    database.takedowns.lift(MIRA, article_id="a")
    assert put(database, "a").number == first.number
    assert takedown(database, "a") == ("cms", NEVER, 0)


@pytest.mark.parametrize("undone", [False, True])
def test_what_an_editor_lifted_stays_so_when_a_later_takedown_ends(
    database: Database, clock: Clock, *, undone: bool
) -> None:
    for key in ("a", "b"):
        put(database, key)
    entry = database.takedowns.lift(MIRA, article_id="a")
    made = database.audit.latest(limit=2)[-1]
    assert (made.action, made.article_id) == ("takedown.put", "b")
    database.audit.undo(MIRA, made.seq)
    clock.now += 1
    for key in ("a", "b"):
        later = database.takedowns.put(MIRA, article_id=key, until=clock.now + HOUR)
        assert takedown(database, key) == ("mira", clock.now + HOUR, None)
        if undone:
            database.audit.undo(MIRA, later)
        else:
            database.takedowns.lift(MIRA, article_id=key)
        assert takedown(database, key) is None
    database.audit.undo(MIRA, entry)
    assert takedown(database, "a") == ("cms", NEVER, 0), "as it was"


def test_what_is_settled_is_a_new_word_when_it_is_pushed_again(
    database: Database, clock: Clock
) -> None:
    first = put(database, "a")
    clock.now += HOUR
    assert put(database, "a").number == first.number
    again = put(database, "a", settled=first.number)
    assert again.number > first.number
    assert put(database, "a", settled=first.number).number == again.number


def test_what_is_pushed_again_while_a_build_settles_it_is_a_new_word(
    database: Database, clock: Clock
) -> None:
    for key in ("a", "b", "c"):
        put(database, key)
    began = clock.now = clock.now + HOUR
    clock.now += HOUR
    first, again = (put(database, key) for key in ("a", "b"))
    database.pushed.renew({"a": first.number, "b": again.number - 1, "c": NEVER}, began)
    numbers = {one.article_id: one.number for one in database.pushed.all()}
    assert numbers["a"] == database.pushed.last() > clock.now - 1
    assert numbers["b"] == again.number
    assert numbers["c"] < began


def test_a_push_waits_for_the_number_that_another_statement_gets(
    database: Database, clock: Clock
) -> None:
    put(database, "a")
    began = clock.now = clock.now + HOUR
    clock.now += HOUR
    settled = {"a": put(database, "a").number}
    clock.now += HOUR
    found: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as pool:

        @sa.event.listens_for(database._store.engine, "after_cursor_execute")
        def push(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if "pushed.received > " in statement:
                assert "pushed.record," not in statement, "records may be large"
            if statement.startswith("SELECT meta.pushed") and not found:
                found.append(Future())
                found[0] = pool.submit(put, database, "b")
                wait(found, 0.5)

        database.pushed.renew(settled, began)
    numbers = [found[0].result().number, *(one.number for one in database.pushed.all())]
    assert database.pushed.last() == max(numbers)


def test_what_a_source_shows_again_is_no_longer_down_and_its_statement_stays(
    database: Database,
) -> None:
    numbers = {key: put(database, key).number for key in ("a", "b", "c")}
    settled = {"a": numbers["a"], "b": numbers["b"], "c": numbers["c"] - 1}
    database.pushed.show(MIRA, settled, lambda key: key != "b")
    assert takedown(database, "a") is None
    assert takedown(database, "b") == takedown(database, "c") == ("cms", NEVER, 0)
    assert len([*database.pushed.all()]) == 3
    for key in ("a", "c", "d"):
        database.takedowns.put(MIRA, article_id=key)
    settled["d"] = put(database, "d").number
    database.pushed.show(MIRA, settled, lambda key: key == "d")
    assert takedown(database, "d") == ("mira", NEVER, None)
    for key in ("a", "c", "d"):
        database.takedowns.lift(MIRA, article_id=key)
    assert takedown(database, "a") is takedown(database, "d") is None, "the source shows both"
    assert takedown(database, "c") == ("cms", NEVER, 0)


def test_what_is_unpublished_while_takedowns_are_lifted_stays_down(database: Database) -> None:
    settled = {"a": put(database, "a").number}

    def shown(key: str) -> bool:
        return bool(put(database, key, settled=settled[key]))

    database.pushed.show(MIRA, settled, shown)
    assert takedown(database, "a") == ("cms", NEVER, 0)


def test_an_older_statement_can_be_passed_over(database: Database, clock: Clock) -> None:
    newer = put(database, "a", {"title": "New"}, stated=clock.now - 5)
    for stated, kept in ((clock.now - 6, True), (clock.now - 4, False)):
        found = put(database, "a", {"title": "Old"}, stated=stated, only_newer=True)
        assert (found == newer) == kept


def test_what_comes_late_is_passed_over_even_if_the_newer_word_was_said_before(
    database: Database, clock: Clock
) -> None:
    for ago, record in ((9, None), (5, None), (7, {"title": "Late"})):
        put(database, "a", record, stated=clock.now - ago, only_newer=True)
    assert takedown(database, "a") == ("cms", NEVER, 0)


def test_what_was_stated_while_the_clock_was_ahead_is_not_the_newest_word(
    database: Database, clock: Clock
) -> None:
    clock.now += 24 * HOUR
    put(database, "a", {"title": "A"}, stated=clock.now, only_newer=True)
    clock.now -= 24 * HOUR
    assert put(database, "a", stated=clock.now, only_newer=True).record is None
    assert takedown(database, "a") == ("cms", NEVER, 0)


def test_nothing_is_stated_in_the_future(database: Database, clock: Clock) -> None:
    assert put(database, "a", {"title": "A"}, stated=clock.now + HOUR).stated == clock.now


def test_a_refused_statement_is_passed_over_until_the_article_is_pushed_again(
    database: Database,
) -> None:
    first = put(database, "a", {"title": "A"})
    database.pushed.refuse("a", first.number - 1, "too old")
    assert database.pushed.above(0) == [first]
    database.pushed.refuse("a", first.number, "max_loss")
    assert database.pushed.above(0) == []
    found = database.pushed.above(0, refused=True)
    assert (
        [one.refused for one in found]
        == ["max_loss"]
        == [one.refused for one in database.pushed.all()]
    )
    again = put(database, "a", {"title": "A"})
    assert again.number > first.number
    assert again.refused is None


def test_settling_drops_what_is_no_newer_and_lifts_its_takedown(database: Database) -> None:
    gone, kept, other = (put(database, one) for one in "abc")
    database.takedowns.put(MIRA, article_id="a")
    settled = {"a": gone.number, "b": kept.number - 1, "c": other.number, "d": 7}
    database.pushed.settle(MIRA, settled)
    assert [one.article_id for one in database.pushed.above(0)] == ["b"]
    assert set(database.state().takedowns) == {"a", "b"}


def test_others_can_decide_while_many_statements_are_settled(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [NewStatement(article_id=f"a{number}", record={}) for number in range(150)]
    settled = {one.article_id: one.number for one in database.pushed.put(CMS, given)}

    def pause(_: float) -> None:
        database.takedowns.put(MIRA, article_id="other")

    monkeypatch.setattr(pushed_statements, "time", SimpleNamespace(sleep=pause), raising=False)
    database.pushed.settle(MIRA, settled)
    assert database.pushed.above(0) == []
    assert takedown(database, "other") == ("mira", NEVER, None)


def test_a_copy_of_the_database_goes_on_counting(new_url: NewUrl, clock: Clock) -> None:
    with opened(new_url(), now=clock) as old:
        first = put(old, "a", {"title": "Ä"})
        target = new_url()
        upgrade_database(target)
        with opened(target, now=clock) as new, closing(new):
            copy_rows(old._store, new._store)
            assert new.pushed.get("a") == first
            clock.now -= HOUR
            assert put(new, "b", {"title": "B"}).number == first.number + 1

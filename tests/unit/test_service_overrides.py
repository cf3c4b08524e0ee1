"""Pins and hides: what is stored of them, which are refused, in which order a list has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recommender.errors import ArticleError, InputError, NotFoundError
from recommender.visibility import NEVER
from service.decisions.database import Database
from service.decisions.decision_state import OverrideKind
from service.decisions.list_scope import EVERY, tag_scope
from service.errors import ConflictError, DecisionError
from tests.support.decision_databases import MIRA, opened
from tests.support.moments import NOON, SECOND, Clock

HIDES = {"kind": OverrideKind.HIDE, "position": None}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path, clock: Clock) -> Iterator[Database]:
    with opened(f"sqlite:///{tmp_path}/decisions.sqlite", now=clock) as database:
        yield database


def pin(database: Database, target: str = "b", **values: Any) -> int:
    given = {"article_id": "a", "position": 1, "kind": OverrideKind.PIN, **values}
    return database.overrides.put(MIRA, target_id=target, **given)


def hide(database: Database, target: str = "b", **values: Any) -> int:
    return pin(database, target, **{**HIDES, **values})


def test_a_pin_is_there_with_all_that_was_said_about_it(database: Database, clock: Clock) -> None:
    assert pin(database, reason="Überblick\n2026", until=clock.now + 1) == 1
    (found,) = database.overrides.of("a").items
    assert (found.target_id, found.kind, found.position) == ("b", OverrideKind.PIN, 1)
    assert (found.reason, found.author, found.not_related) == ("Überblick\n2026", "mira", False)
    assert (found.created, found.until) == (clock.now, clock.now + 1)
    assert database.overrides.of("a").about("b") == found
    assert database.overrides.of("a").about("a") is None
    assert database.overrides.into("b") == database.overrides.all() == [found]
    (entry,) = database.audit.all()
    assert (entry.action, entry.reason) == ("override.put", "Überblick\n2026")
    assert entry.after is not None
    assert (entry.after["kind"], entry.after["position"]) == ("pin", 1)


def test_a_hide_may_say_that_the_two_are_not_related_and_has_no_end_unless_told(
    database: Database,
) -> None:
    hide(database, not_related=True)
    (found,) = database.overrides.all()
    assert (found.kind, found.position, found.reason) == (OverrideKind.HIDE, None, "")
    assert (found.not_related, found.until) == (True, NEVER)


def test_a_list_shows_pins_by_position_the_newer_of_two_first_then_hides(
    database: Database, clock: Clock
) -> None:
    hide(database, "gone")
    for target, position in (("last", 50), ("older", 2), ("newer", 2)):
        clock.now += SECOND
        pin(database, target, position=position)
    targets = [item.target_id for item in database.overrides.of("a").items]
    assert targets == ["newer", "older", "last", "gone"]


def test_an_article_is_found_in_all_lists_that_pin_or_hide_it(database: Database) -> None:
    for article_id in ("z", "a", "m"):
        pin(database, article_id=article_id)
    hide(database, "other", article_id="m")
    assert [item.article_id for item in database.overrides.into("b")] == ["a", "m", "z"]
    assert database.overrides.into("nobody") == []


def test_all_are_read_in_pages(database: Database) -> None:
    for target in ("b", "c", "d"):
        hide(database, target)
    everything = database.overrides.all()
    assert [item.target_id for item in everything] == ["b", "c", "d"]
    assert database.overrides.all(limit=2) == everything[:2]
    assert database.overrides.all(after=everything[1].id) == everything[2:]
    assert database.overrides.all(after=everything[0].id, limit=1) == everything[1:2]


@pytest.mark.parametrize("position", [1, 50])
def test_a_pin_may_stand_at_any_position_of_a_list(database: Database, position: int) -> None:
    pin(database, position=position)
    assert database.overrides.all()[0].position == position


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"position": 0}, "position"),
        ({"position": 51}, "position"),
        ({"position": None}, "position"),
        ({"position": 3, "kind": OverrideKind.HIDE}, "position"),
        ({"not_related": True}, "not_related"),
        ({"target": "a"}, "target_id"),
        ({"reason": "x" * 1_001}, "reason"),
        ({"reason": "a\0b"}, "reason"),
        ({"reason": "\udc00"}, "reason"),
        ({"target": tag_scope("sea")}, "target_tag"),
        ({"article_id": EVERY, "target": tag_scope("sea")}, "target_tag"),
        ({"article_id": EVERY, **HIDES, "not_related": True}, "not_related"),
        ({"since": NOON + 1, "until": NOON + 1}, "since"),
        ({"since": -1}, "since"),
        ({"until": NOON - 1}, "until"),
        ({"until": NOON}, "until"),
        ({"target": "a\nb"}, "target_id"),
        ({"target": ".."}, "target_id"),
        ({"article_id": ""}, "article_id"),
        ({"article_id": "ü" * 257}, "article_id"),
    ],
)
def test_a_decision_that_cant_be_taken_names_its_field_and_changes_nothing(
    database: Database, values: dict[str, Any], field: str
) -> None:
    version = database.version()
    with pytest.raises(InputError) as error:
        pin(database, **values)
    assert isinstance(error.value, (ArticleError, DecisionError))
    assert error.value.field == field
    assert database.version() == version
    assert database.overrides.all() == []
    assert list(database.audit.all()) == []


@pytest.mark.parametrize(("position", "given"), [(0, "0"), (51, "51"), (None, "none")])
def test_a_pin_at_no_position_is_told_what_it_may_be(
    database: Database, position: int | None, given: str
) -> None:
    with pytest.raises(DecisionError, match=f"a position from 1 to 50, not {given}$"):
        pin(database, position=position)


def test_what_is_removed_leaves_a_reason_and_a_new_version_of_the_list(
    database: Database,
) -> None:
    assert database.overrides.of("a").version == 0
    pin(database)
    seen = database.overrides.of("a").version
    pin(database, "c", if_version=seen)
    pair = {"article_id": "a", "target_id": "b"}
    with pytest.raises(ConflictError, match=f"from version {seen} to"):
        database.overrides.remove(MIRA, **pair, if_version=seen)
    with pytest.raises(ConflictError, match=f"from version {seen} to"):
        hide(database, if_version=seen)
    database.overrides.remove(MIRA, **pair, reason="over")
    assert [item.target_id for item in database.overrides.of("a").items] == ["c"]
    entry = [*database.audit.all()][-1]
    assert (entry.action, entry.reason, entry.after) == ("override.remove", "over", None)
    with pytest.raises(NotFoundError, match="'b' is not pinned or hidden in the list of 'a'"):
        database.overrides.remove(MIRA, **pair)
    with pytest.raises(InputError, match="own list"):
        database.overrides.remove(MIRA, article_id="a", target_id="a")

"""Lists under editors' decisions: pins, hides and takedowns, and when they end."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.build.build import Build
from index.query import Fallback, Order, RelatedQuery
from index.root.root import Root
from recommender.visibility import NEVER, microseconds
from service.decisions.decision_state import NO_STATE, DecisionState, Override, OverrideKind
from service.serving.selection import Origin, SelectedItem, select
from service.serving.serving_view import ServingView
from tests.support.articles import topical
from tests.support.builds import publish

PAGE = "sea-000"
JUNE = microseconds(dt.datetime(2026, 6, 1, tzinfo=dt.UTC))
JULY = microseconds(dt.datetime(2026, 7, 1, tzinfo=dt.UTC))


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Forty-eight articles; a draft, an embargo, an end, two versions and a near-duplicate."""
    records = [{**record, "language": "en", "tags": ["t"]} for record in topical(48)]
    by_id = {record["id"]: record for record in records}
    by_id["sea-004"]["status"] = "draft"
    by_id["sea-016"]["visible_from"] = "2026-07-01T00:00Z"
    by_id["sea-020"]["visible_until"] = "2026-07-01T00:00Z"
    by_id["sea-028"]["supersedes"] = "sea-024"
    by_id["song-001"]["language"] = "de"
    records.append({**by_id["sea-036"], "id": "sea-036 again", "date": "2027-01-01"})
    folder = tmp_path_factory.mktemp("site")
    root = Root(folder / "root")
    return root.open(publish(root, folder, records))


def pin(target: str, position: int, *, page: str = PAGE, until: int = NEVER) -> Override:
    return Override(
        article_id=page, target_id=target, kind=OverrideKind.PIN, position=position, until=until
    )


def hide(target: str, *, page: str = PAGE, until: int = NEVER) -> Override:
    return Override(article_id=page, target_id=target, kind=OverrideKind.HIDE, until=until)


def state(*overrides: Override, taken: dict[str, int] | None = None) -> DecisionState:
    """As the database reads it: each list's pins by position, then its hides."""
    lists: dict[str, list[Override]] = {}
    for override in sorted(overrides, key=lambda item: (item.position is None, item.position or 0)):
        lists.setdefault(override.article_id, []).append(override)
    return DecisionState(
        database="test",
        version=1,
        takedowns=taken or {},
        overrides={key: tuple(some) for key, some in lists.items()},
    )


def choose(
    build: Build,
    decided: DecisionState = NO_STATE,
    page: str = PAGE,
    *,
    now: int = JUNE,
    **query: Any,
) -> list[SelectedItem]:
    row = build.row(page)
    assert row is not None
    return select(
        ServingView(build, decided), row, now=now, query=RelatedQuery(**{"limit": 50, **query})
    )


def shown(
    build: Build,
    decided: DecisionState = NO_STATE,
    page: str = PAGE,
    *,
    now: int = JUNE,
    **query: Any,
) -> list[str]:
    return [build.article_id(item.row) for item in choose(build, decided, page, now=now, **query)]


# Pins


@pytest.mark.parametrize("position", [1, 2, 5, 6])
def test_a_pin_stands_at_its_position_and_moves_the_others_down(
    build: Build, position: int
) -> None:
    plain = shown(build, limit=6)
    pinned = shown(build, state(pin("bread-002", position)), limit=6)
    assert pinned[position - 1] == "bread-002"
    assert [found for found in pinned if found != "bread-002"] == plain[:5]


def test_a_pinned_article_is_labelled_and_shown_once(build: Build) -> None:
    third = shown(build)[2]
    before = choose(build)[2]
    chosen = choose(build, state(pin(third, 1)))
    assert chosen[0].origin is Origin.PINNED
    assert chosen[0].row == before.row
    assert (chosen[0].score, chosen[0].shared_terms) == (before.score, before.shared_terms)
    assert [item.row for item in chosen].count(before.row) == 1


def test_a_pin_of_something_unrelated_scores_nothing(build: Build) -> None:
    row = build.row(PAGE)
    assert row is not None
    related = set(build.related_rows[row].tolist())
    other = next(
        found
        for found in map(build.article_id, range(build.count))
        if build.row(found) not in related and found not in (PAGE, "sea-004", "sea-016")
    )
    chosen = choose(build, state(pin(other, 1)), limit=3)
    assert (chosen[0].row, chosen[0].score) == (build.row(other), 0.0)


def test_several_pins_all_stand_where_they_belong(build: Build) -> None:
    decided = state(pin("bread-002", 1), pin("rail-003", 3), pin("song-005", 6))
    found = shown(build, decided, limit=6)
    assert (found[0], found[2], found[5]) == ("bread-002", "rail-003", "song-005")
    assert [found[1], *found[3:5]] == shown(build, limit=3)


def test_of_two_pins_to_one_position_the_later_stands_there_and_the_other_after_it(
    build: Build,
) -> None:
    found = shown(build, state(pin("bread-002", 2), pin("rail-003", 2)), limit=6)
    assert found[1:3] == ["rail-003", "bread-002"]


@pytest.mark.parametrize("target", ["sea-004", "sea-016", "not in the build", PAGE])
def test_a_pin_that_may_not_be_shown_leaves_no_gap(build: Build, target: str) -> None:
    plain = shown(build, limit=6)
    assert shown(build, state(pin(target, 1), pin("bread-002", 2)), limit=6) == [
        plain[0],
        "bread-002",
        *plain[1:5],
    ]


def test_a_pin_below_the_end_of_a_list_is_not_shown_for_it(build: Build) -> None:
    assert shown(build, state(pin("bread-002", 7)), limit=6) == shown(build, limit=6)


def test_in_a_list_that_is_too_short_a_pin_stands_at_its_end(build: Build) -> None:
    found = shown(build, state(pin("bread-002", 9)), min_score=1.0, fallback=Fallback.NONE)
    assert found == ["bread-002"]


def test_a_pin_takes_the_place_of_its_whole_story(build: Build) -> None:
    assert "sea-036 again" in shown(build)
    found = shown(build, state(pin("sea-036", 1)))
    assert found[0] == "sea-036"  # the editor chose this version
    assert "sea-036 again" not in found


def test_a_pin_of_another_language_is_not_shown_to_who_asked_for_one(build: Build) -> None:
    decided = state(pin("song-001", 1))
    assert shown(build, decided)[0] == "song-001"
    assert "song-001" not in shown(build, decided, language="en")


def test_pins_stay_at_their_positions_when_the_newest_come_first(build: Build) -> None:
    found = shown(build, state(pin("bread-002", 3)), limit=6, sort=Order.NEWEST)
    assert found[2] == "bread-002"


def test_what_the_page_shows_already_is_not_pinned_beside_it(build: Build) -> None:
    decided = state(pin("bread-002", 1), pin("sea-036 again", 2))
    found = shown(build, decided, exclude=frozenset({"bread-002", "sea-036"}))
    assert not {"bread-002", "sea-036", "sea-036 again"} & set(found)


# Hides


def test_a_hidden_article_is_in_no_place_of_this_list_and_in_others_as_before(
    build: Build,
) -> None:
    first = shown(build)[0]
    decided = state(hide(first))
    assert shown(build, decided) == [found for found in shown(build) if found != first]
    assert shown(build, decided, min_score=1.0, limit=50).count(first) == 0  # nor as a fallback
    assert shown(build, decided, "sea-008") == shown(build, page="sea-008")


def test_a_hidden_article_takes_its_other_versions_along(build: Build) -> None:
    for hidden, story in (
        ("sea-036 again", {"sea-036", "sea-036 again"}),
        ("sea-036", {"sea-036", "sea-036 again"}),
        ("sea-024", {"sea-024", "sea-028"}),
    ):
        assert story & set(shown(build))
        assert not story & set(shown(build, state(hide(hidden))))


def test_hiding_what_is_not_there_changes_nothing(build: Build) -> None:
    assert shown(build, state(hide("not in the build"), hide("sea-004"))) == shown(build)


# Takedowns


def test_what_is_taken_down_is_in_no_list_whatever_is_pinned(build: Build) -> None:
    taken = shown(build)[0]
    pins = [pin(taken, 1, page=build.article_id(row)) for row in range(build.count)]
    decided = state(*(one for one in pins if one.article_id != taken), taken={taken: NEVER})
    for row in range(build.count):
        for fallback in Fallback:
            assert taken not in shown(build, decided, build.article_id(row), fallback=fallback)
    row = build.row(taken)
    assert row is not None
    assert not ServingView(build, decided).is_visible(row, JUNE)


def test_of_a_story_the_version_that_is_not_taken_down_is_shown(build: Build) -> None:
    found = shown(build, state(taken={"sea-036 again": NEVER}))
    assert "sea-036" in found
    assert "sea-036 again" not in found


# When they end


@pytest.mark.parametrize("decide", ["pin", "hide", "take"])
def test_a_decision_ends_at_its_instant(build: Build, decide: str) -> None:
    first = shown(build)[0]
    decided = {
        "pin": state(pin("bread-002", 1, until=JUNE)),
        "hide": state(hide(first, until=JUNE)),
        "take": state(taken={first: JUNE}),
    }[decide]
    assert shown(build, decided, now=JUNE - 1) != shown(build, now=JUNE - 1)
    assert shown(build, decided, now=JUNE) == shown(build, now=JUNE)
    served = ServingView(build, decided)
    before, after = served.showing(JUNE - 1), served.showing(JUNE)
    assert before.until == after.since == JUNE
    assert (before.visible is after.visible) == (decide != "take"), "computed only if it changes"
    assert served.epoch(JUNE) == served.epoch(JUNE - 1) + 1


# Whatever is decided


NAMES = [
    f"{topic}-{number:03}" for number, topic in enumerate(["sea", "song", "bread", "rail"] * 6)
]
ENDS = st.sampled_from([JUNE, JUNE + 1, JULY, NEVER])
MOMENTS = st.sampled_from([JUNE - 1, JUNE, JULY - 1, JULY, JULY + 1])


@st.composite
def decisions(draw: st.DrawFn) -> DecisionState:
    targets = draw(st.lists(st.sampled_from(NAMES[1:]), max_size=6, unique=True))
    made = [
        pin(target, draw(st.integers(1, 8)), until=draw(ENDS))
        if draw(st.booleans())
        else hide(target, until=draw(ENDS))
        for target in targets
    ]
    return state(*made, taken=draw(st.dictionaries(st.sampled_from(NAMES[1:]), ENDS, max_size=3)))


@given(
    decided=decisions(),
    now=MOMENTS,
    limit=st.integers(1, 12),
    exclude=st.frozensets(st.sampled_from(NAMES), max_size=3),
    fallback=st.sampled_from(Fallback),
    sort=st.sampled_from(Order),
)
def test_a_list_keeps_every_decision_that_holds(
    build: Build,
    decided: DecisionState,
    now: int,
    limit: int,
    exclude: frozenset[str],
    fallback: Fallback,
    sort: Order,
) -> None:
    query = {"limit": limit, "exclude": exclude, "fallback": fallback, "sort": sort}
    chosen = choose(build, decided, now=now, **query)
    served = ServingView(build, decided)
    rows = [item.row for item in chosen]
    assert len(rows) <= limit
    assert all(served.is_visible(row, now) for row in rows)
    stories = [story(build, build.article_id(row)) for row in rows]
    assert len({*stories, story(build, PAGE)}) == len(stories) + 1
    assert not {story(build, article_id) for article_id in exclude} & set(stories)
    holding = [item for item in decided.overrides.get(PAGE, ()) if now < item.until]
    pinned = {build.article_id(item.row) for item in chosen if item.origin is Origin.PINNED}
    assert pinned <= {item.target_id for item in holding if item.kind is OverrideKind.PIN}
    kept = {story(build, article_id) for article_id in pinned}
    hidden = {story(build, item.target_id) for item in holding if item.kind is OverrideKind.HIDE}
    assert not hidden & (set(stories) - kept)
    check_places(chosen, [item for item in holding if item.target_id in pinned], build)
    expected = shown_without(build, decided, served, now, query, pinned, hidden)
    unpinned = [item for item in chosen if item.origin is not Origin.PINNED]
    assert [build.article_id(item.row) for item in unpinned] == expected


def check_places(chosen: list[SelectedItem], pins: list[Override], build: Build) -> None:
    """Pins to different positions all stand there, unless the list is too short."""
    positions = [item.position for item in pins]
    if len(set(positions)) < len(pins):
        return
    places = {build.article_id(item.row): place for place, item in enumerate(chosen, 1)}
    for item in pins:
        assert item.position is not None
        if item.position <= len(chosen):
            assert places[item.target_id] == item.position


def shown_without(
    build: Build,
    decided: DecisionState,
    served: ServingView,
    now: int,
    query: dict[str, Any],
    pinned: set[str],
    hidden: set[int],
) -> list[str]:
    """The list as if what is pinned or hidden were shown on the page already."""
    apart = DecisionState(database="test", version=1, takedowns=decided.takedowns)
    members = {build.article_id(int(member)) for found in hidden for member in build.members[found]}
    return shown(
        build,
        apart,
        now=now,
        **{
            **query,
            "limit": query["limit"] - len(pinned),
            "exclude": query["exclude"] | pinned | members,
        },
    )


def story(build: Build, article_id: str) -> int:
    row = build.row(article_id)
    assert row is not None
    return int(build.stories[row])

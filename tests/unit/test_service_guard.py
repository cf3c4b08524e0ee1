"""The guard decides what may be shown; whatever filters rows in other ways agrees with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.build.build import Build
from index.query import Fallback, RelatedQuery
from index.root.root import Root
from recommender.encoder import HashingEncoder
from recommender.neighbors import NO_ROW
from recommender.preferences import Boost, Preferences
from recommender.recommender import Recommender
from recommender.visibility import NEVER
from service.decisions.decision_state import DecisionState
from service.serving.drafts import DraftIndex
from service.serving.guard import Guard
from service.serving.selection import select
from service.serving.serving_view import (
    ServingView,
    VisibilityStatus,
    visibility_masks,
    visibility_status,
)
from tests.support.articles import topical
from tests.support.builds import publish

JUNE, JULY, AUGUST = 1_780_272_000_000_000, 1_782_864_000_000_000, 1_785_542_400_000_000
MOMENTS = [JUNE, JULY - 1, JULY, AUGUST, 2**60]
LANGUAGES = ["en", "de", "sv"]
COUNT = 42
NO_ASIDES = Preferences(boosts=[Boost(field="tags", equals="aside", factor=0)])


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    records = topical(36)
    for number, record in enumerate(records):
        record["language"] = LANGUAGES[number % 3 % 2]
        if number % 3 < 2:
            record["translation_key"] = f"page {number // 3}"
        if number % 5 == 0:
            record["visible_until"] = "2026-07-01T00:00Z"
        elif number % 5 == 1:
            record["visible_from"] = "2026-07-01T00:00Z"
        elif number % 7 == 2:
            record["status"] = "draft"
        if number % 4 == 3:
            record["supersedes"] = records[number - 3]["id"]
        record["tags"] = ["aside"] * (number % 5 > 2)
    records += [{**record, "id": f"{record['id']} again"} for record in records[::6]]
    root = Root(tmp_path_factory.mktemp("guard") / "root")
    found = root.open(publish(root, Path(root.path.parent), records, preferences=NO_ASIDES))
    assert found.count == COUNT
    assert len(np.unique(found.stories)) < COUNT
    return found


def guard(
    build: Build,
    served: ServingView,
    now: int,
    query: RelatedQuery,
    kin: tuple[int, ...] = (),
    language: int = 0,
) -> Guard:
    return Guard(served, kin, now, query, language)


cases = given(
    now=st.sampled_from(MOMENTS),
    taken_down=st.frozensets(st.integers(0, COUNT - 1), max_size=12),
    exclude=st.frozensets(st.integers(0, COUNT - 1), max_size=6),
    language=st.sampled_from([None, *LANGUAGES]),
)


def view(build: Build, taken_down: frozenset[int]) -> ServingView:
    takedowns = {build.article_id(row): JULY if row % 2 else NEVER for row in taken_down}
    return ServingView(build, DecisionState(takedowns=takedowns))


@cases
def test_the_filter_of_drafts_lets_through_what_the_guard_admits(
    build: Build,
    now: int,
    taken_down: frozenset[int],
    exclude: frozenset[int],
    language: str | None,
) -> None:
    served = view(build, taken_down)
    query = RelatedQuery(
        exclude=frozenset(build.article_id(row) for row in exclude), language=language
    )
    filtered = DraftIndex(build).candidates(served, now, query).rows
    kin = tuple(exclude)  # a draft may follow an article that readers can't see
    admitted = [guard(build, served, now, query, kin).admit_itself(row) for row in range(COUNT)]
    assert filtered.tolist() == admitted
    anything = DraftIndex(build).candidates(served, now).rows
    assert anything.tolist() == [served.is_visible(row, now) for row in range(COUNT)]


@cases
def test_the_table_of_visible_rows_holds_each_storys_newest_visible_version(
    build: Build,
    now: int,
    taken_down: frozenset[int],
    exclude: frozenset[int],
    language: str | None,
) -> None:
    served = view(build, taken_down)
    table = served.showing(now)
    for row in range(COUNT):
        versions = build.members.numbers(build.story_of[row])
        visible = [version for version in versions if served.is_visible(version, now)]
        assert table.visible[row] == served.is_visible(row, now)
        assert table.newest[row] == (visible[0] if visible else NO_ROW)
        asides = {version for version in visible if build.article(version).tags}
        listed = [version for version in visible if version not in asides]
        if not build.article(row).tags:  # no article that a boost keeps out stands for it
            visible = listed
        newest = visible[0] if visible else NO_ROW
        if row in visible and build.newer[row] == build.newer[newest]:
            newest = row  # nothing that readers may see is newer than it
        assert table.standing[row] == newest
        visible = [] if newest in asides else listed
        shown = guard(build, served, now, RelatedQuery(language=language)).admit(row)
        spoken = [
            version
            for version in (newest, *visible)
            if newest != NO_ROW
            and language in (None, build.language_names[build.language_of[version]])
        ]
        assert shown == (spoken[0] if spoken else None)
        for number in range(len(build.language_names) + 1):
            versions = (newest, *visible) if newest != NO_ROW else ()
            own = [version for version in versions if build.language_of[version] == number]
            rule = guard(build, served, now, RelatedQuery(), language=number)
            assert rule.admit(row) == next(iter([*(own if number else []), *versions]), None)


@cases
def test_a_story_is_admitted_once_and_never_beside_its_own_article(
    build: Build,
    now: int,
    taken_down: frozenset[int],
    exclude: frozenset[int],
    language: str | None,
) -> None:
    served = view(build, taken_down)
    query = RelatedQuery(
        exclude=frozenset(build.article_id(row) for row in exclude), language=language
    )
    kin = (min(exclude, default=0),)
    rule = guard(build, served, now, query, kin)
    rows = [row for candidate in range(COUNT) if (row := rule.admit(candidate)) is not None]
    stories = [int(build.stories[row]) for row in rows]
    assert len(set(stories)) == len(stories)
    named = [row for row in exclude if served.is_visible(row, now)]
    query = replace(query, exclude=frozenset(map(build.article_id, named)))
    rule = guard(build, served, now, query, kin)
    again = map(rule.admit, range(COUNT))
    assert rows == [row for row in again if row is not None], "it told of a hidden article"
    closed = {int(build.stories[row]) for row in (*named, *kin)}
    open_again = {
        story
        for story in closed
        if not any(served.is_visible(row, now) for row in build.members.numbers(story))
    }
    assert not (closed - open_again) & set(stories)


@pytest.mark.parametrize("fallback", Fallback)
def test_no_list_holds_what_a_boost_keeps_out(build: Build, fallback: Fallback) -> None:
    served, query = ServingView(build), RelatedQuery(limit=50, fallback=fallback)
    for row in range(COUNT):
        items = select(served, row, now=JUNE, query=query)
        assert items
        assert not any(build.article(item.row).tags for item in items)


@pytest.mark.parametrize("limit", [1, 4, 50])
def test_the_library_shows_what_the_guard_admits(
    limit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    records = topical(30)
    for number, record in enumerate(records):
        record["language"] = LANGUAGES[number % 2]
        record["translation_key"] = f"page {number // 2}"
        if number % 7 == 2:
            record["status"] = "draft"
        elif number % 4 == 3:
            record["supersedes"] = records[number - 3]["id"]
        record["tags"] = ["aside"] * (number % 5 > 2)
    root = Root(tmp_path_factory.mktemp("library") / "root")
    built = root.open(publish(root, root.path.parent, records, preferences=NO_ASIDES))
    library = Recommender(encoder=HashingEncoder(64), preferences=NO_ASIDES)
    library.fit(list(built.articles))
    served, query = ServingView(built), RelatedQuery(limit=limit, fallback=Fallback.NONE)
    for row in range(built.count):
        items = select(served, row, now=JUNE, query=query)
        shown = [found.article.id for found in library.related(built.article_id(row), limit=limit)]
        assert shown == [built.article_id(item.row) for item in items]


@pytest.mark.parametrize("now", MOMENTS)
def test_every_article_has_one_status_alone_and_at_once_with_all_others(
    build: Build, now: int
) -> None:
    served = view(build, frozenset(range(0, COUNT, 3)))
    masks = visibility_masks(served, now)
    assert {status.value for status in masks} == {
        *("visible", "scheduled", "expired", "unpublished", "taken-down")
    }
    for row in range(COUNT):
        assert [each for each, mask in masks.items() if mask[row]] == [
            visibility_status(served, row, now)
        ]
        assert masks[VisibilityStatus.VISIBLE][row] == served.is_visible(row, now)

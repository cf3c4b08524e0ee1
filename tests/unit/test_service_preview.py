"""Why a list is as it is, told to editors."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from index.build.build import Build
from index.query import Fallback, RelatedQuery
from index.root.root import Root
from recommender.visibility import microseconds
from service.curation import preview as preview_module
from service.curation.preview import (
    DEPTH,
    Candidate,
    LeftOut,
    Preview,
    make_preview,
    stored_lists,
)
from service.decisions.decision_state import DecisionState, Override, OverrideKind
from service.serving.selection import Origin, select
from service.serving.serving_view import ServingView, VisibilityStatus
from tests.support.articles import topical
from tests.support.builds import publish

PAGE = "sea-000"
JUNE = microseconds(dt.datetime(2026, 6, 1, tzinfo=dt.UTC))
JULY = microseconds(dt.datetime(2026, 7, 1, tzinfo=dt.UTC))
WISH = RelatedQuery(limit=6, min_score=0.05)


def records() -> list[dict[str, Any]]:
    records = topical(48)
    by_id = {record["id"]: record for record in records}
    by_id["sea-004"]["status"] = "draft"
    by_id["sea-008"]["visible_from"] = "2026-07-01T00:00Z"
    by_id["sea-012"]["visible_until"] = "2026-05-01T00:00Z"
    by_id["sea-028"]["supersedes"] = "sea-024"
    records.append({**by_id[PAGE], "id": "sea-000 again"})
    return records


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("preview")
    root = Root(folder / "root")
    return root.open(publish(root, folder, records()))


def preview(
    build: Build, page: str = PAGE, state: DecisionState | None = None, **query: Any
) -> Preview:
    row = build.row(page)
    assert row is not None
    served = ServingView(build, state or DecisionState())
    return make_preview(served, row, now=JUNE, query=replace(WISH, **query))


def tell(build: Build, found: Preview, article_id: str) -> Candidate:
    [candidate] = [each for each in found.candidates if each.row == build.row(article_id)]
    return candidate


def decided(*overrides: Override, **takedowns: int) -> DecisionState:
    by_article: dict[str, tuple[Override, ...]] = {}
    for override in overrides:
        by_article[override.article_id] = (*by_article.get(override.article_id, ()), override)
    return DecisionState(
        overrides=by_article,
        takedowns={name.replace("_", "-"): until for name, until in takedowns.items()},
    )


def hide(article_id: str, target_id: str) -> Override:
    return Override(article_id=article_id, target_id=target_id, kind=OverrideKind.HIDE)


def pin(article_id: str, target_id: str, position: int) -> Override:
    return Override(
        article_id=article_id, target_id=target_id, kind=OverrideKind.PIN, position=position
    )


def test_each_candidate_is_seen_or_has_a_reason(build: Build) -> None:
    found = preview(build)
    assert len([each for each in found.candidates if each.score is not None]) <= DEPTH
    for each in found.candidates:
        assert (each.position is None) == (each.left_out is not None)
    assert [each.position for each in found.candidates if each.position] == [1, 2, 3, 4, 5, 6]


def test_what_is_not_visible_says_until_when_or_why(build: Build) -> None:
    state = decided(sea_016=JULY, sea_020=2**63 - 1)
    found = preview(build, state=state)
    told = {
        name: (tell(build, found, name).left_out, tell(build, found, name).moment)
        for name in ("sea-004", "sea-008", "sea-012", "sea-016", "sea-020")
    }
    assert told == {
        "sea-004": (LeftOut.UNPUBLISHED, None),
        "sea-008": (LeftOut.SCHEDULED, JULY),
        "sea-012": (LeftOut.EXPIRED, None),
        "sea-016": (LeftOut.TAKEN_DOWN, JULY),
        "sea-020": (LeftOut.TAKEN_DOWN, None),
    }


def test_what_an_editor_hid_says_so_and_so_does_its_older_version(build: Build) -> None:
    found = preview(build, state=decided(hide(PAGE, "sea-028")))
    for name in ("sea-024", "sea-028"):
        assert tell(build, found, name).left_out is LeftOut.HIDDEN_HERE
    [told] = found.overrides
    assert (told.target, told.shown) == (VisibilityStatus.VISIBLE, False)


def test_an_older_version_names_the_newer_that_stands_for_it(build: Build) -> None:
    found = preview(build)
    older = tell(build, found, "sea-024")
    assert older.left_out is LeftOut.SAME_STORY
    assert older.same_as == build.row("sea-028")
    assert tell(build, found, "sea-000 again").left_out is LeftOut.OWN_STORY


def test_a_candidate_below_the_minimum_and_one_beyond_the_limit_say_so(build: Build) -> None:
    scores = [each.score for each in preview(build).candidates if each.left_out is None]
    least = scores[3]
    assert least is not None
    found = preview(build, min_score=least, limit=2, fallback=Fallback.NONE)
    for each in found.candidates:
        if each.left_out is LeftOut.BELOW_MINIMUM:
            assert each.score is not None
            assert each.score < least
        elif each.left_out is LeftOut.BEYOND_LIMIT and each.score is not None:
            assert each.score >= least
    reasons = {each.left_out for each in found.candidates}
    assert {LeftOut.BELOW_MINIMUM, LeftOut.BEYOND_LIMIT} <= reasons


def test_a_pin_of_what_can_t_be_shown_is_told_as_an_alert(build: Build) -> None:
    state = decided(pin(PAGE, "sea-004", 1), pin(PAGE, "no-such", 2), pin(PAGE, "bread-002", 3))
    found = preview(build, state=state)
    assert [(each.override.target_id, each.target, each.shown) for each in found.overrides] == [
        ("sea-004", VisibilityStatus.UNPUBLISHED, False),
        ("no-such", None, False),
        ("bread-002", VisibilityStatus.VISIBLE, True),
    ]
    assert found.chosen[2].origin is Origin.PINNED


def test_the_stored_lists_of_many_articles_are_found_in_one_reading(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[int] = []
    take = np.take

    def search(wanted: Any, some: Any, **how: Any) -> Any:
        searched.append(some.size)
        return take(wanted, some, **how)

    monkeypatch.setattr(np, "take", search)
    monkeypatch.setattr(preview_module, "_ROWS_AT_ONCE", 20)
    found = stored_lists(build, range(build.count))
    assert len(searched) == 3, "49 articles"
    assert sum(searched) == build.related_rows.size
    for row, lists in enumerate(found):
        versions = build.members[int(build.stories[row])].tolist()
        held = [
            (place, other)
            for other, related in enumerate(build.related_rows.tolist())
            for place, each in enumerate(related)
            if each in versions
        ]
        assert lists == [other for _, other in sorted(held)]


def test_inbound_links_are_the_lists_that_show_the_article(build: Build) -> None:
    state = decided(pin("bread-002", "sea-016", 1), sea_020=2**62)
    served = ServingView(build, state)
    target = build.row("sea-016")
    assert target is not None
    expected = [
        (position, row)
        for row in range(build.count)
        if served.is_visible(row, JUNE)
        for position, item in enumerate(select(served, row, now=JUNE, query=WISH), 1)
        if item.row == target and item.origin is not Origin.FALLBACK
    ]
    found = preview(build, "sea-016", state)
    assert [(link.position, link.row) for link in found.inbound] == sorted(expected)[:20]
    assert (1, build.row("bread-002")) in [(each.position, each.row) for each in found.inbound]
    assert found.more_inbound == (len(expected) > 20)


@hypothesis_settings(max_examples=30)
@given(data=st.data())
def test_a_preview_shows_exactly_what_a_reader_gets(build: Build, data: st.DataObject) -> None:
    ids = st.sampled_from([build.article_id(row) for row in range(build.count)])
    page = data.draw(ids)
    hides = data.draw(st.lists(ids, max_size=3, unique=True))
    pins = data.draw(st.lists(ids.filter(lambda each: each not in hides), max_size=3, unique=True))
    state = decided(
        *(pin(page, target, place) for place, target in enumerate(pins, 1)),
        *(hide(page, target) for target in hides),
        **{name: 2**62 for name in data.draw(st.lists(ids, max_size=4)) if " " not in name},
    )
    found = preview(build, page, state)
    row = build.row(page)
    assert row is not None
    assert found.chosen == select(ServingView(build, state), row, now=JUNE, query=WISH)
    seen = {item.row: place for place, item in enumerate(found.chosen, 1)}
    for each in found.candidates:
        assert each.position == seen.get(each.row)
        assert (each.left_out is None) == (each.row in seen)


def test_an_unpublished_article_has_a_preview(build: Build) -> None:
    assert len(preview(build, "sea-004").chosen) == 6

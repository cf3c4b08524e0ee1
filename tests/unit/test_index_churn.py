"""What one build changes for readers, against another."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.build.build import Build
from index.build.shown_lists import list_heads, related_lists
from index.publishing.churn import compare, describe_churn
from index.query import Fallback, RelatedQuery, SkipLinked
from index.root.root import Root
from recommender.preferences import Boost, Preferences
from recommender.visibility import microseconds
from service.serving.selection import select
from service.serving.serving_view import ServingView
from tests.support.articles import topical
from tests.support.build_snapshots import NOW, WISH, ring, snapshot
from tests.support.builds import publish


def test_a_build_differs_in_nothing_from_itself(tmp_path: Path) -> None:
    same = snapshot(tmp_path / "a", ring(30))
    churn = compare(same, same, now=NOW, query=WISH)
    assert (len(churn.added), len(churn.removed), churn.rewritten) == (0, 0, 0)
    assert churn.changed == 0.0
    assert len(churn.rows) == 30


def test_articles_in_and_out_are_told_by_id_wherever_their_rows_moved(tmp_path: Path) -> None:
    old = snapshot(tmp_path / "old", {"b": ["c"], "c": ["b"], "d": ["b"]})
    new = snapshot(tmp_path / "new", {"a": ["c"], "aa": ["c"], "b": ["c"], "c": ["b"]})
    churn = compare(old, new, now=NOW, query=WISH)
    assert [new.article_id(row) for row in churn.added] == ["a", "aa"]
    assert [old.article_id(row) for row in churn.removed] == ["d"]
    assert churn.changed == 0.0


def test_order_within_a_list_is_no_change(tmp_path: Path) -> None:
    old = snapshot(tmp_path / "old", {"a": ["b", "c"], "b": ["a"], "c": ["a"]})
    new = snapshot(tmp_path / "new", {"a": ["c", "b"], "b": ["a"], "c": ["a"]})
    assert compare(old, new, now=NOW, query=WISH).changed == 0.0


def test_each_list_tells_which_share_of_it_is_new(tmp_path: Path) -> None:
    old = snapshot(tmp_path / "old", {"a": ["b", "c"], "b": ["a"], "c": [], "d": []})
    new = snapshot(tmp_path / "new", {"a": ["b", "d"], "b": ["a"], "c": ["a"], "d": []})
    churn = compare(old, new, now=NOW, query=WISH)
    assert churn.replaced.tolist() == [0.5, 0.0, 1.0, 0.0]
    assert churn.changed == 0.5


def test_a_list_that_only_lost_articles_changed_too(tmp_path: Path) -> None:
    old = snapshot(tmp_path / "old", {"a": ["b", "c"], "b": [], "c": []})
    new = snapshot(tmp_path / "new", {"a": ["b"], "b": []})
    assert compare(old, new, now=NOW, query=WISH).replaced.tolist() == [0.5, 0.0]


def test_only_what_readers_see_counts(tmp_path: Path) -> None:
    # "h" is hidden in both: its own list turns over, and it leaves and enters others'.
    old = snapshot(tmp_path / "old", {"a": ["h", "b"], "b": ["a"], "h": ["a"]}, hidden="h")
    new = snapshot(tmp_path / "new", {"a": ["b"], "b": ["h", "a"], "h": ["b"]}, hidden="h")
    churn = compare(old, new, now=NOW, query=WISH)
    assert churn.changed == 0.0
    assert len(churn.rows) == 2


def test_places_below_the_shown_ones_do_not_count(tmp_path: Path) -> None:
    old = ring(20, near=7)
    new = {name: [*related[:6], "a000"] for name, related in old.items()}
    churn = compare(
        snapshot(tmp_path / "old", old), snapshot(tmp_path / "new", new), now=NOW, query=WISH
    )
    assert churn.changed == 0.0


def test_as_many_places_count_as_the_site_shows(tmp_path: Path) -> None:
    turned = ring(20, near=7)
    turned = {name: [*related[:6], "a000"] for name, related in turned.items()}
    old = snapshot(tmp_path / "old", ring(20, near=7))
    new = snapshot(tmp_path / "new", turned)
    churn = compare(old, new, now=NOW, query=replace(WISH, limit=7))
    assert churn.turned.max() == 1
    assert churn.replaced.max() == 1 / 7
    found = describe_churn(old, new, churn, now=NOW)
    assert len(found["lists"]["by_slots"]) == 8
    assert found["lists"]["by_slots"][1] == (churn.turned == 1).sum() > 0


def test_what_is_too_weak_to_be_shown_does_not_count(tmp_path: Path) -> None:
    """On a small site everything is in every stored list, and each new article would be, too."""
    few = ring(5, near=4)
    more = ring(6, near=5)
    weak = {name: {"a005": 0.01, "a000": 0.3} for name in more}
    old = snapshot(tmp_path / "old", few)
    assert compare(old, snapshot(tmp_path / "strong", more), now=NOW, query=WISH).changed == 1.0
    new = snapshot(tmp_path / "new", more, scores=weak)
    assert compare(old, new, now=NOW, query=WISH).changed == 0.0
    assert compare(old, new, now=NOW, query=RelatedQuery(min_score=0.31)).changed > 0.0


def test_another_version_of_the_story_that_stood_there_does_not_count(tmp_path: Path) -> None:
    """Whichever version a stored list names, readers are shown the newest."""
    copies = {"b": "story", "bb": "story"}
    lists: dict[str, list[str]] = {"a": ["b", "c"], "b": [], "bb": [], "c": []}
    old = snapshot(tmp_path / "old", lists, stories=copies)
    new = snapshot(tmp_path / "new", {**lists, "a": ["bb", "c"]}, stories=copies)
    assert compare(old, new, now=NOW, query=WISH).changed == 0.0


def test_a_list_whose_places_are_few_counts_each_once(tmp_path: Path) -> None:
    old = snapshot(tmp_path / "old", {"a": ["b", "c"], "b": [], "c": [], "d": []})
    new = snapshot(tmp_path / "new", {"a": ["b", "d"], "b": [], "c": [], "d": []})
    found = describe_churn(old, new, compare(old, new, now=NOW, query=WISH), now=NOW)
    assert found["lists"]["by_slots"] == [3, 1, 0, 0, 0, 0, 0]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A build with versions, near-copies, drafts, and articles that come and go."""
    records = topical(48)
    for number, record in enumerate(records):
        if number % 7 == 3:
            record["status"] = "draft"
        elif number % 5 == 1:
            record["visible_from"] = "2026-07-01T00:00Z"
        elif number >= 8 and number % 3 == 0:
            record["supersedes"] = records[number - 8]["id"]
        if number % 4 == 1:
            others = [records[(number * step) % 48]["id"] for step in (3, 5, 7, 11)]
            record["links"] = [{"url": f"file:{other}"} for other in others * 2]
        if number % 6 == 1:
            record["related"] = [records[(number * step) % 48]["id"] for step in (13, 2, 5, 1)]
        record["language"] = ["en", "de"][number % 10 // 8]
        record["tags"] = ["aside"] * (number % 5 > 2)
    records += [{**record, "id": f"{record['id']} again"} for record in records[::9]]
    for record in records[50:]:
        record |= {"language": "de", "tags": []}
    root = Root(tmp_path_factory.mktemp("site") / "root")
    aside = Preferences(boosts=[Boost(field="tags", equals="aside", factor=0)])
    return root.open(publish(root, root.path.parent, records, preferences=aside))


@pytest.mark.parametrize("month", [6, 8])
@pytest.mark.parametrize("limit", [1, 3, 6, 50])
@pytest.mark.parametrize("least", [0.0, 0.2, 0.35, 0.6])
@pytest.mark.parametrize("skip_linked", SkipLinked)
@pytest.mark.parametrize("site_pins", [False, True])
def test_lists_are_compared_as_they_are_served(
    site: Build, month: int, limit: int, least: float, skip_linked: SkipLinked, site_pins: bool
) -> None:
    now = microseconds(dt.datetime(2026, month, 1, tzinfo=dt.UTC))
    query = RelatedQuery(
        limit=limit,
        min_score=least,
        fallback=Fallback.NONE,
        skip_linked=skip_linked,
        site_pins=site_pins,
    )
    served = ServingView(site)
    expected = [
        [item.row for item in select(served, row, now=now, query=query)]
        for row in range(site.count)
    ]
    found = related_lists(site, now, query).tolist()
    assert [[row for row in some if row >= 0] for some in found] == expected
    some = np.array([5, 2, 11])
    assert related_lists(site, now, query, some).tolist() == [found[row] for row in some]


def test_a_changed_text_is_counted_and_is_no_changed_list(tmp_path: Path) -> None:
    old = snapshot(tmp_path / "old", ring(10))
    new = snapshot(tmp_path / "new", ring(10), texts={"a003": "rewritten"})
    churn = compare(old, new, now=NOW, query=WISH)
    assert (churn.rewritten, churn.changed) == (1, 0.0)


def test_the_description_names_what_came_and_went_by_title(tmp_path: Path) -> None:
    old = snapshot(tmp_path / "old", {"a": ["b", "c"], "b": ["a"], "c": ["a"]})
    new = snapshot(tmp_path / "new", {"a": ["b", "d"], "b": ["a"], "d": ["a"]})
    found = describe_churn(old, new, compare(old, new, now=NOW, query=WISH), now=NOW)
    assert found["added"]["first"] == [{"article_id": "d", "title": "Title of d"}]
    assert found["removed"]["first"] == [{"article_id": "c", "title": "Title of c"}]
    (most,) = found["most_changed"]
    assert (most["article_id"], most["in"], most["out"]) == ("a", ["Title of d"], ["Title of c"])
    assert sum(found["lists"]["by_slots"]) == found["lists"]["compared"] == 2


def test_most_changed_stand_first_and_ties_by_id(tmp_path: Path) -> None:
    old = snapshot(tmp_path / "old", ring(12, near=2))
    turned = ring(12, near=2)
    turned["a007"] = ["a000", "a001"]
    turned["a005"] = ["a000", "a001"]
    turned["a009"] = ["a010", "a001"]
    new = snapshot(tmp_path / "new", turned)
    found = describe_churn(old, new, compare(old, new, now=NOW, query=WISH), now=NOW, limit=2)
    assert [item["article_id"] for item in found["most_changed"]] == ["a005", "a007"]


_IDS = st.text("abcd/é", min_size=1, max_size=3)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(_IDS, st.booleans(), min_size=1), st.dictionaries(_IDS, st.booleans()))
def test_in_and_out_are_the_differences_of_the_ids(
    tmp_path_factory, before: dict[str, bool], after: dict[str, bool]
) -> None:
    folder = tmp_path_factory.mktemp("builds")
    after = after or {"a": True}
    old = snapshot(folder / "old", {name: [] for name in before})
    new = snapshot(folder / "new", {name: [] for name in after})
    churn = compare(old, new, now=NOW, query=WISH)
    assert {new.article_id(row) for row in churn.added} == after.keys() - before.keys()
    assert {old.article_id(row) for row in churn.removed} == before.keys() - after.keys()
    both = [new.article_id(row) for row in churn.rows]
    assert both == [old.article_id(row) for row in churn.old_rows]
    assert set(both) == before.keys() & after.keys()
    assert np.all(churn.replaced == 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 25), st.sets(st.integers(0, 29)))
def test_the_shown_are_the_first_visible_however_deep_they_lie(
    tmp_path_factory, near: int, hidden: set[int]
) -> None:
    lists = ring(30, near=near)
    names = sorted(lists)
    unseen = {names[number] for number in hidden}
    build = snapshot(tmp_path_factory.mktemp("build") / "a", lists, hidden=unseen)
    shown, best = list_heads(build, build.visible(NOW))
    for row, name in enumerate(names):
        expected = [other for other in lists[name] if other not in unseen][:6]
        found = [build.article_id(other) for other in shown[row].tolist() if other >= 0]
        assert found == expected
        assert best[row] == (0.5 if expected else -np.inf)

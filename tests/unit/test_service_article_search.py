"""What editors find, by words and by what is wrong."""

from __future__ import annotations

import datetime as dt
import string
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from index.build.build import Build
from index.query import RelatedQuery
from index.root.root import Root
from recommender.visibility import microseconds
from service.curation.article_search import (
    FEW,
    ArticleSearch,
    SearchQuery,
    SearchResult,
    SortOrder,
    fold,
    near_spellings,
)
from service.decisions.decision_state import DecisionState, Override, OverrideKind
from service.serving.serving_view import (
    ServingView,
    VisibilityStatus,
    visibility_masks,
    visibility_status,
)
from tests.support.articles import topical
from tests.support.build_snapshots import WISH
from tests.support.builds import publish

JUNE = microseconds(dt.datetime(2026, 6, 1, tzinfo=dt.UTC))


def records() -> list[dict[str, Any]]:
    records = topical(48)
    by_id = {record["id"]: record for record in records}
    by_id["sea-004"]["status"] = "draft"
    by_id["sea-008"]["visible_from"] = "2026-07-01T00:00Z"
    by_id["sea-012"]["visible_until"] = "2026-05-01T00:00Z"
    by_id["bread-002"].update(title="Brötchen für Übermorgen", language="de", tags=["Frühstück"])
    for number, record in enumerate(records):
        record.setdefault("language", "en")
        record.setdefault("tags", [f"tag{number % 3}"])
    return records


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    folder = tmp_path_factory.mktemp("search")
    place = Root(folder / "root")
    publish(place, folder, records())
    return place


@pytest.fixture(scope="module")
def build(root: Root) -> Build:
    return root.open()


def find(
    root: Root, build: Build, state: DecisionState | None = None, **query: Any
) -> SearchResult:
    served = ServingView(build, state or DecisionState())
    return ArticleSearch(root, WISH).find(served, SearchQuery(**query), now=JUNE, limit=100)


def ids(build: Build, found: SearchResult) -> list[str]:
    return [build.article_id(row) for row in found.rows]


@pytest.mark.parametrize("words", ["brötch", "BROTCHEN", "übermorgen für", "bread-002 ubermo"])
def test_an_article_is_found_by_beginnings_of_words_without_diacritics(
    root: Root, build: Build, words: str
) -> None:
    found = find(root, build, words=words)
    assert ids(build, found)[0] == "bread-002"
    assert found.total == len(found.rows)


@pytest.mark.parametrize("words", ["https://www.example.org/sea/12/?utm_source=mail", " /sea/12 "])
def test_an_article_is_found_by_its_address(root: Root, build: Build, words: str) -> None:
    found = ids(build, find(root, build, words=words))
    assert found[0] == "sea-012"
    assert len(found) == len(set(found))


def test_an_id_stands_before_articles_that_hold_its_words_oftener(tmp_path: Path) -> None:
    named = {"id": "tide", "title": "Ebb", "url": "/ebb", "summary": "The water goes."}
    wordy = {"id": "tide-tide", "title": "Tide", "url": "/flood", "summary": "Tide after tide."}
    root = Root(tmp_path / "root")
    publish(root, tmp_path, [*records(), wordy, named])
    build = root.open()
    assert ids(build, find(root, build, words="tide"))[:2] == ["tide", "tide-tide"]


@hypothesis_settings(max_examples=40)
@given(data=st.data())
def test_one_wrong_letter_in_a_long_word_still_finds_it(
    root: Root, build: Build, data: st.DataObject
) -> None:
    word = data.draw(st.sampled_from(["brotchen", "ubermorgen", "brötchen"]))
    place = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    before, after = word[:place], word[place:]
    swapped = before + after[1:2] + after[:1] + after[2:]
    wrong = data.draw(
        st.sampled_from([before + letter + after[1:], before + letter + after, swapped])
        | st.just(before + after[1:])
    )
    assert "bread-002" in ids(build, find(root, build, words=wrong))


def test_a_short_word_is_taken_as_it_is_typed(build: Build) -> None:
    assert near_spellings(build.full_text, "keip") == []
    assert near_spellings(build.full_text, "well-known") == []
    assert any("lagoon".startswith(each) for each in near_spellings(build.full_text, "lagon"))


@hypothesis_settings(max_examples=60)
@given(word=st.text(max_size=12))
def test_near_spellings_are_beginnings_of_words_one_letter_away(build: Build, word: str) -> None:
    for spelling in near_spellings(build.full_text, word):
        found = build.full_text.first_word(spelling)
        assert found is not None
        assert found.startswith(spelling)
        assert abs(len(spelling) - len(fold(word))) <= 1


@hypothesis_settings(max_examples=40)
@given(data=st.data())
def test_no_near_spelling_is_passed_over(build: Build, data: st.DataObject) -> None:
    """The steps through the vocabulary find what going through all of it does."""
    every = vocabulary(build)
    known = data.draw(st.sampled_from([word for word in every if len(word) > 4]))
    word = known[: data.draw(st.integers(5, len(known)))]
    letters = {letter for each in every for letter in each}
    wrong = {word[:at] + word[at + 1 :] for at in range(len(word))}
    for at in range(len(word)):
        before, after = word[:at], word[at:]
        wrong |= {before + each + rest for each in letters for rest in (after, after[1:])}
        wrong.add(before + after[1:2] + after[:1] + after[2:])
    found = near_spellings(build.full_text, word)
    assert len(set(found)) == len(found) < 20, "or the rest would be passed over"
    assert set(found) <= wrong - {word}
    for other in every:
        meant = any(other.startswith(each) for each in wrong - {word})
        assert meant == any(other.startswith(each) for each in found)


def vocabulary(build: Build) -> list[str]:
    words = []
    word = build.full_text.first_word("")
    while word is not None:
        words.append(word)
        word = build.full_text.first_word(word + "\0")
    return words


def test_words_as_typed_stand_before_words_spelled_nearly_so(root: Root, build: Build) -> None:
    exact = find(root, build, words="sourdough")
    assert exact.total >= 1
    more = find(root, build, words="sourdougx")
    assert more.near
    assert set(more.rows) == set(exact.rows)
    assert find(root, build, words="sourdougx oven").total <= more.total
    assert exact.total < FEW, "or nothing near would have been looked for"


def test_what_is_kept_from_search_to_search_changes_no_answer(root: Root, build: Build) -> None:
    pin = Override(article_id="song-001", target_id="sea-000", kind=OverrideKind.PIN, position=1)
    pinned = {"overrides": {"song-001": (pin,)}}
    taken = {"takedowns": {f"rail-{number:03}": 2**62 for number in (3, 7, 11, 15)}}
    kept, told = ArticleSearch(root, WISH), set()
    for version, decided in enumerate([{}, pinned, taken, {**taken, **pinned}, {}]):
        served = ServingView(build, DecisionState(database="x", version=version, **decided))
        for query in (
            SearchQuery(),
            SearchQuery(orphans=True),
            SearchQuery(words="sea"),
            SearchQuery(overridden=True),
        ):
            found = kept.find(served, query, now=JUNE, limit=100)
            assert found == ArticleSearch(root, WISH).find(served, query, now=JUNE, limit=100)
            told.add((query, found.total))
    assert len(told) > 4, "some decision changes what is found"


def test_without_words_the_newest_stand_first(root: Root, build: Build) -> None:
    found = find(root, build)
    assert found.total == build.count
    dates = build.dates[found.rows].tolist()
    assert dates == sorted(dates, reverse=True)


def test_articles_are_sorted_by_date_links_or_lists_and_then_by_date(
    root: Root, build: Build
) -> None:
    finder, served = ArticleSearch(root, WISH), ServingView(build)
    orders = {
        SortOrder.WEAKEST: lambda health: health.best,
        SortOrder.FEWEST_LISTS: lambda health: health.lists,
        SortOrder.MOST_LISTS: lambda health: -health.lists,
    }
    for order, key in orders.items():
        rows = find(root, build, sort=order).rows
        assert len(rows) == build.count
        seen = [served.is_visible(row, JUNE) for row in rows]
        assert seen == sorted(seen, reverse=True)
        keys = [key(health) for health in finder.health(served, rows[: sum(seen)], JUNE)]
        dates = build.dates[rows[: sum(seen)]].tolist()
        ranks = list(zip(keys, [-date for date in dates], strict=True))
        assert ranks == sorted(ranks)
        assert len(set(keys)) > 2
    by_date = find(root, build, words="part", sort=SortOrder.NEWEST).rows
    assert set(by_date) == set(find(root, build, words="part").rows)
    assert by_date == sorted(by_date, key=lambda row: -build.dates[row])


def test_pages_follow_one_another(root: Root, build: Build) -> None:
    finder, served = ArticleSearch(root, WISH), ServingView(build)
    whole = finder.find(served, SearchQuery(words="tag"), now=JUNE, limit=100)
    pages = [
        row
        for offset in range(0, 60, 7)
        for row in finder.find(served, SearchQuery(), now=JUNE, limit=7, offset=offset).rows
    ]
    assert pages == finder.find(served, SearchQuery(), now=JUNE, limit=100).rows
    assert whole.total == 0, "tags are a filter, not words"


def test_filters_keep_what_they_name_and_counts_foretell_them(root: Root, build: Build) -> None:
    state = DecisionState(
        takedowns={"rail-003": 2**62, "rail-007": 0, "unknown": 2**62},
        overrides={
            "song-001": (Override(article_id="song-001", target_id="x", kind=OverrideKind.HIDE),),
            "unknown": (Override(article_id="unknown", target_id="x", kind=OverrideKind.HIDE),),
        },
    )
    counts = find(root, build, state).counts
    expected = {
        VisibilityStatus.UNPUBLISHED: ["sea-004"],
        VisibilityStatus.SCHEDULED: ["sea-008"],
        VisibilityStatus.EXPIRED: ["sea-012"],
        VisibilityStatus.TAKEN_DOWN: ["rail-003"],
    }
    for name, there in expected.items():
        assert ids(build, find(root, build, state, standing=name)) == there
        assert counts.standing[name] == 1
    assert counts.standing[VisibilityStatus.VISIBLE] == 44
    assert ids(build, find(root, build, state, overridden=True)) == ["song-001"]
    assert ids(build, find(root, build, state, language="de")) == ["bread-002"]
    for form in ("NFC", "NFD"):
        tag = unicodedata.normalize(form, "Frühstück")
        assert ids(build, find(root, build, state, tag=tag)) == ["bread-002"]
    assert find(root, build, state, language="xx").total == 0
    assert find(root, build, state, tag="none").total == 0
    for name in ("weak", "orphans", "overridden"):
        assert find(root, build, state, **{name: True}).total == getattr(counts, name)
    for name, count in counts.tag.items():
        assert find(root, build, state, tag=name).total == count
    assert counts.changed is None


def test_filters_and_words_hold_together(root: Root, build: Build) -> None:
    found = find(root, build, words="part", tag="tag1", standing=VisibilityStatus.VISIBLE)
    assert found.total == find(root, build, words="part").counts.tag["tag1"] - sum(
        find(root, build, words="part", tag="tag1", standing=other).total
        for other in VisibilityStatus
        if other is not VisibilityStatus.VISIBLE
    )
    assert all(article_id.split("-")[0] for article_id in ids(build, found))


def test_a_good_score_that_none_reaches_makes_every_list_weak(root: Root, build: Build) -> None:
    found = ArticleSearch(root, RelatedQuery(min_score=1.01)).find(
        ServingView(build), SearchQuery(weak=True), now=JUNE, limit=100
    )
    assert found.total == found.counts.standing[VisibilityStatus.VISIBLE]


def test_every_row_has_the_one_standing_that_it_has_alone(build: Build) -> None:
    served = ServingView(
        build, DecisionState(takedowns={"sea-000": 2**62, "sea-004": JUNE, "bread-002": 5})
    )
    masks = visibility_masks(served, JUNE)
    for row in range(build.count):
        assert [name for name, mask in masks.items() if mask[row]] == [
            visibility_status(served, row, JUNE)
        ]
        assert served.is_visible(row, JUNE) == masks[VisibilityStatus.VISIBLE][row]


def test_what_the_last_build_changed_is_found(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    before = records()
    publish(root, tmp_path, before[:44])
    publish(root, tmp_path, before)
    build = root.open()
    found = find(root, build, changed=True)
    assert {record["id"] for record in before[44:]} <= set(ids(build, found))
    assert found.total == found.counts.changed
    assert found.total < build.count
    root.remove(root.names()[0])
    gone = find(root, build, changed=True)
    assert (gone.total, gone.counts.changed) == (0, None)

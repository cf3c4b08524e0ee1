"""Stories: near-duplicates and versions belong together, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.encoder import HashingEncoder
from recommender.neighbors import ExactIndex
from recommender.stories import Stories, close_pairs, find_stories, is_near_duplicate
from recommender.text import PreparedText

PIECE = (
    "The village stored a year of sun in salt water behind the old barn and the lights of the "
    "harbour stayed on through the longest night while the mill slept under its snow"
)
OTHER = (
    "A choir of day sleepers learned its second verse by heart from a courier who carried the "
    "notes across the bridge before the bakery opened and the first tram rang its bell"
)

NO_PAIRS = np.empty((0, 4), dtype=np.int32)


def text(body: str, title: str = "A title") -> PreparedText:
    return PreparedText(title=title, body=body)


def stories_of(
    bodies: list[str],
    superseded: dict[int, int] | None = None,
    dates: list[int] | None = None,
    languages: list[int] | None = None,
    keys: list[int] | None = None,
) -> Stories:
    texts = [text(body) for body in bodies]
    embeddings = HashingEncoder(256).encode([item.whole for item in texts])
    neighbors = ExactIndex(embeddings).search(embeddings, 9)
    return find_stories(
        close_pairs(neighbors, np.arange(len(texts))),
        texts,
        superseded or {},
        np.array(dates or [0] * len(bodies), dtype=np.int32),
        languages=np.array(languages or [0] * len(bodies), dtype=np.int32),
        translation_keys=np.array(keys or [0] * len(bodies), dtype=np.int64),
    )


def groups(stories: Stories) -> list[list[int]]:
    starts = [0, *stories.ends[:-1].tolist()]
    return [
        stories.members[start:end].tolist()
        for start, end in zip(starts, stories.ends.tolist(), strict=True)
    ]


def test_a_text_that_stands_in_another_with_few_changes_is_its_duplicate() -> None:
    assert is_near_duplicate(text(PIECE), text(PIECE.replace("year", "summer")))
    assert is_near_duplicate(text(PIECE), text(PIECE + " " + "and so on it went for years"))


def test_a_text_on_something_else_is_no_duplicate() -> None:
    assert not is_near_duplicate(text(PIECE), text(OTHER))


def test_half_a_text_in_common_makes_no_duplicate() -> None:
    words, others = PIECE.split(), OTHER.split()
    mixed = " ".join([*words[:16], *others[16:]])
    assert not is_near_duplicate(text(PIECE), text(mixed))


@pytest.mark.parametrize("other", ["Small harbour news today", "News from the harbour"])
def test_short_teasers_must_be_equal(other: str) -> None:
    assert not is_near_duplicate(text("Small harbour news"), text(other))
    assert is_near_duplicate(text("Small harbour news"), text("small HARBOUR news"))


def test_near_duplicates_share_a_story_and_others_keep_their_own() -> None:
    found = stories_of([PIECE, OTHER, PIECE + " again"])
    assert found.of.tolist() == [0, 1, 0]


def test_duplicates_of_duplicates_are_one_story() -> None:
    ends = ["", " at last", " at last again", " at last again indeed"]
    assert set(stories_of([PIECE + end for end in ends]).of.tolist()) == {0}


def test_a_new_version_shares_the_story_of_the_old_whatever_it_says() -> None:
    found = stories_of([PIECE, OTHER], superseded={1: 0})
    assert groups(found) == [[1, 0]]


def test_the_newest_version_stands_first_though_its_row_and_date_do_not() -> None:
    bodies = [PIECE, OTHER, "Kelp slows waves and feeds urchins that nobody wants"]
    found = stories_of(bodies, superseded={0: 2, 2: 1}, dates=[1, 9, 5])
    assert groups(found) == [[0, 2, 1]]


def test_among_duplicates_the_later_date_stands_first_then_the_lower_row() -> None:
    found = stories_of([PIECE, PIECE, PIECE], dates=[3, 7, 3])
    assert groups(found) == [[1, 0, 2]]


def test_versions_in_a_circle_are_one_story_and_end() -> None:
    found = stories_of([PIECE, OTHER], superseded={0: 1, 1: 0})
    assert sorted(groups(found)[0]) == [0, 1]


@given(
    st.integers(1, 12).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.dictionaries(st.integers(0, count - 1), st.integers(0, count - 1), max_size=8),
            st.lists(st.integers(-5, 5), min_size=count, max_size=count),
        )
    )
)
def test_every_row_is_in_exactly_one_story_with_all_its_versions(
    drawn: tuple[int, dict[int, int], list[int]],
) -> None:
    count, superseded, dates = drawn
    texts = [text(f"text {row}") for row in range(count)]
    found = find_stories(
        NO_PAIRS,
        texts,
        superseded,
        np.array(dates, dtype=np.int32),
        languages=np.zeros(count, dtype=np.int32),
    )
    assert sorted(found.members.tolist()) == list(range(count))
    for story, members in enumerate(groups(found)):
        assert {int(found.of[row]) for row in members} == {story}
    firsts = [min(members) for members in groups(found)]
    assert firsts == sorted(firsts)
    for newer, older in superseded.items():
        assert found.of[newer] == found.of[older]
    linked = {frozenset(pair) for pair in superseded.items()}
    if not linked:
        assert len(found.ends) == count


def test_the_translations_of_a_page_are_one_story_and_others_are_not() -> None:
    found = stories_of(
        [PIECE, OTHER, "Tang bremst", "Kelp slows"], languages=[1, 2, 3, 1], keys=[7, 7, 7, 8]
    )
    assert groups(found) == [[0, 1, 2], [3]]
    assert found.apart == []


def test_a_key_never_joins_two_pages_of_one_language() -> None:
    found = stories_of([PIECE, OTHER, "Tang bremst", "Algas"], languages=[1, 1, 2, 3], keys=[7] * 4)
    assert groups(found) == [[0], [1], [2, 3]]
    assert found.apart == [0, 1]
    found = stories_of([PIECE, OTHER], languages=[0, 0], keys=[7, 7])
    assert groups(found) == [[0], [1]]


def test_versions_of_a_page_may_share_its_key() -> None:
    found = stories_of([PIECE, OTHER, "Tang"], {1: 0}, languages=[1, 1, 2], keys=[7] * 3)
    assert groups(found) == [[1, 0, 2]]
    assert found.apart == []


def test_a_text_in_two_languages_is_no_duplicate() -> None:
    assert len(stories_of([PIECE, PIECE], languages=[1, 2]).ends) == 2
    assert len(stories_of([PIECE, PIECE], languages=[1, 0]).ends) == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([PIECE, OTHER, ""])),
        min_size=1,
        max_size=14,
    )
)
def test_keys_join_each_language_once_and_split_nothing(
    drawn: list[tuple[int, int, str]],
) -> None:
    languages, keys = [one[0] for one in drawn], [one[1] for one in drawn]
    bodies = [one[2] or f"own words of {row}" for row, one in enumerate(drawn)]
    without = stories_of(bodies, languages=languages)
    found = stories_of(bodies, languages=languages, keys=keys)
    parts: dict[int, set[int]] = {}
    for row, story in enumerate(found.of.tolist()):
        parts.setdefault(story, set()).add(int(without.of[row]))
    assert sum(map(len, parts.values())) == len(without.ends)  # no story was split
    for joined in parts.values():
        spoken = [{languages[row] for row in groups(without)[part]} for part in joined]
        assert sum(map(len, spoken)) == len(set().union(*spoken))
    for row in set(range(len(drawn))) - set(found.apart):
        kin = [r for r in range(len(drawn)) if keys[row] and keys[r] == keys[row]]
        assert all(found.of[r] == found.of[row] for r in kin if r not in found.apart)


def test_rows_of_one_page_are_one_story_whatever_they_say() -> None:
    texts = [text(f"text {row}") for row in range(4)]
    pages = np.array([7, -3, 7, 7], dtype=np.int64)
    found = find_stories(
        NO_PAIRS,
        texts,
        {},
        np.zeros(4, dtype=np.int32),
        languages=np.ones(4, np.int32),
        pages=pages,
    )
    assert found.of.tolist() == [0, 1, 0, 0]


def test_among_undated_duplicates_the_higher_version_stands_first() -> None:
    texts = [text(PIECE)] * 3
    embeddings = HashingEncoder(256).encode([item.whole for item in texts])
    neighbors = ExactIndex(embeddings).search(embeddings, 9)
    for dates, members in (([0, 0, 0], [1, 0, 2]), ([0, 0, 5], [2, 1, 0])):
        found = find_stories(
            close_pairs(neighbors, np.arange(3)),
            texts,
            {},
            np.array(dates, dtype=np.int32),
            languages=np.ones(3, dtype=np.int32),
            versions=np.array([2, 9, 0], dtype=np.int64),
        )
        assert groups(found) == [members]


def test_versions_of_one_age_are_equally_new() -> None:
    days = np.array([5, 9, 9, 9, 0], dtype=np.int32)
    pages = np.array([1, 1, 1, 2, 1], dtype=np.int64)
    found = find_stories(
        NO_PAIRS,
        [PreparedText(title=str(row), body="") for row in range(5)],
        {},
        days,
        languages=np.zeros(5, dtype=np.int32),
        pages=pages,
    )
    assert found.newer.tolist() == [1, 0, 0, 0, 2]

"""From candidates to lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.neighbors import NO_ROW, Neighbors
from recommender.rerank import RankedLists, RejectReason, adopt_orphans, rerank, return_orphans
from recommender.stories import Stories


def stories(*of: int) -> Stories:
    numbers = np.array(of, dtype=np.int32)
    members = np.argsort(numbers, kind="stable").astype(np.int32)
    ends = np.cumsum(np.bincount(numbers))
    return Stories(of=numbers, members=members, ends=ends, newer=np.zeros_like(numbers))


def one_list(rows, scores, *, of=None, languages=None, weights=None, diversity=0.0, depth=5):
    """The list of article 0 among ten; the other articles have no candidates."""
    count = 10
    all_rows = np.full((count, len(rows)), NO_ROW, dtype=np.int32)
    all_scores = np.full((count, len(rows)), -np.inf, dtype=np.float32)
    all_rows[0], all_scores[0] = rows, scores
    vectors = np.eye(count, 16, dtype=np.float32)
    vectors[3] = vectors[2]
    return rerank(
        Neighbors(rows=all_rows, scores=all_scores),
        stories=of or stories(*range(count)),
        languages=np.array(languages or [0] * count, dtype=np.int32),
        weights=np.array(weights or [1.0] * count, dtype=np.float32),
        embeddings=vectors,
        depth=depth,
        diversity=diversity,
        own_rows=np.arange(count),
    )


def test_a_story_stands_once_and_never_in_its_own_members_list():
    lists = one_list([1, 2, 3, 4], [0.9, 0.8, 0.7, 0.6], of=stories(0, 0, 1, 1, 2, 3, 4, 5, 6, 7))
    assert lists.rows[0].tolist() == [2, 4, NO_ROW, NO_ROW, NO_ROW]
    assert np.isneginf(lists.scores[0, 2:]).all()
    left_out = list(zip(lists.rejected_rows[0], lists.rejected_reasons[0], strict=True))[:2]
    assert left_out == [(1, RejectReason.OWN_STORY), (3, RejectReason.SAME_STORY)]


def test_articles_of_the_same_language_stand_before_all_others_by_score():
    languages = [1, 2, 1, 0, 2, 0, 0, 0, 0, 0]
    lists = one_list([1, 3, 4, 2], [0.9, 0.8, 0.3, 0.2], languages=languages)
    assert lists.rows[0].tolist() == [2, 1, 3, 4, NO_ROW]
    lists = one_list([1, 3, 4, 2], [0.9, 0.8, 0.3, 0.2], languages=[0, *languages[1:]])
    assert lists.rows[0].tolist() == [1, 3, 4, 2, NO_ROW]


def test_a_weight_of_zero_keeps_an_article_out_and_others_move_it():
    weights = [1, 0, 0.5, 1, 1, 1, 1, 1, 1, 1]
    lists = one_list([1, 2, 3], [0.9, 0.8, 0.6], weights=weights)
    assert lists.rows[0].tolist() == [3, 2, NO_ROW, NO_ROW, NO_ROW]
    assert (1, RejectReason.TOO_FAR) in list(
        zip(lists.rejected_rows[0], lists.rejected_reasons[0], strict=True)
    )


def test_a_boost_sorts_beyond_the_scale_but_no_score_shown_is_above_one():
    weights = [1, 1, 2, 1.5, 1, 1, 1, 1, 1, 1]
    lists = one_list([1, 2, 3, 4], [0.9, 0.8, 0.7, 0.3], weights=weights)
    assert lists.rows[0].tolist() == [2, 3, 1, 4, NO_ROW]
    assert lists.scores[0].tolist()[:4] == pytest.approx([1, 1, 0.9, 0.3])


def test_diversity_lets_a_different_article_pass_a_copy_of_the_first():
    rows, scores = [2, 3, 4], [0.9, 0.85, 0.84]
    assert one_list(rows, scores).rows[0].tolist()[:3] == [2, 3, 4]
    diverse = one_list(rows, scores, diversity=0.3)
    assert diverse.rows[0].tolist()[:3] == [2, 4, 3]
    assert diverse.scores[0].tolist()[:3] == pytest.approx([0.9, 0.84, 0.85])


@settings(max_examples=60)
@given(st.data())
def test_whatever_the_candidates_a_list_holds_each_story_once_and_only_candidates(data):
    count = data.draw(st.integers(2, 12))
    width = data.draw(st.integers(1, 20))
    generator = np.random.default_rng(data.draw(st.integers(0, 1000)))
    rows = np.array(
        [
            np.pad(
                p := generator.permutation(count)[:width], (0, width - len(p)), constant_values=-1
            )
            for _ in range(count)
        ],
        dtype=np.int32,
    )
    scores = np.sort(generator.uniform(0, 1, rows.shape).astype(np.float32))[:, ::-1]
    scores = np.where(rows < 0, -np.inf, scores).astype(np.float32)
    of = np.unique(generator.integers(0, count, count), return_inverse=True)[1]
    vectors = generator.normal(size=(count, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lists = rerank(
        Neighbors(rows=rows, scores=scores),
        stories=stories(*of.tolist()),
        languages=generator.integers(0, 3, count).astype(np.int32),
        weights=np.ones(count, dtype=np.float32),
        embeddings=vectors,
        depth=6,
        diversity=0.2,
        own_rows=np.arange(count),
    )
    for own in range(count):
        shown = lists.rows[own][lists.rows[own] != NO_ROW]
        told = [of[row] for row in shown]
        assert len(set(told)) == len(told)
        assert of[own] not in told
        assert set(shown.tolist()) <= set(rows[own].tolist())
        reachable = {of[row] for row in rows[own] if row >= 0} - {of[own]}
        assert len(shown) == min(len(reachable), 6)


def test_an_orphan_takes_the_last_shown_place_where_it_is_nearly_good_enough():
    rows = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]], dtype=np.int32)
    scores = np.array([[0.9, 0.5, 0.48], [0.9, 0.5, 0.2], [0.9, 0.5, 0.2], [0.9, 0.5, 0.4]])
    lists = RankedLists(
        rows=rows,
        scores=scores.astype(np.float32),
        rejected_rows=np.empty((4, 0), dtype=np.int32),
        rejected_reasons=np.empty((4, 0), dtype=np.uint8),
    )
    moved_from = adopt_orphans(lists, np.ones(4, dtype=bool), np.zeros(4, np.int32), shown=2)
    assert moved_from.tolist() == [2, 0, 0, 0]
    assert lists.rows[0].tolist() == [1, 3, 2]
    assert lists.rows[1].tolist() == [0, 2, 3]
    return_orphans(lists, moved_from, shown=2)
    assert lists.rows.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]
    assert np.allclose(lists.scores, scores)


@pytest.mark.parametrize(
    ("languages", "moves"), [([1, 1, 1, 2], False), ([1, 1, 2, 2], True), ([1, 1, 1, 1], True)]
)
def test_an_orphan_in_another_language_takes_no_place_of_the_list_s_own(languages, moves):
    rows = np.array([[1, 2, 3], [0, 2, -1], [0, 1, -1], [0, 1, 2]], dtype=np.int32)
    lists = RankedLists(
        rows=rows,
        scores=np.array([[0.9, 0.5, 0.48]] * 4, dtype=np.float32),
        rejected_rows=np.empty((4, 0), dtype=np.int32),
        rejected_reasons=np.empty((4, 0), dtype=np.uint8),
    )
    seen, known = np.ones(4, dtype=bool), np.array(languages, dtype=np.int32)
    assert adopt_orphans(lists, seen, known, shown=2).any() == moves
    assert lists.rows[0].tolist() == ([1, 3, 2] if moves else [1, 2, 3])


def test_what_the_first_list_alone_shows_is_no_orphan():
    rows = np.array([[3, 1, 2], [0, 3, 2], [1, 3, 0], [2, 0, 1]], dtype=np.int32)
    lists = RankedLists(
        rows=rows.copy(),
        scores=np.full((4, 3), 0.9, dtype=np.float32),
        rejected_rows=np.empty((4, 0), dtype=np.int32),
        rejected_reasons=np.empty((4, 0), dtype=np.uint8),
    )
    assert not adopt_orphans(lists, np.ones(4, dtype=bool), np.zeros(4, np.int32), shown=1).any()
    assert np.array_equal(lists.rows, rows)


def test_reasons_keep_the_numbers_that_builds_store():
    assert {reason.name: int(reason) for reason in RejectReason} == {
        "NONE": 0,
        "OWN_STORY": 1,
        "SAME_STORY": 2,
        "TOO_FAR": 3,
    }

"""How far lists follow what editors said of pairs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.build.build import Build
from index.query import RelatedQuery
from recommender.visibility import NEVER
from service.curation.golden_set import GoldenSet, measure_agreement, read_golden, weigh
from service.decisions.database import open_database
from service.decisions.decision_state import NO_STATE, DecisionState, Override, OverrideKind
from service.decisions.judgments import Judgment
from service.serving.selection import select
from service.serving.serving_view import ServingView
from tests.support.decision_databases import MIRA, OMAR

NOW = 1_800_000_000_000_000


def test_words_on_a_pair_are_summed_and_a_pin_is_one(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/x.sqlite")
    for actor, target, verdict in (
        (MIRA, "liked", 1),
        (MIRA, "disliked", -1),
        (MIRA, "disputed", 1),
        (OMAR, "disputed", -1),
        (OMAR, "pinned though", -1),
    ):
        database.judgments.put(actor, article_id="a", target_id=target, verdict=verdict)
    for target in ("pinned", "pinned though"):
        database.overrides.put(
            MIRA, article_id="a", target_id=target, kind=OverrideKind.PIN, position=1
        )
    database.overrides.put(
        MIRA, article_id="a", target_id="not related", kind=OverrideKind.HIDE, not_related=True
    )
    database.overrides.put(MIRA, article_id="a", target_id="only hidden", kind=OverrideKind.HIDE)
    golden = read_golden(database, now=NOW)
    database.close()
    assert golden.good == {("a", "liked"), ("a", "pinned")}
    assert golden.bad == {("a", "disliked"), ("a", "not related")}


def first_list(build: Build, query: RelatedQuery) -> tuple[str, list[str]]:
    chosen = select(ServingView(build), 0, now=NOW, query=query)
    return build.article_id(0), [build.article_id(item.row) for item in chosen]


def test_overrides_do_not_answer_for_what_a_build_does(sample_build: Build) -> None:
    query = RelatedQuery(limit=6)
    page, shown = first_list(sample_build, query)
    others = [sample_build.article_id(row) for row in range(1, sample_build.count)]
    absent = next(other for other in others if other not in shown)
    pin = Override(article_id=page, target_id=absent, kind=OverrideKind.PIN, position=1)
    hide = Override(article_id=page, target_id=shown[0], kind=OverrideKind.HIDE)
    state = DecisionState(database="x", version=1, overrides={page: (pin, hide)})
    golden = GoldenSet(
        good=frozenset({(page, absent), (page, shown[1])}),
        bad=frozenset({(page, shown[0]), (page, "not in the build")}),
    )
    found = measure_agreement(sample_build, state, golden, query, now=NOW)
    assert (found.good, found.good_shown, found.missed) == (2, 1, ((page, absent),))
    assert (found.bad, found.bad_shown, found.wrong) == (1, 1, ((page, shown[0]),))
    assert found.share == pytest.approx(1 / 3)


def test_what_is_taken_down_is_nobodys_fault(sample_build: Build) -> None:
    query = RelatedQuery(limit=6)
    page, shown = first_list(sample_build, query)
    golden = GoldenSet(good=frozenset({(page, shown[0])}), bad=frozenset())
    state = DecisionState(database="x", version=1, takedowns={shown[0]: NEVER})
    found = measure_agreement(sample_build, state, golden, query, now=NOW)
    assert (found.good, found.share) == (0, 1.0)


@given(
    words=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from([1, -1])),
        max_size=20,
    )
)
def test_no_pair_is_both_good_and_bad(words: list[tuple[str, str, int]]) -> None:
    judgments = [
        Judgment(
            article_id=article_id,
            target_id=target_id,
            verdict=verdict,
            author=str(number),
            build="",
            reason="",
            created=0,
        )
        for number, (article_id, target_id, verdict) in enumerate(words)
    ]
    golden = weigh(judgments, [])
    assert not golden.good & golden.bad
    for article_id, target_id in golden.good | golden.bad:
        total = sum(word[2] for word in words if word[:2] == (article_id, target_id))
        assert (total > 0) == ((article_id, target_id) in golden.good)


def test_without_judgments_lists_are_as_editors_want_them(sample_build: Build) -> None:
    golden = GoldenSet(good=frozenset(), bad=frozenset())
    assert measure_agreement(sample_build, NO_STATE, golden, RelatedQuery(), now=NOW).share == 1.0

"""What a build must pass before readers see it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from index.build.build import Build
from index.publishing.churn import compare
from index.publishing.gates import Gate, Limits, Verdict, judge
from index.query import RelatedQuery
from index.root.root import HELD_EXIT_CODE
from service.settings import Settings
from tests.support.build_snapshots import ENCODER, NOW, WISH, ring, snapshot


def verdicts(new: Build, live: Build | None, **options: Any) -> dict[Gate, Verdict]:
    churn = None if live is None else compare(live, new, now=NOW, query=WISH)
    found = judge(new, live, churn, Limits(**options), now=NOW)
    return {verdict.gate: verdict for verdict in found}


def refused(new: Build, live: Build | None, **options: Any) -> set[Gate]:
    return {gate for gate, found in verdicts(new, live, **options).items() if not found.passed}


def without(lists: dict[str, list[str]], gone: int) -> dict[str, list[str]]:
    kept = sorted(lists)[gone:]
    return {name: [other for other in lists[name] if other in kept] or [kept[0]] for name in kept}


def test_a_rebuild_of_the_same_articles_passes_every_gate(tmp_path: Path) -> None:
    live = snapshot(tmp_path / "live", ring(100))
    found = verdicts(snapshot(tmp_path / "new", ring(100)), live)
    assert all(verdict.passed for verdict in found.values())
    assert set(found) == set(Gate) - {Gate.COMPARISON, Gate.GOLDEN, Gate.UNDECIDED}


def test_each_gate_has_an_exit_code_of_its_own() -> None:
    codes = [int(gate) for gate in Gate]
    assert len(set(codes)) == len(codes)
    assert HELD_EXIT_CODE not in codes
    assert min(codes) >= 10  # below are the codes of other errors


@pytest.mark.parametrize(("gone", "held"), [(10, False), (11, True), (60, True)])
def test_a_build_that_lost_more_than_a_tenth_is_held_back(
    tmp_path: Path, gone: int, held: bool
) -> None:
    live = snapshot(tmp_path / "live", ring(100))
    new = snapshot(tmp_path / "new", without(ring(100), gone))
    assert (Gate.ARTICLES in refused(new, live)) is held


def test_articles_hidden_count_as_lost(tmp_path: Path) -> None:
    live = snapshot(tmp_path / "live", ring(100))
    new = snapshot(tmp_path / "new", ring(100), hidden=sorted(ring(100))[:30])
    found = verdicts(new, live)[Gate.ARTICLES]
    assert not found.passed
    assert "70 visible articles against 100" in found.message


def test_articles_that_were_hidden_before_may_go(tmp_path: Path) -> None:
    names = sorted(ring(200))
    live = snapshot(tmp_path / "live", ring(200), hidden=names[:15])
    new = snapshot(tmp_path / "new", without(ring(200), 15))
    assert verdicts(new, live)[Gate.ARTICLES].passed


@pytest.mark.parametrize(("moved", "held"), [(50, False), (51, True), (100, True)])
def test_a_build_with_other_ids_than_the_live_one_is_held_back(
    tmp_path: Path, moved: int, held: bool
) -> None:
    names = {name: f"posts-{name}" for name in sorted(ring(100))[:moved]}
    lists = {
        names.get(name, name): [names.get(one, one) for one in others]
        for name, others in ring(100).items()
    }
    live = snapshot(tmp_path / "live", ring(100))
    found = verdicts(snapshot(tmp_path / "new", lists), live)[Gate.ARTICLES]
    assert found.passed is not held
    assert ("ids" in found.message) is held


def test_more_articles_are_never_a_loss(tmp_path: Path) -> None:
    live = snapshot(tmp_path / "live", ring(50))
    assert verdicts(snapshot(tmp_path / "new", ring(500)), live)[Gate.ARTICLES].value == 0


@pytest.mark.parametrize(("turned", "held"), [(50, False), (51, True)])
def test_a_build_that_turns_more_than_half_of_the_lists_over_is_held_back(
    tmp_path: Path, turned: int, held: bool
) -> None:
    lists = ring(100)
    for name in sorted(lists)[:turned]:
        lists[name] = lists[name][1:]
    live = snapshot(tmp_path / "live", ring(100))
    assert (Gate.LISTS in refused(snapshot(tmp_path / "new", lists), live)) is held


def test_another_encoder_or_recipe_must_be_accepted_and_brings_its_churn_along(
    tmp_path: Path,
) -> None:
    live = snapshot(tmp_path / "live", ring(100))
    turned = {name: related[::-1][:3] for name, related in ring(100).items()}
    other = replace(ENCODER, precision="bfloat16")
    for change in ({"encoder": other}, {"recipe": "2"}):
        new = snapshot(tmp_path / f"new-{len(str(change))}", turned, **change)
        assert refused(new, live) == {Gate.ENCODER, Gate.LISTS}
        assert refused(new, live, accept_change=True) == set()
    message = verdicts(new, live)[Gate.ENCODER].message
    assert "changed from version 1 to 2" in message


def test_accepting_a_change_does_not_excuse_churn_without_one(tmp_path: Path) -> None:
    live = snapshot(tmp_path / "live", ring(100))
    new = snapshot(tmp_path / "new", {name: list_[:5] for name, list_ in ring(100).items()})
    assert refused(new, live, accept_change=True) == {Gate.LISTS}


def test_the_encoder_is_named_before_the_churn_it_causes(tmp_path: Path) -> None:
    live = snapshot(tmp_path / "live", ring(100))
    new = snapshot(
        tmp_path / "new",
        {name: related[:5] for name, related in ring(100).items()},
        encoder=replace(ENCODER, dim=16),
    )
    first = next(gate for gate, found in verdicts(new, live).items() if not found.passed)
    assert first is Gate.ENCODER


@pytest.mark.parametrize(("weak", "held"), [(20, False), (21, True)])
def test_a_build_with_too_many_articles_without_a_good_link_is_held_back(
    tmp_path: Path, weak: int, held: bool
) -> None:
    lists = ring(100)
    for name in sorted(lists)[:weak]:
        lists[name] = []
    assert (Gate.WEAK in refused(snapshot(tmp_path / "new", lists), None)) is held


def test_a_link_below_what_readers_are_shown_is_no_good_link(tmp_path: Path) -> None:
    new = snapshot(tmp_path / "new", ring(100), score=0.3)
    assert refused(new, None, query=RelatedQuery(min_score=0.3)) == set()
    assert refused(new, None, query=RelatedQuery(min_score=0.31)) == {Gate.WEAK}


def test_links_to_hidden_articles_are_no_good_links(tmp_path: Path) -> None:
    lists = {f"a{number:02}": ["zz"] for number in range(30)} | {"zz": ["a00"]}
    assert Gate.WEAK in refused(snapshot(tmp_path / "new", lists, hidden=["zz"]), None)


def test_a_build_with_a_hub_is_held_back(tmp_path: Path) -> None:
    lists = ring(2_000)
    for name in sorted(lists)[300:510]:
        lists[name] = ["a000", *lists[name][:5]]
    new = snapshot(tmp_path / "new", lists)
    found = verdicts(new, None)[Gate.HUB]
    assert not found.passed
    assert "a000 is in 216 of 2000 (10.8%) lists" in found.message
    assert refused(new, None, max_hub=0.2) == set()


@pytest.mark.parametrize(("listed", "gates"), [(12, set()), (36, {Gate.HUB})])
def test_of_a_small_site_half_of_the_lists_may_hold_a_hub_and_not_all(
    tmp_path: Path, listed: int, gates: set[Gate]
) -> None:
    lists = ring(40)
    for name in sorted(lists)[1:listed]:
        lists[name] = ["a000", *lists[name][:5]]
    assert refused(snapshot(tmp_path / "new", lists), None) == gates


def test_lists_that_are_no_worse_than_the_live_ones_are_not_held_back(tmp_path: Path) -> None:
    lists = ring(200)
    for name in sorted(lists)[50:150]:
        lists[name] = ["a000", *lists[name][:5]]
    live = snapshot(tmp_path / "live", lists)
    worse = {**lists, **{name: ["a000", *lists[name][:5]] for name in sorted(lists)[20:50]}}
    assert refused(live, None) == {Gate.HUB}
    assert refused(snapshot(tmp_path / "new", lists), live) == set()
    assert Gate.HUB in refused(snapshot(tmp_path / "worse", worse), live)
    full = snapshot(tmp_path / "full", ring(200))
    creeping = judge(live, live, None, Limits(), now=NOW, full=(full, 0.0))
    assert Gate.HUB in {found.gate for found in creeping if not found.passed}, "small builds"
    bare = {**ring(100), **{name: [] for name in sorted(ring(100))[:30]}}
    old = snapshot(tmp_path / "old", bare)
    assert refused(snapshot(tmp_path / "same", bare), old) == set()
    barer = {**bare, **{name: [] for name in sorted(bare)[:40]}}
    assert Gate.WEAK in refused(snapshot(tmp_path / "barer", barer), old)
    few = snapshot(tmp_path / "few", {name: [] for name in list(bare)[:15]})
    assert Gate.WEAK in refused(snapshot(tmp_path / "many", {name: [] for name in bare}), few)


def test_a_build_whose_index_misses_neighbors_is_held_back(tmp_path: Path) -> None:
    new = snapshot(tmp_path / "new", ring(100), recall=0.979)
    assert refused(new, None) == {Gate.RECALL}
    assert refused(new, None, min_recall=0.97) == set()


def test_a_build_most_of_whose_articles_lost_their_text_is_held_back(tmp_path: Path) -> None:
    full, bare = snapshot(tmp_path / "full", ring(40)), snapshot(tmp_path / "bare", ring(40))
    bare.manifest.reading["notes"] = {"summary: no-text": 21}
    assert Gate.TEXT in refused(bare, None), "a first build, too"
    assert Gate.TEXT in refused(bare, full)
    message = verdicts(bare, full)[Gate.TEXT].message
    assert "21 of 40 (52.5%) articles have no text, only a title; if they do, name" in message
    assert verdicts(full, full)[Gate.TEXT].message.endswith("only a title"), "passed: no hint"
    assert Gate.TEXT not in refused(bare, bare), "a site of titles stays one"
    bare.manifest.reading["notes"] = {"summary: no-text": 20}
    assert Gate.TEXT not in refused(bare, full)


def test_a_build_most_of_whose_links_its_template_can_not_make_is_held_back(tmp_path: Path) -> None:
    good, bad = snapshot(tmp_path / "good", ring(40)), snapshot(tmp_path / "bad", ring(40))
    bad.manifest.reading["notes"] = {"url: no-field": 21}
    assert refused(bad, None) == refused(bad, good) == {Gate.LINKS}
    assert "correct url_template" in verdicts(bad, good)[Gate.LINKS].message
    assert "correct" not in verdicts(good, bad)[Gate.LINKS].message
    assert refused(bad, bad) == set()
    bad.manifest.reading["notes"] = {"url: unknown-address": 21}
    assert refused(bad, good) == refused(bad, None) == {Gate.LINKS}


def test_shares_of_a_handful_of_articles_hold_nothing_back(tmp_path: Path) -> None:
    live = snapshot(tmp_path / "live", ring(8, near=3))
    new = snapshot(tmp_path / "new", {"a000": [], "a001": ["a000"], "a002": []})
    assert refused(new, live) == set()


def test_a_build_of_nothing_visible_replaces_no_site(tmp_path: Path) -> None:
    live = snapshot(tmp_path / "live", ring(100))
    new = snapshot(tmp_path / "new", ring(100), hidden=ring(100))
    assert Gate.ARTICLES in refused(new, live)


def test_the_defaults_are_those_of_the_settings() -> None:
    assert Settings().limits == Limits()

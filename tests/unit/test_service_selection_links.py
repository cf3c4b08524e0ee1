"""Lists and the pages' own links: what is linked stands last, what is named related comes first."""

from __future__ import annotations

import datetime as dt
from copy import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.build.build import Build
from index.build.link_graph import PageLinkKind
from index.build.list_dates import WHOLE, _digests
from index.query import Fallback, Order, RelatedQuery, SkipLinked
from index.root.root import Root
from recommender.keyphrases import NO_PHRASE
from recommender.visibility import NEVER, microseconds
from service.curation.golden_set import GoldenSet, measure_agreement
from service.curation.preview import LeftOut, inbound_links, make_preview
from service.decisions.decision_state import NO_STATE, DecisionState, Override, OverrideKind
from service.serving.list_date import list_date
from service.serving.list_quality import evaluate_build
from service.serving.selection import Origin, SelectedItem, select
from service.serving.serving_view import ServingView
from tests.support.articles import topical
from tests.support.builds import publish

PAGE = "sea-000"
NAMED = ["rail-011", "bread-006", "song-009"]
"""What the page names as related, of other topics and in no order of ids."""
LINKED = ["sea-012", "sea-024"]
JUNE = microseconds(dt.datetime(2026, 6, 1, tzinfo=dt.UTC))


def text_links(*names: str) -> list[dict[str, Any]]:
    return [{"url": f"file:{name}", "kind": "text"} for name in names]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    records = [{**record, "language": "en"} for record in topical(48)]
    by_id = {record["id"]: record for record in records}
    hidden = ["rail-003", "song-001"]
    by_id[PAGE] |= {"links": text_links(*LINKED), "related": [hidden[0], *NAMED, hidden[1]]}
    by_id["rail-003"]["status"] = "draft"
    by_id["song-001"]["visible_from"] = "2026-07-01T00:00Z"
    by_id["sea-016"]["supersedes"] = "sea-012"  # the page links to the version before
    by_id["song-009"]["language"] = "de"
    by_id["bread-010"] |= {"related": ["bread-002"], "links": text_links("bread-002", "bread-006")}
    root = Root(tmp_path_factory.mktemp("site") / "root")
    return root.open(publish(root, root.path.parent, records))


def choose(
    build: Build, page: str = PAGE, state: DecisionState = NO_STATE, **query: Any
) -> list[SelectedItem]:
    row = build.row(page)
    assert row is not None
    asked = RelatedQuery(**{"limit": 50, "fallback": Fallback.NONE, **query})
    return select(ServingView(build, state), row, now=JUNE, query=asked)


def shown(
    build: Build, page: str = PAGE, state: DecisionState = NO_STATE, **query: Any
) -> list[str]:
    return [build.article_id(item.row) for item in choose(build, page, state, **query)]


def column(build: Build, page: str = PAGE, **query: Any) -> int:
    """The part of the stored list on which an answer depends."""
    row = build.row(page)
    assert row is not None
    asked = RelatedQuery(**{"limit": 50, "fallback": Fallback.NONE, **query})
    items = choose(build, page, **query)
    return list_date(ServingView(build), row, items, asked).column


def decided(target: str, position: int | None = None) -> DecisionState:
    kind = OverrideKind.HIDE if position is None else OverrideKind.PIN
    one = Override(article_id=PAGE, target_id=target, kind=kind, position=position)
    return DecisionState(overrides={PAGE: (one,)})


# What the text links to


def test_what_the_text_links_to_stands_after_all_other_related_articles(build: Build) -> None:
    plain = shown(build, skip_linked=SkipLinked.OFF, site_pins=False)
    linked = [name for name in plain if name in ("sea-016", "sea-024")]
    assert len(linked) == 2
    assert linked != plain[-2:]
    assert shown(build, site_pins=False) == [*(n for n in plain if n not in linked), *linked]
    assert shown(build, site_pins=False, limit=6) == [n for n in plain if n not in linked][:6]


def test_what_the_text_links_to_stands_before_fallbacks(build: Build) -> None:
    items = choose(build, fallback=Fallback.NEWEST, site_pins=False)
    origins = [item.origin for item in items]
    related = origins.count(Origin.RELATED)
    assert origins == [Origin.RELATED] * related + [Origin.FALLBACK] * (len(items) - related)
    plain = choose(build, fallback=Fallback.NEWEST, site_pins=False, skip_linked=SkipLinked.OFF)
    assert [item.origin for item in plain] == origins


def test_what_the_text_links_to_stands_only_until_a_better_article_comes(build: Build) -> None:
    page = "bread-010"
    every = len(shown(build, page, site_pins=False))
    assert column(build, page, site_pins=False, limit=every) == WHOLE
    assert column(build, page, site_pins=False, limit=every, skip_linked=SkipLinked.OFF) < WHOLE
    assert column(build, page, site_pins=False, limit=every - 2) < WHOLE


def test_what_the_text_links_to_is_left_out_if_a_request_says_so(build: Build) -> None:
    plain = shown(build, skip_linked=SkipLinked.OFF, site_pins=False)
    left = [name for name in plain if name not in ("sea-016", "sea-024")]
    assert shown(build, skip_linked=SkipLinked.DROP, site_pins=False) == left
    filled = shown(build, skip_linked=SkipLinked.DROP, fallback=Fallback.NEWEST, min_score=1.0)
    assert not {"sea-012", "sea-016", "sea-024"} & set(filled)


def test_what_is_linked_last_says_what_it_shares_as_ever(build: Build) -> None:
    plain = {item.row: item for item in choose(build, skip_linked=SkipLinked.OFF, site_pins=False)}
    assert {item.row: item for item in choose(build, site_pins=False)} == plain


def test_a_link_to_what_is_named_as_related_too_does_not_push_it_down(build: Build) -> None:
    assert shown(build, "bread-010", limit=2)[0] == "bread-002"


# What the page names as related


def test_what_the_page_names_as_related_comes_first_in_its_order(build: Build) -> None:
    items = choose(build)
    assert [build.article_id(item.row) for item in items[:3]] == NAMED
    assert [item.origin for item in items[:4]] == [*[Origin.SITE] * 3, Origin.RELATED]
    assert shown(build, limit=2) == NAMED[:2]
    rest = [name for name in shown(build, site_pins=False) if name not in NAMED]
    assert shown(build)[3:] == rest


def test_the_place_of_what_the_page_names_counts_for_its_score(build: Build) -> None:
    assert column(build, limit=1) == WHOLE, "it may get a place in the stored list"
    assert column(build, limit=1, site_pins=False) < WHOLE


def test_the_words_of_what_the_page_names_count(build: Build) -> None:
    before = _digests(build)
    phrases = np.array(build.phrase_rows)
    phrases[build.row(NAMED[0])] = NO_PHRASE
    other = copy(build)
    other.phrase_rows = phrases
    changed = np.flatnonzero((_digests(other) != before).any(axis=1))
    assert changed.tolist() == [build.row(PAGE)]


def test_what_the_page_names_stays_first_when_the_newest_come_first(build: Build) -> None:
    assert shown(build, sort=Order.NEWEST)[:3] == NAMED


def test_a_setting_turns_the_pages_own_pins_off(build: Build) -> None:
    assert {item.origin for item in choose(build, site_pins=False)} == {Origin.RELATED}


def test_an_editors_pin_stands_above_and_a_hide_beats_what_the_page_names(build: Build) -> None:
    assert shown(build, state=decided("sea-004", 1))[:4] == ["sea-004", *NAMED]
    assert shown(build, state=decided("sea-004", 2))[:4] == [NAMED[0], "sea-004", *NAMED[1:]]
    again = choose(build, state=decided("bread-006", 1))
    assert [build.article_id(item.row) for item in again[:3]] == ["bread-006", NAMED[0], NAMED[2]]
    assert again[0].origin is Origin.PINNED
    assert "bread-006" not in shown(build, state=decided("bread-006"))


def test_the_guard_holds_for_what_the_page_names(build: Build) -> None:
    assert not {"rail-003", "song-001"} & set(shown(build, fallback=Fallback.NEWEST))
    taken = DecisionState(takedowns={"rail-011": NEVER})
    assert shown(build, state=taken)[:2] == NAMED[1:]
    assert shown(build, exclude=frozenset({"rail-011"}))[:2] == NAMED[1:]
    assert "song-009" not in shown(build, language="en")


def test_editors_see_which_lists_name_an_article_and_why_one_is_not_shown(build: Build) -> None:
    row, page = build.row("rail-011"), build.row(PAGE)
    assert row is not None
    assert page is not None
    found, _ = inbound_links(ServingView(build), row, JUNE, RelatedQuery(), 20)
    assert (page, 1) in [(link.row, link.position) for link in found]
    preview = make_preview(ServingView(build), page, now=JUNE, query=RelatedQuery(limit=4))
    why = {build.article_id(each.row): each.left_out for each in preview.candidates}
    assert why["sea-024"] is LeftOut.LINKED


# What is excluded by its address


@pytest.mark.parametrize(
    "name",
    [
        "/sea/4",
        "/sea/4/",
        "/SEA/4?utm_source=letter#top",
        "https://www.sea.example/sea/4",
        "http://sea.example/sea/4/index.html",
    ],
)
def test_an_article_is_excluded_by_its_address(build: Build, name: str) -> None:
    plain = shown(build)
    assert "sea-004" in plain
    assert shown(build, exclude=frozenset({name})) == [one for one in plain if one != "sea-004"]


@pytest.mark.parametrize(
    "name",
    ["/sea/404", "sea/4", "//", "https://", "http://[bad/", "/\ud800", "/sea", "javascript:/"],
)
def test_an_address_of_no_article_excludes_nothing(build: Build, name: str) -> None:
    assert shown(build, exclude=frozenset({name})) == shown(build)


def test_an_address_tells_hosts_apart_and_a_path_finds_any(tmp_path: Any) -> None:
    records = topical(24)
    for record in records:
        record["url"] = f"https://www.sea.example{record['url']}"
        record["aliases"] = [f"/old/{record['id']}"]
    root = Root(tmp_path / "root")
    build = root.open(publish(root, tmp_path, records))
    for name in ("/sea/4", "http://sea.example/sea/4", "/old/sea-004"):
        assert "sea-004" not in shown(build, exclude=frozenset({name})), name
    assert "sea-004" in shown(build, exclude=frozenset({"https://land.example/sea/4"}))


# What is measured


def test_neither_pins_nor_the_pages_own_links_change_what_is_measured(build: Build) -> None:
    query = RelatedQuery(limit=6)
    both = (decided("rail-011", 1), decided("sea-004"))
    state = DecisionState(overrides={PAGE: tuple(one.overrides[PAGE][0] for one in both)})
    qrels = {PAGE: dict.fromkeys([*NAMED, *LINKED], 1)}
    plain = evaluate_build(build, qrels, query)
    golden = GoldenSet(good=frozenset((PAGE, name) for name in NAMED), bad=frozenset())
    rated = measure_agreement(build, NO_STATE, golden, query, now=JUNE)
    assert rated.good_shown == 0
    for skip_linked in SkipLinked:
        for site_pins in (False, True):
            asked = RelatedQuery(limit=6, skip_linked=skip_linked, site_pins=site_pins)
            assert evaluate_build(build, qrels, asked, state) == plain
            assert measure_agreement(build, state, golden, asked, now=JUNE) == rated


# Whatever is linked


@given(
    limit=st.integers(1, 12),
    skip_linked=st.sampled_from(SkipLinked),
    site_pins=st.booleans(),
    min_score=st.sampled_from([0.0, 0.3, 1.0]),
    fallback=st.sampled_from(Fallback),
)
def test_links_change_the_order_and_never_the_length_unless_they_are_dropped(
    build: Build,
    limit: int,
    skip_linked: SkipLinked,
    site_pins: bool,
    min_score: float,
    fallback: Fallback,
) -> None:
    asked = {"limit": limit, "min_score": min_score, "fallback": fallback}
    items = choose(build, skip_linked=skip_linked, site_pins=site_pins, **asked)
    plain = choose(build, skip_linked=SkipLinked.OFF, site_pins=False, **asked)
    named = sum(item.origin is Origin.SITE for item in items)
    assert named == (min(limit, 3) if site_pins else 0)
    if skip_linked is not SkipLinked.DROP:
        fallbacks = [sum(i.origin is Origin.FALLBACK for i in some) for some in (items, plain)]
        assert fallbacks[0] <= fallbacks[1]
        assert len(items) >= len(plain)
    assert len({item.row for item in items}) == len(items) <= limit


def test_a_page_keeps_the_order_of_its_links_by_kind(build: Build) -> None:
    row = build.row(PAGE)
    assert row is not None
    found = [(build.article_id(other), kind) for other, kind in build.page_links.out(row)]
    named = ["rail-003", *NAMED, "song-001"]
    assert found == [
        *((name, PageLinkKind.TEXT) for name in LINKED),
        *((name, PageLinkKind.RELATED) for name in named),
    ]

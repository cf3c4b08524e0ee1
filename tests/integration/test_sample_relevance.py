"""The sample corpus, built with the real model: what a good recommender must get right."""

import datetime as dt
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from index.articles.parse import FieldMapping
from index.build.build import Build
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.query import Fallback, RelatedQuery
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.sentence_encoder import load_encoder
from recommender.visibility import microseconds
from service.serving.selection import select
from service.serving.serving_view import ServingView

pytestmark = [pytest.mark.model, pytest.mark.xdist_group("model")]

SAMPLE = Path(__file__).parents[2] / "index" / "sample"
KIN = json.loads((SAMPLE / "kin.json").read_text())
NOW = microseconds(dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
LATER = microseconds(dt.datetime(2031, 6, 1, tzinfo=dt.UTC))
RELATED_ONLY = RelatedQuery(limit=6, fallback=Fallback.NONE)


@pytest.fixture(scope="module")
def build(tmp_path_factory) -> Build:
    root = Root(tmp_path_factory.mktemp("real") / "root")
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    with root.locked("test"):
        manifest = make_build(
            root,
            [JsonlSource(str(SAMPLE / "articles.jsonl"))],
            load_encoder,
            BuildOptions(mapping=mapping),
        ).manifest
    return root.open(manifest.name)


def shown(build, article_id, now=NOW, query=RELATED_ONLY):
    chosen = select(ServingView(build), build.row(article_id), now=now, query=query)
    return [build.article_id(item.row) for item in chosen]


@pytest.mark.parametrize("name", KIN["series"])
def test_kin_stand_first_for_their_kin(build, name):
    """Kin is the series or its topic: one of the first two, and two of three on average."""
    series = KIN["series"][name]
    hits = []
    for one in series:
        tags = set(build.article(build.row(one)).tags)
        kin = [
            other in series or not tags.isdisjoint(build.article(build.row(other)).tags)
            for other in shown(build, one)[:3]
        ]
        assert any(kin[:2]), one
        hits.append(sum(kin))
    assert sum(hits) / len(hits) >= 2


def test_near_duplicates_are_found_and_nothing_else_is_taken_for_one(build):
    stories = {
        frozenset(build.article_id(int(row)) for row in build.members[story])
        for story in range(len(build.members))
        if len(build.members[story]) > 1
    }
    marked = {frozenset(pair) for pair in KIN["near_duplicates"] + KIN["supersedes"]}
    assert stories == marked


@pytest.mark.parametrize("pair", KIN["near_duplicates"])
def test_a_near_duplicate_is_never_shown_beside_its_twin_or_twice(build, pair):
    one, other = pair
    assert other not in shown(build, one)
    assert one not in shown(build, other)
    for row in range(build.count):
        assert not {one, other} <= set(shown(build, build.article_id(row)))


@pytest.mark.parametrize(("newer", "older"), KIN["supersedes"])
def test_only_the_newest_visible_version_is_shown(build, newer, older):
    scheduled = newer in KIN["scheduled"]
    query = RelatedQuery(limit=50, fallback=Fallback.NONE)
    everywhere = {
        now: {
            found
            for row in range(build.count)
            for found in shown(build, build.article_id(row), now, query)
        }
        for now in (NOW, LATER)
    }
    assert (older in everywhere[NOW]) == scheduled
    assert (newer in everywhere[NOW]) != scheduled
    assert newer in everywhere[LATER]
    assert older not in everywhere[LATER]


def test_no_draft_and_nothing_scheduled_shows_anywhere(build):
    hidden = set(KIN["drafts"]) | set(KIN["scheduled"])
    query = RelatedQuery(limit=50, fallback=Fallback.NEWEST)
    for row in range(build.count):
        assert hidden.isdisjoint(shown(build, build.article_id(row), query=query))


def test_a_german_piece_gets_german_pieces_first(build):
    for one in KIN["german"]:
        found = shown(build, one)
        german = [article in KIN["german"] for article in found]
        assert german == sorted(german, reverse=True)
        assert german[0]


def test_what_two_articles_share_is_never_empty_for_kin_nor_a_number_or_heading(build):
    forbidden = {"study", "key", "takeaway", "illustrative", "fiction", "research"}
    terms = set()
    for name, series in KIN["series"].items():
        for one in series:
            chosen = select(ServingView(build), build.row(one), now=NOW, query=RELATED_ONLY)
            kin = [item for item in chosen if build.article_id(item.row) in series]
            assert all(item.shared_terms for item in kin), name
            terms |= {term for item in chosen for term in item.shared_terms}
    assert not {term for term in terms if term.casefold() in forbidden or term.isdigit()}

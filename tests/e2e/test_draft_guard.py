"""Drafts among articles most of which readers may not see: the same lists, wherever vectors lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from index.build.build import Build
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.query import Fallback, RelatedQuery
from index.root.root import Root
from index.scale_out.milvus.milvus_settings import MilvusSettings
from index.sources.jsonl_source import JsonlSource
from recommender import faiss_index
from recommender.encoder import HashingEncoder
from recommender.parameters import DEFAULT_RECIPE
from recommender.visibility import NEVER
from service.decisions.decision_state import NO_STATE, DecisionState
from service.serving.drafts import DraftIndex, read_draft
from service.serving.selection import SelectedItem
from service.serving.serving_view import ServingView
from tests.support.articles import topical
from tests.support.builds import plain_mapping

pytestmark = pytest.mark.xdist_group("milvus")

NOW = 1_790_000_000_000_000
LIMIT = 12
ENCODER = HashingEncoder(64)
RARE = [403, 471, 539, 607]  # of the railway, with a word of the sea
KINDS = ["Flat", "IVF", "milvus-lite", "Milvus server"]

Make = Callable[[str], Build]


def site() -> list[dict[str, Any]]:
    """Nearer to a text of the sea than any that is shown are more than are ever looked at."""
    records = topical(800, words=16)
    sea = [record for record in records if record["id"].startswith("sea")]
    hidden = sea[: 2 * DEFAULT_RECIPE.candidates + 10]
    for number, record in enumerate(hidden):
        record |= [
            {"status": "draft"},
            {"visible_from": "2199-01-01T00:00:00Z"},
            {"visible_until": "2001-01-01T00:00:00Z"},
        ][number % 3]
        record["summary"] += " Kelp urchin reef tide."
    for number, record in enumerate(records):
        record["language"] = "de" if number % 16 < 4 else "en"
    for number in RARE:
        records[number] |= {"language": "sv", "summary": f"{records[number]['summary']} Otter."}
    return records


@pytest.fixture(scope="module")
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Builds of the same site with its vectors in each kind of index, each made once."""
    source = tmp_path_factory.mktemp("site") / "articles.jsonl"
    source.write_text("\n".join(map(json.dumps, site())))
    made: dict[str, Build] = {}

    def wanted(kind: str) -> MilvusSettings | None:
        if kind == "Milvus server":
            return MilvusSettings(uri=request.getfixturevalue("milvus_uri"), alias="drafts")
        return MilvusSettings() if kind == "milvus-lite" else None

    def make(kind: str) -> Build:
        if kind not in made:
            root = Root(tmp_path_factory.mktemp("guard") / "root")
            options = BuildOptions(mapping=plain_mapping(), milvus=wanted(kind))
            with pytest.MonkeyPatch.context() as patch, root.locked("test"):
                if kind == "IVF":
                    patch.setattr(faiss_index, "FLAT_LIMIT", 19)
                manifest = make_build(
                    root, [JsonlSource(str(source))], lambda: ENCODER, options
                ).manifest
            made[kind] = root.open(manifest.name)
        return made[kind]

    return make


SEA = {"title": "Kelp and urchin", "summary": "Kelp urchin reef tide otter.", "language": "en"}
DRAFTS: list[dict[str, Any]] = [
    SEA,
    {"title": "Choir and oven", "summary": "Tenor verse melody loaf crumb.", "language": "de"},
    {"title": "Tram, tide and signal", "summary": "Depot junction ticket reef lagoon."},
]


def ask(
    build: Build,
    state: DecisionState = NO_STATE,
    draft: dict[str, Any] = SEA,
    limit: int = LIMIT,
    **wishes: Any,
) -> list[SelectedItem]:
    """What is shown beside a draft, by default one of the sea."""
    article = read_draft(draft)
    index, served = DraftIndex(build), ServingView(build, state)
    query = RelatedQuery(limit=limit, fallback=Fallback.NONE, **wishes)
    related = index.relate(article, ENCODER, served=served, now=NOW, query=query)
    return list(related.answer(served, now=NOW, query=query).items)


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_is_full_though_all_that_is_nearest_is_invisible(make: Make, kind: str) -> None:
    build = make(kind)
    shown = ask(build)
    assert len(shown) == LIMIT
    assert all(build.article_id(item.row).startswith("sea") for item in shown)
    assert all(build.is_visible(item.row, NOW) for item in shown)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_taken_down_gives_its_place_to_the_next(make: Make, kind: str) -> None:
    build = make(kind)
    before = [build.article_id(item.row) for item in ask(build)]
    down = DecisionState(takedowns=dict.fromkeys(before, NEVER))
    after = [build.article_id(item.row) for item in ask(build, down)]
    assert len(after) == LIMIT
    assert not set(before) & set(after)


@pytest.mark.parametrize("kind", KINDS)
def test_only_articles_of_the_language_asked_for_are_looked_for(make: Make, kind: str) -> None:
    build = make(kind)
    shown = ask(build, language="de")
    assert len(shown) == LIMIT
    german = build.language_names.index("de")
    assert {build.language_of[item.row] for item in shown} == {german}
    assert ask(build, language="fi") == []


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft["title"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_filter_removes_and_never_rescores(make: Make, kind: str, draft: dict[str, Any]) -> None:
    build = make(kind)
    plain = ask(build, draft=draft, limit=50)
    first = frozenset(build.article_id(item.row) for item in plain[:8])
    filters: list[dict[str, Any]] = [
        {"language": "de"},
        {"language": "en"},
        {"exclude": first},
        {"language": "de", "exclude": first},
        {"min_score": plain[9].score},
        {"limit": 5},
        {"state": DecisionState(takedowns=dict.fromkeys(first, NEVER))},
    ]
    given: dict[int, float] = {}
    for asked in filters:
        found = ask(build, **{"draft": draft, "limit": 50, **asked})
        left = [item for item in plain if item in found]
        assert found
        assert left == [item for item in found if item in plain]
        for item in [*plain, *found]:  # what only filters let in scores the same by each
            assert given.setdefault(item.row, item.score) == item.score
        if "language" in asked:
            assert len(found) == 50, "further ones take the places of what was left out"
    least = plain[9].score
    strong = [item for item in plain if item.score >= least]
    assert ask(build, draft=draft, limit=50, min_score=least) == strong


def test_all_of_a_language_that_few_articles_have_are_found_however_far_they_are(
    make: Make,
) -> None:
    """Inverted lists that hold them may be none of those that are looked into."""
    for kind in ("Flat", "IVF"):
        build = make(kind)
        found = {build.article_id(item.row) for item in ask(build, language="sv")}
        assert found == {f"rail-{number}" for number in RARE}


@pytest.mark.parametrize("kind", ["milvus-lite", "Milvus server"])
def test_a_draft_over_milvus_gets_the_list_that_it_gets_here(make: Make, kind: str) -> None:
    here, there = ask(make("Flat")), ask(make(kind))
    assert [item.row for item in there] == [item.row for item in here]
    assert np.allclose([item.score for item in there], [item.score for item in here], atol=1e-4)

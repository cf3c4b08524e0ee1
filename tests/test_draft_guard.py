"""Drafts among articles most of which readers may not see: the same lists, wherever vectors lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import plain_mapping
from corpora import topical

from index.build import Build
from index.building.builder import make_build
from index.building.making import BuildOptions
from index.draft import DraftIndex, answer_draft, embed, read_draft
from index.milvus.place import InMilvus
from index.root import Root
from index.selection import Chosen, Fallback, Wish
from index.served import Served
from index.sources.jsonl import JsonlSource
from index.state import NO_STATE, State
from recommender import faiss_index
from recommender.encoder import HashingEncoder
from recommender.recipe import DEFAULT_RECIPE
from recommender.visibility import NEVER

NOW = 1_790_000_000_000_000
LIMIT = 12
ENCODER = HashingEncoder(64)
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
    return records


@pytest.fixture(scope="module")
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Builds of the same site with its vectors in each kind of index, each made once."""
    source = tmp_path_factory.mktemp("site") / "articles.jsonl"
    source.write_text("\n".join(map(json.dumps, site())))
    made: dict[str, Build] = {}

    def wanted(kind: str) -> InMilvus | None:
        if kind == "Milvus server":
            return InMilvus(uri=request.getfixturevalue("milvus_uri"), alias="drafts")
        return InMilvus() if kind == "milvus-lite" else None

    def make(kind: str) -> Build:
        if kind not in made:
            root = Root(tmp_path_factory.mktemp("guard") / "root")
            options = BuildOptions(mapping=plain_mapping(), milvus=wanted(kind))
            with pytest.MonkeyPatch.context() as patch, root.locked("test"):
                if kind == "IVF":
                    patch.setattr(faiss_index, "FLAT_LIMIT", 19)
                manifest, _ = make_build(root, [JsonlSource(str(source))], lambda: ENCODER, options)
            made[kind] = Build(root.folder(manifest.name))
        return made[kind]

    return make


def ask(build: Build, state: State = NO_STATE, language: str | None = None) -> list[Chosen]:
    """What is shown beside a text of the sea."""
    article = read_draft(
        {"title": "Kelp and urchin", "summary": "Kelp urchin reef tide otter.", "language": "en"}
    )
    index, served = DraftIndex(build), Served(build, state)
    wish = Wish(limit=LIMIT, fallback=Fallback.NONE, language=language)
    text = index.prepare(article)
    placed = index.place(article, text, embed(ENCODER, text), served=served, now=NOW, wish=wish)
    return answer_draft(served, placed, now=NOW, wish=wish).items


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
    down = State(takedowns=dict.fromkeys(before, NEVER))
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


@pytest.mark.parametrize("kind", ["milvus-lite", "Milvus server"])
def test_a_draft_over_milvus_gets_the_list_that_it_gets_here(make: Make, kind: str) -> None:
    here, there = ask(make("Flat")), ask(make(kind))
    assert [item.row for item in there] == [item.row for item in here]
    assert np.allclose([item.score for item in there], [item.score for item in here], atol=1e-4)

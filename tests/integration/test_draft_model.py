"""Drafts by the real model: an article taken out of the build gets the list that it had there.

Measured: 93 % of the six shown, 94 % of pairs in order, scores off by 0.01, and 87 % of the pairs
with a term that the build names too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.build.build import Build
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.query import Fallback, RelatedQuery
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import Encoder
from recommender.sentence_encoder import load_encoder
from service.serving.drafts import DraftIndex, read_draft
from service.serving.selection import SelectedItem, select
from service.serving.serving_view import ServingView
from tests.support.builds import SAMPLE, plain_mapping

pytestmark = [pytest.mark.model, pytest.mark.xdist_group("model")]

NOW = 1_790_000_000_000_000
SHOWN = 6
HELD_OUT = 8
RELATED_ONLY = RelatedQuery(limit=SHOWN, fallback=Fallback.NONE)
FIELDS = ("title", "summary", "sections", "language", "tags")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder()


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    """The sample without older versions, which a draft can't know to replace."""
    found = [json.loads(line) for line in (SAMPLE / "articles.jsonl").read_text().splitlines()]
    older = {record.get("supersedes") for record in found}
    return [one for one in found if one["id"] not in older and not one.get("supersedes")]


def build_of(root: Root, folder: Path, records: list[dict[str, Any]], encoder: Encoder) -> Build:
    source = folder / "articles.jsonl"
    source.write_text("\n".join(json.dumps(record) for record in records))
    with root.locked("test"):
        manifest = make_build(
            root,
            [JsonlSource(str(source))],
            lambda: encoder,
            BuildOptions(mapping=plain_mapping()),
        ).manifest
    return root.open(manifest.name)


def ask(build: Build, record: dict[str, Any], encoder: Encoder) -> list[SelectedItem]:
    index = DraftIndex(build)
    article = read_draft({name: record[name] for name in FIELDS if name in record})
    served = ServingView(build)
    related = index.relate(article, encoder, served=served, now=NOW, query=RELATED_ONLY)
    return related.answer(served, now=NOW, query=RELATED_ONLY).items


def ids(build: Build, chosen: list[SelectedItem]) -> list[str]:
    return [build.article_id(item.row) for item in chosen]


def in_order(one: list[str], other: list[str]) -> float | None:
    """Share of pairs that stand in the same order in both (Kendall's tau, as a share)."""
    both = [name for name in one if name in other]
    pairs = [(a, b) for place, a in enumerate(both) for b in both[place + 1 :]]
    agreeing = [other.index(a) < other.index(b) for a, b in pairs]
    return sum(agreeing) / len(agreeing) if agreeing else None


def test_an_article_left_out_of_the_build_gets_the_list_that_the_whole_build_has_for_it(
    tmp_path: Path, records: list[dict[str, Any]], encoder: Encoder
) -> None:
    root = Root(tmp_path / "root")
    whole = build_of(root, tmp_path, records, encoder)
    with root.locked("test"):
        root.make_live(
            root.verify(whole.name)
        )  # so that each of the others takes the embeddings over
    overlaps, orders, off, terms = [], [], [], []
    for left_out in records[:: len(records) // HELD_OUT][:HELD_OUT]:
        row = whole.row(left_out["id"])
        assert row is not None
        stored = select(ServingView(whole), row, now=NOW, query=RELATED_ONLY)
        rest = [record for record in records if record is not left_out]
        part = build_of(root, tmp_path, rest, encoder)
        found = ask(part, left_out, encoder)
        wanted, got = ids(whole, stored), ids(part, found)
        overlaps.append(len(set(wanted) & set(got)) / len(wanted))
        order = in_order(wanted, got)
        if order is not None:
            orders.append(order)
        told = dict(zip(wanted, stored, strict=True))
        for name, item in zip(got, found, strict=True):
            if name in told:
                off.append(abs(item.score - told[name].score))
                terms.append(len(set(item.shared_terms) & set(told[name].shared_terms)) > 0)
    figures = {
        "overlap": np.mean(overlaps),
        "order": np.mean(orders),
        "score_off": np.mean(off),
        "terms": np.mean(terms),
    }
    assert figures["overlap"] >= 0.8, figures
    assert figures["order"] >= 0.8, figures
    assert figures["score_off"] <= 0.03, figures
    assert figures["terms"] >= 0.7, figures

"""The recommender with the model that comes with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recommender import Recommender

pytestmark = [pytest.mark.model, pytest.mark.xdist_group("model")]

SAMPLE = Path(__file__).parents[2] / "index" / "sample"


def ids(found):
    return [item.article.id for item in found]


def test_the_default_model_relates_without_a_shared_word():
    records = [json.loads(line) for line in (SAMPLE / "articles.jsonl").read_text().splitlines()]
    texts = {
        record["id"]: {
            "id": record["id"],
            "title": record["title"],
            "text": " ".join(section["text"] for section in record["sections"]),
        }
        for record in records
        if record.get("language", "en") == "en"
    }
    site = Recommender().fit(texts.values())
    kin = json.loads((SAMPLE / "kin.json").read_text())["series"]
    hits = [
        set(ids(site.related(one, limit=len(series) - 1))) & set(series)
        for series in kin.values()
        for one in series
        if set(series) <= set(texts)
    ]
    assert hits
    assert sum(map(bool, hits)) >= 0.9 * len(hits)

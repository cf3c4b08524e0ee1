"""The sample corpus as records, and sources read back into articles."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.sources.registry import open_source
from recommender.article import Article, Status
from tests.support.builds import SAMPLE

RECORDS = [json.loads(line) for line in (SAMPLE / "articles.jsonl").read_bytes().splitlines()]

UNSAID: dict[str, Any] = {
    "url": "/",
    "excerpt": None,
    "image": None,
    "date": None,
    "status": Status.PUBLISHED,
    "visible_from": None,
    "supersedes": None,
    "language": None,
    "tags": (),
    "ratings": {},
}
"""What a field is where a format says nothing of it."""


def read(options: dict[str, Any]) -> tuple[dict[str, Article], ReadReport]:
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    report = ReadReport()
    found = parse_records(open_source(options).records(), mapping, report)
    return {article.id: article for article, _ in found}, report

"""Sites of generators: the addresses, dates and visibility that the generators give."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.sources.registry import open_source
from recommender.article import Article, Status
from tests.support.generator_sites import SITES

MAPPING = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def read(
    folder: Path, mapping: FieldMapping | None = None, **options: Any
) -> tuple[dict[str, Article], dict[str, str], ReadReport]:
    """Articles by their files, the reasons of the other files, and the report."""
    report = ReadReport()
    source = open_source({"kind": "markdown", "path": str(folder), **options})
    found = parse_records(source.records(), mapping or MAPPING, report)
    articles = {one.location.removeprefix(f"{folder}/"): article for article, one in found}
    skipped = {
        problem.location.removeprefix(f"{folder}/"): problem.reason for problem in report.problems
    }
    return articles, {key: skipped[key] for key in skipped.keys() - articles.keys()}, report


def is_shown(article: Article) -> bool:
    begins = article.visible_from
    ends = article.visible_until
    shown = article.status is Status.PUBLISHED
    return shown and (begins is None or begins <= NOW) and (ends is None or ends > NOW)


@pytest.mark.parametrize("name", SITES)
def test_the_links_of_a_site_are_those_of_its_generator(name: str, tmp_path: Path) -> None:
    site = SITES[name]
    articles, skipped, report = read(site.write(tmp_path))
    shown = {key: article.url for key, article in articles.items() if is_shown(article)}
    assert shown == site.addresses
    assert sorted(articles.keys() - shown.keys()) == sorted(site.hidden)
    assert skipped == site.skipped
    assert len({article.id for article in articles.values()}) == len(articles)
    pages = [key for key in site.files if key.endswith((".md", ".markdown"))]
    assert report.read == len(pages)
    assert any(f"made by {name}" in one for one in open_remarks(tmp_path))


def open_remarks(folder: Path) -> tuple[str, ...]:
    return open_source({"kind": "markdown", "path": str(folder)}).remarks

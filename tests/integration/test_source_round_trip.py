"""The sample corpus, written in every format and read back: the same articles.

What a format can't carry is listed here, and the same list stands in docs/sources.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recommender.article import Article, Image
from tests.support import corpus_writers as write
from tests.support.builds import SAMPLE
from tests.support.sample_records import RECORDS, UNSAID, read

LOST = {
    "csv": (),
    "json": (),
    "tsv": (),
    "sqlite": (),
    "parquet": (),
    "html": ("visible_from", "supersedes", "ratings"),
    "html with selectors": (),
    "markdown": (),
    "plain": tuple(name for name in UNSAID if name not in ("url", "ratings")),
    "rss": ("status", "visible_from", "supersedes", "ratings"),
    "atom": ("status", "visible_from", "supersedes", "ratings", "image"),
    "json feed": ("status", "visible_from", "supersedes", "ratings"),
}


def table(kind: str, folder: Path) -> dict[str, Any]:
    if kind == "sqlite":
        path = write.write_sqlite(RECORDS, folder)
        return {"kind": "sql", "url": f"sqlite:///{path}", "query": "SELECT * FROM articles"}
    kinds: dict[str, tuple[str, write.Writer]] = {
        "csv": ("csv", write.write_csv),
        "tsv": ("csv", lambda records, to: write.write_csv(records, to, "articles.tsv")),
        "json": ("json", write.write_json),
        "parquet": ("parquet", write.write_parquet),
        "html": ("html", write.write_html),
        "html with selectors": ("html", write.write_html),
        "markdown": ("markdown", write.write_markdown),
        "plain": ("plain", write.write_plain),
        "rss": ("feed", write.write_rss),
        "atom": ("feed", write.write_atom),
        "json feed": ("feed", write.write_json_feed),
    }
    name, writer = kinds[kind]
    made: dict[str, Any] = {"kind": name, "path": str(writer(RECORDS, folder))}
    if kind == "html with selectors":
        made["select"] = write.HTML_SELECTORS
    return made


def without(fields: Iterable[str], article: Article) -> Article:
    return replace(article, **{name: UNSAID[name] for name in fields})


def plain_links(article: Article) -> Article:
    """Feeds and pages give absolute addresses, and links that the corpus does not have."""
    image = article.image
    if image is not None:
        image = Image(src=image.src.removeprefix(write.SITE), alt=image.alt)
    url = article.url.removeprefix(write.SITE)
    return replace(article, url=url, image=image, links=(), aliases=())


@pytest.fixture(scope="module")
def corpus() -> dict[str, Article]:
    articles, report = read({"kind": "jsonl", "path": str(SAMPLE / "articles.jsonl")})
    assert report.kept == len(RECORDS) == len(articles)
    return articles


@pytest.mark.parametrize("kind", LOST)
def test_the_corpus_comes_back_from_every_format_as_it_was(
    kind: str, tmp_path: Path, corpus: dict[str, Article]
) -> None:
    articles, report = read(table(kind, tmp_path))
    assert not report.skipped
    assert articles.keys() == corpus.keys()
    lost = LOST[kind]
    for key, article in corpus.items():
        found, expected = plain_links(articles[key]), without(lost, article)
        if kind == "json feed" and expected.image:
            expected = replace(expected, image=Image(src=expected.image.src))  # no words for it
        if kind == "plain":
            expected = replace(
                expected,
                ratings={name.capitalize(): value for name, value in expected.ratings.items()},
            )
        assert found == expected


@pytest.mark.parametrize("kind", [kind for kind, lost in LOST.items() if lost])
def test_what_is_said_to_be_lost_is_lost(
    kind: str, tmp_path: Path, corpus: dict[str, Article]
) -> None:
    articles, _ = read(table(kind, tmp_path))
    for name in LOST[kind]:
        had = [key for key, article in corpus.items() if getattr(article, name) != UNSAID[name]]
        assert had
        assert all(getattr(articles[key], name) == UNSAID[name] for key in had)

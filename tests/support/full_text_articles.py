"""Articles for the full-text index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from index.articles.article_store import ARTICLES, to_bytes
from index.building.article_staging import ArticleStaging
from recommender.article import Article, Section


def article(article_id: str, title: str, *texts: str) -> Article:
    sections = tuple(Section(heading="A heading", text=text) for text in texts)
    return Article(id=article_id, title=title, url=f"/{article_id}", sections=sections)


def stage(folder: Path, articles: Iterable[Article]) -> None:
    staging = ArticleStaging(folder / "staging.sqlite")
    staging.add([(one.id, to_bytes(one)) for one in articles])
    staging.write(folder / ARTICLES)


def many(count: int) -> Iterator[Article]:
    for number in range(count):
        words = " ".join(f"w{number * step % 9973}" for step in range(1, 150))
        yield article(f"{number:06}", "A title", words)

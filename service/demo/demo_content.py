"""What the demo site shows: the sample's articles, or those of a build."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.build.build import Build
from index.sources.jsonl_source import JsonlSource
from recommender.article import Article
from recommender.visibility import utc_now, window
from service.settings import Settings

SAMPLE = Path(str(importlib.resources.files("index") / "sample"))
SAMPLE_SOURCE = SAMPLE / "articles.jsonl"
SAMPLE_ARTICLE = "cooler-streets-1-one-broad-crown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoContent:
    """The articles and the words of a demo site.

    Attributes:
        name: The site's name.
        motto: What stands beside the name.
        heading: The heading of the home page.
        intro: The text below it.
        articles: All articles by id, the newest first.
        first: The article to begin with.
        widget: Whether pages load the widget, unless they are asked for ``?include``.
        images: The folder of the pictures that the site serves itself.
        local: The path of each article's page, by the address that its card has.
    """

    name: str
    motto: str
    heading: str
    intro: str
    articles: Mapping[str, Article]
    first: str
    widget: bool = True
    images: Path | None = None
    local: Mapping[str, str] = field(default_factory=dict)


def sample_content(settings: Settings) -> DemoContent:
    """Returns the sample corpus as the site of a paper."""
    mapping = FieldMapping(fields={}, url_template="/{id}", timezone=settings.zone)
    records = JsonlSource(str(SAMPLE_SOURCE)).records()
    return DemoContent(
        name="The Lindholt Digest",
        motto="Fiction in the manner of research news",
        heading="Latest summaries",
        intro="A demo site for AlsoLike. Everything here is invented. Open an article and follow "
        "its “You May Also Like”.",
        articles=_newest_first(
            article for article, _ in parse_records(records, mapping, ReadReport())
        ),
        first=SAMPLE_ARTICLE,
        images=SAMPLE / "images",
    )


def build_content(build: Build, name: str, first: str) -> DemoContent:
    """Returns the articles of a build as a preview of its site.

    Args:
        build: The build.
        name: The site's name.
        first: The article to begin with.
    """
    articles = _newest_first(build.articles)
    return DemoContent(
        name=name,
        motto="A preview by AlsoLike",
        heading="Articles",
        intro="Open an article: its related articles stand below its text.",
        articles=articles,
        first=first,
        widget=False,
        local={article.url: page_path(article) for article in articles.values()},
    )


def page_path(article: Article) -> str:
    """Returns the path of an article's page on the demo site."""
    return "/" + quote(article.id)


def is_visible(article: Article) -> bool:
    """Tells whether an article may be shown now."""
    start, end = window(article)
    return start <= utc_now() < end


def _newest_first(articles: Iterable[Article]) -> dict[str, Article]:
    newest = sorted(
        articles, key=lambda article: (str(article.date or ""), article.id), reverse=True
    )
    return {article.id: article for article in newest}

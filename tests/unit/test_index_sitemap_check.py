"""How the articles' addresses agree with the site's own sitemap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest

from index.articles.parse import FieldMapping
from index.articles.read_report import ReadReport
from index.articles.record import Record
from index.sources.sitemap_check import SitemapCheck, compare_addresses

SITE = "https://example.org"


def record(article_id: str, **more: object) -> Record:
    """A record whose own link is not stated, unless by ``url`` or ``link``."""
    link = str(more.pop("link", ""))
    values = {"id": article_id, "title": "T", "date": "2026-03-01", **more}
    return Record(location="a", values=values, link=link)


@dataclass(frozen=True, slots=True)
class Given:
    """A source of given records."""

    given: tuple[Record, ...]
    name: str = "given"

    def records(self) -> Iterator[Record]:
        yield from self.given


def compared(pages: list[str], *records: Record, url_template: str = "/{id}") -> SitemapCheck:
    mapping = FieldMapping(url_template=url_template, timezone=ZoneInfo("UTC"))
    sources = [Given(records)]
    return compare_addresses([f"{SITE}{page}" for page in pages], sources, mapping, ReadReport())


def test_addresses_agree_whether_they_name_the_site_or_not() -> None:
    found = compared(
        ["/a/", "/b/", "/c/", "/about/"],
        record("a", url="/a/"),
        record("b", url=f"{SITE}/b/"),
        record("x", url="/x/"),
        record("c", url="/c/", status="draft"),
    )
    assert (found.pages, found.articles, found.found) == (4, 3, 2)
    assert found.missing == ["/x/"]
    assert found.unknown == [f"{SITE}/about/"]
    assert found.hidden == [f"{SITE}/c/"]
    assert not found.hints


@pytest.mark.parametrize(
    ("page", "article_id", "template"),
    [
        ("/kelp/", "kelp", "/{id}/"),
        ("/kelp.html", "kelp", "/{id}.html"),
        ("/blog/kelp/", "kelp", "/blog/{id}/"),
        ("/2026/03/01/kelp/", "kelp", "/{year}/{month}/{day}/{id}/"),
        ("/2026/03/kelp", "posts/kelp", "/{year}/{month}/{slug}"),
        ("/news/kelp/", "posts/2026-03-01-kelp", "/news/{slug}/"),
        ("/de/blog/kelp/", "blog/kelp", "/{language}/{id}/"),
        ("/n/2026-03-01-kelp", "kelp", "/n/{year}-{month}-{day}-{id}"),
    ],
)
@pytest.mark.parametrize("link", ["", "/by/a/generator/kelp"])
def test_the_template_that_mends_most_is_told(
    page: str, article_id: str, template: str, link: str
) -> None:
    one = record(article_id, language="de", slug="kelp", link=link)
    (hint,) = compared([page, "/", "/about/"], one).hints
    assert hint.setting == f'url_template = "{template}"'
    assert (hint.mends, hint.example) == (1, (link or f"/{article_id}", f"{SITE}{page}"))


def test_a_template_may_name_the_site() -> None:
    (hint,) = compared(
        ["/kelp/"], record("kelp"), url_template="https://www.example.org/{id}"
    ).hints
    assert hint.setting == 'url_template = "https://example.org/{id}/"'


def test_a_template_that_mends_nothing_is_not_proposed() -> None:
    own_link = record("kelp", url="/posts/kelp")
    assert not compared(["/kelp/"], own_link).hints, "a record's own address goes before"
    no_slug = record("posts/kelp")
    assert not compared(["/news/kelp/"], no_slug).hints, "the record has no field slug"
    is_set = record("Kelp")
    assert not compared(["/n/kelp/"], is_set, url_template="/n/{id}/").hints
    other_date = record("kelp")
    assert not compared(["/2026/02/28/kelp/"], other_date).hints


def test_of_pages_that_end_alike_the_one_of_the_article_s_date_is_meant() -> None:
    found = compared(["/2025/kelp/", "/2026/kelp/"], record("kelp"))
    assert found.hints[0].example[1] == f"{SITE}/2026/kelp/"

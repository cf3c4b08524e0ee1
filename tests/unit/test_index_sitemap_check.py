"""How the articles' addresses agree with the site's own sitemap."""

from __future__ import annotations

import datetime as dt

import pytest

from index.sources.sitemap_check import SitemapCheck, SitemapComparison
from recommender.article import Article, Status

SITE = "https://example.org"


def article(article_id: str, url: str, **more: object) -> Article:
    return Article(id=article_id, title="T", url=url, date=dt.date(2026, 3, 1), **more)  # type: ignore[arg-type]


def compared(pages: list[str], *articles: Article) -> SitemapCheck:
    comparison = SitemapComparison([f"{SITE}{page}" for page in pages])
    for one in articles:
        comparison.add(one)
    return comparison.result()


def test_addresses_agree_whether_they_name_the_site_or_not() -> None:
    found = compared(
        ["/a/", "/b/", "/c/", "/about/"],
        article("a", "/a/"),
        article("b", f"{SITE}/b/"),
        article("x", "/x/"),
        article("c", "/c/", status=Status.DRAFT),
    )
    assert (found.pages, found.articles, found.found) == (4, 3, 2)
    assert found.missing == ["/x/"]
    assert found.unknown == [f"{SITE}/about/"]
    assert found.hidden == [f"{SITE}/c/"]
    assert not found.hints


@pytest.mark.parametrize(
    ("page", "article_id", "url", "template"),
    [
        ("/kelp/", "kelp", "/kelp", "/{id}/"),
        ("/kelp.html", "kelp", "/kelp", "/{id}.html"),
        ("/blog/kelp/", "kelp", "/kelp", "/blog/{id}/"),
        ("/2026/03/01/kelp/", "kelp", "/kelp", "/{year}/{month}/{day}/{id}/"),
        ("/2026/03/kelp", "posts/kelp", "/posts/kelp", "/{year}/{month}/{slug}"),
        ("/news/kelp/", "posts/2026-03-01-kelp", "/posts/2026-03-01-kelp", "/news/{slug}/"),
        ("/de/blog/kelp/", "blog/kelp", "/blog/kelp", "/{language}/{id}/"),
        ("/2026/03/Kelp/", "posts/kelp", "/posts/kelp", "/{year}/{month}/{slug}/"),
        ("/n/2026-03-01-kelp", "kelp", "/kelp", "/n/{year}-{month}-{day}-{id}"),
        ("/kelp/", "kelp", "https://www.example.org/kelp/", "https://example.org/{id}/"),
        ("/kelp/", "kelp", "http://example.org/kelp/", "https://example.org/{id}/"),
    ],
)
def test_the_template_that_mends_most_is_told(
    page: str, article_id: str, url: str, template: str
) -> None:
    others = ["/", "/about/"]
    found = compared([page, *others], article(article_id, url, language="de"))
    (hint,) = found.hints
    assert hint.setting == f'url_template = "{template}"'
    assert (hint.mends, hint.example) == (1, (url, f"{SITE}{page}"))


def test_another_date_in_the_sitemap_is_no_matter_of_the_template() -> None:
    found = compared(["/2026/02/28/kelp/"], article("kelp", "/2026/03/01/kelp/"))
    assert found.hints[0].setting.startswith("map = { date =")


def test_of_pages_that_end_alike_the_one_of_the_article_s_date_is_meant() -> None:
    found = compared(["/2025/kelp/", "/2026/kelp/"], article("kelp", "/kelp"))
    assert found.hints[0].example[1] == f"{SITE}/2026/kelp/"

"""Posts of a WordPress site, read from its REST API while it changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from recommender.article import Article
from tests.support.http_site import Site, page, serving
from tests.support.sample_records import read


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as found:
        yield found


def fetched(site: Site, **options: Any) -> tuple[dict[str, Article], dict[str, str]]:
    table = {"kind": "wordpress", "url": site.url, "private": ["127.0.0.1"], "per_page": 3}
    articles, report = read({**table, **options})
    return articles, {one.reason: one.message for one in report.problems}


class Posts:
    """The posts of a site, of which one is unpublished after each of some answers."""

    def __init__(self, *ids: int, unpublished: tuple[int, ...]) -> None:
        self.ids = [*ids]
        self.unpublished = [*unpublished]

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        number = int(parse_qs(urlsplit(handler.path).query)["page"][0])
        pages = -(-len(self.ids) // 3)
        found = [
            {"id": one, "title": {"rendered": "A"}, "link": f"/{one}", "content": {"rendered": "B"}}
            for one in self.ids[3 * number - 3 : 3 * number]
        ]
        status, body = 200, json.dumps(found)
        if number > pages:
            status, body = 400, '{"code": "rest_post_invalid_page_number", "message": "Too high."}'
        headers = {"X_WP_Total": str(len(self.ids)), "X_WP_TotalPages": str(pages)}
        page(body, status, Content_Type="application/json", **headers)(handler)
        if self.unpublished:
            self.ids.remove(self.unpublished.pop(0))


@pytest.mark.parametrize("count", [7, 4])  # by the second, the last page vanishes
def test_a_post_that_is_unpublished_meanwhile_hides_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setenv("WP_PASSWORD", "abcd efgh")
    site.pages["/wp-json/wp/v2/posts"] = Posts(*range(1, count + 1), unpublished=(1,))
    articles, problems = fetched(site, user="editor", password_env="WP_PASSWORD")
    assert sorted(articles) == [str(number) for number in range(1, count + 1)]
    assert not problems


def test_a_site_that_loses_posts_whenever_it_is_read_is_reported(site: Site) -> None:
    site.pages["/wp-json/wp/v2/posts"] = Posts(*range(1, 8), unpublished=(1, 2, 3, 4, 5))
    _, problems = fetched(site)
    assert problems.keys() == {"count-differs"}

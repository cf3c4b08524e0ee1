"""WordPress: a real one, and answers that a real one gives too seldom to wait for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from index.articles.record import Record, RecordProblem
from index.errors import SourceError
from index.sources.registry import open_source
from recommender.article import Image, Status
from tests.support import real_servers
from tests.support.builds import SAMPLE
from tests.support.http_site import Page, in_turn, page, serving
from tests.support.http_site import Site as Server
from tests.support.sample_records import RECORDS, UNSAID, read

LOST = ("url", "language", "supersedes", "ratings")
"""What WordPress has no place for; its links are its own."""


@pytest.fixture(scope="module")
def wordpress() -> Iterator[real_servers.Site]:
    with real_servers.wordpress(SAMPLE / "articles.jsonl") as site:
        yield site


def table(url: str, **options: Any) -> dict[str, Any]:
    return {"kind": "wordpress", "url": url, "private": ["127.0.0.1"], **options}


def test_a_real_wordpress_gives_the_corpus_as_far_as_it_can_carry_it(
    wordpress: real_servers.Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_PASSWORD", wordpress.password)
    options = table(
        wordpress.url,
        user=wordpress.user,
        password_env="SITE_PASSWORD",
        map={"id": "slug"},
        per_page=50,
    )
    found, report = read(options)
    expected, _ = read({"kind": "jsonl", "path": str(SAMPLE / "articles.jsonl")})
    assert not report.skipped
    assert len(found) == len(RECORDS)
    by_title = {article.title: article for article in found.values()}
    for article in expected.values():
        image = article.image and Image(
            src=wordpress.url + article.image.src, alt=article.image.alt
        )
        got = by_title[article.title]
        assert got.url.startswith(f"{wordpress.url}/")
        lost = {name: UNSAID[name] for name in LOST}
        if article.visible_from:
            lost["date"] = None  # a scheduled post's date is when it appears
        assert replace(got, id=article.id, tags=(), authors=(), aliases=(), **lost) == replace(
            article, image=image, tags=(), **lost
        )
        assert sorted(got.tags) == sorted(article.tags)
        assert got.authors == ("editor",)


def test_without_a_password_a_real_wordpress_gives_what_is_published(
    wordpress: real_servers.Site,
) -> None:
    found, report = read(table(wordpress.url))
    published = [r for r in RECORDS if r["status"] == "published" and "visible_from" not in r]
    assert {article.title for article in found.values()} == {r["title"] for r in published}
    assert not report.skipped


def test_a_real_export_gives_the_same_articles_as_the_site(
    wordpress: real_servers.Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SITE_PASSWORD", wordpress.password)
    options = table(wordpress.url, user=wordpress.user, password_env="SITE_PASSWORD")
    expected, _ = read(options)
    path = tmp_path / "export.xml"
    path.write_bytes(wordpress.export())
    found, report = read({"kind": "wxr", "path": str(path)})
    assert not report.skipped
    assert found.keys() == expected.keys()
    for key, article in expected.items():
        # A draft has no permalink yet, and an export says the site's language.
        other = {"url": article.url, "aliases": article.aliases, "language": article.language}
        got = found[key]
        if article.status is Status.PUBLISHED and not article.visible_from:
            assert (got.url, got.aliases) == (article.url, article.aliases)
        assert replace(got, **other) == article
        assert got.language == "en-us"


def test_a_wrong_password_is_told_without_telling_it(
    wordpress: real_servers.Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_PASSWORD", "hunter2 hunter2")
    options = table(wordpress.url, user=wordpress.user, password_env="SITE_PASSWORD")
    with pytest.raises(SourceError, match="check the application password of 'editor'") as error:
        list(open_source(options).records())
    assert "hunter2" not in str(error.value)


def test_an_unknown_type_is_told(wordpress: real_servers.Site) -> None:
    with pytest.raises(SourceError, match="recipes"):
        list(open_source(table(wordpress.url, types=["recipes"])).records())


def test_a_real_wordpress_s_feed_gives_its_newest_posts(wordpress: real_servers.Site) -> None:
    feed = {"kind": "feed", "url": f"{wordpress.url}/feed/", "private": ["127.0.0.1"]}
    found, report = read(feed)
    titles = {record["title"] for record in RECORDS}
    assert len(found) == report.read == 10
    assert all(article.title in titles and article.sections for article in found.values())


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as site:
        yield site


def answer(posts: Any, total: int | None = None, pages: int = 1) -> Page:
    return page(
        json.dumps(posts),
        Content_Type="application/json",
        X_WP_Total=str(len(posts) if total is None else total),
        X_WP_TotalPages=str(pages),
    )


def post(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "status": "publish",
        "date": "2026-01-02T03:04:05",
        "date_gmt": "2026-01-02T02:04:05",
        "link": f"https://site.example/{number}",
        "title": {"rendered": f"Post&#8217;s {number}"},
        "content": {"rendered": "<p>Text</p>", "protected": False},
        "excerpt": {"rendered": "<p>Cut off in mid [&hellip;]</p>\n"},
        **fields,
    }


ROUTE = "/wp-json/wp/v2/posts"


def records(server: Server, **options: Any) -> list[Record | RecordProblem]:
    return list(open_source(table(server.url, **options)).records())


def test_pages_are_read_until_the_last_one(server: Server) -> None:
    server.pages[ROUTE] = in_turn(answer([post(1), post(2)], 3, 2), answer([post(3)], 3, 2))
    assert [item.values["id"] for item in records(server)] == [1, 2, 3]
    assert [path.partition("&page=")[2][0] for path in server.paths()] == ["1", "2"]


def test_without_permalinks_the_other_address_is_asked(server: Server) -> None:
    server.pages[ROUTE] = page("<html>home</html>", Content_Type="text/html")
    server.pages["/"] = answer([post(1)])
    assert len(records(server)) == 1
    assert "rest_route=%2Fwp%2Fv2%2Fposts" in server.paths()[-1]


@pytest.mark.parametrize(
    ("named", "route"),
    [
        ("/blog/wp-json", f"/blog{ROUTE}"),
        ("/wp-json/wp/v2/posts", ROUTE),
        ("/wp/v2/sites/sea.example/", "/wp/v2/sites/sea.example/posts"),
    ],
)
def test_the_address_of_the_api_itself_is_understood(
    server: Server, named: str, route: str
) -> None:
    server.pages[route] = answer([post(1)])
    assert len(list(open_source(table(server.url + named)).records())) == 1


def test_an_api_that_is_not_for_visitors_is_told_with_another_way(server: Server) -> None:
    body = '{"code": "rest_not_logged_in", "message": "You are not logged in."}'
    server.pages[ROUTE] = page(body, status=401, Content_Type="application/json")
    with pytest.raises(SourceError, match=r"not logged in\.; .*sitemap"):
        records(server)


def test_a_site_that_is_no_wordpress_is_told(server: Server) -> None:
    with pytest.raises(SourceError, match="not a WordPress site"):
        records(server)


def test_an_excerpt_that_wordpress_cut_itself_is_left_out(server: Server) -> None:
    written = {"rendered": "<p>Written by hand&hellip;</p>"}
    server.pages[ROUTE] = answer([post(1), post(2, excerpt=written)])
    found, _ = read(table(server.url))
    assert found["1"].excerpt is None
    assert found["2"].excerpt == "Written by hand…"
    assert found["1"].title == "Post\u2019s 1"


def test_a_post_behind_a_password_stays_invisible(server: Server) -> None:
    server.pages[ROUTE] = answer([post(1, content={"rendered": "", "protected": True})])
    assert read(table(server.url))[0]["1"].status is Status.HIDDEN


def test_a_scheduled_post_appears_at_its_instant(server: Server) -> None:
    server.pages[ROUTE] = answer([post(1, status="future", date_gmt="2031-01-02T02:04:05")])
    article = read(table(server.url))[0]["1"]
    assert str(article.visible_from) == "2031-01-02 02:04:05+00:00"


@pytest.mark.parametrize("around", ["\ufeff{}", "<b>Notice</b>: x [1]\n{}", "{}\n<!-- cached -->"])
def test_what_php_and_caches_write_around_the_posts_is_passed_over(
    server: Server, around: str
) -> None:
    headers = {"Content_Type": "application/json", "X_WP_Total": "1", "X_WP_TotalPages": "1"}
    server.pages[ROUTE] = page(around.format(json.dumps([post(1)])), **headers)
    assert read(table(server.url))[0].keys() == {"1"}


def test_the_excerpt_s_own_link_is_no_part_of_it(server: Server) -> None:
    link = "<a class='more-link' href='/x'>Continue reading <span>Loaf</span></a>"
    excerpts = [f"<p>Flour {link}</p>", f"<p>Flour&hellip; {link}</p>", "<p>By hand</p>"]
    posts = [post(at, excerpt={"rendered": text}) for at, text in enumerate(excerpts)]
    server.pages[ROUTE] = answer(posts)
    found, _ = read(table(server.url))
    assert [article.excerpt for article in found.values()] == ["Flour", None, "By hand"]


BUILT = (
    "<p>[vc_row css=&#8221;.x{margin: 0 !important;}&#8221;][vc_column][my_note]</p><p>Kelp "
    "[sic].</p><p>[/my_note][ult_gap height=&#8221;3&#8243;][/vc_column][/vc_row]</p>"
)


def test_terms_authors_and_pictures_come_from_where_a_site_has_them(server: Server) -> None:
    terms = [
        {"name": "News", "slug": "uncategorized", "taxonomy": "category"},
        {"name": "Sin categoría", "slug": "sin-categoria", "taxonomy": "category"},
        {"name": "ann", "slug": "cap-ann", "taxonomy": "author"},
        {"name": "Quote", "slug": "post-format-quote", "taxonomy": "post_format"},
    ]
    refused = [{"code": "rest_forbidden"}]
    embedded = {"wp:term": [terms], "author": refused, "wp:featuredmedia": refused}
    said = {"_embedded": embedded, "jetpack_featured_media_url": "https://site.example/k.jpg"}
    guid = {"rendered": "https://site.example/?post_type=x&#038;p=1"}
    written = [{"display_name": "Ann"}, {"display_name": "Bo"}]
    server.pages[ROUTE] = answer(
        [
            post(1, guid=guid, yoast_head_json={"author": "Ann Lee"}, **said),
            post(2, authors=written, jetpack_featured_media_url=False),
        ]
    )
    found, report = read(table(server.url))
    assert not report.problems
    assert found["1"].tags == ("News",)
    assert (found["1"].authors, found["2"].authors) == (("Ann Lee",), ("Ann", "Bo"))
    assert found["1"].image == Image(src="https://site.example/k.jpg", alt="")
    assert found["1"].aliases == ("https://site.example/?post_type=x&p=1",)


def test_translations_in_wpml_s_folders_are_known(server: Server) -> None:
    english, norwegian = (
        post(number, wpml_current_locale=locale, wpml_translations=[{"id": other}])
        for number, locale, other in ((7, "en_US", 9), (9, "nb_NO", 7))
    )
    server.pages |= {ROUTE: answer([english]), f"/no{ROUTE}": answer([norwegian])}
    urls = server.url, f"{server.url}/no/"
    found = [article for url in urls for article in read(table(url))[0].values()]
    assert [article.language for article in found] == ["en-us", "nb-no"]
    assert {article.translation_key for article in found} == {f"post 7 of {server.url}"}


def test_sites_of_their_own_in_short_folders_have_no_translations_in_common(server: Server) -> None:
    polylang = post(5, lang="en", translations={"en": 5, "de": 6})
    server.pages |= {f"/{folder}{ROUTE}": answer([polylang]) for folder in ("cs", "ee")}
    urls = f"{server.url}/cs", f"{server.url}/ee"
    found = [article for url in urls for article in read(table(url))[0].values()]
    assert [article.translation_key for article in found] == [f"post 5 of {url}" for url in urls]


@pytest.mark.parametrize("kind", ["wordpress", "feed"])
def test_a_builder_s_shortcodes_that_were_not_rendered_are_no_text(
    server: Server, kind: str
) -> None:
    server.pages[ROUTE] = answer([post(1, content={"rendered": BUILT})])
    server.pages["/feed"] = page(
        f"<rss version='2.0'><channel><item><title>A</title><link>http://x.example/1</link>"
        f"<description><![CDATA[{BUILT}]]></description></item></channel></rss>"
    )
    path = "/feed" if kind == "feed" else ""
    (article,) = read(table(server.url + path, kind=kind))[0].values()
    assert [section.text for section in article.sections] == ["Kelp [sic]."]


def test_shortcodes_of_no_builder_are_what_readers_see(server: Server) -> None:
    shown = "<p>Write [gallery ids=&#8221;1&#8243;] into a post.</p>"
    server.pages[ROUTE] = answer([post(1, content={"rendered": shown})])
    assert "[gallery ids" in read(table(server.url))[0]["1"].sections[0].text


def test_a_site_that_changes_while_it_is_read_is_reported(server: Server) -> None:
    server.pages[ROUTE] = answer([post(1)], total=2)
    found, report = read(table(server.url))
    assert len(found) == 1
    assert report.skipped["count-differs"] == 1
    assert report.read == report.kept + sum(report.skipped.values())


@pytest.mark.parametrize(
    "broken",
    [7, None, "x", [], {}, {"id": "7"}, {"id": 1, "title": 3, "content": [], "_embedded": 9}],
)
def test_a_post_of_another_shape_is_reported_and_not_lost(server: Server, broken: Any) -> None:
    server.pages[ROUTE] = answer([broken, post(2)])
    found, report = read(table(server.url))
    assert found.keys() == {"2"}
    assert report.read == 2
    assert report.kept == sum(report.skipped.values()) == 1


@pytest.mark.parametrize(
    "body", ["{}", "[", "null", "[" * 100_000, '{"code": "x", "message": "y"}']
)
def test_an_answer_that_is_no_list_is_told_with_its_place(server: Server, body: str) -> None:
    server.pages[ROUTE] = page(
        body, Content_Type="application/json", X_WP_Total="1", X_WP_TotalPages="1"
    )
    with pytest.raises(SourceError, match=f"{server.url}{ROUTE}"):
        records(server)


def test_a_picture_that_was_deleted_costs_no_article(server: Server) -> None:
    gone = {"wp:featuredmedia": [{"code": "rest_post_invalid_id"}], "wp:term": [[{"name": "T"}]]}
    server.pages[ROUTE] = answer([post(1, _embedded=gone)])
    article = read(table(server.url))[0]["1"]
    assert article.image is None
    assert article.tags == ("T",)

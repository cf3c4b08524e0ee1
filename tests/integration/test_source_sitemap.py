"""Pages that a sitemap names, fetched from a real server on loopback."""

from __future__ import annotations

import datetime as dt
import gzip
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from index.errors import SourceError
from index.sources import interstitial, page_cache
from index.sources.http_client import Fetcher, FetchError, HttpOptions
from index.sources.interstitial import check_is_no_interstitial, check_leads_to_page
from index.sources.polite_client import PoliteClient
from index.sources.registry import open_source
from index.sources.site_discovery import sitemap_addresses
from index.sources.sitemap_file import read_sitemap
from recommender.article import Article, Status
from tests.support.http_site import Page, Site, in_turn, page, serving
from tests.support.sample_records import read

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as found:
        yield found


def article(title: str = "Kelp", body: str = "Kelp calms the waves.", head: str = "") -> str:
    return f"<html><head><title>{title}</title>{head}</head><body><h1>{title}</h1><p>{body}</p>"


def html(text: str, status: int = 200, **headers: str) -> Page:
    return page(text, status, **{"Content_Type": "text/html; charset=utf-8", **headers})


def sitemap(*locations: str, more: str = "", extra: str = "") -> str:
    entries = "".join(f"<url><loc>{url}</loc>{more}</url>" for url in locations)
    return f'<?xml version="1.0"?><urlset xmlns="{NAMESPACE}"{extra}>{entries}</urlset>'


def index(*locations: str) -> str:
    entries = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in locations)
    return f'<sitemapindex xmlns="{NAMESPACE}">{entries}</sitemapindex>'


def fetched(site: Site, **options: Any) -> tuple[dict[str, Article], dict[str, str]]:
    """Reads the site; returns its articles, and the problems' reasons by their location."""
    table = {"kind": "sitemap", "private": ["127.0.0.1"], "delay": 0, "attempts": 1, **options}
    if "path" not in options:
        table.setdefault("url", f"{site.url}/sitemap.xml")
    articles, report = read(table)
    assert report.read == report.kept + sum(report.skipped.values())
    return articles, {one.location.removeprefix(site.url): one.reason for one in report.problems}


def pages(site: Site, *names: str) -> None:
    for name in names:
        site.pages[f"/{name}"] = html(article(name.strip("/")))
    site.pages["/sitemap.xml"] = page(sitemap(*(f"{site.url}/{name}" for name in names)))


def test_each_page_is_an_article_with_its_own_address(site: Site) -> None:
    pages(site, "2026/kelp/", "tide.html", "deep/index.html")
    articles, problems = fetched(site)
    assert {key: found.url for key, found in articles.items()} == {
        "2026/kelp": f"{site.url}/2026/kelp/",
        "tide": f"{site.url}/tide.html",
        "deep": f"{site.url}/deep/index.html",
    }
    assert not problems
    assert articles["tide"].title == "tide.html"
    asked = {headers["user-agent"] for _, headers in site.requests}
    assert asked == {"alsolike"}


def test_an_index_its_gzipped_sitemaps_and_a_list_of_addresses_are_followed(site: Site) -> None:
    for name in "abc":
        site.pages[f"/{name}"] = html(article(name))
    site.pages["/sitemap.xml"] = page(
        index(f"{site.url}/one.xml.gz", f"{site.url}/list.txt", f"{site.url}/sitemap.xml")
    )
    site.pages["/one.xml.gz"] = page(gzip.compress(sitemap(f"{site.url}/a").encode()))
    site.pages["/list.txt"] = page(f"\ufeff{site.url}/b\r\n\r\n{site.url}/c#part\n{site.url}/a")
    assert sorted(fetched(site)[0]) == ["a", "b", "c"]
    assert len([path for path in site.paths() if path == "/a"]) == 1


@pytest.mark.parametrize(
    "content",
    [
        "<rss><channel><item><link>{0}/a</link></item></channel></rss>",
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link rel="edit" href="{0}/b"/>'
        '<link href="{0}/a"/><updated>2026-01-02T03:04:05Z</updated></entry></feed>',
        "\n\n  <?xml version='1.0'?><urlset><url><loc>\n {0}/a \n</loc></url></urlset>",
        "<urlset><url><loc>/a</loc></url></urlset>",
        "<urlset><url><loc>{0}/a?x=1&y=2</loc></url></urlset>",
        '<?xml version="1.0" encoding="utf-16"?><urlset><url><loc>{0}/a</loc></url></urlset>',
        "\n\ufeff<urlset><url><loc>{0}/a</loc><x>\x0b</x></url></urlset>\n<script>x()</script>\x00",
        "<urlset><url><loc>{0}/a</loc></url><url><loc>ftp://x/y</loc></url><url/></urlset>",
    ],
)
def test_feeds_and_careless_sitemaps_name_pages_too(site: Site, content: str) -> None:
    site.pages["/a"] = html(article("A"))
    site.pages["/sitemap.xml"] = page(content.format(site.url))
    articles, _ = fetched(site)
    assert [found.title for found in articles.values()] == ["A"]


def test_what_has_no_address_is_no_page() -> None:
    picture = "<image><url>https://x.example/logo.png</url></image>"
    items = "<item><title>A</title></item><item><link>https://x.example/b</link></item>"
    content = f"<rss><channel>{picture}{items}</channel></rss>".encode()
    found = read_sitemap(content, "https://x.example/feed", "feed")
    assert [entry.url for entry in found] == ["https://x.example/b"]
    listed = read_sitemap(b"https://x.example/b\nOur pages\n", "https://x.example/s.txt", "s.txt")
    assert [entry.url for entry in listed] == ["https://x.example/b"]


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://x.example/?a=1&amp;amp;b=2", ["https://x.example/?a=1&b=2"]),
        ("https://x.example/caf&eacute;", ["https://x.example/caf\u00e9"]),
        ("https://x.example/?a=1&copy=2", ["https://x.example/?a=1&copy=2"]),
    ],
)
def test_an_address_may_be_escaped_twice_or_as_in_html(location: str, named: list[str]) -> None:
    content = f"<urlset><url><loc>{location}</loc></url></urlset>".encode()
    assert [entry.url for entry in read_sitemap(content, "", "sitemap")] == named


def test_a_prefix_need_not_be_declared() -> None:
    picture = "<image:image><image:loc>https://x.example/a.jpg</image:loc></image:image>"
    content = f"<urlset><url><loc>https://x.example/a</loc>{picture}</url></urlset>".encode()
    (entry,) = read_sitemap(content, "", "sitemap")
    assert entry.facts["image"] == {"src": "https://x.example/a.jpg", "alt": ""}


def test_an_address_as_character_data_keeps_its_ampersand(site: Site) -> None:
    site.pages["/a"] = html(article("A"))
    location = f"<![CDATA[{site.url}/a?x=1&y=2]]>"
    site.pages["/sitemap.xml"] = page(f"<urlset><url><loc>{location}</loc></url></urlset>")
    assert [*fetched(site)[0]] == ["a?x=1&y=2"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<html><body>Hello", "is not a sitemap"),
        ("<urlset><url><loc>x</loc>", "is not a sitemap"),
        ("<urlset><url><loc>/a</loc></url></urlset>\n" * 2, "several sitemaps"),
        ("Hello there", "neither XML nor a list"),
        ("", "neither XML nor a list"),
        ("<urlset/>", "names no page"),
        ('<!DOCTYPE u [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>', "entities"),
    ],
)
def test_what_is_no_sitemap_ends_the_reading(site: Site, content: str, said: str) -> None:
    site.pages["/sitemap.xml"] = page(content)
    with pytest.raises(SourceError, match=said):
        fetched(site)


def test_a_sitemap_says_language_translation_news_and_picture(site: Site) -> None:
    site.pages["/de/tang"] = html(article("Tang"))
    extra = (
        ' xmlns:xhtml="http://www.w3.org/1999/xhtml" xmlns:n="http://www.google.com/schemas/'
        'sitemap-news/0.9" xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"'
    )
    more = (
        f'<xhtml:link rel="alternate" hreflang="en" href="{site.url}/kelp"/>'
        f'<xhtml:link rel="alternate" hreflang="de" href="{site.url}/de/tang"/>'
        f'<xhtml:link rel="alternate" hreflang="x-default" href="{site.url}/kelp"/>'
        "<n:news><n:publication><n:name>N</n:name></n:publication><n:title>Other</n:title>"
        "<n:publication_date>2026-03-04</n:publication_date><n:keywords>sea, kelp</n:keywords>"
        f"</n:news><i:image><i:loc>{site.url}/tang.png</i:loc></i:image>"
    )
    site.pages["/sitemap.xml"] = page(sitemap(f"{site.url}/de/tang", more=more, extra=extra))
    found = fetched(site)[0]["de/tang"]
    assert (found.title, found.language, found.date) == ("Tang", "de", dt.date(2026, 3, 4))
    assert found.tags == ("sea", "kelp")
    assert found.image is not None
    assert found.image.src == f"{site.url}/tang.png"
    (record,) = open_source(
        {"kind": "sitemap", "url": f"{site.url}/sitemap.xml", "private": ["127.0.0.1"]}
    ).records()
    key = record.values["translation_key"]  # type: ignore[union-attr]
    assert key.removeprefix("alternates of http:") == f"alternates of {site.url[5:]}/de/tang"


def test_links_to_an_app_or_a_mobile_page_join_no_pages(site: Site) -> None:
    link = '<x:link rel="alternate" href='
    more = f'{link}"android-app://org.example/http/x"/>{link}"{site.url}/m"/>'
    listed = sitemap(
        f"{site.url}/a",
        f"{site.url}/b",
        more=f'{more}{link}"android-app://org.example" hreflang="en"/>',
        extra=' xmlns:x="http://www.w3.org/1999/xhtml"',
    )
    for entry in read_sitemap(listed.encode(), f"{site.url}/sitemap.xml", "map"):
        assert entry.facts == {}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_robots_txt_forbids_is_reported_and_not_fetched(site: Site, mark: str) -> None:
    pages(site, "a", "private/b", "old")
    site.pages["/robots.txt"] = page(
        f"{mark}User-agent: AlsoLike\nDisallow: /private/\n\nUser-agent: *\nDisallow: /\n"
    )
    site.pages["/old"] = page(status=301, Location="/private/new")
    articles, problems = fetched(site)
    assert list(articles) == ["a"]
    assert problems == {"/private/b": "robots-txt", "/old": "robots-txt"}
    assert not [path for path in site.paths() if path.startswith("/private")]


@pytest.mark.parametrize(
    ("rule", "pause"), [("Crawl-delay: 3", 3.0), ("Request-rate: 1/5s", 5.0), ("", 0.2)]
)
def test_the_pause_that_robots_txt_asks_for_is_kept(site: Site, rule: str, pause: float) -> None:
    pages(site, "a", "b")
    site.pages["/robots.txt"] = page(f"User-agent: *\n{rule}\n")
    waits: list[float] = []
    options = HttpOptions(private=("127.0.0.1",))
    client = PoliteClient(
        fetcher=Fetcher(url=site.url, options=options, sleep=waits.append),
        delay=0.2,
        clock=lambda: 100.0 + sum(waits),
    )
    client.get(f"{site.url}/a", {})
    client.get(f"{site.url}/b", {})
    assert waits == pytest.approx([0.2, pause], abs=1e-6)
    assert max(0.2, client.robots(site.url).delay) == pause


def test_without_an_answer_for_robots_txt_nothing_is_fetched(site: Site) -> None:
    pages(site, "a")
    site.pages["/robots.txt"] = page(status=503)
    with pytest.raises(SourceError, match=r"robots.txt answered 503.*no page may be fetched"):
        fetched(site)
    site.pages["/robots.txt"] = page("User-agent: *\nCrawl-delay: 86400\n")
    with pytest.raises(SourceError, match="asks for 86400 seconds"):
        fetched(site)


def test_a_robots_txt_that_fails_ends_the_build_and_leaves_pages_in_the_cache(
    site: Site, tmp_path: Path
) -> None:
    names = [f"p{number}" for number in range(6)]
    pages(site, *names)
    path = tmp_path / "map.xml"
    path.write_text(sitemap(*(f"{site.url}/{name}" for name in names)))
    cached = {"path": str(path), "cache": str(tmp_path)}
    fetched(site, **cached)
    site.pages["/robots.txt"] = page(status=429)
    with pytest.raises(SourceError, match=r"5 pages in a row .* robots.txt can't be read"):
        fetched(site, **cached)
    with closing(sqlite3.connect(tmp_path / page_cache.FILE)) as database:
        assert database.execute("SELECT count(*) FROM fetched").fetchone() == (6,)


def test_pages_that_are_gone_or_no_html_are_reported(site: Site) -> None:
    pages(site, "a", "gone", "never", "file", "secret", "home", "far", "big")
    site.pages["/gone"] = html("<title>Request rejected</title>", 410)
    site.pages["/never"] = page(status=404)
    site.pages["/secret"] = page(status=403)
    site.pages["/file"] = page(b"%PDF", Content_Type="application/pdf")
    site.pages["/home"] = page(status=302, Location="/")
    site.pages["/"] = html(article("Home"))
    site.pages["/far"] = page(status=302, Location="http://169.254.169.254/")
    site.pages["/big"] = html("x" * 5_000_000)
    articles, problems = fetched(site)
    assert list(articles) == ["a"]
    assert problems == {
        "/gone": "gone",
        "/never": "gone",
        "/secret": "refused",
        "/file": "not-html",
        "/home": "gone",
        "/far": "not-fetched",
        "/big": "page-too-long",
    }
    assert fetched(site, max_bytes=4_000_000)[1]["/big"] == "too-large"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/en/", "gone"),
        ("/zh-cn/?from=a", "gone"),
        ("/jp/index.html", "gone"),
        ("/index.php", "gone"),
        ("/enter?next=/a", "refused"),
        ("/wp-login.php?redirect_to=http%3A%2F%2Fx.example%2Fa%2F&reauth=1", "refused"),
        ("/users/sign_in", "refused"),
        ("/login/index.php", "refused"),
        ("/age-gate?u=b", "unreachable"),
    ],
)
def test_a_page_that_visitors_are_led_to_first_is_no_article(
    site: Site, tmp_path: Path, target: str, reason: str
) -> None:
    pages(site, "a", "b")
    fetched(site, cache=str(tmp_path))
    form = "<form><input name=pass type='password'></form>"
    site.pages[target.partition("?")[0]] = html(article("Welcome", f"Read all of it here. {form}"))
    site.pages["/a"] = page(status=302, Location=target)
    assert fetched(site)[1] == {"/a": reason}
    kept = ["a", "b"] if reason == "unreachable" else ["b"]
    assert sorted(fetched(site, cache=str(tmp_path))[0]) == kept
    pages(site, "a", "b")
    assert sorted(fetched(site, cache=str(tmp_path))[0]) == ["a", "b"]


@pytest.mark.parametrize("session", [";jsessionid=1F2", "?PHPSESSID=9a", "?PHPSESSID=9a&x=2"])
def test_a_visit_s_number_is_no_part_of_an_address(site: Site, session: str) -> None:
    pages(site, "a")
    site.pages |= {"/a;jsessionid=1F2": html(article()), "/b": html(article())}
    site.pages["/a"] = page(status=302, Location=f"/{'a' if ';' in session else 'b'}{session}")
    ((key, found),) = fetched(site)[0].items()
    assert (key, found.url) == (found.url.removeprefix(f"{site.url}/"), found.url)
    assert re.fullmatch(r"a|b|b\?x=2", key)


@pytest.mark.parametrize(
    "target",
    ["/en/a", "/docs/login", "/b?from=2", "/a?lang=en", "/ab/c", "/?p=5", "/index.php?title=A"],
)
def test_a_page_may_have_moved(site: Site, target: str) -> None:
    pages(site, "a")
    site.pages[target.partition("?")[0]] = html(article("Moved"))
    site.pages["/a"] = in_turn(page(status=302, Location=target), html(article("Moved")))
    articles, problems = fetched(site)
    assert ([one.title for one in articles.values()], problems) == (["Moved"], {})


def test_the_address_after_redirects_counts(site: Site) -> None:
    pages(site, "old", "new")
    site.pages["/old"] = page(status=301, Location="/moved/")
    site.pages["/moved/"] = html(article("Moved"))
    assert fetched(site)[0]["moved"].url == f"{site.url}/moved/"


def test_a_page_that_can_t_be_had_is_reported_but_a_site_that_is_down_ends_the_build(
    site: Site,
) -> None:
    names = [f"p{number}" for number in range(12)]
    pages(site, *names)
    site.pages["/p3"] = page(status=500)
    articles, problems = fetched(site)
    assert len(articles) == 11
    assert problems == {"/p3": "unreachable"}
    for name in names[6:]:
        site.pages[f"/{name}"] = page(status=503)
    with pytest.raises(SourceError, match="5 pages in a row could not be fetched"):
        fetched(site)


def test_of_a_page_that_can_t_be_had_again_the_copy_is_read_and_told(
    site: Site, tmp_path: Path
) -> None:
    names = [f"p{number}" for number in range(6)]
    pages(site, *names)
    first, _ = fetched(site, cache=str(tmp_path))
    site.pages["/p3"] = page(status=503)
    again, problems = fetched(site, cache=str(tmp_path))
    assert again == first
    assert problems == {"/p3": "unreachable"}
    for name in names:
        site.pages[f"/{name}"] = page(status=503)
    with pytest.raises(SourceError, match="5 pages in a row could not be fetched"):
        fetched(site, cache=str(tmp_path))


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (403, "<title>Just a moment...</title><p>Enable JavaScript and cookies to continue"),
        (200, "<title>Just a moment...</title><p>Enable JavaScript and cookies to continue"),
        (200, "<title>Making sure you&#39;re not a bot!</title><p>Loading..."),
        (200, "<title>Request Rejected</title>Your support ID is: 12345678901234567"),
        (403, "<title>Access Denied</title><p>https&#58;&#47;&#47;errors&#46;edgesuite&#46;net"),
        (200, "<iframe src='/_Incapsula_Resource'>Incapsula incident ID: 123-456</iframe>"),
        (200, "<title>Maintenance</title><h1>Briefly unavailable for scheduled maintenance. Check"),
        (
            403,
            "<title>Attention Required! | Cloudflare</title><h1>Sorry, you have been blocked</h1>"
            f"<div id='cf-error-details'>{'Why? To guard the site. ' * 40}</div>",
        ),
        (200, "<title>Wartungsarbeiten - Kelp</title><h1><b>Wartungsarbeiten</b></h1>Bis bald."),
        (200, "<title>Bad Gateway | Kelp</title><h1><img src=a.png></h1>"),
        (202, ""),
        (408, ""),
        (405, "<title>Human Verification</title><script>window.gokuProps = {}</script>"),
    ],
)
def test_what_a_server_shows_for_a_while_takes_no_page_s_place(
    site: Site, tmp_path: Path, status: int, text: str
) -> None:
    pages(site, "a", "b")
    first, _ = fetched(site, cache=str(tmp_path))
    site.pages["/a"] = html(text, status)
    assert fetched(site, cache=str(tmp_path)) == (first, {"/a": "unreachable"})
    assert fetched(site) == ({"b": first["b"]}, {"/a": "unreachable"})


@pytest.mark.parametrize(
    "text",
    [
        article("Just a moment...", "A short story of the sea. " * 100),
        article("Maintenance"),
        article("Cookies", "Such pages set _cf_chl_opt. " * 100),
        article("Is the <b>Bad Gateway</b> a bar?"),
        article("Wartungsarbeiten", "Am Wehr wird gebaut. " * 40),
        "<title>My walk in spring | Just a moment</title><p>It rained.",
        "<title>Just a moment | Kelp</title><h1><span>My walk</span></h1><p>It rained.",
        f"<title>Too many requests - API docs</title><p>{'A limit holds for each key. ' * 30}",
    ],
)
def test_a_page_with_much_text_or_another_title_is_no_check_of_visitors(text: str) -> None:
    check_is_no_interstitial("https://x.example/a", text.encode())


@pytest.mark.parametrize("body", ["<a href=/b>B</a> " * 6, "Kelp. " * 11_000])
def test_most_pages_need_not_be_decoded_to_be_no_check_of_visitors(
    monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.delattr(interstitial, "_read")
    content = article(body=body).encode()
    check_is_no_interstitial("https://x.example/a", content)
    check_leads_to_page("https://x.example/a", "https://x.example/a", content)


@pytest.mark.parametrize(
    ("asked", "target"),
    [("/en/a", "/en"), ("/en-sa/a", "/en-sa"), ("/a", "/de/"), ("/a", "/sr-latn/"), ("/ai", "/")],
)
def test_a_language_s_folder_is_its_home_page(asked: str, target: str) -> None:
    with pytest.raises(FetchError, match="home page"):
        check_leads_to_page(f"https://x.example{asked}", f"https://x.example{target}", b"")


@pytest.mark.parametrize(
    ("asked", "target", "text"),
    [
        ("/old", "/new?redirected_from=/old", "Moved."),
        ("/", "/start?from=/", "<input type='password'>"),
        ("/law/informed-consent", "/law/consent", "To agree is to know. " * 100),
        ("/how-to-sign-in", "/help/sign-in/", "Sign in. <input type='password'>" * 250),
        ("/artificial", "/ai", ""),
        ("/artificial", "/ai/", ""),
        ("/old", "/my-cv", ""),
        ("/todo", "/to-do/", ""),
        ("/old", "/no-code/", ""),
        ("/norway", "/no", ""),
        ("/a", "/login/how-to", "Sign in. <input type='password'>"),
    ],
)
def test_where_one_is_led_may_look_like_a_wall_or_home_page_and_be_an_article(
    asked: str, target: str, text: str
) -> None:
    host = "https://x.example"
    check_leads_to_page(f"{host}{asked}", f"{host}{target}", text.encode())


def test_a_dead_sitemap_of_an_index_is_reported_and_a_failing_one_ends_the_build(
    site: Site,
) -> None:
    site.pages["/a"] = html(article("A"))
    site.pages["/sitemap.xml"] = page(index(f"{site.url}/gone.xml", f"{site.url}/one.xml"))
    site.pages["/one.xml"] = page(sitemap(f"{site.url}/a"))
    articles, problems = fetched(site)
    assert (list(articles), problems) == (["a"], {"/gone.xml": "gone"})
    for failing in (page(status=500), page("Nothing here"), page(status=302, Location="/a")):
        site.pages["/gone.xml"] = failing
        with pytest.raises(SourceError, match=r'exclude = \["/gone.xml"\] in the source'):
            fetched(site)
    assert list(fetched(site, exclude=["/gone.xml"])[0]) == ["a"]


@pytest.mark.parametrize("failing", ["/?sitemap=posts", "", "/[a].xml", "/map.xml?p=1"])
def test_no_remedy_is_told_that_would_leave_out_more_than_a_failing_sitemap(
    site: Site, failing: str
) -> None:
    site.pages["/sitemap.xml"] = page(index(f"{site.url}{failing}", f"{site.url}/map.xml?p=2"))
    site.pages[failing.partition("?")[0] or "/"] = page(status=500)
    with pytest.raises(SourceError) as caught:
        fetched(site)
    assert "500" in str(caught.value)
    assert "exclude" not in str(caught.value)


def test_bounds_hold_for_pages_depth_and_size(site: Site) -> None:
    pages(site, "a", "b", "c")
    with pytest.raises(SourceError, match="more than 2 pages"):
        fetched(site, max_pages=2)
    with pytest.raises(SourceError, match="larger than 100 bytes"):
        fetched(site, max_bytes=100)
    site.pages["/sitemap.xml"] = page(gzip.compress(b" " * 5_000_000 + b"<urlset/>"))
    with pytest.raises(SourceError, match="larger than 1000000 bytes"):
        fetched(site, max_bytes=1_000_000)
    for depth in range(5):
        site.pages[f"/{depth}.xml"] = page(index(f"{site.url}/{depth + 1}.xml"))
    with pytest.raises(SourceError, match="nested deeper than 3"):
        fetched(site, url=f"{site.url}/0.xml")


def test_a_site_of_more_pages_than_are_read_can_be_compared(tmp_path: Path) -> None:
    path = tmp_path / "map.txt"
    path.write_text("\n".join(f"https://x.example/{number}" for number in range(50_001)))
    assert len(sitemap_addresses(str(path))) == 50_001


def test_a_large_sitemap_takes_no_more_memory_than_a_page(site: Site) -> None:
    links = "".join(
        f"<x:link rel='alternate' hreflang='{tag}' href='https://example.org/{tag}/" + "x" * 200
        for tag in ("en", "de", "fr", "es", "it")
    ).replace("xx<", "x'/><")
    entry = f"<url><loc>https://example.org/N</loc>{links}'/></url>\n"
    entries = "".join(entry.replace("N", str(number)) for number in range(20_000))
    content = f"<urlset xmlns:x='http://www.w3.org/1999/xhtml'>{entries}</urlset>".encode()
    assert len(content) > 25_000_000
    url = "https://example.org/sitemap.xml"
    found = read_sitemap(content, url, url)
    assert len(found) == 20_000


def test_pages_are_chosen_by_pattern_and_number(site: Site) -> None:
    pages(site, "blog/a", "blog/b", "guides/x", "about")
    assert sorted(fetched(site, include=["/blog/*"])[0]) == ["blog/a", "blog/b"]
    assert sorted(fetched(site, exclude=["/guides/*", "/about"])[0]) == ["blog/a", "blog/b"]
    assert list(fetched(site, sample=2)[0]) == ["blog/a", "guides/x"]
    dated = "".join(
        f"<url><loc>{site.url}/{name}</loc><lastmod>2026-01-0{day}</lastmod></url>"
        for name, day in (("blog/a", 1), ("blog/b", 4), ("guides/x", 2), ("about", 3))
    )
    site.pages["/sitemap.xml"] = page(f"<urlset>{dated}</urlset>")
    assert sorted(fetched(site, sample=2)[0]) == ["about", "blog/b"]


def test_a_sitemap_in_a_file_names_pages_of_its_first_host(site: Site, tmp_path: Path) -> None:
    pages(site, "a")
    path = tmp_path / "sitemap.xml"
    path.write_text(sitemap(f"{site.url}/a", "http://other.example/b"))
    articles, problems = fetched(site, path=str(path))
    assert list(articles) == ["a"]
    assert problems == {"http://other.example/b": "not-fetched"}


def test_pages_of_two_hosts_with_one_path_have_ids_of_their_own_once_mapped(site: Site) -> None:
    pages(site, "tides")
    both = [f"{site.url}/tides", f"http://localhost:{site.port}/tides"]
    site.pages["/sitemap.xml"] = page(sitemap(*both))
    options = {"hosts": [f"localhost:{site.port}"], "private": ["127.0.0.1", "::1"]}
    assert list(fetched(site, **options)[0]) == ["tides"]
    found = fetched(site, **options, map={"id": "url"})[0]
    assert {key: one.url for key, one in found.items()} == {url: url for url in both}


@pytest.mark.parametrize(
    ("header", "status", "until"),
    [
        ("noindex, nofollow", Status.HIDDEN, None),
        ("googlebot: noindex", Status.HIDDEN, None),
        ("none", Status.HIDDEN, None),
        ("index, max-image-preview:none", Status.PUBLISHED, None),
        ("unavailable_after: 25 Jun 2026 15:00:00 GMT", Status.PUBLISHED, 2026),
        ("all, unavailable_after: Thu, 25 Jun 2026 15:00:00 GMT, nofollow", Status.PUBLISHED, 2026),
    ],
)
def test_a_header_hides_a_page(site: Site, header: str, status: Status, until: int | None) -> None:
    site.pages["/a"] = html(article("A"), X_Robots_Tag=header)
    site.pages["/sitemap.xml"] = page(sitemap(f"{site.url}/a"))
    found = fetched(site)[0]["a"]
    assert found.status is status
    assert (found.visible_until and found.visible_until.year) == until


def test_header_and_page_are_judged_together(site: Site) -> None:
    pages(site, "a", "b")
    site.pages["/b"] = html(article("B"), X_Robots_Tag="noindex")
    records = open_source(
        {"kind": "sitemap", "url": f"{site.url}/sitemap.xml", "private": ["127.0.0.1"]}
    ).records()
    found = {record.values["id"]: record.values.get("robots") for record in records}  # type: ignore[union-attr]
    assert found == {"a": None, "b": "noindex"}


@pytest.mark.parametrize(
    "head",
    [
        '<link rel=canonical href="http://[">',
        '<meta name="citation_abstract_html_url" content="http://hdl.handle.net/1887/1">',
    ],
)
def test_a_stated_address_that_is_not_the_page_s_own_is_passed_over(site: Site, head: str) -> None:
    site.pages["/a"] = html(article("A", head=head))
    site.pages["/sitemap.xml"] = page(sitemap(f"{site.url}/a"))
    ((article_id, found),) = fetched(site)[0].items()
    assert article_id == "a"
    assert found.url.endswith("/a")


@pytest.mark.parametrize(
    ("header", "own", "title"),
    [("ISO-8859-1", "utf-8", "Grüße"), ("utf-8", "windows-1250", "Zażółć")],
)
def test_the_header_s_encoding_outranks_the_page_s_unless_it_is_wrongly_utf_8(
    site: Site, header: str, own: str, title: str
) -> None:
    text = article(title, head=f"<meta charset={own}>")
    text = text.encode("windows-1252" if own == "utf-8" else own)
    site.pages["/a"] = page(text, Content_Type=f"text/html; charset={header}")
    site.pages["/sitemap.xml"] = page(sitemap(f"{site.url}/a"))
    assert fetched(site)[0]["a"].title == title


@pytest.mark.parametrize(
    ("text", "content_type", "title"),
    [
        (b"Tide \xe2\x80 table", "text/html; charset=utf-8", "Tide \ufffd table"),
        ("Grüße".encode("latin-1"), "text/html", "Grüße"),
    ],
)
def test_a_byte_that_is_not_valid_costs_no_page(
    site: Site, text: bytes, content_type: str, title: str
) -> None:
    content = article("TITLE", "Kelp calms the waves. " * 20).encode().replace(b"TITLE", text)
    site.pages["/a"] = page(content, Content_Type=content_type)
    site.pages["/b"] = page(b"\xff\xfd\xfe" * 9, Content_Type="text/html; charset=utf-8")
    site.pages["/c"] = page(gzip.compress(content), Content_Type="text/html")
    site.pages["/sitemap.xml"] = page(sitemap(*(f"{site.url}/{name}" for name in "abc")))
    articles, problems = fetched(site)
    assert [one.title for one in articles.values()] == [title]
    assert problems == {"/b": "invalid-encoding", "/c": "invalid-encoding"}


class Tagged:
    """A page with an ETag, which answers 304 to whoever has it."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.full = 0

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        tag = f'"{self.title}"'
        if handler.headers.get("If-None-Match") == tag:
            handler.send_response(304)
            handler.end_headers()
            return
        self.full += 1
        html(article(self.title), ETag=tag)(handler)


def test_a_later_build_fetches_only_what_changed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = str(tmp_path / "cache")
    tagged = {name: Tagged(name) for name in "abc"}
    site.pages |= {f"/{name}": tagged[name] for name in "abc"}

    def name_pages(**lastmods: str) -> None:
        entries = "".join(
            f"<url><loc>{site.url}/{name}</loc><lastmod>{when}</lastmod></url>"
            for name, when in lastmods.items()
        )
        site.pages["/sitemap.xml"] = page(f"<urlset>{entries}</urlset>")
        site.requests.clear()

    def asked() -> list[str]:
        return [path for path in site.paths() if path in ("/a", "/b", "/c")]

    name_pages(a="2026-01-01", b="2026-01-01T10:00:00Z", c="")
    first, _ = fetched(site, cache=cache)
    assert asked() == ["/a", "/b", "/c"]

    site.requests.clear()
    again, _ = fetched(site, cache=cache)
    assert again == first
    assert asked() == ["/c"], "the others' lastmod is as it was"
    assert [one.full for one in tagged.values()] == [1, 1, 1]

    tagged["a"].title = "changed"
    name_pages(a="2026-01-05", b="2026-01-01T10:00:00Z")
    assert fetched(site, cache=cache)[0]["a"].title == "changed"
    assert asked() == ["/a"]

    later = page_cache.now() + page_cache.RECHECK
    monkeypatch.setattr("index.sources.page_cache.now", lambda: later)
    site.requests.clear()
    fetched(site, cache=cache)
    assert asked() == ["/a", "/b"], "after a week all are asked for"
    assert tagged["b"].full == 1


def test_a_page_that_now_redirects_is_another_whatever_answers_there(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/sitemap.xml"] = page(sitemap(f"{site.url}/a"))
    site.pages["/a"] = Tagged("same")
    assert list(fetched(site, cache=str(tmp_path))[0]) == ["a"]
    site.pages |= {"/a": page(status=301, Location="/b"), "/b": Tagged("same")}
    assert list(fetched(site, cache=str(tmp_path))[0]) == ["b"]


@pytest.mark.parametrize(
    ("path", "title"),
    [("/", "Home"), ("/login", '<input type="password">'), ("/a", "Just a moment...")],
)
def test_what_an_earlier_version_stored_in_the_place_of_a_page_is_fetched_anew(
    site: Site, tmp_path: Path, path: str, title: str
) -> None:
    more = "<lastmod>2026-01-01</lastmod>"
    site.pages["/sitemap.xml"] = page(sitemap(f"{site.url}/a", more=more))
    site.pages["/a"] = html(article("A"))
    with closing(page_cache.PageCache(str(tmp_path))) as cache:
        facts: Any = {"lastmod": "2026-01-01", "checked": page_cache.now(), "headers": {}}
        body = article(title).encode()
        stored = page_cache.FetchedPage(url=site.url + path, body=body, **facts)
        cache.put(f"{site.url}/a", stored)
    articles, problems = fetched(site, cache=str(tmp_path))
    assert [one.title for one in articles.values()] == ["A"]
    assert problems == {}


def test_a_page_changed_on_the_day_it_was_fetched_is_asked_for_again(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/a"] = in_turn(html(article("First")), html(article("Second")))
    today = dt.datetime.now(dt.UTC).date().isoformat()
    site.pages["/sitemap.xml"] = page(sitemap(f"{site.url}/a", more=f"<lastmod>{today}</lastmod>"))
    fetched(site, cache=str(tmp_path))
    assert fetched(site, cache=str(tmp_path))[0]["a"].title == "Second"


def test_a_page_that_is_gone_leaves_the_cache(site: Site, tmp_path: Path) -> None:
    more = "<lastmod>2026-01-01</lastmod>"
    site.pages["/sitemap.xml"] = page(sitemap(f"{site.url}/a", f"{site.url}/b", more=more))
    site.pages |= {"/a": html(article("A")), "/b": html(article("B"))}
    assert len(fetched(site, cache=str(tmp_path))[0]) == 2
    site.pages["/robots.txt"] = page("User-agent: *\nDisallow: /b")
    assert list(fetched(site, cache=str(tmp_path))[0]) == ["a"]


def test_sitemaps_share_a_cache_and_what_none_names_leaves_it_in_time(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build() -> list[str]:
        site.requests.clear()
        for name in "ab":
            fetched(site, url=f"{site.url}/{name}.xml", cache=str(tmp_path))
        return [path for path in site.paths() if path in ("/a", "/b")]

    for name in "ab":
        listed = sitemap(f"{site.url}/{name}", more="<lastmod>2026-01-01</lastmod>")
        site.pages |= {f"/{name}": html(article(name)), f"/{name}.xml": page(listed)}
    assert build() == ["/a", "/b"]
    with closing(sqlite3.connect(tmp_path / page_cache.FILE)) as database, database:
        database.execute("UPDATE fetched SET used = 1")  # as versions before wrote it
    assert build() == []
    later = page_cache.now() + page_cache.KEEP + 1
    monkeypatch.setattr("index.sources.page_cache.now", lambda: later)
    fetched(site, url=f"{site.url}/a.xml", cache=str(tmp_path))
    with closing(sqlite3.connect(tmp_path / page_cache.FILE)) as database:
        assert database.execute("SELECT asked FROM fetched").fetchall() == [(f"{site.url}/a",)]


def test_a_damaged_cache_is_said_with_the_remedy(site: Site, tmp_path: Path) -> None:
    pages(site, "a")
    (tmp_path / page_cache.FILE).write_bytes(b"no database at all " * 100)
    with pytest.raises(SourceError, match=f"can't be used.*remove its {page_cache.FILE}"):
        fetched(site, cache=str(tmp_path))


def test_a_cache_that_fails_ends_the_build_and_a_damaged_page_is_fetched_anew(
    site: Site, tmp_path: Path
) -> None:
    pages(site, "a", "b")
    fetched(site, cache=str(tmp_path))
    with closing(sqlite3.connect(tmp_path / page_cache.FILE)) as database, database:
        database.execute("UPDATE fetched SET body = x'00' WHERE asked LIKE '%a'")
    assert [*fetched(site, cache=str(tmp_path))[0]] == ["a", "b"]
    with closing(sqlite3.connect(tmp_path / page_cache.FILE)) as database, database:
        full = "BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
        database.execute(f"CREATE TRIGGER full BEFORE INSERT ON fetched {full}")
    with pytest.raises(SourceError, match="can't be used: disk is full"):
        fetched(site, cache=str(tmp_path))


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ("noindex", Status.HIDDEN),
        ("googlebot: noindex", Status.HIDDEN),
        ("otherbot: noindex, nofollow", Status.PUBLISHED),
        ("otherbot: nofollow, googlebot: noindex", Status.HIDDEN),
        ("nofollow, otherbot: noindex", Status.PUBLISHED),
        ("max-snippet: 5, noindex", Status.HIDDEN),
        ("content-signal: search=yes, noindex", Status.HIDDEN),
        ("unavailable_after: Friday, 25-Jun-2010 15:00:00 GMT, noindex", Status.HIDDEN),
    ],
)
def test_rules_for_another_robot_hide_nothing(site: Site, rules: str, status: Status) -> None:
    site.pages["/sitemap.xml"] = page(sitemap(f"{site.url}/a"))
    site.pages["/a"] = html(article(), X_Robots_Tag=rules)
    assert fetched(site)[0]["a"].status is status


def test_a_header_that_leads_to_another_page_makes_a_page_no_article(site: Site) -> None:
    site.pages["/sitemap.xml"] = page(sitemap(f"{site.url}/a", f"{site.url}/b"))
    site.pages["/a"] = html(article(), Refresh="0; url=/b")
    site.pages["/b"] = html(article("Rye"))
    articles, problems = fetched(site)
    assert (list(articles), problems) == (["b"], {"/a": "redirect"})

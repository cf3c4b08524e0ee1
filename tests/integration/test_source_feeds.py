"""RSS, Atom and JSON Feed, from files and from a server."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.articles.record import Record
from index.errors import SourceError
from index.sources.registry import open_source
from recommender.article import Article, Image, Status
from recommender.visibility import utc_now, window
from tests.support.http_site import Site, page, serving
from tests.support.sample_records import read


def from_file(folder: Path, content: str | bytes) -> dict[str, Article]:
    path = folder / "feed"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    articles, report = read({"kind": "feed", "path": str(path)})
    assert report.read == report.kept + sum(report.skipped.values())
    return articles


@pytest.fixture
def server() -> Iterator[Site]:
    with serving() as site:
        yield site


def rss(*items: str, head: str = "", more: str = "") -> str:
    return (
        f"{head}<rss version='2.0' {more}><channel><title>x</title>{''.join(items)}</channel></rss>"
    )


def test_an_item_s_guid_is_its_id_and_may_be_its_link(tmp_path: Path) -> None:
    articles = from_file(
        tmp_path,
        rss(
            "<item><guid>https://s.example/1</guid><title>One</title></item>",
            "<item><guid isPermaLink='false'>two</guid><title>Two</title>"
            "<link>https://s.example/2</link></item>",
            "<item><link>https://s.example/3</link><title>Three</title></item>",
        ),
    )
    assert {key: article.url for key, article in articles.items()} == {
        "https://s.example/1": "https://s.example/1",
        "two": "https://s.example/2",
        "https://s.example/3": "https://s.example/3",
    }


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            "&amp;lt;p&amp;gt;Kelp &amp;amp;amp; salt&amp;lt;/p&amp;gt;&amp;lt;p&amp;gt;B",
            "Kelp & salt\nB",
        ),
        ("<![CDATA[&lt;div&gt;Kelp&lt;br /&gt;salt&lt;/div&gt;]]>", "Kelp\nsalt"),
        (
            "<![CDATA[<p>A list is &lt;ul&gt;&lt;li&gt;one&lt;/li&gt;</p>]]>",
            "A list is <ul><li>one</li>",
        ),
        (
            "The closing &amp;lt;/p&amp;gt; and &amp;lt;/li&amp;gt; may be left out.",
            "The closing </p> and </li> may be left out.",
        ),
        ("Salt &amp;lt; kelp &amp;amp;gt; rye", "Salt < kelp &gt; rye"),
    ],
)
def test_a_text_that_is_escaped_twice_is_markup(tmp_path: Path, text: str, read: str) -> None:
    item = f"<item><guid>a</guid><title>T</title><description>{text}</description></item>"
    assert from_file(tmp_path, rss(item))["a"].sections[0].text == read


@pytest.mark.parametrize("mark", ["", " type='text'"])
def test_a_text_of_atom_that_is_escaped_as_a_whole_is_markup(tmp_path: Path, mark: str) -> None:
    entry = f"<entry><id>a</id><title>A &lt;b></title><content{mark}>{{}}</content></entry>"
    for text in ("&lt;p>Fish &amp;amp; chips&lt;/p>", "<![CDATA[<p>Fish &amp; chips</p>]]>"):
        feed = f"<feed xmlns='http://www.w3.org/2005/Atom'>{entry.format(text)}</feed>"
        article = from_file(tmp_path, feed)["a"]
        assert (article.title, article.sections[0].text) == ("A <b>", "Fish & chips")


def test_a_description_alone_is_the_text_and_beside_content_the_excerpt(tmp_path: Path) -> None:
    articles = from_file(
        tmp_path,
        rss(
            "<item><guid>a</guid><title>A &amp;amp; B</title><description>&lt;p&gt;D</description>"
            "<pubDate>Tue, 10 Jun 2003 04:00:00 GMT</pubDate><enclosure type='image/png'"
            " url='https://s.example/e.png' length='1'/></item>",
            "<item><guid>b</guid><title>B</title><description>D</description>"
            "<c:encoded><![CDATA[<h2>H</h2>T]]></c:encoded></item>",
            more="xmlns:c='http://purl.org/rss/1.0/modules/content/'",
        ),
    )
    first, second = articles["a"], articles["b"]
    assert (first.title, first.excerpt, first.sections[0].text) == ("A & B", None, "D")
    assert first.date == dt.date(2003, 6, 10)
    assert first.image == Image(src="https://s.example/e.png")
    assert (second.excerpt, second.sections[0].heading) == ("D", "H")


@pytest.mark.parametrize(
    ("description", "content", "read"),
    [
        (
            "<img src='https://s.example/a-picture.jpg'>It waves.",
            "It waves. Nobody sees it.",
            "It waves. Nobody sees it.",
        ),
        (
            "It waves.&nbsp;&nbsp;&nbsp;Nobody sees it.",
            "<p>It waves.</p><p>Nobody sees it.</p>",
            "It waves.\nNobody sees it.",
        ),
        (
            "<p>It waves.</p><p>Nobody sees it.</p>",
            "It waves. Nobody sees it.",
            "It waves.\nNobody sees it.",
        ),
        (
            "It waves below the pier, and nobody sees it.",
            "<p>A diver</p>",
            "It waves below the pier, and nobody sees it.",
        ),
        (
            "<p>It waves below the pier.</p>",
            "It waves below the pier.<br>Nobody sees it.",
            "It waves below the pier.\nNobody sees it.",
        ),
        (
            "<p>It waves below the pier.</p>",
            "It waves below the pier. Nobody sees it.",
            "It waves below the pier. Nobody sees it.",
        ),
    ],
)
def test_of_two_texts_the_longer_and_better_parted_one_is_the_article(
    tmp_path: Path, description: str, content: str, read: str
) -> None:
    item = (
        f"<item><guid>a</guid><title>K</title><description><![CDATA[{description}]]></description>"
        f"<c:encoded><![CDATA[{content}]]></c:encoded></item>"
    )
    feed = rss(item, more="xmlns:c='http://purl.org/rss/1.0/modules/content/'")
    text = from_file(tmp_path, feed)["a"].sections[0].text
    assert text == read


def test_atom_s_three_kinds_of_text_are_told_apart(tmp_path: Path) -> None:
    entry = (
        "<entry><id>{0}</id><title type='{0}'>{1}</title><updated>2026-01-02T03:04:05Z</updated>"
        "<link href='https://s.example/'/><author><name>N</name></author></entry>"
    )
    feed = "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='de'>{}</feed>"
    div = "<div xmlns='http://www.w3.org/1999/xhtml'>a <b>b</b> &lt;</div>"
    articles = from_file(
        tmp_path,
        feed.format(
            entry.format("text", "a &lt;b&gt; &amp;lt;")
            + entry.format("html", "a &lt;b&gt;b&lt;/b&gt; &amp;lt;")
            + entry.format("xhtml", div)
        ),
    )
    titles = {key: article.title for key, article in articles.items()}
    assert titles == {"text": "a <b> &lt;", "html": "a b <", "xhtml": "a b <"}
    assert articles["text"].language == "de"
    assert articles["text"].authors == ("N",)


def test_rss_1_has_its_items_beside_the_channel(tmp_path: Path) -> None:
    articles = from_file(
        tmp_path,
        "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'"
        " xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><title>x</title></channel>"
        "<item><title>T</title><link>https://s.example/1</link><dc:date>2026-01-02</dc:date>"
        "<dc:subject>R&amp;amp;D &lt;b></dc:subject><dc:creator>N</dc:creator></item>"
        "<item><title>T</title><link>https://s.example/2</link><prism:publicationDate xmlns:prism='http://"
        "prismstandard.org/namespaces/basic/2.0/'>2026-03-01</prism:publicationDate></item></r:RDF>",
    )
    article = articles["https://s.example/1"]
    assert (article.date, article.authors) == (dt.date(2026, 1, 2), ("N",))
    assert article.tags == ("R&D <b>",)
    assert articles["https://s.example/2"].date == dt.date(2026, 3, 1)


@pytest.mark.parametrize(
    "head",
    [
        "<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE rss [<!ENTITY x 'y'>]>",
        "<!DOCTYPE rss [<!ENTITY % x SYSTEM 'http://127.0.0.1:9/x'> %x;]>",
        "<!DOCTYPE rss [<!ENTITY a 'aaaaaaaaaa'>"
        + "".join(
            f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefgh", "bcdefghx", strict=True)
        )
        + "]>",
    ],
)
@pytest.mark.parametrize("where", ["<title>&x;</title>", "<title a='&x;'>t</title>", ""])
def test_entities_are_never_read(tmp_path: Path, head: str, where: str) -> None:
    feed = rss(f"<item><guid>a</guid>{where}</item>", head=head)
    with pytest.raises(SourceError, match="is not a feed"):
        from_file(tmp_path, feed)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<urlset><url/></urlset>", 'kind = "sitemap"'),
        ("<rss xmlns:wp='http://wordpress.org/export/1.2/'/>", 'kind = "wxr"'),
        ("<html><body>Not found</body></html>", "<html>"),
        ("", "empty"),
        ('{"version": "x"}', "has no list"),
        ('{"items": [', "not JSON"),
        ("[]", "is not a feed"),
    ],
)
def test_what_is_no_feed_is_told_with_its_place(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        from_file(tmp_path, content)


def test_a_feed_that_is_not_well_formed_is_read_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(
        "\n".join(
            [
                "<rss><channel><item><title>Salt & rye</title><guid>a</guid></item>",
                "<item><title>Kelp</title><guid>b</guid></item></channel></rss>",
            ]
        )
    )
    articles, report = read({"kind": "feed", "path": str(path)})
    assert {key: article.title for key, article in articles.items()} == {
        "a": "Salt & rye",
        "b": "Kelp",
    }
    assert report.skipped == {"not-well-formed": 1}
    assert "line 1, column 34" in report.problems[-1].message


def test_a_bare_ampersand_is_one_and_a_stray_byte_is_read_as_readers_do(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    items = "<item><title>AT&T, caf\xe9</title><guid>https://s.example/?a=1&b=2</guid></item>"
    path.write_bytes(f"<?xml version='1.0' encoding='utf-8'?>{rss(items)}".encode("latin-1"))
    articles, report = read({"kind": "feed", "path": str(path)})
    assert articles["https://s.example/?a=1&b=2"].title == "AT&T, café"
    assert report.skipped == {"invalid-encoding": 1, "not-well-formed": 1}


@pytest.mark.parametrize(
    "cut",
    [
        "<item><title>T</title><guid>b</gu",
        "<item><title>T</title><guid>b</guid></item>",
        "<item><title>T</title><guid>b</guid><description><![CDATA[</rss>]]></description>",
        "<item><guid>b</guid><description><![CDATA[never closed</description></item><item/>",
    ],
)
def test_a_feed_that_breaks_off_gives_its_items_and_an_error(tmp_path: Path, cut: str) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(f"<rss><channel>\n<item><title>T</title><guid>a</guid></item>\n{cut}")
    records = open_source({"kind": "feed", "path": str(path)}).records()
    first = next(records)
    assert isinstance(first, Record)
    assert first.values["id"] == "a"
    assert first.location.endswith("item 1 (line 2)")
    with pytest.raises(SourceError, match=r"breaks off in item 2 \(line 3\)"):
        list(records)


def test_what_stands_before_and_in_a_feed_against_the_rules_of_xml_is_passed_over(
    tmp_path: Path,
) -> None:
    item = "<item><title>Salt\x0b and rye&nbsp;bread</title><guid>a</guid></item>"
    behind = "<!-- made in 0.2 s -->\n<script>count()</script>"
    feed = f"\n \ufeff\n<?xml version='1.0'?>\ufeff\n{rss(item)}\n{behind}"
    article = from_file(tmp_path, feed)["a"]
    assert article.title == "Salt and rye bread"


@pytest.mark.parametrize(
    ("encoding", "declared"), [("cp1252", "iso-8859-1"), ("utf-8", "ascii"), ("utf-16", "utf-16")]
)
def test_a_feed_is_decoded_as_browsers_decode(tmp_path: Path, encoding: str, declared: str) -> None:
    head = f"<?xml version='1.0' encoding='{declared}'?>"
    feed = rss("<item><title>Café “au lait”</title><guid>a</guid></item>", head=head)
    assert from_file(tmp_path, feed.encode(encoding))["a"].title == "Café “au lait”"


def test_links_are_resolved_by_xml_base_or_the_feed_s_own_link(tmp_path: Path) -> None:
    feed = (
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://s.example/blog/'>"
        "<entry><id>a</id><title>A</title><link href='one'/></entry>"
        "<entry xml:base='/other/'><id>b</id><title>B</title><link href='two'/></entry></feed>"
    )
    articles = from_file(tmp_path, feed)
    assert articles["a"].url == "https://s.example/blog/one"
    assert articles["b"].url == "https://s.example/other/two"
    item = "<link>https://s.example/</link><item><guid isPermaLink='false'>a</guid>"
    articles = from_file(tmp_path, rss(f"{item}<title>A</title><link>/one</link></item>"))
    assert articles["a"].url == "https://s.example/one"
    item = item.replace(" isPermaLink='false'>a", ">/one")
    articles = from_file(tmp_path, rss(f"{item}<title>A</title><link>/one</link></item>"))
    assert articles["/one"].url == "https://s.example/one"


def test_an_address_that_is_none_costs_neither_its_item_nor_the_feed(tmp_path: Path) -> None:
    items = (
        "<item><guid isPermaLink='false'>a</guid><title>A</title><link>http://[a</link></item>",
        "<item><guid isPermaLink='false'>b</guid><title>B</title><link>/b</link>"
        "<enclosure type='image/png' url='http://[b'/></item>",
        "<item><guid isPermaLink='false'>c</guid><title>C</title><link>/c</link>"
        "<description>&lt;img src='http://[c'&gt; Kelp. &lt;a href='http://[d'&gt;Read more"
        "&lt;/a&gt;</description></item>",
    )
    articles = from_file(tmp_path, rss("<link>http://[s</link>", *items))
    assert {key: (one.url, one.image) for key, one in articles.items()} == {
        "a": ("/a", None),
        "b": ("/b", None),
        "c": ("/c", None),
    }
    assert articles["c"].sections[0].text == "Kelp."


def test_a_guid_is_an_id_as_it_stands_and_no_link_unless_it_is_one(server: Site) -> None:
    server.pages["/feed"] = page(rss("<item><guid>17</guid><title>T</title></item>"))
    articles, _ = read({"kind": "feed", "url": f"{server.url}/feed", "private": ["127.0.0.1"]})
    assert articles["17"].url == "/17"  # made from url_template


@pytest.mark.parametrize(
    "feed",
    [
        "<rss version='0.91'><channel><item><title>T</title><link>https://s.example/1</link>"
        "<description>Words</description></item></channel></rss>",
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'"
        " xmlns='http://my.netscape.com/rdf/simple/0.9/'><item><title>T</title>"
        "<link>https://s.example/1</link><description>Words</description></item></rdf:RDF>",
        "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><entry><title mode='escaped'>T"
        "</title><link rel='alternate' type='text/html' href='https://s.example/1'/>"
        "<content type='text/html' mode='escaped'>&lt;p&gt;Words</content></entry></feed>",
        "<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:entry><a:title>T</a:title>"
        "<a:link href='https://s.example/1'/><a:content>Words</a:content></a:entry></a:feed>",
    ],
)
def test_feeds_of_every_version_and_prefix_are_read(tmp_path: Path, feed: str) -> None:
    article = from_file(tmp_path, feed)["https://s.example/1"]
    assert (article.title, article.sections[0].text) == ("T", "Words")


def test_a_picture_keeps_its_own_words(tmp_path: Path) -> None:
    more = (
        "xmlns:media='http://search.yahoo.com/mrss/'"
        " xmlns:p='http://www.itunes.com/dtds/podcast-1.0.dtd'"
    )
    articles = from_file(
        tmp_path,
        rss(
            "<item><guid>a</guid><media:content url='https://s.example/a.jpg' medium='image'>"
            "<media:title type='html'>A diver</media:title></media:content><title>T</title>"
            "<description>Words</description></item>",
            "<item><guid>b</guid><title>U</title><p:image href='https://s.example/b.jpg'/></item>",
            more=more,
        ),
    )
    first, second = articles["a"], articles["b"]
    assert first.image == Image(src="https://s.example/a.jpg", alt="A diver")
    assert (first.title, first.sections[0].text) == ("T", "Words")
    assert second.image == Image(src="https://s.example/b.jpg")


@pytest.mark.parametrize(
    ("media", "text", "image"),
    [
        ("<m:content url='/a.jpg' width='900'/>", "", "/a.jpg"),
        ("<m:content url='/a.mp4'/>", "", None),
        (
            "<m:content url='https://0.gravatar.com/avatar/9?s=96' medium='image'/>"
            "<m:content url='/a.jpg' medium='image'/>",
            "",
            "/a.jpg",
        ),
        (
            "<m:group><m:content url='/s.jpg' type='image/jpeg' width='100'/>"
            "<m:content url='/l.jpg' type='image/jpeg' width='1200'/></m:group>",
            "",
            "/l.jpg",
        ),
        ("<m:thumbnail url='/s72/a.jpg' width='72'/>", "<img src='/s400/a.jpg'>", "/s400/a.jpg"),
        ("<m:thumbnail url='/s72/a.jpg' width='72'/>", "", "/s72/a.jpg"),
        ("<m:thumbnail url='/a.jpg' width='480'/>", "<img src='/b.jpg'>", "/a.jpg"),
    ],
)
def test_of_an_item_s_pictures_the_article_s_own_and_largest_is_taken(
    tmp_path: Path, media: str, text: str, image: str | None
) -> None:
    more = "xmlns:m='http://search.yahoo.com/mrss/'"
    item = f"<item><guid>a</guid><title>T</title>{media}<description><![CDATA[{text}Words]]>"
    (article,) = from_file(tmp_path, rss(f"{item}</description></item>", more=more)).values()
    assert (article.image.src if article.image else None) == image


def test_a_video_s_description_is_its_text(tmp_path: Path) -> None:
    feed = (
        "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:media='http://search.yahoo.com/mrss/'>"
        "<entry><id>yt:video:a</id><title>A</title><link href='https://v.example/a'/><media:group>"
        "<media:title>A</media:title><media:thumbnail url='https://v.example/a.jpg'/>"
        "<media:description>Kelp grows.\nIt sways.</media:description></media:group></entry></feed>"
    )
    (article,) = from_file(tmp_path, feed).values()
    assert [section.text for section in article.sections] == ["Kelp grows. It sways."]
    assert article.image == Image(src="https://v.example/a.jpg")


def test_without_another_picture_the_first_in_the_text_is_taken(tmp_path: Path) -> None:
    text = (
        "<img src='https://count.example/p' width='1' height='1'><img class='emoji' src='/e.png'>"
        "<p>Words<img src='kelp.png' alt='Kelp &amp; co'></p>"
    )
    article = from_file(
        tmp_path,
        rss(
            "<item><title>T</title><link>https://s.example/one/</link>"
            f"<description><![CDATA[{text}]]></description></item>"
        ),
    )["https://s.example/one/"]
    assert article.image == Image(src="https://s.example/one/kelp.png", alt="Kelp & co")


def test_an_item_without_title_gets_the_first_words_of_its_text(tmp_path: Path) -> None:
    words = "The tide came in before noon, and took the boats with it. " * 3
    article = from_file(
        tmp_path, rss(f"<item><guid>a</guid><title/><description>{words}</description></item>")
    )["a"]
    assert article.title == (
        "The tide came in before noon, and took the boats with it. The tide came in…"
    )


def test_of_a_blogger_export_only_live_posts_are_shown(tmp_path: Path) -> None:
    space = "xmlns:app='http://purl.org/atom/app#' xmlns:blogger='http://schemas.google.com/b/2018'"
    kind = (
        "<category scheme='http://schemas.google.com/g/2005#kind' "
        "term='http://schemas.google.com/blogger/2008/kind#{}'/>"
    )
    parts = {
        "post": kind.format("post"),
        "comment": kind.format("comment"),
        "settings": kind.format("settings"),
        "draft": f"{kind.format('post')}<app:control><app:draft>yes</app:draft></app:control>",
        "live": "<blogger:type>POST</blogger:type><blogger:status>LIVE</blogger:status>"
        "<blogger:filename>/2026/03/live.html</blogger:filename>",
        "trashed": "<blogger:type>POST</blogger:type><blogger:status>SOFT_TRASHED</blogger:status>",
        "said": "<blogger:type>COMMENT</blogger:type><blogger:status>LIVE</blogger:status>",
    }
    entries = [
        f"<entry><id>{key}</id><title>T</title>{part}</entry>" for key, part in parts.items()
    ]
    path = tmp_path / "feed.atom"
    path.write_text(f"<feed xmlns='http://www.w3.org/2005/Atom' {space}>{''.join(entries)}</feed>")
    articles, report = read({"kind": "feed", "path": str(path)})
    assert report.skipped == {"not-an-article": 3}
    shown = [key for key, article in articles.items() if article.status is Status.PUBLISHED]
    assert shown == ["post", "live"]
    assert articles["post"].tags == ()
    assert articles["live"].url == "/2026/03/live.html"


def test_an_excerpt_s_own_link_is_no_part_of_it(tmp_path: Path) -> None:
    own = "https://s.example/kelp/"
    described = (
        f"<p>Kelp calms waves. <a href='{own}#more-1'>Weiterlesen <span>Kelp</span></a></p>"
        f"<p>Der Beitrag <a href='{own}'>Kelp</a> erschien zuerst auf "
        "<a href='https://s.example'>See</a>.</p>"
    )
    article = from_file(
        tmp_path,
        rss(
            f"<item><guid>a</guid><title>Kelp</title><link>{own}</link><description><![CDATA["
            f"{described}]]></description></item>"
        ),
    )["a"]
    assert article.sections[0].text == "Kelp calms waves."


@pytest.mark.parametrize(
    ("description", "stays"),
    [
        ("<p>Kelp grows.</p><p>It calms the</p>", False),
        ("<p>Kelp grows.</p><p>It calms the waves, they say.</p>", True),
        ("<p>Kelp grows.</p>", True),
        ("<p>It calms the</p>", True),
    ],
)
def test_an_excerpt_that_breaks_off_within_the_text_is_none(
    tmp_path: Path, description: str, stays: bool
) -> None:
    text = "<img src=/a.png><p>Kelp grows.</p><p>It calms the waves, they say. All year.</p>"
    more = "xmlns:c='http://purl.org/rss/1.0/modules/content/'"
    item = f"<item><guid>a</guid><title>Kelp</title><description><![CDATA[{description}]]>"
    item += f"</description><c:encoded><![CDATA[{text}]]></c:encoded></item>"
    assert (from_file(tmp_path, rss(item, more=more))["a"].excerpt is not None) is stays


def test_what_drupal_puts_before_a_text_is_no_part_of_it(tmp_path: Path) -> None:
    body = "It waves below the pier, where nobody but the seals and the divers ever sees it."
    text = (
        "<span class='field field--name-title field--type-string'>Kelp</span>\n"
        "<span class='field field--name-uid'><span lang=''>admin</span></span>\n"
        "<span class='field field--name-created'><time datetime='2026-03-01T10:00:00-05:00'>Sun, "
        f"03/01/2026 - 10:00</time></span><div class='field field--name-body'><p>{body}</p></div>"
    )
    item = (
        f"<item><guid>a</guid><title>K</title><description><![CDATA[{text}]]></description></item>"
    )
    assert from_file(tmp_path, rss(item))["a"].sections[0].text == body


def test_what_newsletters_put_around_a_text_is_no_part_of_it(tmp_path: Path) -> None:
    text = (
        "<p>Kelp.</p><p class='button-wrapper'><a href='https://x.example/s'>Subscribe</a></p>"
        "<div class='subscription-widget-wrap'>Thanks for reading!</div><p>It waves.</p><hr>"
        "<p><a href='https://m.example/p'>Kelp</a> was originally published in <a href='https://"
        "m.example/shore'>Shore</a> on Medium, where people are responding to this story.</p>"
    )
    article = from_file(
        tmp_path,
        rss(f"<item><guid>a</guid><description><![CDATA[{text}]]></description></item>"),
    )["a"]
    assert article.sections[0].text == "Kelp.\nIt waves."


def test_a_post_of_wordpress_behind_a_password_is_shown_to_no_reader(tmp_path: Path) -> None:
    form = "&lt;form class='post-password-form'&gt;Enter your password&lt;/form&gt;"
    sentences = (
        "There is no excerpt because this is a protected post.",
        "Es gibt keinen Textauszug, da dies ein geschützter Beitrag ist.",
        "Il n&amp;rsquo;y a pas d'extrait, car cette publication est protégée.",
    )
    for text in (form, *sentences):
        item = f"<item><guid>a</guid><title>Protected: K</title><description>{text}</description>"
        (article,) = from_file(tmp_path, rss(f"{item}</item>")).values()
        assert article.status is Status.HIDDEN


@pytest.mark.parametrize(
    "name",
    [
        "www.itunes.com/dtds/podcast-1.0.dtd",
        "www.google.com/schemas/play-podcasts/1.0",
        "podcastindex.org/namespace/1.0",
    ],
)
def test_an_item_that_a_podcast_blocks_is_shown_to_no_reader(tmp_path: Path, name: str) -> None:
    prefix = {"www.itunes": "itunes", "www.google": "googleplay"}.get(name[:10], "podcast")
    items = [
        f"<item><guid>{said}</guid><title>K</title><{prefix}:block>{said}</{prefix}:block></item>"
        for said in ("yes", "no")
    ]
    articles = from_file(tmp_path, rss(*items, more=f'xmlns:{prefix}="http://{name}"'))
    assert articles["yes"].status is Status.HIDDEN
    assert articles["no"].status is Status.PUBLISHED


def test_a_mark_that_blocks_holds_beside_another_that_does_not(tmp_path: Path) -> None:
    names = (
        'xmlns:googleplay="http://www.google.com/schemas/play-podcasts/1.0" '
        'xmlns:podcast="https://podcastindex.org/namespace/1.0"'
    )
    said = "<googleplay:block>NO</googleplay:block><podcast:block>yes</podcast:block>"
    item = f"<item><guid>a</guid><title>K</title>{said}</item>"
    assert from_file(tmp_path, rss(item, more=names))["a"].status is Status.HIDDEN


def test_an_atom_author_keeps_a_name_of_one_word(tmp_path: Path) -> None:
    (tmp_path / "atom.xml").write_text(
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><entry><id>a</id><title>K</title>'
        "<author><name>jane</name><email>jane@shore.info</email></author></entry></feed>"
    )
    articles, _ = read({"kind": "feed", "path": str(tmp_path / "atom.xml")})
    assert articles["a"].authors == ("jane",)


@pytest.mark.parametrize(
    "author",
    ["ann@shore.design (Ann Lee)", "Ann Lee <ann@shore.design>", "Ann Lee", "@ann Ann Lee"],
)
def test_an_author_s_address_is_no_part_of_the_name(tmp_path: Path, author: str) -> None:
    said = author.replace("<", "&lt;")
    item = f"<item><guid>a</guid><title>K</title><author>{said}</author></item>"
    assert from_file(tmp_path, rss(item))["a"].authors == ("Ann Lee",)
    bare = "<item><guid>a</guid><title>K</title><author>ann@shore.design</author></item>"
    assert from_file(tmp_path, rss(bare))["a"].authors == ()


@pytest.mark.parametrize(
    ("creator", "authors"),
    [
        ("Ann Lee, Bo Chen and Cy Dee", ("Ann Lee", "Bo Chen", "Cy Dee")),
        ("\nAnn Lee, \nBo Chen\n", ("Ann Lee", "Bo Chen")),
        ("Lee, A. B., Chen, B.", ("Lee, A. B., Chen, B.",)),
        ("By Lee &amp;amp; Sons", ("Lee & Sons",)),
        ('&lt;span property="schema:name"&gt;ann.lee&lt;/span&gt;', ("ann.lee",)),
        (
            "&lt;a href='/l'&gt;Ann Lee&lt;/a&gt;, &lt;a href='/c'&gt;Bo Chen&lt;/a&gt;",
            ("Ann Lee", "Bo Chen"),
        ),
    ],
)
def test_each_name_in_a_creator_is_an_author(
    tmp_path: Path, creator: str, authors: tuple[str, ...]
) -> None:
    item = f"<item><guid>a</guid><title>K</title><d:creator>{creator}</d:creator></item>"
    feed = rss(item, more='xmlns:d="http://purl.org/dc/elements/1.1/"')
    assert from_file(tmp_path, feed)["a"].authors == authors


@pytest.mark.parametrize(
    "said",
    [
        "<prism:expirationDate>2020-01-01</prism:expirationDate>",
        "<prism:embargoDate>2199-01-01</prism:embargoDate>",
        "<dcterms:available>2199-01-01</dcterms:available>",
        "<dcterms:valid>start=2001-01-01; end=2002-01-01; scheme=W3C-DTF</dcterms:valid>",
        "<dcterms:valid>start=2019-01-01;end=2020-01-01</dcterms:valid>",
        "<expirationDate>2020-01-01</expirationDate>",
        '<control xmlns="http://purl.org/atom/app#"><draft>yes</draft></control>',
    ],
)
def test_what_an_item_says_of_its_own_time_holds(tmp_path: Path, said: str) -> None:
    names = (
        'xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/" '
        'xmlns:dcterms="http://purl.org/dc/terms/"'
    )
    articles = from_file(
        tmp_path,
        rss(f"<item><guid>a</guid><title>K</title>{said}</item>", more=names),
    )
    starts, ends = window(articles["a"])
    assert not starts <= utc_now() < ends


def test_an_item_of_rss_1_has_its_id_as_its_address(tmp_path: Path) -> None:
    path = tmp_path / "feed.rdf"
    path.write_text(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns="http://purl.org/rss/1.0/"><channel rdf:about="https://x.example/"><title>t</title>'
        '</channel><item rdf:about="https://x.example/2"><title>Kelp</title></item></rdf:RDF>'
    )
    ((_, article),) = read({"kind": "feed", "path": str(path)})[0].items()
    assert article.url == "https://x.example/2"


def test_addresses_of_a_json_feed_are_resolved_by_its_home_page(tmp_path: Path) -> None:
    home, item = "https://j.example/blog/", {"title": "K", "content_text": "T", "image": "/k.jpg"}
    ids = [{"id": "a", "url": "a"}, {"id": f"{home}b", "external_url": "https://y.example/"}]
    feed = {"home_page_url": home, "items": [{**item, **one} for one in ids]}
    articles = from_file(tmp_path, json.dumps(feed))
    assert [one.url for one in articles.values()] == [f"{home}a", f"{home}b"]
    assert {one.image and one.image.src for one in articles.values()} == {"https://j.example/k.jpg"}


def test_a_json_item_has_the_text_and_the_time_that_it_gives(tmp_path: Path) -> None:
    item = {"id": "a", "title": "K", "summary": "Kelp & salt", "date_modified": "2026-03-01"}
    article = from_file(tmp_path, json.dumps({"items": [item]}))["a"]
    assert (article.sections[0].text, article.date) == ("Kelp & salt", dt.date(2026, 3, 1))


def test_a_guid_that_is_a_second_address_is_handed_on(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(
        rss(
            "<item><guid isPermaLink='false'>https://s.example/?p=1</guid><title>T</title>"
            "<link>https://s.example/one/</link></item>"
        )
    )
    (item,) = open_source({"kind": "feed", "path": str(path)}).records()
    assert isinstance(item, Record)
    assert item.values["aliases"] == ["https://s.example/?p=1"]


@pytest.mark.parametrize(
    ("added", "kept"),
    [
        *(("?source=rss-9c------2", ""), ("#ref=rss", ""), ("#xtor=RSS-3", "")),
        *(
            ("?utm_source=rss&amp;id=5&amp;utm_medium=x#top", "?id=5#top"),
            ("?a&amp;ref=b", "?a&ref=b"),
            ("?at_medium=RSS&amp;at_campaign=rss&amp;id=5", "?id=5"),
            ("?wt_mc=rss.news.atom", ""),
            ("?af=R", ""),
            ("?dgcid=rss_sd_all", ""),
            ("?mod=rss_markets&amp;title=RSS", "?title=RSS"),
        ),
    ],
)
def test_an_address_does_not_say_that_its_reader_comes_from_a_feed(
    tmp_path: Path, added: str, kept: str
) -> None:
    link = f"https://s.example/kelp{added}"
    item = f"<item><guid isPermaLink='false'>a</guid><title>T</title><link>{link}</link></item>"
    article = from_file(tmp_path, rss(item))["a"]
    assert article.url == f"https://s.example/kelp{kept}"
    assert article.aliases == (() if "?a&" in added else (link.replace("&amp;", "&"),))


def test_an_item_that_cant_be_used_costs_no_other(tmp_path: Path) -> None:
    deep = "&lt;div&gt;" * 400
    path = tmp_path / "feed.xml"
    path.write_text(
        rss(
            f"<item><guid>deep</guid><title>T</title><description>{deep}</description></item>",
            "<item/>\n",
            "<item><guid>ok</guid><title>T</title><link>https://s.example/</link></item>",
        )
    )
    articles, report = read({"kind": "feed", "path": str(path)})
    assert articles.keys() == {"ok"}
    assert report.skipped == {"content: invalid-html": 1, "id: missing": 1}
    assert report.problems[1].location.endswith("item 2 (line 1)")


def test_a_feed_by_url_is_followed_to_its_last_page(server: Site) -> None:
    first = {"items": [{"id": "1", "title": "A", "content_text": "<x>"}], "next_url": "/2"}
    second = {"items": [{"id": 2, "title": "B"}, 7], "next_url": f"{server.url}/1"}
    server.pages["/1"] = page(json.dumps(first))
    server.pages["/2"] = page(gzip.compress(json.dumps(second).encode()), Content_Encoding="gzip")
    options = {"kind": "feed", "url": f"{server.url}/1", "private": ["127.0.0.1"]}
    articles, report = read(options)
    assert articles.keys() == {"1", "2"}
    assert articles["1"].sections[0].text == "<x>"
    assert report.skipped == {"invalid-item": 1}
    assert server.paths() == ["/1", "/2"]


def test_a_next_page_on_a_host_that_nobody_named_is_refused(server: Site) -> None:
    link = "<link xmlns='http://www.w3.org/2005/Atom' rel='next' href='http://169.254.169.254/'/>"
    server.pages["/"] = page(rss(link))
    with pytest.raises(SourceError, match=r"169\.254\.169\.254 is not configured"):
        read({"kind": "feed", "url": server.url, "private": ["127.0.0.1"]})


def test_without_being_listed_a_private_address_is_not_read(server: Site) -> None:
    server.pages["/"] = page(rss())
    with pytest.raises(SourceError, match="list it in the source's private"):
        read({"kind": "feed", "url": server.url})
    assert not server.requests

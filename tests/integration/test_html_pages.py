"""HTML pages: main text, facts, and which pages are no articles."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from index.articles.record import Record
from index.sources.registry import open_source
from recommender.article import Article, Image, Status
from tests.support.sample_records import read


def one(folder: Path, name: str, text: str, kind: str, **options: Any) -> Article:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    articles, report = read({"kind": kind, "path": str(folder), **options})
    assert report.read == report.kept == 1, report
    return next(iter(articles.values()))


def told(article: Article) -> list[tuple[str, str]]:
    return [(section.heading, section.text) for section in article.sections]


PROSE = (
    "Behind the kelp forest the storm waves were a quarter lower, and this went on all winter. The "
    "keeper of the harbour, who had written down the height of the waves every morning, did not "
    "believe it at first, and asked the fishermen what they had seen from their boats. "
) * 3


def menu_of(words: str, count: int = 8) -> str:
    items = "".join(f"<li><a href=/{number}>{words} {number}</a></li>" for number in range(count))
    return f"<ul>{items}</ul>"


def test_the_main_text_of_a_page_without_marks_is_found(tmp_path: Path) -> None:
    page = (
        f"<div class=top>{menu_of('Go and see the harbour')}</div><div class=cols><div class=story>"
        f"<h1>Kelp</h1><p>{PROSE}</p><h2>Waves</h2><p>{PROSE}</p>{menu_of('Hot now on the shore')}"
        f"<p>{PROSE}</p></div><div class=rail><h3>Most read</h3>{menu_of('A story of today')}</div>"
        "</div>"
    )
    sections = told(one(tmp_path, "p.html", f"<html><body>{page}", "html"))
    assert [heading for heading, _ in sections] == ["", "Waves"]
    text = " ".join(text for _, text in sections)
    assert text.count("all winter") == 9
    assert not any(words in text for words in ("Go and", "Hot now", "Most read", "A story"))


def test_a_list_of_links_under_its_heading_is_related_though_it_is_no_text(tmp_path: Path) -> None:
    page = (
        f"<div><h1>Kelp</h1><p>{PROSE}</p><p>{PROSE}</p><h2>See also</h2>{menu_of('Rye', 3)}</div>"
        f"<div>{menu_of('Go and see')}</div>"
    )
    (tmp_path / "p.html").write_text(page)
    record = next(iter(open_source({"kind": "html", "path": str(tmp_path)}).records()))
    assert isinstance(record, Record)
    related = [link["url"] for link in record.values["links"] if link["kind"] == "related"]
    assert related == ["/0", "/1", "/2"]
    assert [section["heading"] for section in record.values["sections"]] == [""]


def test_a_page_that_is_too_large_to_search_is_read_by_its_markup(tmp_path: Path) -> None:
    page = f"<article><h1>Kelp</h1><p>{PROSE}" + "<table>" + "<tr><td>1<td>2" * 12_000
    assert "all winter" in told(one(tmp_path, "p.html", page, "html"))[0][1]


BODY = "<p>Behind the kelp forest the storm waves were lower, and this went on all winter.</p>"


def title_of(folder: Path, head: str, body: str) -> str:
    page = f"<html><head>{head}</head><body>{body}</body></html>"
    return one(folder, "p.html", page, "html").title


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (
            "<title>Kelp calms | Shore</title><meta property=og:title content='Kelp calms'>",
            f"<header><h1>Shore</h1></header><article><h1>Kelp calms</h1>{BODY}</article>",
        ),
        (
            "<title>Kelp calms - Shore</title>",
            f"<header><h1><a href='/'>Shore</a></h1></header><div><h3>Kelp calms</h3>{BODY}</div>",
        ),
        (
            "<title>Shore | Kelp calms</title><meta property=og:site_name content=Shore>",
            f"<h1>Shore</h1><div>{BODY}</div>",
        ),
        (
            "<title>Kelp calms · Shore Weekly</title>"
            "<link rel=canonical href='https://www.shoreweekly.example/kelp'>",
            f"<div>{BODY}</div>",
        ),
        ("<title>Shore</title>", f"<header>Shore</header><article><h1>Kelp calms</h1>{BODY}"),
        (
            "<title>Shore</title>",
            f"<h1 class=site-title>Shore</h1><div><h2>Kelp calms</h2>{BODY}</div>",
        ),
        (
            "<title>Kelp calms | The Harbour's Weekly</title>",
            f"<article><h1>Kelp calms</h1><div itemprop=articleBody>{BODY}</div></article>",
        ),
        (
            "<title>Kelp calms - Shore</title>",
            f"<p class=site-title>Shore</p><div>{BODY}</div>",
        ),
        (
            "<title>Shore: Kelp calms</title>",
            f"<h1>Shore</h1><div class=post><h3 class='x entry-title'>Kelp calms</h3>{BODY}",
        ),
        (
            "<title>Shore : Kelp calms</title>",  # Confluence
            "<ol id=breadcrumbs><li class=first><span><a href=index.html>Shore</a></span></ol>"
            f"<h1>Shore : Kelp calms</h1><div>{BODY}</div>",
        ),
        ("", f"<div><h4>Kelp calms</h4>{BODY}</div>"),
        (  # Distill
            "<title>Shore: Kelp calms</title><meta property=og:title content='Shore: Kelp calms'>"
            "<meta property=og:site_name content=Shore>",
            f"<div class=d-title><h1>Kelp calms</h1></div><div>{BODY}</div>",
        ),
        (  # Doxygen
            "<title>Shore: Kelp calms</title>",
            f"<div class=headertitle><div class=title>Kelp calms</div></div><h2>Uses</h2>{BODY}",
        ),
        (  # phpDocumentor
            "<title>Documentation</title>",
            "<header><h1><a href=''>Documentation</a></h1></header><h2 class="
            "phpdocumentor-content__title>Kelp calms<div class=phpdocumentor-element__package>in "
            f"package <ul><li>Sea</ul></div></h2><h3>Methods</h3>{BODY}",
        ),
        (  # Word
            "<title>Shore report</title>",
            f"<div class=WordSection1><p class=MsoTitle>Kelp calms</p><h1>Waves</h1>{BODY}</div>",
        ),
        (  # Google Docs
            "",
            f"<div class='c7 doc-content'><p class='c3 title'>Kelp calms</p><h1>Waves</h1>{BODY}",
        ),
        (  # rustdoc
            "<title>calms in kelp - Rust</title>",
            f"<h1>Kelp <span>calms</span> <button id=copy-path>Copy item path</button></h1>{BODY}",
        ),
        (  # Butterfly, a theme of Hexo
            "<title>Kelp calms | Shore</title><meta property=og:title content='Kelp calms'>",
            "<nav><a class=site-name href=/>Shore</a><b class=site-name>Kelp calms</b></nav>"
            f"<h1>Kelp calms</h1><article><h2>The waves</h2>{BODY}</article>",
        ),
        (
            "<title>Kelp calms</title><meta property=og:title content='Shore Docs'>",
            "<nav><a class=navbar-brand href=/>Shore</a><b class=site-title>Shore Docs</b></nav>"
            f"<div>{BODY}</div>",
        ),
        (
            "<title>Kelp calms | Shore Docs</title><meta property=og:title content='Shore Docs'>",
            "<nav><a class=navbar-brand href=/>Shore</a><b class=site-title>Shore Docs</b></nav>"
            f"<div>{BODY}</div>",
        ),
        (  # Sphinx
            "<title>Kelp calms &#8212; Shorelines</title>",
            f"<div role=main><section><h1>Kelp calms<a class=headerlink href='#k'>¶</a></h1>{BODY}",
        ),
        (
            "<title>Kelp calms</title><script type='application/ld+json'>{'@type': 'Article',"
            "'headline': 'a piece on the sea', 'name': 'Kelp calms'}</script>".replace("'", '"'),
            f"<div>{BODY}</div>",
        ),
        ("<title>Kelp calms</title>", f"<article><h1 class=entry-title></h1>{BODY}"),
        (  # Webflow
            "<title>Shore</title>",
            f"<article><h1>Kelp calms</h1>{BODY}<h1 class=w-dyn-bind-empty></h1>",
        ),
    ],
)
def test_the_title_is_the_articles_not_the_sites(tmp_path: Path, head: str, body: str) -> None:
    assert title_of(tmp_path, head, body) == "Kelp calms"


@pytest.mark.parametrize(
    ("end", "heading"),
    [
        ("\uff1a日経", True),
        ("\uff5c日経", False),
        ("_新闻_日経", True),
        ("--日経", False),
        ("-日経", False),
    ],
)
def test_a_site_s_name_is_cut_from_titles_without_spaces(
    tmp_path: Path, end: str, heading: bool
) -> None:
    head = f"<title>海藻林が波を静める{end}</title><meta property=og:site_name content=日経>"
    body = "<h2>海藻林が波を静める</h2>" * heading + BODY
    assert title_of(tmp_path, head, body) == "海藻林が波を静める"


@pytest.mark.parametrize("mark", ["\uff1a", "-"])
def test_a_part_of_a_title_that_is_a_heading_elsewhere_is_no_site(
    tmp_path: Path, mark: str
) -> None:
    head = f"<title>第1回{mark}はじめに</title><meta property=og:title content=第1回{mark}はじめに>"
    body = f"<main><h1>第1回{mark}はじめに</h1>{BODY}</main><aside><h3>はじめに</h3></aside>"
    assert title_of(tmp_path, head, body) == f"第1回{mark}はじめに"


def test_a_title_may_name_the_site_a_thousand_times(tmp_path: Path) -> None:
    head = (
        f"<title>{'Shore | ' * 3_000}Kelp calms</title><meta property=og:site_name content=Shore>"
    )
    assert "Shore" in title_of(tmp_path, head, f"<article><h1>{'Shore | ' * 3_000}</h1>{BODY}")


def test_references_in_a_graph_are_followed(tmp_path: Path) -> None:
    graph = """{"@context": "https://schema.org", "@graph": [
    {"@type": ["Article", "BlogPosting"], "@id": "https://x.example/y/#article",
     "author": [{"@id": "https://x.example/#ann"}, {"@id": "https://x.example/#nobody"}],
     "headline": "Kelp", "image": {"@id": "https://x.example/y/#picture"},
     "thumbnailUrl": "https://x.example/small.jpg", "mainEntityOfPage": {"@id": "https://x.example/y/"},
     "keywords": "sea; kelp, brown"},
    {"@type": "ImageObject", "@id": "https://x.example/y/#picture", "caption": "A forest",
     "contentUrl": "https://x.example/kelp.jpg"},
    {"@type": "Person", "@id": "https://x.example/#ann", "name": "Ann Baker, Director"}]}"""
    page = f"<script type='application/ld+json'>{graph}</script><article><h1>Kelp</h1>{BODY}"
    article = one(tmp_path, "p.html", page, "html")
    assert article.authors == ("Ann Baker, Director",)
    assert article.image == Image(src="https://x.example/kelp.jpg", alt="A forest")
    assert article.url == "https://x.example/y/"
    assert article.tags == ("sea", "kelp, brown")


def test_of_several_articles_the_one_with_the_pages_address_is_described(tmp_path: Path) -> None:
    listed = [
        {"@type": "NewsArticle", "headline": name, "url": f"https://x.example/{name}"}
        for name in ("Rye", "Kelp")
    ]
    page = (
        f"<link rel=canonical href='https://x.example/Kelp'><script type='application/ld+json'>"
        f"{json.dumps(listed)}</script>{BODY}"
    )
    assert one(tmp_path, "p.html", page, "html").title == "Kelp"


def test_microdata_are_read(tmp_path: Path) -> None:
    page = (
        "<div itemscope itemtype='http://schema.org/BlogPosting'><h2 itemprop=headline>Kelp</h2>"
        "<meta itemprop=datePublished content=2026-03-04><img itemprop=image src=/kelp.jpg>"
        "<span itemprop=author itemscope itemtype='http://schema.org/Person'>"
        "<b itemprop=name>Ann Baker, Director</b></span>"
        f"<div itemprop=articleBody>{BODY}</div></div>"
    )
    article = one(tmp_path, "p.html", page, "html")
    assert (article.title, article.date) == ("Kelp", dt.date(2026, 3, 4))
    assert (article.authors, article.image) == (("Ann Baker, Director",), Image(src="/kelp.jpg"))


def test_microdata_of_links_and_abbreviations_are_words_and_dates(tmp_path: Path) -> None:
    page = (
        "<div itemscope itemtype='http://schema.org/BlogPosting'><h3 itemprop=name>"
        "<a itemprop=headline href=/kelp/>Kelp comes back</a></h3>"
        "<a itemprop=author href=/ann>Ann</a><abbr itemprop=datePublished "
        "title='2016-05-08T00:55:00-07:00'>12:55 AM</abbr>"
        f"<div itemprop='description articleBody'>{BODY}</div>"
        "<ul itemprop=keywords><li><a href=/k>Kelp</a></li><li><a href=/s>Sea</a></li></ul></div>"
    )
    article = one(tmp_path, "p.html", page, "html")
    assert (article.title, article.authors) == ("Kelp comes back", ("Ann",))
    assert article.tags == ("Kelp", "Sea")
    assert article.date == dt.date(2016, 5, 8)
    assert article.excerpt is None


@pytest.mark.parametrize(
    ("head", "date"),
    [
        (
            "<h1 itemscope itemtype=http://schema.org/BlogPosting><span itemprop=datePublished>"
            "<time datetime=2016-11-15T08:00:00Z>November 15</time></span></h1>",
            "2016-11-15",
        ),
        ("<h1>Kelp</h1><p>By Ann <time datetime=2016-11-15>Tuesday</time></p>", "2016-11-15"),
        ("<ul><li>Rye <time datetime=2016-11-15>new</time></ul><h1>Kelp</h1>", "None"),
        ("<h1>Kelp</h1><p class=details><span id=revdate>2016-11-15</span></p>", "2016-11-15"),
        (
            "<h1>Kelp</h1><div id=postamble><p class=date>Date: 2016-11-15 Tue</p>"
            "<p class=date>Created: 2020-01-01 Wed 10:00</p></div>",
            "2016-11-15",
        ),
        (
            "<div class=md-content--post><nav><ul class=md-post__meta><li>"
            "<time datetime='2016-11-15 00:00:00+00:00'>November 15</time></ul></nav><h1>Kelp</h1>",
            "2016-11-15",
        ),
    ],
)
def test_a_byline_before_the_article_tells_its_date(tmp_path: Path, head: str, date: str) -> None:
    page = f"<body>{head}<article>{BODY}</article><div><time datetime=2020-01-01>x</time></div>"
    assert str(one(tmp_path, "p.html", page, "html").date) == date


def test_the_classes_of_hatom_name_date_and_authors(tmp_path: Path) -> None:
    page = (
        "<article class=hentry><h1>Kelp</h1><div class=entry-content><footer><abbr class=published "
        "title='2026-03-01T09:30:00+02:00'>Published: Sun 01 March</abbr><address class='vcard "
        "author'>By <a class='url fn' href=/a>Ann</a> <a class='url fn' href=/b>Ben</a></address>"
        f"</footer>{BODY}</div></article><p class='vcard author'><b class=fn>Rye</b>"
    )
    article = one(tmp_path, "p.html", page, "html")
    assert (article.date, article.authors) == (dt.date(2026, 3, 1), ("Ann", "Ben"))


def test_the_classes_of_microformats_name_the_facts_of_their_entry(tmp_path: Path) -> None:
    page = f"""
        <html><body><article class="h-entry"><h1 class="p-name">Kelp</h1>
        <p class="p-summary">What divers learned.</p><div class="e-content"><p>{PROSE}</p><p>{PROSE}
        <div class="h-cite"><a class="p-author" href=/x>A reader</a> <a class="u-canonical"
        href="https://example.org/comment">wrote</a></div></div><footer>By <a class="p-author
        h-card" href=/m>Mira Holt</a>, <a class=p-category href=/sea>Sea</a>, <a class=p-canonical
        href="https://example.org/kelp-1a2b">Canonical link</a></footer></article></body></html>"""
    article = one(tmp_path, "p.html", page, "html")
    assert (article.authors, article.tags) == (("Mira Holt",), ("Sea",))
    assert article.url == "https://example.org/kelp-1a2b"
    assert article.excerpt == "What divers learned."


@pytest.mark.parametrize(
    ("head", "source"),
    [
        ("<base href='https://x.example/blog/'>", "https://x.example/blog/kelp.jpg"),
        ("<link rel=canonical href='https://x.example/a/b/'>", "https://x.example/a/b/kelp.jpg"),
        ("", "/news/kelp.jpg"),
    ],
)
def test_a_relative_picture_is_resolved_against_the_page(
    tmp_path: Path, head: str, source: str
) -> None:
    page = f"{head}<meta property=og:image content=kelp.jpg><h1>Kelp</h1>{BODY}"
    assert one(tmp_path, "news/one.html", page, "html").image == Image(src=source)


@pytest.mark.parametrize(
    ("page", "authors"),
    [
        (
            "<div class='widget Blog'><div class='post hentry'><h3 class=entry-title>Kelp</h3>{}"
            "<span class='post-author vcard'>Posted by <span class=fn>Ann Lee</span></span></div>",
            ("Ann Lee",),
        ),
        (
            "<article><h1>Kelp</h1>{}<div class=author-info><a rel=author href=/a>All posts by "
            "Ann Lee</a></div><span class='author vcard'>By Ann Lee</span></article>",
            ("Ann Lee",),
        ),
        ("<h1>Kelp</h1><div>{}</div><p class=author-bio><a rel=author>All posts by Ann</a>", ()),
        (
            "<h1>Kelp</h1><a rel=author href=/a>Ann Lee</a><article>{}</article><footer>"
            "<a rel=author href=https://plus.example>Google+</a></footer>",
            ("Ann Lee",),
        ),
        (
            "<article class=node><h1>Kelp</h1>{}<p class=node__meta>By <span rel=schema:author "
            "class='field field--name-uid'><span property=schema:name>Ann Lee</span></span>"
            "<div class=comment-wrapper><b rel=schema:author>Jo</b></div></article>",
            ("Ann Lee",),
        ),
        ("<meta name=author content='By Ann Lee'><h1>Kelp</h1>{}", ("Ann Lee",)),
        ("<meta name=author content='Von Braun'><h1>Kelp</h1>{}", ("Von Braun",)),
        ("<article><h1>Kelp</h1>{}<div id=comments><b class='author vcard'>Jo</b></div>", ()),
    ],
)
def test_an_article_s_byline_names_its_authors(
    tmp_path: Path, page: str, authors: tuple[str, ...]
) -> None:
    assert one(tmp_path, "p.html", page.format(BODY), "html").authors == authors


def test_the_blank_picture_of_wordpress_com_is_none(tmp_path: Path) -> None:
    page = f"<meta property=og:image content=https://s0.wp.com/i/blank.jpg><h1>Kelp</h1>{BODY}"
    assert one(tmp_path, "p.html", page, "html").image is None


def test_one_element_is_one_author_and_a_url_is_none(tmp_path: Path) -> None:
    page = (
        f"<meta name=author content='Ann Baker, Director'><h1>Kelp</h1><p class=by>A, B</p>{BODY}"
    )
    assert one(tmp_path, "p.html", page, "html").authors == ("Ann Baker, Director",)
    chosen = one(tmp_path, "p.html", page, "html", select={"authors": ".by", "tags": ".by"})
    assert (chosen.authors, chosen.tags) == (("A, B",), ("A", "B"))
    page = f"<meta property=article:author content='https://x.example/ann'><h1>Kelp</h1>{BODY}"
    assert one(tmp_path, "p.html", page, "html").authors == ()


def refused(folder: Path, page: str, name: str = "p.html") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page)
    articles, report = read({"kind": "html", "path": str(folder)})
    shown = [each for each in articles.values() if each.status is Status.PUBLISHED]
    assert len(shown) <= report.read - 1
    return ", ".join(sorted(problem.reason for problem in report.problems))


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("<meta http-equiv=refresh content='0; url=https://x.example/new/'>", "redirect"),
        ("<META HTTP-EQUIV='Refresh' CONTENT='5;URL=\"/new/\"'><h1>Moved</h1>", "redirect"),
        ("<meta http-equiv=refresh content='0,/new/'><p>See /new/", "redirect"),
        ("<script>window.location.href = '/new/'</script><h1>Moved</h1>", "redirect"),
        ("<script>location.replace('/new/')</script><h1>Moved</h1>", "redirect"),
        ('<script>window["location"] = "/new/"</script><h1>Moved</h1>', "redirect"),
        ("<script>let to='/n'; window.location.pathname = to</script><h1>Moved</h1>", "redirect"),
        ("<script>location.href=decodeURIComponent('/n')</script><h1>Moved</h1>", "redirect"),
        ("<body onload=\"location.href='/new/'\"><h1>Moved</h1>", "redirect"),
        (f"<title>404 Page not found | Shore</title><h1>Oh</h1>{BODY}", "error-page"),
        (f"<title>Shore</title><h1>Seite nicht gefunden</h1>{BODY}", "error-page"),
        (f"<title>x</title><body class='error404 wp'>{BODY}", "error-page"),
        (f"<meta name=prerender-status-code content=404><title>x</title>{BODY}", "error-page"),
        (f"<title>{{{{ page.title }}}} | Shore</title>{BODY}", "template"),
        (
            "<title>Shore</title><a href=/><h1>Shore</h1></a><h1 class='big w-dyn-bind-empty'></h1>"
            f"{BODY}<h1>Subscribe</h1>",
            "template",
        ),
        (
            "<?xml version='1.0'?><rss version='2.0'><channel><title>Comments on: Kelp</title>"
            "<item><title>By: Jo</title><description>Grows.</description></item></channel></rss>",
            "not-an-article",
        ),
        (f"<title>Sea</title><body class='archive tag tag-sea'>{BODY}", "list-page"),
        (
            '<script type="application/ld+json">{"@type": ["WebPage", "CollectionPage"]}</script>'
            f"<h1>Sea</h1>{BODY}",
            "list-page",
        ),
    ],
)
def test_a_page_that_is_no_article_is_reported(tmp_path: Path, page: str, reason: str) -> None:
    assert refused(tmp_path, page) == reason


def test_a_page_of_mediawiki_is_read_without_its_edit_links(tmp_path: Path) -> None:
    edit = "<span class=mw-editsection>[<a href='/w/index.php?action=edit'>edit</a>]</span>"
    page = (
        "<title>Kelp - The Wiki of the Harbour</title><body class='mediawiki ns-0'><h1"
        f" id=firstHeading>Kelp</h1><div id=content><p>{PROSE}</p><div id=toc class=toc>Contents"
        f"</div><h2>Waves{edit}</h2><p>{PROSE}</p><div><h2>Uses</h2>{edit}</div><p>Soup.</p><h2>"
        f"See also{edit}</h2><ul><li><a href=/wiki/Rye>Rye</a></ul><div class=printfooter>Retrieved"
        "</div></div><div id=mw-normal-catlinks><a href=/wiki/C>Category</a>: <ul><li><a href=/wiki"
        "/Category:Sea>Sea</a></ul></div>"
    )
    article = one(tmp_path, "Kelp.html", page, "html")
    assert (article.title, article.tags) == ("Kelp", ("Sea",))
    assert [heading for heading, _ in told(article)] == ["", "Waves", "Uses"]
    assert not any(word in str(told(article)) for word in ("edit", "Contents", "Retrieved"))
    assert [(link.url, link.kind) for link in article.links] == [("/wiki/Rye", "related")]


def test_what_themes_put_around_the_text_is_no_text(tmp_path: Path) -> None:
    page = (
        f"<main><article class=post-single><h1>Kelp</h1><div class=post-meta>3 min · Mara</div><div"
        f" class=toc>Table of Contents</div><p>{PROSE}</p><div class='admonition seealso'><p>See"
        f" also</p><p><a href=/oats>Oats</a></p></div><p>{PROSE}</p><ul class=post-tags><li>"
        "<a href=/t/sea>Sea</a></ul><p>Last updated on <time itemprop=dateModified"
        " datetime=2026-02-01>1 Feb</time></p><amp-ad>Advert</amp-ad></article></main>"
    )
    article = one(tmp_path, "kelp.html", page, "html")
    assert not any(word in str(told(article)) for word in ("3 min", "Contents", "Oats", "Advert"))
    assert [link.kind for link in article.links if link.url == "/oats"] == ["related"]
    assert (article.tags, article.date) == (("Sea",), None)


@pytest.mark.parametrize("name", ["node--unpublished", "node-unpublished", "system-unpublished"])
def test_an_entry_that_its_class_calls_unpublished_is_hidden(tmp_path: Path, name: str) -> None:
    page = f"<main><article class='node {name}'><h1>Kelp</h1>{BODY}</article></main>"
    assert one(tmp_path, "kelp.html", page, "html").status is Status.HIDDEN


@pytest.mark.parametrize(
    "body",
    [
        f"<div class='node node-article node-unpublished'><h1>Kelp</h1>{BODY}</div>",  # Drupal 7
        f"<div class=theme-draft-banner>Draft</div><article><h1>Kelp</h1>{BODY}</article>",
        f"<article><h1>Kelp<sup class=entry-isdraft>[draft]</sup></h1>{BODY}</article>",
        f"<div class=typo3-preview-info>Preview</div><h1>Kelp</h1>{BODY}",
        f"<main data-pagefind-ignore><h1>Kelp</h1>{BODY}</main>",
    ],
)
def test_a_page_that_a_banner_or_a_mark_keeps_out_of_lists_is_hidden(
    tmp_path: Path, body: str
) -> None:
    assert one(tmp_path, "kelp.html", f"<body>{body}", "html").status is Status.HIDDEN
    page = f"<main><h1>Kelp</h1>{BODY}<nav data-pagefind-ignore>All</nav></main>"
    assert one(tmp_path, "kelp.html", page, "html").status is Status.PUBLISHED


@pytest.mark.parametrize(
    ("attributes", "body", "reason"),
    [
        ("class='blog-wrapper blog-tags-post-list-page'", "", "list-page"),  # Docusaurus
        ("class='docs-wrapper docs-doc-page'", "", ""),
        ("", "class='list' id=top", "list-page"),  # Hugo's PaperMod
        ("", "class='author-template author-mara'", "list-page"),  # Ghost
        ("", "class='post-template tag-sea'", ""),
        ("", "class='site com_content view-category layout-blog'", "list-page"),  # Joomla
        ("", "class='home blog hfeed'", "list-page"),  # WordPress
        (
            "",
            "><div class=contents><table class=directory><tr></table></div",
            "list-page",
        ),  # Doxygen
        ("", "class=blog><script src=/wp-includes/js/a.js></script", "list-page"),
        ("", "class='attachment single single-attachment'", "not-an-article"),
        ("", "class='pkp_page_issue pkp_op_view'", "list-page"),  # Open Journal Systems
        ("", "class='pkp_page_article pkp_op_view'", ""),
        ("", "class='pkp_page_article'><div class=galley_view></div", "not-an-article"),
        ("", "class='blog blog-post'", ""),
        ("", "class='home page blog'", ""),
        ("", "class='mediawiki ns--1 ns-special'", "not-an-article"),
        ("", "class='mediawiki ns-3 ns-talk'", "not-an-article"),
        ("", "class='mediawiki ns-14 ns-subject'", "not-an-article"),
        ("", "class='mediawiki ns-0 ns-subject'", ""),
        (
            "",
            "class='mediawiki ns-0'><div class=redirectMsg><a href='/wiki/Kelp'>Kelp</a",
            "redirect",
        ),
    ],
)
def test_pages_of_generators_and_wikis_that_are_no_articles(
    tmp_path: Path, attributes: str, body: str, reason: str
) -> None:
    page = f"<html {attributes}><title>Sea</title><body {body}><h1>Sea</h1>{BODY}"
    (tmp_path / "p.html").write_text(page)
    articles, report = read({"kind": "html", "path": str(tmp_path)})
    assert [problem.reason for problem in report.problems] == ([reason] if reason else [])
    assert len(articles) == (not reason)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        *(("Error 500", False), ("403 Forbidden", False), ("503 Service Unavailable", False)),
        *(("Just a moment...", False), ("Attention Required! | Cloudflare", False)),
        *(("Oops! That page can\u2019t be found.", False), ("Access denied - Shore", False)),
        *(("Redirecting\u2026", False), ("Sayfa bulunamad\u0131", False)),
        *(("404: NOT_FOUND", False), ("We can\u2019t find that page", False)),
        *(("Page not found \u2039 Shore", False), ("Log in", True), ("Maintenance", True)),
        *(
            ("500", True),
            ("404 Days at Sea", True),
            ("Forbidden", True),
            ("Kelp found at 500", True),
        ),
    ],
)
def test_a_title_that_says_that_there_is_no_page(tmp_path: Path, title: str, shown: bool) -> None:
    (tmp_path / "p.html").write_text(f"<title>{title}</title><h1>{title}</h1>{BODY}")
    assert len(read({"kind": "html", "path": str(tmp_path)})[0]) == shown


@pytest.mark.parametrize(
    "name",
    [
        "404.html",
        "404/index.html",
        "de/404.html",
        "500.html",
        "50x.html",
        "offline.html",
        "dev-404-page/index.html",
    ],
)
def test_a_page_for_errors_is_no_article(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, f"<h1>Lost at sea</h1>{BODY}", name) == "error-page"


@pytest.mark.parametrize(
    "name",
    [
        *("news/page/2/index.html", "page2/index.html", "search/index.html", "search.html"),
        *("genindex.html", "category/sea/index.html", "tag/sea.html", "blog/tags/index.html"),
        *("print_page/index.html", "archives/2020/01/index.html", "search/label/Sea.html"),
        *("archives/2020/index.html", "blog/archive/2020/index.html", "2018_03_01_archive.html"),
        *("allclasses-index.html", "api/allclasses-noframe.html", "sea/class-use/Kelp.html"),
        *("index-all.html", "sea/package-tree.html", "api/index-files/index-2.html"),
    ],
)
def test_a_page_that_lists_others_is_no_article(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, f"<h1>News</h1>{BODY}", name) == "list-page"
    assert refused(tmp_path, f"{SAID}<h1>News</h1>{BODY}", name) == "list-page"
    assert one(tmp_path / "more", "tag/a/b.html", f"<h1>Kelp</h1>{BODY}", "html").title == "Kelp"


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("archives/1234/index.html", f"<h1>Kelp</h1>{BODY}"),
        ("archives/2020/index.html", f"<article><h1>Kelp</h1>{BODY}</article>"),
        ("archives/2020.html", f"<body class='post single'><h1>Kelp</h1>{BODY}"),
    ],
)
def test_a_post_with_a_number_among_archives_is_an_article(
    tmp_path: Path, name: str, page: str
) -> None:
    assert one(tmp_path, name, page, "html").title == "Kelp"


@pytest.mark.parametrize(
    "name",
    [
        *("cookie-law-info-bar", "cookies-eu-banner", "eu-cookie-compliance-banner", "cc-window"),
        *("onetrust-consent-sdk", "CybotCookiebotDialog", "BorlabsCookieBox", "cookie_consent"),
        *("kg-signup-card", "kg-cta-card", "kg-video-player", "captioned-button-wrap"),
        *("author-box", "reading-time", "edit-this-page", "post-navigation", "disqus_thread"),
        *("skip-link", "comments-area", "popular-posts", "announcement-bar"),
        *("post-copyright", "reward-container", "another_category another_category_color_gray"),
        *("entry-share-buttons", "social-sharing-bar", "sharrre-container"),
        *("page-metadata", "toc-macro", "page-header-icon x"),
        *(
            "entry-share-buttons",
            "social-sharing-bar",
            "sharrre-container",
            "back-to-top",
        ),
        *("bd-sidebar-secondary", "bd-header-article", "jb-print-toc"),
        *("markdown-toc", "td-page-meta__lastmod", "feedback--response feedback--response-yes"),
        *(
            "d-byline",
            "quarto-title-meta",
            "quarto-categories",
            "article-category",
            "post-tags",
            "entry-date",
        ),
        *("post-copyright", "article-licensing box", "license-wrapper", "share-wrapper"),
        *("MSearchResultsWindow", "postamble", "footer", "site-footer"),
    ],
)
def test_what_stands_around_texts_is_no_part_of_them(tmp_path: Path, name: str) -> None:
    for place in ("id", "class"):
        extra = f"<div {place}='{name}'><p>We use cookies.</p></div>"
        page = f"<body class='has-cookie-banner'><div><h1>Kelp</h1>{BODY}{extra}<p>So it went."
        ((_, text),) = told(one(tmp_path, "p.html", page, "html"))
        assert text.endswith("all winter.\nSo it went.")


@pytest.mark.parametrize(
    ("part", "is_text"),
    [
        ("<section id=avatar>{}</section><section id=search-results>{}</section>", True),
        (
            "<div class='property-row property-row-date'>{}</div><div class=pageSection>{}</div>",
            True,
        ),
        ("<div id=titlearea>{}</div><ul class=submitted><li>{}</ul>", True),
        ("<div class=avatar>{}</div><div class=search-results>{}</div>", False),
        ("<p class=submitted>{}</p><div id=top><div id=titlearea>{}</div></div>", False),
        ("<b class=wiki-content></b><div class='pageSection group'>{}{}</div>", False),
    ],
)
def test_what_some_themes_put_around_texts_is_text_elsewhere(
    tmp_path: Path, part: str, is_text: bool
) -> None:
    page = f"<body><div><h1>Kelp</h1>{BODY}{part.format('It grows.', 'It sways.')}</div>"
    ((_, text),) = told(one(tmp_path, "p.html", page, "html"))
    assert text.split("all winter.")[1].split() == "It grows. It sways.".split() * is_text


@pytest.mark.parametrize("name", ["main", "article", "section", "kelp-page"])
def test_a_page_without_a_body_tag_keeps_its_text(tmp_path: Path, name: str) -> None:
    page = f"<!doctype html><title>Kelp</title><{name}>{BODY}</{name}><div></div>"
    ((_, text),) = told(one(tmp_path, "p.html", page, "html"))
    assert text.startswith("Behind the kelp")


def test_a_page_that_a_script_fills_from_its_address_is_no_article(tmp_path: Path) -> None:
    assert refused(tmp_path, f"<h1>Loading</h1>{BODY}", "posts/[slug].html") == "template"


def cards_of(count: int, teaser: str = "How kelp calms the waves.", host: str = "") -> str:
    return "".join(
        f"<article><h2><a href={host}/blog/{number}/>Kelp {number}</a></h2><time>Mar 1</time>"
        f"<p>{teaser}</p><a href={host}/blog/{number}/>Read more</a></article>"
        for number in range(count)
    )


SAID = """<script type="application/ld+json">{"@type": "BlogPosting", "headline": "Shore",
"mainEntityOfPage": {"@id": "https://shore.example/#"}}</script>"""


def posts_of(count: int) -> str:
    return "".join(
        f"<article itemscope itemtype=http://schema.org/BlogPosting><h2 itemprop=name>Kelp {number}"
        f"</h2><link itemprop=mainEntityOfPage href=/{number}/><p>{PROSE}</article>"
        for number in range(count)
    )


@pytest.mark.parametrize(
    ("body", "is_list"),
    [
        (f"<main><h1>Blog</h1>{menu_of('Kelp in year')}</main>", True),
        (f"<main><h1>Blog</h1><p>All posts.</p>{cards_of(4)}</main>", True),
        (f"<main><h1>Blog</h1>{cards_of(4, host='https://shore.example')}</main>", True),
        (
            f"<section><h1>2026</h1><h2>May</h2>{menu_of('Rye', 3)}<h2>June</h2>{menu_of('Kelp')}",
            True,
        ),
        (f"<main><h1>Kelp</h1>{BODY}{menu_of('Kelp in year')}</main>", False),
        (f"<main><h1>Kelp</h1>{BODY}{cards_of(4)}</main>", False),
        (f"<main><h1>Links</h1>{cards_of(4, host='https://other.example')}</main>", False),
        (f"<main><h1>Handbook</h1>{cards_of(4, PROSE).replace('article', 'div')}</main>", False),
        (f"<main><h1>Blog</h1>{cards_of(2, teaser=PROSE)}</main>", True),
        (f"<main>{SAID}<h1>Blog</h1>{cards_of(2, teaser=PROSE)}</main>", True),
        (f"<main>{f'<article><a href=/kelp><h2>Kelp</h2>{PROSE}</a></article>' * 2}</main>", True),
        (f"<main>{SAID.replace('/#', '/blog/#')}{cards_of(2, teaser=PROSE)}</main>", False),
        (f"<main><h1>Kelp</h1>{PROSE}{PROSE}{cards_of(2, teaser=PROSE)}</main>", False),
        (f"<article><h1>Kelp</h1>{BODY}{cards_of(2, teaser=PROSE)}</article>", False),
        (f"<article><h2><a href=/shore/blog>Kelp</a></h2>{PROSE}</article>{cards_of(1)}", False),
        (
            f"<article><h3><a href=/sea>Sea</a></h3><h1>Kelp</h1>{BODY}</article>{cards_of(2)}",
            False,
        ),
        (f"<article><h3><a href=/sea>Sea</a></h3>{BODY * 4}</article>{cards_of(1)}", False),
        (
            "<meta property=og:type content=article><main><h1>Kelp</h1><ul><li>Ann sails to it"
            " all winter, and tells what she saw on the coast.</ul><section><h2>More episodes</h2>"
            f"{cards_of(6, teaser=PROSE)}</section></main>",
            False,
        ),
        (
            "<meta property=og:type content=article><h1 class=site-title>Shore</h1>"
            f"<main>{cards_of(6, teaser=PROSE)}</main>",
            True,
        ),
        (
            "<meta property=og:type content=article><main><h1>Blog</h1>"
            f"{cards_of(6, teaser=PROSE)}<p>Page 1 of 9</p></main><footer><p>By Ann</p></footer>",
            True,
        ),
        (
            f"<article><h1><a href=/sea>Sea</a>: Kelp calms</h1>{BODY * 9}</article>"
            f"{cards_of(2, teaser=PROSE)}",
            False,
        ),
        (f"<main>{cards_of(3, teaser=PROSE).replace('/blog/', '/blog/?p=')}</main>", True),
        (f"<main><h1>Blog</h1>{posts_of(2)}</main>", True),
        (f"<main><h1>Kelp</h1>{PROSE * 4}{posts_of(2)}</main>", False),
        (f"<meta property=og:type content=article><main>{posts_of(2)}</main>", False),
        (f"<main><h1>Kelp</h1><p>It grows.</p>{menu_of('Kelp', 2)}</main>", False),
        (f"<main><h1>2020</h1><p>Oct 20, 2020</p>{menu_of('Kelp in year', 3)}</main>", True),
        (f"<main><h1>Kelp</h1><p>It has grown all year.</p>{menu_of('Rye', 3)}</main>", False),
    ],
)
def test_a_page_of_links_to_the_site_and_teasers_is_a_list(
    tmp_path: Path, body: str, is_list: bool
) -> None:
    page = f"<link rel=canonical href='https://shore.example/blog/'><title>Blog</title>{body}"
    (tmp_path / "blog.html").write_text(page)
    _, report = read({"kind": "html", "path": str(tmp_path)})
    assert report.skipped == ({"list-page": 1} if is_list else {})
    _, report = read({"kind": "html", "path": str(tmp_path), "main": "main, section"})
    assert not report.skipped


def test_a_list_of_full_addresses_leads_to_the_site_of_its_home_page(tmp_path: Path) -> None:
    links = menu_of("Kelp in year").replace("=/", "=https://shore.example/")
    page = f"<header><a href=https://shore.example>Shore</a></header><main><h1>Blog</h1>{links}"
    assert refused(tmp_path, page, "blog/index.html") == "list-page"
    elsewhere = page.replace("<a href=https://shore.example>", "<a href=https://kelp.example/>")
    assert one(tmp_path / "more", "blog/index.html", elsewhere, "html").title == "Blog"


@pytest.mark.parametrize(
    ("tags", "beside"),
    [
        *((f"<p class={name}><a>#sea</a>", "") for name in ("post-tags", "blog-tags")),
        ("<p class=article-tags><a>#sea</a>", "<p class=article-tags><a>Rye</a>"),
        ("<nav class=md-tags><a class=md-tag>sea</a></nav>", ""),  # MkDocs Material
        ("", "<div class=post-tags><a>#sea</a></div>"),
        ("", "<aside><p class=post-tags><a>Rye</a></aside>"),
        ("", "<nav><p class=post-tags><a>Rye</a></nav>"),
        ("", "<article><p class=post-tags><a>Rye</a></article>"),
    ],
)
def test_tags_that_a_page_shows_with_its_article_go_before_the_site_s_keywords(
    tmp_path: Path, tags: str, beside: str
) -> None:
    page = f"<meta name=keywords content='jekyll, theme'><article><h1>Kelp</h1>{tags}{BODY}"
    page += f"</article>{beside}"
    found = ("sea",) if "sea" in tags + beside else ("jekyll", "theme")
    assert one(tmp_path, "p.html", page, "html").tags == found


def test_none_of_the_teasers_of_a_home_page_is_its_article(tmp_path: Path) -> None:
    assert refused(tmp_path, f"<main><p>All posts.</p>{posts_of(3)}</main>", "index.html") == (
        "list-page"
    )


@pytest.mark.parametrize("own", ["/a", "/a/", "https://shore.example/a.html"])
def test_of_several_articles_that_with_the_path_of_the_file_is_described(
    tmp_path: Path, own: str
) -> None:
    post = f"<article itemscope itemtype=http://schema.org/BlogPosting><a itemprop=url href={own}>"
    post += f"</a><h1>Kelp</h1><meta itemprop=datePublished content=2026-03-04>{BODY * 9}</article>"
    said = (
        SAID.replace("/#", "/a")
        .replace("headline", "datePublished")
        .replace('"Shore"', '"2026-03-04"')
    )
    for page in (f"{posts_of(1)}{post}", f"<h1>Kelp</h1>{BODY}{said}{post}"):
        assert one(tmp_path, "a.html", page, "html").date == dt.date(2026, 3, 4)
    listed = f"{posts_of(1)}{post.replace(own, f'/posts{own}')}"  # under a category of this name
    assert refused(tmp_path, listed, "a.html") == "list-page"


def test_how_far_a_page_is_indented_makes_no_text_of_its_navigation(tmp_path: Path) -> None:
    menu = f"<nav><p>{BODY}{' ' * 6_000}{menu_of('Rye', 2)}</nav>"
    page = f"<body><div>{menu}<h1>Kelp</h1><p>{PROSE}</div>"
    ((_, text),) = told(one(tmp_path, "p.html", page, "html"))
    assert text == PROSE.strip()


def test_the_theme_s_header_is_no_text_wherever_it_stands(tmp_path: Path) -> None:
    site = "<header id=top><p><a href='https://x.example/'>Shore</a><p>News of the coast.</header>"
    own = "<header><h1>Kelp</h1><p><a href=/>Home</a> All winter.</header>"
    page = f"<body><div id=wrapper>{site}{own}<p>{PROSE}<p>{PROSE}</div><div>{menu_of('Rye')}</div>"
    ((_, text),) = told(one(tmp_path, "p.html", page, "html"))
    assert text.startswith("Home All winter.\nBehind")


def test_a_section_is_text_though_its_heading_is_called_as_parts_of_themes_are(
    tmp_path: Path,
) -> None:
    own = f"<h2 id=toc>Toc</h2><section id=pagination><h2>Pagination</h2><p>{PROSE}</section>"
    sign_up = f"<section id=newsletter><h2>Newsletter</h2><p>{PROSE}<form></form></section>"
    box = f"<section id=comments><h2>Comments</h2><ol><li><p>{PROSE}</ol></section>"
    page = f"<article><h1>Kelp</h1>{BODY}{own}{sign_up}{box}</article>"
    headings = [heading for heading, _ in told(one(tmp_path, "p.html", page, "html"))]
    assert headings[-1] == "Pagination"
    assert not {"Newsletter", "Comments"} & {*headings}


def test_numbers_of_lines_of_code_are_no_text(tmp_path: Path) -> None:
    tables = "".join(
        f"<table><tr><td{gutter}<td><pre>let a = 1</pre></table>"
        for gutter in (
            " class=gutter><pre>1\n2</pre>",
            " class='rouge-gutter gl'><pre>1</pre>",
            " class=linenos><div>1</div>",
            "><span class=lnt>1</span>",
        )
    )
    page = f"<article><h1>Kelp</h1>{BODY}{tables}<div class='row gutter'>Rye</div></article>"
    ((_, text),) = told(one(tmp_path, "p.html", page, "html"))
    assert text.split("\n")[1:] == [*["let a = 1"] * 4, "Rye"]


def test_the_name_of_an_icon_is_no_part_of_a_title(tmp_path: Path) -> None:
    icon = "<svg viewBox='0 0 1 1'><title>Link icon</title></svg>"
    page = f"<title>Energy</title><article><h1>{icon} <ruby>Energy<rt>e</rt></ruby></h1>{BODY}"
    assert one(tmp_path, "p.html", page, "html").title == "Energy"


def test_of_two_pages_the_one_that_the_other_names_is_read(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    canonical = "<link rel=Canonical href='https://x.example/blog/new/'>"
    (tmp_path / "new/index.html").write_text(f"{canonical}<h1>Kelp</h1>{BODY}")
    assert refused(tmp_path, f"{canonical}<h1>Kelp</h1>{BODY}", "old.html") == "canonical"
    (tmp_path / "other.html").write_text(
        f"<link rel=canonical href='https://y.example/gone/'><h1>Rye</h1>{BODY}"
    )
    assert read({"kind": "html", "path": str(tmp_path)})[0].keys() == {"new", "other"}


@pytest.mark.parametrize(
    "head",
    [
        "<noscript><meta http-equiv=refresh content='0; url=/plain/'></noscript>",
        "<meta http-equiv=refresh content=300>",
        "<meta http-equiv=refresh content='600; url=/p.html'>",
        "<script>var location = 'Kiel'; data.location = 'Kiel'</script>",
        "<script>if (location == '/p') f(window['locations'])</script>",
        "<link rel=canonical href='https://x.example/'>",
        "<title>404 days at sea</title>",
        "<meta name=robots content='index, follow'><body class='archive single'>",
    ],
)
def test_an_article_is_no_redirect_and_no_error_page(tmp_path: Path, head: str) -> None:
    article = one(tmp_path, "p.html", f"{head}<h1>Kelp</h1>{BODY}", "html")
    assert (article.status, article.url) == (Status.PUBLISHED, "/p.html")


@pytest.mark.parametrize(
    ("file", "options", "link"),
    [
        ("red kelp.html", {}, "/red%20kelp.html"),
        ("index.html", {}, "/"),
        ("kelp.html", {"url_template": "/sea/{id}/"}, "/sea/kelp/"),
    ],
)
def test_a_page_that_names_no_address_is_linked_by_its_file(
    tmp_path: Path, file: str, options: dict[str, str], link: str
) -> None:
    assert one(tmp_path, file, f"<h1>Kelp</h1>{BODY}", "html", **options).url == link


@pytest.mark.parametrize(
    "words",
    [
        "name=robots content='NoIndex, follow'",
        "name=ROBOTS content=none",
        "name=googlebot content=noindex",
        "http-equiv=X-Robots-Tag content='noindex, nofollow'",
        "name=x><body class='single status-draft'",
        "name=x><body class='single'><article class='post status-private'",
        "name=x><body class='single'><article class='post post-password-required'",
        "name=x><form class='post-password-form'>Say the word</form",
    ],
)
def test_a_page_that_robots_must_not_list_is_hidden(tmp_path: Path, words: str) -> None:
    article = one(tmp_path, "p.html", f"<meta {words}><h1>Kelp</h1>{BODY}", "html")
    assert article.status is Status.HIDDEN


@pytest.mark.parametrize(
    ("around", "text", "status"),
    [
        ("body class=staticrypt-body", "Enter the word", Status.HIDDEN),
        ("article", "<script type=hbeData>" + 400 * "c0ffee" + "</script>", Status.HIDDEN),
        ("main", "Log in", Status.HIDDEN),
        ("article", BODY * 4, Status.PUBLISHED),
    ],
)
def test_a_page_of_little_more_than_a_field_for_a_password_is_hidden(
    tmp_path: Path, around: str, text: str, status: Status
) -> None:
    page = f"<title>Kelp</title><{around}><h1>Kelp</h1><form><input type=password></form>{text}"
    assert one(tmp_path, "p.html", page, "html").status is status


@pytest.mark.parametrize(
    "hidden", ["hidden", "aria-hidden=true", "style='color: red; display : none'"]
)
@pytest.mark.parametrize("length", [1, 6])
def test_what_a_page_shows_to_no_reader_is_no_text(
    tmp_path: Path, hidden: str, length: int
) -> None:
    secret = f"<p>{'A plan that nobody has agreed to as yet. ' * 20 * length}</p>"
    seen = f"<p>{PROSE * length}</p>"
    for name, page, status in (
        ("article", f"<article {hidden}>{secret}</article>", Status.HIDDEN),
        ("main", f"<main {hidden}><article>{secret}</article></main>", Status.HIDDEN),
        ("around", f"<div {hidden}><article>{secret}</article></div>", Status.HIDDEN),
        ("rest", f"<article>{seen}<div {hidden}>{secret * 2}</div></article>", Status.PUBLISHED),
        ("two", f"<article {hidden}>{secret * 2}</article><article>{seen}</article>", None),
        ("mains", f"<main {hidden}>{secret * 2}</main><main>{seen}</main>", Status.PUBLISHED),
        ("found", f"<main hidden=until-found>{seen}</main>", Status.PUBLISHED),
    ):
        body = f"<body><h1>Kelp</h1>{page}</body>"
        article = one(tmp_path / name, "p.html", f"<html>{body}</html>", "html")
        assert article.status is (status or Status.PUBLISHED), name
        if article.status is Status.PUBLISHED:
            (text,) = (section.text for section in article.sections)
            assert text.count("all winter") == 3 * length, name
            assert "A plan" not in text, name
    page = f"<h1>Kelp</h1><article {hidden}>{seen}"
    named = one(tmp_path / "article", "p.html", page, "html", main="article")
    assert named.status is Status.PUBLISHED


@pytest.mark.parametrize(
    ("until", "shown"),
    [("25 Jun 2010 15:00:00 GMT", False), ("2010-06-25", False), ("25 Jun 2210 15:00 GMT", True)],
)
def test_a_page_that_robots_must_forget_after_a_day_is_hidden_from_then(
    tmp_path: Path, until: str, shown: bool
) -> None:
    page = f"<meta name=robots content='unavailable_after: {until}'><h1>Kelp</h1>{BODY}"
    article = one(tmp_path, "p.html", page, "html")
    now = dt.datetime.now(dt.UTC)
    assert article.visible_until is not None
    assert (article.visible_until > now) is shown


def test_a_short_lead_before_a_long_text_is_no_chrome(tmp_path: Path) -> None:
    lead, end = "<p class=lead>All winter it was quiet.</p>", "<pre>let a = 1</pre>"
    for name, body in (("p", f"<p>{PROSE * 5}</p>"), ("div", f"<div><p>{PROSE * 5}</p></div>")):
        page = f"<article><h1>Kelp</h1>{lead}{body}{end}</article>"
        (_, text), *_ = told(one(tmp_path / name, "p.html", page, "html"))
        assert text.startswith("All winter it was quiet."), name
        assert text.endswith("let a = 1"), name


@pytest.mark.parametrize(
    "post",
    [
        "<article><h1>Kelp</h1><div class=share><p>Kelp calms the waves.</div></article>",
        "<h1>Kelp</h1><div itemprop='description articleBody'>Kelp calms the waves.</div>",
    ],
)
def test_a_post_shorter_than_what_is_around_it_is_the_text(tmp_path: Path, post: str) -> None:
    body = f"<div class=page>{post}<div id=comments>{PROSE}</div></div>"
    assert told(one(tmp_path, "p.html", body, "html")) == [("", "Kelp calms the waves.")]


def test_a_title_above_the_text_is_not_the_text(tmp_path: Path) -> None:
    body = f"<article><h1>Kelp</h1>Kelp calms the waves.</article><div class=story>{BODY}</div>"
    assert BODY[3:60] in told(one(tmp_path, "p.html", body, "html"))[-1][1]


def test_the_site_s_h1_before_the_article_s_and_breadcrumbs_are_not_its_title(
    tmp_path: Path,
) -> None:
    trail = "<ol itemscope itemtype='https://schema.org/BreadcrumbList'><li>Home</li></ol>"
    body = f"<h1 class=logo>Shore</h1>{trail}<div class=content><h1>Kelp</h1>{BODY}</div>"
    article = one(tmp_path, "p.html", f"<title>Kelp » Blog » Shore</title>{body}", "html")
    assert article.title == "Kelp"
    assert "Home" not in str(told(article))


def test_json_ld_may_hold_markup_and_stand_in_a_comment(tmp_path: Path) -> None:
    said = '{"@type": "Article", "headline": "The &lt;em&gt;kelp&lt;/em&gt; of List<String>", '
    said += '"image": "//cdn.example/k.jpg", "datePublished": "2026-03-01"}'
    page = f"<script type=application/ld+json>/*<![CDATA[*/{said}/*]]>*/</script><h1>K</h1>{BODY}"
    article = one(tmp_path, "p.html", page, "html")
    assert article.title == "The kelp of List<String>"
    assert article.date == dt.date(2026, 3, 1)
    assert article.image == Image(src="https://cdn.example/k.jpg", alt="")


@pytest.mark.parametrize(
    "said",
    [
        '{"@type": "Article", "datePublished": "2026-03-01", "author": {"name": "Ann Lee"},}',
        '[{"@type": "Article", "datePublished": "2026-03-01", "author": {"name": "Ann Lee"}},],',
        '{"@type": "Article", "datePublished": "2026-03-01", "author": "Ann Lee"};',
        '{"@type": "Report", "dateCreated": "2026-03-01", "author": {"name": {"name": "Ann Lee"}}}',
        "{'@type': 'Article', 'datePublished': '2026-03-01', 'author': 'Ann Lee'}".replace(
            "'", "&quot;"
        ),
        '{"@type": "Recipe", "name": "K", "datePublished": "2026-03-01", "author": "Ann Lee"}',
    ],
)
def test_json_ld_is_read_as_it_is_written(tmp_path: Path, said: str) -> None:
    page = f"<script type=application/ld+json>{said}</script><h1>Kelp</h1>{BODY}"
    article = one(tmp_path, "p.html", page, "html")
    assert (article.title, article.authors) == ("Kelp", ("Ann Lee",))
    assert article.date == dt.date(2026, 3, 1)


def test_the_day_of_publication_goes_before_that_of_a_change(tmp_path: Path) -> None:
    times = "<time class=updated datetime=2026-05-01>May</time>"
    times += "<time class='entry-date published' datetime=2026-03-01>March</time>"
    page = f"<article><h1>Kelp</h1>{times}{BODY}</article>"
    assert one(tmp_path, "p.html", page, "html").date == dt.date(2026, 3, 1)


@pytest.mark.parametrize(
    ("head", "times"),
    [
        (
            "<meta name=date content=2026-03-01>",
            "<time class=updated datetime=2026-05-01>May</time>",
        ),
        ("", "<time class='updated' datetime=2026-03-01>March</time>"),
        ("<meta name=dc.date content=2026-03-01>", "<time datetime=2026-13-45>soon</time>"),
        (
            "<meta property=article:published_time content=undefined><meta name=sailthru.date "
            "content='2026-03-01 10:00'>",
            "",
        ),
        (
            "<meta name=date content=2026-05-01>",
            "<time class='published updated' datetime=2026-03-01>March</time>",
        ),
        ("<meta property=og:article:published_time content=2026-03-01T10:00:00+01:00>", ""),
        ("", "<time>2026年3月1日 10:00</time><time>3 days ago</time>"),
        ("", "<time>1 มีนาคม 2569</time>"),
        ("", "<p>Published on <time>1 March 2026</time> by Ann Baker.</p>"),
        ("", "<p>Veröffentlicht am <time>1. März 2026</time>.</p><time></time>"),
        ("<meta name=date content=2026-03-01>", "<p>Since <time>7 May 1941</time></p>"),
        ("", "<abbr class=published title='2026-03-01T05:11:00-05:00'>5:11 AM</abbr>"),
        ("", "<abbr class=published title='5:11 am'>March 1, 2026</abbr>"),
        ("<meta name=publish-date content=2026-03-01T09:06:10+05:30>", ""),
        ("<meta property=published_time content=2026-03-01T10:19:00+0100>", ""),
        ("", "<time>an hour ago</time><time>March 1, 2026</time>"),
        ("", "<span class=post-date>1 Mar 2026</span>"),
        ("", "<b class='post-date updated'>1 Mar 2026</b>"),
        ("", "<b class='post-date updated'>5 Mar 2026</b> <b class=post-date>1 Mar 2026</b>"),
        ("", "<p class=post-meta> March 1, 2026 </p>"),
        ("", "<h2 class=date-header><span>Sunday, March 1, 2026</span></h2>"),
        (
            "",
            "<p class='meta submitted'><span property='dc:date dc:created' "
            "content=2026-03-01T13:59:30+06:00>Submitted by jo on Sun, 01/03/2026</span></p>",
        ),
        ("", "<span property=schema:dateCreated content=2026-03-01T10:37:10+00:00></span>"),
    ],
)
def test_of_a_page_s_dates_that_of_publication_which_can_be_read_counts(
    tmp_path: Path, head: str, times: str
) -> None:
    page = f"<html><head>{head}</head><article><h1>Kelp</h1>{times}{BODY}</article>"
    assert one(tmp_path, "p.html", page, "html").date == dt.date(2026, 3, 1)


@pytest.mark.parametrize(
    "above",
    [
        "<p class=post-date>1 Mar 2026</p>",
        "<h2 class=date-header>1 Mar 2026</h2>",
        "<p class=node__meta>By jo on <b>Sun, 1 Mar 2026</b></p>",
        "<p class=fusion-meta-info>Jo<span class=updated>2026-03-01T17:27:31+02:00</span></p>",
    ],
)
def test_the_day_of_a_post_is_no_text(tmp_path: Path, above: str) -> None:
    page = f"<article><h1>Kelp</h1>{above}{BODY}</article>"
    assert told(one(tmp_path, "p.html", page, "html")) == [("", BODY[3:-4])]


@pytest.mark.parametrize(
    "above", ["", f"<p>{PROSE}</p>", "<p>By Ann on <time>1 May 2026</time></p>"]
)
@pytest.mark.parametrize(
    "said",
    [
        "The regatta takes place on {} in Kiel.",
        "Written on {}, the letter never arrived.",
        "Published work of {} by Ann Baker.",
    ],
)
def test_a_day_in_a_sentence_is_not_the_article_s(tmp_path: Path, above: str, said: str) -> None:
    text = said.format("<time>3 March 2031</time>")
    page = f"<article><h1>Kelp</h1>{above}<p>{text}</p>{BODY}</article>"
    article = one(tmp_path, "p.html", page, "html")
    assert article.date == (dt.date(2026, 5, 1) if "Ann" in above else None)
    assert said.format("3 March 2031") in article.sections[0].text


def test_a_day_below_the_first_paragraph_is_not_the_article_s(tmp_path: Path) -> None:
    page = f"<h1>Kelp</h1><div><p>{PROSE}</p><div class=post-date>1 Mar 2026</div></div>"
    page = f"<div><span class=date>May 1, 2026</span></div>{page}"  # today, as papers show it
    assert one(tmp_path, "p.html", page, "html").date is None


@pytest.mark.parametrize(
    ("above", "inside", "is_own"),
    [
        ("", "<aside><b>{}</b></aside>", False),
        ("<h1>Sea</h1><ul><li><a href=/rye>Rye</a> {}</ul>", "", False),
        ("<p><a href=/rye>Rye is sown again on the coast</a> {}</p><h1>Sea</h1>", "", False),
        ("", "<p><a href=/rye>Rye is sown again on the coast</a> {}</p>", False),
        ("", "<p>By <a href=/ann>Ann Baker</a>, {}</p>", True),
        ("", "<ul class=meta><li>{}</ul>", True),
        ("<article><div><h2><a href=/kelp>How kelp calms the waves</a></h2>{}</div>", "", True),
        ("<h1>Sea</h1><p>{}</p>", "", True),
    ],
)
def test_a_named_day_of_another_article_is_not_its_own(
    tmp_path: Path, above: str, inside: str, is_own: bool
) -> None:
    day = "<span class=entry-date>1 Mar 2026</span>"
    page = f"{above.format(day)}<article><h2>Kelp</h2>{inside.format(day)}{BODY}</article>"
    assert one(tmp_path, "p.html", page, "html").date == (dt.date(2026, 3, 1) if is_own else None)


def test_days_beside_many_links_in_deep_nesting_are_looked_at_in_time(tmp_path: Path) -> None:
    links = "".join(f"<a href=/{number}>Rye is sown again</a>" for number in range(1_000))
    days = "<span class=entry-date>1 Mar 2026</span>" * 20
    page = f"<article><h1>Kelp</h1>{BODY}</article>{'<div>' * 200}{links}{days}"
    assert one(tmp_path, "p.html", page, "html").date is None


def test_the_days_of_a_list_of_changes_are_headings(tmp_path: Path) -> None:
    for text in (f"<p>{PROSE}</p>", "<ul><li>Kelp is sown.</li></ul>"):
        page = "".join(f"<h2 class=date-header>May {day}, 2026</h2>{text}" for day in (3, 2))
        article = one(tmp_path, "p.html", f"<article><h1>Changes</h1>{page}</article>", "html")
        assert article.date is None
        assert [heading for heading, _ in told(article)] == ["May 3, 2026", "May 2, 2026"]


@pytest.mark.parametrize(
    ("entry", "beside"),
    [
        ("<div class=hentry>", "<div class=widget>{}</div>"),
        ("<article>", "<article class=comment>{}</article></article><article>{}</article>"),
        ("<article>", "<div id=comments>{}</div></article><aside><ul><li>{}</ul></aside>"),
        ("<main>", "<ul><li>{}</ul>"),
    ],
)
def test_a_day_beside_the_article_is_not_its_own(tmp_path: Path, entry: str, beside: str) -> None:
    head = "<meta property=article:published_time content=2026-03-01>"
    time = "<time class=published datetime=2026-05-01>May</time>"
    page = f"<head>{head}</head><body>{entry}<h1>Kelp</h1>{BODY}{BODY}{beside.format(time, time)}"
    assert one(tmp_path, "p.html", page, "html").date == dt.date(2026, 3, 1)


@pytest.mark.parametrize(
    ("shown", "tags"),
    [
        ("<footer><a rel=tag href=/t># Kelp</a></footer></article>", ("Kelp",)),
        ("</article><aside><a rel=tag href=/t>Rye</a></aside>", ("News", "Sea")),
        ("</article><p><a rel=tag href=/t>Kelp</a><article><a rel=tag href=/t>Rye</a>", ("Kelp",)),
    ],
)
def test_a_section_is_a_tag_only_of_an_article_without_others(
    tmp_path: Path, shown: str, tags: tuple[str, ...]
) -> None:
    facts = json.dumps({"@type": "Article", "articleSection": "News, Sea"})
    script = f"<script type=application/ld+json>{facts}</script>"
    page = f"<head>{script}</head><article><h1>Kelp</h1><div>{BODY}</div>{shown}"
    assert one(tmp_path, "p.html", page, "html").tags == tags


def test_more_names_of_a_page_s_facts_are_known(tmp_path: Path) -> None:
    head = "<meta property=og:image content=''><meta property=og:image:url content=/k.jpg>"
    head += "<meta property=article:tag content='kelp, waves'>"
    for more, author in (
        ("<meta name=parsely-author content='Ann Lee'>", ""),
        (
            "<meta name=author content='https://shore.example/ann'>",
            "<a rel=author href=/a>Ann Lee</a>",
        ),
    ):
        page = f"<html xml:lang=de-AT><head>{head}{more}</head><article><h1>K</h1>{author}{BODY}"
        article = one(tmp_path, "p.html", page, "html")
        assert article.image == Image(src="/k.jpg", alt="")
        assert (article.tags, article.authors) == (("kelp", "waves"), ("Ann Lee",))
        assert article.language == "de-at"


def test_the_facts_of_a_journal_s_page_are_known(tmp_path: Path) -> None:
    names = "citation_date=2024/03/26 dc.date.issued=2024-03-21 citation_keywords=kelp"
    names += " citation_keywords=waves citation_abstract_html_url=https://x.example/view/9"
    metas = "".join(
        f"<meta name={name} content={content}>"
        for name, _, content in (each.partition("=") for each in names.split())
    )
    article = one(tmp_path, "p.html", f"{metas}<h1>Kelp</h1>{BODY}", "html")
    assert (article.url, article.date) == ("https://x.example/view/9", dt.date(2024, 3, 26))
    assert article.tags == ("kelp", "waves")


def test_more_of_what_generators_state_is_read(tmp_path: Path) -> None:
    page = (  # MkDocs, Distill and Quarto
        "<meta name=description content=None><meta property=article:published content=2026-03-01>"
        f"<h1>Kelp</h1><div class=quarto-category>sea</div><p>{PROSE}"
    )
    article = one(tmp_path, "p.html", page, "html")
    assert (article.excerpt, article.date) == (None, dt.date(2026, 3, 1))
    assert article.tags == ("sea",)


@pytest.mark.parametrize("host", ["", "https://shore.example"])
def test_links_to_translations_tell_the_language_of_a_page_without_canonical(
    tmp_path: Path, host: str
) -> None:
    links = "".join(
        f"<link rel=alternate hreflang={language} href='{host}/{language}/p.html'>"
        for language in ("de", "fr")
    )
    canonical = f"<link rel=canonical href='{host}/de/p.html'>" if host else ""
    page = f"<html><head><title>Kelp</title>{links}{canonical}</head><p>{PROSE}</p>"
    article = one(tmp_path, "de/p.html", page, "html")
    assert article.language == "de"
    assert article.translation_key == f"alternates of {host.removeprefix('https:')}/de/p.html"


def test_a_headings_link_to_itself_is_no_part_of_it(tmp_path: Path) -> None:
    page = (
        "<h1>Kelp<a class=headerlink href='#kelp'>¶</a></h1><h2><a href='#w'>#</a> Waves</h2>"
        f"{BODY}<h2>Uses <a class=hash-link href='#u'>Direct link to Uses</a></h2>{BODY}"
        f"<h2><a class=anchor href='#z'>Zones</a></h2>{BODY}<dl><dt>grow(days)<a href=/s><span "
        "class=viewcode-link>[source]</span></a><a class=headerlink href='#g'>¶</a><dd>It grows."
        "<a class=footnote-back href='#r'>↩︎</a>"
    )
    article = one(tmp_path, "p.html", page, "html")
    assert article.title == "Kelp"
    assert [heading for heading, _ in told(article)] == ["Waves", "Uses", "Zones"]
    assert told(article)[-1][1].endswith("all winter.\ngrow(days)\nIt grows.")


def test_facts_of_another_page_are_not_taken(tmp_path: Path) -> None:
    other = {"@type": "Article", "headline": "Rye", "url": "https://x.example/rye/"}
    page = (
        "<link rel=canonical href='https://x.example/kelp/'><script type='application/ld+json'>"
        f"{json.dumps(other)}</script><article><h1>Kelp calms</h1>{BODY}"
    )
    article = one(tmp_path, "p.html", page, "html")
    assert (article.title, article.url) == ("Kelp calms", "https://x.example/kelp/")


def test_a_sites_name_outside_the_article_is_cut_from_the_title(tmp_path: Path) -> None:
    head, name = "<title>Kelp | Shore Weekly News</title>", "<h1>Shore Weekly News</h1>"
    assert title_of(tmp_path, head, f"<div>{name}</div><article>{BODY}</article>") == "Kelp"


def test_the_properties_of_a_page_of_notion_are_no_text(tmp_path: Path) -> None:
    rows = (
        ("Status", "<span><div></div>Draft</span>"),
        ("Created", "<time>@March 1, 2026 10:11 AM</time>"),
        ("Tags", "<span>sea</span><span>kelp</span>"),
    )
    table = "".join(
        f"<tr class='property-row x'><th>{name}</th><td>{value}</td></tr>" for name, value in rows
    )
    page = (
        "<title>Kelp</title><article class='page sans'><header><h1>Kelp</h1><table "
        f"class=properties>{table}<tr class=property-row></tr></table></header>{BODY}</article>"
    )
    article = one(tmp_path, "p.html", page, "html")
    assert (article.status, article.date) == (Status.DRAFT, dt.date(2026, 3, 1))
    assert article.tags == ("sea", "kelp")
    assert "Draft" not in article.sections[0].text


@pytest.mark.parametrize("free", [False, "False", "http://schema.org/False"])
def test_what_is_for_subscribers_only_is_no_text(tmp_path: Path, free: Any) -> None:
    part = {"@type": "WebPageElement", "isAccessibleForFree": free, "cssSelector": ".paywall"}
    said = {
        "@type": "NewsArticle",
        "headline": "X",
        "isAccessibleForFree": free,
        "articleBody": "Lead. Secret.",
        "hasPart": part,
    }
    body = "<article><h1>X</h1><p>Lead.</p><div class=paywall><p>Secret.</p></div></article>"
    script = f'<script type="application/ld+json">{json.dumps(said)}</script>'
    page = f"<html><head>{script}</head><body>{body}"
    assert told(one(tmp_path, "a.html", page, "html")) == [("", "Lead.")]
    unread = page.replace(".paywall", "//p")  # what is free can't be told
    assert not told(one(tmp_path, "a.html", unread, "html"))


@pytest.mark.parametrize(
    ("front", "status"),
    [
        ("---\ntitle: Kelp\npublished: false\n---\n", Status.HIDDEN),
        ('+++\ntitle = "Kelp"\ndraft = true\n+++\n', Status.DRAFT),
        ('{\n"title": "Kelp",\n"draft": true\n}\n', Status.DRAFT),
        ("<!--\n.. title: Kelp\n.. status: draft\n-->\n", Status.DRAFT),
        ("---\ntitle: Kelp\ndate: 2026-03-01\n---\n<!doctype html>", Status.PUBLISHED),
    ],
)
def test_the_front_matter_of_a_page_that_is_not_built_is_read(
    tmp_path: Path, front: str, status: Status
) -> None:
    article = one(tmp_path, "p.html", f"{front}<h1>Waves</h1><p>{PROSE}</p>", "html")
    assert (article.title, article.status) == ("Kelp", status)
    assert "title" not in str(article.sections)


@pytest.mark.parametrize(
    "empty", ["title:\nimage:", "title: ''\nauthor: ''\nimage: {src: ''}\ntags: []"]
)
def test_front_matter_without_values_leaves_what_the_page_says(tmp_path: Path, empty: str) -> None:
    front = f"---\n{empty}\ndate:\nsections: [x]\nlinks: {{home: /}}\n---\n"
    head = "<meta property='og:image' content='/a.png'><meta property='article:tag' content='sea'>"
    head += "<meta name='author' content='Ann Lee'>"
    article = one(tmp_path, "p.html", f"{front}{head}<h1>Waves</h1><p>{PROSE}</p>", "html")
    assert (article.title, article.sections[0].text) == ("Waves", PROSE.strip())
    assert (article.image and article.image.src, article.tags) == ("/a.png", ("sea",))
    assert article.authors == ("Ann Lee",)
    plain = one(tmp_path, "p.txt", f"{front}Waves\n\n{PROSE}\n", "plain")
    assert (plain.title, plain.sections[0].text) == ("Waves", PROSE.strip())


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_settings_above_a_page_that_no_one_reads_are_reported(tmp_path: Path, suffix: str) -> None:
    front = '[viewBag]\n[blogPosts recent]\ntitle = "Kelp"\nis_hidden = 1\n==\n'
    (tmp_path / f"p.{suffix}").write_text(f"{front}<h1>Waves</h1>\n\n{PROSE}")
    kind = "html" if suffix == "html" else "markdown"
    articles, report = read({"kind": kind, "path": str(tmp_path)})
    assert not articles
    assert "draft" in str(report.problems[0])


def test_a_comment_above_a_built_page_is_no_front_matter(tmp_path: Path) -> None:
    page = f"<!-- layout: post -->\n<!doctype html><title>Kelp</title><p>{PROSE}</p>"
    assert one(tmp_path, "p.html", page, "html").title == "Kelp"


@pytest.mark.parametrize(
    "head",
    [
        "<link rel=canonical href='http://localhost:4000/a.html'>",
        "<link rel=canonical href=undefined>",
        "<link rel=canonical href='https://shore.example/{{ page.url }}'>",
        "<meta property=og:url content='https://shore.example/'>",
        "<meta property=og:url content='http://127.0.0.1:3000/a'>",
        '<script type=application/ld+json>{"@type": "Article", "url": "http://shore.test/a"}</script>',
    ],
)
def test_an_address_that_a_template_states_by_mistake_is_not_the_page_s(
    tmp_path: Path, head: str
) -> None:
    page = f"<html><head><title>Kelp</title>{head}</head><p>{PROSE}</p>"
    assert one(tmp_path, "notes/a.html", page, "html").url == "/notes/a.html"


def test_a_number_in_the_query_of_the_home_page_is_an_address_of_wordpress(tmp_path: Path) -> None:
    page = f"<link rel=canonical href='http://shore.example/?p=959'><h1>Kelp</h1>{BODY}"
    assert one(tmp_path, "p.html", page, "html").url == "http://shore.example/?p=959"


def test_a_page_may_be_called_null_or_stand_on_an_intranet(tmp_path: Path) -> None:
    head = "<link rel=canonical href='https://wiki.local/docs/null'>"
    page = f"<html><head><title>Kelp</title>{head}</head><p>{PROSE}</p>"
    assert one(tmp_path, "docs/null.html", page, "html").url == "https://wiki.local/docs/null"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("<meta name=status content=draft>", Status.HIDDEN),
        ("<meta name=status content=final>", Status.PUBLISHED),
        (
            '<script type=application/ld+json>{"@type": "Article", "creativeWorkStatus": '
            '{"@type": "DefinedTerm", "name": "Draft"}}</script>',
            Status.DRAFT,
        ),
    ],
)
def test_a_page_s_own_status_is_heard(tmp_path: Path, head: str, status: Status) -> None:
    page = f"<html><head><title>Kelp</title>{head}</head><p>{PROSE}</p>"
    assert one(tmp_path, "a.html", page, "html").status is status


@pytest.mark.parametrize(
    "line",
    [
        "Published on {} in Travel.",
        "Posted on {} by Ann.",
        "Published by Ann Baker on {}.",
        "Published online {}.",
        "Published {} at 10:00 a.m.",
    ],
)
def test_a_line_that_says_when_it_was_published_says_more(tmp_path: Path, line: str) -> None:
    said = line.format("<time>1 March 2026</time>")
    page = f"<article><h1>Kelp</h1><p>{said}</p>{BODY}</article>"
    assert one(tmp_path, "p.html", page, "html").date == dt.date(2026, 3, 1)


def test_of_two_days_in_one_line_the_first_is_the_article_s(tmp_path: Path) -> None:
    days = "<b class=post-date>1 Mar 2026</b> <b class=entry-date>5 Mar 2026</b>"
    page = f"<article><h1>Kelp</h1><div>{days}</div>{BODY}</article>"
    assert one(tmp_path, "p.html", page, "html").date == dt.date(2026, 3, 1)


def test_a_title_that_webflow_hides_is_none(tmp_path: Path) -> None:
    hidden = "<h1 class='w-condition-invisible w-dyn-bind-empty'></h1>"
    page = f"<article>{hidden}<h1>Kelp calms the waves</h1>{BODY}</article>"
    assert one(tmp_path, "p.html", page, "html").title == "Kelp calms the waves"

"""Pages in folders: HTML, plain text, Markdown."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from index.articles.foreign_dates import FAR_FUTURE
from index.articles.record import Record, RecordProblem
from index.errors import SourceError
from index.sources.registry import open_source
from recommender.article import Article, Image, Status
from tests.support.sample_records import read


def one(folder: Path, name: str, text: str | bytes, kind: str, **options: Any) -> Article:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    articles, report = read({"kind": kind, "path": str(folder), **options})
    assert report.read == report.kept == 1, report
    return next(iter(articles.values()))


def told(article: Article) -> list[tuple[str, str]]:
    return [(section.heading, section.text) for section in article.sections]


@pytest.mark.parametrize(
    ("said", "src"),
    [
        ("image: {path: /k.jpg, alt: K}", "/k.jpg"),  # jekyll-seo-tag
        ("coverImage: /k.jpg", "/k.jpg"),
        ("og_image: /k.jpg", "/k.jpg"),
        ("header:\n  teaser: /k.jpg\n  overlay_color: '#000'", "/k.jpg"),
        ("seo:\n  image:\n    src: /k.jpg", "/k.jpg"),
        ("header: A headline\nindex_img: /k.jpg", "/k.jpg"),
        ("cover: {image: k.jpg, relative: true}", "/sea/k.jpg"),
        ("images: [../k.jpg]", "/k.jpg"),
        ("img: /k.jpg", "/k.jpg"),
        ("params: {image: /k.jpg, author: Ann}", "/k.jpg"),
        ("image: /k.jpg\nextra: {image: /other.jpg}", "/k.jpg"),
        ("image: ''", ""),
        ("cover: {image: ''}", ""),
    ],
)
def test_the_picture_of_a_page_is_found_and_may_lie_beside_it(
    tmp_path: Path, said: str, src: str
) -> None:
    (tmp_path / "hugo.toml").touch()
    page = f"---\ntitle: Kelp\n{said}\n---\nText."
    image = one(tmp_path, "content/sea/index.md", page, "markdown").image
    assert (image.src if image else "") == src


def test_links_to_files_name_them_as_pelican_and_zola_write_them(tmp_path: Path) -> None:
    text = (
        "Title: Rye\n\n[K]({filename}/sea/kelp.md), [w](|filename|wrack.md#b), [b](@/sea/b.md#x)."
    )
    links = one(tmp_path, "food/rye.md", text, "markdown").links
    urls = ["file:sea/kelp.md", "file:food/wrack.md", "file:sea/b.md"]
    assert [link.url for link in links] == urls


REFERENCE = """Treatments Cut Relapses

Treatments Cut Relapses
Credibility
Interest
Key Takeaway

In people with the disease, treatments were linked to fewer relapses.

Who Should Care and Why?

Patients should.
And so should others

You May Also Like

Gut Bacteria: What You Need to Know
Gut Bacteria: What You Need to Know

12/31/2026

Learn how certain bacteria can wor

Read More
Understanding Research

Whether you have recently been diagnosed or not.
"""


def test_a_plain_page_is_its_sections_without_related_links_and_footer(tmp_path: Path) -> None:
    article = one(tmp_path, "page.txt", REFERENCE, "plain")
    assert article.title == "Treatments Cut Relapses"
    assert told(article) == [
        ("Key Takeaway", "In people with the disease, treatments were linked to fewer relapses."),
        ("Who Should Care and Why?", "Patients should.\nAnd so should others"),
    ]
    assert (article.date, article.id) == (None, "page")


def test_the_reference_page_s_four_sections_are_found() -> None:
    page = Path(__file__).parents[3] / "shared" / "reference" / "article-page.txt"
    if not page.exists():
        pytest.skip("the reference page lies beside the repository only where it is developed")
    articles, _ = read({"kind": "plain", "path": str(page)})
    assert [section.heading for section in articles["article-page"].sections] == [
        "Key Takeaway",
        "What They Found",
        "Who Should Care and Why",
        "Important Considerations",
    ]


def test_a_plain_page_loses_no_line_of_its_text(tmp_path: Path) -> None:
    text = "Title\nA first line.\nA second one\n\n- a\n- b\n\nRelated work is <b> & c.\n"
    article = one(tmp_path, "page.txt", text, "plain")
    assert told(article) == [
        ("", "A first line.\nA second one\n- a\n- b\nRelated work is <b> & c.")
    ]


@pytest.mark.parametrize(
    ("name", "front"),
    [
        ("a.txt", "---\ntitle: Kelp\ndraft: true\ndate: 2026-03-01\n---\n"),
        ("a.txt", "Title: Kelp\nStatus: draft\nDate: 2026-03-01\n\n"),
        ("drafts/a.txt", "Title: Kelp\nDate: 2026-03-01\n\n"),
    ],
)
def test_a_plain_page_s_front_matter_and_folder_tell_a_draft(
    tmp_path: Path, name: str, front: str
) -> None:
    article = one(tmp_path, name, f"{front}The waves were a quarter lower.\n", "plain")
    assert (article.title, article.status) == ("Kelp", Status.DRAFT)
    assert article.date == dt.date(2026, 3, 1)
    assert told(article) == [("", "The waves were a quarter lower.")]


HTML = """<!doctype html><html lang="pt-BR"><head><title>T | Site</title>
<meta property="og:title" content="OG title"><meta property="og:image" content="/og.png">
<meta property="og:image:alt" content="A &quot;pic&quot;">
<meta name=description content="D &amp; d">
<meta property="article:tag" content="one"><meta property="article:tag" content="two">
<link rel="canonical" href="https://site.example/a/b"></head>
<body><header>Site name</header><nav>Home</nav>
<main><article><header><h1>The <em>title</em></h1>
<time datetime="2026-01-02T23:30:00-05:00">2 Jan</time></header><p>First
  paragraph, <b>bo</b>ld &lt;div&gt; &amp;amp; x&shy;y.</p><aside>Advert</aside>
<h2>Part</h2><ul><li>one<li>two</ul><table><tr><td>a<td>b</table>
<div class="share sharing">Share this</div><div hidden>no</div><script>var a = "<p>no";</script>
<h3>Deeper</h3>Loose text<br>after a break
<section><h2>Related articles</h2><div class=card><h3>Card</h3><p>Teaser</p></div></section>
<h2>Sources</h2><p>Kept.</p></article>
<section><h2>You May Also Like</h2><article><h3>Card</h3></article></section></main>
<footer>Imprint</footer></body></html>"""


def test_an_html_page_is_what_a_reader_reads(tmp_path: Path) -> None:
    article = one(tmp_path, "a/b/index.html", HTML, "html")
    assert article == Article(
        id="a/b",
        title="The title",
        url="https://site.example/a/b",
        sections=article.sections,
        excerpt="D & d",
        image=Image(src="https://site.example/og.png", alt='A "pic"'),
        date=dt.date(2026, 1, 2),
        language="pt-br",
        tags=("one", "two"),
        links=article.links,
        aliases=article.aliases,
    )
    assert told(article) == [
        ("", "First paragraph, bold <div> &amp; xy."),
        ("Part", "one\ntwo\na\nb"),
        ("Deeper", "Loose text\nafter a break"),
        ("Sources", "Kept."),
    ]


def test_a_selector_wins_over_what_is_found(tmp_path: Path) -> None:
    page = (
        "<h1>Logo</h1><div class=t data-id='x/7'>Real title</div><p class=by>A</p><p class=by>B</p>"
        "<i data-on='2026-05-06'>May</i><div class=c><p>Text</p><p class=ad>Buy</p></div>"
    )
    select = {"title": ".t", "id": ".t@data-id", "authors": ".by", "date": "i@data-on"}
    article = one(tmp_path, "p.html", page, "html", select=select, main=".c", drop=[".ad"])
    assert (article.id, article.title, article.authors) == ("x/7", "Real title", ("A", "B"))
    assert article.date == dt.date(2026, 5, 6)
    assert told(article) == [("", "Text")]


def test_json_ld_tells_what_the_page_does_not_show(tmp_path: Path) -> None:
    page = """<script type="application/ld+json">{broken</script>
    <script type="application/ld+json">[{"@type": "Organization", "name": "Not me"},
    {"@type": ["Thing", "NewsArticle"], "headline": "AT&amp;T", "image": ["https://x.example/i.png"],
     "datePublished": "2026-03-04", "expires": "2030-01-01T00:00:00Z",
     "author": [{"name": "A"}, "B"],
     "keywords": "k1, k2", "inLanguage": {"alternateName": "de"}, "creativeWorkStatus": "Draft",
     "mainEntityOfPage": {"@id": "https://x.example/a"}, "articleBody": "The body"}]</script>"""
    article = one(tmp_path, "p.html", page, "html")
    assert article == Article(
        id="p",
        title="AT&T",
        url="https://x.example/a",
        sections=article.sections,
        image=Image(src="https://x.example/i.png"),
        date=dt.date(2026, 3, 4),
        status=Status.DRAFT,
        visible_until=dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
        language="de",
        tags=("k1", "k2"),
        authors=("A", "B"),
        links=article.links,
        aliases=article.aliases,
    )
    assert told(article) == [("", "The body")]


def test_a_column_called_sidebar_costs_no_article_its_text(tmp_path: Path) -> None:
    page = "<h1>T</h1><div class=sidebar><form><p>" + "All of the text. " * 20 + "</form></div>"
    assert "All of the text." in told(one(tmp_path, "p.html", page, "html"))[0][1]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("<meta charset=windows-1252><h1>\u201eGrüße\u201c", "windows-1252"),
        ("<meta charset=iso-8859-1><h1>\u201eGrüße\u201c", "windows-1252"),
        ("<h1>\u201eGrüße\u201c", "utf-16"),
        ("<h1>\u201eGrüße\u201c", "utf-8-sig"),
        ("<meta charset=no-such><h1>\u201eGrüße\u201c", "utf-8"),
    ],
)
def test_a_page_is_read_in_its_encoding(tmp_path: Path, content: str, encoding: str) -> None:
    assert one(tmp_path, "p.html", content.encode(encoding), "html").title == "„Grüße“"


@pytest.mark.parametrize(
    ("name", "content", "kind", "reason"),
    [
        ("p.html", b"", "html", "invalid-html"),
        ("p.html", b"<div>" * 5000 + b"x", "html", "invalid-html"),
        ("p.html", b"<h1 " + b" ".join(b"a%d" % n for n in range(90_000)), "html", "invalid-html"),
        ("p.html", b"<h1 " + b"".join(b"a%d='>'" % n for n in range(9000)), "html", "invalid-html"),
        ("p.html", b"<h1>\xff\xfe", "html", "invalid-encoding"),
        ("p.html", b"<p>no title", "html", "title: missing"),
        ("p.txt", b" \n\n ", "plain", "empty"),
        ("p.txt", b"\xff", "plain", "invalid-encoding"),
        ("p.txt", b"TITLE: A\nSTATUS: Draft\n-----\nBODY:\nText\n", "plain", "many-posts"),
        ("p.md", b"---\ntitle: x\n", "markdown", "front-matter"),
        ("p.md", b"---\ntitle: [\n---\n", "markdown", "front-matter"),
        ("p.md", b"---\na: &a [*a]\n---\n", "markdown", "front-matter"),
        (
            "p.md",
            b"---\na: !!python/object/apply:os.system ['x']\n---\n",
            "markdown",
            "front-matter",
        ),
        ("p.md", b"---\n- x\n---\n", "markdown", "front-matter"),
        ("p.md", b'{"title": "T", "draft": true\n', "markdown", "front-matter"),
        ("p.md", b"---\na: " + b"[" * 500 + b"\n---\n", "markdown", "front-matter"),
        ("p.md", b"+++\na = \n+++\n", "markdown", "front-matter"),
        ("p.md", b'"title": "T",\n"published": false\n;;;\nWords', "markdown", "front-matter"),
        ("_index.md", b"---\ntitle: List\n---\n", "markdown", "list-page"),
        ("p.md", b"no title", "markdown", "title: missing"),
        ("Empty page.md", b"", "markdown", "title: missing"),
        ("p.md", b"x" * (4 * 1024 * 1024 + 1), "markdown", "page-too-long"),
    ],
)
def test_a_page_that_cant_be_used_is_reported_with_its_path(
    tmp_path: Path, name: str, content: bytes, kind: str, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    articles, report = read({"kind": kind, "path": str(tmp_path)})
    assert not articles
    assert report.skipped == {reason: 1}
    assert report.problems[0].location == str(tmp_path / name)


def test_front_matter_of_hugo_decides_visibility(tmp_path: Path) -> None:
    text = (
        "---\ntitle: 'Hugo: <T> & co'\ndate: 2027-01-01\npublishDate: 2026-05-01T08:00:00+02:00\n"
        "expiryDate: 2030-01-01\ndraft: true\ntags: [a, 12]\ncategories: News\nslug: sluggy\n"
        "images: [/i.png]\nauthor: {name: N}\ndescription: D\nlang: de\nweight: 3\n---\n"
        "Intro *x* `<b>`{{< figure src=x >}}\n\n## Two\n\n- a\n- b\n\nSetext\n------\ntail\n"
    )
    article = one(tmp_path, "posts/file.md", text, "markdown")
    assert article == Article(
        id="posts/sluggy",
        title="Hugo: <T> & co",
        url="/posts/sluggy",
        sections=article.sections,
        excerpt="D",
        image=Image(src="/i.png"),
        date=dt.date(2027, 1, 1),
        status=Status.DRAFT,
        visible_from=dt.datetime(2026, 5, 1, 6, tzinfo=dt.UTC),
        visible_until=dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
        language="de",
        tags=("a", "12", "News"),
        authors=("N",),
        links=article.links,
        aliases=article.aliases,
    )
    assert told(article) == [("", "Intro x <b>"), ("Two", "a\nb"), ("Setext", "tail")]


def test_a_post_of_jekyll_has_its_date_in_its_name(tmp_path: Path) -> None:
    text = (
        "---\nlayout: post\npublished: false\npermalink: /:year/:title/\n---\n# From the heading\n"
    )
    article = one(tmp_path, "2024-02-03-a-post.md", text, "markdown")
    assert (article.id, article.url) == ("a-post", "/a-post")
    assert (article.date, article.status) == (dt.date(2024, 2, 3), Status.HIDDEN)
    assert article.title == "From the heading"


def test_the_names_of_tina_and_hashnode_are_read(tmp_path: Path) -> None:
    text = "---\ntitle: T\nheroImg: /h.png\nseoDescription: Kelp.\n---\nText\n"
    article = one(tmp_path, "p.md", text, "markdown")
    assert (article.excerpt, article.image) == ("Kelp.", Image(src="/h.png"))


def test_toml_and_the_names_of_astro_are_read(tmp_path: Path) -> None:
    front = 'title = "T"\npubDate = 2026-01-02\nheroImage = "/h.png"\ncustom = "mine"'
    text = f"+++\n{front}\n+++\n\nText\n"
    article = one(tmp_path, "p.md", text, "markdown", map={"excerpt": "custom"})
    assert (article.date, article.excerpt) == (dt.date(2026, 1, 2), "mine")
    assert article.image == Image(src="/h.png")


def test_pages_are_read_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b", "a/z", "a/b", "c"):
        path = tmp_path / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# {name}")
    (tmp_path / "c.png").write_bytes(b"x")
    for location in (str(tmp_path), f"{tmp_path}/**/*.md"):
        assert list(read({"kind": "markdown", "path": location})[0]) == ["a/b", "a/z", "b", "c"]


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("none", "there is no folder or file none; give a folder with .html"),
        ("none/**/*.html", "holds no pages; give a folder with .html"),
        (".", "holds no pages; give a folder with .html"),
    ],
)
def test_no_page_at_all_is_an_error(
    tmp_path: Path, location: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=re.escape(said)):
        list(open_source({"kind": "html", "path": location}).records())


def test_posts_of_one_name_on_several_days_all_stay(tmp_path: Path) -> None:
    for name in ("2026-01-31-links", "2026-02-28-links", "2026-03-01-kelp", "links"):
        (tmp_path / f"{name}.md").write_text(f"---\ntitle: {name}\n---\nWords")
    for name in ("2026-04-01-a", "2026-04-02-b"):
        (tmp_path / f"{name}.md").write_text(f"---\ntitle: {name}\nslug: same\n---\nWords")
    articles, report = read({"kind": "markdown", "path": str(tmp_path)})
    dated = ["2026-02-28-links", "2026-04-02-b"]
    assert sorted(articles) == [*dated, "kelp", "links", "links.md", "same"]
    assert report.kept == 6


def test_what_is_no_content_is_reported(tmp_path: Path) -> None:
    for name in ("_drafts/x.md", ".github/y.md", "README.md", "a.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# T\n\nWords")
    articles, report = read({"kind": "markdown", "path": str(tmp_path)})
    assert list(articles) == ["a"]
    assert report.skipped == {"not-content": 3}
    named, _ = read({"kind": "markdown", "path": str(tmp_path / "_drafts"), "preset": "none"})
    assert list(named) == ["x"]


def test_code_that_computes_addresses_is_said_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "2026-01-02-a.md").write_text("---\ntitle: T\nkind: log\n---\nWords")
    data = "module.exports = { permalink: (data) => data.page.fileSlug };\n"
    (tmp_path / "posts.11tydata.js").write_text(data)
    (tmp_path / f"{tmp_path.name}.11tydata.js").write_text(data)
    table = {"kind": "markdown", "path": str(tmp_path)}
    articles, report = read(table)
    assert "set url_template" in next(str(one) for one in report.problems if one.field == "url")
    articles, report = read({**table, "url_template": "/{kind}/{year}/{slug}/"})
    assert [article.url for article in articles.values()] == ["/log/2026/a/"]
    assert not report.skipped
    assert not [str(one) for one in report.problems if "set url_template" in str(one)]
    assert open_source({**table, "preset": "none"}).remarks == ()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("markdown.md", "---\ntitle: A page\n---\nWords\n"),
        ("html.html", f"<h1>A page</h1><p>{'Words of it. ' * 30}"),
        ("plain.txt", "A page\n\nWords"),
    ],
)
def test_files_that_no_page_is_made_of_are_reported(tmp_path: Path, kind: str, text: str) -> None:
    kind, _, suffix = kind.partition(".")
    for name in ("_about", ".hidden", "page", "_static/x", ".cache/x", "a/b/c/_index"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.{suffix}").write_text(text)
    records = list(open_source({"kind": kind, "path": str(tmp_path)}).records())
    assert [type(record) for record in records].count(Record) == 1
    reasons = [record.reason for record in records if isinstance(record, RecordProblem)]
    assert sorted(reasons) == ["list-page"] + 4 * ["not-content"]
    for named in (f"_about.{suffix}", f"_static/*.{suffix}"):  # the path itself names it
        found = list(open_source({"kind": kind, "path": str(tmp_path / named)}).records())
        assert [type(record) for record in found] == [Record]


SLUGGED = "permalink: '/{{{{ seen | {} }}}}/'\nseen: Don't wait & see (Üb)"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"hugo.toml": "[permalinks]\nboats = '/:tide/:slug/'\n", "content/boats/a.md": ""},
            ":tide",
        ),
        ({"hugo.toml": "[permalinks]\nboats = '/:year/'\n", "content/boats/a.md": ""}, ":year"),
        ({"_config.yml": "permalink: /:tide/:title\n", "_posts/2026-01-02-a.md": ""}, ":tide"),
        ({"eleventy.config.js": "", "a.md": "permalink: '/{{ tide | high }}/'\n"}, "high"),
        ({"eleventy.config.js": "", "a.md": f"{SLUGGED.format('slug')}\n"}, "slug"),
        ({"eleventy.config.js": "", "a.md": f"{SLUGGED.format('slugify')} œ\n"}, "slugify"),
        ({"zola.toml": "base_url = '/'", "content/a.md": "slug: 10 €\n"}, "zola"),
        (
            {
                "_config.yaml": "source_dir: s\npermalink: :category/",
                "s/_posts/a.md": "tag: x\ncategory: Été\n",
            },
            "hexo",
        ),
        ({"hugo.toml": "", "content/a.md": "url: /:tide/:slug/\n"}, ":tide"),
        ({"astro.config.mjs": "export default {}", "src/content/blog/a.md": ""}, "starlight"),
    ],
)
def test_an_address_that_cant_be_known_is_said_with_the_remedy(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        front = f"---\ntitle: T\n{text}---\nWords"
        (tmp_path / name).write_text(front if name.endswith(".md") else text)
    table = {"kind": "markdown", "path": str(tmp_path)}
    told = [str(one) for one in read(table)[1].problems if one.field == "url"]
    assert len(told) == 1
    assert message in told[0]
    assert "set url_template" in told[0]
    assert not read({**table, "url_template": "/x/{slug}"})[1].problems


@pytest.mark.parametrize(
    ("files", "address"),
    [
        (
            {"astro.config.mjs": "x({ site: 'https://x.example', base: '/b' }, starlight())"},
            "/b/a/",
        ),
        (
            {"_config.yml": "title: x", "front": "permalink: https://y.example/a"},
            "https://y.example/a",
        ),
        ({"zola.toml": "base_url = '/'", "front": "slug: ../../a b"}, "/a-b/"),
        ({"hugo.toml": "baseURL = '/'", "front": "url: /x/../../y/"}, "/x/y/"),
        ({"hugo.toml": "removePathAccents = true", "front": "slug: Été à Ñ"}, "/ete-a-n/"),
        ({"hugo.toml": "", "front": "date: 2026-02-03\nurl: /:year/:day/:slug/"}, "/2026/03/t/"),
        (
            {"hugo.toml": "[languages.fr]\nbaseURL = 'https://fr.example/b/'", "front": "lang: fr"},
            "https://fr.example/b/a/",
        ),
        (
            {"zola.toml": "base_url = '/'", "front": "slug: Don\u2019t \u2013 \u00e9t\u00e9 2"},
            "/don-t-ete-2/",
        ),
        ({"eleventy.config.js": "", "front": SLUGGED.format("slugify")}, "/dont-wait-and-see-ueb/"),
        ({"eleventy.config.js": "", "front": "permalink: {build: /made/}"}, "/made/"),
        ({"eleventy.config.js": "", "front": "eleventyComputed: {permalink: /b/}"}, "/b/"),
        ({"front": "slug: /../a"}, "/a"),
    ],
)
def test_a_page_s_address_is_the_site_s(
    tmp_path: Path, files: dict[str, str], address: str
) -> None:
    front = files.pop("front", "x: y")
    content = {"astro": "src/content/docs", "zola.": "content", "hugo.": "content"}
    folder = tmp_path / content.get(next(iter(files), "")[:5], "")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (folder / "a.md").write_text(f"---\ntitle: T\n{front}\n---\nWords")
    articles, _ = read({"kind": "markdown", "path": str(tmp_path)})
    assert [article.url for article in articles.values()] == [address]


@pytest.mark.parametrize(
    ("config", "name", "alias"),
    [
        ({"zola.toml": "base_url = '/b'"}, "content/p/a.md", "/b/old/1.0.html"),
        ({"_config.yml": "baseurl: /b"}, "p/a.md", "/b/old/1.0.html"),
        ({"_config.yml": "source_dir: s\nroot: /b/"}, "s/p/a.md", "/b/old/1.0.html"),
        ({"hugo.toml": "baseURL = '/b/'"}, "content/p/a.md", "/b/p/old/1.0.html"),
        ({"eleventy.config.js": ""}, "p/a.md", "/p/a/old/1.0.html"),
    ],
)
@pytest.mark.parametrize("form", ["alias: {}", "aliases: [{}]"])
def test_another_address_without_a_slash_is_where_the_generator_has_it(
    tmp_path: Path, config: dict[str, str], name: str, alias: str, form: str
) -> None:
    (article,) = page_of(tmp_path, {**config, name: form.format("old/1.0.html")})
    assert article.aliases == (f"file:{name}", alias)


@pytest.mark.parametrize("broken", ["a.json", "boats.11tydata.json", "_index.md"])
def test_data_of_a_page_that_cant_be_read_hides_it(tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "boats"
    folder.mkdir()
    (tmp_path / "eleventy.config.js").write_text("")
    if broken == "_index.md":
        (tmp_path / "eleventy.config.js").rename(tmp_path / "hugo.toml")
        folder = tmp_path / "content"
        folder.mkdir()
    (folder / broken).write_text("---\ncascade: [\n---\n" if broken == "_index.md" else "{")
    (folder / "a.md").write_text("---\ntitle: T\n---\nWords")
    articles, report = read({"kind": "markdown", "path": str(tmp_path)})
    assert [article.status for article in articles.values()] == [Status.HIDDEN]
    assert any(broken in str(problem) for problem in report.problems)


ZOLA = "base_url = '/'\n[languages.fr]\n"
SOURCE = {"source/_posts/a.md": "date: 2020-02-03"}
CONTENT = {"c/_posts/2020-02-03-a.md": "url: /p"}
FRENCH = "config/_default/languages.fr"
HEXO, JEKYLL = "/2020/02/03/a/", "/b/2020/02/03/a.html"
MARA = "mara: {name: Mara Lind}"
TARGET = "[cascade.target]\npath = '/lab/**'\n"
DATA = "module.exports = { unlisted: true, tags: ['a'] };"


MINTLIFY = (
    '{"$schema": "https://mintlify.com/docs.json", "navigation": {"tabs": ['
    '{"pages": ["b", "/c/a"]}, {"tab": "Beta", "hidden": true, "pages": ["d/a"]}]},'
    ' "redirects": [{"source": "a"}]}'
)


def page_of(folder: Path, files: dict[str, str]) -> list[Article]:
    """The articles of a site; a page is given as its front matter, and a body behind "|"."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        front, _, body = text.partition("|")
        page = f"---\ntitle: T\n{front}\n---\n{body or 'Words'}"
        (folder / name).write_text(page if name.endswith((".md", ".mdx")) else text)
    return list(read({"kind": "markdown", "path": str(folder)})[0].values())


@pytest.mark.parametrize(
    "files",
    [
        {"hugo.toml": f"[[cascade]]\ndraft = true\n{TARGET}", "content/lab/deep/a.md": ""},
        {"hugo.yaml": "cascade: {build: {list: never}}", "content/a.md": ""},
        {"hugo.json": '{"cascade": {"params": {"private": true}}}', "content/a.md": ""},
        {"hugo.toml": "", "content/a.md": "publishDate: 2020-01-01\npublishDate: 2099-01-01"},
        {"hugo.toml": "", "content/a.md": "publishDate: 2099-01-01\npublishDate: 2020-01-01"},
        {"hugo.toml": "", "content/a.md": "expiryDate: 2020-01-01\nexpiryDate: 2099-01-01"},
        {"hugo.toml": "[frontmatter]\nexpiryDate = ['out']", "content/a.md": "out: 2020-01-01"},
        {"hugo.toml": "[frontmatter]\npublishDate = ['out']", "content/a.md": "out: 2099-01-01"},
        {"hugo.toml": "", "content/a.md": "date: 2020-01-01\npubdate: 2099-01-01"},
        {"zola.toml": ZOLA, "content/b/_index.fr.md": "draft: true", "content/b/a.fr.md": ""},
        {"a.md": "publish_date: 2020-01-01\nembargo: 2099-01-01"},
        {"drafts/a.md": ""},
        {"posts/Unpublished/a.md": ""},
        {"a.draft.md": ""},
        {"draft_a.md": ""},
        {"a.md": "", "a.meta": ".. title: A\n.. status: draft"},
        {"a.mkd": ".. title: A\n.. status: draft\n\n# A\n\nWords"},
        {"a.md": "", "a.meta": "title: A\nstatus: private\n"},
        {f"A {'8c14a3b7' * 4}.mkd": "# A\n\nStatus: Draft\nTags: sea\n\nWords"},  # Notion
        {"A kelp.mkd": "type:: [[Sea]]\npublic:: false\n\n- Words"},  # Logseq
        {"A kelp.mkd": "- public:: false\n  type:: [[Sea]]\n- Words"},
        {"a.md": '|<head><meta name="robots" content="noindex"></head>\n\nWords'},
        {"a.mdx": "|export const metadata = {\n  robots: { index: false },\n}\n\nWords"},
        {"a.md": "|```{meta}\n:robots: noindex\n```\n\nWords"},
        {"a.mdx": "|export const meta = { title: 'T', draft: true }\n\nWords"},
        {"a.mdx": "|export const published: boolean = false;\n\n# T\n\nWords"},
        {"eleventy.config.js": "", "lab/lab.11tydata.js": DATA, "lab/a.md": ""},
        {"eleventy.config.js": "", "a.md": "eleventyComputed: {draft: true}"},
        {"logseq/config.edn": ";; :publishing/all-pages-public? true", "pages/a.md": "tags: x"},
        {"quartz.config.ts": "filters: [Plugin.ExplicitPublish()]", "content/a.md": "tags: x"},
        {"docs.json": MINTLIFY, "a.md": ""},
        {"docs.json": MINTLIFY, "d/a.md": ""},
    ],
)
def test_what_hides_a_page_holds_wherever_it_is_said(tmp_path: Path, files: dict[str, str]) -> None:
    (article,) = page_of(tmp_path, files)
    now = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
    is_on = (article.visible_from or now) <= now < (article.visible_until or FAR_FUTURE)
    assert article.status is not Status.PUBLISHED or not is_on


@pytest.mark.parametrize(
    "files",
    [
        {"logseq/config.edn": "{:publishing/all-pages-public? true}", "pages/a.md": ""},
        {"logseq/config.edn": "{}", "pages/a.md": "public: true"},
        *(
            {"logseq/config.edn": "{}", "pages/a.mkd": f"{properties}\n- Words"}
            for properties in (
                *("public:: true", "- public:: true", "public:: true\nlogseq.foo:: 1\n"),
                "- tags:: a\n  public:: true",
            )
        ),
        {"quartz.config.ts": "filters: [Plugin.RemoveDrafts()]", "content/a.md": ""},
        {"quartz.config.ts": "[Plugin.ExplicitPublish()]", "content/a.md": "publish: 'true'"},
        {"docs.json": MINTLIFY, "c/a.mdx": ""},
        {"docs.json": MINTLIFY.replace('"b"', '{"$ref": "./b.json"}'), "a.md": ""},
        {"docs.json": '{"navigation": []}', "a.md": ""},
    ],
)
def test_a_page_that_its_site_publishes_is_shown(tmp_path: Path, files: dict[str, str]) -> None:
    (article,) = page_of(tmp_path, files)
    assert article.status is Status.PUBLISHED


@pytest.mark.parametrize(
    ("name", "text", "about"),
    [
        ("logseq/config.edn", "{}", "graph of Logseq: only pages with public:: true are shown"),
        (
            "quartz.config.ts",
            "[ExplicitPublish()]",
            "Quartz: only pages with publish: true are shown",
        ),
        ("quartz.config.ts", "[]", "a site made by Quartz"),
        ("docs.json", MINTLIFY, "Mintlify: only pages that its navigation names are shown"),
    ],
)
def test_the_check_says_by_whose_rules_pages_are_shown(
    tmp_path: Path, name: str, text: str, about: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    table = {"kind": "markdown", "path": str(tmp_path)}
    (remark,) = open_source(table).remarks
    assert remark.endswith(f'{about} (preset = "none" turns that off)')
    assert open_source({**table, "preset": "none"}).remarks == ()


def test_settings_of_mintlify_must_be_readable(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"Mintlify's settings are no JSON: .*preset = \"none\""):
        page_of(tmp_path, {"docs.json": MINTLIFY[:-1], "a.md": ""})


@pytest.mark.parametrize(
    "files",
    [
        {"hugo.toml": r"ignoreFiles = ['\.old\.md$', '[']", "content/b.old.md": ""},
        {"hugo.toml": "[languages.fr]\ndisabled = true\n", "content/b.fr.md": ""},
        {"hugo.toml": "", f"{FRENCH}.toml": "disabled = true\n", "content/b.fr.md": ""},
        {"zola.toml": "base_url = '/'\nignored_content = ['*.old.md']", "content/b.old.md": ""},
        {"eleventy.config.js": "", ".eleventyignore": "# old\n./old/\n", "old/b.md": ""},
        {"eleventy.config.js": "", ".eleventyignore": "/b*\n!/a.md", "b.md": ""},
        {"eleventy.config.js": "", "b.md": "pagination: {data: boats, size: 1}"},
        {"_config.yml": "exclude: [old]", "old/b.md": ""},
        {"_config.yml": "source_dir: s\nskip_render: [old/*]", "s/old/b.md": ""},
        {"_config.yml": "title: Tides", "a.markdown": "# No front matter\n"},
        {"_config.yml": "", "vendor/bundle/x/b.md": "layout: x"},
        {"_config.yml": "collections_dir: c\ncollections: {in: {}}", "c/_in/b.md": ""},
        {"hugo.toml": "", "config/production/hugo.toml": "ignoreFiles=['b']", "content/b.md": ""},
        {"astro.config.mjs": "export default {}", "src/pages/[slug].md": ""},
        {"_config.yml": "languages: [en]\nplugins: [jekyll-polyglot]", "_i18n/en/a.md": ""},
        {"logseq/config.edn": "{}", "logseq/bak/pages/a/b.md": "public: true"},
        {"404.md": ""},
        {"index.md": "layout: home"},
        {"node_modules/x/guide.md": ""},
    ],
)
def test_what_the_site_makes_no_article_of_is_left_out(
    tmp_path: Path, files: dict[str, str]
) -> None:
    assert not page_of(tmp_path, files)


HEXO_CONFIG = "source_dir: s\npermalink: {}\n"
DAY = "date: 2026-01-05"


@pytest.mark.parametrize(
    ("config", "name", "front", "address"),
    [
        (":year/:month/:day/:title/", "_posts/sub/x", DAY, "/2026/01/05/sub/x/"),
        (":year/:name/", "_posts/sub/x", DAY, "/2026/x/"),
        (":year/:title/", "_posts/2026-01-02-a", DAY, "/2026/2026-01-02-a/"),
        (":year/:title/", "_posts/a", f"{DAY}\nslug: other", "/2026/a/"),
        (
            ":day/:title/\nnew_post_name: :year-:month-:day-:title.md",
            "_posts/2026-01-02-a",
            "x: y",
            "/02/a/",
        ),
        (":category/:title/", "_posts/a", f"{DAY}\ncategories: Sea life", "/Sea-life/a/"),
        (":category/:title/", "_posts/a", f"{DAY}\ncategories: [Sea, Deep]", "/Sea/Deep/a/"),
        (":category/:title/", "_posts/a", DAY, "/uncategorized/a/"),
        (":category/:title/", "_posts/a", f"{DAY}\ncategories: [[A, B], [C]]", "/C/a/"),
        (":title/\nroot: /b/", "_posts/a", f"{DAY}\npermalink: own.html", "/b/own.html"),
        (":abbrlink-:n.html", "_posts/a", f"{DAY}\nabbrlink: 8ddf\nn: 3", "/8ddf-3.html"),
        (":title/", "about/index", "x: y", "/about/"),
        (":title/", "about/us", "x: y", "/about/us.html"),
    ],
)
def test_addresses_of_hexo_are_made_as_it_makes_them(
    tmp_path: Path, config: str, name: str, front: str, address: str
) -> None:
    files = {"_config.yml": HEXO_CONFIG.format(config), f"s/{name}.md": front}
    assert [article.url for article in page_of(tmp_path, files)] == [address]


def test_a_text_is_one_tag_of_hexo(tmp_path: Path) -> None:
    front = f"{DAY}\ncategories: Sea life\ntags: Deep water"
    files = {"_config.yml": HEXO_CONFIG.format(":title/"), "s/_posts/a.md": front}
    files["s/_drafts/b.md"] = DAY
    found = {article.url: (article.tags, article.status) for article in page_of(tmp_path, files)}
    assert found == {
        "/a/": (("Deep water", "Sea life"), Status.PUBLISHED),
        "/b/": ((), Status.DRAFT),
    }


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("es6-modules", "/docs/es6-modules"),
        ("step-2-install", "/docs/step-2-install"),
        ("web3-api/02-http2", "/docs/web3-api/http2"),
        ("7.0-foo", "/docs/7.0-foo"),
        ("2026-01-02-dated", "/docs/2026-01-02-dated"),
        ("01 - start", "/docs/start"),
    ],
)
def test_only_a_number_at_its_beginning_orders_a_page_of_docusaurus(
    tmp_path: Path, name: str, address: str
) -> None:
    files = {"docusaurus.config.js": "", f"docs/{name}.md": ""}
    assert [article.url for article in page_of(tmp_path, files)] == [address]


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        ({"a.md": "|```{html}\n<meta name='robots' content='noindex'>\n```"}, True),
        ({"a.md": "|````{example}\n```{meta}\n:robots: noindex\n```\n````"}, True),
        ({"_config.yml": "", "a.markdown": "Date: 2020-01-01\n\n# H\n\nText"}, False),
        ({"_config.yml": "", "a.markdown": "--- a/diff\n# H\nText"}, False),
        ({"mkdocs.yml": "exclude_docs: '!'", "docs/a.md": ""}, True),
        ({"mkdocs.yml": "exclude_docs: '!/templates/'", "docs/templates/a.md": ""}, True),
        ({"eleventy.config.js": "", ".eleventyignore": "a.md", "posts/a.md": ""}, True),
        ({"eleventy.config.js": "", ".eleventyignore": "d/*\n!d/a.md", "d/a.md": ""}, False),
        ({"eleventy.config.js": "", ".eleventyignore": "!\nd\\", "e/a.md": ""}, True),
    ],
)
def test_a_page_is_one_where_the_site_makes_it_one(
    tmp_path: Path, files: dict[str, str], shown: bool
) -> None:
    found = page_of(tmp_path, files)
    assert [article.status for article in found] == [Status.PUBLISHED] * shown


@pytest.mark.parametrize(
    "files",
    [
        {"docusaurus.config.js": "", "blog/authors.yml": MARA, "blog/2026-01-02-a.md": ""},
        {"_config.yml": "title: T", "_data/authors.yml": MARA, "_posts/2026-01-02-a.md": ""},
        {"mkdocs.yml": "plugins: [blog]", "docs/blog/.authors.yml": f"authors: {{{MARA}}}"}
        | {"docs/blog/posts/a.md": ""},
        {"hugo.toml": "", "content/authors/mara/_index.md": "title: Mara Lind"}
        | {"content/posts/a.md": ""},
    ],
)
def test_authors_are_named_by_the_site_s_table(tmp_path: Path, files: dict[str, str]) -> None:
    page = {[*files][-1]: "authors: [mara, {name: Jo Bo}, ann]"}
    (article,) = page_of(tmp_path, files | page)
    assert article.authors == ("Mara Lind", "Jo Bo", "ann")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("author: Jo Bo ([@jo](https://x.example/jo))", "Jo Bo (@jo)"),
        ("author: [{name: {given: Jo, family: Bo}}]", "Jo Bo"),
    ],
)
def test_authors_are_shown_without_markdown_and_whole(tmp_path: Path, said: str, name: str) -> None:
    (article,) = page_of(tmp_path, {"a.md": said})
    assert article.authors == (name,)


def test_a_title_of_mkdocs_is_that_of_its_navigation_if_the_page_has_none(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text(
        "nav:\n  - Guide:\n    - Getting started: a.md\n    - b.md\n"
    )
    for name, text in (("a", "Words."), ("b", "# Own\n\nWords.")):
        (tmp_path / "docs" / f"{name}.md").write_text(text)
    articles, _ = read({"kind": "markdown", "path": str(tmp_path)})
    assert {article.title for article in articles.values()} == {"Getting started", "Own"}


def test_pages_of_hugo_in_other_formats_are_told(tmp_path: Path) -> None:
    files = {"hugo.toml": "", "content/a.md": "", "content/b.adoc": "= B", "content/c.org": "C"}
    files |= {
        "content/d.html": "---\ntitle: D\n---\n",
        "content/e.html": "<p>",
        "e/f.html": "---\n",
        "content/g.Rmd": "---\n",
        "content/h.ipynb": "{}",
    }
    assert len(page_of(tmp_path, files)) == 1
    remarks = open_source({"kind": "markdown", "path": str(tmp_path)}).remarks
    assert remarks[-1].endswith("read: 1 .Rmd, 1 .adoc, 1 .html, 1 .ipynb, 1 .org")


def test_a_page_of_jekyll_may_have_an_empty_front_matter(tmp_path: Path) -> None:
    files = {"_config.yml": "title: Tides", "a.markdown": "---\n---\n# Boats\n\nWords."}
    assert [article.title for article in page_of(tmp_path, files)] == ["Boats"]


def test_a_draft_of_a_section_hides_the_pages_of_its_language_alone(tmp_path: Path) -> None:
    files = {"zola.toml": ZOLA, "content/b/_index.fr.md": "draft: true", "content/b/a.md": ""}
    assert [article.status for article in page_of(tmp_path, files)] == [Status.PUBLISHED]


def test_a_name_with_an_ampersand_stays_whole(tmp_path: Path) -> None:
    (article,) = page_of(tmp_path, {"a.md": "author: Research & Development\ntags: [[a], [b, c]]"})
    assert (article.authors, article.tags) == (("Research & Development",), ("a", "b", "c"))


@pytest.mark.parametrize(
    ("files", "address"),
    [
        ({"hugo.toml": "", f"{FRENCH}.yml": "contentDir: c/fr", "c/fr/_p/a.md": ""}, "/fr/_p/a/"),
        ({"_config.yml": "include: [_pages]", "_pages/a.md": "permalink: /a/"}, "/a/"),
        ({"_config.yml": "collections_dir: c", "c/_posts/2020-02-03-a.md": ""}, JEKYLL[2:]),
        ({"_config.yml": "source_dir: source", "source/_posts/a.md": "date: 2020-02-03"}, HEXO),
        ({"_config.yml": "a: b", "package.json": '{"hexo": {}}', **SOURCE}, HEXO),
        ({"eleventy.config.js": "", "_posts/2020-02-03-a.md": ""}, "/_posts/2020-02-03-a/"),
        ({"package.json": '{"next": "1"}', "_posts/2020-02-03-a.md": "url: /p"}, "/p"),
        ({"package.json": '{"a": {"@sveltejs/kit": "2"}}', **CONTENT, ".git/x": ""}, "/p"),
        ({"package.json": '{"a": {"@remix-run/node": "2"}}', **CONTENT}, "/p"),
        ({"Gemfile": 'gem "bridgetown", "~> 2"', **CONTENT}, "/p"),
        ({"bridgetown.config.yml": "a: b", **CONTENT}, "/p"),
        ({"package.json": '{"a": {"prettier": "3"}}', "_posts/2020-02-03-a.md": ""}, JEKYLL[2:]),
        ({"_posts/tides.md": "date: 2020-02-03\nurl: /tides"}, "/tides"),
        ({"_posts/2020-02-03-a.md": ""}, JEKYLL[2:]),
        ({"hugo.toml": "", "content/b/_posts/2020-02-03-a.md": ""}, "/b/_posts/2020-02-03-a/"),
        ({"_config.yml": "source: src\nbaseurl: /b", "src/_posts/2020-02-03-a.md": ""}, JEKYLL),
    ],
)
def test_folders_that_a_configuration_names_are_read(
    tmp_path: Path, files: dict[str, str], address: str
) -> None:
    assert [article.url for article in page_of(tmp_path, files)] == [address]
    posts = next(iter(sorted(tmp_path.rglob("_p*"))))
    articles, _ = read({"kind": "markdown", "path": str(posts)})
    assert [article.url for article in articles.values()] == [address]


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("headline: Kelp\ndate: [2026-03-01]\n---\n## Other", "Kelp"),
        ("title: [Kelp, Rye]\npost_date: 2026-03-01\n---\nWords", "Kelp"),
        ("name: kelp\ncreated: 2026-03-01\n---\n# Kelp\n\nWords", "Kelp"),
        ("sidebar_label: Kelp\nposted: 1 March 2026\n---\nWords", "Kelp"),
        ("title: Kelp\npublished: 2026-03-01\n---\nWords", "Kelp"),
        ("title: Kelp\npublished: true\ndate_created: 2026-03-01\n---\nWords", "Kelp"),
        ("title: {de: Tang}\ndate: 2026-03-01\n---\n# Kelp", "Kelp"),
    ],
)
def test_titles_and_dates_go_by_many_names(tmp_path: Path, page: str, title: str) -> None:
    article = one(tmp_path, "a.md", f"---\n{page}", "markdown")
    assert (article.title, article.date) == (title, dt.date(2026, 3, 1))


KELP = "Kelp grows.\n\n## Ecology\n\nOtters."


@pytest.mark.parametrize(
    ("config", "name", "page", "title"),
    [
        ("a.txt", "Kelp forests", KELP, "Kelp forests"),
        ("a.txt", "Kelp forests", "## Ecology\n\nOtters.", "Kelp forests"),
        ("a.txt", "昆布", KELP, "昆布"),
        ("a.txt", "KelpForests", "Otters.", "KelpForests"),
        ("a.txt", "Page1", "## Kelp\n\nOtters.", "Kelp"),
        ("a.txt", "kelp-forests", KELP, "Ecology"),
        ("a.txt", "Kelp forests", "# Otters\n\nText.", "Otters"),
        ("_config.yml", "_posts/2024-02-03-my-first-post", KELP, "My First Post"),
        ("_config.yml", "about-us", KELP, "Ecology"),
        ("mkdocs.yml", "docs/getting-started", KELP, "Getting started"),
        ("mkdocs.yml", "docs/Using Docker", KELP, "Using Docker"),
        ("mkdocs.yml", "docs/guide/README", KELP, "Guide"),
        ("docusaurus.config.js", "docs/01-quick_start", KELP, "Quick start"),
        ("hugo.toml", "content/kelp", KELP, "Ecology"),
        (".obsidian/app.json", "Kelp", "## Ecology\n\nOtters.", "Kelp"),
        ("quartz.config.ts", "content/kelp", KELP, "kelp"),
        ("_Sidebar.md", "Kelp-and-otters", "## Ecology\n\nOtters.", "Kelp and otters"),
    ],
)
def test_a_heading_within_a_page_is_no_title_where_the_name_is_one(
    tmp_path: Path, config: str, name: str, page: str, title: str
) -> None:
    fronts = "---\n---\n" * (config == "_config.yml")
    for file, text in ((config, ""), (f"{name}.md", f"{fronts}{page}")):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    articles, _ = read({"kind": "markdown", "path": str(tmp_path)})
    assert [article.title for article in articles.values()] == [title]


def test_the_abstract_is_the_text_of_a_page_without_another(tmp_path: Path) -> None:
    for body, text in (("\n", "Kelp *grows*."), ("Words.", "Words.")):
        page = f"---\ntitle: T\nextra: {{author: Ann}}\nabstract: Kelp *grows*.\n---\n{body}"
        article = one(tmp_path, "a.md", page, "markdown")
        assert [section.text for section in article.sections] == [text.replace("*", "")]
        assert article.authors == ("Ann",)


def test_pages_of_several_folders_may_state_the_same_id(tmp_path: Path) -> None:
    files = dict.fromkeys(("intro.md", "a/intro.md", "b/intro.md"), "id: intro")
    assert sorted(article.id for article in page_of(tmp_path, files)) == [
        "b/intro",
        "intro",
        "intro.md",
    ]


@pytest.mark.parametrize(
    ("name", "article_id", "of_statamic"),
    [
        ("2026-01-02-kelp", "kelp", "kelp"),
        ("2026-01-02.kelp", "2026-01-02.kelp", "kelp"),
        ("2026-01-02-0930.kelp", "0930.kelp", "kelp"),
        ("2026-01-02-2025.1-notes", "2025.1-notes", "1-notes"),
    ],
)
def test_a_files_name_may_begin_with_a_date(
    tmp_path: Path, name: str, article_id: str, of_statamic: str
) -> None:
    (tmp_path / "content").mkdir()
    path, page = tmp_path / "content", (f"{name}.md", "---\ntitle: T\n---\nWords", "markdown")
    article = one(path, *page)
    assert (article.id, article.date) == (
        article_id,
        None if article_id == name else dt.date(2026, 1, 2),
    )
    (tmp_path / "config/statamic").mkdir(parents=True)
    (tmp_path / "config/statamic/cp.php").write_text("<?php")
    article = one(path, *page)
    assert (article.id, article.date) == (of_statamic, dt.date(2026, 1, 2))


def test_a_date_that_is_a_table_is_when_the_page_was_made(tmp_path: Path) -> None:
    text = "---\ntitle: T\ndate: {created: 2026-01-02, updated: 2026-02-03}\n---\nWords"
    assert one(tmp_path, "a.md", text, "markdown").date == dt.date(2026, 1, 2)


def test_pages_that_markdown_is_not_are_counted_and_its_other_suffixes_read(tmp_path: Path) -> None:
    for name in (
        "a.md",
        "b.mkd",
        "c/index.qmd",
        "d.mdoc",
        "_posts/2020-01-02-d.html",
        "e.rst",
        "f.rst",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"---\ntitle: Page {name}\n---\nText.\n")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/g.rst").write_text("Text")
    source = open_source({"kind": "markdown", "path": str(tmp_path)})
    assert {
        record.values["title"] for record in source.records() if isinstance(record, Record)
    } == {*("Page a.md", "Page b.mkd", "Page c/index.qmd", "Page d.mdoc")}
    assert source.remarks[-1] == "files in other formats can't be read: 1 .html, 2 .rst"


def test_pages_of_a_substack_export_are_what_its_table_says(tmp_path: Path) -> None:
    rows = [
        "post_id,post_date,is_published,audience,title,subtitle",
        '1.kelp,2026-03-01T10:00:00Z,true,everyone,"Kelp, <calm>",Behind the forest',
        "2.idea,,false,everyone,An idea,",
        "3.paid,2026-03-02T10:00:00Z,true,only_paid,For some,",
    ]
    (tmp_path / "posts.csv").write_text("\n".join(rows))
    (tmp_path / "posts").mkdir()
    for name in ("1.kelp", "2.idea", "3.paid", "4.unknown"):
        (tmp_path / "posts" / f"{name}.html").write_text("<h2>Within</h2><p>The waves were lower.")
    for folder in (tmp_path, tmp_path / "posts"):
        articles, report = read({"kind": "html", "path": str(folder)})
        assert report.kept == 4, report
        kelp, *others = articles.values()
        assert (kelp.title, kelp.excerpt, kelp.url) == (
            "Kelp, <calm>",
            "Behind the forest",
            "/p/kelp",
        )
        assert (kelp.status, kelp.date) == (Status.PUBLISHED, dt.date(2026, 3, 1))
        assert not any(each.status is Status.PUBLISHED for each in others)

"""Sites of generators: the addresses, dates and visibility that the generators give."""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record
from index.errors import SourceError
from index.sources.registry import open_source
from index.sources.site_discovery import discover_site
from recommender.article import Article, Status
from tests.support.generator_sites import SITES

MAPPING = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def read(
    folder: Path, mapping: FieldMapping | None = None, **options: Any
) -> tuple[dict[str, Article], dict[str, str], ReadReport]:
    """Articles by their files, the reasons of the other files, and the report."""
    report = ReadReport()
    source = open_source({"kind": "markdown", "path": str(folder), **options})
    found = parse_records(source.records(), mapping or MAPPING, report)
    articles = {one.location.removeprefix(f"{folder}/"): article for article, one in found}
    skipped = {
        problem.location.removeprefix(f"{folder}/"): problem.reason for problem in report.problems
    }
    return articles, {key: skipped[key] for key in skipped.keys() - articles.keys()}, report


def is_shown(article: Article) -> bool:
    begins = article.visible_from
    ends = article.visible_until
    shown = article.status is Status.PUBLISHED
    return shown and (begins is None or begins <= NOW) and (ends is None or ends > NOW)


@pytest.mark.parametrize("name", SITES)
def test_the_links_of_a_site_are_those_of_its_generator(name: str, tmp_path: Path) -> None:
    site = SITES[name]
    articles, skipped, report = read(site.write(tmp_path))
    shown = {key: article.url for key, article in articles.items() if is_shown(article)}
    assert shown == site.addresses
    assert sorted(articles.keys() - shown.keys()) == sorted(site.hidden)
    assert skipped == site.skipped
    assert len({article.id for article in articles.values()}) == len(articles)
    pages = [key for key in site.files if key.endswith((".md", ".markdown"))]
    assert report.read == len(pages)
    assert any(f"made by {name}" in one for one in open_remarks(tmp_path))


def open_remarks(folder: Path) -> tuple[str, ...]:
    return open_source({"kind": "markdown", "path": str(folder)}).remarks


def test_pages_of_mkdocs_have_its_addresses_unless_a_plugin_moves_them(tmp_path: Path) -> None:
    config = (
        "site_url: https://docs.example/notes/\n"
        "exclude_docs: |\n  attic/\n  *.part.md\n  !start.part.md\n  /old.md\n"
        "draft_docs: wip-*\nplugins:\n  - search\n  - blog: {blog_dir: news}\n"
        "markdown_extensions:\n  - pymdownx.emoji:\n"
        "      emoji_index: !!python/name:material.extensions.emoji.twemoji\n"
        "theme: {name: material, language: de}\nextra: {key: !ENV [KEY, none]}\n"
    )
    files = ("index", "README", "start", "Guide/index", "Guide/README", "Guide/Two words")
    files += ("Guide/old", "start.part", "Guide/templates/card")
    left_out = ("attic/old", "old", "Guide/a.part", "wip-next", "templates/card")
    (tmp_path / "mkdocs.yml").write_text(config)
    for name in (*files, *left_out, "news/posts/hello"):
        path = tmp_path / "docs" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Words of {name}\n\nThe harbour is quiet.\n")
    articles, skipped, report = read(tmp_path)
    assert {key.removeprefix("docs/"): article.url for key, article in articles.items()} == {
        "start.md": "/notes/start/",
        "Guide/index.md": "/notes/Guide/",
        "Guide/Two words.md": "/notes/Guide/Two%20words/",
        "Guide/old.md": "/notes/Guide/old/",
        "Guide/templates/card.md": "/notes/Guide/templates/card/",
        "start.part.md": "/notes/start.part/",
        "news/posts/hello.md": "/docs/news/posts/hello",
    }
    assert skipped == {
        **dict.fromkeys(("docs/index.md", "docs/README.md"), "list-page"),
        **{f"docs/{name}.md": "not-content" for name in (*left_out, "Guide/README")},
    }
    assert [one.location for one in report.problems if one.reason == "unknown-address"] == [
        str(tmp_path / "docs/news/posts/hello.md")
    ]


@pytest.mark.parametrize(
    ("options", "post", "link"),
    [
        (
            "",
            "date: 2024-05-02\n---\n# Kelp v1.10.0 in `my_bed`\n",
            "2024/05/02/kelp-v1100-in-my_bed/",
        ),
        (
            "",
            'date: {created: 2024-05-03}\ntitle: "A & B: C++ <i>Ü</i> (2)"\n---\n# X\n',
            "2024/05/03/a--b-c-ü-2/",
        ),
        ("", "date: 2024-05-04\nslug: own\n---\n# Other\n", "2024/05/04/own/"),
        ("", "date: 2024-05-05\n---\nNo heading.\n\n# Later\n", "2024/05/05/first-post/"),
        (
            "{post_url_format: 'x/{date}/{file}', post_url_date_format: yyyy-MM}",
            "date: 2024-05-02\n---\n",
            "x/2024-05/First_post/",
        ),
        (
            "\n    post_slugify: !!python/object/apply:a.slugify\n      kwds: {case: lower}",
            "date: 2024-05-02\n---\n# A B\n",
            "2024/05/02/a-b/",
        ),
        ("{post_slugify: !!python/name:own.slug {}}", "date: 2024-05-02\n---\n# A\n", ""),
        ("{post_url_date_format: yyyy/MMM}", "date: 2024-05-02\n---\n# A\n", ""),
        ("{post_url_format: '{categories}/{slug}'}", "date: 2024-05-02\n---\n# A\n", ""),
    ],
)
def test_a_post_of_material_has_the_address_of_its_blog(
    tmp_path: Path, options: str, post: str, link: str
) -> None:
    (tmp_path / "mkdocs.yml").write_text(f"plugins:\n  search: {{}}\n  material/blog: {options}\n")
    (tmp_path / "docs/blog/posts").mkdir(parents=True)
    (tmp_path / "docs/blog/posts/First_post.md").write_text(f"---\n{post}\nThe harbour is quiet.\n")
    (tmp_path / "docs/blog/index.md").write_text("# Blog\n\nThe news of the harbour.\n")
    articles, skipped, report = read(tmp_path)
    (article,) = articles.values()
    assert skipped == {"docs/blog/index.md": "list-page"}
    assert unquote(article.url) == (f"/blog/{link}" if link else "/docs/blog/posts/First_post")
    assert [one.reason for one in report.problems if one.field == "url"] == (
        [] if link else ["unknown-address"]
    )


def test_a_book_has_the_pages_that_its_summary_links_to(tmp_path: Path) -> None:
    (tmp_path / "book.toml").write_text(
        "[book]\nsrc = 'text'\nlanguage = 'de'\n[output.html]\nsite-url = '/book/'\n"
    )
    summary = (
        "# Summary\n\n[Foreword](README.md)\n- [`Vec<T>` and [more]](./vec.md)\n"
        "    - [Two words](tides/Two%20words.md)\n- [Tides](tides/README.md)\n- [Later]()\n"
        "<!-- - [Cut](cut.md) -->\n- [Outside](../LICENSE.md)\n"
    )
    names = ("README", "vec", "tides/Two words", "tides/README", "cut", "tides/loose")
    files = {"SUMMARY": summary, **dict.fromkeys(names, "The harbour is quiet.\n")}
    for name, text in files.items():
        path = tmp_path / "text" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "notes.md").write_text("# Notes\n\nNot a page of the book.\n")
    articles, skipped, _ = read(tmp_path)
    assert {
        key.removeprefix("text/"): (article.url, article.title) for key, article in articles.items()
    } == {
        "vec.md": ("/book/vec.html", "Vec<T> and [more]"),
        "tides/Two words.md": ("/book/tides/Two%20words.html", "Two words"),
        "tides/README.md": ("/book/tides/index.html", "Tides"),
    }
    assert discover_site(str(tmp_path), most=1, cache="").language == "de"
    assert skipped == {
        "text/README.md": "list-page",
        **dict.fromkeys(("text/SUMMARY.md", "text/cut.md"), "not-content"),
        **dict.fromkeys(("text/tides/loose.md", "notes.md"), "not-content"),
    }


@pytest.mark.parametrize(
    ("files", "urls"),
    [
        ({".gitbook.yaml": "root: ./"}, {"/tides/high", "/tides"}),
        ({".gitbook.yaml": "structure: {summary: SUMMARY.md}"}, {"/tides/high", "/tides"}),
        ({".gitbook/assets/a.txt": ""}, {"/tides/high", "/tides"}),
        ({"SUMMARY.md": "# Table of contents\n"}, {"/tides/high", "/tides"}),
        ({"book.json": '{"language": "de"}'}, {"/tides/high.html", "/tides/"}),
        ({}, {"/tides/high", "/tides/README", "/README", "/loose"}),
    ],
)
def test_a_site_of_gitbook_has_the_pages_that_its_summary_links_to(
    tmp_path: Path, files: dict[str, str], urls: set[str]
) -> None:
    summary = files.get("SUMMARY.md", "# Summary\n") + (
        "* [Start](README.md)\n## Sea\n* [Tides](tides/README.md)\n  * [High](tides/high.md)\n"
    )
    page = "---\ndescription: Of the sea\n---\n# Words\n\nThe harbour is quiet.\n"
    names = ("README", "tides/README", "tides/high", "loose")
    pages = {f"{name}.md": page for name in names}
    for name, text in {**files, **pages, "SUMMARY.md": summary}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    articles, _, _ = read(tmp_path)
    assert {article.url for article in articles.values()} == urls


@pytest.mark.parametrize(
    ("config", "url"), [("mkdocs.yml", "/high/"), ("book.toml", "/high.html"), ("none", "/high")]
)
def test_a_summary_s_heading_outranks_no_settings_above(
    tmp_path: Path, config: str, url: str
) -> None:
    folder = tmp_path / ("src" if config == "book.toml" else "docs")
    folder.mkdir()
    (tmp_path / config).write_text("")
    (folder / "SUMMARY.md").write_text("# Table of contents\n\n* [High](high.md)\n")
    (folder / "high.md").write_text("# High\n\nThe harbour is quiet.\n")
    articles, _, _ = read(folder)
    assert articles["high.md"].url == url


def test_a_book_is_read_with_the_usual_settings_and_whole(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "book.toml").write_text("")
    (tmp_path / "src" / "SUMMARY.md").write_text(
        "- [Later]()\n" * 10_000 + '- [Last](what\'s-last.md "The last one")\n'
    )
    (tmp_path / "src" / "what's-last.md").write_text("# The end\n\nThe harbour is quiet.\n")
    articles, _, _ = read(tmp_path)
    assert {name: article.url for name, article in articles.items()} == {
        "src/what's-last.md": "/what's-last.html"
    }


LONG = "Kelp grows along the coast, where the water is cold and clear. " * 6


@pytest.mark.parametrize(
    ("name", "page", "url"),
    [
        ("docs/_index.md", LONG, "/docs/"),
        (
            "docs/Kelp farms/_index.de.md",
            f"{LONG[:150]}\n\n## Coasts\n\nCold.",
            "/de/docs/kelp-farms/",
        ),
        ("docs/_index.md", LONG[:99], ""),
        ("docs/_index.md", "## All\n\n{{< cards >}}", ""),
        ("_index.md", LONG, ""),
        ("_index.de.md", LONG, ""),
    ],
)
@pytest.mark.parametrize("config", ["hugo.toml", "zola.toml"])
def test_the_page_of_a_section_is_an_article_if_it_has_the_text_of_one(
    tmp_path: Path, config: str, name: str, page: str, url: str
) -> None:
    named = {"hugo.toml": "baseURL", "zola.toml": "base_url"}[config]
    (tmp_path / config).write_text(f"{named} = '/'\n[languages.de]\n[languages.en]\n")
    (tmp_path / "content" / name).parent.mkdir(parents=True)
    (tmp_path / "content" / name).write_text(f"+++\ntitle = 'Kelp'\n+++\n{page}\n")
    articles, skipped, _ = read(tmp_path)
    assert [article.url for article in articles.values()] == [url] * bool(url)
    assert skipped == ({} if url else {f"content/{name}": "list-page"})


@pytest.mark.parametrize(
    ("config", "name", "front"),
    [
        ("hugo.toml", "tags/kelp/_index.md", ""),
        ("hugo.toml", "docs/_index.md", "layout = 'archives'"),
        ("zola.toml", "docs/_index.md", "paginate_by = 5"),
        ("zola.toml", "docs/_index.md", "draft = true"),
        ("hugo.toml", "docs/_index.md", "draft = true"),
        (
            "hugo.toml",
            "docs/_index.md",
            "[[cascade]]\ndraft = true\n[cascade.target]\nkind = 'section'",
        ),
    ],
)
def test_the_page_of_a_section_that_the_site_does_not_show_is_no_article(
    tmp_path: Path, config: str, name: str, front: str
) -> None:
    (tmp_path / config).write_text("baseURL = '/'" if config == "hugo.toml" else "base_url = '/'")
    (tmp_path / "content" / name).parent.mkdir(parents=True)
    (tmp_path / "content" / name).write_text(f"+++\ntitle = 'Kelp'\n{front}\n+++\n{LONG}\n")
    assert not any(map(is_shown, read(tmp_path)[0].values()))


HOME, TAG = "https://notes.example", "pt-br"
CONFIGURATIONS = {
    "jekyll": {"_config.yml": f"url: {HOME}\nbaseurl: /blog\nlang: pt-BR\n"},
    "hugo": {"hugo.toml": f"baseURL = '{HOME}/blog/'\nlanguageCode = 'pt-BR'\n"},
    "zola": {"zola.toml": f"base_url = '{HOME}/blog'\ndefault_language = 'pt-BR'\n"},
    "eleventy": {
        ".eleventy.js": "module.exports = {};\n",
        "_data/metadata.js": f'export default {{ url: "{HOME}/", language: "pt-BR" }};\n',
    },
    "starlight": {
        "astro.config.mjs": f"""export default defineConfig({{ site: '{HOME}', base: '/blog',
            integrations: [starlight({{ locales: {{ root: {{ lang: 'pt-BR' }} }} }})] }});"""
    },
    "docusaurus": {
        "docusaurus.config.js": f"""module.exports = {{ url: '{HOME}', baseUrl: '/blog/',
            i18n: {{ defaultLocale: 'pt-BR', locales: ['pt-BR'] }} }};"""
    },
    "nuxt": {
        "nuxt.config.ts": f"""export default defineNuxtConfig({{ modules: ['@nuxt/content'],
            app: {{ baseURL: '/blog/', head: {{ htmlAttrs: {{ lang: 'pt-BR' }} }} }},
            site: {{ url: '{HOME}' }} }})""",
        "content/start.md": "# Start\n\nA page.\n",
    },
    "vitepress": {
        ".vitepress/config.mts": f"""export default defineConfig({{ base: '/blog/', lang: 'pt-BR',
            sitemap: {{ hostname: '{HOME}' }} }})"""
    },
    "quarto": {"_quarto.yml": f"website: {{site-url: {HOME}/blog}}\nlang: pt-BR\n"},
    "mkdocs": {"mkdocs.yml": f"site_url: {HOME}/blog/\ntheme: {{name: x, language: pt-BR}}\n"},
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_sites_host_and_language_are_those_of_its_configuration(
    name: str, tmp_path: Path
) -> None:
    for file, text in {**CONFIGURATIONS[name], "docs/start.md": "# Start\n\nA page.\n"}.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    found = discover_site(str(tmp_path), most=1, cache="")
    assert (found.home, found.language) == (HOME, TAG)
    assert found.tables == [{"kind": "markdown", "path": str(tmp_path), "language": TAG}]
    assert found.how.endswith(f"made by {name}, in {TAG}, for {HOME}")


def test_what_a_configuration_does_not_plainly_say_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# Page\n")
    (tmp_path / "hugo.toml").write_text("baseURL = '//notes.example/'\nlanguageCode = 'no such'\n")
    found = discover_site(str(tmp_path), most=1, cache="")
    assert (found.home, found.language) == ("", "")
    (tmp_path / "hugo.toml").write_text("baseURL = 5\nlanguageCode = [1, 2]\n")
    found = discover_site(str(tmp_path), most=1, cache="")
    assert (found.home, found.language) == ("", "")


@pytest.mark.parametrize(
    ("said", "shown", "link"),
    [
        ("'draft', true", False, "/page/"),
        ("'eleventyExcludeFromCollections', 'true'", False, "/page/"),
        ("'permalink', false", False, "/page/"),
        ("'layout', 'page.njk'", True, "/page/"),
        ("'layout', 'page.njk'); // c.addGlobalData('draft', true", True, "/page/"),
        ("'eleventyComputed.draft', () => isDraft", True, "/page/"),
        ("'eleventyComputed.permalink', () => make", True, "/page"),  # a function's is not known
    ],
)
def test_what_an_eleventy_site_says_of_all_pages_counts(
    said: str, shown: bool, link: str, tmp_path: Path
) -> None:
    (tmp_path / ".eleventy.js").write_text(f"module.exports = (c) => c.addGlobalData({said});")
    (tmp_path / "page.md").write_text("# Page\n\nThe harbour is quiet.\n")
    article = read(tmp_path)[0]["page.md"]
    assert is_shown(article) == shown
    assert not shown or article.url == link


@pytest.mark.parametrize(
    ("permalink", "is_known"),
    [
        ("permalink: (data) => make(data)", False),
        ("permalink(data) { if (data.draft) { return {}; } return `/${data.title}/`; }", False),
        ("permalink: data => data.permalink || x, b: (data) => { return false }", False),
        ("permalink(data) { if (data.draft) { return {}; }\n return data.permalink }", True),
        ("'permalink': function (data) { if (x) { return false; } return data.permalink; }", True),
        ("permalink: data => { return data.permalink; }, other(data) { return 1; }", True),
    ],
)
def test_an_address_that_an_eleventy_site_computes_for_all_pages_is_not_guessed(
    permalink: str, is_known: bool, tmp_path: Path
) -> None:
    (tmp_path / ".eleventy.js").write_text("module.exports = {};")
    (tmp_path / "_data").mkdir()
    computed = f"module.exports = {{ {permalink} }};"
    (tmp_path / "_data" / "eleventyComputed.js").write_text(computed)
    (tmp_path / "page.md").write_text("# Page\n")
    told = "unknown-address" in {one.reason for one in read(tmp_path)[2].problems}
    assert told != is_known


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("posts.json", '{"draft": true}'),
        ("posts.json", '{"layout": "post", "published": "false"}'),
        ("posts.yaml", "eleventyExcludeFromCollections: true"),
        ("page.json", '{"permalink": false}'),
        ("page.11tydata.yml", "draft: true"),
        ("_data.yml", "draft: true"),
        ("_defaults.yml", "published: false"),
    ],
)
def test_files_of_data_hide_pages_without_any_configuration(
    tmp_path: Path, file: str, data: str
) -> None:
    (tmp_path / "posts" / "2026").mkdir(parents=True)
    pages = [tmp_path / "posts" / "page.md", tmp_path / "posts" / "2026" / "page.md"]
    for page in pages:
        page.write_text("---\ntitle: Kelp\n---\nText.\n")
    (tmp_path / "posts" / file).write_text(data)
    for folder in (tmp_path, tmp_path / "posts"):
        articles, _, _ = read(folder)
        shown = [key for key, article in articles.items() if is_shown(article)]
        assert len(articles) == 2
        assert len(shown) == file.startswith("page."), folder


def test_a_comment_in_code_hides_no_page(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# Kelp\n\nText.\n")
    (tmp_path / "page.11tydata.js").write_text(
        "// If the page is in `draft:true` mode, don't write it.\n"
        "/* permalink: '/old/',\n draft: true */\n"
        "module.exports = { home: 'https://x.example', glob: '/**/a/*', permalink: '/k//a/' };"
    )
    article = read(tmp_path)[0]["page.md"]
    assert (is_shown(article), article.url) == (True, "/k/a/")


def test_other_json_beside_pages_says_nothing_of_them(tmp_path: Path) -> None:
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "page.md").write_text("# Kelp\n\nText.\n")
    (tmp_path / "posts" / "posts.json").write_text('[{"url": "/page", "draft": true}]')
    (tmp_path / "posts" / "page.json").write_text('{"depth": 12}')
    articles, _, _ = read(tmp_path)
    assert articles["posts/page.md"].url == "/posts/page"


def is_told_or_hides(folder: Path, path: Path) -> bool:
    """Whether a file ends the reading by its name, or no page is shown."""
    try:
        articles, _, _ = read(folder)
    except SourceError as error:
        return str(path) in str(error)
    return not any(map(is_shown, articles.values()))


PAGE = "---\ntitle: A quiet harbour\n---\nThe harbour is quiet in winter.\n"


@pytest.mark.parametrize(
    "name",
    [
        *("hugo.toml", "_config.yml", "mkdocs.yml", "package.json", "posts/posts.11tydata.js"),
        *("eleventy.config.js", "astro.config.mjs", "posts/posts.json"),
    ],
)
@pytest.mark.parametrize("what", ["a pipe", "a link to itself"])
def test_what_may_hide_pages_and_can_t_be_read_hides_them_or_ends_the_reading(
    tmp_path: Path, name: str, what: str
) -> None:
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "quiet.md").write_text(PAGE)
    if name.startswith("posts"):
        (tmp_path / ".eleventy.js").write_text("module.exports = {};")
    path = tmp_path / name
    if what == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    assert is_told_or_hides(tmp_path, path)


@pytest.mark.parametrize("what", ["a pipe", "a link to itself", "a folder"])
def test_a_section_whose_page_can_t_be_read_is_not_shown(tmp_path: Path, what: str) -> None:
    (tmp_path / "hugo.toml").write_text("baseURL = 'https://harbour.example/'\n")
    section = tmp_path / "content" / "posts"
    section.mkdir(parents=True)
    (section / "quiet.md").write_text(PAGE)
    path = section / "_index.md"
    if what == "a pipe":
        os.mkfifo(path)
    elif what == "a folder":
        path.mkdir()
    else:
        path.symlink_to(path)
    assert is_told_or_hides(tmp_path, path)


EVENING = ("2026-10-31 23:30:00", "'2026-10-31T23:30'", "2026-10-31T23:30:00Z", "2026-11-01")


@pytest.mark.parametrize(
    ("config", "name", "links", "hours"),
    [
        (
            {"hugo.toml": "timeZone = 'America/Los_Angeles'\n[permalinks]\np = '/:day/'"},
            "content/p/a.md",
            ("/31/", "/31/", "/31/", "/01/"),
            (6, 6, -1, 7),
        ),
        (
            {"_config.yml": "timezone: America/Los_Angeles\npermalink: /:day/"},
            "_posts/2026-10-31-a.md",
            ("/31/", "/31/", "/31/", "/01/"),
            (-1, 6, -1, 7),
        ),
        (
            {"_config.yml": "timezone: Asia/Tokyo\npermalink: /:day/"},
            "_posts/2026-10-31-a.md",
            ("/01/", "/31/", "/01/", "/01/"),
            (-1, -10, -1, -9),
        ),
        (
            {"_config.yml": "timezone: no such\npermalink: /:day/"},
            "_posts/2026-10-31-a.md",
            ("/31/", "/31/", "/31/", "/01/"),
            (-1, -1, -1, 0),
        ),
        (
            {"_config.yml": "source_dir: s\ntimezone: Asia/Tokyo\npermalink: :day/\nfuture: false"},
            "s/_posts/a.md",
            ("/31/", "/31/", "/01/", "/01/"),
            (-10, -10, -1, -9),
        ),
    ],
)
def test_a_time_without_zone_is_in_the_zone_of_the_site(
    config: dict[str, str],
    name: str,
    links: tuple[str, ...],
    hours: tuple[int, ...],
    tmp_path: Path,
) -> None:
    found = []
    for at, date in enumerate(EVENING):
        folder = tmp_path / str(at)
        for file, text in {
            **config,
            name: f"---\ntitle: Boats\ndate: {date}\n---\nWords.\n",
        }.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text)
        (article,) = read(folder)[0].values()
        assert article.visible_from is not None
        found.append((article.url, article.visible_from - NOW))
    assert found == [
        (link, dt.timedelta(hours=hour) + dt.timedelta(minutes=30 if at < 3 else 0))
        for at, (link, hour) in enumerate(zip(links, hours, strict=True))
    ]


@pytest.mark.parametrize(
    ("files", "preset", "url"),
    [
        ({"_config.yml": "theme: minima"}, "jekyll", "/tides.html"),
        ({"_config.yml": "gems: [jekyll-optional-front-matter]"}, "jekyll", "/tides.html"),
        ({"_config.yml": "a: b", "Gemfile": "gem 'github-pages'"}, "jekyll", "/tides.html"),
        ({"_config.yml": "theme: minima", "Gemfile": "# gem 'github-pages'"}, "jekyll", ""),
        ({"_config.yml": "theme: a\noptional_front_matter: {enabled: false}"}, "jekyll", ""),
        ({"_config.yml": "title: Tides", "_toc.yml": "root: intro"}, "", "/tides"),
        ({"_config.yml": "execute: {execute_notebooks: off}"}, "", "/tides"),
    ],
)
def test_a_page_without_front_matter_is_read_where_the_site_shows_it(
    files: dict[str, str], preset: str, url: str, tmp_path: Path
) -> None:
    for name, text in {**files, "tides.md": "# Tides\n\nQuiet.\n"}.items():
        (tmp_path / name).write_text(text)
    articles, skipped, _ = read(tmp_path)
    assert [one.url for one in articles.values()] == [url] * bool(url)
    assert skipped == ({} if url else {"tides.md": "not-content"})
    assert any("made by jekyll" in one for one in open_remarks(tmp_path)) == bool(preset)


SHARED = '{"image": {"path": "/d.png"}, "author": "Ann", "lang": "fr", "tags": "sea", "title": "S"}'


@pytest.mark.parametrize(
    "files",
    [
        {
            "_config.yml": f"defaults:\n - {{scope: {{path: ''}}, values: {SHARED}}}",
            "_posts/D.md": "",
        },
        {"hugo.yaml": f"cascade: {SHARED}", "content/posts/D.md": ""},
        {"eleventy.config.js": "", "posts/posts.json": SHARED, "posts/D.md": ""},
    ],
)
@pytest.mark.parametrize("own", ["", "cover: /o.png\nauthors: [Bo]\nlanguage: de\ncategory: fish"])
def test_what_a_site_says_of_its_pages_is_read_as_if_they_said_it(
    files: dict[str, str], own: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        path = tmp_path / name.replace("D.md", "2026-01-02-a.md")
        path.parent.mkdir(parents=True, exist_ok=True)
        front = f"---\ndate: 2026-01-02\n{own}\n---\nQuiet.\n"
        path.write_text(front if name.endswith(".md") else text)
    (article,) = read(tmp_path)[0].values()
    assert article.image is not None
    assert article.image.src == ("/o.png" if own else "/d.png")
    assert (article.title, article.language) == ("S", "de" if own else "fr")
    assert article.authors == (("Bo",) if own else ("Ann",))
    assert set(article.tags) == ({"sea", "fish"} if own else {"sea"})


@pytest.mark.parametrize(
    "files",
    [
        {"_config.yml": "defaults: [{scope: {path: ''}, values: EMPTY}]", "_posts/D.md": ""},
        {"hugo.yaml": "cascade: EMPTY", "content/posts/D.md": ""},
        {"eleventy.config.js": "", "posts/posts.json": "EMPTY", "posts/D.md": ""},
    ],
)
def test_a_default_without_a_value_says_nothing(files: dict[str, str], tmp_path: Path) -> None:
    empty = '{"publishDate": null, "translationKey": null, "ref": null, "layout": "post"}'
    for name, text in files.items():
        path = tmp_path / name.replace("D.md", "2026-01-02-a.md")
        path.parent.mkdir(parents=True, exist_ok=True)
        front = "---\ndate: 2099-01-02\ntitle: S\ndescription:\n---\nQuiet.\n"
        path.write_text(front if name.endswith(".md") else text.replace("EMPTY", empty))
    articles, _, report = read(tmp_path)
    (article,) = articles.values()
    assert (article.translation_key, article.excerpt) == (None, None)
    assert not [one for one in report.problems if one.field]
    assert article.visible_from is None or article.visible_from.year == 2099


JEKYLL, HUGO = ("_config.yml", "baseurl: /n"), ("hugo.toml", "baseURL = 'https://x.example/n/'")
TABS = ("_config.yml", "collections: {tabs: {output: true}}")
HEXO = ("_config.yml", "source_dir: .\nroot: /n/")
MATERIAL = ("mkdocs.yml", "plugins: [blog, tags]")
DOCUSAURUS = ("docusaurus.config.js", "baseUrl: '/n/'")


@pytest.mark.parametrize(
    ("config", "image", "src"),
    [
        (JEKYLL, "image: assets/a.png", "/n/assets/a.png"),
        (JEKYLL, "image: {path: assets/a.png, alt: A}", "/n/assets/a.png"),
        (JEKYLL, "header: {teaser: /assets/a.png}", "/n/assets/a.png"),
        (JEKYLL, "image: /n/assets/a.png", "/n/assets/a.png"),
        (JEKYLL, "image: https://img.example/a.png", "https://img.example/a.png"),
        (JEKYLL, "image: //img.example/a.png", "https://img.example/a.png"),
        (JEKYLL, "image: ../a.png", ""),
        (JEKYLL, "image: [1]", ""),
        (JEKYLL, "media_subpath: /posts/a\nimage: {path: a.png}", "/n/posts/a/a.png"),
        (JEKYLL, "img_path: posts/a/\nimage: /a.png", "/n/posts/a/a.png"),
        (JEKYLL, "img_path: 'https://c.example/'\nimage: /a.png", "https://c.example/a.png"),
        (JEKYLL, "media_subpath: /p\nimage: https://c.example/a.png", "https://c.example/a.png"),
        (HEXO, "cover: images/a.png", "/n/images/a.png"),
        (HEXO, "cover: /images/a.png", "/n/images/a.png"),
        (HEXO, "cover: '#fff'", ""),
        (HUGO, "cover: {image: images/a.png}", "/n/images/a.png"),
        (HUGO, "featured_image: /images/a.png", "/images/a.png"),
        (DOCUSAURUS, "image: /img/a.png", "/n/img/a.png"),
        (DOCUSAURUS, "image: ./a.png", ""),
        (("astro.config.mjs", "base: '/n/'"), "socialImage: /src/content/a.png", ""),
        (("astro.config.mjs", "base: '/n/'"), "socialImage: /a.png", "/a.png"),
    ],
)
def test_a_picture_stands_where_the_generator_has_it(
    tmp_path: Path, config: tuple[str, str], image: str, src: str
) -> None:
    folder = {"hugo.toml": "content", "docusaurus.config.js": "docs"}.get(config[0], "src/pages")
    for name, text in (config, (f"{folder}/a.md", f"---\ntitle: A\n{image}\n---\nText.\n")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (article,) = read(tmp_path)[0].values()
    assert (article.image.src if article.image else "") == src


@pytest.mark.parametrize(
    ("config", "text", "link"),
    [
        ("hugo.toml", "baseURL = '/'\n[languages.de]\n[languages.en]\n", "/de/a/cat.png"),
        ("zola.toml", "base_url = '/'\n[languages.de]\n", "/de/a/cat.png"),
    ],
)
def test_a_picture_lies_beside_a_translated_page(
    tmp_path: Path, config: str, text: str, link: str
) -> None:
    (tmp_path / config).write_text(text)
    (tmp_path / "content/a").mkdir(parents=True)
    (tmp_path / "content/a/index.de.md").write_text("---\ntitle: A\nimage: cat.png\n---\nText.\n")
    (article,) = read(tmp_path)[0].values()
    assert article.image is not None
    assert article.image.src == link


@pytest.mark.parametrize(
    ("config", "file", "page", "is_list"),
    [
        (HEXO, "tags/index.md", "type: tags\n---\n", True),
        (HEXO, "link/index.md", "type: link\n---\nFriends.", True),
        (HEXO, "_posts/a.md", "type: link\n---\nFriends.", False),
        (JEKYLL, "fr/404.md", "a: b\n---\nWords.", True),
        (JEKYLL, "errors/404.md", "a: b\n---\nWords.", False),
        (JEKYLL, "lost.md", "permalink: /404.html\n---\nWords.", True),
        (HUGO, "content/pt-br/404.md", "a: b\n---\nWords.", True),
        (HUGO, "content/http/404.md", "a: b\n---\nWords.", False),
        (JEKYLL, "years.md", "layout: posts\n---\n", True),
        (TABS, "_tabs/archives.md", "layout: archives\n---\n", True),
        (TABS, "_tabs/about.md", "layout: page\n---\nWords.", False),
        (JEKYLL, "_posts/2026-01-02-a.md", "layout: tag\n---\nWords.", False),
        (JEKYLL, "tags.md", "a: b\n---\n{% for t in site.tags %}{{ t[0] }}\n{% endfor %}", True),
        (JEKYLL, "search.md", "a: b\n---\n<input id='search'>", True),
        (JEKYLL, "_posts/2026-01-02-a.md", "a: b\n---\n<img src='/a.png' alt=''>", False),
        (JEKYLL, "plain.md", "a: b\n---\n", False),
        (MATERIAL, "docs/blog/index.md", "a: b\n---\nWhat is new.", True),
        (MATERIAL, "docs/tags.md", "a: b\n---\nAll tags:\n\n[TAGS]\n", True),
        (MATERIAL, "docs/tags.md", "a: b\n---\n<!-- material/tags { scope: true } -->", True),
        (MATERIAL, "docs/tags.md", "a: b\n---\n```\n[TAGS]\n```\n", False),
    ],
)
def test_a_page_that_the_site_fills_is_no_article(
    tmp_path: Path, config: tuple[str, str], file: str, page: str, is_list: bool
) -> None:
    for name, text in (config, (file, f"---\ntitle: A\n{page}"), ("b.md", PAGE)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    articles, skipped, _ = read(tmp_path)
    assert (file in articles, skipped.get(file)) == (not is_list, "list-page" if is_list else None)


SIDEBAR = "themeConfig: { sidebar: { '/guide/': { base: '/guide/', items: [] } } }"


@pytest.mark.parametrize(
    ("file", "config", "links"),
    [
        (".vitepress/config.ts", SIDEBAR, ("/guide/start.html", "/guide/")),
        (
            ".vitepress/config.js",
            "base: '/docs/', cleanUrls: true",
            ("/docs/guide/start", "/docs/guide/"),
        ),
        (".vitepress/config/index.mts", "srcDir: 'src'", ("/guide/start.html", "/guide/")),
        (".vitepress/config.mjs", "rewrites: { 'guide/:a': ':a' }", ("/guide/start", "/guide")),
        (".vitepress/config.mjs", "rewrites: { 'guide/:a': f() }", ("/guide/start", "/guide")),
        (".vitepress/config.mjs", "rewrites(id) { return id }", ("/guide/start", "/guide")),
        (".vitepress/config.mjs", "rewrites: { 'b/:a': 'c/:a' }", ("/guide/start.html", "/guide/")),
        (".vitepress/config.mjs", "// rewrites: f()\n", ("/guide/start.html", "/guide/")),
        (
            ".vitepress/config.mjs",
            "rewrites: {\n 'guide/(.*)': 'a/$1', // x\n 'b/:c*': ':c*',\n}",
            ("/a/start.html", "/a/"),
        ),
        (".vuepress/config.js", "base: '/docs/'", ("/docs/guide/start.html", "/docs/guide/")),
        ("docs/.vuepress/config.js", "", ("/guide/start.html", "/guide/")),
        ("docs/.vitepress/config.js", "srcDir: 'src'", ("/guide/start.html", "/guide/")),
    ],
)
def test_vitepress_says_where_its_pages_stand(
    tmp_path: Path, file: str, config: str, links: tuple[str, str]
) -> None:
    index = "README.md" if "vuepress" in file else "index.md"
    within = "docs/" * file.startswith("docs") + "src/" * ("srcDir" in config)
    pages = (index, "guide/start.md", f"guide/{index}", ".vitepress/theme/notes.md")
    for name in (*(f"{within}{page}" for page in pages), file):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"---\ntitle: {name}\n---\nText.\n")
    (tmp_path / file).write_text(f"export default defineConfig({{ {config} }})")
    articles, skipped, report = read(tmp_path)
    found = {name.removeprefix(within): article.url for name, article in articles.items()}
    assert found == {"guide/start.md": links[0], f"guide/{index}": links[1]}
    del skipped[f"{within}.vitepress/theme/notes.md"]
    assert skipped == {f"{within}{index}": "list-page"}
    unknown = [str(one) for one in report.problems if "vitepress computes" in str(one)]
    assert bool(unknown) == (links[1] == "/guide")


def test_a_language_that_vitepress_moves_to_the_root_is_read_as_there(tmp_path: Path) -> None:
    (tmp_path / ".vitepress").mkdir()
    (tmp_path / ".vitepress" / "config.ts").write_text(
        "export default { rewrites: { 'en/:rest*': ':rest*' }, lang: 'en', locales: { root: {},"
        " zh: {} } }"
    )
    for name in ("en/index.md", "en/guide/a.md", "zh/guide/a.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# Start\n\nText.\n")
    articles, skipped, _ = read(tmp_path)
    assert {article.url: article.language for article in articles.values()} == {
        "/guide/a.html": "en",
        "/zh/guide/a.html": "zh",
    }
    assert len({article.translation_key for article in articles.values()}) == 1
    assert skipped == {"en/index.md": "list-page"}


@pytest.mark.parametrize(
    ("config", "folder", "link"),
    [
        ("mkdocs.yml", "docs/guide", "/guide/"),
        (".vuepress/config.js", "guide", "/guide/"),
        ("docusaurus.config.js", "docs/guide", "/docs/guide"),
    ],
)
def test_a_readme_is_its_folders_page_where_the_generator_has_it_so(
    tmp_path: Path, config: str, folder: str, link: str
) -> None:
    within = folder.rpartition("/")[0]
    files = ("README.md", f"{folder}/README.md", f"{folder}/Contributing.md")
    for name in (config, "CONTRIBUTING.md", *files):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("" if name == config else "# Guide\n\nWords.\n")
    if not within:  # the site makes a page of it
        (tmp_path / "CONTRIBUTING.md").unlink()
    articles, skipped, _ = read(tmp_path)
    assert {
        name: article.url.partition("ontributing")[0] for name, article in articles.items()
    } == {
        f"{folder}/README.md": link,
        f"{folder}/Contributing.md": f"{link.rstrip('/')}/C",
    }
    assert set(skipped.values()) == {"not-content"}
    articles, _, _ = read(tmp_path / folder)
    assert [*articles] == ["Contributing.md", "README.md"]


def test_vitepress_tells_languages_and_leaves_out_what_it_excludes(tmp_path: Path) -> None:
    (tmp_path / ".vitepress").mkdir()
    (tmp_path / ".vitepress" / "config.mts").write_text(
        "export default { srcExclude: ['**/notes/**', 'old.md'], locales: {\n"
        "  root: { lang: 'en-US' }, zh: zhConfig,"
        "  de: { label: 'Deutsch', themeConfig: { nav: [{ text: 'x' }] } } } }"
    )
    names = ("start.md", "de/start.md", "zh/start.md", "it/start.md", "old.md", "a/notes/b.md")
    for name in (*names, "de/index.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# Start\n\nText.\n")
    articles, skipped, _ = read(tmp_path)
    assert {name: article.language for name, article in articles.items()} == {
        "start.md": "en-us",
        "de/start.md": "de",
        "zh/start.md": "zh",
        "it/start.md": "en-us",
    }
    assert skipped == {
        "old.md": "not-content",
        "a/notes/b.md": "not-content",
        "de/index.md": "list-page",
    }


@pytest.mark.parametrize(
    ("config", "folder"),
    [
        (
            (
                "docusaurus.config.js",
                "presets: [['classic', { docs: { exclude: ['**/attic/**', '*.{old,part}.md'] } }]]",
            ),
            "docs",
        ),
        (
            (
                ".vitepress/config.ts",
                "export default { srcExclude: ['**/attic/**', '**/b.old.md'] }",
            ),
            "",
        ),
        (
            (".vuepress/config.js", "pagePatterns: ['**/*.md', '!attic/**', '!**/b.old.md']"),
            "",
        ),
        (
            (
                "mkdocs.yml",
                "plugins:\n- exclude:\n    glob: [attic/*]\n    regex: ['.*[.]old[.]md$']",
            ),
            "docs",
        ),
        (
            (
                "content.config.ts",
                "source: { include: '**', exclude: ['attic/**', 'b.old.md'] }",
            ),
            "content",
        ),
        (
            (
                "src/content.config.ts",
                "loader: glob({ pattern: ['**/*.md', '!attic/**', '!b.old.md'] })",
            ),
            "src/content/notes",
        ),
        (
            (
                "quartz.config.ts",
                "configuration: { // all\n ignorePatterns: ['attic', '**/*.old.md'], // so\n}",
            ),
            "content",
        ),
        (
            (
                "eleventy.config.js",
                "c.ignores.add('src/attic/**'); c.ignores.add('./src/b.old.md'); d={input: 'src'}",
            ),
            "src",
        ),
        (
            ("_config.yml", "source_dir: source\nignore: ['**/attic/**']\nexclude: b.old.md"),
            "source",
        ),
        (
            ("_config.yml", "source: .\nexclude: ['**/attic', '{b,c}.old.md']\npermalink: pretty"),
            "",
        ),
        (
            (
                "hugo.toml",
                "baseURL = '/'\n[[module.mounts]]\nsource = 'content'\ntarget = 'content'\n"
                "excludeFiles = ['attic/**', '*.old.md']",
            ),
            "content",
        ),
        (
            ("hugo.toml", "baseURL = '/'\nignoreFiles = ['(?<', 'attic/', '[.]old[.]md$']"),
            "content",
        ),
    ],
)
def test_what_a_configuration_leaves_out_is_no_page(
    tmp_path: Path, config: tuple[str, str], folder: str
) -> None:
    files = dict([config, ("nuxt.config.ts", ""), ("astro.config.mjs", "export default {}")])
    if config[0] != "content.config.ts":
        del files["nuxt.config.ts"]
    if config[0] != "src/content.config.ts":
        del files["astro.config.mjs"]
    names = ("a.md", "attic/b.md", "b.old.md")
    files |= {f"{folder}/{name}".strip("/"): "---\ntitle: A\n---\nText.\n" for name in names}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    articles, skipped, _ = read(tmp_path)
    assert [name.rpartition("/")[2] for name in articles] == ["a.md"]
    assert {*skipped.values()} == {"not-content"}


def test_what_quartz_leaves_out_must_be_readable(tmp_path: Path) -> None:
    (tmp_path / "quartz.config.ts").write_text("{ ignorePatterns: [...hidden, 'templates'] }")
    (tmp_path / "a.md").write_text(PAGE)
    with pytest.raises(SourceError, match="ignorePatterns can't be read"):
        read(tmp_path)
    assert [*read(tmp_path, preset="none")[0]] == ["a.md"]


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        (
            {
                "nuxt.config.ts": "nitro: { prerender: { ignore: ['/**'], exclude: ['**/*.md'] } }",
                "content.config.ts": "docs: defineCollection({ source: { exclude: ['blog/**'] } }),"
                "blog: defineCollection({ source: 'blog/**' })",
            },
            "content/blog",
        ),
        ({"docusaurus.config.js": "docs: {\n // exclude: ['**/*.md'],\n}"}, "docs/blog"),
        ({"docusaurus.config.js": "docs: { exclude: ['index.md', 'a.md'] }"}, "docs/blog"),
        (
            {
                "docusaurus.config.js": "docs: { onlyIncludeVersions: ['x', ...all.slice(0, 2)] }",
                "versions.json": "[]",
            },
            "docs",
        ),
        ({".vitepress/config.ts": "plugin({ patterns: ['**/*.md'] })"}, "blog"),
        ({"mkdocs.yml": "plugins:\n- exclude:\n    regex: [blog/]"}, "docs/guide/blog"),
    ],
)
def test_a_configuration_that_tells_of_other_files_leaves_out_no_page(
    tmp_path: Path, files: dict[str, str], folder: str
) -> None:
    for name, text in {**files, f"{folder}/a.md": "# A\n\nText.\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert [*read(tmp_path)[0]] == [f"{folder}/a.md"]


def test_docusaurus_builds_the_versions_that_its_configuration_names(tmp_path: Path) -> None:
    (tmp_path / "versions.json").write_text('["2.0", "1.0"]')
    for name in ("docs", "versioned_docs/version-2.0", "versioned_docs/version-1.0"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.md").write_text("# A\n\nText.\n")
    found = []
    for options in (
        "",
        "lastVersion: 'current'",
        "includeCurrentVersion: false",
        "onlyIncludeVersions: ['current', '1.0'], lastVersion: '1.0'",
    ):
        (tmp_path / "docusaurus.config.js").write_text(f"docs: {{ {options} }}")
        found.append([article.url for article in read(tmp_path)[0].values()])
    assert found == [
        ["/docs/next/a", "/docs/1.0/a", "/docs/a"],
        ["/docs/a", "/docs/1.0/a", "/docs/2.0/a"],
        ["/docs/1.0/a", "/docs/a"],
        ["/docs/next/a", "/docs/a"],
    ]


def test_pages_of_quarto_have_its_addresses_dates_pictures_and_includes(tmp_path: Path) -> None:
    files = {
        "_quarto.yml": (
            "project: {type: website}\nlang: de\n"
            "website:\n  site-url: https://x.example/n/\n"
            "  drafts: [./posts/later.qmd, 'new/**/*.qmd']\n"
        ),
        "_includes/series.qmd": "Part of *a series*. {{< include other.qmd >}}\n",
        "index.qmd": "---\ntitle: Home\n---\nWords.\n",
        "about.qmd": "---\ntitle: About\nimage: me.png\ndate: last-modified\n---\nWords.\n",
        "posts/index.qmd": "---\ntitle: Posts\nlisting: {contents: posts}\n---\nWords.\n",
        "all.qmd": "---\ntitle: All\nlisting: default\n---\nWords.\n",
        "posts/_metadata.yml": "author: Ann\nimage: /card.png\n",
        "posts/later.qmd": "---\ntitle: Later\n---\nWords.\n",
        "new/a.qmd": "---\ntitle: New\n---\nWords.\n",
        "posts/2023-03-17-a/index.qmd": (
            "---\ntitle: A\ndate: 4/3/2024\nimage: a.png\n---\n"
            "{{< include /_includes/series.qmd >}}\n\nWords. {{< include ../none.qmd >}}\n"
        ),
        "posts/README.md": "---\ntitle: Notes\n---\nWords.\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    articles, skipped, report = read(tmp_path)
    assert {
        file: (one.url, one.date and one.date.isoformat(), one.image and one.image.src)
        for file, one in articles.items()
    } == {
        "about.qmd": ("/n/about.html", None, "/n/me.png"),
        "posts/later.qmd": ("/n/posts/later.html", None, "/n/card.png"),
        "new/a.qmd": ("/n/new/a.html", None, None),
        "posts/2023-03-17-a/index.qmd": (
            *("/n/posts/2023-03-17-a/", "2024-04-03", "/n/posts/2023-03-17-a/a.png"),
        ),
    }
    post = articles["posts/2023-03-17-a/index.qmd"]
    assert (post.sections[0].text, post.authors) == ("Part of a series.\nWords.", ("Ann",))
    hidden = {file for file, one in articles.items() if not is_shown(one)}
    assert hidden == {"posts/later.qmd", "new/a.qmd"}
    assert skipped == {
        **dict.fromkeys(("index.qmd", "all.qmd", "posts/index.qmd"), "list-page"),
        **dict.fromkeys(("posts/README.md", "_includes/series.qmd"), "not-content"),
    }
    assert not [one for one in report.problems if one.field]
    assert discover_site(str(tmp_path), most=1, cache="").language == "de"


@pytest.mark.parametrize("code", ["a" * 60_000, "docs: /** " * 6_000, "docs: " + "/***/" * 40])
def test_a_configuration_of_docusaurus_is_read_in_time(tmp_path: Path, code: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("# A\n\nQuiet.\n")
    (tmp_path / "docusaurus.config.js").write_text(code)
    start = time.process_time()
    assert [one.url for one in read(tmp_path)[0].values()] == ["/docs/a"]
    assert time.process_time() - start < 3


def test_docusaurus_names_the_folders_and_routes_of_its_docs_and_blogs(tmp_path: Path) -> None:
    config = """
        presets: [['classic', /** @type {x} */ ({
          docs: { sidebarPath: f('./s.js'), versions: { '2.0': { path: 'next' } },
            routeBasePath: '/', path: './text', numberPrefixParser: false },
          blog: { feedOptions: { type: ['rss'] }, routeBasePath: 'news' } })]],
        plugins: [['@docusaurus/plugin-content-docs',
          { id: 'kit', path: 'tools/kit', routeBasePath: 'k' }]],
        themeConfig: { docs: { sidebar: {} } }
    """
    addresses = {
        "text/01-a.md": "/01-a",
        "text/home.md": "/",
        "versioned_docs/version-2.0/a.md": "/next/a",
        "blog/2026-01-02-a.md": "/news/2026/01/02/a",
        "tools/kit/01-a.md": "/k/next/a",
        "kit_versioned_docs/version-1/a.md": "/k/a",
        "i18n/de/docusaurus-plugin-content-docs-kit/current/01-a.md": "/de/k/next/a",
        "i18n/de/docusaurus-plugin-content-docs/current/01-a.md": "/de/01-a",
    }
    for name in addresses:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        slug = "slug: /\n" * ("home" in name)
        (tmp_path / name).write_text(f"---\ntitle: A\n{slug}---\nText.\n")
    (tmp_path / "docusaurus.config.js").write_text(f"module.exports = {{ {config} }};")
    (tmp_path / "kit_versions.json").write_text('["1"]')
    articles, _, _ = read(tmp_path)
    assert {name: article.url for name, article in articles.items()} == addresses
    keys = {article.url: article.translation_key for article in articles.values()}
    assert keys["/k/next/a"] == keys["/de/k/next/a"] != keys["/01-a"] == keys["/de/01-a"]


@pytest.mark.parametrize(
    ("code", "languages"),
    [
        ("const locales = { root: { lang: 'fr' }, de: { lang: 'de-AT' } }; locales,", "fr de-at"),
        ("const locales: Record<string, L> = { root: { lang: 'fr' }, de: {} };", "fr de"),
        ("import { locales } from './locales'; starlight({ locales })", "None de"),
        ("", "en en"),
    ],
)
def test_starlight_s_locales_may_stand_in_a_constant_or_elsewhere(
    tmp_path: Path, code: str, languages: str
) -> None:
    (tmp_path / "astro.config.mjs").write_text(f"import starlight from 's';\n{code}")
    for name in ("start.md", "de/start.md"):
        (tmp_path / "src/content/docs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src/content/docs" / name).write_text("---\ntitle: A\n---\nText.\n")
    articles = dict(sorted(read(tmp_path)[0].items(), reverse=True)).values()
    assert " ".join(str(one.language) for one in articles) == languages
    assert len({one.translation_key for one in articles}) == 1


@pytest.mark.parametrize("loader", ["glob({ pattern: '**/[^_]*.md' })", ""])
def test_astro_s_loaders_read_folders_that_begin_with_an_underscore(
    tmp_path: Path, loader: str
) -> None:
    for name in ("content/p/_new/a", "content/p/_b", "content/p/_drafts/c", "pages/_new/d"):
        (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / f"{name}.md").write_text("---\ntitle: A\n---\nText.\n")
    (tmp_path / "src/content.config.ts").write_text(f"defineCollection({{ loader: {loader} }})")
    (tmp_path / "astro.config.mjs").write_text("export default {}")
    assert [*read(tmp_path)[0]] == ["src/content/p/_new/a.md"] * bool(loader)


def test_nuxt_content_leaves_out_the_numbers_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "nuxt.config.ts").write_text("export default defineNuxtConfig({})")
    for name in (
        *("index.md", "1.guide/1.introduction.md", "1.guide/index.md", "2.about us.md", "10.md"),
        *("3.blog/_part.md", "blog/2024.in-review.md", "blog/größe.md", "blog/own.md"),
    ):
        (tmp_path / "content" / name).parent.mkdir(parents=True, exist_ok=True)
        own = "path: /elsewhere\n" if "own" in name else ""
        (tmp_path / "content" / name).write_text(f"---\ntitle: {name}\n{own}---\nText.\n")
    articles, skipped, report = read(tmp_path)
    found = {file.removeprefix("content/"): article.url for file, article in articles.items()}
    spelled = found.pop("blog/größe.md")
    assert found == {
        "1.guide/1.introduction.md": "/guide/introduction",
        "1.guide/index.md": "/guide",
        "2.about us.md": "/about-us",
        "10.md": "/10",
        "blog/2024.in-review.md": "/blog/in-review",
        "blog/own.md": "/elsewhere",
    }
    assert skipped == {"content/index.md": "list-page", "content/3.blog/_part.md": "not-content"}
    [told] = [str(one) for one in report.problems if "nuxt computes" in str(one)]
    assert "größe" in told, spelled


@pytest.mark.parametrize(
    ("prefix", "addresses"),
    [
        ("''", ["/guide/start", "/fr/guide/start"]),
        ("'/fr'", ["", ""]),
        ("at", ["", "/fr/guide/start"]),
    ],
)
def test_a_source_of_nuxt_content_may_have_another_prefix(
    tmp_path: Path, prefix: str, addresses: list[str]
) -> None:
    files = {
        "nuxt.config.ts": "",
        "content.config.ts": f"a: {{ source: {{ include: 'en/**', prefix: {prefix} }} }},\n"
        "b: { source: { include: 'fr/**', prefix: '/fr' } }",
        "content/en/1.guide/start.md": PAGE,
        "content/fr/1.guide/start.md": PAGE,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    source = open_source({"kind": "markdown", "path": str(tmp_path)})
    records = [one for one in source.records() if isinstance(one, Record)]
    assert [one.link for one in records] == addresses
    assert [one.values["language"] for one in records] == ["en", "fr"]
    assert {one.values["translation_key"] for one in records} == {"guide/start"}


@pytest.mark.parametrize(
    ("config", "folders"),
    [
        ("plugins: [jekyll-polyglot]\ndefault_lang: en", ("_posts", "_posts/fr")),
        ("gems: [jekyll-multiple-languages-plugin]", ("_i18n/en/_posts", "_i18n/fr/_posts")),
    ],
)
def test_a_plugin_of_jekyll_has_translations_below_their_language(
    tmp_path: Path, config: str, folders: tuple[str, ...]
) -> None:
    settings = f"{config}\nlanguages: [en, fr]\nbaseurl: /b\npermalink: /:title/\n"
    (tmp_path / "_config.yml").write_text(settings)
    for folder, language in zip(folders, ("en", "fr"), strict=True):
        (tmp_path / folder).mkdir(parents=True)
        front = f"---\ntitle: T\nimage: /t.png\nlang: {language}\n---\n"
        front = front.replace(f"lang: {language}\n", "") if "_i18n" in folder else front
        (tmp_path / folder / "2026-01-02-tide.md").write_text(f"{front}Text.\n")
    articles, skipped, _ = read(tmp_path)
    assert [article.url for article in articles.values()] == ["/b/tide/", "/b/fr/tide/"]
    assert [article.language for article in articles.values()] == ["en", "fr"]
    assert {article.translation_key for article in articles.values()} == {"/tide/"}
    assert {article.image and article.image.src for article in articles.values()} == {"/b/t.png"}
    assert not skipped


def test_the_list_of_a_navigation_is_no_article(tmp_path: Path) -> None:
    (tmp_path / "mkdocs.yml").write_text("site_name: X")
    (tmp_path / "docs").mkdir()
    for name in ("SUMMARY", "summary", "a"):
        (tmp_path / f"docs/{name}.md").write_text("# A\n\n* [A](a.md)\n")
    assert {*read(tmp_path)[0]} == {"docs/a.md", "docs/summary.md"}


def test_the_pages_of_mintlify_have_the_addresses_of_their_files(tmp_path: Path) -> None:
    (tmp_path / "mint.json").write_text('{"$schema": "https://mintlify.com/schema.json"}')
    for name in ("index.mdx", "guide/index.mdx", "guide/a.mdx", "b.mdx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        front = "\nurl: https://elsewhere.example/" * (name == "b.mdx")
        (tmp_path / name).write_text(f"---\ntitle: T{front}\n---\nText.\n")
    articles = read(tmp_path)[0].values()
    assert all(map(is_shown, articles))
    assert {article.url for article in articles} == {
        "/",
        "/guide",
        "/guide/a",
        "https://elsewhere.example/",
    }


@pytest.mark.parametrize(
    "settings",
    [
        *("gatsby-config.ts", "next.config.mjs", "quartz.config.ts"),
        *("config/statamic/cp.php", "user/config/system.yaml"),
    ],
)
def test_an_address_that_code_computes_is_said_to_be_unknown(tmp_path: Path, settings: str) -> None:
    for name, text in {settings: "export default {}", "content/a.md": PAGE}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    told, silent = (read(tmp_path / "content", preset=preset)[2] for preset in ("", "none"))
    (said,) = told.told()
    assert "or read the site by its sitemap" in said
    assert ('preset = "none"' in said) == (settings[:6] not in ("quartz", "config"))
    assert told.notes["url: unsure-address"] == 1
    assert "url: unknown-address" not in told.notes, "it would hold back a build of right links"
    _, _, report = read(tmp_path / "content", url_template="/blog/{slug}/")
    assert not [note for note in silent.notes + report.notes if "address" in note]

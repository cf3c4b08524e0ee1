"""Configured sources: options, several at once, secrets, and the first look at them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gzip
import importlib
import json
import logging
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem
from index.errors import SourceError
from index.sources import registry
from index.sources.configured_source import ConfiguredSource
from index.sources.registry import KINDS, open_source, open_sources, table_for
from index.sources.secret_options import mask
from recommender.errors import SettingError
from tests.support.http_site import Site, page, serving

DOCS = Path(__file__).parents[2] / "docs" / "sources.md"


@pytest.fixture
def server() -> Iterator[Site]:
    with serving() as site:
        yield site


def test_a_secret_in_the_log_of_retries_is_masked(
    server: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SITE_FEED", f"{server.url}/feed?key=hunter2")
    server.pages["/feed"] = page(status=503, Retry_After="0")
    source = open_source({"kind": "feed", "url_env": "SITE_FEED", "private": ["127.0.0.1"]})
    with caplog.at_level(logging.DEBUG), pytest.raises(SourceError) as error:
        list(source.records())
    assert "trying again" in caplog.text
    assert "hunter2" not in caplog.text + str(error.value) + source.name + repr(source)
    assert server.paths() == ["/feed?key=hunter2"] * 4


def test_a_source_says_how_it_writes_dates_and_which_fields_hold_a_title(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,headline,name,published,until\na,,Kelp,03/04/2026,9999-12-31\n")
    table = {
        "kind": "csv",
        "path": str(path),
        "date_format": "%d/%m/%Y",
        "map": {"title": ["headline", "name"], "date": "published", "visible_until": "until"},
    }
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"), date_format="%m/%d/%Y")
    report = ReadReport()
    ((article, _),) = parse_records(open_source(table).records(), mapping, report)
    assert (article.title, article.date) == ("Kelp", dt.date(2026, 4, 3))
    assert article.visible_until is None
    del table["date_format"]
    ((article, _),) = parse_records(open_source(table).records(), mapping, report)
    assert article.date == dt.date(2026, 3, 4)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "choose one of csv"),
        ({"kind": "xls"}, "'xls'"),
        ({"kind": "csv"}, "path"),
        ({"kind": "csv", "path": 7}, "path"),
        ({"kind": "csv", "path": "x", "delimeter": ";"}, "did you mean delimiter"),
        ({"kind": "csv", "path": "x", "delimiter": ";;"}, "';;'"),
        ({"kind": "csv", "path": "x", "encoding": "utf-9"}, "utf-9"),
        ({"kind": "csv", "path": "x", "map": "y"}, "must be a table"),
        ({"kind": "csv", "path": "x", "map": {"body": "y"}}, "'body'"),
        ({"kind": "csv", "path": "x", "map": {"sumary": "y"}}, "(did you mean summary?)"),
        ({"kind": "csv", "path": "x", "map": {"title": ""}}, "'title' = '' is not valid; map an"),
        ({"kind": "csv", "path": "x", "url_template": "/y"}, "{id}"),
        ({"kind": "csv", "path": "x", "date_format": "%d/%m"}, "as in %d/%m/%Y"),
        ({"kind": "csv", "path": "x", "map": {"title": ["a", ""], "name": "b"}}, "'name'"),
        ({"kind": "csv", "path": "x", "name": "pushed"}, "name = 'pushed'"),
        ({"kind": "html", "path": "x", "main": "p[["}, "p[["),
        ({"kind": "html", "path": "x", "select": {"date": "h1::before"}}, "Pseudo"),
        ({"kind": "feed"}, "either url or path"),
        ({"path": "a.jsonl"}, "[[source]] has no kind; choose one of csv,"),
        ({"kind": "xls"}, "kind = 'xls' is unknown"),
        ({"kind": "feed", "url": "https://x.example", "private": ["x"]}, "private"),
        ({"kind": "feed", "url": "https://me:hunter2@x.example"}, "password_env"),
        ({"kind": "feed", "url": "https://x.example", "password": "hunter2"}, "password_env"),
        ({"kind": "feed", "url": "https://x.example", "password_env": "NOT_SET"}, "'NOT_SET'"),
        ({"kind": "feed", "url": "https://x.example", "password_file": "/none"}, "/none"),
        ({"kind": "wordpress", "url": "https://x.example", "per_page": "many"}, "per_page"),
        ({"kind": "wordpress", "url": "https://x.example", "per_page": 0}, "per_page"),
    ],
)
def test_an_option_that_cant_be_used_is_refused_with_its_name(
    table: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(SettingError, match=re.escape(said)) as error:
        open_source(table)
    assert "hunter2" not in str(error.value)


def test_a_source_may_have_a_name_of_its_own() -> None:
    tables = [{"kind": "csv", "path": "a.csv", "name": "blog"}, {"kind": "csv", "path": "b.csv"}]
    assert [source.name for source in open_sources([], tables, {}, {})] == ["blog", "b.csv"]
    with pytest.raises(SettingError, match=r"2 .* tables have the name 'blog'"):
        open_sources([], [tables[0], tables[0]], {}, {})


def test_sources_of_one_address_have_names_that_differ() -> None:
    table: dict[str, Any] = {"kind": "sitemap", "url": "https://x.example/map.xml"}
    named = {"kind": "csv", "path": "a.csv", "name": "https://x.example/map.xml (2)"}
    parts = [{**table, "url": f"{table['url']}?part={part}"} for part in ("first", "second")]
    tables = [table, {**table, "include": ["/blog/*"]}, named, *parts]
    assert [source.name for source in open_sources([], tables, {}, {})] == [
        "https://x.example/map.xml",
        "https://x.example/map.xml (3)",
        "https://x.example/map.xml (2)",
        "https://x.example/map.xml?…",
        "https://x.example/map.xml?… (2)",
    ]


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("-", "jsonl"),
        ("a.jsonl.gz", "jsonl"),
        ("a.csv", "csv"),
        ("A.TSV", "csv"),
        ("a.parquet", "parquet"),
        ("site/**/*.html", "html"),
        ("posts/*.md", "markdown"),
        ("page.txt", "plain"),
        ("feed.xml", "feed"),
        ("https://site.example/feed", "feed"),
    ],
)
def test_the_kind_of_a_location_is_told_by_its_name(location: str, kind: str) -> None:
    assert table_for(location)["kind"] == kind


def test_a_folder_is_of_the_kind_of_its_pages(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a")
    for other in ("picture.png", "robots.txt", "_layouts/post.html", ".git/x.html"):
        (tmp_path / other).parent.mkdir(exist_ok=True)
        (tmp_path / other).write_text("x")
    assert table_for(str(tmp_path))["kind"] == "markdown"


@pytest.mark.parametrize(("other", "kind"), [("a.html", "html"), ("LICENSE.txt", "markdown")])
def test_a_readme_beside_built_pages_is_none_of_them(tmp_path: Path, other: str, kind: str) -> None:
    for name in ("README.md", other):
        (tmp_path / name).write_text("x")
    assert table_for(str(tmp_path))["kind"] == kind


def test_many_readmes_beside_one_html_page_are_pages_but_below_its_index(tmp_path: Path) -> None:
    for name in ("a/README.md", "a/LICENSE.md", "b/README.md", "c/README.md", "demo/index.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    with pytest.raises(SettingError, match="holds 3 Markdown and 1 HTML pages"):
        table_for(str(tmp_path))
    (tmp_path / "index.html").write_text("x")
    assert table_for(str(tmp_path))["kind"] == "html"


def test_of_a_folder_of_two_kinds_the_counts_and_a_remedy_are_told(tmp_path: Path) -> None:
    for name in ("a.md", "b.md", "c.html"):
        (tmp_path / name).write_text("x")
    said = f"{tmp_path} holds 2 Markdown and 1 HTML pages: say which"
    with pytest.raises(SettingError, match=re.escape(said)) as error:
        table_for(str(tmp_path))
    assert f'kind = "markdown", path = "{tmp_path}"' in str(error.value)
    assert table_for(f"{tmp_path}/**/*.md")["kind"] == "markdown"
    (tmp_path / "_config.yml").touch()  # at the root of a known site, the articles are sure
    assert table_for(str(tmp_path))["kind"] == "markdown"


@pytest.mark.parametrize(
    ("suffix", "said"),
    [
        ("rst", "reStructuredText"),
        ("adoc", "AsciiDoc"),
        ("org", "pandoc -f org"),
        ("textile", "Textile"),
        ("docx", "export it"),
        ("pdf", "export it"),
        ("ipynb", "nbconvert"),
        ("xlsx", "CSV"),
        ("zip", "unpack it"),
        ("sqlite", 'kind = "sql"'),
    ],
)
def test_files_that_cant_be_read_are_named_with_what_to_do(
    tmp_path: Path, suffix: str, said: str
) -> None:
    path = tmp_path / f"kelp.{suffix}"
    path.write_text("Kelp\n====\n")
    for location in (path, tmp_path):
        with pytest.raises(SettingError, match=re.escape(said)) as error:
            table_for(str(location))
        assert str(location) in str(error.value)


def test_of_a_folder_of_documents_one_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(SettingError, match=r"1 \.json files: name one file"):
        table_for(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("\n<?xml version='1.0'?><!-- x --><rss><channel/></rss>", "feed"),
        ("<a:feed xmlns:a='http://www.w3.org/2005/Atom'/>", "feed"),
        ("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>", "sitemap"),
        ("<sitemapindex/>", "sitemap"),
        ("<rss><channel xmlns:wp='https://wordpress.org/export/1.0/'/></rss>", "wxr"),
        ("<!DOCTYPE html><html><body/></html>", "html"),
        ('[{"id": 1}]', "json"),
        ('{"db": [{"meta": {"exported_on": 1}, "data": {"posts": []}}]}', "ghost"),
        ('{"version": "https://jsonfeed.org/version/1.1", "items": []}', "feed"),
    ],
)
@pytest.mark.parametrize("name", ["a.xml", "a"])
def test_xml_and_json_are_told_apart_by_their_content(
    tmp_path: Path, content: str, kind: str, name: str
) -> None:
    path = tmp_path / name
    for encoding in ("utf-8", "utf-8-sig") if content[0] in "[{" else ("utf-8", "utf-16"):
        path.write_text(content, encoding=encoding)
        if name == "a.xml" or encoding != "utf-16":
            assert table_for(str(path))["kind"] == kind


def test_a_json_file_that_breaks_off_is_told_as_such(tmp_path: Path) -> None:
    posts = [{"id": number, "text": f"{number:x}" * 9} for number in range(9_000)]
    whole = json.dumps({"posts": posts}, indent=1).encode()
    (tmp_path / "a.json").write_bytes(whole[:-9])
    with pytest.raises(SourceError, match="it breaks off"):
        deque(open_source(table_for(str(tmp_path / "a.json"))).records(), 0)
    packed = gzip.compress(whole)
    for size in (30, len(packed) // 2, len(packed) - 9):
        (tmp_path / "a.json.gz").write_bytes(packed[:size])
        with pytest.raises(SourceError, match="to its end"):
            table_for(str(tmp_path / "a.json.gz"))


def test_xml_of_another_kind_is_named_by_its_root(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<book><chapter/></book>")
    with pytest.raises(SettingError, match="root element is <book>"):
        table_for(str(tmp_path / "a.xml"))


def test_every_kind_has_options_with_a_description_of_each() -> None:
    for kind, cls in KINDS.items():
        described = " ".join(str(one.__doc__) for one in cls.__mro__)
        for option in dataclasses.fields(cls):
            assert f"{option.name}:" in described, (kind, option.name)


def test_a_new_kind_is_one_class_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Counted:
        upto: int

        @property
        def name(self) -> str:
            return f"numbers to {self.upto}"

        def records(self) -> Iterator[Record | RecordProblem]:
            for number in range(self.upto):
                yield Record(location=f"number {number}", values={"id": number, "name": "N"})

    monkeypatch.setitem(registry.KINDS, "counted", Counted)
    source = open_source({"kind": "counted", "upto": "3", "map": {"title": "name"}})
    assert [item.values["title"] for item in source.records()] == ["N"] * 3
    with pytest.raises(SettingError, match="upto"):
        open_source({"kind": "counted", "upto": "x"})


def test_the_kind_that_the_documentation_adds_can_be_added(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(code.splitlines()) <= 30
    module = tmp_path / "mailing_list.py"
    module.write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(registry.KINDS, "mbox", importlib.import_module("mailing_list").MboxSource)
    path = tmp_path / "list.mbox"
    path.write_text("From a@b Thu Jan  1 00:00:00 2026\nMessage-ID: x\nSubject: S\n\nText\n")
    (item,) = open_source({"kind": "mbox", "path": str(path)}).records()
    assert isinstance(item, Record)
    assert item.values == {"id": "x", "title": "S", "summary": "Text\n"}
    with pytest.raises(SourceError, match="no mailbox"):
        list(open_source({"kind": "mbox", "path": "none"}).records())


def test_every_kind_and_option_is_documented() -> None:
    text = DOCS.read_text()
    for kind, cls in KINDS.items():
        assert f'kind = "{kind}"' in text or f"| `{kind}` |" in text
        for option in dataclasses.fields(cls):
            assert re.search(rf"[`\n]{option.name}(_env)?\b", text), (kind, option.name)


def test_a_short_part_of_a_query_is_masked_only_if_its_name_is_that_of_a_secret() -> None:
    url = "https://x.example/map.xml?paged=1&lang=e&apikey=7up&t=hunter2"
    source = open_source({"kind": "sitemap", "url": url})
    assert source.name == "https://x.example/map.xml?…"
    assert mask("1 e 7up hunter2", source.secrets) == "1 e *** ***"


def test_a_longer_secret_is_masked_before_a_shorter_one_in_it() -> None:
    assert mask("a secret-longer word", ("secret-longer", "secret")) == "a *** word"


def test_a_date_keeps_its_own_name_for_what_it_says_of_visibility() -> None:
    class One:
        name = "one"

        def records(self) -> Iterator[Record]:
            yield Record(location="a", values={"id": "a", "published_at": "2999-01-01"})

    source = ConfiguredSource(source=One(), fields={"date": "date,published_at"})
    (record,) = source.records()
    assert isinstance(record, Record)
    assert record.values["date"] == record.values["published_at"] == "2999-01-01"


def test_what_is_no_source_is_told_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "notes").write_text("kelp")
    for name, said in (
        ("photos", "holds no pages"),
        ("notes", "be told from its name"),
        ("x", "no file"),
    ):
        with pytest.raises(SettingError, match=said):
            table_for(str(tmp_path / name))

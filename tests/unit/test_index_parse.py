"""Reading: every record becomes an article, or is counted with its place and the reason."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from index.articles import article_store, record_parser
from index.articles import parse as reading
from index.articles.cleaning import cut_text, plain_text
from index.articles.markdown_marks import without_marks
from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, get_field
from index.articles.urls import check_url
from index.errors import SourceError
from index.sources import jsonl_source as jsonl
from index.sources.registry import open_source
from recommender.article import Article, Image, Section, Status
from recommender.errors import ArticleError, SettingError
from tests.support.json_lines import GOOD, lines

Write = Callable[..., Path]


def mapping(url_template: str = "/{id}", timezone: str = "UTC") -> FieldMapping:
    return FieldMapping(url_template=url_template, timezone=ZoneInfo(timezone))


def read(
    path: Path | str, using: FieldMapping | None = None, *, strict: bool = False, **fields: str
) -> tuple[list[Article], ReadReport]:
    report = ReadReport()
    source = open_source({"kind": "jsonl", "path": str(path), "map": fields})
    found = parse_records(source.records(), using or mapping(), report, strict=strict)
    return [article for article, _ in found], report


# What makes an article unusable skips it


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"title": "No id"}, "id: missing"),
        ({"title": "No id", "id": ""}, "id: missing"),
        ({"title": "No id", "id": None, "slug": " "}, "id: missing"),
        ({**GOOD, "id": "x" * 513}, "id: too-long"),
        ({**GOOD, "id": ".."}, "id: invalid"),
        ({**GOOD, "id": "a\nb"}, "id: invalid"),
        ({**GOOD, "id": 1.5}, "id: invalid"),
        ({**GOOD, "id": True}, "id: invalid"),
        ({**GOOD, "id": ["kelp", "rye"]}, "id: invalid"),
        (r'{"id": "\ud800", "title": "Kelp"}', "id: invalid"),
        ({**GOOD, "title": ""}, "title: missing"),
        ({**GOOD, "title": " \n "}, "title: missing"),
        ({**GOOD, "title": "<p> </p>"}, "title: missing"),
        ({**GOOD, "title": None}, "title: missing"),
        ({**GOOD, "title": 7.5}, "title: missing"),
        (b'{"id": "kelp", "title": "\xff"}', "invalid-utf8"),
        ('{"id": "kelp", "title": "Kelp"', "invalid-json"),
        ("not json", "invalid-json"),
        ("[1, 2]", "invalid-json"),
        ("7", "invalid-json"),
        ("[" * 100_000, "invalid-json"),
    ],
)
def test_an_unusable_record_is_skipped_with_its_line_and_reason(
    write_jsonl: Write, line: Any, reason: str
) -> None:
    path = write_jsonl([{**GOOD, "id": "before"}, line, {**GOOD, "id": "after"}])
    articles, report = read(path)
    assert [article.id for article in articles] == ["before", "after"]
    assert (report.read, report.kept, dict(report.skipped)) == (3, 2, {reason: 1})
    (problem,) = report.problems
    assert problem.location == f"{path} line 2"
    assert problem.reason == reason.rpartition(": ")[2]
    assert problem.message


def test_a_message_names_the_byte_that_is_not_utf8(write_jsonl: Write) -> None:
    _, report = read(write_jsonl([b'{"id": "k\xe9lp"}']))
    assert report.problems[0].message == "byte 10 (0xe9) is not valid UTF-8"


def test_a_line_that_is_too_long_is_skipped_unread(
    write_jsonl: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "MAX_LINE_BYTES", 100)
    long = {**GOOD, "id": "long", "summary": "x" * 1_000}
    articles, report = read(write_jsonl([{**GOOD, "id": "a"}, long, {**GOOD, "id": "b"}]))
    assert [article.id for article in articles] == ["a", "b"]
    assert dict(report.skipped) == {"line-too-long": 1}
    assert report.problems[0].location.endswith("line 2")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"title": {"rendered": "Kelp"}}, "title.rendered"),
        ({"title": '{"en": "Kelp", "da": "Tang"}'}, "title.en"),
        ({"title": None, "attributes": {"title": "Kelp"}}, "attributes.title"),
        ({"title": None, "seo": {"text": "Kelp"}}, "FIELD"),
    ],
)
def test_a_title_within_an_object_is_told_with_its_path(
    write_jsonl: Write, fields: dict[str, Any], path: str
) -> None:
    _, report = read(write_jsonl([{**GOOD, **fields}]))
    assert report.problems[0].message.endswith(f"--map title={path}")


# What makes visibility unclear keeps it, invisible


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"status": "publishd"}, "status: unknown"),
        ({"status": 7}, "status: unknown"),
        ({"status": False}, "status: unknown"),
        ({"status": ["published", "draft"]}, "status: unknown"),
        ({"status": {}}, "status: unknown"),
        ({"visible_from": "next Tuesday"}, "visible_from: invalid"),
        ({"visible_from": "2026-13-01"}, "visible_from: invalid"),
        ({"visible_from": 77_777}, "visible_from: invalid"),
        ({"visible_from": "03/04/2026"}, "visible_from: invalid"),
        ({"visible_from": "2026-03-01T10:00 IST"}, "visible_from: invalid"),
        ({"visible_from": False}, "visible_from: invalid"),
        ({"published_at": "soon"}, "visible_from: invalid"),
        ({"published_at": "03/04/2037"}, "visible_from: invalid"),
        ({"attributes": {"publishedAt": "soon"}}, "visible_from: invalid"),
        ({"publish_time": "2999-05"}, "visible_from: invalid"),
        ({"published": 2099}, "visible_from: invalid"),
        ({"releaseDate": "2099-01"}, "visible_from: invalid"),
        *(
            ({"releaseDate": said}, "visible_from: invalid")
            for said in ("March 2099", "12/2099", "2099年1月", "209903", 2999, "9999", "มีนาคม 2599")
        ),
        ({"publish_time": "2020 or later"}, "visible_from: invalid"),
        ({"embargo": True}, "visible_from: invalid"),
        ({"embargo": "yes"}, "visible_from: invalid"),
        ({"unpublished_at": True}, "visible_until: invalid"),
        ({"visible_until": "2026-05-01T25:00"}, "visible_until: invalid"),
        ({"visible_until": "\ud800"}, "visible_until: invalid"),
        ({"status": "scheduled"}, "status: no-time"),
        ({"status": "future", "visible_from": ""}, "status: no-time"),
    ],
)
def test_unclear_visibility_keeps_an_article_out_of_sight(
    write_jsonl: Write, fields: dict[str, Any], note: str
) -> None:
    (article,), report = read(write_jsonl([json.dumps({**GOOD, **fields})]))
    assert article.status is Status.HIDDEN
    assert dict(report.notes) == {note: 1}
    assert report.problems[0].location.endswith("line 1")


@pytest.mark.parametrize("field", sorted({*reading.FIELDS} - {"id"}))
def test_invalid_unicode_in_a_field_never_ends_a_build(write_jsonl: Write, field: str) -> None:
    bad = "b\ud800"
    parts: list[Any] = [{bad: bad, "heading": bad, "text": bad, "src": "/", "alt": bad, "url": bad}]
    for value in (bad, [bad], parts, parts[0], {bad: 1}):
        kept, _ = read(write_jsonl([json.dumps({**GOOD, field: value})]))
        for article in kept:
            assert article_store.to_bytes(article)


def test_a_file_that_breaks_off_amid_a_line_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + json.dumps({**GOOD, "id": "b"})[:-9])
    with pytest.raises(SourceError, match="line 2: the file breaks off"):
        read(path)


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        (None, Status.PUBLISHED),
        ("", Status.PUBLISHED),
        (" Publish ", Status.PUBLISHED),
        ("LIVE", Status.PUBLISHED),
        ("active", Status.PUBLISHED),
        ("Online", Status.PUBLISHED),
        ("draft", Status.DRAFT),
        ("pending", Status.DRAFT),
        ("private", Status.HIDDEN),
        ("trash", Status.HIDDEN),
    ],
)
def test_the_usual_names_of_a_status_are_understood(
    write_jsonl: Write, status: str | None, meant: Status
) -> None:
    (article,), report = read(write_jsonl([{**GOOD, "status": status}]))
    assert article.status is meant
    assert not report.notes


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-05-01T08:00", "2026-05-01T06:00:00+00:00"),
        ("2026-01-01", "2025-12-31T23:00:00+00:00"),
        ("2026-05-01T08:00Z", "2026-05-01T08:00:00+00:00"),
        ("2026-05-01T08:00:00.25-03:30", "2026-05-01T11:30:00.250000+00:00"),
    ],
)
def test_a_time_without_a_zone_is_read_in_the_setting(
    write_jsonl: Write, written: str, utc: str
) -> None:
    path = write_jsonl([{**GOOD, "status": "scheduled", "visible_from": written}])
    (article,), _ = read(path, mapping(timezone="Europe/Berlin"))
    assert article.status is Status.PUBLISHED
    assert article.visible_from is not None
    assert article.visible_from.isoformat() == utc


@pytest.mark.parametrize(
    ("fields", "field", "value"),
    [
        ({"title": 1984}, "title", "1984"),
        ({"title": "RETRACTED ARTICLE: Kelp cures all"}, "status", Status.HIDDEN),
        ({"title": ["WITHDRAWN: Kelp for colds"]}, "status", Status.HIDDEN),
        ({"title": "[Retracted] Kelp cures all"}, "status", Status.HIDDEN),
        ({"title": "Retracted: how a paper fell"}, "status", Status.PUBLISHED),
        ({"publish_time": "2020"}, "status", Status.PUBLISHED),
        ({"published": 2021}, "status", Status.PUBLISHED),
        ({"published": f"{dt.datetime.now(dt.UTC):%Y}"}, "status", Status.PUBLISHED),
        ({"published": "Waves 12, 2097-2110, 2019"}, "status", Status.PUBLISHED),
        *(
            ({"releaseDate": said}, "status", Status.PUBLISHED)
            for said in ("2567-03-01", 2567, "2567-03", "5787", "Waves 12, 3011-3020", "Heft 2712")
        ),
        *(
            ({"releaseDate": said}, "status", Status.HIDDEN)
            for said in ("3000-06-01", 3000, "2200", "2150-01", "8888-88-88")
        ),
        ({"published": "10.7554/eLife.2640"}, "status", Status.PUBLISHED),
        ({"publish_time": "2020-05"}, "status", Status.PUBLISHED),
        ({"visible_from": 2020}, "status", Status.PUBLISHED),
        ({"summary": "[No abstract available]"}, "sections", ()),
        ({"excerpt": "No description available."}, "excerpt", None),
        ({"authors": "[No author name available]", "tags": "N/A"}, "authors", ()),
        ({"tags": ["N/A", "sea"]}, "tags", ("sea",)),
        ({"title": "N/A"}, "title", "N/A"),
        ({"date": {"date-parts": [[2021, 3, 15]]}}, "date", dt.date(2021, 3, 15)),
        ({"title": ["Kelp"]}, "title", "Kelp"),
        ({"summary": ["Tall."]}, "sections", (Section(text="Tall."),)),
        ({"summary": []}, "sections", ()),
        (
            {"summary": {"kelp": [1, 3], "Tall": [0], "eats": [2]}},
            "sections",
            (Section(text="Tall kelp eats kelp"),),
        ),
        (
            {"summary": '{"hello": [0, 2], "sea": [1]}'},
            "sections",
            (Section(text="hello sea hello"),),
        ),
        ({"summary": "[5]"}, "sections", (Section(text="[5]"),)),
        ({"url": "https://x.example/a b"}, "url", "https://x.example/a%20b"),
        ({"url": "https://x.example/a; https://y.example/b"}, "url", "https://x.example/a"),
        ({"url": None, "permalink": "https://x.example/a/"}, "url", "https://x.example/a/"),
        ({"url": None, "permalink": "/:year/:slug/"}, "url", "/kelp"),
        ({"tags": [{"name": "Sea"}, "Land"]}, "tags", ("Sea", "Land")),
        ({"tags": [{"label": "Sea"}, {"title": "Land"}]}, "tags", ("Sea", "Land")),
        ({"authors": [{"name": "Ann"}]}, "authors", ("Ann",)),
        ({"authors": {"name": "Ann"}}, "authors", ("Ann",)),
        ({"authors": [{"given": "Ann", "family": "Lind"}]}, "authors", ("Ann Lind",)),
        ({"authors": [{"last_name": "Lind", "first_name": "Ann"}]}, "authors", ("Ann Lind",)),
        ({"authors": {"node": {"name": "Ann"}}}, "authors", ("Ann",)),  # GraphQL
        ({"tags": {"nodes": [{"name": "sea"}]}}, "tags", ("sea",)),
        ({"tags": [{"name": "sea", "attributes": {"color": "blue"}}]}, "tags", ("sea",)),
        ({"tags": {"edges": [{"node": {"name": "sea"}}]}}, "tags", ("sea",)),
        ({"tags": {"data": [{"attributes": {"name": "sea"}}]}}, "tags", ("sea",)),  # Strapi
        ({"tags": {"type": "tag.list", "tags": [{"name": "sea"}]}}, "tags", ("sea",)),  # Intercom
        ({"authors": [{"firstName": "Ann", "lastName": "Lind"}]}, "authors", ("Ann Lind",)),
        ({"authors": [{"fullName": "Lind A"}, {"literal": "Sea"}]}, "authors", ("Lind A", "Sea")),
        (
            {"authors": [{"family": "Beek", "non-dropping-particle": "van", "given": "Lo"}]},
            "authors",
            ("Lo van Beek",),
        ),
        ({"image": ["/k.jpg", "/l.jpg"]}, "image", Image(src="/k.jpg")),
        ({"image": {"filename": "/k.jpg", "alt": "K"}}, "image", Image(src="/k.jpg", alt="K")),
        (
            {"image": {"data": {"attributes": {"url": "/k.jpg", "alternativeText": "K"}}}},
            "image",
            Image(src="/k.jpg", alt="K"),
        ),
        ({"image": {"url": "/k.jpg", "alt": "K"}}, "image", Image(src="/k.jpg", alt="K")),
        ({"image": {"url": "/k.jpg", "attributes": {"width": 9}}}, "image", Image(src="/k.jpg")),
        *(
            ({"image": cell}, "image", Image(src="https://s.example/k.jpg"))
            for cell in (
                "k 1.jpg (https://s.example/k.jpg),l.jpg (https://s.example/l.jpg)",
                "https://s.example/k.jpg|https://s.example/l.jpg",
            )
        ),
        ({"image": "https://s.example/(1)"}, "image", Image(src="https://s.example/(1)")),
        ({"image": "//cdn.example/k.jpg"}, "image", Image(src="https://cdn.example/k.jpg")),
        ({"id": None, "url": None, "Handle": "rye"}, "id", "rye"),
        ({"title": '{"a": b} in JavaScript'}, "title", '{"a": b} in JavaScript'),
    ],
)
def test_what_systems_write_otherwise_is_understood(
    write_jsonl: Write, fields: dict[str, Any], field: str, value: object
) -> None:
    (article,), _ = read(write_jsonl([{**GOOD, **fields}]))
    assert getattr(article, field) == value


SPANS = [{"type": "text", "text": "Tall "}, {"type": "link", "children": [{"text": "kelp."}]}]


@pytest.mark.parametrize(
    "blocks",
    [
        ["Head", "Tall kelp."],
        [{"type": "heading1", "text": "Head"}, {"type": "paragraph", "text": "Tall kelp."}],
        {"nodeType": "document", "content": [["Head"], {"nodeType": "x", "content": SPANS}]},
        {"root": {"children": [{"children": [{"text": "Head"}]}, {"children": SPANS}]}},
        {"blocks": [{"data": {"text": "Head"}}, {"data": {"items": ["Tall kelp."]}}]},
        [{"_type": "block", "children": [{"_type": "span", "text": "Head"}]}, *SPANS],
        {"ops": [{"insert": "Head"}, {"insert": "\n"}, {"insert": "Tall kelp.\n"}]},
        [{"type": "head", "value": "Head", "id": "1"}, {"type": "p", "value": "<p>Tall kelp.</p>"}],
    ],
)
def test_a_text_in_blocks_is_read_in_its_order(write_jsonl: Write, blocks: Any) -> None:
    lines = [{**GOOD, "id": "a", "summary": blocks}, {**GOOD, "summary": json.dumps(blocks)}]
    articles, report = read(write_jsonl(lines))
    assert [one.sections for one in articles] == 2 * [(Section(text="Head\nTall kelp."),)]
    assert not report.notes


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "doc", "content": [{"type": "paragraph", "content": ["SPAN"]}]}, "a <b> &amp; c"),
        ([{"_type": "block", "children": [{"_type": "span", "text": "a <b> &amp; c"}]}], None),
        ({"blocks": [{"type": "paragraph", "data": {"text": "a <b>&amp; c</b>"}}]}, "a & c"),
        ({"blocks": [{"type": "text", "text": "<p>a &amp; c</p>"}]}, "a & c"),
        ([{"type": "text", "value": "<p>a &amp; c</p>", "id": "1"}], "a & c"),
    ],
)
def test_plain_text_in_blocks_is_no_markup(
    write_jsonl: Write, block: Any, text: str | None
) -> None:
    span = json.dumps({"type": "text", "text": "a <b> &amp; c"})
    summary = json.dumps(block).replace('"SPAN"', span)
    (article,), _ = read(write_jsonl([{**GOOD, "summary": summary}]))
    assert article.sections == (Section(text=text or "a <b> &amp; c"),)


# Anything else is mended


@pytest.mark.parametrize(
    ("fields", "note", "field", "value"),
    [
        ({"title": "x " * 400}, "title: too-long", "title", ("x " * 250).strip()),
        ({"title": "x" * 90_000}, "title: too-long", "title", "x" * 500),
        ({"excerpt": 7}, "excerpt: not-text", "excerpt", None),
        ({"excerpt": "x" * 2_001}, "excerpt: too-long", "excerpt", "x" * 2_000),
        ({"date": "May 2026"}, "date: invalid", "date", None),
        ({"date": 2026}, "date: invalid", "date", None),
        ({"image": "javascript:x"}, "image: unsafe", "image", None),
        ({"image": {"alt": "lacks src"}}, "image: invalid", "image", None),
        ({"image": "../assets/k.jpg"}, "image: invalid", "image", None),
        ({"supersedes": "kelp"}, "supersedes: invalid", "supersedes", None),
        ({"supersedes": ["old", "older"]}, "supersedes: invalid", "supersedes", None),
        ({"supersedes": "x" * 513}, "supersedes: too-long", "supersedes", None),
        ({"language": "English!"}, "language: invalid", "language", None),
        ({"language": 7}, "language: invalid", "language", None),
        ({"tags": 7}, "tags: invalid", "tags", ()),
        ({"tags": ["sea", None]}, "tags: invalid", "tags", ("sea",)),
        ({"tags": ["x" * 101]}, "tags: too-long", "tags", ("x" * 100,)),
        (
            {"tags": [f"t{number}" for number in range(51)]},
            "tags: too-many",
            "tags",
            tuple(f"t{number}" for number in range(50)),
        ),
        ({"authors": {"id": 7}}, "authors: invalid", "authors", ()),
        ({"ratings": [1]}, "ratings: invalid", "ratings", {}),
        ({"ratings": {"a": "high", "b": 2}}, "ratings: invalid", "ratings", {"b": 2.0}),
        ({"ratings": {"a": True, "b": 2}}, "ratings: invalid", "ratings", {"b": 2.0}),
        ({"ratings": {"a": 10**400, "b": 2}}, "ratings: invalid", "ratings", {"b": 2.0}),
        (
            {"sections": "text", "summary": "Tall."},
            "sections: invalid",
            "sections",
            (Section(text="Tall."),),
        ),
        (
            {"sections": ["text", {"text": "Tall."}]},
            "sections: invalid",
            "sections",
            (Section(text="Tall."),),
        ),
        ({"summary": 7}, "summary: not-text", "sections", ()),
        ({"summary": {"id": 7}}, "summary: not-text", "sections", ()),
    ],
)
def test_what_is_wrong_beside_that_is_mended_and_counted(
    write_jsonl: Write, fields: dict[str, Any], note: str, field: str, value: object
) -> None:
    (article,), report = read(write_jsonl([{**GOOD, **fields}]))
    assert getattr(article, field) == value
    assert report.notes[note] == 1
    assert set(report.notes) <= {note, "summary: no-text"}
    assert (report.read, report.kept) == (1, 1)


def test_a_number_beyond_any_float_is_mended_too(write_jsonl: Write) -> None:
    line = '{"id": "kelp", "title": "Kelp", "url": "/k", "ratings": {"a": 1e999, "b": -1}}'
    (article,), report = read(write_jsonl([line]))
    assert article.ratings == {"b": -1.0}
    assert report.notes["ratings: invalid"] == 1


def test_a_title_alone_is_an_article_counted_as_without_text(write_jsonl: Write) -> None:
    (article,), report = read(write_jsonl([{"id": "kelp", "title": "Kelp", "url": "/kelp"}]))
    assert not article.has_text
    assert dict(report.notes) == {"summary: no-text": 1}


def test_a_text_is_cut_once_though_its_sections_are_many(
    write_jsonl: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_parser, "MAX_TEXT", 50)
    sections = [{"heading": "H", "text": "word " * 8}] * 3
    (article,), report = read(write_jsonl([{**GOOD, "sections": sections}]))
    assert sum(len(section.text) for section in article.sections) <= 51
    assert report.notes["sections: too-long"] == 2


@pytest.mark.parametrize(
    "sections", [None, "", "null", [], "[]", [{}], {}, "text", [{"heading": "Intro", "text": ""}]]
)
def test_a_summary_is_read_where_sections_hold_no_text(
    write_jsonl: Write, sections: object
) -> None:
    fields = {"sections": sections, "summary": 'Tall, see <a href="/sea">the sea</a>.'}
    (article,), report = read(write_jsonl([{**GOOD, **fields}]))
    assert [one.text for one in article.sections if one.text] == ["Tall, see the sea."]
    assert [(one.url, one.section) for one in article.links] == [
        ("/sea", len(article.sections) - 1)
    ]
    assert report.notes["sections: invalid"] == (sections in ({}, "text"))


def test_sections_come_in_their_order_and_a_null_is_an_empty_text(write_jsonl: Write) -> None:
    sections = [{"heading": "Facts", "text": None}, {"text": "Tall."}, {}]
    (article,), report = read(write_jsonl([{**GOOD, "sections": sections}]))
    assert article.sections == (Section(text="", heading="Facts"), Section(text="Tall."))
    assert not report.notes


def test_only_the_first_thousand_problems_are_kept_in_full(write_jsonl: Write) -> None:
    _, report = read(write_jsonl(["no json"] * 1_005))
    assert report.skipped == {"invalid-json": 1_005}
    assert len(report.problems) == 1_000


def test_a_long_text_without_spaces_keeps_what_fits(write_jsonl: Write) -> None:
    text = "Kelp \u6d77\u5e2f" + "\u6d77" * 240_000
    (article,), report = read(write_jsonl([{**GOOD, "summary": text, "excerpt": "\u6d77" * 9_000}]))
    assert len(article.sections[0].text) == 200_000
    assert article.excerpt == "\u6d77" * 2_000
    assert report.notes == {"summary: too-long": 1, "excerpt: too-long": 1}


MARKDOWN = """# Kelp *forests*

It **grows** [here](/sea_/_a_(b) "Sea") by `a <b>`, [x][1], __not__ snake_case or 2*3*4; a[i][j].

> ![Kelp](/k.jpg)Tall
- [x] green

| --- | --- |
```py
# a *b* c
self.__init__(x)
```
[1]: https://s.example
Brown
==="""


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (
            MARKDOWN,
            "Kelp forests\nIt grows here by a <b>, x, not snake_case or 2*3*4; a[i][j].\nTall\n"
            "green\n# a *b* c\nself.__init__(x)\nBrown",
        ),
        ("<p>a **b**</p>", "a **b**"),
        ("&lt;p class=&quot;x&quot;&gt;R&amp;amp;D&lt;/p&gt;\n&lt;br /&gt;b", "R&D\nb"),  # OpenCart
        ("&lt;p&gt; is a tag", "<p> is a tag"),
        ("a ** b ** c and f(**options, **more)", "a ** b ** c and f(**options, **more)"),
        ("[![k](/k.svg)](/k) _Kelp_ **a** `__init__`", "Kelp a __init__"),
        ("**a** `x _y_ *z*`, [1][2], [`c`][d]", "a x _y_ *z*, [1][2], c"),
        ("**a**\n~~~\n_b_", "a\n_b_"),
        ("**Ed**: hi\n[Ann]: Hello there\n[^1]: A note.", "Ed: hi\n[Ann]: Hello there\nA note."),
        ("**Ed**: ok?\n[Ann]: Yes.\n[Bo]: 12:30\n[c]: c.html", "Ed: ok?\n[Ann]: Yes.\n[Bo]: 12:30"),
        ("C# has no __init__ or _x_", "C# has no __init__ or _x_"),
        ("### Kelp\r\n---\r\n_tall_", "Kelp\ntall"),
        ("It is\n  ## Kelp", "It is\nKelp"),
    ],
)
def test_a_text_as_databases_keep_it_is_read_without_its_marks(
    write_jsonl: Write, text: str, plain: str
) -> None:
    (article,), _ = read(write_jsonl([{**GOOD, "summary": text, "excerpt": text[:200]}]))
    assert article.sections[0].text == plain
    assert article.excerpt is not None
    assert article.excerpt[:12] == plain[:12]
    if text is MARKDOWN:
        assert [link.url for link in article.links] == ["/sea_/_a_(b)"]
        assert article.sections[0].quoted == ("a <b>", "# a *b* c\nself.__init__(x)")


@pytest.mark.parametrize(
    "piece", ["[", "![", "[a](", '[a](b "', "**a", "_a ", "`a", "|-", "[a]: ", "```a\n", "~"]
)
def test_marks_are_taken_out_in_time_that_grows_with_the_text(piece: str) -> None:
    text = "**\n" + (piece * 200_000)[:900_000] + "`\nkelp"
    assert "kelp" in without_marks(text)[-20:]


# Ids


@pytest.mark.parametrize(
    ("stored", "meant"), [(12, "12"), (12.0, "12"), (1e3, "1000"), ("12.0", "12.0")]
)
def test_a_whole_number_is_an_id_however_it_is_stored(
    write_jsonl: Write, stored: Any, meant: str
) -> None:
    (article,), _ = read(write_jsonl([{**GOOD, "id": stored, "supersedes": 7.0}]))
    assert (article.id, article.supersedes) == (meant, "7")


@pytest.mark.parametrize("stored", [12.5, 1e300, True, [1, 2]])
def test_any_other_number_is_refused_with_the_remedy(write_jsonl: Write, stored: Any) -> None:
    articles, report = read(write_jsonl([{**GOOD, "id": stored}]))
    assert not articles
    assert report.problems[0].message.endswith("store it as text")


# Tags and authors


@pytest.mark.parametrize(
    ("written", "tags"),
    [
        ("kelp, tides", ("kelp", "tides")),
        ("kelp; tides, spring; ", ("kelp", "tides, spring")),
        ("\u6d77\u3001\u6f6e", ("\u6d77", "\u6f6e")),
        ("kelp | Sea & Shore", ("kelp", "Sea & Shore")),
        ("a|b, c", ("a|b", "c")),
        ("<c#><type-conversion><.net>", ("c#", "type-conversion", ".net")),
        ("Diabetes, Type 2|Cold|Fever", ("Diabetes, Type 2", "Cold", "Fever")),
        ("kelp \u00b7 col\u00b7lecci\u00f3 \u2022 sea", ("kelp", "col\u00b7lecci\u00f3", "sea")),
        (["kelp, tides", "Kelp, Tides", "2026"], ("kelp, tides", "2026")),
    ],
)
def test_tags_are_parted_by_semicolons_commas_or_bars(
    write_jsonl: Write, written: Any, tags: tuple[str, ...]
) -> None:
    (article,), _ = read(write_jsonl([{**GOOD, "tags": written}]))
    assert article.tags == tags


@pytest.mark.parametrize(
    ("written", "authors"),
    [
        ("Mara Lind", ("Mara Lind",)),
        ("Mara Lind, Director", ("Mara Lind, Director",)),
        ("Mara Lind, Executive Director", ("Mara Lind, Executive Director",)),
        ("Lind, Mara", ("Lind, Mara",)),
        ("Mara Lind, Ole van Berg", ("Mara Lind", "Ole van Berg")),
        ("By Mara Lind and Ole Berg", ("Mara Lind", "Ole Berg")),
        ("Mara Lind, Ole Berg, ", ("Mara Lind", "Ole Berg")),
        ("Mara Lind, Ole Berg, and Ida Holm", ("Mara Lind", "Ole Berg", "Ida Holm")),
        ("Dr. Mara Lind, Prof. Dr. Ole Berg", ("Dr. Mara Lind", "Prof. Dr. Ole Berg")),
        ("Mara Lind, PhD, Ole Berg, M.D.", ("Mara Lind, PhD", "Ole Berg, M.D.")),
        ("Mara Lind, MBA", ("Mara Lind, MBA",)),
        ("Lind, Mara; Berg, Ole", ("Lind, Mara", "Berg, Ole")),
        ("Lind MA, Berg O, Sea Research Group.", ("Lind MA", "Berg O", "Sea Research Group")),
        ("Lind MA Jr, Berg O, Holm I.", ("Lind MA Jr", "Berg O", "Holm I")),
        ("Lind MA.", ("Lind MA",)),
        ("Lind, Mara||Berg, Ole", ("Lind, Mara", "Berg, Ole")),
        ("Lind M., Berg O.", ("Lind M.", "Berg O.")),
        ("Ministry of Food and Agriculture", ("Ministry of Food and Agriculture",)),
        (["Mara Lind, Director", "Ole Berg"], ("Mara Lind, Director", "Ole Berg")),
    ],
)
def test_a_byline_is_parted_between_full_names_only(
    write_jsonl: Write, written: Any, authors: tuple[str, ...]
) -> None:
    (article,), _ = read(write_jsonl([{**GOOD, "authors": written}]))
    assert article.authors == authors


def test_of_several_names_for_a_field_the_first_with_a_value_is_read(write_jsonl: Write) -> None:
    lines = [{"id": "a", "name": "Kelp"}, {"id": "b", "headline": "Tides", "name": "Kelp"}]
    articles, _ = read(write_jsonl(lines), title="headline, name")
    assert [article.title for article in articles] == ["Kelp", "Tides"]


def test_a_path_leads_to_names_with_dots(write_jsonl: Write) -> None:
    lines = [{"id": "a", "metadata": {"dc.title": [{"value": "Kelp"}], "seo": {"title": "Wrack"}}}]
    for path, title in (("metadata.dc.title.value", "Kelp"), ("metadata.seo.title", "Wrack")):
        assert read(write_jsonl(lines), title=path)[0][0].title == title


def test_a_path_leads_into_a_column_that_holds_json(write_jsonl: Write) -> None:
    lines = [{"id": "a", "name": '{"da": "Tang"}', "body": '[{"da": "Grøn."}]', "tags": [None]}]
    (article,), report = read(write_jsonl(lines), title="name.da", summary="body.da")
    assert (article.title, article.sections) == ("Tang", (Section(text="Grøn."),))
    assert not report.notes.keys() - {"url: made-from-template"}


# Markup and marks


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("<p>Tall</p><p>Green</p>", "Tall\nGreen"),
        ("<jats:sec><jats:title>Aims</jats:title><jats:p>Tall</jats:p></jats:sec>", "Aims\nTall"),
        ("a<b>b</b>c", "abc"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("fish &amp; kelp &lt;sic&gt;", "fish & kelp <sic>"),
        ("<!-- note -->kelp", "kelp"),
        ("nul\0bell\x07del\x7f", "nul bell del"),
        ("left\u202eright\u2066", "leftright"),
        ("a\ud800b", "a?b"),
        ("a\r\n\r\n b\t c", "a\nb c"),
        ("<ruby>昆<rp>(</rp><rt>こん</rt><rp>)</rp>布<rt>ぶ</rt></ruby>の森", "昆布の森"),
        ("<ruby>昆<rt>こん</ruby>の森<ruby>布<rp>(<rt>ぶ</rt></ruby>", "昆の森布"),
        ("Option<T> and List<String> in a<b && c>d", "Option<T> and List<String> in a<b && c>d"),
        ("Use Vec<u8>, List<A> or <canvas>", "Use Vec<u8>, List<A> or <canvas>"),
        ("git checkout <branch-name>", "git checkout <branch-name>"),
        ("<P CLASS=x>Tall <B>kelp</B><BR>grows", "Tall kelp\ngrows"),
        ("<my-card title='x'>kelp</my-card><o:p></o:p>", "kelp"),
        ('<img alt="a > b" src="/x.png">kelp', "kelp"),
        ('<img src=\\"/x.png\\" alt=\\"\\">kelp', "kelp"),
        ("<!-- two\nlines -->kelp<!-- open", "kelp<!-- open"),
        ("<SCRIPT>let a = '<b>'</SCRIPT>kelp<style>p {}</style>", "kelp"),
        (  # as Confluence stores it
            '<ac:parameter ac:name="language">c</ac:parameter><p><![CDATA[kelp]]> grows</p>',
            "kelp grows",
        ),
        ("a[b[0]]>1", "a[b[0]]>1"),
        ("<td>one</td><td>two</td>", "one\ntwo"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("R&D, Fire&notice, ?a=1&sect=2 &ltest", "R&D, Fire&notice, ?a=1&sect=2 &ltest"),
        ("Sauer\u00adteig\u200bbrot\ufeff\u2060", "Sauerteigbrot"),
        ("Sauer&shy;teig&#8203;brot<wbr>rinde", "Sauerteigbrotrinde"),
        ("Cafe\u0301", "Caf\u00e9"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
    ],
)
def test_text_is_what_a_reader_sees(raw: str, plain: str) -> None:
    assert plain_text(raw) == plain


def test_marks_of_markdown_in_a_table_are_no_text(write_jsonl: Write) -> None:
    text = (
        '# Kelp\n\nIt **grows** [here](https://a.org/x "there").\n\n> [!note]\n> 2 ** 3 in `**kw`\n'
        "![Kelp](k.jpg)\n```c\nint x;\n```\n#kelp [1] (2)"
    )
    given = [{**GOOD, "summary": text}, {**GOOD, "id": "b", "summary": f"{text}<p>**a**</p>"}]
    (read_as, html), _ = read(write_jsonl(given))
    seen = "Kelp\nIt grows here.\n2 ** 3 in **kw\nint x;\n#kelp [1] (2)"
    assert [section.text for section in read_as.sections] == [seen]
    assert [link.url for link in read_as.links] == ["https://a.org/x"]
    assert html.sections[0].text.endswith("**a**")


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        '<a b="',
        "<a x ",
        "<script>",
        "<style><",
        "<rt>",
        "</a",
        "<a b='\"",
        "<",
        "<b>",
        "&#1",
        "&a",
    ],
)
def test_markup_without_end_is_read_once(piece: str) -> None:
    assert plain_text(piece * 40_000 + " kelp").endswith("kelp")


def test_a_tag_without_end_is_read_once() -> None:
    text = plain_text("<a " + "='" * 400_000 + " kelp")
    assert text.endswith("kelp"), "a quadratic reading would take a quarter of an hour"


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("tall kelp grows", 12, "tall kelp"),
        ("tall kelp", 9, "tall kelp"),
        ("\u8a00" * 20, 7, "\u8a00" * 7),
        ("A " + "\u8a00" * 20, 10, "A " + "\u8a00" * 8),
        ("\u0e01\u0e34" * 9, 5, "\u0e01\u0e34" * 2),
        ("\U0001f468\u200d\U0001f469" * 5, 5, "\U0001f468\u200d\U0001f469"),
        ("k" * 300, 100, "k" * 100),
    ],
)
def test_a_text_is_cut_at_a_word_or_a_whole_character(text: str, limit: int, cut: str) -> None:
    assert cut_text(text, limit) == cut


@given(st.text(st.characters(codec=None), min_size=1), st.integers(1, 50))
def test_a_text_is_never_cut_to_nothing(raw: str, limit: int) -> None:
    text = plain_text(raw)
    assert len(cut_text(text, limit)) <= limit
    assert bool(cut_text(text, limit)) == bool(text)


@given(st.text(st.characters(codec=None)))
def test_plain_text_is_always_unicode_without_control_characters(raw: str) -> None:
    plain = plain_text(raw)
    plain.encode()
    assert not any(character < " " and character != "\n" for character in plain)
    assert plain == "\n".join(line.strip() for line in plain.split("\n") if line.strip())


# Links


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/kelp?a=1#b",
        "HTTP://example.org:8080/",
        "/kelp/ü",
        "./kelp",
        "../kelp",
        "?p=7",
        "/a//b",
        "https://bücher.example/a",
        "https://b%C3%BCcher.example/a",
        "https://7.example:80/a",
        "http://127.0.0.1/a",
        "http://[::1]:8000/a",
    ],
)
def test_a_link_of_the_web_or_the_site_is_kept(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://example.org/",
        "mailto:a@example.org",
        "//example.org/x",
        "///example.org/x",
        "/\\example.org/x",
        "https://",
        "https:///x",
        "http:/x",
        "https://example.org:port/",
        "https://[::1/",
        "https://www.example.org|/a",
        "https://www.example.org%/a",
        "https://example.123/a",
        "http://256.1.1.1/",
        "kelp",
        "",
        "/kelp\ud800",
        "/kelp\x9b",
    ],
)
def test_any_other_link_is_refused(url: str) -> None:
    with pytest.raises(ArticleError):
        check_url(url)


def test_a_missing_link_is_made_from_the_template_with_the_id_escaped(write_jsonl: Write) -> None:
    path = write_jsonl([{"id": "10.1/kelp ü", "title": "Kelp", "summary": "Tall."}])
    (article,), report = read(path, mapping("https://example.org/a/{id}.html"))
    assert article.url == "https://example.org/a/10.1/kelp%20%C3%BC.html"
    assert dict(report.notes) == {"url: made-from-template": 1}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("javascript:alert(1)", "unsafe"),
        ("data:text/html,x", "unsafe"),
        ("kelp.html", "unsafe"),
        ("//other.example/kelp", "unsafe"),
        ("/a\tb", "invalid"),
        (7, "invalid"),
        (True, "invalid"),
        ("/" + "x" * 2_048, "too-long"),
    ],
)
def test_a_bad_link_costs_no_article(write_jsonl: Write, url: Any, reason: str) -> None:
    (article,), report = read(write_jsonl([{**GOOD, "id": "a/b", "url": url}]))
    assert article.url == "/a/b"
    assert dict(report.notes) == {f"url: {reason}": 1, "url: made-from-template": 1}


RECORD = {
    "id": "sea/kelp ü",
    "title": "Kelp",
    "summary": "Tall.",
    "date": "2026-03-01",
    "slug": "kelp",
    "section": {"name": "Sea & shore", "id": 7},
    "language": "de",
}


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("/{id}", "/sea/kelp%20%C3%BC"),
        ("/{path}/", "/sea/kelp%20%C3%BC/"),
        ("https://x.example/{year}/{month}/{day}/{slug}/", "https://x.example/2026/03/01/kelp/"),
        ("/{language}/{section.name}/{slug}.html", "/de/Sea%20%26%20shore/kelp.html"),
        ("/?p={section.id}", "/?p=7"),
    ],
)
def test_a_template_takes_any_field(write_jsonl: Write, template: str, url: str) -> None:
    (article,), _ = read(write_jsonl([RECORD]), mapping(template))
    assert article.url == url


def test_a_template_s_missing_field_is_reported_and_another_link_made(write_jsonl: Write) -> None:
    (article,), report = read(write_jsonl([{**RECORD, "date": "soon"}]), mapping("/{year}/{slug}"))
    assert article.url == "/sea/kelp%20%C3%BC"
    assert report.notes["url: no-field"] == 1
    assert "there is no year" in str(report.problems[-1])


# The mapping


def test_fields_are_read_by_the_names_of_the_site(write_jsonl: Write) -> None:
    record = {"ID": 7, "title": {"rendered": "Kelp"}, "link": "/k", "text": "Tall.", "a.b": "en"}
    path = write_jsonl([record])
    (article,), report = read(
        path, id="ID", title="title.rendered", url="link", summary="text", language="a.b"
    )
    assert (article.id, article.title, article.url) == ("7", "Kelp", "/k")
    assert article.sections == (Section(text="Tall."),)
    assert article.language == "en"
    assert not report.notes


def test_a_long_text_that_nothing_reads_is_noticed(write_jsonl: Write) -> None:
    path = write_jsonl([{**GOOD, "text": "x" * 200, "short": "x"}])
    assert read(path)[1].unused_fields == {"text": 1}
    assert not read(path, summary="text")[1].unused_fields


def test_a_mapping_of_a_field_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(SettingError, match=r"'sumary' = 'text'.*summary"):
        read("a.jsonl", sumary="text")
    with pytest.raises(SettingError, match=r"must hold a placeholder, such as \{id\}"):
        mapping("https://example.org/")


# Files


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl", "no-suffix"])
def test_a_gzipped_file_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(lines(GOOD)))
    assert [article.id for article in read(tmp_path / name)[0]] == ["kelp"]


def test_a_plain_file_may_be_named_as_if_it_were_gzipped(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(lines(GOOD))
    assert len(read(tmp_path / "a.jsonl.gz")[0]) == 1


def test_a_byte_order_mark_blank_lines_and_a_missing_last_newline_do_no_harm(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + lines(GOOD) + b"\n  \r\n" + lines(GOOD).rstrip())
    articles, report = read(path)
    assert len(articles) == report.read == 2
    assert not report.problems


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_read_plain_or_gzipped(
    monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    content = lines(GOOD, {"id": "x"})
    raw = io.BytesIO(gzip.compress(content) if packed else content)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(raw)))
    articles, report = read("-")
    assert [article.id for article in articles] == ["kelp"]
    assert report.problems[0].location == "standard input line 2"


@pytest.mark.parametrize("left", [1, 9, 30])
def test_a_gzipped_file_that_was_cut_short_is_refused(tmp_path: Path, left: int) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(lines(*[GOOD] * 500))[:-left])
    with pytest.raises(SourceError, match="can't be read to its end"):
        read(path)


def test_a_gzipped_file_with_a_damaged_middle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    content = bytearray(gzip.compress(lines(*({**GOOD, "id": str(n)} for n in range(500)))))
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(SourceError, match="can't be read to its end"):
        read(path)


def test_a_file_that_is_not_there_is_refused_with_the_remedy(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(SourceError, match=r"there is no file.*\.jsonl"):
            read(path)


# Strict


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        b"\xff",
        {**GOOD, "title": ""},
        {**GOOD, "status": "publishd"},
        {**GOOD, "date": "May"},
        {**GOOD, "tags": [7]},
    ],
)
def test_a_strict_reader_refuses_the_source_at_any_problem(write_jsonl: Write, line: Any) -> None:
    with pytest.raises(SourceError, match=r"line 2: .*--strict refuses"):
        read(write_jsonl([GOOD, line]), strict=True)


def test_a_strict_reader_takes_titles_without_text_or_link(write_jsonl: Write) -> None:
    assert len(read(write_jsonl([{"id": "kelp", "title": "Kelp"}]), strict=True)[0]) == 1


# Anything at all

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**400)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=12)
    | st.sampled_from(["published", "draft", "2026-05-01", "https://example.org/", "/a", "en"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "heading", "src", "alt"])
            | st.text(st.characters(codec=None), max_size=4),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)

records = st.fixed_dictionaries({}, optional=dict.fromkeys(reading.FIELDS, anything)) | st.builds(
    lambda fields: {**GOOD, **fields},
    st.fixed_dictionaries({}, optional=dict.fromkeys(reading.FIELDS, anything)),
)


def _listed(values: list[dict[str, Any]]) -> Iterable[Record]:
    """Records from memory."""
    for number, value in enumerate(values, 1):
        yield Record(location=f"list line {number}", values=value)


def check_any_records(values: list[dict[str, Any]]) -> None:
    report = ReadReport()
    found = list(parse_records(_listed(values), mapping(), report))
    assert report.read == len(values)
    assert report.kept == len(found)
    assert report.read == report.kept + sum(report.skipped.values())
    for article, record in found:
        assert record.location.startswith("list line ")
        adapter = TypeAdapter(Article)
        assert adapter.validate_json(adapter.dump_json(article)) == article


@given(st.lists(records, max_size=6))
def test_every_record_is_kept_or_counted_as_skipped_whatever_it_holds(
    values: list[dict[str, Any]],
) -> None:
    check_any_records(values)


@pytest.mark.full
@given(st.lists(records, max_size=6))
@settings(max_examples=2_000)
def test_every_record_is_kept_or_counted_as_skipped_in_the_long_run(
    values: list[dict[str, Any]],
) -> None:
    check_any_records(values)


@given(
    st.lists(
        st.binary(max_size=40)
        | st.builds(lambda value: json.dumps(value).encode(), anything)
        | st.just(json.dumps(GOOD).encode()),
        max_size=8,
    )
)
def test_every_line_that_is_not_blank_is_read_once(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    # A first line so that no drawn one is taken for gzip or a byte order mark.
    flat = [json.dumps(GOOD).encode(), *(content.replace(b"\n", b" ") for content in contents)]
    path.write_bytes(b"\n".join(flat) + b"\n")  # without the last one, it may break off
    _, report = read(path)
    assert report.read == sum(1 for line in flat if line.strip())
    assert report.read == report.kept + sum(report.skipped.values())


@pytest.mark.parametrize(
    ("values", "article_id"),
    [
        ({"id": None, "slug": "kelp"}, "kelp"),
        ({"id": "", "url": "/sea/kelp/"}, "sea/kelp"),
        ({"id": float("nan"), "url": "/sea/kelp/"}, "sea/kelp"),
        ({"id": {"$oid": "65f1"}}, "65f1"),
        ({"post_id": "12.kelp"}, "12.kelp"),
        ({"pk": 7, "slug": "kelp"}, "kelp"),
        ({"PK": "BLOG", "url": "/sea/kelp/"}, "sea/kelp"),
        ({"pk": 7}, "7"),
    ],
)
def test_an_id_is_found_where_exports_keep_it(
    write_jsonl: Write, values: dict[str, Any], article_id: str
) -> None:
    (article,), _ = read(write_jsonl([{"title": "Kelp", **values}]))
    assert article.id == article_id


def test_a_name_with_dots_is_found_beside_numbers() -> None:
    assert get_field({"facts": {2026: "kelp", "dc.title": "Sea"}}, "facts.dc.title") == "Sea"


def test_nan_costs_only_its_field(write_jsonl: Write) -> None:
    line = '{"id": "kelp", "title": "Kelp", "excerpt": NaN, "ratings": {"a": NaN, "b": 2}}'
    (article,), report = read(write_jsonl([line]))
    assert (article.excerpt, article.ratings) == (None, {"b": 2.0})
    assert report.notes["ratings: invalid"] == report.notes["excerpt: not-text"] == 1


@pytest.mark.parametrize(
    "until", ["never", "Never", "-", "n/a", "None", False, "false", [], 0, "jamais", "unbefristet"]
)
def test_an_article_may_say_that_it_is_visible_for_good(write_jsonl: Write, until: Any) -> None:
    for name in ("visible_until", "expires"):
        (article,), _ = read(write_jsonl([{**GOOD, name: until}]))
        assert (article.status, article.visible_until) == (Status.PUBLISHED, None)


def test_when_an_article_appears_is_not_told_by_never(write_jsonl: Write) -> None:
    (article,), _ = read(write_jsonl([{**GOOD, "visible_from": "never"}]))
    assert article.status is Status.HIDDEN


def test_an_address_with_a_password_is_replaced_and_not_repeated(write_jsonl: Write) -> None:
    (article,), report = read(write_jsonl([{**GOOD, "url": "https://ann:secret@kelp.example/1"}]))
    assert "secret" not in article.url + str(report.problems)
    assert report.notes["url: unsafe"] == 1

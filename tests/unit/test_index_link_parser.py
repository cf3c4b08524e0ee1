"""The links of a record: on its page, in its markup, and in what names related articles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from index.articles.link_parser import MAX_LINKS, links_in_markup, resolve
from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record
from index.sources.configured_source import ConfiguredSource
from recommender.article import Article, Link, LinkKind


@dataclass(frozen=True)
class OneRecord:
    values: dict[str, Any]
    name: str = "one record"

    def records(self) -> Iterator[Record]:
        yield Record(location="a record", values=self.values)


def article(fields: dict[str, str] | None = None, **values: Any) -> Article:
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    values = {"id": "kelp", "title": "Kelp", "url": "https://sea.example/blog/kelp/", **values}
    source = ConfiguredSource(source=OneRecord(values), fields=fields or {})
    ((found, _),) = parse_records(source.records(), mapping, ReadReport())
    return found


def related(value: Any) -> list[tuple[str, str]]:
    return [(link.url, link.text) for link in article(related=value).links]


def test_links_keep_their_words_their_section_and_their_kind() -> None:
    found = article(
        sections=[{"text": ""}, {"heading": "Where", "text": "In cold water."}],
        links=[
            {"url": "../wrack/", "text": "<b>wrack</b> &amp; more", "section": 1},
            {"url": "/tags/sea", "kind": "apart"},
            {"url": "#where"},
            "https://other.example/",
        ],
    )
    assert found.links == (
        Link(url="https://sea.example/blog/wrack/", text="wrack & more", section=0),
        Link(url="https://sea.example/tags/sea", kind=LinkKind.APART),
        Link(url="https://other.example/"),
    )


@pytest.mark.parametrize("url", ["javascript:alert(1)", "mailto:a@sea.example", "data:,x", "", 7])
def test_a_link_that_no_page_may_have_is_left_out(url: Any) -> None:
    assert article(links=[{"url": url}, "/kept"]).links == (Link(url="https://sea.example/kept"),)


def test_links_in_markup_of_a_table_are_found() -> None:
    text = 'Like <a class="x" href="/wrack">wrack</a>, <a rel="x nofollow" href="/ad">buy</a>.'
    assert article(summary=text).links == (
        Link(url="https://sea.example/wrack", text="wrack", section=0),
        Link(url="https://sea.example/ad", text="buy", kind=LinkKind.APART),
    )


@pytest.mark.timeout(40)  # a quadratic reading would take minutes
@pytest.mark.parametrize("piece", ["rel=", "rel= "])
def test_attributes_of_links_are_read_once(piece: str) -> None:
    links = links_in_markup(f"<a href=/ad {piece * 800:.2900}>" * 1_000, 0)
    assert [link["url"] for link in links] == ["/ad"] * 1_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["wrack", 12, None, True], [("file:wrack", ""), ("file:12", "")]),
        ("wrack, dulse", [("file:wrack", ""), ("file:dulse", "")]),
        (["/blog/wrack"], [("https://sea.example/blog/wrack", "")]),
        (["../posts/wrack.md"], [("file:posts/wrack.md", "")]),
        (["[[wrack|Brown]]"], [("file:wrack", "Brown")]),
        (["[Red](/dulse)"], [("https://sea.example/dulse", "Red")]),
        ([{"id": 5, "title": "Five"}], [("file:5", "Five")]),
        ({"url": "/one", "title": "One"}, [("https://sea.example/one", "One")]),
        ({"posts": ["one"]}, [("file:one", "")]),
        (True, []),
    ],
)
def test_related_articles_are_named_by_id_address_file_or_title(
    value: Any, expected: list[tuple[str, str]]
) -> None:
    assert related(value) == expected


def test_fields_of_many_sites_name_related_articles_unless_one_is_mapped() -> None:
    found = article(related_posts=["a"], see_also=["b"]).links
    assert [(link.url, link.heading) for link in found] == [
        ("file:a", "related_posts"),
        ("file:b", "see_also"),
    ]
    mapped = article({"related": "more"}, related_posts=["a"], more=["c"]).links
    assert [link.url for link in mapped] == ["file:c"]


def test_aliases_are_addresses_and_files() -> None:
    found = article(aliases=["/old/kelp", "file:posts/kelp.md", "javascript:x", 3])
    assert found.aliases == ("https://sea.example/old/kelp", "file:posts/kelp.md")


def test_links_are_bounded_and_none_leads_to_the_article_itself() -> None:
    found = article(links=["./", "#a", *(f"/{number}" for number in range(3 * MAX_LINKS))])
    assert len(found.links) == MAX_LINKS
    assert found.links[0].url == "https://sea.example/0"


def test_where_fragments_name_pages_they_tell_articles_apart() -> None:
    found = article(id=None, url="https://sea.example/#/kelp", links=["#/wrack", "#/kelp", "/"])
    assert [link.url for link in found.links] == [
        "https://sea.example/#/wrack",
        "https://sea.example/",
    ]
    assert found.id == "#/kelp"


def test_a_file_name_never_leads_out_of_its_folder() -> None:
    assert resolve("file:../../etc/wrack.md", "/") == "file:etc/wrack.md"
    assert resolve("file:..", "/") is None


def test_quotations_code_and_headings_are_kept_as_given_or_as_the_html_marks_them() -> None:
    text = "<p>Run <code>kelp &amp; go</code>.</p><blockquote>We\n grow.</blockquote><pre>open"
    (section,) = article(sections=[{"text": text, "quoted": ["Run", 7, ""]}]).sections
    assert section.quoted == ("Run", "kelp & go", "We\ngrow.", "open")
    assert all(passage in section.text for passage in section.quoted)
    nested = "<h2 id=a>Moss</h2><blockquote><blockquote>a</blockquote> b</blockquote> c"
    (section,) = article(summary=nested).sections
    assert section.quoted == ("Moss", "a\nb")
    (section,) = article(summary="<q>kelp</q> " + "<pre>" * 50_000).sections
    assert section.quoted == ("kelp",)

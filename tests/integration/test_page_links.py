"""The links of a small site's pages: resolved, sorted by kind, and reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from index.build.build import Build
from index.build.link_graph import PageLinkKind
from index.build.link_numbers import linked_row
from index.build.name_table import NameTable
from index.root.root import Root
from recommender.article import Link

Builder = Callable[..., tuple[Root, Build]]
Writer = Callable[[list[dict[str, Any]]], Path]


def page(number: int, links: list[Any], **more: Any) -> dict[str, Any]:
    text = f"Kelp number {number} grows tall in cold water near rock {number * 7}."
    url = f"https://sea.example/2026/kelp-{number}/"
    return {"id": f"k{number}", "title": f"Kelp {number}", "url": url, "summary": text,
            "date": f"2026-01-{number + 1:02}", "links": links, **more}  # fmt: skip


def out(build: Build, name: str) -> list[tuple[str, PageLinkKind]]:
    row = build.row(name)
    assert row is not None
    return [(build.article_id(target), kind) for target, kind in build.page_links.out(row)]


def test_links_are_found_by_address_alias_file_id_slug_and_title(
    write_jsonl: Writer, build_root: Builder
) -> None:
    links = [
        "http://www.sea.example/2026/KELP-1?utm_source=x#top",
        "/old/two",
        "file:posts/three.md",
        {"url": "file:k4", "kind": "related"},
        {"url": "/2026/kelp-5/", "kind": "apart"},
        "/2026/nowhere/",
        "https://other.example/2026/kelp-6/",
    ]
    records = [page(number, []) for number in range(8)]
    records[0] = page(0, links, related=["kelp-6", "Kelp 7"])
    records[2]["aliases"] = ["/old/two", "/2026/kelp-5/"]  # which is another page by now
    records[3]["aliases"] = ["file:posts/three.md"]
    _, build = build_root(write_jsonl(records))
    assert out(build, "k0") == [
        ("k1", PageLinkKind.TEXT),
        ("k2", PageLinkKind.TEXT),
        ("k3", PageLinkKind.TEXT),
        ("k4", PageLinkKind.RELATED),
        ("k6", PageLinkKind.RELATED),
        ("k7", PageLinkKind.RELATED),
        ("k5", PageLinkKind.APART),
    ]
    assert build.page_links.into(1) == [(0, PageLinkKind.TEXT)]
    assert build.names.row_at("/2026/kelp-5") == build.row("k5")
    report = build.report()["page_links"]
    assert report["articles"] == 1
    assert report["text"]["links"] == 3
    assert report["text"]["shown"] <= 3
    assert [item["url"] for item in report["unresolved"]["first"]] == [
        "https://sea.example/2026/nowhere/"
    ]
    assert [item["article_id"] for item in report["unlinked"]["first"]] == ["k0", "k5"]


@pytest.mark.parametrize("host", ["https://sea.example", ""])
def test_of_addresses_that_differ_in_capitals_each_means_its_own_article(
    write_jsonl: Writer, build_root: Builder, host: str
) -> None:
    paths = [f"/v/{name}" for name in ("aB3", "Ab3", "ab3", "Kelp", "WRACK")]
    records = [page(number, [], url=host + path) for number, path in enumerate(paths)]
    links = ["/v/ab3#top", "/v/Ab3", "https://www.sea.example/v/aB3", "/v/kelp", "/v/wrack"]
    _, build = build_root(write_jsonl([*records, page(5, links, url=f"{host}/v/5")]))
    assert [name for name, _ in out(build, "k5")] == ["k2", "k1", "k0", "k3", "k4"]
    assert [build.names.row_at(path) for path in paths] == [0, 1, 2, 3, 4]
    assert build.names.row_at("http://sea.example/V/KELP/") == 3
    assert [linked_row(Link(url=host + path), build.names) for path in paths] == [0, 1, 2, 3, 4]


def test_an_alias_in_capitals_means_its_own_article_and_one_spelling_is_looked_up_once(
    write_jsonl: Writer, build_root: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    find = NameTable.row_at
    monkeypatch.setattr(
        NameTable, "row_at", lambda self, url: (asked.append(url), find(self, url))[1]
    )
    sea, air = "https://sea.example", "https://air.example"
    records = [
        page(0, [], aliases=["/Old", "/Kelp"]),
        page(1, [], url=f"{sea}/old"),
        page(2, [], url=f"{sea}/Kelp"),
        page(3, [], url=f"{sea}/About"),
        page(4, [], url=f"{air}/About"),
        page(5, ["/Old", "/old", "/kelp", "/About", f"{air}/About", "/New"]),
        page(6, [], url=f"{sea}/New", aliases=["/new"]),
        page(7, [], url=f"{sea}/new"),
    ]
    _, build = build_root(write_jsonl(records))
    assert [name for name, _ in out(build, "k5")] == ["k0", "k1", "k2", "k3", "k4", "k6"]
    assert [build.names.row_at(path) for path in ("/Old", "/old", "/kelp")] == [0, 1, 2]
    assert asked[:-3] == [f"{sea}/Old", f"{sea}/old", f"{sea}/New"]


def test_a_block_that_leads_to_files_alone_is_none(
    write_jsonl: Writer, build_root: Builder
) -> None:
    papers = {"url": "/files/kelp.pdf", "kind": "related", "heading": "Further reading"}
    _, build = build_root(write_jsonl([page(number, [papers]) for number in range(8)]))
    assert out(build, "k0") == []
    assert build.report()["page_links"]["blocks"] == []


def test_a_block_of_one_length_on_most_pages_is_a_programs(
    write_jsonl: Writer, build_root: Builder
) -> None:
    def block(number: int) -> list[Any]:
        others = [(number + step) % 12 for step in (1, 2, 3)]
        return [
            {"url": f"/2026/kelp-{other}/", "kind": "related", "heading": "You may also like"}
            for other in others
        ]

    _, build = build_root(write_jsonl([page(number, block(number)) for number in range(12)]))
    assert {kind for _, kind in out(build, "k0")} == {PageLinkKind.MACHINE}
    (found,) = build.report()["page_links"]["blocks"]
    assert (found["machine"], found["length"], found["share"]) == (True, 3, 1.0)


def chosen_by_date(number: int) -> list[Any]:
    """The newest first of the next three to six others, so that no length is common."""
    others = sorted({(number + step) % 12 for step in range(1, 4 + number % 4)}, reverse=True)
    return [
        {"url": f"/2026/kelp-{other}/", "kind": "related", "heading": "More"} for other in others
    ]


def test_blocks_in_the_order_of_dates_are_a_programs(
    write_jsonl: Writer, build_root: Builder
) -> None:
    records = [page(number, chosen_by_date(number)) for number in range(12)]
    _, build = build_root(write_jsonl(records))
    (found,) = build.report()["page_links"]["blocks"]
    assert (found["by_date"], found["machine"]) == (1.0, True)
    assert found["constant"] < 0.8
    assert {kind for _, kind in out(build, "k0")} == {PageLinkKind.MACHINE}


def test_blocks_in_an_editors_order_are_an_editors(
    write_jsonl: Writer, build_root: Builder
) -> None:
    records = [page(number, chosen_by_date(number)[::-1]) for number in range(12)]
    _, build = build_root(write_jsonl(records))
    (found,) = build.report()["page_links"]["blocks"]
    assert (found["by_date"], found["machine"]) == (0.0, False)
    assert {kind for _, kind in out(build, "k0")} == {PageLinkKind.RELATED}


def test_a_programs_blocks_are_trusted_if_a_setting_says_so(
    write_jsonl: Writer, build_root: Builder
) -> None:
    records = [page(number, chosen_by_date(number)) for number in range(12)]
    _, build = build_root(write_jsonl(records), trust_related_blocks=True)
    (found,) = build.report()["page_links"]["blocks"]
    assert found["machine"]
    assert {kind for _, kind in out(build, "k0")} == {PageLinkKind.RELATED}


def test_links_to_what_very_many_articles_link_to_are_apart(
    write_jsonl: Writer, build_root: Builder
) -> None:
    # k0 is linked from eleven articles, more than ten and than 3 %; k1 from ten.
    links: list[list[Any]] = [[] for _ in range(24)]
    for number in range(12, 23):
        links[number].append("/2026/kelp-0/")
    for number in range(12, 22):
        links[number].append("/2026/kelp-1/")
    records = [page(number, found) for number, found in enumerate(links)]
    _, build = build_root(write_jsonl(records))
    assert out(build, "k12") == [("k1", PageLinkKind.TEXT), ("k0", PageLinkKind.APART)]
    (frequent,) = build.report()["page_links"]["frequent"]
    assert (frequent["article_id"], frequent["articles"]) == ("k0", 11)

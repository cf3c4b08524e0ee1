"""The report: figures that can be checked by hand, and a page that needs nothing else."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from index.build.build import Build
from index.reporting.charts import columns, meter, scatter
from index.reporting.report import MAP_ARTICLES, REPORT, lay_out
from index.reporting.report_page import PAGE, render_page
from index.root.root import Root
from recommender.encoder import HashingEncoder
from tests.support.builds import SAMPLE

WRITE = Callable[[Iterable[Any]], Path]
BUILD = Callable[..., tuple[Root, Build]]
NOW = time.time_ns() // 1000
VOID = {"meta", "br", "rect", "line", "circle"}


class Page(HTMLParser):
    """What a page holds, and whether every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "action", "srcset"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data


def page_of(build: Build) -> tuple[str, Page]:
    html = build.checked(PAGE).read_text()
    return html, Page(html)


def test_the_page_is_whole_and_loads_nothing(sample_build: Build) -> None:
    html, page = page_of(sample_build)
    assert page.open == []
    assert page.links == []
    assert not re.search(r"url\(|@import|https?://", html)
    assert len(page.ids) == len(set(page.ids))


def test_the_page_is_part_of_the_build_and_hashed(sample_build: Build) -> None:
    assert {PAGE, REPORT} <= sample_build.manifest.files.keys()


def test_the_page_says_what_the_json_says(sample_build: Build) -> None:
    report = sample_build.report()
    _, page = page_of(sample_build)
    text = " ".join(page.text.split())
    assert f"{sample_build.count} articles" in text
    assert f"{report['links']['orphans']['count']} articles in no list (orphans)" in text
    for gate in report["gates"]:
        assert gate["message"] in text
    assert "Passes every gate" in text
    for hub in report["links"]["hubs"][:3]:
        assert hub["title"] in text


def test_learned_weights_stand_beside_the_usual_ones(sample_build: Build) -> None:
    report = sample_build.report()
    report["learning"] = {
        "adopted": True,
        "sentences": ["On this site shared words count double.", "Learned from 40 articles."],
        "seeds": 40,
        "sources": {"links in texts": 50},
        "weights": {"words": 0.9, "neighbors": 0.1},
    }
    text = " ".join(Page(render_page(sample_build.manifest, report)).text.split())
    assert "Evidenceusual weighthere shared words0.450.90" in text
    assert "articles close to the nearest ones0.200.10" in text
    assert "count double" not in text
    assert "Learned from 40 articles." in text


def test_markup_in_titles_stays_text(write_jsonl: WRITE, build_root: BUILD) -> None:
    evil = "<script>alert('&quot;')</script> & <b>bold</b>"
    records = [
        {"id": f'a"{number}>', "title": f"{number} {evil}", "summary": "A heron stood in the rain."}
        for number in range(6)
    ]
    html, page = page_of(build_root(write_jsonl(records))[1])
    assert page.open == []
    assert "<script" not in html
    assert "<b>bold" not in html


def test_orphans_and_hubs_are_counted_over_shown_lists(sample_build: Build) -> None:
    links = sample_build.report()["links"]
    visible = [row for row in range(sample_build.count) if sample_build.is_visible(row, NOW)]
    inbound = dict.fromkeys(visible, 0)
    for row in visible:
        shown = [other for other in sample_build.related_rows[row].tolist() if other in inbound]
        for other in shown[:6]:
            inbound[other] += 1
    orphans = {sample_build.article_id(row) for row, count in inbound.items() if not count}
    assert links["orphans"]["count"] == len(orphans)
    assert {item["article_id"] for item in links["orphans"]["first"]} <= orphans
    assert links["hubs"][0]["lists"] == max(inbound.values())
    assert sum(links["inbound"].values()) == len(visible)
    assert links["inbound"]["0"] == len(orphans)


def test_every_visible_article_is_in_the_histogram_of_scores(sample_build: Build) -> None:
    scores = sample_build.report()["scores"]
    assert sum(scores["bins"]) + scores["none"] == sample_build.manifest.visible
    quantiles = [value for _, value in sorted(scores["quantiles"].items())]
    assert quantiles == sorted(quantiles)


def test_coverage_counts_articles_by_language_and_tag(sample_build: Build) -> None:
    report = sample_build.report()
    records = [json.loads(line) for line in (SAMPLE / "articles.jsonl").read_text().splitlines()]
    languages = [record["language"] for record in records]
    found = {row["name"]: row["articles"] for row in report["languages"]}
    assert found == {name: languages.count(name) for name in set(languages)}
    tags = [tag for record in records for tag in record["tags"]]
    for row in report["tags"]:
        assert row["articles"] == tags.count(row["name"])
        assert 0 <= row["linked"] <= 1
        assert row["visible"] <= row["articles"]


def test_skipped_input_is_told_with_reason_and_place(write_jsonl: WRITE, build_root: BUILD) -> None:
    records = [{"id": f"a{number}", "title": f"Title {number}"} for number in range(5)]
    _, build = build_root(write_jsonl([*records, {"id": "no-title"}, "nonsense"]))
    report = build.report()
    assert report["reading"]["read"] == 7
    assert report["reading"]["skipped"] == {"invalid-json": 1, "title: missing": 1}
    _, page = page_of(build)
    assert "line 6" in page.text
    assert "no title" in page.text


def test_a_rebuild_reports_what_it_changes(write_jsonl: WRITE, build_root: BUILD) -> None:
    records = [
        {"id": f"a{number:02}", "title": f"Title {number}", "summary": "Rain fell on the harbor."}
        for number in range(12)
    ]
    _, first = build_root(write_jsonl(records))
    assert first.report()["churn"] is None
    records[4]["title"] = "The heron that came late"
    records[4]["id"] = "heron"
    _, later = build_root(write_jsonl(records))
    churn = later.report()["churn"]
    assert churn["old"] == first.name
    assert "new" not in churn
    assert [item["article_id"] for item in churn["added"]["first"]] == ["heron"]
    assert [item["article_id"] for item in churn["removed"]["first"]] == ["a04"]
    _, page = page_of(later)
    assert "The heron that came late" in page.text


def test_a_build_that_a_gate_would_hold_says_so_on_its_page(
    write_jsonl: WRITE, build_root: BUILD
) -> None:
    records = [{"id": f"a{number:02}", "title": f"Title {number}"} for number in range(60)]
    build_root(write_jsonl(records))
    _, build = build_root(write_jsonl(records[:30]))
    _, page = page_of(build)
    assert re.search(r"Fails \d gates?\n", page.text)
    assert "a loss of 50%" in page.text


def test_the_report_holds_no_time(sample_build: Build) -> None:
    assert sample_build.manifest.created[:10] not in sample_build.checked(REPORT).read_text()


def test_the_map_shows_visible_articles_only(sample_build: Build) -> None:
    shown = [item["title"] for item in sample_build.report()["map"]["articles"]]
    assert len(shown) == sample_build.manifest.visible
    hidden = [
        json.loads(b"{" + sample_build.cards[row] + b"}")["title"]
        for row in range(sample_build.count)
        if not sample_build.is_visible(row, NOW)
    ]
    assert hidden
    assert not set(hidden) & set(shown)


def test_the_map_of_a_large_site_is_an_even_sample(write_jsonl: WRITE, build_root: BUILD) -> None:
    count = MAP_ARTICLES + 300
    records = ({"id": f"a{number:05}", "title": f"Title {number}"} for number in range(count))
    _, build = build_root(write_jsonl(records))
    articles = build.report()["map"]["articles"]
    assert len(articles) == MAP_ARTICLES
    assert {articles[0]["title"], articles[-1]["title"]} == {"Title 0", f"Title {count - 1}"}


def test_neighbors_in_meaning_are_neighbors_on_the_map() -> None:
    topics = ["heron harbor rain tide", "violin choir waltz song", "oven bread flour crust"]
    texts = [f"{topic} {topic} word{number}" for topic in topics for number in range(40)]
    places = lay_out(HashingEncoder(128).encode(texts))
    assert places.min() >= 0
    assert places.max() <= 1
    of = np.repeat(np.arange(3), 40)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert np.mean(of[apart.argmin(axis=1)] == of) > 0.95


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
def test_a_map_of_few_articles_has_a_place_for_each(count: int) -> None:
    places = lay_out(HashingEncoder(16).encode([f"word{number}" for number in range(count)]))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()


def test_twins_do_not_break_the_map() -> None:
    places = lay_out(HashingEncoder(16).encode(["the same text"] * 50))
    assert np.isfinite(places).all()


def test_the_same_articles_give_the_same_map() -> None:
    embeddings = HashingEncoder(32).encode([f"word{number % 7} other" for number in range(90)])
    assert np.array_equal(lay_out(embeddings), lay_out(embeddings))


def test_bars_are_as_tall_as_their_counts() -> None:
    chart = columns([0, 5, 10], ["a", "b", "c"], title="t")
    heights = [float(height) for height in re.findall(r'<rect[^>]* height="([\d.]+)"', chart)]
    assert heights[0] == 0
    assert heights[2] == pytest.approx(2 * heights[1], abs=0.1)


def test_charts_of_nothing_are_still_charts() -> None:
    for chart in (columns([], [], title="t"), scatter([], title="t"), meter(0.0, title="t")):
        assert chart.startswith("<svg")
        assert chart.endswith("</svg>")
    assert 'width="100.0"' in meter(7.0, title="never wider than its rail")


def test_the_page_can_be_drawn_again_from_manifest_and_report(sample_build: Build) -> None:
    again = render_page(sample_build.manifest, sample_build.report())
    assert again == sample_build.checked(PAGE).read_text()


def test_where_editors_look_at_it_titles_lead_to_their_articles(sample_build: Build) -> None:
    html = render_page(sample_build.manifest, sample_build.report(), pages="/editor")
    named = re.findall(r'<a href="/editor/article\?id=([^"]+)">', html)
    on_the_map = re.findall(r'<a href="/editor/article\?id=([^"]+)" tabindex="-1"><title>', html)
    assert {unquote(each) for each in named} <= {
        sample_build.article_id(row) for row in range(sample_build.count)
    }
    assert len(on_the_map) == len(sample_build.report()["map"]["articles"])

"""What a small input may cost: every reader stops before time or memory run out."""

from __future__ import annotations

import gzip
import json
import os
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from index.articles.json_text import MAX_DEPTH, check_json, load_json
from index.articles.record import Record
from index.building.engine import LocalEngine
from index.errors import SourceError
from index.sources import csv_source as delimited
from index.sources import parser_process, regular_file
from index.sources.csv_source import MAX_COLUMNS
from index.sources.parser_process import ParserStoppedError, parse_apart
from index.sources.registry import open_source
from tests.support.http_site import page, serving
from tests.support.process_memory import status
from tests.support.sample_records import read


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tight limits for the parsers' process."""
    parser_process._end()
    monkeypatch.setattr(parser_process, "MAX_SECONDS", 1)
    monkeypatch.setattr(parser_process, "MAX_MEMORY", 100 * 1024 * 1024)
    yield
    parser_process._end()


class Peak:
    """How much this process grew at most since then, in bytes."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")
        self._before = status("VmRSS")

    def __call__(self) -> int:
        return status("VmHWM") - self._before


def packed(path: Path, *parts: bytes) -> Path:
    with gzip.open(path, "wb", 1) as file:
        for part in parts:
            file.write(part)
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_line_without_end_is_reported_and_never_held(tmp_path: Path, kind: str) -> None:
    fine = {"csv": b"a,A\n", "jsonl": b'{"id": "a", "title": "A"}\n'}[kind]
    last = {"csv": b"b,B\n", "jsonl": b'{"id": "b", "title": "B"}\n'}[kind]
    head = b"id,title\n" if kind == "csv" else b""
    path = packed(tmp_path / "a.gz", head, fine, *[b"x" * 1_000_000] * 150, b"\n", last)
    peak = Peak()
    articles, report = read({"kind": kind, "path": str(path)})
    assert peak() < 100_000_000
    assert list(articles) == ["a", "b"]
    assert report.read == 3
    assert "longer than" in report.problems[-1].message + report.problems[1].message


def test_a_row_of_ever_more_lines_or_cells_is_reported_and_never_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "MAX_ROW", 10_000)
    path = tmp_path / "a.csv"
    lines = b'"x\n",' * 2_500
    path.write_bytes(b"id,title\na,A\n" + lines + b"\n" + b"," * 20_000 + b"\nb,B\n")
    articles, report = read({"kind": "csv", "path": str(path)})
    assert set(articles) == {"a", "b"}
    longer = [problem for problem in report.problems if "longer than" in problem.message]
    assert len(longer) == 2
    assert longer[0].location.endswith("line 3")


def test_columns_without_end_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",".join(f"c{n}" for n in range(300_000)) + "\n")
    with pytest.raises(SourceError, match=f"300000 columns, but at most {MAX_COLUMNS}"):
        read({"kind": "csv", "path": str(tmp_path / "a.csv")})


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_file_that_unpacks_to_a_thousand_times_its_size_is_not_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(regular_file, "MAX_UNPACKED", 2_000_000)
    path = packed(tmp_path / "a.gz", b"\n" * 3_000_000)
    with pytest.raises(SourceError, match="unpacks to over 2000000 bytes"):
        read({"kind": kind, "path": str(path)})
    content = os.urandom(1_000_000).hex().encode() + b"\n"
    monkeypatch.setattr(regular_file, "MAX_UNPACKED", 1_000_000)
    read({"kind": kind, "path": str(packed(tmp_path / "b.gz", *[content] * 4))})
    monkeypatch.setattr(regular_file, "MAX_LINES", 1_000)
    with pytest.raises(SourceError, match="far too many lines for its size"):
        read({"kind": kind, "path": str(packed(tmp_path / "c.gz", b"\r\n" * 90_000))})


def test_json_is_refused_for_its_values_and_its_nesting_before_it_is_parsed() -> None:
    with pytest.raises(ValueError, match="nested more than"):
        check_json("[" * (MAX_DEPTH + 1))
    with pytest.raises(ValueError, match="more than 10 values"):
        check_json("[" + "{}," * 10 + "1]", 10)
    texts = json.dumps({"text": "[{," * 100_000 + chr(92) + chr(34), "more": [[]] * 90})
    check_json(texts)
    assert len(load_json(texts)["more"]) == 90
    start = time.monotonic()
    check_json('"' + chr(92) + '"' * 1 + (chr(92) + '"') * 500_000 + "," * 300_000)
    with pytest.raises(ValueError, match="nested more than"):
        load_json("[" * 65 + '"' + (chr(92) + '"') * 500_000)
    assert time.monotonic() - start < 5


def test_a_line_of_brackets_takes_forty_times_its_size_and_is_not_parsed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "a", "x": [' + "[]," * 5_000_000 + "1]}")
    peak = Peak()
    _, report = read({"kind": "jsonl", "path": str(tmp_path / "a.jsonl")})
    assert peak() < 100_000_000
    assert report.skipped == {"invalid-json": 1}


def test_large_records_are_not_gathered() -> None:
    large = Record(location="x", values={"sections": [{"text": "x" * 3_000_000}]})
    sizes = list(LocalEngine().stream(len, iter([large] * 7)))
    assert sizes == [3, 3, 1]
    assert list(LocalEngine().stream(len, iter([(1, b"x")] * 130))) == [64, 64, 2]


def test_a_page_that_takes_too_long_is_reported_and_the_next_one_comes(
    tmp_path: Path, small: None
) -> None:
    (tmp_path / "a.md").write_text("Title\n\n" + "![](" * 200_000 + "]" * 200_000)
    (tmp_path / "b.md").write_text("# Title\n\nWords")
    articles, report = read({"kind": "markdown", "path": str(tmp_path)})
    assert list(articles) == ["b"]
    assert report.skipped == {"parser-stopped": 1}
    assert "more than 1 seconds" in report.problems[0].message
    assert "leave it out" in report.problems[0].message


def test_brackets_that_never_close_are_seen_before_they_are_parsed(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Title\n\n" + "![" * 200_000)
    start = time.monotonic()
    _, report = read({"kind": "markdown", "path": str(tmp_path)})
    assert time.monotonic() - start < 5
    assert report.skipped == {"invalid-markdown": 1}


MEMORY_BOMBS = {
    "references.md": "[a]: /" + "x" * 200_000 + "\n\n" + "[a] " * 60_000,
    "dotted.md": "+++\n" + "a." * 30_000 + "a = 1\n+++\n",
    "table.md": "|" + "a|" * 30_000 + "\n|" + "-|" * 30_000 + "\n" + "|a\n" * 30_000,
}


@pytest.mark.parametrize("name", MEMORY_BOMBS)
def test_a_page_that_needs_too_much_memory_is_reported(
    tmp_path: Path, small: None, name: str
) -> None:
    (tmp_path / name).write_text(MEMORY_BOMBS[name])
    peak = Peak()
    _, report = read({"kind": "markdown", "path": str(tmp_path)})
    assert peak() < 100_000_000
    assert report.read == 1


def test_a_parser_that_crashes_costs_its_page(small: None) -> None:
    with pytest.raises(ParserStoppedError, match="crashed"):
        list(parse_apart(os._exit, 3))
    assert list(parse_apart(len, "abc")) == [3]


def test_a_parser_that_fills_the_memory_is_stopped_and_another_begins(small: None) -> None:
    with pytest.raises(ParserStoppedError, match="more than 100 MiB"):
        list(parse_apart(bytes, 1_000_000_000))
    first = list(parse_apart(os.getpid))
    assert list(parse_apart(os.getpid)) == first  # one process for all pages
    (content,) = parse_apart(bytes, 20_000_000)
    assert len(content) == 20_000_000
    assert list(parse_apart(os.getpid)) == first  # it gave the memory back


def test_parsers_have_no_core_files_and_end_with_their_owner(small: None) -> None:
    (limits,) = parse_apart(resource.getrlimit, resource.RLIMIT_CORE)
    assert limits[0] == 0
    (pid,) = parse_apart(os.getpid)
    parser_process._end()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_feed_is_one_document_a_parser_that_is_stopped_ends_it(
    tmp_path: Path, small: None
) -> None:
    (tmp_path / "feed.xml").write_text("<rss><channel>" + "<a/>" * 4_000_000 + "</channel></rss>")
    with pytest.raises(SourceError, match=r"feed\.xml can't be read: parsing needs more"):
        read({"kind": "feed", "path": str(tmp_path / "feed.xml")})


def test_a_post_of_wordpress_that_takes_too_long_costs_itself(small: None) -> None:
    slow = "<a href=x>" * 300_000
    posts: list[dict[str, Any]] = [
        {"id": 1, "title": {"rendered": "A"}, "content": {"rendered": slow}},
        {"id": 2, "title": {"rendered": "B"}, "content": {"rendered": "<p>Words"}},
    ]
    headers = {"Content_Type": "application/json", "X_WP_Total": "2", "X_WP_TotalPages": "1"}
    with serving() as site:
        site.pages["/wp-json/wp/v2/posts"] = page(json.dumps(posts), **headers)
        articles, report = read({"kind": "wordpress", "url": site.url, "private": ["127.0.0.1"]})
    assert list(articles) == ["2"]
    assert report.skipped == {"parser-stopped": 1}


def test_a_parquet_file_that_unpacks_without_end_is_refused(tmp_path: Path, small: None) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ["a"], "title": ["x" * 120_000_000]}), path, compression="zstd")
    assert path.stat().st_size < 1_000_000
    peak = Peak()
    with pytest.raises(SourceError, match=r"a\.parquet can't be read after row 0"):
        read({"kind": "parquet", "path": str(path)})
    assert peak() < 100_000_000


def test_a_view_that_makes_a_cell_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE VIEW t AS SELECT 'a' AS id, zeroblob(500000000) AS title")
    peak = Peak()
    with pytest.raises(SourceError, match="too big"):
        read({"kind": "sql", "url": f"sqlite:///{path}", "query": "SELECT * FROM t"})
    assert peak() < 100_000_000


def test_what_a_record_holds_too_much_of_is_cut(tmp_path: Path) -> None:
    record = {
        "id": "a",
        "title": "A",
        "tags": ["x"] * 30_000 + [3] * 30_000,
        "authors": "," * 3_000_000,
        "sections": [3] * 30_000,
        "ratings": {f"r{n}": 1 for n in range(20_000)},
    }
    (tmp_path / "a.jsonl").write_text(json.dumps(record))
    articles, report = read({"kind": "jsonl", "path": str(tmp_path / "a.jsonl")})
    assert len(articles["a"].ratings) == 50
    assert articles["a"].tags == ("x",)
    assert sum(report.notes.values()) < 5_000


@pytest.mark.parametrize(
    "name", ["id", "url", "date", "visible_from", "status", "language", "tags"]
)
@pytest.mark.parametrize("unit", ["9", "en-", "<!--", "&#1"])
def test_no_field_costs_more_than_its_size(tmp_path: Path, name: str, unit: str) -> None:
    record = {"id": "a", "title": "A", name: unit * (4_000_000 // len(unit))}
    (tmp_path / "a.jsonl").write_text(json.dumps(record))
    peak = Peak()
    _, report = read({"kind": "jsonl", "path": str(tmp_path / "a.jsonl")})
    assert report.problems
    assert peak() < 60_000_000


def test_names_that_nothing_reads_do_not_fill_the_memory(tmp_path: Path) -> None:
    lines = [
        json.dumps({"id": str(n), "title": "T", f"{n}" * 200: "x" * 200}) for n in range(1_500)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    _, report = read({"kind": "jsonl", "path": str(tmp_path / "a.jsonl")})
    assert len(report.unused_fields) == 1_000
    assert max(map(len, report.unused_fields)) == 100


def test_next_pages_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.sources.feed._MAX_PAGES", 3)
    number = iter(range(1, 100))
    with serving() as site:

        def answer(handler: Any) -> None:
            page(json.dumps({"items": [], "next_url": f"/feed?{next(number)}"}))(handler)

        site.pages["/feed"] = answer
        source = open_source({"kind": "feed", "url": f"{site.url}/feed", "private": ["127.0.0.1"]})
        with pytest.raises(SourceError, match="over 3 pages"):
            list(source.records())

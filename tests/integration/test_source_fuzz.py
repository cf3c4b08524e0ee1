"""Whatever stands in a source: no exception but the project's own, and nothing lost in silence.

Whole documents of every kind with one hostile value; and files grown from pieces that mean
something to the parser, so that they get past its first check, and from bytes that mean nothing.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.building.engine import LocalEngine
from index.building.read_stage import parse_batch
from index.errors import SourceError
from index.sources.parser_process import MAX_MEMORY
from index.sources.registry import KINDS, open_source
from index.sources.source import split_records
from tests.support.hostile_documents import DOCUMENTS
from tests.support.http_site import serving
from tests.support.process_memory import status

PIECES: dict[str, Sequence[str]] = {
    "jsonl": (
        *(
            '{"id": "a", ',
            '"title": "T"',
            "}",
            "\n",
            "{}",
            "[",
            "]",
            ",",
            ":",
            '"',
            "null",
            "1e999",
        ),
        *("NaN", "\\ud800", '"tags": [[[]]]', '"sections": [{"text": 3}]', '"image": {"src": []}'),
        *('"ratings": {"a": 1e400}', '"date": "9999-99-99"', "\ufeff", "\u2028", '"url": "//x"'),
    ),
    "csv": (
        *("id,title,summary", "a,b,c", "\n", "\r", "\r\n", ",", ";", '"', '""', "'", "\t", "\0"),
        *('"[""x""]"', "tags", "ratings", "{", "url", "https://x.example/", "\ufeff", "é", "  "),
    ),
    "html": (
        *(
            "<h1>T</h1>",
            "<p>",
            "</p>",
            "<div class=related>",
            "</div>",
            "<",
            ">",
            "&",
            "&#x",
            "&#0;",
        ),
        *("<script>", "</script>", "<script type='application/ld+json'>", '{"@type":"Article",'),
        *(
            '"headline":',
            '"x"}',
            "[",
            "]",
            "<table>",
            "<tr><td>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
        ),
        *("<meta property='og:title' content='", "'>", "<svg>", "<template>", "<title>", "<body>"),
        *(
            "<h2>You May Also Like</h2>",
            "<time datetime='",
            "<a rel=tag>",
            "\0",
            "<?xml",
            "<html lang=",
        ),
        *(
            "<link rel=canonical href='http://[",
            "<meta charset=utf-16>",
            "<form>",
            "<main>",
            "<article>",
        ),
    ),
    "markdown": (
        *("---\n", "+++\n", "title: T\n", 'title = "T"\n', "date: ", "2026-01-01", "2026-02-30\n"),
        *(
            "tags: ",
            "[a, b]",
            "{",
            "}",
            "&a ",
            "*a",
            "!!binary ",
            "!!timestamp x",
            "? ",
            "- ",
            "<<: ",
        ),
        *("\n", "# H\n", "```\n", "> ", "[x](", "<div>", "{{<", ">}}", "{%", "%}", "draft: yes\n"),
        *(
            "0o9",
            "1:1:1",
            ".nan",
            "~",
            "%YAML 9\n",
            "...\n",
            "\x85",
            "\0",
            "slug: ",
            "image:\n  src: [",
        ),
        *("expiryDate: ", "9" * 5000, "[[x]]\n", '"""', "'''", "= 1979-05-27T07:32:00Z\n"),
    ),
    "feed": (
        *("<rss>", "</rss>", "<channel>", "</channel>", "<item>", "</item>", "<title>", "</title>"),
        *(
            "<guid>",
            "</guid>",
            "<link>",
            "</link>",
            "x",
            "&lt;",
            "&nbsp;",
            "&#1;",
            "<![CDATA[",
            "]]>",
        ),
        *(
            "<feed xmlns='http://www.w3.org/2005/Atom'>",
            "</feed>",
            "<entry>",
            "</entry>",
            "<!DOCTYPE x [",
        ),
        *(
            "<!ENTITY a 'b'>",
            "]>",
            "<?xml version='1.0' encoding='utf-7'?>",
            "<pubDate>",
            "</pubDate>",
        ),
        *(
            '{"items": [',
            '{"id": 1, "title": "T"}',
            "]",
            "}",
            '"next_url": 3',
            "null",
            ",",
            "Mon, 99 Foo",
        ),
        *(
            "<description>",
            "</description>",
            "xml:lang='",
            "'",
            "<content type='xhtml'>",
            "</content>",
        ),
    ),
    "json": (
        *("[", "]", "{", "}", ",", ":", '"', '"items": [', '{"id": "a", "title": "T"}', "null"),
        *('"a": {', '"b": [{"id": "b", "title": "U"}]', "\\", "\n", " ", "\ufeff", "[" * 70, "3"),
    ),
    "ghost": (
        *('{"db": [{', '"data": {', '"posts": [', "]", "}", "]}}]}", ",", '"', "null", '"}'),
        *('{"id": "a", "slug": "a"}', '{"title": "T", "html": "<p>', '"tags": [', '{"name": "#x"}'),
    ),
    "wxr": (
        *("<rss xmlns:wp='http://wordpress.org/export/1.2/'>", "<channel>", "</channel>", "</rss>"),
        *("<item>", "</item>", "<wp:post_type>post</wp:post_type>", "<wp:post_id>", "\x01"),
        *("</wp:post_id>", "<title>T</title>", "<wp:status>publish</wp:status>", "&nbsp;", "]]>"),
        *("<content:encoded>", "</content:encoded>", "<![CDATA[", "<!DOCTYPE x [", "]>"),
        *("<!ENTITY a 'b'>", "<wp:wxr_version/>", "<?xml version='1.0' encoding='utf-7'?>"),
    ),
    "plain": (
        *(
            "Title\n",
            "\n",
            "\n\n",
            "A heading\n\n",
            "A sentence.\n",
            "Interest: 5\n",
            "You May Also Like\n",
        ),
        *("Read More\n", "\r", "\x0b", "\u2028", ": 9", "1" * 400, " ", "\0", "<b>", "&amp;"),
    ),
}
SUFFIXES = {
    "jsonl": ".jsonl",
    "csv": ".csv",
    "html": ".html",
    "markdown": ".md",
    "feed": ".xml",
    "ghost": ".json",
    "json": ".json",
    "wxr": ".xml",
    "plain": ".txt",
}

MAPPING = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))


def inputs(kind: str) -> st.SearchStrategy[bytes]:
    piece = st.one_of(
        st.sampled_from(PIECES[kind]).map(lambda text: text.encode(errors="surrogatepass")),
        st.sampled_from(PIECES[kind]).map(lambda text: text.encode(errors="surrogatepass")),
        st.text(max_size=5).map(lambda text: text.encode(errors="surrogatepass")),
        st.binary(max_size=4),
    )
    return st.lists(piece, max_size=40).map(b"".join)


def check(kind: str, content: bytes, path: Path) -> None:
    path.write_bytes(content)
    report = ReadReport()
    options: dict[str, Any] = {"kind": kind, "path": str(path)}
    refusal, kept = "", 0
    try:
        kept = len(list(parse_records(open_source(options).records(), MAPPING, report)))
    except SourceError as error:
        refusal = str(error)
    if refusal:
        assert str(path) in refusal
        return
    assert report.kept == kept
    assert report.read == kept + sum(report.skipped.values())
    assert all(str(path) in problem.location for problem in report.problems)
    if kind in ("html", "markdown", "plain"):
        assert report.read == 1
    elif kind == "jsonl":
        assert report.read == sum(
            1
            for number, line in enumerate(content.split(b"\n"))
            if (line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line).strip()
        )
    json.dumps([problem.message for problem in report.problems]).encode()


def few(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def quick_folder() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def fuzz(kind: str, examples: int) -> None:
    with quick_folder() as folder:
        path = folder / f"input{SUFFIXES[kind]}"

        @few(examples)
        @given(inputs(kind))
        def run(content: bytes) -> None:
            check(kind, content, path)

        run()


@pytest.mark.parametrize("kind", PIECES)
def test_no_file_makes_a_parser_fail_or_lose_a_record_in_silence(kind: str) -> None:
    fuzz(kind, 60)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", PIECES)
def test_none_of_ten_thousand_files_does_either(kind: str) -> None:
    fuzz(kind, 10_000)


def read_as_a_build_does(table: dict[str, Any]) -> tuple[ReadReport, str]:
    """What became of a source's records, and why it could not be read."""
    report = ReadReport()
    try:
        raw, parse = split_records(open_source(table))
        work = partial(parse_batch, parse=parse, mapping=MAPPING, strict=False)
        for batch in LocalEngine().stream(work, raw):
            assert len(batch.articles) == batch.report.kept
            report.add(batch.report)
    except SourceError as error:
        return report, str(error)
    return report, ""


def fuzz_documents(kind: str, examples: int) -> None:
    with quick_folder() as folder, serving() as site:

        @few(examples)
        @given(st.data())
        def run(data: st.DataObject) -> None:
            table = DOCUMENTS[kind](data.draw, folder, site)
            start = time.monotonic()
            report, refusal = read_as_a_build_does(table)
            assert time.monotonic() - start < 60, "a busy machine takes some, no end is a fault"
            assert report.read == report.kept + sum(report.skipped.values())
            said = [refusal, *map(str, report.problems)]
            assert all(text.isprintable() for text in said), said
            # What a reader does not foresee is reported as well, but it should foresee these.
            assert not [key for key in report.skipped if key.endswith("unreadable")], said

        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = status("VmRSS")
        run()
        assert status("VmHWM") - before + MAX_MEMORY < 512 * 1024 * 1024


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_with_one_hostile_value_is_read_or_reported(kind: str) -> None:
    fuzz_documents(kind, 60)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_so_are_ten_thousand_of_them(kind: str) -> None:
    fuzz_documents(kind, 10_000)

"""CSV, TSV and Parquet."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import pytest

from index.articles.read_report import ReadReport
from index.errors import SourceError
from recommender.article import Article, Status
from tests.support.corpus_writers import write_csv, write_parquet
from tests.support.sample_records import RECORDS, read


def from_csv(
    folder: Path, content: str | bytes, name: str = "a.csv", **options: Any
) -> tuple[dict[str, Article], ReadReport]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    articles, report = read({"kind": "csv", "path": str(path), **options})
    assert report.read == report.kept + sum(report.skipped.values())
    return articles, report


def test_cells_may_hold_delimiters_line_breaks_and_quotation_marks(tmp_path: Path) -> None:
    articles, report = from_csv(tmp_path, 'id,title,summary\na,"T ""q"", x","One\n\ntwo"\nb,U,\n')
    assert articles["a"].title == 'T "q", x'
    assert articles["a"].sections[0].text == "One\ntwo"
    assert report.notes["summary: no-text"] == 1
    assert report.problems[-1].location.endswith("a.csv line 5")


def test_parts_stand_in_their_cell_as_json_or_by_commas(tmp_path: Path) -> None:
    articles, report = from_csv(
        tmp_path,
        "id;title;tags;authors;ratings\n"
        'a;A;x, y;"[""N, M""]";"{""interest"": 3}"\nb;B;[draft], z;;{broken\n'
        "c;C;{x,y};['N M'];{}\nd;D;{};[];\n",
        delimiter=";",
    )
    assert articles["a"].tags == ("x", "y")
    assert articles["a"].authors == ("N, M",)
    assert articles["a"].ratings == {"interest": 3}
    assert articles["b"].tags == ("[draft]", "z")
    assert articles["b"].ratings == {}
    assert (articles["c"].tags, articles["c"].authors) == (("x", "y"), ("N M",))
    assert (articles["d"].tags, articles["d"].authors) == ((), ())
    assert not report.notes["tags: invalid"]


def test_what_a_database_writes_for_no_value_is_no_text(tmp_path: Path) -> None:
    rows = "a,A,NULL,\\N,NULL,NULL\nb,B,a NULL,,,\nc,C,,,1,x"
    articles, _ = from_csv(tmp_path, f"id,title,excerpt,tags,published,visible_until\n{rows}\n")
    assert (articles["a"].excerpt, articles["a"].tags) == (None, ())
    assert articles["b"].excerpt == "a NULL"
    assert [one.status for one in articles.values()] == ["hidden", "draft", "hidden"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("b,B", "too-few-cells"),
        ("b,B,x,y", "too-many-cells"),
        (b"b,B,\xff", "invalid-encoding"),
        ('b,"B"x,y', "invalid-csv"),
        ("b," + "x" * 1_100_000 + ",y", "invalid-csv"),
    ],
)
def test_a_bad_row_costs_itself_and_no_other(tmp_path: Path, row: str | bytes, reason: str) -> None:
    raw = row if isinstance(row, bytes) else row.encode()
    content = b"id,title,summary\na,A,x\n" + raw + b"\nc,C,y\n"
    articles, report = from_csv(tmp_path, content)
    assert articles.keys() == {"a", "c"}
    assert report.skipped == {reason: 1}
    assert (reason == "invalid-encoding") == ("encoding =" in report.problems[0].message)
    assert report.problems[0].location.endswith("line 3") or report.problems[1].location.endswith(
        "line 3"
    )


@pytest.mark.parametrize("end", ["c,C", "c", 'c,"C', 'c,"C\nand D', 'c,"C\nd,D,z\n'])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, end: str) -> None:
    with pytest.raises(SourceError, match=r"line 4: the file breaks off here"):
        from_csv(tmp_path, f"id,title,summary\na,A,x\nb,B,y\n{end}")


@pytest.mark.parametrize("end", ["c,C,z", 'c,C,"z"', "c,C,"])
def test_a_last_line_without_line_break_is_a_row(tmp_path: Path, end: str) -> None:
    articles, _ = from_csv(tmp_path, f"id,title,summary\na,A,x\nb,B,y\n{end}")
    assert articles.keys() == {"a", "b", "c"}


def test_where_other_rows_lack_cells_too_the_file_does_not_break_off(tmp_path: Path) -> None:
    articles, report = from_csv(tmp_path, "id,title,summary\na,A,x\nb,B\nc,C")
    assert articles.keys() == {"a"}
    assert report.skipped == {"too-few-cells": 2}


def test_other_encodings_and_gzip_are_read(tmp_path: Path) -> None:
    text = "id,title\nä,Größe\n"
    for name, content, options in (
        ("bom.csv", text.encode("utf-8-sig"), {}),
        ("latin.csv", text.encode("latin-1"), {"encoding": "latin-1"}),
        ("wide.csv", text.encode("utf-16"), {"encoding": "utf-16"}),
        ("marked.csv", text.encode("utf-16"), {}),
        ("dos.csv", text.encode("cp850"), {"encoding": "cp850"}),
        ("packed.csv.gz", gzip.compress(text.encode()), {}),
    ):
        assert from_csv(tmp_path, content, name, **options)[0]["ä"].title == "Größe"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,title,id\na,b,c\n", "two columns are named 'id'"),
        ("3,4\n5,6\n", "line 1 holds data"),
        (gzip.compress(b"id,title\na,b\n" * 999, mtime=0)[:-9], "to its end"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_is_refused(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    with pytest.raises(SourceError, match=said):
        from_csv(tmp_path, content)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_the_delimiter_is_told_from_the_first_rows(
    tmp_path: Path, delimiter: str, name: str
) -> None:
    rows = [["id", "title", "summary"], ["a", '"Salt, rye; malt"', "Words, and | more; words"]]
    if delimiter == "|":
        rows[1][2] = '"Words, and | more; words"'
    if delimiter in ",;":
        rows[1][2] = f'"{rows[1][2]}"'
    content = "\n".join(map(delimiter.join, rows))
    assert from_csv(tmp_path, content, name)[0]["a"].title == "Salt, rye; malt"
    assert from_csv(tmp_path, f"sep={delimiter}\n{content}", name)[0].keys() == {"a"}


DATA = '3,https://s.example/kelp,Kelp calms waves,"The waves were lower.",2026-03-02,draft\n'


@pytest.mark.parametrize(
    ("content", "titles"),
    [
        (
            'id\ttitle\tsummary\na\t"Kelp" grows\tx\nb\t"Tides\ty\nc\t"A" or "B"\tz\n',
            ['"Kelp" grows', '"Tides', '"A" or "B"'],
        ),
        (
            'id\ttitle\tsummary\na\t"Kelp\tgrows"\tx\nb\t"T"x\ty\nc\t"C"\t"z"\n',
            ["Kelp grows", "C"],
        ),
        ('id, title, summary\na, "Kelp, grows", "x"\nb, Tides, y\n', ["Kelp, grows", "Tides"]),
        ('id,title,summary\na,"Kelp",x\nb, "Tides, too",y\n', ["Kelp", "Tides, too"]),
        ('id,title,summary\na, 6" nails,x\nb,B,y\n', ['6" nails', "B"]),
    ],
)
def test_the_form_of_cells_is_that_which_makes_the_rows_even(
    tmp_path: Path, content: str, titles: list[str]
) -> None:
    articles, _ = from_csv(tmp_path, content)
    assert [one.title for one in articles.values()] == titles


def test_a_file_without_header_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"line 1 holds data.*columns = .*header = true"):
        from_csv(tmp_path, DATA)


def test_the_columns_can_be_named_and_the_header_be_said(tmp_path: Path) -> None:
    columns = ["", "url", "summary", "title", "date", "status"]
    articles, _ = from_csv(tmp_path, DATA, columns=columns)
    assert articles["kelp"].title == "The waves were lower."
    articles, _ = from_csv(tmp_path, f"x,y\n{DATA[:9]}", header=True, columns=["id", "title"])
    assert articles.keys() == {"3"}
    with pytest.raises(SourceError, match="name them in order"):
        from_csv(tmp_path, "a,A\n", header=False)


def test_a_row_without_id_gets_that_of_its_address(tmp_path: Path) -> None:
    rows = "title,link,slug\nA,https://s.example/2026/a/,\nB,https://s.example/b?p=1,\nC,,c\nD,,\n"
    articles, report = from_csv(tmp_path, rows, map={"url": "link"})
    assert articles.keys() == {"2026/a", "b?p=1", "c"}
    assert report.skipped == {"id: missing": 1}
    assert "--map id=FIELD" in report.problems[-1].message


def test_a_link_is_made_of_fields_that_are_mapped(tmp_path: Path) -> None:
    articles, report = from_csv(
        tmp_path,
        "slug,title,body,date,topic\nkelp,Kelp,Cold water.,2024-05-06,sea\n",
        map={"id": "slug", "summary": "body", "tags": "topic"},
        url_template="https://a.org/{topic}/{year}/{slug}/",
    )
    assert articles["kelp"].url == "https://a.org/sea/2024/kelp/"
    assert report.notes == {"url: made-from-template": 1}


def test_an_id_may_be_read_from_a_field_of_ours(tmp_path: Path) -> None:
    articles, _ = from_csv(tmp_path, "title,text\nKelp,Cold water.\n", map={"id": "title"})
    assert articles["Kelp"].title == "Kelp"


def test_an_empty_file_holds_no_records(tmp_path: Path) -> None:
    assert from_csv(tmp_path, "")[1].read == 0


def test_reading_may_stop_midway(tmp_path: Path) -> None:
    from index.sources.registry import open_source

    for path in (write_csv(RECORDS, tmp_path), write_parquet(RECORDS, tmp_path)):
        kind = path.suffix[1:]
        records = open_source({"kind": kind, "path": str(path)}).records()
        assert next(iter(records))
        records.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"id,title\n"])
def test_a_file_that_is_no_parquet_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.parquet can't be read"):
        read({"kind": "parquet", "path": str(path)})


def test_a_damaged_parquet_file_says_how_far_it_was_read(tmp_path: Path) -> None:
    path = write_parquet(RECORDS, tmp_path)
    content = bytearray(path.read_bytes())
    content[100:3000] = b"\xff" * 2900
    path.write_bytes(content)
    with pytest.raises(SourceError, match="after row 0"):
        read({"kind": "parquet", "path": str(path)})


def test_ids_that_a_tool_wrote_as_decimals_are_whole_numbers(tmp_path: Path) -> None:
    rows = "id,title,supersedes,version\n1.0,A,,2.0\n12.0,B,1.0,2.0\n"
    articles, _ = from_csv(tmp_path, rows, url_template="/{version}/{id}")
    assert articles["12"].supersedes == "1"
    assert articles["1"].url == "/2.0/1"
    assert from_csv(tmp_path, "id,title\n1.0,A\n1.1,B\n")[0].keys() == {"1.0", "1.1"}
    assert from_csv(tmp_path, "id;title\n1,0;A\n12,0;B\n")[0].keys() == {"1", "12"}


def test_a_box_not_checked_and_a_time_not_given_are_drafts(tmp_path: Path) -> None:
    tables = {
        "airtable.csv": 'title,summary,Published\nKelp,"A text",checked\nSecret,"A text",\n',
        "rails.csv": "title,summary,published_at\nKelp,Text,2026-01-01 10:00:00\nSecret,Text,\n",
        "said.csv": "title,summary,published_at,status\nKelp,Text,,published\nSecret,Text,,draft\n",
        "none.csv": "title,summary,tags\nKelp,Text,\n",
    }
    for name, text in tables.items():
        lines = (f"{at},{line}\n" for at, line in enumerate(text.splitlines()))
        (tmp_path / name).write_text("".join(lines).replace("0,", "id,", 1))
        articles, _ = read({"kind": "csv", "path": str(tmp_path / name)})
        shown = [a.title for a in articles.values() if a.status is Status.PUBLISHED]
        assert shown == ["Kelp"], name


def test_a_parquet_cell_that_python_has_no_value_for_costs_neither_article_nor_state(
    tmp_path: Path,
) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    far = pa.array([2**62], pa.timestamp("ms"))
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(struct.pack("<ii", 0, 1)), pa.py_buffer(b"\x80")]
    )
    columns = {
        "id": pa.array(["kelp"]),
        "title": pa.array(["Kelp"]),
        "seo": pa.StructArray.from_arrays([far, pa.array([True])], ["checked", "noindex"]),
        "more": pa.ListArray.from_arrays([0, 1], far),
        "words": pa.MapArray.from_arrays([0, 1], broken, pa.array([1])),
    }
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    articles, report = read({"kind": "parquet", "path": str(tmp_path / "a.parquet")})
    assert not report.skipped, report
    assert articles["kelp"].status is Status.HIDDEN


def test_a_map_of_a_parquet_file_is_an_object(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    texts, figures = pa.map_(pa.string(), pa.string()), pa.map_(pa.string(), pa.float64())
    columns = {
        "id": ["a", "b", "c"],
        "title": ["Kelp"] * 3,
        "summary": ["Waves."] * 3,
        "metadata": pa.array([[("noindex", "true"), ("mood", "calm")], [], None], texts),
        "ratings": pa.array([[], [("Stars", 4.5)], None], figures),
    }
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    articles, report = read({"kind": "parquet", "path": str(tmp_path / "a.parquet")})
    assert [one.status for one in articles.values()] == [Status.HIDDEN, *2 * [Status.PUBLISHED]]
    assert articles["b"].ratings == {"Stars": 4.5}
    assert not report.problems


def test_quotation_marks_behind_backslashes_are_read_as_databases_write_them(
    tmp_path: Path,
) -> None:
    rows = [
        "id,title,summary,visible_from",
        r'1,Kelp,"the \"sea\", he said",\N',
        r'2,Rye,"C:\\dir\\",\N',
        r'3,Oats,"plain ""cell""",\N',
    ]
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    articles, report = read({"kind": "csv", "path": str(tmp_path / "a.csv")})
    assert not report.problems
    assert articles["1"].sections[0].text == 'the "sea", he said'
    assert articles["3"].sections[0].text == 'plain "cell"'
    (tmp_path / "a.csv").write_text('id,title,summary\n1,A,"C:\\dir\\"\n2,B,"say ""x"""\n')
    articles, _ = read({"kind": "csv", "path": str(tmp_path / "a.csv")})
    assert [one.sections[0].text for one in articles.values()] == ["C:\\dir\\", 'say "x"']

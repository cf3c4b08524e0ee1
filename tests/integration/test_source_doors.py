"""No value from outside ends a build, and no file that is none holds one up."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import MAX_MESSAGE, Record, RecordProblem, short
from index.building.read_stage import parse_batch
from index.errors import SourceError
from index.sources.configured_source import ConfiguredSource
from index.sources.registry import open_source, table_for
from recommender.errors import SettingError
from tests.support.commands import runner
from tests.support.http_site import page, serving
from tests.support.sample_records import read


class Failing:
    """A reader that breaks off in its own way."""

    name = "the archive"

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def records(self) -> Iterator[Record | RecordProblem]:
        yield Record(location="one", values={"id": "a", "title": "A"})
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        OverflowError("date value out of range"),
        RecursionError("too deep"),
        ArithmeticError("signal"),
        KeyError("guid"),
        MemoryError(),
        PermissionError(13, "Permission denied"),
    ],
)
def test_a_reader_that_fails_is_an_error_that_names_its_source(error: Exception) -> None:
    source = ConfiguredSource(source=Failing(error), secrets=("denied",))
    records = source.records()
    assert isinstance(next(records), Record)
    with pytest.raises(SourceError, match="the archive can't be read to its end") as caught:
        next(records)
    assert type(error).__name__ in str(caught.value)
    assert "denied" not in str(caught.value)


def test_a_record_over_which_its_parser_fails_is_reported_and_the_others_come() -> None:
    def parse(raw: int) -> Record:
        return Record(location=f"line {raw}", values={"id": str(raw), "title": str(10 // raw)})

    mapping = FieldMapping(url_template="/{id}", timezone=None)  # type: ignore[arg-type]
    whole = ConfiguredSource(source=Failing(ValueError()))
    batch = parse_batch(
        [1, 0, 2],
        parse=lambda raw: whole._parse(parse, raw),
        mapping=mapping,
        strict=False,
    )
    assert [article.id for article in batch.articles] == ["1", "2"]
    report = batch.report
    assert report.skipped == {"unreadable": 1}
    assert "ZeroDivisionError" in report.problems[1].message


def test_a_value_over_which_an_article_fails_is_told_with_place_and_field() -> None:
    class Odd(str):
        def casefold(self) -> str:
            raise OverflowError("odd")

    def two() -> Iterator[Record | RecordProblem]:
        yield Record(location="line 1", values={"id": "a", "title": "A", "language": Odd("en")})
        yield Record(location="line 2", values={"id": "b", "title": "B"})

    report = ReadReport()
    mapping = FieldMapping(url_template="/{id}", timezone=None)  # type: ignore[arg-type]
    assert [article.id for article, _ in parse_records(two(), mapping, report)] == ["b"]
    problem = report.problems[0]
    assert (problem.location, problem.field) == ("line 1", "language")
    assert "OverflowError: odd" in problem.message
    assert "leave it out" in problem.message


GOOD = {"id": "good", "title": "Good", "summary": "Words"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", "&#" + "9" * 5000 + ";"),
        ("summary", "a &#" + "9" * 5000 + "; b"),
        ("id", ["a"] * 1000),
        ("id", int("9" * 4000)),
        ("ratings", {"a": int("9" * 4000)}),
        ("date", "9" * 5000),
    ],
)
def test_a_hostile_value_in_json_costs_its_record_at_most(
    write_jsonl: Callable[..., Path], name: str, value: Any
) -> None:
    bad = {"id": "bad", "title": "Bad", "summary": "Words", name: value}
    table = {"kind": "jsonl", "path": str(write_jsonl([bad, GOOD])), "url_template": "/x/{id}"}
    articles, report = read(table)
    assert "good" in articles
    assert report.read == report.kept + sum(report.skipped.values()) == 2


def test_half_a_character_in_an_id_costs_its_record(tmp_path: Path) -> None:
    lines = ['{"id": "\\ud800", "title": "Bad"}', json.dumps(GOOD)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    table = {"kind": "jsonl", "path": str(tmp_path / "a.jsonl"), "url_template": "/x/{id}"}
    articles, report = read(table)
    assert list(articles) == ["good"]
    assert "line 1" in report.problems[0].location


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("---\ntitle: T\ndate: 0x" + "f" * 5000 + "\n---\n", "date holds an integer"),
        ("---\n? 0x" + "f" * 5000 + "\n: a\n---\n", "holds an integer"),
        ("---\ntitle: T\nslug: [{a: 0x" + "f" * 5000 + "}]\n---\n", "slug holds an integer"),
        ("+++\ntitle = 0x" + "f" * 5000 + "\n+++\n", "title holds an integer"),
        ("+++\n" + "a." * 400 + "a = 1\n+++\n", "nested more than"),
    ],
)
def test_front_matter_that_python_can_t_print_costs_its_page(
    tmp_path: Path, front: str, said: str
) -> None:
    (tmp_path / "bad.md").write_text(f"{front}Words\n")
    (tmp_path / "good.md").write_text("---\ntitle: Good\n---\nWords\n")
    articles, report = read({"kind": "markdown", "path": str(tmp_path)})
    assert list(articles) == ["good"]
    assert report.skipped == {"front-matter": 1}
    assert said in report.problems[0].message


@pytest.mark.parametrize(
    "date", ["Mon, 01 Jan 99999999999999 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 +9999999999999"]
)
def test_a_feed_s_date_beyond_the_calendar_costs_that_date(tmp_path: Path, date: str) -> None:
    (tmp_path / "feed.xml").write_text(
        f"<rss><channel><item><guid>a</guid><title>A</title><pubDate>{date}</pubDate></item>"
        "<item><guid>b</guid><title>B</title></item></channel></rss>"
    )
    articles, report = read({"kind": "feed", "path": str(tmp_path / "feed.xml")})
    assert articles.keys() == {"a", "b"}
    assert articles["a"].date is None
    assert report.notes["date: invalid"] == 1


def test_a_number_without_end_costs_one_post_of_wordpress_and_one_item_of_a_feed() -> None:
    number = "9" * 5000
    with serving() as site:
        site.pages["/wp-json/wp/v2/posts"] = page(
            f'[{{"id": {number}, "title": {{"rendered": "A"}}}},'
            f' {{"id": 2, "title": {{"rendered": "B"}}, "more": {number}}}]',
            Content_Type="application/json",
            X_WP_Total="2",
            X_WP_TotalPages="1",
        )
        site.pages["/feed"] = page(
            f'{{"items": [{{"id": {number}, "title": 3}}, {{"id": "b", "title": "B"}}]}}'
        )
        options = {"private": ["127.0.0.1"]}
        articles, report = read({"kind": "wordpress", "url": site.url, **options})
        assert (list(articles), dict(report.skipped)) == (["2"], {"invalid-post": 1})
        articles, report = read({"kind": "feed", "url": f"{site.url}/feed", **options})
        assert list(articles) == ["b"]
        assert sum(report.skipped.values()) == 1


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_parquet_date_beyond_the_calendar_costs_that_date(tmp_path: Path, unit: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    dates = pa.array([0, 2**62 + 1], pa.int64()).cast(pa.timestamp(unit))
    if unit == "s":
        dates = pa.array([0, 2**62 // 10**4], pa.int64()).cast(pa.timestamp(unit))
    texts = pa.array([b"fine", b"\xff"]).cast(pa.string(), safe=False)
    names = ["a", "b"]
    table = pa.table({"id": names, "title": names, "date": dates, "summary": texts})
    pq.write_table(table, tmp_path / "a.parquet", coerce_timestamps=None)
    articles, report = read({"kind": "parquet", "path": str(tmp_path / "a.parquet")})
    assert articles.keys() == {"a", "b"}
    assert articles["a"].date is not None
    assert articles["b"].date is None
    assert articles["b"].sections[0].text == "?"
    assert report.notes["date: invalid"] == 1


def test_a_build_goes_on_over_a_page_that_can_t_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "posts").mkdir()
    for number in range(6):
        page = f"---\ntitle: Post {number}\n---\nThe sea and its ships {number}\n"
        (tmp_path / "posts" / f"{number}.md").write_text(page)
    os.mkfifo(tmp_path / "posts" / "pipe.md")
    (tmp_path / "posts" / "bad\n2026-01-01 ERROR forged.md").write_text("---\n")
    code, out, err = runner(monkeypatch, capsys)("build", "posts", "--model", "hashing")
    assert code == 0, err
    assert "skipped 2 (front-matter 1, unreadable 1)" in out
    assert "pipe.md: can't be read: it is a pipe" in err
    assert not [line for line in err.splitlines() if line.startswith("2026")]
    assert "bad\\n2026" in err


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """What may stand where a file should."""
    pipe, plug = tmp_path / "pipe", tmp_path / "plug"
    os.mkfifo(pipe)
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(plug))
        yield {
            "a pipe": pipe,
            "a socket": plug,
            "a device": Path("/dev/zero"),
            "a folder": tmp_path,
        }


@pytest.mark.parametrize("what", ["a pipe", "a socket", "a device"])
@pytest.mark.parametrize("kind", ["html", "markdown", "plain"])
def test_a_page_that_is_no_file_is_reported(
    odd: dict[str, Path], tmp_path: Path, kind: str, what: str
) -> None:
    articles, report = read({"kind": kind, "path": str(odd[what])})
    assert not articles
    assert f"it is {what}" in report.problems[0].message


@pytest.mark.parametrize("what", ["a pipe", "a socket", "a device", "a folder"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "feed"])
def test_a_document_that_is_no_file_is_refused(odd: dict[str, Path], kind: str, what: str) -> None:
    with pytest.raises(SourceError, match=f"(?s){odd[what]}.*it is {what}"):
        list(open_source({"kind": kind, "path": str(odd[what])}).records())


def test_a_database_and_a_secret_that_are_no_files_are_refused(odd: dict[str, Path]) -> None:
    table = {"kind": "sql", "url": f"sqlite:///{odd['a pipe']}", "query": "SELECT 1"}
    with pytest.raises(SourceError, match="there is no file"):
        list(open_source(table).records())
    with pytest.raises(SettingError, match="it is a pipe"):
        open_source(
            {"kind": "feed", "url": "https://x.example", "password_file": str(odd["a pipe"])}
        )


@pytest.mark.parametrize("location", ["site", "site/**/*.md", "site/*/*.md"])
def test_links_are_followed_inside_the_folder_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site" / "a").mkdir(parents=True)
    (tmp_path / "site" / "a" / "post.md").write_text("---\ntitle: Post\n---\nWords")
    (tmp_path / "secret.md").write_text("---\ntitle: Secret\n---\nWords")
    (tmp_path / "site" / "a" / "again.md").symlink_to("post.md")
    (tmp_path / "site" / "a" / "out.md").symlink_to(tmp_path / "secret.md")
    (tmp_path / "site" / "a" / "gone.md").symlink_to("nowhere")
    (tmp_path / "site" / "a" / "loop.md").symlink_to("loop.md")
    (tmp_path / "site" / "round").symlink_to(tmp_path / "site")
    (tmp_path / "site" / "lost").symlink_to("nowhere")
    articles, report = read({"kind": "markdown", "path": location})
    assert [name.rpartition("/")[2] for name in articles] == ["again", "post"]
    assert report.skipped == {"link": 5}
    told = {problem.location: problem.message for problem in report.problems}
    assert told["site/a/out.md"] == "it is a link that leads out of the folder"
    assert told["site/round"] == "it is a link to a folder, which is not followed"
    nowhere = "it is a link that can't be followed: "
    assert told["site/a/gone.md"] == told["site/lost"] == f"{nowhere}No such file or directory"
    assert told["site/a/loop.md"] == f"{nowhere}Too many levels of symbolic links"


@pytest.mark.parametrize("pattern", ["site/*", "site/round/*", "site/**"])
def test_a_linked_folder_that_a_glob_matches_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site" / "round").mkdir(parents=True)
    (tmp_path / "site" / "post.md").write_text("# T")
    (tmp_path / "site" / "round" / "other.md").write_text("# T")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "site" / "round" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "site" / "linked").symlink_to(tmp_path / "elsewhere")
    _, report = read({"kind": "markdown", "path": pattern})
    assert report.kept >= 1
    assert report.skipped["link"] == (2 if pattern == "site/**" else 1)


@pytest.mark.parametrize("path", ["loop", "loop/*.md", "page.md/x.md", "page.md/*.md"])
def test_a_path_that_can_t_be_followed_is_said_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "page.md").write_text("# T")
    said = "can't be read: (Too many levels of symbolic links|Not a directory)"
    with pytest.raises(SourceError, match=said):
        list(open_source({"kind": "markdown", "path": path}).records())


def test_a_folder_that_can_t_be_listed_ends_the_build_and_the_guess_of_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "post.md").write_text("# T")
    real = os.scandir

    def broken(folder: Any) -> Any:
        if str(folder).endswith("/b"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", broken)
    with pytest.raises(SourceError, match=r"a/b can't be read: Input/output error"):
        list(open_source({"kind": "markdown", "path": str(tmp_path)}).records())
    with pytest.raises(SettingError, match=r"a/b can't be read: Input/output error"):
        table_for(str(tmp_path))


@pytest.mark.parametrize("remove", ["a", "b", "."])
def test_a_folder_that_vanishes_while_it_is_read_ends_the_build(
    tmp_path: Path, remove: str
) -> None:
    site = tmp_path / "site"
    for name in ("a/1.md", "a/2.md", "b/3.md"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("# T")
    records = iter(open_source({"kind": "markdown", "path": str(site)}).records())
    next(records)
    shutil.rmtree(site / remove)
    with pytest.raises(SourceError, match="was removed while it was read"):
        list(records)


def test_a_page_that_vanishes_alone_is_reported(tmp_path: Path) -> None:
    for name in ("1.md", "2.md", "3.md"):
        (tmp_path / name).write_text("# T")
    records = iter(open_source({"kind": "markdown", "path": str(tmp_path)}).records())
    next(records)
    (tmp_path / "2.md").unlink()
    _, last = list(records)
    assert isinstance(last, Record)


def test_a_glob_finds_what_its_parts_name(tmp_path: Path) -> None:
    for name in ("a.md", "b.txt", ".c.md", "x/d.md", "x/y/e.md", "x/y/f[1].md", ".h/i.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# T\n\nWords")

    def found(pattern: str) -> list[str]:
        return sorted(read({"kind": "markdown", "path": f"{tmp_path}/{pattern}"})[0])

    assert found("*.md") == ["a"]
    assert found(".*.md") == [], "no page is made of a file named with a dot in front"
    assert found("*/*.md") == ["x/d"]
    assert found("**/*.md") == ["a", "x/d", "x/y/e", "x/y/f[1]"]
    assert found("x/**/y/e.*") == ["y/e"]
    assert found("x/**/y/[!f]*") == ["y/e"]
    assert found("x/y/f[1].md") == ["f[1]"]
    assert found("") == ["a", "x/d", "x/y/e", "x/y/f[1]"]
    with pytest.raises(SourceError, match="holds no page"):
        found("none/*.md")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize("location", ["{}", "{}/**/*.md", "{}/a/post.md"])
def test_a_folder_or_file_that_may_not_be_read_ends_the_build(
    tmp_path: Path, location: str
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "post.md").write_text("# T")
    (tmp_path / "a").chmod(0o700)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder != Path("/tmp"):
            folder.chmod(0o755)
    source = open_source({"kind": "markdown", "path": location.format(tmp_path)})
    os.seteuid(65534)
    try:
        with pytest.raises(SourceError, match="can't be read: Permission denied"):
            list(source.records())
    finally:
        os.seteuid(0)


def test_a_file_that_breaks_off_ends_the_build() -> None:
    with pytest.raises(SourceError, match="/proc/self/mem can't be read: Input/output error"):
        read({"kind": "html", "path": "/proc/self/mem"})


def test_a_problem_is_one_short_line_whatever_it_tells_of() -> None:
    problem = RecordProblem(
        location="a\nb", field="", reason="x", message="\x1b[2J\u202e" + "y" * 9999
    )
    assert str(problem).startswith("a\\nb: \\x1b[2J\\u202eyyy")
    assert len(str(problem)) < MAX_MESSAGE + 100
    assert str(SourceError("a\r\n2026 ERROR")) == "a\\r\\n2026 ERROR"
    source = open_source({"kind": "csv", "path": "a\nb.csv"})
    assert source.name == "a\\nb.csv"


def test_any_value_can_be_shown_in_short() -> None:
    for value in (1 << 20_000, [1 << 20_000], "x" * 9999, {"a": 1}, [[]] * 9999):
        assert 0 < len(short(value)) <= 60


def test_a_row_that_a_driver_gives_is_named_whatever_its_first_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (id, title)")
        database.execute("INSERT INTO t VALUES (?, 'T')", ["x\n" * 10_000])
        database.commit()
    _, report = read({"kind": "sql", "url": f"sqlite:///{path}", "query": "SELECT * FROM t"})
    assert "\n" not in report.problems[0].location
    assert len(report.problems[0].location) < 300

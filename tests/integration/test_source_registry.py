"""Configured sources: options, several at once, secrets, and the first look at them."""

from __future__ import annotations

import base64
import dataclasses
import importlib
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from index.articles.record import Record, RecordProblem
from index.errors import SourceError
from index.sources import registry
from index.sources.registry import KINDS, open_source, table_for
from index.sources.secret_options import mask
from recommender.errors import SettingError
from tests.support.http_site import Site, page, serving

DOCS = Path(__file__).parents[2] / "docs" / "sources.md"
PASSWORD = "hunter2 Ärger&Co/%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def alsolike(tmp_path: Path) -> Callable[..., Ran]:
    """The command as a process, in a folder of its own."""

    def run(*arguments: str, **environment: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "service.cli", *arguments],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)

    return run


@pytest.fixture
def server() -> Iterator[Site]:
    with serving() as site:
        yield site


def write_records(path: Path, *ids: str, **more: str) -> None:
    lines = [json.dumps({"id": name, "title": f"{path.stem} {name}", **more}) for name in ids]
    path.write_text("\n".join(lines))


def test_of_an_id_in_two_sources_the_first_wins_and_the_second_is_reported(
    alsolike: Callable[..., Ran], tmp_path: Path
) -> None:
    write_records(tmp_path / "first.jsonl", "a", "b")
    (tmp_path / "second.csv").write_text("slug,title,text\nb,second b,x\nc,second c,y\n")
    (tmp_path / "alsolike.toml").write_text(
        'model = "hashing:32"\n'
        '[[source]]\nkind = "jsonl"\npath = "first.jsonl"\n'
        '[[source]]\nkind = "csv"\npath = "second.csv"\nurl_template = "https://b.example/{id}"\n'
        'map = {id = "slug", summary = "text"}\n'
    )
    ran = alsolike("build", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["articles"] == 3
    assert told["reading"]["skipped"] == {"id: duplicate": 1}
    assert told["reading"]["read"] == told["reading"]["kept"] + 1
    (problem,) = [one for one in told["problems"] if one["reason"] == "duplicate"]
    assert problem["place"] == "second.csv line 2"
    titles = {key: json.loads(alsolike("related", key, "--json").out) for key in ("b", "c")}
    links = {item["url"] for found in titles.values() for item in found["items"]}
    assert "https://b.example/c" in links
    assert json.loads(alsolike("inspect", "--json").out)["sources"] == ["first.jsonl", "second.csv"]


def test_sources_named_on_the_command_line_take_the_place_of_the_configured(
    alsolike: Callable[..., Ran], tmp_path: Path
) -> None:
    write_records(tmp_path / "given.jsonl", "a")
    write_records(tmp_path / "too.jsonl", "b")
    (tmp_path / "alsolike.toml").write_text('[[source]]\nkind = "jsonl"\npath = "none.jsonl"\n')
    ran = alsolike("build", "given.jsonl", "too.jsonl", "--model", "hashing:32", "--json")
    assert json.loads(ran.out)["articles"] == 2


def test_without_any_source_the_command_says_how_to_name_one(alsolike: Callable[..., Ran]) -> None:
    ran = alsolike("build", "--model", "hashing:32")
    assert ran.code == 2
    assert "[[source]]" in ran.err


def test_check_shows_what_became_of_every_field(
    alsolike: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "site.csv").write_text(
        "slug,title,body,written,author_id\n"
        + "".join(f"s{n},Title {n},Some text,2026-01-{n:02},7\n" for n in range(1, 31))
        + "s99,,no title,,\n"
    )
    ran = alsolike("sources", "check", "site.csv", "--map", "summary=body", "--map", "id=slug")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "site.csv: read 20, kept 20, skipped 0"
    shown = [" ".join(line.split()) for line in lines]
    assert "id 20 slug s1" in shown
    assert "summary 20 body Some text" in shown
    assert "date - date" in shown
    assert "not read: written 2026-01-01" in shown
    assert "not read: author_id 7" in shown


def test_check_shows_of_each_fault_its_own_first_place(
    alsolike: Callable[..., Ran], tmp_path: Path
) -> None:
    records = [{"title": "no id"}, {"id": "a", "title": "A"}, {"id": "no-title"}, {"id": "b"}]
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in records))
    said = alsolike("sources", "check", "a.jsonl").out
    assert "id: missing: 1, the first: a.jsonl line 1: " in said
    assert "title: missing: 2, the first: a.jsonl line 3: " in said


def test_check_goes_on_after_a_source_that_fails_and_ends_with_2(
    alsolike: Callable[..., Ran], tmp_path: Path
) -> None:
    write_records(tmp_path / "good.jsonl", "a")
    ran = alsolike("sources", "check", "none.csv", "good.jsonl", "--json")
    assert ran.code == 2
    first, second = json.loads(ran.out)
    assert "there is no file none.csv" in first["error"]
    assert (first["kept"], second["kept"]) == (0, 1)
    assert len(ran.err.splitlines()) == 1


def test_a_password_is_found_nowhere(
    alsolike: Callable[..., Ran], tmp_path: Path, server: Site
) -> None:
    """A server that repeats the password wherever it can, in every spelling."""
    pair = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    echoes = [PASSWORD, quote(PASSWORD), quote(PASSWORD, safe=""), pair]
    good = {"id": 1, "title": {"rendered": "T"}, "link": "https://site.example/1"}
    bad = [{"id": echo, "title": echo} for echo in echoes]
    server.pages["/wp-json/wp/v2/posts"] = page(
        json.dumps([good, *bad]),
        Content_Type="application/json",
        X_WP_Total="1",
        X_WP_TotalPages="1",
    )
    (tmp_path / "secret").write_text(PASSWORD + "\n")
    (tmp_path / "alsolike.toml").write_text(
        f'model = "hashing:32"\n[[source]]\nkind = "wordpress"\nurl = "{server.url}"\n'
        'user = "me"\npassword_file = "secret"\nprivate = ["127.0.0.1"]\nattempts = 1\n'
    )
    built = alsolike("build")
    assert built.code == 0, built.err
    said = [built, alsolike("sources", "check"), alsolike("inspect"), alsolike("build", "--strict")]
    body = json.dumps({"message": " ".join(echoes)})
    server.pages["/wp-json/wp/v2/posts"] = page(body, status=401)
    said += [alsolike("build"), alsolike("sources", "check", "--json")]
    assert said[-1].code == 2
    assert "***" in "".join(ran.out + ran.err for ran in said)
    assert server.requests[0][1]["authorization"] == f"Basic {pair}"
    files = [path for path in (tmp_path / "alsolike-root").rglob("*") if path.is_file()]
    assert {"manifest.json", "report.json", "journal.jsonl"} <= {path.name for path in files}
    texts = {path.name: path.read_bytes() for path in files}
    texts |= {str(n): (ran.out + ran.err).encode() for n, ran in enumerate(said)}
    spellings = [*echoes, json.dumps(PASSWORD)[1:-1], PASSWORD.replace('"', '\\"'), "hunter2"]
    for name, content in texts.items():
        for spelling in spellings:
            assert spelling.encode() not in content, (name, spelling)


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
        ({"kind": "csv", "path": "x", "url_template": "/y"}, "{id}"),
        ({"kind": "html", "path": "x", "main": "p[["}, "p[["),
        ({"kind": "html", "path": "x", "select": {"date": "h1::before"}}, "Pseudo"),
        ({"kind": "feed"}, "either url or path"),
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


def test_a_password_in_the_settings_is_refused_without_being_told(
    alsolike: Callable[..., Ran], tmp_path: Path
) -> None:
    for line in (
        'password = "hunter2"',
        'url = "postgresql://me:hunter2@h/x"',
        'kind = {a = "hunter2"}',
    ):
        (tmp_path / "alsolike.toml").write_text(f"[[source]]\n{line}\n")
        for command in ("build", "inspect"):
            ran = alsolike(command)
            assert ran.code in (2, 6)
            assert "hunter2" not in ran.out + ran.err or "kind" in line
    ran = alsolike("build", "postgresql://me:hunter2@h/x")
    assert ran.code == 2
    assert "hunter2" not in ran.out + ran.err


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


def test_a_folder_is_of_the_kind_of_its_pages_unless_they_differ(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "picture.png").write_text("x")
    assert table_for(str(tmp_path))["kind"] == "markdown"
    (tmp_path / "b.html").write_text("a")
    with pytest.raises(SettingError, match="no telling"):
        table_for(str(tmp_path))


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
                yield Record(place=f"number {number}", values={"id": number, "name": "N"})

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


def test_a_longer_secret_is_masked_before_a_shorter_one_in_it() -> None:
    assert mask("a secret-longer word", ("secret-longer", "secret")) == "a *** word"

"""Sources as the command line names, checks and reads them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from index.publishing.gates import Gate
from tests.support.commands import runner
from tests.support.http_site import Site, page, serving

PASSWORD = "hunter2 Ärger&Co/%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def server() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def alsolike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """The command in a folder of its own; all that this process says counts as its output."""
    monkeypatch.chdir(tmp_path)
    run = runner(monkeypatch, capfd)

    def ran(*arguments: str) -> Ran:
        code, out, err = run(*arguments)
        return Ran(code=code, out=out, err=err)

    return ran


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
    assert lines[0] == "site.csv: read the first 20, kept 20, skipped 0 (--limit reads more)"
    all_read = alsolike("sources", "check", "site.csv", "--map", "id=slug", "--limit", "31").out
    assert all_read.startswith("site.csv: read 31, kept 30, skipped 1\n"), "all 31 there are"
    shown = [" ".join(line.split()) for line in lines]
    assert "id 20 slug s1" in shown
    assert "summary 20 body Some text" in shown
    assert "date - date" in shown
    assert "not read: written 2026-01-01" in shown
    assert "not read: author_id 7" in shown


def test_check_compares_the_addresses_with_the_site_s_own_sitemap(
    alsolike: Callable[..., Ran], tmp_path: Path, server: Site
) -> None:
    names = [f"kelp-{number}" for number in range(30)]
    write_records(tmp_path / "site.jsonl", *names, date="2026-03-01")
    pages = [f"/2026/03/{name}/" for name in names[:28]] + ["/about/"]
    locations = "".join(f"<url><loc>{server.url}{path}</loc></url>" for path in pages)
    server.pages["/sitemap.xml"] = page(f"<urlset>{locations}</urlset>")
    ran = alsolike("sources", "check", "site.jsonl", "--sitemap", f"{server.url}/sitemap.xml")
    assert ran.code == 0, ran.err
    lines = [line.strip() for line in ran.out.splitlines()]
    assert lines[0].endswith("names 29 pages")
    assert lines[1] == "0 of 30 published articles stand in it"
    assert any(
        line.startswith('url_template = "/{year}/{month}/{id}/" would mend 28') for line in lines
    )
    (tmp_path / "sitemap.xml").write_text(f"<urlset>{locations}</urlset>")
    template = ("--url-template", "/{year}/{month}/{id}/")
    again = alsolike(
        "sources", "check", "site.jsonl", "--sitemap", "sitemap.xml", *template, "--json"
    )
    told = json.loads(again.out)
    assert (told["found"], told["missing"]) == (28, ["/2026/03/kelp-28/", "/2026/03/kelp-29/"])
    assert told["unknown"] == [f"{server.url}/about/"]
    assert told["hints"] == []
    none = alsolike("sources", "check", "site.jsonl", "--sitemap", "none.xml")
    assert none.code == 2
    assert "none.xml" in none.err


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


def test_check_tells_a_problem_as_a_build_does(
    alsolike: Callable[..., Ran], tmp_path: Path
) -> None:
    write_records(tmp_path / "bad.jsonl", "a", ".")
    (checked,) = json.loads(alsolike("sources", "check", "bad.jsonl", "--json").out)
    built = json.loads(alsolike("build", "bad.jsonl", "--json").out)
    assert checked["problems"] == built["problems"]
    assert "bad.jsonl line 2" in [problem["place"] for problem in checked["problems"]]


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


def test_a_template_that_names_no_field_of_the_records_fails_the_check(
    alsolike: Callable[..., Ran], tmp_path: Path
) -> None:
    records = [{"id": f"n{at}", "slug": f"p{at}", "title": f"Title {at}"} for at in range(4)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    assert alsolike("sources", "check", "a.jsonl", "--url-template", "/{slug}/").code == 0
    ran = alsolike("sources", "check", "a.jsonl", "--url-template", "/{slugg}/")
    assert ran.code != 0
    assert "most records of a.jsonl lack a field that url_template names" in ran.err


def test_what_was_read_is_refused_before_anything_is_encoded(
    alsolike: Callable[..., Ran], tmp_path: Path
) -> None:
    long = "Words of a story that stand in another field. " * 9
    records = [{"id": f"n{at}", "title": f"Title {at}", "story": long} for at in range(24)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    options = ("a.jsonl", "--model", "hashing:32", "--url-template", "/{slug}/")
    ran = alsolike("build", *options)
    assert ran.code == Gate.TEXT
    assert "did you mean --map summary=story, a long field of 24 records?" in ran.err
    assert "24 of 24 (100%) articles have no text" in ran.err
    assert "links: 24 of 24 (100%) articles lack a field that url_template names" in ran.err
    assert list((tmp_path / "alsolike-root" / "builds").iterdir()) == []
    assert alsolike("build", *options, "--no-publish").code == 0
    ran = alsolike("build", *options, "--force", "--reason", "titles alone")
    assert (ran.code, "published although a gate fails: 24 of 24" in ran.err) == (0, True)
    assert alsolike("build", *options).code == 0, "the live build lacks them, too"

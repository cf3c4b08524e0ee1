"""The command ``alsolike``, as a person, a cron job and a shell meet it."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer.main

from service.api.api_models import RelatedAnswer
from service.cli import alsolike as cli
from service.server import bind
from tests.support.articles import prose
from tests.support.commands import runner
from tests.support.service_process import alsolike, free_ports, get, stop, until

COMMANDS: dict[str, Any] = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def line(self) -> str:
        """The one line on stderr."""
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        return self.err


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Runs the command in an empty folder that is this test's own."""
    monkeypatch.chdir(tmp_path)

    run = runner(monkeypatch, capsys)
    return lambda *arguments: Outcome(*run(*arguments))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "articles.jsonl"
    records = [
        {"id": f"piece-{number}", "title": f"Piece {number}", "summary": prose(number)}
        for number in range(20)
    ]
    path.write_text("\n".join(json.dumps(record) for record in records))
    return path


def build(call: Callable[..., Outcome], source: Path, *options: str) -> Any:
    outcome = call("build", str(source), "--model", "hashing:64", "--json", *options)
    assert outcome.code == 0, outcome.err
    return outcome.json()


def test_build_publishes_and_says_what_became_of_every_record(
    call: Callable[..., Outcome], source: Path
) -> None:
    with source.open("a") as file:
        file.write('\n{"id": "untitled"}\nnot json\n')
    outcome = call("build", str(source), "--model", "hashing:64")
    assert outcome.code == 0
    assert "20 articles (20 visible)" in outcome.out
    assert "skipped 2" in outcome.out
    assert "published: alsolike-root" in outcome.out
    assert "articles.jsonl line 21: title" in outcome.err
    assert "line 22: not a JSON object: Expecting value at character 1" in outcome.err
    summary = build(call, source)
    assert (summary["articles"], summary["published"]) == (20, True)
    places = [problem["place"].rpartition(" ")[2] for problem in summary["problems"]]
    assert {"21", "22"} <= set(places)


def test_a_good_build_says_nothing_on_stderr(call: Callable[..., Outcome], source: Path) -> None:
    assert call("build", str(source), "--model", "hashing:64").err == ""


def test_build_without_publishing_leaves_live_what_is_live(
    call: Callable[..., Outcome], source: Path
) -> None:
    first = build(call, source)
    second = build(call, source, "--no-publish")
    assert second["published"] is False
    assert call("inspect", "--json").json()["name"] == first["build"]
    held = call("inspect", second["build"], "--json").json()
    assert (held["name"], held["live"]) == (second["build"], False)


def test_related_is_what_the_site_gets(call: Callable[..., Outcome], source: Path) -> None:
    build(call, source)
    answer = RelatedAnswer.model_validate(call("related", "piece-3", "--json").json())
    assert answer.article_id == "piece-3"
    assert len(answer.items) == 6
    told = call("related", "piece-3", "--limit", "2").out
    assert told.startswith("Piece 3  [piece-3]\n")
    assert [f"[{item.article_id}]" in told for item in answer.items] == [True] * 2 + [False] * 4


def test_inspect_tells_an_articles_links_out_and_in(
    call: Callable[..., Outcome], tmp_path: Path
) -> None:
    links: list[Any] = [{"url": "/b", "text": "Dulse"}, {"url": "https://other.example/"}]
    records = [
        {"id": "a", "title": "Kelp", "url": "/a", "summary": prose(1), "links": links},
        {"id": "b", "title": "Dulse", "url": "/b", "summary": prose(2), "related": ["a"]},
    ]
    path = tmp_path / "linked.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    assert call("build", str(path), "--model", "hashing:64").code == 0
    told = call("inspect", "a").out
    assert "links to 1 article of this site\n  Dulse  [b]  in the text" in told
    assert "is linked from 1 article of this site\n  Dulse  [b]  called related" in told
    assert "links     2 articles link to others; 1 text, 1 related" in call("inspect").out
    assert "languages " in call("inspect").out
    assert "all links on its page: 2\n  Dulse  /b  text" in told
    found = call("inspect", "b", "--json").json()
    assert found["links_in"] == [{"article_id": "a", "title": "Kelp", "kind": "TEXT"}]
    assert found["on_the_page"][0]["heading"] == "related"


def test_inspect_tells_how_the_live_build_was_made(
    call: Callable[..., Outcome], source: Path
) -> None:
    name = build(call, source)["build"]
    told = call("inspect").out
    assert f"{name}  (live)" in told
    assert "hashing:64" in told
    assert call("inspect", "--json").json()["count"] == 20


def test_verify_finds_the_one_byte_that_changed(
    call: Callable[..., Outcome], source: Path, tmp_path: Path
) -> None:
    name = build(call, source)["build"]
    assert call("verify", "--json").json()["intact"] is True
    assert f"{name}: " in call("verify", name).out
    report = tmp_path / "alsolike-root" / "builds" / name / "report.json"
    report.write_bytes(report.read_bytes().replace(b"{", b"[", 1))
    broken = call("verify")
    assert broken.code == 4
    assert "report.json" in broken.line()


def test_publish_and_rollback_move_the_pointer_and_leave_a_reason(
    call: Callable[..., Outcome], source: Path, tmp_path: Path
) -> None:
    first = build(call, source)["build"]
    second = build(call, source, "--no-publish")["build"]
    told = call("publish", second, "--reason", "checked by hand")
    assert told.out == f"live: {second}\n"
    assert call("rollback", "--reason", "lists look odd", "--json").json()["live"] == first
    assert call("inspect", "--json").json()["name"] == first
    journal = (tmp_path / "alsolike-root" / "journal.jsonl").read_text()
    assert "checked by hand" in journal
    assert "lists look odd" in journal
    nothing_before = call("rollback")
    assert nothing_before.code == 4
    assert "alsolike-root" in nothing_before.line()
    assert call("release").code == 0
    again = call("publish", second)
    assert again.out == f"live: {second}\n"
    assert re.search(r"^warning: \S+ rolled back from .* \(lists look odd\); to go", again.line())


def test_a_reason_and_a_name_in_another_encoding_hinder_nothing(
    call: Callable[..., Outcome],
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SUDO_USER", "J\udcf6rg")
    first = build(call, source)["build"]
    build(call, source, "--force", "--reason", "gepr\udcfcft")
    assert call("rollback", "--reason", "F\udce4lschung", "--json").json()["live"] == first
    journal = (tmp_path / "alsolike-root" / "journal.jsonl").read_text()
    assert {"J?rg", "gepr?ft", "F?lschung"} <= set(re.findall(r'"([^"]*[?][^"]*)"', journal))
    id_ = json.loads(source.read_text().splitlines()[0])["id"]
    assert call("takedown", id_, "--reason", "F\udce4lschung").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("related", "--text FILE"),
        ("related piece-1 --limit 51", "--limit"),
        ("related piece-1 --limit six", "--limit"),
        ("build", "source"),
        ("build missing.jsonl", "missing.jsonl"),
        ("build . --model hashing:64", "."),
        ("build articles.jsonl --mapp a=b", "--mapp"),
        ("build articles.jsonl --map text", "OURS=THEIRS"),
        ("build articles.jsonl --map body=text", "'body'"),
        ("build articles.jsonl --precision half", "precision"),
        ("build articles.jsonl --depth 0", "depth"),
        ("build articles.jsonl --url-template /x --model hashing:64", "{id}"),
        ("publish", "BUILD"),
        ("publis", "'publis'"),
        ("serve --port 65536", "port"),
        ("serve --port http", "--port"),
        ("serve --workers 0", "workers"),
        ("serve --host 203.0.113.7", "203.0.113.7"),
        ("demo --port 65536", "port"),
    ],
)
def test_a_user_s_error_is_one_line_and_exit_2(
    call: Callable[..., Outcome], source: Path, arguments: str, said: str
) -> None:
    outcome = call(*arguments.split())
    assert outcome.code == 2
    assert outcome.out == ""
    line = outcome.line()
    assert line.startswith("alsolike: ")
    assert said in line


@pytest.mark.parametrize("group", ["", "tokens", "db", "sources"])
def test_a_command_with_others_below_it_lists_them(
    call: Callable[..., Outcome], group: str
) -> None:
    outcome = call(*group.split())
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"Usage: alsolike {group}")
    assert "\nCommands:\n  " in outcome.err
    assert "see alsolike" not in outcome.err


def test_what_is_not_there_is_named_with_what_is_near(
    call: Callable[..., Outcome], source: Path
) -> None:
    assert "nothing is published" in call("related", "piece-3").line()
    name = build(call, source)["build"]
    unknown = call("related", "Piece")
    assert unknown.code == 6
    assert "did you mean piece-" in unknown.line()
    assert "did you mean piece-3" in call("related", "peice-3").line()
    assert "did you mean piece-3?" in call("related", "https://x.example/piece-3/").line()
    missing = call("publish", "20200101T000000Z-aaaaaa")
    assert missing.code == 6
    assert name in missing.line()


def test_a_root_that_can_t_be_one_is_a_line_and_no_traceback(
    call: Callable[..., Outcome], source: Path
) -> None:
    for arguments in (("build", str(source), "--model", "hashing:64"), ("inspect",), ("rollback",)):
        outcome = call(*arguments, "--root", str(source))
        assert outcome.code not in (0, 2)
        assert str(source) in outcome.line()


def test_options_go_before_the_environment_and_that_before_the_file(
    call: Callable[..., Outcome], source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown(*options: str) -> int:
        return len(call("related", "piece-3", "--json", *options).json()["items"])

    (tmp_path / "alsolike.toml").write_text(
        'root = "from-file"\nmodel = "hashing:32"\nlimit = 2\n[map]\nsummary = "text"\n'
    )
    records = source.read_text().replace('"summary"', '"text"')
    source.write_text(records)
    made = call("build", str(source), "--json").json()
    assert "summary: no-text" not in made["reading"]["notes"]
    assert (tmp_path / "from-file" / "CURRENT").is_file()
    assert call("inspect", "--json").json()["encoder"]["dim"] == 32
    assert shown() == 2
    monkeypatch.setenv("ALSOLIKE_LIMIT", "3")
    assert shown() == 3
    assert shown("--limit", "4") == 4
    (tmp_path / "other.toml").write_text('root = "elsewhere"')
    monkeypatch.setenv("ALSOLIKE_CONFIG", "other.toml")
    assert "elsewhere" in call("inspect").line()


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("limmit = 3", "'limmit'"),
        ("limit = 0", "limit = 0"),
        ('limit = "many"', "'many'"),
        ("limit = ", "alsolike.toml"),
        ('timezone = "Mars/Base"', "Europe/Berlin"),
        ('locale = "??"', "'??'"),
    ],
)
def test_a_setting_that_is_none_is_refused_by_name(
    call: Callable[..., Outcome], tmp_path: Path, toml: str, said: str
) -> None:
    (tmp_path / "alsolike.toml").write_text(toml)
    outcome = call("inspect")
    assert outcome.code == 2
    assert said in outcome.line()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALSOLIKE_LIMIT", "51", "limit"),
        ("ALSOLIKE_CONFIG", "nowhere.toml", "nowhere.toml"),
        ("ALSOLIKE_LIMMIT", "5", "ALSOLIKE_LIMMIT"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(
    call: Callable[..., Outcome],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(name, value)
    outcome = call("inspect")
    assert outcome.code == 2
    assert said in outcome.line()


def test_without_a_command_it_shows_its_help(call: Callable[..., Outcome]) -> None:
    outcome = call()
    assert outcome.code == 2
    assert all(name in outcome.err for name in COMMANDS)


@pytest.mark.parametrize("name", ["", "db", "editors", "sources", "tokens"])
def test_a_list_of_commands_cuts_no_sentence_off(
    call: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, _, commands = call(*name.split(), "--help").out.partition("Commands:")
    assert "..." not in commands
    lines = [line for line in commands.splitlines() if line.startswith("  ")]
    assert lines
    assert all(line.endswith(".") or "Example" in line for line in lines)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_s_help_shows_an_example_that_can_be_typed(
    call: Callable[..., Outcome], name: str
) -> None:
    outcome = call(name, "--help")
    assert outcome.code == 0
    example, _, _ = COMMANDS[name].epilog.partition("\n\n")
    assert example in " ".join(outcome.out.split())
    for typed in example.removeprefix("Example: ").split("&&"):
        program, command, *arguments = shlex.split(typed)
        assert program == "alsolike"
        COMMANDS[command].make_context(command, arguments)
    assert f"alsolike {name}" in example


def test_as_a_process_it_reads_stdin_and_ends_with_its_codes(source: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("alsolike"))]
    if not Path(command[0]).exists():  # run from source, not installed
        command = [sys.executable, "-m", "service.cli"]
    made = subprocess.run(
        [*command, "build", "-", "--model", "hashing:64", "--json"],
        input=source.read_bytes(),
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert json.loads(made.stdout)["articles"] == 20
    assert made.stderr == b""
    failed = subprocess.run(
        [*command, "build", "nowhere.jsonl"], cwd=tmp_path, capture_output=True, check=False
    )
    assert failed.returncode == 2
    assert failed.stderr.count(b"\n") == 1
    cut = subprocess.run(
        f"{shlex.join(command)} inspect --json | head -c 1",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert (cut.stdout, cut.stderr) == (b"{", b"")


@pytest.fixture
def taken() -> Any:
    with bind("127.0.0.1", 0) as listener:
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_is_taken_is_said_in_one_line_before_any_work(
    call: Callable[..., Outcome], taken: int, tmp_path: Path
) -> None:
    for command in ("serve", "demo"):
        outcome = call(command, "--port", str(taken))
        assert outcome.code == 2
        assert outcome.out == ""
        assert f"port {taken} of 127.0.0.1 is in use" in outcome.line()
        assert "--port" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_ends_the_service_cleanly(
    call: Callable[..., Outcome], source: Path, tmp_path: Path, workers: str
) -> None:
    build(call, source)
    port = str(free_ports())
    with alsolike("serve", "--port", port, "--workers", workers, folder=tmp_path) as process:
        until(lambda: get(f"http://127.0.0.1:{port}/readyz"))
        assert stop(process) == 0
    log = (tmp_path / "stderr").read_text()
    assert "serving build" in log
    assert "Traceback" not in log
    assert re.search(r"settings: .*\broot=", log)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(port)), timeout=1)


def test_the_demo_takes_free_ports_if_the_usual_ones_are_taken(tmp_path: Path, taken: int) -> None:
    own = {"ALSOLIKE_PORT": str(taken), "ALSOLIKE_CORS_ORIGINS": '["https://www.example.org"]'}
    with alsolike("demo", "--model", "hashing:64", folder=tmp_path, environment=own) as process:
        addresses = until(lambda: _addresses(tmp_path / "stdout"))
        site = until(lambda: get(addresses[0]))
        related = next(address for address in addresses if "/v1/related" in address)
        assert until(lambda: get(related)).headers["access-control-allow-origin"] == "*"
        assert stop(process) == 0
    assert site.status == 200
    assert b"You May Also Like" in site.body
    assert not any(f":{taken}/" in address for address in addresses)
    assert "Traceback" not in (tmp_path / "stderr").read_text()


def test_the_demo_without_serving_ends_after_showing_a_list(
    call: Callable[..., Outcome], taken: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ALSOLIKE_PORT", str(taken))
    monkeypatch.setenv("ALSOLIKE_DATABASE", f"sqlite:///{tmp_path / 'site.sqlite'}")
    monkeypatch.setenv("ALSOLIKE_MAP", '{"title": "headline"}')
    monkeypatch.setenv("ALSOLIKE_URL_TEMPLATE", "/{year}/{section}/{rubric}/{slug}/")
    monkeypatch.setenv("ALSOLIKE_LEARN", "none.jsonl")
    outcome = call("demo", "--model", "hashing:64", "--no-serve")
    assert not (tmp_path / "site.sqlite").exists(), "the site's own decisions are left alone"
    assert outcome.code == 0
    assert "120 articles" in outcome.out
    assert "[cooler-streets-1-one-broad-crown]" in outcome.out
    assert "http://" not in outcome.out
    monkeypatch.setenv("ALSOLIKE_NOTIFY", f"tee {tmp_path / 'told'}")
    monkeypatch.setenv("ALSOLIKE_MIN_SCORE", "1")  # all lists are weak, so the build is refused
    monkeypatch.setattr("index.publishing.gates._NO_WORSE", 0)
    assert call("demo", "--model", "hashing:64", "--no-serve").code != 0
    assert not (tmp_path / "told").exists(), "the site's operators are told nothing"


def _addresses(printed: Path) -> list[str]:
    text = printed.read_text()
    if "Ctrl+C" not in text:
        return []
    return [word for word in text.split() if word.startswith("http://")]

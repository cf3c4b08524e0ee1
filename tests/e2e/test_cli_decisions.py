"""Deciding, and letting people and programs in, from the command line."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from service.cli import alsolike as cli
from service.decisions.decision_state import OverrideKind
from service.decisions.open_decisions import open_decisions
from service.decisions.snapshot_file import SNAPSHOT
from service.settings import Settings
from tests.support.builds import SAMPLE
from tests.support.commands import Run, runner
from tests.support.decision_databases import MIRA, server

PAGE = "accordion-beginners-at-seventy"
PASSWORD = "corréct horse battery"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "service.cli", "build", str(SAMPLE / "articles.jsonl")]
    subprocess.run([*command, "--model", "hashing:64"], cwd=folder, check=True, capture_output=True)
    return folder / "alsolike-root"


@pytest.fixture
def settings(tmp_path: Path, built: Path) -> Settings:
    """A root of this test's own that shares its builds."""
    root = tmp_path / "alsolike-root"
    root.mkdir()
    for path in built.iterdir():
        (root / path.name).symlink_to(path)
    return Settings(root=root)


@pytest.fixture
def call(
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs the command; gives its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    return runner(monkeypatch, capsys)


def related(call: Run, article_id: str = PAGE) -> list[str]:
    code, out, err = call("related", article_id, "--json")
    assert code == 0, err
    return [item["article_id"] for item in json.loads(out)["items"]]


# Decisions are honored by every command that shows lists


def test_a_takedown_is_gone_from_every_list_until_it_is_lifted(call: Run) -> None:
    before = related(call)
    assert call("takedown", before[0], "--reason", "withdrawn")[:2] == (
        0,
        f"{before[0]} is taken down\n",
    )
    assert before[0] not in related(call)
    assert "it is taken down" in call("related", before[0])[1]
    code, out, _ = call("takedown", before[0], "--lift", "--json")
    assert (code, json.loads(out)["taken_down"]) == (0, False)
    assert related(call) == before
    assert call("takedown", before[0], "--lift")[0] == 6


def test_a_takedown_that_may_be_a_slip_is_refused_unless_meant(
    call: Run, settings: Settings, tmp_path: Path
) -> None:
    code, out, err = call("takedown", "bred-once-a-week")
    assert (code, out) == (6, "")
    assert "has an article 'bred-once-a-week'" in err
    assert "--ahead" in err
    assert call("takedown", "bred-once-a-week", "--lift")[0] == 6
    assert call("takedown", "bred-once-a-week", "--ahead")[0] == 0
    assert call("takedown", "bred-once-a-week", "--reason", "again")[::2] == (0, "")
    code, _, err = call("takedown", PAGE, "--root", "elsewhere")
    assert (code, "elsewhere holds no live build" in err) == (6, True)
    assert not (tmp_path / "elsewhere").exists()
    (settings.root / "builds").unlink()
    code, _, err = call("takedown", PAGE)
    assert (code, "can't check whether" in err) == (0, True)


def test_a_takedown_may_end_by_itself(call: Run) -> None:
    code, out, _ = call("takedown", PAGE, "--until", "2999-01-01T12:00", "--json")
    assert (code, json.loads(out)["until"]) == (0, "2999-01-01T12:00:00Z")
    for text in ("2001-01-01", "tomorrow", "2999-13-01"):
        assert call("takedown", PAGE, "--until", text)[0] == 2
    assert call("takedown", PAGE, "--lift", "--until", "2999-01-01")[0] == 2


def test_a_pin_is_shown_by_related_and_exported(
    call: Run, settings: Settings, tmp_path: Path
) -> None:
    database = open_decisions(settings)
    target = "tidal-kite-second-year"
    database.overrides.put(
        MIRA, article_id=PAGE, target_id=target, kind=OverrideKind.PIN, position=2
    )
    database.takedowns.put(MIRA, article_id="bread-once-a-week")
    database.close()
    assert related(call)[1] == target
    assert "pinned" in call("related", PAGE)[1]
    assert call("export", "--out", "out")[0] == 0
    exported = json.loads((tmp_path / "out" / f"{PAGE}.json").read_text())
    assert [item["article_id"] for item in exported["items"]] == related(call)


def test_export_and_evaluate_leave_out_what_is_taken_down(call: Run, tmp_path: Path) -> None:
    taken = related(call)[0]
    assert call("export", "--out", "out")[0] == 0
    assert (tmp_path / "out" / f"{taken}.json").exists()
    judged = [PAGE, *related(call)[:4]]
    (tmp_path / "qrels.tsv").write_text(
        "".join(f"{seed}\t{other}\t1\n" for seed in judged for other in judged if seed != other)
    )
    evaluate = ("evaluate", "--qrels", "qrels.tsv", "--json")
    before = json.loads(call(*evaluate)[1])
    call("takedown", taken)
    code, out, _ = call("export", "--out", "out", "--json")
    assert code == 0
    assert json.loads(out)["removed"] == 1
    assert not (tmp_path / "out" / f"{taken}.json").exists()
    assert all(taken not in path.read_text() for path in (tmp_path / "out").glob("*.json"))
    after = json.loads(call(*evaluate)[1])
    assert after["seeds"] == before["seeds"] - 1


def test_a_build_can_be_held_to_what_editors_said(call: Run, settings: Settings) -> None:
    first, second, *_ = related(call)
    assert call("evaluate", "--golden")[1].startswith("nothing is judged or pinned yet, build")
    with closing(open_decisions(settings)) as database:
        database.judgments.put(MIRA, article_id=PAGE, target_id=first, verdict=1)
        database.judgments.put(MIRA, article_id=PAGE, target_id=second, verdict=-1)
    code, out, _ = call("evaluate", "--golden", "--json")
    told = json.loads(out)
    assert (code, told["share"], told["wrong"]) == (0, 0.5, [[PAGE, second]])
    assert call("evaluate", "--golden", "--least", "0.5")[0] == 0
    code, out, _ = call("evaluate", told["build"], "--golden", "--least", "0.6")
    assert code == 21
    assert f"- {second}  in the list of  {PAGE}" in out
    code, _, problem = call("evaluate", "--own-links")
    assert (code, "links to 1 or more others" in problem) == (2, True)
    for wrong in (
        (),
        ("--golden", "--qrels", "x"),
        ("--least", "0.5"),
        ("--own-links", "--golden"),
    ):
        assert call("evaluate", *wrong)[0] == 2


@pytest.mark.parametrize(
    "command",
    [("related", PAGE), ("export", "--out", "out"), ("check-overrides",)],
)
def test_without_database_and_snapshot_no_list_is_shown(
    call: Run, settings: Settings, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALSOLIKE_DATABASE", "postgresql://reader:hunter2@127.0.0.1:1/x")
    code, out, err = call(*command)
    assert (code, out) == (7, "")
    assert "there is no copy of the decisions" in err
    assert "hunter2" not in err


def test_commands_that_only_read_make_no_database(call: Run, settings: Settings) -> None:
    related(call)
    assert call("check-overrides")[0] == 0
    assert call("db", "status")[0] == 0
    assert not (settings.root / "alsolike.sqlite").exists()


# What editors should look at


@pytest.mark.parametrize(
    "command",
    [
        *("tokens list", "tokens revoke x", "editors list", "editors disable x", "audit", "rules"),
        *("takedown x --lift", "watch --status", "compare stop"),
    ],
)
def test_where_there_are_neither_builds_nor_decisions_no_folder_is_made(
    command: str, call: Run, tmp_path: Path
) -> None:
    code, _, err = call(*command.split(), "--root", "elsewhere")
    assert (code, "run this where alsolike.toml is" in err) == (6, True), err
    assert not (tmp_path / "elsewhere").exists()


def test_the_first_decision_of_a_folder_says_where_it_is_kept(call: Run, tmp_path: Path) -> None:
    command = ("takedown", "x", "--ahead", "--root", "elsewhere")
    code, _, err = call(*command)
    assert (code, str(tmp_path / "elsewhere") in err) == (0, True), err
    assert call(*command)[2] == "", "it is known by now"


def test_pins_that_readers_dont_see_are_told(call: Run, settings: Settings) -> None:
    database = open_decisions(settings)
    for target in ("gone", "tidal-kite-second-year"):
        database.overrides.put(
            MIRA, article_id=PAGE, target_id=target, kind=OverrideKind.PIN, position=1
        )
    database.overrides.put(
        MIRA, article_id="gone", target_id=PAGE, kind=OverrideKind.PIN, position=1
    )
    database.overrides.put(
        MIRA, article_id=PAGE, target_id="hidden and gone", kind=OverrideKind.HIDE
    )
    code, out, _ = call("check-overrides", "--json")
    assert code == 20
    assert {(item["article_id"], item["reason"]) for item in json.loads(out)} == {
        (PAGE, "no-target"),
        ("gone", "no-article"),
    }
    database.takedowns.put(MIRA, article_id="tidal-kite-second-year")
    code, out, _ = call("check-overrides")
    assert code == 20
    assert f"{PAGE}: the pinned tidal-kite-second-year is taken down" in out
    for pair in ((PAGE, "gone"), ("gone", PAGE), (PAGE, "tidal-kite-second-year")):
        database.overrides.remove(MIRA, article_id=pair[0], target_id=pair[1])
    database.close()
    assert call("check-overrides")[:2] == (0, "All pins and rules are in effect.\n")


# The audit trail


def test_the_audit_trail_prints_as_text_json_and_csv(call: Run) -> None:
    call("takedown", "x/1", "--ahead", "--reason", '=HYPERLINK(1), "quoted"\nand more')
    call("tokens", "add", "cms")
    code, out, _ = call("audit")
    assert code == 0
    assert "took “x/1” down [x/1]" in out
    assert "made the token cms" in out
    lines = [json.loads(line) for line in call("audit", "--json")[1].splitlines()]
    assert [line["seq"] for line in lines] == [1, 2]
    assert lines[0]["reason"].startswith("=HYPERLINK")
    header, first, _ = csv.reader(io.StringIO(call("audit", "--csv")[1]))
    told = dict(zip(header, first, strict=True))
    assert told["reason"].startswith("'=HYPERLINK")  # text, not a formula
    assert told["article_id"] == "x/1"
    assert json.loads(told["after"])["until"] is None


def test_the_audit_trail_is_printed_though_the_live_build_can_t_be_opened(
    call: Run, settings: Settings
) -> None:
    call("takedown", PAGE, "--reason", "withdrawn")
    (settings.root / "CURRENT").unlink()
    (settings.root / "CURRENT").write_text("{")
    code, out, err = call("audit")
    assert (code, f"[{PAGE}]: withdrawn" in out) == (0, True), err


# Tokens and editors


def test_a_token_is_printed_once_and_works_until_revoked(call: Run, settings: Settings) -> None:
    code, out, err = call("tokens", "add", "cms", "--role", "admin")
    assert code == 0
    text = out.strip()
    assert text not in err
    database = open_decisions(settings)
    token = database.tokens.find(text)
    assert token is not None
    assert (token.name, token.role) == ("cms", "admin")
    listed = call("tokens", "list")[1] + call("tokens", "list", "--json")[1]
    assert token.id in listed
    assert text[13:] not in listed
    assert call("tokens", "revoke", token.id, "--reason", "lost")[0] == 0
    assert database.tokens.find(text) is None
    database.close()
    assert "revoked" in call("tokens", "list")[1]
    assert call("tokens", "revoke", "00000000")[0] == 6
    assert call("tokens", "add", "cms", "--role", "boss")[0] == 2


def test_an_editor_gets_in_with_a_password_from_standard_input(
    call: Run, settings: Settings
) -> None:
    assert call("editors", "add", "mira", "--role", "admin", stdin=f"{PASSWORD}\n")[0] == 0
    database = open_decisions(settings)
    editor = database.editors.verify("mira", PASSWORD)
    assert editor is not None
    cookie, _ = database.sessions.open(editor)
    assert json.loads(call("editors", "list", "--json")[1])[0]["role"] == "admin"
    assert call("editors", "sign-out", "mira")[0] == 0
    assert database.sessions.find(cookie) is None
    assert call("editors", "password", "mira", stdin="another passphrase")[0] == 0
    assert database.editors.verify("mira", PASSWORD) is None
    assert database.editors.verify("mira", "another passphrase") is not None
    assert call("editors", "disable", "mira", "--reason", "left")[0] == 0
    assert database.editors.verify("mira", "another passphrase") is None
    database.close()
    assert "disabled" in call("editors", "list")[1]


@pytest.mark.parametrize(("stdin", "said"), [("", "holds no password"), ("short\n", "12 to 1000")])
def test_without_a_good_password_nobody_gets_in(
    call: Run, settings: Settings, stdin: str, said: str
) -> None:
    code, _, err = call("editors", "add", "mira", stdin=stdin)
    assert code == 2
    assert said in err
    assert call("editors", "list", "--json")[1].strip() == "[]"


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(
    settings: Settings, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "editors", "add", "mira"],
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    for _ in range(2):
        while not shown.endswith(b": "):
            shown += os.read(ours, 1_000)
        os.write(ours, f"{PASSWORD}\n".encode())
        shown += os.read(ours, 1)
    assert process.wait(60) == 0
    os.close(ours)
    assert b"corr" not in shown
    database = open_decisions(settings)
    assert database.editors.verify("mira", PASSWORD) is not None
    database.close()


def test_no_command_takes_a_password_as_an_argument() -> None:
    import typer.main

    commands: Any = typer.main.get_command(cli.app)
    for name in ("add", "password"):
        command = commands.commands["editors"].commands[name]
        assert not [item.name for item in command.params if "password" in str(item.name)]


# The database itself


def test_the_database_is_made_looked_at_and_left_alone_when_it_is_as_it_should_be(
    call: Run, settings: Settings
) -> None:
    assert call("db", "upgrade")[:2] == (0, "the database now has schema 0006 (before: empty)\n")
    assert call("db", "upgrade")[:2] == (0, "the database already has schema 0006\n")
    call("takedown", "x", "--ahead")
    code, out, _ = call("db", "status", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["rows"]["takedowns"] == told["rows"]["audit"] == 1
    assert told["version"] == told["snapshot_version"]
    assert told["problem"] is None


def test_a_backup_of_a_database_in_use_can_be_put_in_its_place(
    call: Run, settings: Settings, tmp_path: Path
) -> None:
    call("takedown", "x", "--ahead")
    with closing(open_decisions(settings)) as database:
        database.takedowns.put(MIRA, article_id="y")  # still in the log
        assert call("db", "backup", "copy.sqlite")[0] == 0
        database.takedowns.put(MIRA, article_id="z")
    assert [path.name for path in tmp_path.glob("*copy*")] == ["copy.sqlite"]
    for path in [*settings.root.glob("alsolike.sqlite*"), settings.root / SNAPSHOT]:
        path.unlink()
    (tmp_path / "copy.sqlite").rename(settings.root / "alsolike.sqlite")
    with closing(open_decisions(settings)) as database:
        assert {found.article_id for found in database.takedowns.all()} == {"x", "y"}
    assert call("db", "backup", "no such folder/copy.sqlite")[0] == 7


@pytest.mark.parametrize("target", [".", "alsolike-root/alsolike.sqlite"])
def test_a_backup_takes_the_place_of_no_folder_and_not_of_the_database(
    target: str, call: Run, settings: Settings
) -> None:
    assert call("takedown", PAGE)[0] == 0
    with closing(open_decisions(settings)) as service:  # it goes on with the file that it opened
        code, _, err = call("db", "backup", target)
        assert (code, err.count("\n"), "name a new file" in err) == (7, 1, True), err
        service.takedowns.lift(MIRA, article_id=PAGE)
    with closing(open_decisions(settings)) as later:
        assert later.takedowns.get(PAGE) is None


def test_a_lost_database_is_told_with_what_to_do(call: Run, settings: Settings) -> None:
    call("takedown", "x", "--ahead")
    for path in settings.root.glob("alsolike.sqlite*"):
        path.unlink()
    for command in (("db", "status"), ("db", "upgrade"), ("tokens", "list"), ("takedown", "y")):
        code, _, err = call(*command)
        assert code == 7
        assert "restore the database from a backup" in err
    assert "x" not in related(call)  # lists go on from the snapshot


def test_postgresql_by_url_with_the_password_apart(
    call: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from index.sql_engine import parse_url

    with server() as (url, _):
        parsed = parse_url(url)
        plain = parsed.set(password=None).render_as_string().replace(":***", "")
        assert parsed.password is not None
        monkeypatch.setenv("ALSOLIKE_DATABASE", plain)
        monkeypatch.setenv("ALSOLIKE_DATABASE_PASSWORD", str(parsed.password))
        code, _, err = call("takedown", "x")
        assert code == 7
        assert "run: alsolike db upgrade" in err
        assert call("db", "upgrade")[0] == 0
        first = related(call)[0]
        assert call("takedown", first)[0] == 0
        assert first not in related(call)
        code, out, err = call("db", "status")
        assert code == 0
        assert str(parsed.password) not in out + err

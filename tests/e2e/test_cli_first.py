"""The first commands of a newcomer: init writes settings that work, doctor says what does not."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from index.root.root import Root
from recommender.machine import usable_cores, usable_memory
from service.demo.site import SAMPLE_SOURCE
from tests.support.commands import runner

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def alsolike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALSOLIKE_PORT", "0")
    return runner(monkeypatch, capfd)


def states(run: Run) -> dict[str, tuple[str, str]]:
    _, out, _ = run("doctor", "--json")
    return {one["what"]: (one["state"], one["sentence"]) for one in json.loads(out)}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_question_that_is_not_answered_ends_the_command(
    alsolike: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(io, "StringIO", _Terminal)
    code, _, err = alsolike("init")
    assert (code, err) == (130, "\nstopped\n")


def test_what_init_writes_is_built_as_it_stands(
    alsolike: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(SAMPLE_SOURCE, tmp_path / "articles.jsonl")
    code, out, err = alsolike("init", "articles.jsonl", "--site-url", "https://a.org/")
    assert (code, "Next: alsolike doctor" in out) == (0, True), err
    written = tomllib.loads((tmp_path / "alsolike.toml").read_text())
    assert written == {
        "root": "alsolike-root",
        "site_url": "https://a.org",
        "locale": "en",
        "source": [{"kind": "jsonl", "path": "articles.jsonl"}],
    }
    monkeypatch.setenv("ALSOLIKE_MODEL", "hashing:32")
    before = states(alsolike)
    assert before["root"][0] == "look"
    assert "alsolike build makes one" in before["root"][1]
    code, _, err = alsolike("build")
    assert code == 0, err
    after = states(alsolike)
    assert "120 articles" in after["root"][1]
    assert {state for state, _ in after.values()} <= {"ok", "look"}


def test_init_finds_what_the_records_call_our_fields(alsolike: Run, tmp_path: Path) -> None:
    rows = [
        f'{{"slug": "p{at}", "Headline": "Kelp {at}", "body": "Cold water.", "summary": "", '
        f'"publishedAt": "2024-01-0{at}", "data": {{"a": 1}}}}'
        for at in range(1, 9)
    ]
    (tmp_path / "posts.jsonl").write_text("\n".join(rows))
    (tmp_path / "own.csv").write_text("id,Title,summary,text\n1,Kelp,Cold water.,Much more.\n")
    assert alsolike("init", "posts.jsonl")[0] == 0
    written = tomllib.loads((tmp_path / "alsolike.toml").read_text())["source"][0]
    assert written["map"] == {"title": "Headline", "summary": "body", "date": "publishedAt"}
    code, out, _ = alsolike("build", "--model", "hashing:32", "--json")
    assert (code, json.loads(out)["reading"]["notes"]) == (0, {"url: made-from-template": 8})
    text = "Der Wald aus Tang wächst im kalten Wasser vor der Küste."
    (tmp_path / "posten.csv").write_text(f"Nr;Titel;Inhalt\n1;Tang;{text}\n2;Robben;Kurz.\n")
    assert alsolike("init", "posten.csv", "--force")[0] == 0
    written = tomllib.loads((tmp_path / "alsolike.toml").read_text())
    assert written["source"][0]["map"] == {"id": "Nr", "title": "Titel", "summary": "Inhalt"}
    assert "model" not in written, "half of the articles may be in any language"
    with (tmp_path / "posten.csv").open("a") as file:
        file.write(f"3;Küste;{text}\n")
    assert alsolike("init", "posten.csv", "--force")[0] == 0
    written = tomllib.loads((tmp_path / "alsolike.toml").read_text())
    assert (written["locale"], written["model"]) == ("de", "multilingual")
    assert alsolike("init", "own.csv", "--force")[0] == 0
    assert "map" not in tomllib.loads((tmp_path / "alsolike.toml").read_text())["source"][0]


def test_init_in_a_sites_folder_takes_address_and_language_from_its_configuration(
    alsolike: Run, tmp_path: Path
) -> None:
    (tmp_path / "hugo.toml").write_text('baseURL = "https://a.org/blog/"\nlocale = "de-AT"\n')
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "eins.md").write_text("---\ntitle: Eins\n---\nDer Hafen.\n")
    code, _, err = alsolike("init", ".")
    assert (code, "made by hugo, in de-at, for https://a.org" in err) == (0, True), err
    assert tomllib.loads((tmp_path / "alsolike.toml").read_text()) == {
        "root": "alsolike-root",
        "site_url": "https://a.org",
        "locale": "de-at",
        "model": "multilingual",
        "source": [{"kind": "markdown", "path": ".", "language": "de-at"}],
    }


def test_init_keeps_what_is_there_and_writes_nothing_that_does_not_hold(
    alsolike: Run, tmp_path: Path
) -> None:
    source = str(SAMPLE_SOURCE)
    code, _, err = alsolike("init", "--source", source, "--locale", "no locale")
    assert (code, "is not a locale" in err) == (2, True)
    assert not (tmp_path / "alsolike.toml").exists()
    (tmp_path / "alsolike.toml").write_text("port = 1234\n")
    code, _, err = alsolike("init", "--source", source)
    assert (code, "--force" in err) == (2, True)
    code, _, _ = alsolike("init", "--source", source, "--force", "--locale", "no locale")
    assert code == 2
    assert (tmp_path / "alsolike.toml").read_text() == "port = 1234\n"
    code, _, err = alsolike("init")
    assert (code, "--force" in err) == (2, True)


def test_init_that_cant_write_leaves_the_old_settings_and_any_locale_will_do(
    tmp_path: Path,
) -> None:
    path, old = tmp_path / "alsolike.toml", "port = 1234  # " + "x" * 200
    path.write_text(old)
    path.chmod(0o600)
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    plain["PYTHONDONTWRITEBYTECODE"] = "1"  # else compiled modules would be cut at the limit, too

    def init(limit: int) -> int:
        return subprocess.run(
            [sys.executable, "-m", "service.cli", "init", str(SAMPLE_SOURCE), "--force"],
            cwd=tmp_path,
            env={**os.environ, **plain},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
            capture_output=True,
            check=False,
        ).returncode

    assert init(100) != 0, "as on a full disk"
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_text() == old
    assert init(1_000_000) == 0
    assert "site_url" in path.read_text(encoding="utf-8")
    assert (path.stat().st_mode & 0o777, [*tmp_path.iterdir()]) == (0o600, [path])


def test_init_and_the_doctor_take_the_settings_file_that_the_environment_names(
    alsolike: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ALSOLIKE_CONFIG", "~/other.toml")
    assert alsolike("init", str(SAMPLE_SOURCE))[0] == 0
    assert (tmp_path / "other.toml").exists()
    assert not (tmp_path / "alsolike.toml").exists()
    assert states(alsolike)["settings"] == ("ok", f"read from {tmp_path}/other.toml")
    monkeypatch.setenv("ALSOLIKE_CONFIG", "")
    assert "there is no alsolike.toml" in states(alsolike)["settings"][1]


def test_init_without_anybody_to_answer_says_what_it_needs(alsolike: Run) -> None:
    code, _, err = alsolike("init")
    assert (code, "alsolike init ADDRESS-OR-FOLDER" in err) == (2, True)


def test_another_language_gets_the_model_that_knows_it(alsolike: Run, tmp_path: Path) -> None:
    code, _, err = alsolike("init", "--source", str(SAMPLE_SOURCE), "--locale", "de-AT")
    assert code == 0, err
    assert tomllib.loads((tmp_path / "alsolike.toml").read_text())["model"] == "multilingual"


def test_the_doctor_names_what_is_ill_with_its_remedy(
    alsolike: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALSOLIKE_MODEL", str(tmp_path / "no-model"))
    monkeypatch.setenv("ALSOLIKE_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    (tmp_path / "alsolike-root").mkdir()
    (tmp_path / "alsolike-root" / "CURRENT").write_text("damaged")
    taken = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setenv("ALSOLIKE_CLICKS", "true")
    monkeypatch.setenv("ALSOLIKE_PORT", str(taken.getsockname()[1]))
    with taken:
        found = states(alsolike)
        assert alsolike("doctor")[0] == 1
        monkeypatch.setenv("ALSOLIKE_METRICS_PORT", os.environ["ALSOLIKE_PORT"])
        monkeypatch.setenv("ALSOLIKE_PORT", "0")
        both = states(alsolike)
    assert (both["port"][0], both["metrics_port"][0]) == ("ok", "look")
    assert {what for what, (state, _) in found.items() if state == "mend"} == {
        *("model", "database", "root")
    }
    assert "neither a folder nor" in found["model"][1]
    assert found["port"][0] == "look"
    assert "right if it is by this service" in found["port"][1]
    for host in ("192.0.2.1", "::1"):
        monkeypatch.setenv("ALSOLIKE_HOST", host)
        state, told = states(alsolike)["port"]
        if host == "::1" and state == "ok":  # a machine with IPv6
            assert told == "port 0 of ::1 is free"
        else:
            assert state == "mend"
            assert f"host '{host}' is not an address of this machine" in told
    assert "no-model" not in found["database"][1]
    assert found["clicks"][0] == "look"
    assert "trusted_proxies" in found["clicks"][1]


@pytest.mark.parametrize("text", ['depth = "x"', "max_chrn = 0.5", "[[sourc"])
def test_the_doctor_tells_of_settings_that_can_t_be_used(
    text: str, alsolike: Run, tmp_path: Path
) -> None:
    (tmp_path / "alsolike.toml").write_text(text)
    code, out, err = alsolike("doctor", "--json")
    (found,) = json.loads(out)
    assert (code, found["what"], found["state"], err) == (1, "settings", "mend", "")
    assert "alsolike.toml" in found["sentence"]


def test_the_doctor_notices_a_build_that_is_not_whole_and_a_hold(
    alsolike: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALSOLIKE_MODEL", "hashing:32")
    for _ in range(2):
        assert alsolike("build", str(SAMPLE_SOURCE))[0] == 0
    assert "publishing" not in states(alsolike)
    with monkeypatch.context() as changed:
        changed.setenv("ALSOLIKE_MODEL", "hashing:64")
        state, sentence = states(alsolike)["model"]
        assert (state, "made with hashing:32" in sentence) == ("look", True)
    assert alsolike("rollback", "--reason", "odd lists")[0] == 0
    found = states(alsolike)
    assert (found["root"][0], found["publishing"][0]) == ("ok", "look")
    assert re.search(r"since .* \(odd lists\); .* run: alsolike release", found["publishing"][1])
    root = Root(tmp_path / "alsolike-root")
    (root.folder() / "lexical_idf.npy").unlink()
    state, sentence = states(alsolike)["root"]
    assert state == "mend"
    assert re.search(f"lexical_idf.npy .*: alsolike publish {root.names()[1]}$", sentence)
    (tmp_path / "alsolike-root" / "CURRENT").unlink()
    assert f"alsolike publish {root.names()[1]} makes" in states(alsolike)["root"][1]


def test_the_doctor_notices_paths_and_programs_that_are_not_there(
    alsolike: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "a.md").touch()
    for path, state in {"posts": "ok", "posts/**/*.md": "ok", "-": "ok", "postz": "mend"}.items():
        kind = "jsonl" if path == "-" else "markdown"
        (tmp_path / "alsolike.toml").write_text(f'[[source]]\nkind = "{kind}"\npath = "{path}"')
        found = states(alsolike)["sources"]
        assert (found[0], path in found[1]) == (state, path != "-"), found
    for notify, told in {
        "true -x": False,
        "nosuchcommand -x": True,
        "http://a.org/x": False,
    }.items():
        monkeypatch.setenv("ALSOLIKE_NOTIFY", notify)
        assert ("notify" in states(alsolike)) is told
    monkeypatch.setenv("ALSOLIKE_NOTIFY", "nosuchcommand -x")
    assert states(alsolike)["notify"] == (
        "mend",
        "there is no program nosuchcommand; correct notify",
    )


def test_a_builds_clock_that_was_ahead_is_told(alsolike: Run, tmp_path: Path) -> None:
    ahead = tmp_path / "alsolike-root" / "builds" / "20991231T000000Z-000000"
    ahead.mkdir(parents=True)
    (ahead / "manifest.json").write_text("{}")
    state, sentence = states(alsolike)["clock"]
    assert (state, "a build was made while the clock was ahead" in sentence) == ("look", True)
    os.utime(ahead / "manifest.json", (4e9, 4e9))
    state, sentence = states(alsolike)["clock"]
    assert (state, "set the clock" in sentence) == ("mend", True)


def test_the_version_is_told(alsolike: Run) -> None:
    code, out, _ = alsolike("--version")
    assert (code, out.split()[0]) == (0, "alsolike")


def test_a_system_that_does_not_name_a_process_s_cores_runs_it(
    alsolike: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    assert alsolike("--version")[0] == 0
    assert usable_cores() > 0


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_cores_are_those_that_a_control_group_allows(
    tmp_path: Path, files: dict[str, str], cores: int | None
) -> None:
    for name, content in {**files, "memory.max": "1048576\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{content}\n")
    free = usable_cores(tmp_path / "none")
    assert usable_cores(tmp_path) == (cores or free)
    assert usable_memory(tmp_path) == 1_048_576
    assert usable_memory(tmp_path / "none") > 1_048_576

"""stdout and stderr that are full, closed or of another encoding: the work decides how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from service.cli.alsolike import app
from tests.support.articles import topical

FULL, CLOSED, BOTH = ">/dev/full", ">&-", ">/dev/full 2>/dev/full"
MUTE = "2>&-"


def run(command: str, where: str, folder: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    """A command as the shell runs it."""
    line = f"exec {sys.executable} -m service.cli {command} {where}"
    environment = {"PATH": "/usr/bin:/bin", "ALSOLIKE_MODEL": "hashing:64", **more}
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environment, capture_output=True, check=False
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    records = topical(12)
    records[0]["title"] = "Ein Vögelchen, 睡"
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    assert run("build a.jsonl --root root", "", folder).returncode == 0
    return folder


@pytest.mark.parametrize("where", [FULL, CLOSED, BOTH, f"{CLOSED} {MUTE}", MUTE])
def test_a_build_that_was_published_succeeded_whoever_could_be_told(
    site: Path, tmp_path: Path, where: str
) -> None:
    done = run(f"build {site}/a.jsonl --root root", where, tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "root" / "CURRENT").exists()
    if where in (FULL, CLOSED):
        (line,) = done.stderr.decode().splitlines()[-1:]
        assert line.startswith("alsolike: ")
        assert "stdout" in line
    for path in (tmp_path / "root").rglob("*"):  # nor did a file get what was meant for stdout
        assert not path.is_file() or b"published: " not in path.read_bytes()


@pytest.mark.parametrize("where", [FULL, CLOSED])
@pytest.mark.parametrize(
    "command", ["builds --json", "related sea-000", "--help", "watch --status"]
)
def test_what_is_asked_for_nothing_but_its_output_failed_without_it(
    site: Path, command: str, where: str
) -> None:
    done = run(f"{command} {'' if command == '--help' else '--root root'}", where, site)
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("alsolike: ")


def test_an_error_is_said_once_and_keeps_its_code(site: Path) -> None:
    for where in (FULL, CLOSED):
        done = run("publish nothing --root root", where, site)
        assert done.returncode == 6
        assert len(done.stderr.splitlines()) == 1


def test_a_reader_who_has_seen_enough_is_no_failure(site: Path) -> None:
    done = run("related sea-000 --root root", "| head -1", site)
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_letters_that_an_encoding_lacks_are_replaced(site: Path, encoding: str) -> None:
    done = run("related sea-000 --root root", "", site, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Ein V" in done.stdout
    made = run("tokens add Vögelchen睡 --json --root root", "", site, PYTHONIOENCODING=encoding)
    assert json.loads(made.stdout.decode(encoding))["name"] == "Vögelchen睡"


def commands() -> list[str]:
    """Every command there is, by its words."""
    found, waiting = [], [("", typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop()
        for name, below in getattr(command, "commands", {}).items():
            waiting.append((f"{words} {name}".strip(), below))
        if not hasattr(command, "commands"):
            found.append(words)
    return sorted(found)


@pytest.mark.full
@pytest.mark.parametrize("where", [FULL, CLOSED, BOTH, f"{CLOSED} {MUTE}"])
@pytest.mark.parametrize("command", commands())
def test_no_command_ends_in_a_traceback(tmp_path: Path, command: str, where: str) -> None:
    for more in ("--help", "--no-such-option"):
        done = run(f"{command} {more}", where, tmp_path)
        assert b"Traceback" not in done.stderr
        assert b"Exception" not in done.stderr
        assert done.returncode == {"--help": 1, "--no-such-option": 2}[more]

"""The Containerfile and the systemd units: what a machine would make of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
UNITS = sorted((HERE / "integrations" / "systemd").iterdir())
STAGES = re.split(r"^FROM (?=\S+ AS )", (HERE / "Containerfile").read_text(), flags=re.MULTILINE)


def stages() -> dict[str, tuple[str, str]]:
    """By name: on what it stands, and what it does."""
    heads = [part.partition("\n") for part in STAGES[1:]]
    return {head.split()[2]: (head.split()[0], body) for head, _, body in heads}


def test_both_images_run_unprivileged_and_say_whether_they_answer() -> None:
    found = stages()
    assert list(found)[-2:] == ["serve", "full"]
    assert found["serve"][0] == found["full"][0] == "runtime"
    told = found["runtime"][1]
    assert "USER 10001:10001" in told
    assert "HEALTHCHECK" in told
    assert 'CMD ["serve"]' in told


def test_the_serving_image_installs_what_serving_imports_and_nothing_else() -> None:
    installs = re.findall(r"pip install (.*?)(?: \\| &&)", stages()["serve-installed"][1])
    options = "--no-cache-dir"
    assert installs == [
        f"{options} -c constraints.txt -r requirements-serve.txt",
        f"{options} --no-deps .",
    ]


def test_whatever_an_image_copies_is_there_and_sent_along() -> None:
    sent = [line[1:] for line in (HERE / ".containerignore").read_text().split() if line[0] == "!"]
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", "".join(STAGES), flags=re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert len(names) == 11
    for name in names:
        assert (HERE / name).exists()
        assert any(name == one or name.startswith(f"{one}/") for one in sent)


def test_the_modules_that_an_image_compiles_are_those_installed_in_it(tmp_path: Path) -> None:
    (source := tmp_path / "source").mkdir()
    (installed := tmp_path / "venv" / "lib").mkdir(parents=True)
    for folder in (source, installed):
        (folder / "only_here.py").touch()
    script = (HERE / "integrations" / "container" / "slim.sh").read_text()
    commands = re.sub(r"(?m)^pip .*|service\.\S+|alembic\.\S+|psycopg", "", script)
    variables = {"PATH": os.environ["PATH"], "ALSOLIKE_VENV": str(installed.parent)}
    done = subprocess.run(
        ["sh", "-e", "-c", commands, "slim.sh", "only_here"],
        cwd=source, env={**variables, "PYTHONPATH": str(installed)}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [*installed.glob("__pycache__/only_here*.pyc")]
    assert not [*source.glob("__pycache__")]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_units_and_finds_them_shut(tmp_path: Path) -> None:
    for unit in UNITS:
        program = re.sub(r"/srv/alsolike/\.venv\S*", "/usr/bin/true", unit.read_text())
        (tmp_path / unit.name).write_text(program)
    paths = [str(path) for path in tmp_path.iterdir()]
    services = [path for path in paths if path.endswith(".service")]
    for check in (["verify", *paths], ["security", "--offline=true", "--threshold=20", *services]):
        done = subprocess.run(
            ["systemd-analyze", *check], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert str(tmp_path) not in done.stderr, "a unit has a line that it does not know"
    assert len(services) == 3

"""The wheel: all that is needed inside, and a clean environment that runs on it alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
PACKAGES = ("recommender", "index", "service")
VERSION = re.compile(r'(?m)^version = "(.+)"$')


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def release(folder: Path, umask: int, timezone: str) -> Path:
    """The files of a release, made in a new clone by someone with other habits."""
    with_mask = {"umask": umask, "env": {**os.environ, "TZ": timezone}}
    run("git", "clone", "--quiet", str(HERE), str(folder), **with_mask)
    (folder / "recommender" / "not_committed.py").write_text("")
    # The environment is this one, and up to date whatever a clone's files say.
    up_to_date = [f"VENV={sys.prefix}", "--old-file", f"{sys.prefix}/.installed-dev"]
    run("make", "release", *up_to_date, cwd=folder, **with_mask)
    return folder / "dist"


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    return release(tmp_path_factory.mktemp("one") / "clone", 0o022, "UTC")


@pytest.fixture(scope="module")
def wheel(dist) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.mark.full
def test_releases_of_two_clones_are_the_same_bytes(dist, tmp_path):
    other = release(tmp_path / "clone", 0o077, "Asia/Tokyo")
    names = sorted(path.name for path in dist.iterdir())
    kinds = [name.rpartition(".")[2] for name in names]
    assert kinds == ["SHA256SUMS", "whl", "gz", "zip"]
    for name in names:
        assert (dist / name).read_bytes() == (other / name).read_bytes(), name
    run("sha256sum", "--check", "SHA256SUMS", cwd=other)


def test_the_version_stands_in_one_place_alone():
    (stated,) = VERSION.findall((HERE / "pyproject.toml").read_text())
    assert version("alsolike") == stated
    for package in PACKAGES:
        for path in (HERE / package).rglob("*.py"):
            assert f'"{stated}"' not in path.read_text(), path


@pytest.mark.full
def test_the_wheel_holds_every_file_of_the_three_floors(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = run("git", "ls-files", *PACKAGES, cwd=wheel.parents[1]).splitlines()
    assert any("/templates/" in name for name in tracked)
    assert set(tracked) <= held
    foreign = {name for name in held if not name.startswith((*PACKAGES, "alsolike-"))}
    assert not foreign


@pytest.mark.full
@pytest.mark.model
@pytest.mark.timeout(900)
def test_a_clean_environment_runs_the_demo_from_the_wheel(wheel, tmp_path):
    python = tmp_path / "venv" / "bin" / "python"
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    run(
        *(str(python), "-m", "pip", "install", "--quiet"),
        *("--constraint", str(HERE / "constraints.txt"), str(wheel)),
    )
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    alsolike = str(python.with_name("alsolike"))
    printed = run(alsolike, "demo", "--no-serve", cwd=tmp_path, env=clean)
    assert "120 articles" in printed
    assert "Both mention" in printed

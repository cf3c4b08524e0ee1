"""What a build holds in memory beside files hardly grows with the articles."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scale import watch
from index.building.worker_processes import MANY_ROWS

ROOT = Path(__file__).parents[2]
DRIVER = "tests.support.small_block_build"


def peak_of_building(count: int, folder: Path) -> float:
    folder.mkdir()
    command = [sys.executable, "-m", DRIVER, str(count), str(folder)]
    with subprocess.Popen(command, cwd=ROOT) as one:
        anonymous, _ = watch(one, every=0.001)
    assert one.returncode == 0
    return anonymous


@pytest.mark.full  # the memory's own grain is too coarse for fewer articles
def test_anonymous_memory_hardly_grows_with_the_articles(tmp_path: Path) -> None:
    small, large = 24_000, 48_000  # both are made in processes, whose own memory counts, too
    assert small > MANY_ROWS
    first = peak_of_building(small, tmp_path / "small")
    second = peak_of_building(large, tmp_path / "large")
    assert first > 30
    assert 1_000 * (second - first) / (large - small) <= 1.2, "as docs/operations.md says"

"""What a build holds in memory beside files hardly grows with the articles."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.scale import watch

DRIVER = Path(__file__).with_name("small_blocks.py")


def peak_of_building(count: int, folder: Path) -> float:
    folder.mkdir()
    with subprocess.Popen([sys.executable, str(DRIVER), str(count), str(folder)], text=True) as one:
        anonymous, _ = watch(one)
    assert one.returncode == 0
    return anonymous


def test_anonymous_memory_grows_by_no_more_than_is_documented(tmp_path: Path) -> None:
    small, large = 3_000, 12_000
    first = peak_of_building(small, tmp_path / "small")
    second = peak_of_building(large, tmp_path / "large")
    assert first > 30
    # docs/operations.md states this bound.
    assert 1_000 * (second - first) / (large - small) <= 2.0

"""The benchmark of growth, run as a command."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.full
def test_the_benchmark_tells_what_it_measured() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", "--model", "hashing:64", "--sizes", "500,1500"],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert [size["articles"] for size in found["sizes"]] == [500, 1500]
    for size in found["sizes"]:
        assert size["recall"] >= 0.98
        assert 0 < size["peak_anon_mb"] <= size["peak_rss_mb"]
        assert size["disk_mb"] > 0
        # docs/operations.md states this bound.
        assert size["peak_anon_mb"] <= 600 + 0.001 * size["articles"]
        assert size["cpu_s"] > 0
    assert isinstance(found["exponent"], float)

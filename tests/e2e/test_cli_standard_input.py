"""A build of what is piped in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.json_lines import GOOD, lines


def test_a_build_reads_standard_input(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service.cli", "build", "-", "--model", "hashing:64"]
    done = subprocess.run(
        [*command, "--root", str(tmp_path), "--json"],
        input=lines(GOOD, {**GOOD, "id": "other"}, {"id": "x"}),
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert json.loads(done.stdout)["articles"] == 2

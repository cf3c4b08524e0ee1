"""Runs the generators of sites where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "LANG": "C.UTF-8", "TZ": "UTC"}
NODE_MODULES = os.environ.get("SITE_GENERATORS", "")
"""A folder with a ``node_modules`` that holds the generators written in JavaScript."""


def run(command: list[str], folder: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)


def run_node(folder: Path, package: str, script: str, *arguments: str) -> None:
    modules = Path(NODE_MODULES, "node_modules")
    if not NODE_MODULES or not (modules / package).is_dir():
        pytest.skip(f"SITE_GENERATORS names no folder with node_modules/{package}")
    (folder / "node_modules").symlink_to(modules.resolve())
    run(["node", f"node_modules/{script}", *arguments], folder)

"""Libraries for browsers that pages of sites use, as npm installs them for `.ci/run`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.real_servers import missing

FOLDER = os.environ.get("BROWSER_LIBRARIES", "")
"""A folder with a ``node_modules`` that holds them."""


def library(path: str) -> bytes:
    """Returns a library's file; skips the test if it is missing, in CI only if unreachable."""
    if FOLDER == "unreachable":
        pytest.skip("npm could not fetch the libraries")
    file = Path(FOLDER, "node_modules", path)
    if not FOLDER or not file.is_file():
        missing(f"BROWSER_LIBRARIES names no folder with node_modules/{path}")
    return file.read_bytes()

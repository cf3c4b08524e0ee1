"""A disk that fills up while the full-text index is made."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from index.build.search_index import filled_beside
from tests.support.full_text_articles import many, stage
from tests.support.small_disk import fill, small_disk


def test_a_disk_that_fills_up_fails_it(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        stage(disk, many(1_000))
        fill(disk, 300_000)
        with (
            filled_beside(disk) as done,
            pytest.raises(sqlite3.OperationalError, match="full"),
        ):
            done.result()

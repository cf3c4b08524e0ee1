"""From ids to rows and back."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.build.id_table import IdTable, write_id_table
from index.files import BlobWriter


def table(folder: Path, ids: list[str]) -> IdTable:
    writer = BlobWriter(folder / "ids.bin")
    for article_id in ids:
        writer.append(article_id.encode())
    writer.close()
    write_id_table(folder)
    return IdTable(folder)


@settings(max_examples=50)
@given(
    ids=st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=60, unique=True),
    others=st.lists(st.text(max_size=20), max_size=20),
)
def test_every_id_has_its_row_and_no_other_has_one(ids: list[str], others: list[str]) -> None:
    ids.sort(key=str.encode)
    with TemporaryDirectory() as folder:
        found = table(Path(folder), ids)
        assert [found.row(article_id) for article_id in ids] == list(range(len(ids)))
        assert [found.article_id(row) for row in range(len(ids))] == ids
        assert all(found.row(other) is None for other in set(others) - set(ids))


def test_ids_of_one_hash_are_told_apart(tmp_path: Path) -> None:
    ids = ["plumless", "buckeroo"]
    assert crc32(b"plumless") == crc32(b"buckeroo"), "a known pair"
    found = table(tmp_path, sorted(ids))
    assert [found.row(article_id) for article_id in sorted(ids)] == [0, 1]


@pytest.mark.parametrize("none", ["", "\ud800", "a" * 5_000])
def test_what_can_be_no_id_is_not_found(tmp_path: Path, none: str) -> None:
    assert table(tmp_path, ["a"]).row(none) is None

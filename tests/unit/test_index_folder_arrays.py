"""Columns of a workspace: the same in memory and in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from index.building.folder_arrays import FolderWorkspace
from index.errors import BuildError
from recommender.arrays import IN_MEMORY, MatrixColumns, SparseRows, Workspace


@pytest.fixture(params=["memory", "folder"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    return IN_MEMORY if request.param == "memory" else FolderWorkspace(tmp_path)


blocks = st.lists(st.integers(0, 9), max_size=6)


@given(blocks, st.integers(0, 3))
@settings(max_examples=30)
def test_a_column_holds_what_was_added_in_that_order(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], width: int
) -> None:
    generator = np.random.default_rng(sum(lengths))
    parts = [
        generator.integers(-9, 9, size=(length, width) if width else length) for length in lengths
    ]
    shape = (0, width) if width else 0
    expected = np.concatenate([np.empty(shape, dtype=np.int32), *parts]).astype(np.int32)
    for workspace in (IN_MEMORY, FolderWorkspace(tmp_path_factory.mktemp("columns"))):
        column = workspace.column("numbers", np.int32, width)
        for part in parts:
            column.append(part.astype(np.int32))
        found = column.finish()
        assert found.dtype == np.int32
        assert np.array_equal(found, expected)


def test_a_finished_file_is_the_very_one_that_numpy_writes(tmp_path: Path) -> None:
    column = FolderWorkspace(tmp_path).column("scores", np.float32, 3)
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    column.append(values[:1])
    column.append(values[1:])
    column.finish()
    np.save(tmp_path / "plain.npy", values)
    assert (tmp_path / "scores.npy").read_bytes() == (tmp_path / "plain.npy").read_bytes()


def test_what_is_changed_in_a_finished_column_is_changed_in_its_file(tmp_path: Path) -> None:
    column = FolderWorkspace(tmp_path).column("rows", np.int32)
    column.append(np.zeros(5, dtype=np.int32))
    found = column.finish()
    found[3] = 7
    del found
    assert np.load(tmp_path / "rows.npy").tolist() == [0, 0, 0, 7, 0]


def test_what_is_dropped_leaves_no_file_and_the_rest_stays(tmp_path: Path) -> None:
    workspace = FolderWorkspace(tmp_path)
    for name in ("kept", "dropped"):
        column = workspace.column(name, np.uint8)
        column.append(np.ones(2, dtype=np.uint8))
        column.finish()
    workspace.drop("dropped")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npy"]


def test_rows_of_another_width_are_refused(tmp_path: Path) -> None:
    column = FolderWorkspace(tmp_path).column("rows", np.int32, 4)
    with pytest.raises(
        BuildError, match=r"rows\.npy: a new row has shape \(3,\), but must have \(4,\)"
    ):
        column.append(np.zeros((2, 3), dtype=np.int32))


def test_a_matrix_grows_by_rows(workspace: Workspace) -> None:
    whole = sp.random_array((40, 30), density=0.2, rng=5, format="csr", dtype=np.float32)
    columns = MatrixColumns(workspace, "matrix")
    for start in (0, 10, 15):
        rows = sp.csr_matrix(whole[start : {0: 10, 10: 15, 15: 40}[start]])
        columns.append(SparseRows.of(rows))
    found = columns.finish(30)
    assert found.shape == (40, 30)
    assert np.array_equal(found.toarray(), whole.toarray())

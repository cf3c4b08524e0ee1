"""Joining what is carried over with what was computed anew."""

import numpy as np
import pytest
import scipy.sparse as sp

from recommender.arrays import IN_MEMORY, carry_matrix


@pytest.mark.parametrize(
    "rows", [[0, 1, 2, 3], [-1, 0, -1, -1, 2, 3, -1], [-1, -1], [3, -1], [1, 2, -1, 3]]
)
def test_a_matrix_is_joined_row_by_row(rows: list[int]) -> None:
    old = sp.csr_matrix(np.diag([1.0, 2, 3, 4]).astype(np.float32))
    fresh = sp.csr_matrix(10 + np.arange(20, dtype=np.float32).reshape(5, 4))
    found = carry_matrix(old, np.array(rows), fresh, IN_MEMORY, "joined").toarray()
    new = iter(fresh.toarray())
    assert np.array_equal(found, [next(new) if row < 0 else old.toarray()[row] for row in rows])


def test_columns_of_carried_rows_get_their_new_numbers() -> None:
    old = sp.csr_matrix(np.array([[1, 0, 2], [0, 3, 0]], dtype=np.float32))
    fresh = sp.csr_matrix(np.array([[5, 6, 7, 8]], dtype=np.float32))
    columns = np.array([1, -1, 3], dtype=np.int32)
    found = carry_matrix(old, np.array([0, -1]), fresh, IN_MEMORY, "joined", columns)
    assert np.array_equal(found.toarray(), [[0, 1, 0, 2], [5, 6, 7, 8]])

"""The largest entries of rows, against sorting them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.neighbors import NO_ROW
from recommender.top_k import from_keys, sort_keys, top_of_rows

scores = st.sampled_from([-2.5, -1.0, -0.0, 0.0, 0.5, 0.75, 1.0, 3.0, float("inf")])


@given(st.lists(st.tuples(scores, st.integers(0, 2**31 - 1)), max_size=20))
def test_keys_ascend_as_score_falls_and_column_rises_and_can_be_read_back(
    pairs: list[tuple[float, int]],
) -> None:
    values = np.array([score for score, _ in pairs], dtype=np.float32) + np.float32(0)
    columns = np.array([column for _, column in pairs], dtype=np.int64)
    keys = sort_keys(values, columns)
    expected = np.lexsort((columns, -values))
    assert np.array_equal(np.sort(keys), keys[expected])
    back = from_keys(keys)
    assert np.array_equal(back.rows, columns)
    assert np.array_equal(back.scores, values)


@given(st.integers(0, 10_000), st.integers(1, 40), st.booleans())
@settings(max_examples=60)
def test_the_top_of_rows_is_that_of_sorting_them_whole(seed: int, keep: int, skips: bool) -> None:
    generator = np.random.default_rng(seed)
    matrix = sp.random_array((6, 900), density=0.8, rng=generator, format="csr", dtype=np.float32)
    # Few different values, so that ties stand at the cut.
    matrix.data = np.round(matrix.data * generator.choice([5, 1_000])).astype(np.float32) + 1
    matrix = sp.csr_matrix(matrix)
    skip = generator.integers(900, size=6) if skips else None
    found = top_of_rows(matrix, keep, skip=skip)
    for row in range(6):
        here = slice(matrix.indptr[row], matrix.indptr[row + 1])
        columns, values = matrix.indices[here], matrix.data[here]
        if skip is not None:
            values, columns = values[columns != skip[row]], columns[columns != skip[row]]
        order = np.lexsort((columns, -values))[:keep]
        assert found.rows[row, : len(order)].tolist() == columns[order].tolist()
        assert found.scores[row, : len(order)].tolist() == values[order].tolist()


def test_ties_stand_by_column_and_the_column_to_skip_is_left_out() -> None:
    matrix = sp.csr_matrix(np.array([[5, 2, 2, 2, 2, 9]], dtype=np.float32))
    assert top_of_rows(matrix, 3, skip=np.array([5])).rows.tolist() == [[0, 1, 2]]
    short = top_of_rows(sp.csr_matrix((1, 4), dtype=np.float32), 2)
    assert short.rows.tolist() == [[NO_ROW, NO_ROW]]
    assert np.isneginf(short.scores).all()

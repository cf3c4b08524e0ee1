"""Neighbors found by PyTorch, here on the processor, are those of exact search."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from recommender import gpu_index
from recommender.encoder import Embeddings
from recommender.neighbors import NO_ROW, ExactIndex


@pytest.fixture(autouse=True)
def _loaded() -> None:
    import torch  # noqa: F401 - as the encoder does


def unit_rows(count: int) -> Embeddings:
    signs = np.random.default_rng(7).choice(np.array([-0.25, 0.25], dtype=np.float32), (count, 16))
    signs[count // 2 :] = signs[: count - count // 2]  # every row twice
    return signs  # whose products are sixteenths: ties everywhere, however they are summed


@pytest.mark.parametrize("count", [1, 7, 500])
def test_neighbors_scores_and_ties_are_those_of_exact_search(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_index, "_ROWS", 64)
    monkeypatch.setattr(gpu_index, "_QUERIES", 30)
    rows = unit_rows(count)
    exact = ExactIndex(rows)
    found = gpu_index.GpuIndex(rows, exact, "cpu").search(rows[:100], 9)
    expected = exact.search(rows[:100], 9)
    assert np.array_equal(found.rows, expected.rows)
    assert np.array_equal(found.scores, expected.scores)
    assert (found.rows == NO_ROW).sum() == min(count, 100) * max(0, 9 - count)


def test_another_process_gets_the_index_that_it_can_open() -> None:
    exact = ExactIndex(unit_rows(5))
    arrived = pickle.loads(pickle.dumps(gpu_index.GpuIndex(unit_rows(5), exact, "cpu")))
    assert isinstance(arrived, ExactIndex)


def test_without_a_gpu_the_index_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    exact = ExactIndex(unit_rows(5))
    assert gpu_index.on_gpu(exact, unit_rows(5)) is exact

"""Every neighbor index against the exact reference, in one suite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.scale_out.milvus import milvus_index
from index.scale_out.milvus.milvus_client import Milvus, MilvusColumns
from index.scale_out.milvus.milvus_index import fill_collection
from recommender import faiss_index
from recommender.encoder import Embeddings
from recommender.errors import InputError, VectorFileError
from recommender.faiss_index import build_index, index_kind, load_index, measure_recall
from recommender.neighbors import NO_ROW, ExactIndex, NeighborIndex, sort_hits
from recommender.visibility import ALWAYS, NEVER

Open = Callable[[Embeddings], NeighborIndex]
DIM = 16
APPROXIMATE = ("IVF", "IVF, loaded", "IVF, like", "Milvus, HNSW")


@pytest.fixture(
    params=[
        *("exact", "Flat", "Flat, loaded", "Flat, like", "IVF", "IVF, loaded", "IVF, like"),
        *("Milvus", "Milvus, HNSW"),
    ]
)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_index(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Makes an index of the kind at test; IVF and HNSW at any size of 20 rows or more."""
    if kind == "exact":
        return ExactIndex
    if kind.startswith("Milvus"):
        if kind.endswith("HNSW"):
            monkeypatch.setattr(milvus_index, "FLAT_LIMIT", 19)
        return lambda embeddings: in_milvus(embeddings, str(tmp_path / "milvus.db"))
    if kind.startswith("IVF"):
        monkeypatch.setattr(faiss_index, "FLAT_LIMIT", 19)

    def make(embeddings: Embeddings) -> NeighborIndex:
        path = tmp_path / "index.faiss"
        if kind.endswith("like"):  # trained on three quarters of the rows
            build_index(embeddings[len(embeddings) // 4 :]).save(path)
            return build_index(embeddings, path)
        index = build_index(embeddings)
        if not kind.endswith("loaded"):
            return index
        index.save(path)
        return load_index(tmp_path / "index.faiss", embeddings)

    return make


def in_milvus(embeddings: Embeddings, uri: str) -> NeighborIndex:
    count = len(embeddings)
    columns = MilvusColumns(
        embeddings=embeddings,
        visibility=np.tile([ALWAYS, NEVER], (count, 1)),
        languages=np.zeros(count, dtype=np.int32),
    )
    return fill_collection(Milvus(uri), "contract", columns)


def clustered(count: int, seed: int = 0) -> Embeddings:
    """Unit rows around a few centers, as texts lie around topics."""
    generator = np.random.default_rng(seed)
    centers = generator.normal(size=(12, DIM))
    rows = centers[generator.integers(12, size=count)] + 0.5 * generator.normal(size=(count, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def with_many_ties(count: int, seed: int = 0) -> Embeddings:
    """Unit rows whose inner products are exact in float32, so that ties are exact too."""
    generator = np.random.default_rng(seed)
    rows = np.zeros((count, DIM), dtype=np.float32)
    for row in rows:
        row[generator.choice(DIM, 4, replace=False)] = generator.choice([-0.5, 0.5], 4)
    return rows


def test_hits_are_those_of_the_reference(open_index: Open, kind: str) -> None:
    embeddings = clustered(2_000)
    queries = clustered(200, seed=1)
    truth = ExactIndex(embeddings).search(queries, 20)
    found = open_index(embeddings).search(queries, 20)
    common = [len(np.intersect1d(*pair)) for pair in zip(truth.rows, found.rows, strict=True)]
    least = 0.95 if kind in APPROXIMATE else 0.999  # a last bit may swap two at the cut
    assert np.mean(common) / 20 >= least


def test_scores_are_inner_products_best_first(open_index: Open) -> None:
    embeddings = clustered(500)
    queries = clustered(30, seed=1)
    found = open_index(embeddings).search(queries, 10)
    assert (found.rows != NO_ROW).all()
    true_scores = np.einsum("qd,qkd->qk", queries, embeddings[found.rows])
    assert np.allclose(found.scores, true_scores, atol=1e-5)
    assert (np.diff(found.scores, axis=1) <= 0).all()
    assert (found.rows.dtype, found.scores.dtype) == (np.int32, np.float32)


@pytest.mark.parametrize("k", [1, 7, 40])
def test_ties_stand_by_row_and_at_the_cut_the_lowest_stay(
    open_index: Open, kind: str, k: int
) -> None:
    embeddings = with_many_ties(300)
    if kind in APPROXIMATE:
        # Which lists are looked at is a choice, so only the order of what is found is certain.
        found = open_index(embeddings).search(embeddings[:50], k)
        for rows, scores in zip(found.rows, found.scores, strict=True):
            assert np.lexsort((rows, -scores)).tolist() == list(range(k))
        return
    truth = ExactIndex(embeddings).search(embeddings, k)
    found = open_index(embeddings).search(embeddings, k)
    assert np.array_equal(found.rows, truth.rows)
    assert np.array_equal(found.scores, truth.scores)


def test_twins_are_found_lowest_row_first(open_index: Open) -> None:
    embeddings = with_many_ties(200)
    embeddings[[3, 50, 120, 121, 199]] = embeddings[77]
    found = open_index(embeddings).search(embeddings[[77, 121]], 6)
    for rows, scores in zip(found.rows.tolist(), found.scores.tolist(), strict=True):
        twins = np.flatnonzero((embeddings == embeddings[77]).all(axis=1)).tolist()
        assert rows[: len(twins)] == twins[:6]
        assert scores[: min(6, len(twins))] == [1.0] * min(6, len(twins))


def test_more_equals_than_asked_for_leave_the_lowest_rows(open_index: Open) -> None:
    embeddings = np.tile(with_many_ties(1), (60, 1))
    found = open_index(embeddings).search(embeddings[:30], 5)
    assert found.rows.tolist() == [[0, 1, 2, 3, 4]] * 30


def test_where_there_are_fewer_rows_than_asked_for_the_rest_is_marked(
    open_index: Open, kind: str
) -> None:
    embeddings = clustered(30)
    found = open_index(embeddings).search(embeddings[:4], 50)
    assert found.rows.shape == found.scores.shape == (4, 50)
    missing = found.rows == NO_ROW
    assert (missing == np.isneginf(found.scores)).all()
    assert (np.diff(missing.astype(int), axis=1) >= 0).all()
    if kind not in APPROXIMATE:
        assert (missing.sum(axis=1) == 20).all()
    for row, hits in enumerate(found.rows):
        present = hits[hits != NO_ROW]
        assert len(np.unique(present)) == len(present)
        assert present[0] == row


def test_a_single_row_is_an_index(open_index: Open) -> None:
    embeddings = clustered(1)
    found = open_index(embeddings).search(embeddings, 3)
    assert found.rows.tolist() == [[0, NO_ROW, NO_ROW]]
    assert found.scores[0, 0] == pytest.approx(1.0)


def test_the_zero_vector_of_an_empty_text_is_near_to_nothing(open_index: Open) -> None:
    found = open_index(clustered(100)).search(np.zeros((1, DIM), dtype=np.float32), 5)
    assert ((found.rows == NO_ROW) == np.isneginf(found.scores)).all()
    assert (found.scores <= 0).all()


@pytest.mark.parametrize("width", [DIM - 1, DIM + 1, 0])
def test_a_query_of_another_width_is_refused_by_name(open_index: Open, width: int) -> None:
    index = open_index(clustered(40))
    with pytest.raises(InputError, match=rf"\(1, {width}\).*dimension {DIM}"):
        index.search(np.zeros((1, width), dtype=np.float32), 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_query_that_is_not_finite_is_refused(open_index: Open, value: float) -> None:
    queries = clustered(2, seed=1)
    queries[1, 3] = value
    with pytest.raises(InputError, match="NaN or infinity"):
        open_index(clustered(40)).search(queries, 3)


def test_an_index_knows_how_many_rows_it_holds(open_index: Open) -> None:
    assert open_index(clustered(33)).count == 33


@given(
    count=st.integers(1, 60),
    seed=st.integers(0, 1_000),
    k=st.integers(1, 70),
)
@settings(max_examples=60)
def test_flat_search_is_the_reference_at_any_size(count: int, seed: int, k: int) -> None:
    embeddings = with_many_ties(count, seed)
    truth = ExactIndex(embeddings).search(embeddings, k)
    found = build_index(embeddings).search(embeddings, k)
    assert np.array_equal(found.rows, truth.rows)
    assert np.array_equal(found.scores, truth.scores)


@given(
    st.lists(
        st.tuples(st.integers(-1, 30), st.sampled_from([0.0, 0.25, 0.5, -1.0])),
        min_size=1,
        max_size=20,
    )
)
def test_raw_hits_are_sorted_with_the_missing_last(hits: list[tuple[int, float]]) -> None:
    rows = np.array([[row for row, _ in hits]], dtype=np.int64)
    scores = np.array([[score for _, score in hits]], dtype=np.float32)
    found = sort_hits(rows, scores)
    present = sorted((-score, row) for row, score in hits if row >= 0)
    assert found.rows[0].tolist() == [row for _, row in present] + [NO_ROW] * (
        len(hits) - len(present)
    )
    assert found.scores[0, : len(present)].tolist() == [-score for score, _ in present]


def test_the_kind_follows_the_number_of_rows() -> None:
    assert index_kind(1, 384) == index_kind(100_000, 384) == "Flat"
    assert index_kind(100_001, 384) == "IVF512,PQ192x4fsr"
    assert index_kind(1_000_000, 384) == "IVF2048,PQ192x4fsr"
    assert index_kind(1_000_000, 383) == "Flat"


def test_recall_is_measured_not_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings = clustered(2_000)
    assert measure_recall(build_index(embeddings), embeddings, k=10) == 1.0
    monkeypatch.setattr(faiss_index, "FLAT_LIMIT", 100)
    index = build_index(embeddings)
    assert 0.9 <= measure_recall(index, embeddings, k=10, sample=200) <= 1.0
    assert measure_recall(index, clustered(2_000, seed=5), k=10, sample=200) < 0.5


def test_rows_that_fare_worst_decide_how_many_lists_are_searched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    diffuse = np.random.default_rng(3).normal(size=(60, DIM))
    diffuse /= np.linalg.norm(diffuse, axis=1, keepdims=True)
    embeddings = np.concatenate([clustered(2_000), diffuse.astype(np.float32)])
    truth = ExactIndex(embeddings).search(embeddings[2_000:], 50).rows
    monkeypatch.setattr(faiss_index, "FLAT_LIMIT", 100)
    shares = []
    for worst in (0.0, 0.99):
        monkeypatch.setattr(faiss_index, "_WORST_RECALL", worst)
        found = build_index(embeddings).search(embeddings[2_000:], 50).rows
        shares.append(sum(len(np.intersect1d(*pair)) for pair in zip(truth, found, strict=True)))
    assert shares[0] < 0.95 * truth.size < shares[1]


@pytest.mark.parametrize("content", [b"", b"IxF", b"not an index at all" * 20])
def test_a_file_that_is_no_index_is_refused_with_its_path(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index.faiss"
    path.write_bytes(content)
    with pytest.raises(VectorFileError, match=r"index\.faiss is not a readable FAISS index"):
        load_index(path, clustered(3))

"""A build's index, wherever it lies: one contract for a file, milvus-lite and a Milvus server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from index.build.vectors import VectorIndex, make_index
from index.errors import BuildError, UnavailableError
from index.scale_out.milvus.milvus_client import Milvus
from index.scale_out.milvus.milvus_collections import read_place
from index.scale_out.milvus.milvus_index import MilvusIndex
from index.scale_out.milvus.milvus_settings import MilvusSettings
from recommender import faiss_index
from recommender.encoder import Embeddings
from recommender.neighbors import NO_ROW, ExactIndex
from recommender.visibility import ALWAYS, NEVER, Visibility

pytestmark = pytest.mark.xdist_group("milvus")

COUNT, DIM = 400, 16
NOW = 1_000


def unit_rows(count: int, seed: int) -> Embeddings:
    rows = np.random.default_rng(seed).normal(size=(count, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def windows() -> Visibility:
    """A third always shown, the others just gone, just come, or just not yet there."""
    some = [(ALWAYS, NEVER), (ALWAYS, NOW), (NOW, NEVER), (NOW + 1, NEVER), (0, NOW + 1)]
    return np.array([some[row % 6 % 5] for row in range(COUNT)], dtype=np.int64)


EMBEDDINGS = unit_rows(COUNT, 0)
QUERIES = unit_rows(40, 1)
VISIBILITY = windows()
LANGUAGES = np.arange(COUNT, dtype=np.int32) % 4


@pytest.fixture(scope="module", params=["Flat", "IVF", "milvus-lite", "Milvus server"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> VectorIndex:
    """The same rows in each kind of index."""
    folder = tmp_path_factory.mktemp("root") / "builds" / "one"
    folder.mkdir(parents=True)
    wanted = {
        "milvus-lite": lambda: MilvusSettings(),
        "Milvus server": lambda: MilvusSettings(uri=request.getfixturevalue("milvus_uri")),
    }.get(request.param, lambda: None)()
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "IVF":
            patch.setattr(faiss_index, "FLAT_LIMIT", 19)
        return make_index(folder, "one", EMBEDDINGS, VISIBILITY, LANGUAGES, wanted)


def restricted(shown: np.ndarray) -> np.ndarray:
    """What exact search finds among some rows."""
    rows = np.flatnonzero(shown)
    return rows[ExactIndex(EMBEDDINGS[rows]).search(QUERIES, 10).rows]


def share_found(truth: np.ndarray, found: np.ndarray) -> float:
    return sum(len(np.intersect1d(*pair)) for pair in zip(truth, found, strict=True)) / truth.size


def test_the_nearest_rows_are_found(index: VectorIndex) -> None:
    truth = ExactIndex(EMBEDDINGS).search(QUERIES, 10)
    assert share_found(truth.rows, index.search(QUERIES, 10).rows) >= 0.95
    assert index.count == COUNT


def test_what_readers_may_not_see_is_left_out_and_the_list_stays_full(index: VectorIndex) -> None:
    shown = (VISIBILITY[:, 0] <= NOW) & (VISIBILITY[:, 1] > NOW)
    found = index.shown_at(NOW).search(QUERIES, 10)
    assert shown[found.rows].all()
    assert share_found(restricted(shown), found.rows) >= 0.95


def test_a_row_is_seen_from_its_first_moment_until_before_its_last(index: VectorIndex) -> None:
    for row, (begin, end) in enumerate(VISIBILITY[:5].tolist()):
        for now in (NOW - 1, NOW, NOW + 1):
            nearest = index.shown_at(now).search(EMBEDDINGS[[row]], 1).rows[0, 0]
            assert (nearest == row) == (begin <= now < end)


def test_other_languages_are_left_out_but_not_the_unknown(index: VectorIndex) -> None:
    shown = (VISIBILITY[:, 0] <= NOW) & (VISIBILITY[:, 1] > NOW)
    found = index.shown_at(NOW, languages=[2]).search(QUERIES, 10)
    assert set(LANGUAGES[found.rows].ravel().tolist()) == {0, 2}
    assert share_found(restricted(shown & (LANGUAGES % 2 == 0)), found.rows) >= 0.95


def test_rows_that_are_named_are_left_out_whenever_they_may_be_seen(index: VectorIndex) -> None:
    shown = (VISIBILITY[:, 0] <= NOW) & (VISIBILITY[:, 1] > NOW)
    without = np.flatnonzero(shown)[::2]
    found = index.shown_at(NOW, without=without.tolist()).search(QUERIES, 10)
    assert not np.isin(found.rows, without).any()
    shown[without] = False
    assert share_found(restricted(shown), found.rows) >= 0.95


def test_where_fewer_are_seen_than_asked_for_the_rest_is_marked(index: VectorIndex) -> None:
    found = index.shown_at(NOW).search(QUERIES[:3], COUNT)
    shown = int(((VISIBILITY[:, 0] <= NOW) & (VISIBILITY[:, 1] > NOW)).sum())
    assert ((found.rows != NO_ROW).sum(axis=1) <= shown).all()
    assert ((found.rows != NO_ROW).sum(axis=1) >= 0.9 * shown).all()
    assert ((found.rows == NO_ROW) == np.isneginf(found.scores)).all()


@pytest.fixture
def lite(tmp_path: Path) -> tuple[Callable[[], MilvusIndex], Milvus, Path]:
    folder = tmp_path / "builds" / "one"
    folder.mkdir(parents=True)

    def make() -> MilvusIndex:
        made = make_index(folder, "one", EMBEDDINGS, VISIBILITY, LANGUAGES, MilvusSettings())
        assert isinstance(made, MilvusIndex)
        return made

    return make, Milvus(str(tmp_path / "milvus.db")), folder


def test_a_collection_of_that_name_is_filled_anew(
    lite: tuple[Callable[[], MilvusIndex], Milvus, Path],
) -> None:
    make, milvus, folder = lite
    make()
    make()
    place = read_place(folder)
    assert place is not None
    assert milvus.count(place.collection) == COUNT
    assert milvus.collections() == [place.collection]


def test_a_collection_that_is_gone_is_named(
    lite: tuple[Callable[[], MilvusIndex], Milvus, Path],
) -> None:
    make, milvus, _ = lite
    index = make()
    milvus.drop(index.collection, "alsolike")
    with pytest.raises(BuildError, match=f"{index.collection}.*is gone.*build again"):
        index.search(QUERIES, 3)


def test_a_server_that_is_not_there_is_named_at_once() -> None:
    away = MilvusIndex(
        Milvus("http://127.0.0.1:9"), "some", kind="milvus:FLAT", count=9, dim=DIM, effort=64
    )
    with pytest.raises(UnavailableError, match=r"some of Milvus at http://127\.0\.0\.1:9"):
        away.search(QUERIES, 3)

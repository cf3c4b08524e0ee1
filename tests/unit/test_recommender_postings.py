"""Postings and what is found and scored through them, against whole products."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import postings
from recommender.neighbors import NO_ROW
from recommender.postings import make_postings, search_postings, similarities


def weights_of(seed: int, articles: int = 60, terms: int = 40) -> sp.csr_matrix:
    generator = np.random.default_rng(seed)
    found = sp.random_array(
        (articles, terms), density=0.3, rng=generator, format="csr", dtype=np.float32
    )
    return sp.csr_matrix(found)


@given(st.integers(0, 1_000), st.integers(1, 12), st.sampled_from([1, 7, 50, 10_000]))
@settings(max_examples=40)
def test_each_term_is_answered_by_the_articles_it_weighs_most_in(
    seed: int, most: int, entries: int
) -> None:
    weights = weights_of(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "POSTINGS", most)
        patch.setattr(postings, "_ENTRIES", entries)
        patch.setattr(postings, "_ROWS", 17)
        found = make_postings(weights)
    assert found.shape == (40, 60)
    columns = weights.toarray().T
    for term, column in enumerate(columns):
        best = np.lexsort((np.arange(60), -column))[:most]
        expected = np.zeros(60, dtype=np.float32)
        expected[best] = column[best]
        assert np.array_equal(found[[term]].toarray()[0], expected)


@given(st.integers(0, 1_000))
@settings(max_examples=20)
def test_similarities_are_inner_products(seed: int) -> None:
    weights = weights_of(seed)
    generator = np.random.default_rng(seed)
    rows = generator.integers(60, size=(37, 9)).astype(np.int32)
    rows[3:6, 4:] = NO_ROW
    rows[8] = NO_ROW
    weights.data[weights.indptr[5] : weights.indptr[6]] = 0.0
    weights.eliminate_zeros()  # an article without a word
    found = similarities(weights[11:48], weights, rows)
    whole = (weights @ weights.T).toarray()
    expected = np.where(rows == NO_ROW, 0.0, whole[np.arange(11, 48)[:, None], rows])
    assert np.allclose(found, expected, atol=1e-5)


def test_an_article_without_words_finds_nothing() -> None:
    weights = sp.csr_matrix(np.array([[0, 0], [1, 0], [1, 0]], dtype=np.float32))
    assert search_postings(weights, make_postings(weights), 3).rows.tolist() == [
        [NO_ROW] * 3,
        [1, 2, NO_ROW],
        [1, 2, NO_ROW],
    ]


@given(
    seed=st.integers(0, 1_000),
    buckets=st.sampled_from([1, 4, 64]),
    per_row=st.sampled_from([1, 3, 12, 30]),
    keep=st.integers(1, 9),
    levels=st.sampled_from([0, 2]),
    some=st.booleans(),
)
@settings(max_examples=150)
def test_buckets_find_what_a_product_of_matrices_finds(
    seed: int, buckets: int, per_row: int, keep: int, levels: int, some: bool
) -> None:
    weights = weights_of(seed, articles=200)
    if levels:  # many equal sums
        weights.data = np.ceil(weights.data * levels).astype(np.float32) / np.float32(levels)
    lists = make_postings(weights)
    among = np.random.default_rng(seed).random(200) < 0.5 if some else None
    expected = search_postings(weights, lists, keep, among)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "_CACHED", 0)
        patch.setattr(postings, "_BUCKETS", buckets)
        patch.setattr(postings, "_PER_ROW", per_row)
        patch.setattr(postings, "_STRIDE", 1)
        patch.setattr(postings, "_TOGETHER", 7)
        found = search_postings(weights, lists, keep, among)
    assert np.array_equal(found.rows, expected.rows)
    assert np.array_equal(found.scores, expected.scores)

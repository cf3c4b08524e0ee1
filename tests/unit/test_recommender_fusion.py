"""Fusing evidence and letting neighbors have a say, against slow exact sums."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from recommender.arrays import IN_MEMORY
from recommender.evidence import KINDS, PairData, compare, compare_pairs
from recommender.fusion import (
    Calibration,
    DiffusedScores,
    calibrate,
    choose_hub_strength,
    diffuse,
    gather_candidates,
    mean_nearest,
)
from recommender.labels import Labels
from recommender.lexical import weigh_terms
from recommender.neighbors import NO_ROW, ExactIndex, Neighbors
from recommender.parameters import RankingParameters
from recommender.postings import make_postings, search_postings
from recommender.term_counts import count_corpus
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus
from recommender.top_k import top_of_rows
from recommender.visibility import NO_DAY

SCORING = Calibration(
    means=[0.1] * len(KINDS),
    deviations=[0.2] * len(KINDS),
    weights=[1.0] + [0.0] * (len(KINDS) - 1),
    neighbors=1.0,
)
"""A score is the cosine in deviations; neighbors count as much as the article itself."""


@pytest.fixture
def corpus() -> PairData:
    generator = np.random.default_rng(3)
    vectors = generator.normal(size=(40, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = [f"w{i}" for i in range(60)]
    texts = [
        PreparedText(
            title=" ".join(generator.choice(words, size=3)),
            body=" ".join(generator.choice(words, size=12)),
        )
        for _ in range(40)
    ]
    lexical = weigh_terms(count_corpus(tokenize_corpus(texts)))
    tags = Labels(np.arange(40, dtype=np.int32), np.arange(40, dtype=np.int32) % 5, 5)
    return PairData(
        embeddings=vectors,
        terms=lexical.weights,
        titles=lexical.titles,
        tags=tags.vectors(40, IN_MEMORY, "tags"),
        authors=tags.vectors(40, IN_MEMORY, "authors"),
        days=np.where(np.arange(40) % 3, np.arange(40) * 20, NO_DAY).astype(np.int32),
    )


def listed(scores: np.ndarray) -> Neighbors:
    """A matrix of scores as lists of candidates, where 0 is none."""
    return top_of_rows(sp.csr_matrix(scores), len(scores) - 1)


def spread(
    scores: np.ndarray, keep: int, neighbors: int, scoring: Calibration = SCORING
) -> DiffusedScores:
    own = listed(scores)
    count = len(scores)
    copies = np.ones(count, dtype=np.float32)
    recipe = RankingParameters(diffusion_neighbors=neighbors)
    every = np.arange(len(own.rows))
    return diffuse(own, mean_nearest(own), copies, scoring, keep, recipe, rows=every)


def test_every_candidate_has_its_exact_score_and_none_is_the_article_itself(corpus: PairData):
    scoring = calibrate(corpus)
    every = np.tile(np.arange(40, dtype=np.int32), (40, 1))
    exact = scoring.fuse(compare(corpus, corpus, every))
    nearest = ExactIndex(corpus.embeddings).search(corpus.embeddings, 11).rows
    found = search_postings(corpus.terms, make_postings(corpus.terms), 11).rows
    both = np.concatenate([nearest, found], axis=1)
    for start in (0, 15):
        block = np.arange(start, 40, dtype=np.int32)
        own = gather_candidates(corpus.take(block), corpus, both[start:], scoring, block)
        for row, (columns, scores) in enumerate(zip(own.rows, own.scores, strict=True), start):
            named = columns[columns != NO_ROW]
            assert set(named.tolist()) == set(both[row].tolist()) - {row, NO_ROW}
            assert len(np.unique(named)) == len(named) >= 10
            assert np.allclose(scores[: len(named)], exact[row, named], atol=1e-4)
            assert np.array_equal(np.lexsort((named, -scores[: len(named)])), range(len(named)))


def test_diffusion_equals_the_sum_it_is_documented_as():
    generator = np.random.default_rng(5)
    full = generator.uniform(1, 5, size=(12, 12)).astype(np.float32)
    np.fill_diagonal(full, 0)
    k = 4
    found = spread(full, 11, k).neighbors
    weights = 1 / np.arange(1, k + 1)
    weights /= weights.sum()
    for i in range(12):
        nearest = np.argsort(-full[i], kind="stable")[:k]
        expected = full[i].copy()
        for w, n in zip(weights, nearest, strict=True):
            row = full[n].copy()
            row[n] = np.sort(full[n])[::-1][:5].mean()
            expected += w * row
        for row, score in zip(found.rows[i], found.scores[i], strict=True):
            assert score == pytest.approx(expected[row], rel=1e-5)
        assert i not in found.rows[i]


def test_a_pair_that_nobody_lists_gets_the_worst_listed_score():
    full = np.array([[0, 4, 0], [4, 0, 2], [0, 2, 0]], dtype=np.float32)
    found = spread(full, 2, 1).neighbors
    # Article 0 lists only 1 (4.0, also its floor); 2 is known through neighbor 1 (2.0).
    assert found.rows[0].tolist() == [1, 2]
    assert found.scores[0][1] == pytest.approx(4 + 2)


def test_without_neighbors_the_own_scores_stay():
    full = np.array([[0, 3, 1], [3, 0, 2], [1, 2, 0]], dtype=np.float32)
    found = spread(full, 2, 0).neighbors
    assert found.rows[1].tolist() == [0, 2]
    assert found.scores[1].tolist() == pytest.approx([3, 2])


def test_an_article_that_is_close_to_all_pays_for_it():
    full = np.array([[0, 3, 2], [3, 0, 3], [2, 3, 0]], dtype=np.float32)
    plain = spread(full, 2, 0, replace(SCORING, neighbors=0.0))
    paid = spread(full, 2, 0, replace(SCORING, neighbors=0.0, hub=0.5, hub_mean=2.5))
    hubness = np.array([2.5, 3.0, 2.5])  # the means of each row's scores
    for row in range(3):
        for column, score in zip(paid.neighbors.rows[row], paid.neighbors.scores[row], strict=True):
            assert score == pytest.approx(full[row, column] - 0.5 * (hubness[column] - 2.5))
    assert paid.copy_scores == pytest.approx(plain.copy_scores - 0.5 * (hubness - 2.5))


def test_the_hub_correction_is_as_weak_as_it_may_be():
    # Article 0 is the best of all others and little more than the second.
    count = 100
    generator = np.random.default_rng(1)
    full = generator.uniform(1, 4, size=(count, count)).astype(np.float32)
    full[:, 0] = 4.5
    full[0] = 4.0
    np.fill_diagonal(full, 0)
    own = listed(full)
    strengths = (0.0, 0.1, 2.0)
    assert choose_hub_strength(own, mean_nearest(own), strengths, 0.06) == 2.0
    np.fill_diagonal(full[:, 1:], 0)
    full[:, 0] = generator.uniform(1, 4, size=count)
    assert choose_hub_strength(listed(full), mean_nearest(listed(full)), strengths, 0.3) == 0.0


def test_chance_is_zero_and_evidence_that_is_missing_counts_as_chance():
    assert SCORING.fuse(np.full(len(KINDS), 0.1, dtype=np.float32)) == pytest.approx(0, abs=1e-6)
    assert SCORING.fuse(np.full(len(KINDS), np.nan, dtype=np.float32)) == 0
    everything = replace(SCORING, weights=[1.0] * len(KINDS))
    some = np.full(len(KINDS), np.nan, dtype=np.float32)
    some[0] = 0.5
    assert everything.fuse(some) == pytest.approx(2.0)


def test_a_copy_has_more_of_every_kind_of_evidence_than_anything_else(corpus: PairData):
    scoring = calibrate(corpus)
    every = np.tile(np.arange(40, dtype=np.int32), (40, 1))
    own = scoring.fuse(compare(corpus, corpus, every))
    assert (own.max(axis=1) <= scoring.copy_scores(corpus, np.arange(40)) + 1e-4).all()


def test_a_corpus_of_one_or_two_has_a_usable_calibration(corpus: PairData):
    for count in (1, 2):
        found = calibrate(corpus.take(np.arange(count)))
        assert all(deviation > 0.005 for deviation in found.deviations)


def test_what_hardly_differs_between_random_pairs_does_not_count_more_for_that(corpus: PairData):
    quiet = replace(corpus, titles=sp.csr_matrix(corpus.titles.shape, dtype=np.float32))
    for kind, deviation in zip(KINDS, calibrate(quiet).deviations, strict=True):
        assert deviation >= kind.least
    names = [kind.name for kind in KINDS].index("names")
    assert calibrate(quiet).deviations[names] == KINDS[names].least


@pytest.mark.parametrize("count", [0, 1, 300])
def test_pairs_in_any_order_are_compared_as_if_one_by_one(corpus: PairData, count: int):
    left, right = np.random.default_rng(1).integers(40, size=(2, count))
    alone = compare(corpus.take(left), corpus, right[:, None].astype(np.int32))[:, 0]
    together = compare_pairs(corpus, left, right)
    assert together.tobytes() == alone.tobytes()

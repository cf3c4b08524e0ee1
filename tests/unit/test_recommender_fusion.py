"""Fusing evidence and letting neighbors have a say, against slow exact sums."""

import numpy as np
import pytest
import scipy.sparse as sp

from recommender.fusion import Calibration, calibrate, diffuse, gather_candidates
from recommender.lexical import weigh_terms
from recommender.neighbors import NO_ROW, ExactIndex, Neighbors
from recommender.parameters import RankingParameters
from recommender.postings import answer, make_postings
from recommender.term_counts import count_corpus
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus
from recommender.top_k import top_of_rows

CHANCE = Calibration(dense_mean=0.1, dense_deviation=0.2, lexical_mean=0.05, lexical_deviation=0.05)


@pytest.fixture
def corpus():
    generator = np.random.default_rng(3)
    vectors = generator.normal(size=(40, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = [f"w{i}" for i in range(60)]
    texts = [
        PreparedText(title="", body=" ".join(generator.choice(words, size=12))) for _ in range(40)
    ]
    return vectors, weigh_terms(count_corpus(tokenize_corpus(texts)))


def listed(scores: np.ndarray) -> Neighbors:
    """A matrix of scores as lists of candidates, where 0 is none."""
    return top_of_rows(sp.csr_matrix(scores), len(scores) - 1)


def exact_scores(vectors, lexical, calibration):
    words = (lexical.weights @ lexical.weights.T).toarray()
    return calibration.fuse(vectors @ vectors.T, words.astype(np.float32))


def test_every_candidate_has_its_exact_score_and_none_is_the_article_itself(corpus):
    vectors, lexical = corpus
    calibration = calibrate(vectors, lexical)
    nearest = ExactIndex(vectors).search(vectors, 11).rows
    both = np.concatenate(
        [nearest, answer(lexical.weights, make_postings(lexical.weights), 11)], axis=1
    )
    exact = exact_scores(vectors, lexical, calibration)
    for start in (0, 15):
        own = gather_candidates(vectors, lexical.weights, both[start:], calibration, start)
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
    found = diffuse(listed(full), CHANCE, 11, RankingParameters(diffusion_neighbors=k)).neighbors
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
    found = diffuse(listed(full), CHANCE, 2, RankingParameters(diffusion_neighbors=1)).neighbors
    # Article 0 lists only 1 (4.0, also its floor); 2 is known through neighbor 1 (2.0).
    assert found.rows[0].tolist() == [1, 2]
    assert found.scores[0][1] == pytest.approx(4 + 2)


def test_without_neighbors_the_own_scores_stay():
    full = np.array([[0, 3, 1], [3, 0, 2], [1, 2, 0]], dtype=np.float32)
    found = diffuse(listed(full), CHANCE, 2, RankingParameters(diffusion_neighbors=0)).neighbors
    assert found.rows[1].tolist() == [0, 2]
    assert found.scores[1].tolist() == pytest.approx([3, 2])


def test_chance_is_zero_and_the_same_text_scores_highest():
    chance = CHANCE.fuse(np.array([0.1], dtype=np.float32), np.array([0.05], dtype=np.float32))
    assert chance[0] == pytest.approx(0, abs=1e-6)
    assert CHANCE.of_the_same > 5


def test_a_corpus_of_one_or_two_has_a_usable_calibration(corpus):
    vectors, _ = corpus
    for count in (1, 2):
        lexical = weigh_terms(
            count_corpus(tokenize_corpus([PreparedText(title="", body="a b c")] * count))
        )
        found = calibrate(vectors[:count], lexical)
        assert found.dense_deviation > 0.05
        assert found.lexical_deviation > 0.005

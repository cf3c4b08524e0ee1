"""Weights learned from judged articles: what is found, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.learning.learned_weights import learn_in_steps, learn_weights
from recommender.learning.training_seeds import TrainingSeeds, deal_by_chance, mean_elsewhere

DEFAULT = np.array([0.6, 0.4, 0.1, 0.0])
SCALES = np.array([0.3, 0.3, 0.15, 0.2])
CANDIDATES = 40


def draw_seeds(count, truth, seed=1, *, noise=0.3):
    """Seeds whose three related candidates are the best by the true weights, with some noise."""
    drawn = np.random.default_rng(seed)
    features = drawn.normal(size=(count, CANDIDATES, len(DEFAULT))).astype(np.float32)
    order = np.argsort(-(features @ DEFAULT), axis=1)
    features = np.take_along_axis(features, order[..., None], axis=1)
    wanted = features @ np.asarray(truth) + noise * drawn.normal(size=(count, CANDIDATES))
    grades = (wanted >= np.sort(wanted, axis=1)[:, -3:-2]).astype(np.float32)
    return TrainingSeeds(
        features=features,
        offsets=np.zeros((count, CANDIDATES), dtype=np.float32),
        grades=grades,
        ideal=np.full(count, (1 / np.log2([2, 3, 4])).sum()),
        valid=np.ones((count, CANDIDATES), dtype=bool),
        popularity=np.zeros((count, CANDIDATES), dtype=np.float32),
    )


def learn(seeds):
    return learn_weights(seeds, DEFAULT, SCALES)


def test_weights_by_which_candidates_are_related_are_found():
    truth = np.array([0.2, 0.4, 0.8, 0.0])
    learned = learn(draw_seeds(300, truth))
    assert learned.adopted is True  # and not NumPy's, which JSON can't hold
    assert learned.gain_low > 0
    assert learned.weights / learned.weights.sum() == pytest.approx(truth / truth.sum(), abs=0.05)
    unseen = draw_seeds(300, truth, seed=2)
    after, before = (unseen.measure(weights)[:, 1].mean() for weights in (learned.weights, DEFAULT))
    assert 0.9 * learned.gain_low < after / before - 1 < 1.1 * learned.gain_high


def test_evidence_that_speaks_against_gets_no_negative_weight():
    learned = learn(draw_seeds(200, [0.6, 0.4, -0.8, 0.0]))
    assert learned.adopted
    assert learned.weights.min() == 0 == learned.weights[2]


@pytest.mark.parametrize("seed", range(5))
def test_judgments_drawn_by_chance_are_refused(seed):
    drawn = np.random.default_rng(seed)
    seeds = draw_seeds(150, DEFAULT)
    learned = learn(replace(seeds, grades=drawn.permuted(seeds.grades, axis=1)))
    assert not learned.adopted
    assert learned.weights.tolist() == DEFAULT.tolist()


def test_where_the_default_is_right_it_stays():
    assert not learn(draw_seeds(200, DEFAULT)).adopted


def test_few_seeds_are_not_learned_from():
    learned = learn(draw_seeds(19, [0, 0, 1, 0]))
    assert (learned.adopted, learned.folds, learned.seeds) == (False, 0, 19)
    assert learned.weights.tolist() == DEFAULT.tolist()
    assert not learn(draw_seeds(0, DEFAULT)).adopted


def test_the_same_seeds_teach_the_same_weights():
    seeds = draw_seeds(60, [0.2, 0.4, 0.8, 0.0])
    one, other = learn(seeds), learn(seeds)
    assert one.weights.tobytes() == other.weights.tobytes()
    assert one.gain_low == other.gain_low


def test_related_articles_that_are_no_candidates_teach_nothing_and_count():
    seeds = draw_seeds(40, DEFAULT)
    learned = learn(replace(seeds, grades=np.zeros_like(seeds.grades)))
    assert not learned.adopted
    assert learned.default_ndcg10 == 0


def test_arrays_that_do_not_fit_together_are_refused():
    seeds = draw_seeds(3, DEFAULT)
    with pytest.raises(ValueError, match="finite"):
        replace(seeds, offsets=np.full_like(seeds.offsets, np.nan))
    with pytest.raises(ValueError, match="ideal"):
        replace(seeds, ideal=np.zeros(3))
    with pytest.raises(ValueError, match="shape"):
        replace(seeds, valid=seeds.valid[:, :5])


def test_what_is_gained_as_some_articles_are_related_to_many_is_refused():
    drawn = np.random.default_rng(4)
    seeds = draw_seeds(200, DEFAULT)
    features = seeds.features.copy()
    features[..., 3] = drawn.normal(size=CANDIDATES)  # the same for all seeds, as popularity is
    rows = np.tile(np.arange(CANDIDATES), (200, 1))
    popular = np.exp(2 * features[0, :, 3])
    targets = np.concatenate(
        [drawn.choice(CANDIDATES, 3, replace=False, p=popular / popular.sum()) for _ in range(200)]
    )
    positions = np.repeat(np.arange(200), 3)
    grades = np.zeros((200, CANDIDATES), dtype=np.float32)
    grades[positions, targets] = 1
    seeds = replace(seeds, features=features, grades=grades)
    assert learn(seeds).adopted
    chance = deal_by_chance(positions, targets, np.ones(600), rows, grades)
    assert chance.sum() == pytest.approx(600, rel=0.01)
    learned = learn(replace(seeds, popularity=chance))
    assert not learned.adopted
    assert learned.gain_low > 0


def test_evidence_of_any_size_is_learned_from():
    seeds = draw_seeds(200, [1, 0, 0, 0])
    loud = replace(seeds, features=seeds.features * np.float32([1, 1, 300, 0]))
    learned = learn(loud)
    assert learned.adopted
    assert np.isfinite(learned.weights).all()


def clicked_lists(count, truth, seed=3):
    """Lists of six whose articles attract by the true weights."""
    seeds = draw_seeds(count, truth, seed)
    gains = np.exp(0.7 * (seeds.features @ np.asarray(truth, dtype=np.float32)))
    shown = np.arange(CANDIDATES) < 6
    return replace(
        seeds, grades=np.where(shown, gains, 0), valid=np.tile(shown, (count, 1)), ideal=seeds.ideal
    )


def test_clicks_change_what_the_site_s_own_links_leave_open():
    truth = np.array([0.6, 0.4, 0.8, 0.0])
    own, clicked = draw_seeds(100, DEFAULT), clicked_lists(300, truth)
    own = replace(own, features=own.features * np.float32([1, 1, 0, 1]))  # tells nothing of it
    learned = learn_in_steps(own, clicked, DEFAULT, SCALES)
    assert not learned.adopted
    assert learned.changed
    assert learned.clicked.adopted
    assert learned.weights[2] > 0.3
    assert learned.clicked.kept > 0.99
    assert learned.clicked.seeds == 300
    assert learned.seeds == 100
    alone = learn_in_steps(None, clicked, DEFAULT, SCALES)
    assert alone.clicked.adopted
    assert (alone.seeds, alone.clicked.kept) == (0, 1)


def test_clicks_never_cost_the_site_s_own_links():
    own, clicked = draw_seeds(60, DEFAULT, noise=0.1), clicked_lists(600, [0, 0, 1.0, 0])
    assert learn_in_steps(None, clicked, DEFAULT, SCALES).clicked.adopted
    learned = learn_in_steps(own, clicked, DEFAULT, SCALES)
    before, after = own.measure(DEFAULT), own.measure(learned.weights)
    assert (after[:, :2].mean(axis=0) >= 0.99 * before[:, :2].mean(axis=0)).all()


def test_without_clicks_there_is_one_step_and_without_both_none():
    own = draw_seeds(60, [0.2, 0.4, 0.8, 0.0])
    assert learn_in_steps(None, None, DEFAULT, SCALES) is None
    one = learn_in_steps(own, None, DEFAULT, SCALES)
    assert one.clicked is None
    assert one.weights.tolist() == learn(own).weights.tolist()


def test_a_target_liked_everywhere_is_expected_to_be_liked():
    targets, gains = np.array([0, 1, 0, 2]), np.array([3.0, 1.0, 5.0, 1.0])
    candidates = np.array([[0, 1, 3], [0, 2, 3]])
    grades = np.float32([[3, 1, 0], [5, 1, 0]])
    found = mean_elsewhere(targets, gains, candidates, grades)
    assert found.tolist() == [[3, 1, 1], [2, 1, 1]]

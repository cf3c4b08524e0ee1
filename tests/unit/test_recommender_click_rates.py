"""Intervals of rates: Wilson's, and that they hold the truth."""

import numpy as np
import pytest

from recommender.clicks.click_rates import rate_interval


def test_the_ends_are_where_the_score_test_has_its_limit():
    low, high = rate_interval([5, 16], [10, 100])
    for end in (low, high):
        scores = (np.array([0.5, 0.16]) - end) / np.sqrt(end * (1 - end) / np.array([10, 100]))
        assert np.abs(scores) == pytest.approx(1.959964, abs=1e-5)


def test_nothing_seen_says_nothing_and_no_end_leaves_the_scale():
    low, high = rate_interval([0, 0, 3], [0, 5, 3])
    assert (low[0], high[0]) == (0, 1)
    assert low[1] == 0 < high[1] < 1
    assert 0 < low[2] < 1 == high[2]


def test_the_interval_holds_the_truth_as_often_as_it_says():
    clicked = np.random.default_rng(3).binomial(60, 0.05, size=20_000)
    low, high = rate_interval(clicked, np.full(20_000, 60))
    assert ((low <= 0.05) & (high >= 0.05)).mean() == pytest.approx(0.95, abs=0.03)

"""Intervals of rates, and what stands out among many."""

import numpy as np
import pytest

from recommender.clicks.click_rates import rate_interval, sure_ratios


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


def test_of_many_those_stand_out_that_truly_differ_and_hardly_any_other():
    draw, few = np.random.default_rng(1), 50
    seen = np.full(1_000, 1_000)
    true = np.full(1_000, 0.05)
    true[:few], true[few : 2 * few] = 0.1, 0.02
    wrong = 0
    for _ in range(20):
        ratios = sure_ratios(draw.binomial(seen, true), seen, seen * 0.05)
        assert (ratios[:few] > 1).mean() > 0.9
        assert (ratios[few : 2 * few] < 1).mean() > 0.9
        assert (ratios[:few] <= 2).mean() > 0.9, "the end of an interval, not the middle"
        wrong += int((ratios[2 * few :] != 1).sum())
    assert wrong <= 0.05 * 20 * 2 * few


def test_few_clicks_and_unknown_usual_rates_stand_out_nowhere():
    assert sure_ratios([], [], []).tolist() == []
    assert sure_ratios([1, 5, 0, 3], [1, 10, 0, 3], [0.05, 0, 0, 3]).tolist() == [1, 1, 1, 1]
    assert sure_ratios([90, 0], [500, 600], [38, 60]).tolist() == pytest.approx(
        [1.80, 0.06], abs=0.01
    )

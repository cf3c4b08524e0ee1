"""Clicks as judgments: corrected for the position, and careful where they are few."""

import numpy as np
import pytest

from recommender.clicks.click_judgments import click_judgments
from recommender.clicks.propensities import Propensities

SURE = np.array([1.0, 0.5, 0.25])


def propensities(values=SURE, high=None):
    return Propensities(values=values, low=values, high=values if high is None else high, clicks=9)


def judge(rows, of=None):
    return click_judgments(*np.array(rows).T, of or propensities())


def test_a_target_lower_down_is_judged_by_what_it_would_get_higher_up():
    found = judge([(1, 5, 1, 10_000, 2_000), (1, 6, 2, 10_000, 2_000), (1, 7, 3, 10_000, 250)])
    assert found.articles.tolist() == [1, 1, 1]
    assert found.targets.tolist() == [5, 6, 7]
    mean = 4_250 / 17_500
    assert found.gains == pytest.approx(np.array([0.2, 0.4, 0.1]) / mean, rel=0.03)


def test_views_at_several_positions_are_added_up():
    once = judge([(1, 5, 1, 900, 90), (1, 6, 1, 900, 300)])
    twice = judge([(1, 5, 1, 400, 40), (1, 5, 2, 1_000, 50), (1, 6, 1, 900, 300)])
    assert twice.gains == pytest.approx(once.gains)


def test_few_clicks_hardly_count():
    many = [(1, 5, 1, 10_000, 3_000), (1, 6, 1, 10_000, 1_000)]
    found = judge([*many, (2, 5, 1, 10, 3), (2, 6, 1, 10, 1)])
    sure, few = found.gains[:2], found.gains[2:]
    assert sure == pytest.approx([1.5, 0.5], rel=0.01)
    assert 1 < few[0] < 1.3
    assert 0.7 < few[1] < 1


@pytest.mark.parametrize(("lists", "clicks"), [(500, 20), (20_000, 0.3)])
def test_the_shrinking_is_that_of_the_gamma_poisson_model(lists, clicks):
    drawn = np.random.default_rng(4)
    attraction = drawn.gamma(4, 1 / 4, (lists, 6))
    article, target = np.indices(attraction.shape).reshape(2, -1)
    clicked = drawn.poisson(clicks * attraction).ravel()
    rows = [article, target, np.ones_like(article), np.full_like(article, 200), clicked]
    found = judge(np.transpose(rows))
    known = attraction / attraction.mean(axis=1, keepdims=True)
    slope = np.polyfit(found.gains, known[found.articles, found.targets], 1)[0]
    assert slope == pytest.approx(1, abs=0.1)


def test_differences_by_chance_alone_judge_nothing():
    kept = 0
    for seed in range(20):
        drawn = np.random.default_rng(seed)
        rows = [(a, t, 1, 100, drawn.binomial(100, 0.1)) for a in range(100) for t in range(6)]
        found = judge(rows)
        kept += bool(len(found.gains)) and found.gains.std() > 0.1
    assert kept == 0


def test_positions_of_unknown_propensity_are_left_out_and_single_targets_too():
    rows = [(1, 5, 1, 500, 90), (1, 6, 2, 500, 10), (1, 7, 1, 500, 5), (2, 5, 1, 500, 50)]
    unsure = propensities(SURE, np.array([1.0, 2.0, 0.3]))
    found = judge(rows, unsure)
    assert list(zip(found.articles, found.targets, strict=True)) == [(1, 5), (1, 7)]
    beyond = judge([*rows, (1, 9, 8, 500, 400)], unsure)
    assert beyond.gains.tolist() == found.gains.tolist()
    assert not len(judge(rows[3:]).gains)

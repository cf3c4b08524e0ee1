"""Propensities by position: from targets seen at several, and only from these."""

import numpy as np
import pytest

from recommender.clicks.propensities import position_propensities

TRUTH = np.array([1.0, 0.7, 0.55, 0.4])


def draw(seed, *, lists=400, swapped=200, articles=60):
    """Lists of four, of which some have two neighbors swapped."""
    drawn = np.random.default_rng(seed)
    attraction = 0.2 * np.exp(drawn.normal(0, 0.5, (articles, 4)))
    rows = []
    for swap in range(-1, 3):
        shown = np.arange(4)
        if swap >= 0:
            shown[[swap, swap + 1]] = swap + 1, swap
        seen = np.full(articles, swapped if swap >= 0 else lists)
        for place, target in enumerate(shown):
            rate = np.minimum(TRUTH[place] * attraction[:, target], 1)
            clicked = drawn.binomial(seen, rate)
            rows.append(
                (np.arange(articles), seen * 0 + target, seen * 0 + place + 1, seen, clicked)
            )
    return [np.concatenate(some) for some in zip(*rows, strict=True)]


def test_propensities_are_found_with_their_intervals():
    held, errors = np.zeros(4), []
    for seed in range(40):
        found = position_propensities(*draw(seed))
        assert found.known.all()
        held += (found.low <= TRUTH) & (found.high >= TRUTH)
        errors.append(found.values / TRUTH - 1)
    assert np.abs(np.mean(errors, axis=0)).max() < 0.02
    assert held[0] == 40
    assert (held[1:] >= 34).all()
    assert (held[1:] < 40).any()


def test_two_positions_of_one_target_give_the_quotient_of_its_rates():
    rows = (np.zeros(2, int), np.zeros(2, int), np.array([1, 2]))
    found = position_propensities(*rows, np.array([10**6, 2 * 10**6]), np.array([10**5, 10**5]))
    assert found.values == pytest.approx([1, 0.5], rel=1e-4)
    assert found.clicks == 2 * 10**5


def test_targets_that_always_stood_at_one_place_say_nothing():
    rows = draw(1)
    fixed = [some[:240] for some in rows]  # the lists without a swap
    found = position_propensities(*fixed)
    assert found.known.tolist() == [True, False, False, False]
    assert found.clicks == 0
    everything = [np.concatenate([a, b]) for a, b in zip(rows, fixed, strict=True)]
    everything[0][-240:] += 1_000  # as other articles' lists
    assert position_propensities(*everything).values == pytest.approx(
        position_propensities(*rows).values
    )


def test_a_position_compared_with_none_is_told_by_the_others_and_less_surely():
    known, guessed = (position_propensities(*(s[:end] for s in draw(1))) for end in (None, -240))
    assert guessed.low[3] < TRUTH[3] < guessed.high[3]
    assert guessed.high[3] / guessed.low[3] > 1.3 * known.high[3] / known.low[3]
    nothing = position_propensities(*(np.zeros(0, int) for _ in range(5)))
    assert nothing.values.tolist() == [1]


def test_clicks_on_one_side_only_stay_finite():
    rows = (np.zeros(2, int), np.zeros(2, int), np.array([1, 3]))
    found = position_propensities(*rows, np.array([500, 500]), np.array([0, 40]))
    assert np.isfinite(found.values).all()
    assert found.known.tolist() == [True, False, False]

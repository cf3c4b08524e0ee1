"""Two variants compared: what is found, what is not, and that it may be looked at daily."""

import math

import numpy as np
import pytest
from scipy.special import lambertw

from recommender.clicks.comparison import Comparison, compare_variants

ARTICLES, BLOCKS = 40, 48


def draw(seed, lift=0.0, *, views=20_000, share=0.5):
    """List views of articles with rates of their own, in blocks with rates of their own."""
    drawn = np.random.default_rng(seed)
    popular = drawn.pareto(1.5, ARTICLES) + 0.5
    seen = drawn.poisson(views / BLOCKS * popular / popular.sum(), (BLOCKS, ARTICLES)).ravel()
    articles, blocks = np.tile(np.arange(ARTICLES), BLOCKS), np.repeat(np.arange(BLOCKS), ARTICLES)
    rates = 0.16 * np.exp(drawn.normal(0, 0.3, ARTICLES)[articles])
    rates *= np.exp(drawn.normal(0, 0.2, BLOCKS)[blocks])
    variants = (drawn.random(len(seen)) < share).astype(np.int8)
    clicked = drawn.binomial(seen, np.minimum(rates * (1 + lift * variants), 1))
    return articles, blocks, variants, seen, clicked


def test_of_two_alike_blocks_the_difference_is_that_of_their_rates():
    """Each article's expected rate is that of all, as nothing was seen before."""
    count = 1_000
    articles, variants = np.arange(count), np.arange(count) % 2
    seen = np.full(count, 10)
    found = compare_variants(articles, np.zeros(count, int), variants, seen, 2 + variants)
    assert found.difference == pytest.approx(0.1)
    assert (found.live_rate, found.other_rate) == pytest.approx((0.2, 0.3))
    assert found.relative[0] == pytest.approx(0.5)
    assert found.views == 10_000
    assert found.spread == pytest.approx(0, abs=1e-9)


def test_the_sums_are_those_of_a_loop_over_articles_and_blocks():
    rows = draw(5, 0.1, views=2_000, share=0.3)
    found = compare_variants(*rows, share=0.3)
    seen, clicked = rows[3:]
    rate = clicked.sum() / seen.sum()
    odds = rate / (1 - rate)
    prior, rests, weights = 1 / (odds * 0.45**2), [], []
    for article in range(ARTICLES):
        views = clicks = 0
        for row in np.flatnonzero(rows[0] == article):
            expected = (clicks + prior * rate) / (views + prior)
            weight = 1 / (1 + seen[row] / (views + prior) + seen[row] * odds * 0.2**2)
            factor = 1 / 0.3 if rows[2][row] else -1 / 0.7
            rests.append(weight * factor * (clicked[row] - expected * seen[row]))
            weights.append(weight * seen[row])
            views, clicks = views + seen[row], clicks + clicked[row]
    difference = sum(rests) / sum(weights)
    assert found.difference == pytest.approx(difference)
    spread = np.square(np.array(rests) - difference * np.array(weights)).sum()
    assert found.spread == pytest.approx(spread)
    # The ends are where the mixture of likelihoods, over differences of this ratio, is 1 / 0.05.
    assert pytest.approx(-lambertw(-(0.05**2) / math.e, -1).real - 1, abs=0.05) == 8.2
    ratio = 8.2 * 0.3 * 0.7 / (50_000 * 0.16 * 0.84)
    grown = 1 + ratio * spread
    reach = (found.high - found.low) / 2 * found.weight
    assert math.exp(reach**2 * ratio / (2 * grown)) / math.sqrt(grown) == pytest.approx(
        20, rel=0.02
    )


def test_order_and_division_of_rows_make_no_difference():
    rows = draw(6, 0.1)
    order = np.random.default_rng(1).permutation(len(rows[0]))
    half = rows[3] // 2, rows[4] // 2
    divided = [np.concatenate([some, some]) for some in rows[:3]]
    divided += [np.concatenate([a, b - a]) for a, b in zip(half, rows[3:], strict=True)]
    one = compare_variants(*rows)
    for other in (compare_variants(*(some[order] for some in rows)), compare_variants(*divided)):
        assert (other.low, other.high) == pytest.approx((one.low, one.high))


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_the_difference_is_right_on_the_average_for_any_share(share):
    found = [compare_variants(*draw(seed, 0.2, share=share), share=share) for seed in range(30)]
    relative = [some.relative[0] for some in found]
    assert np.mean(relative) == pytest.approx(0.2, abs=0.03)
    assert all(some.low < 0.2 * some.live_rate < some.high for some in found)
    told = np.mean([math.sqrt(some.spread) / some.weight / some.live_rate for some in found])
    assert np.std(relative) == pytest.approx(told, rel=0.4)


def test_looked_at_in_every_block_hardly_any_variant_is_found_better_that_is_not():
    declared = 0
    for seed in range(60):
        rows = draw(seed, views=4_000)
        looks = [tuple(some[rows[1] <= last] for some in rows) for last in range(3, BLOCKS, 4)]
        declared += any(compare_variants(*look).decided for look in looks)
    assert declared <= 4


def test_power_is_how_often_a_difference_is_found():
    found = [compare_variants(*draw(seed, 0.15)) for seed in range(60)]
    power = np.mean([some.power(0.15) for some in found])
    assert 0.3 < power < 0.97
    assert np.mean([some.decided for some in found]) == pytest.approx(power, abs=0.15)
    needed = found[0].needed_views(0.15)
    assert needed is not None
    assert found[0].power(0.15, needed) >= 0.8 > found[0].power(0.15, 0.9 * needed)


def test_too_little_is_said_to_be_too_little():
    nothing = compare_variants(*(np.zeros(0, dtype=int) for _ in range(5)))
    assert (nothing.views, nothing.low, nothing.high, nothing.decided) == (0, -1, 1, False)
    assert (nothing.power(), nothing.needed_views()) == (0, None)
    one = compare_variants(*(np.array([value]) for value in (3, 9, 1, 1_000_000, 1_000_000)))
    assert not one.decided
    none = np.zeros(2, dtype=int)
    unclicked = compare_variants(np.array([1, 2]), none, np.arange(2), none + 500, none)
    assert (unclicked.difference, unclicked.decided) == (0, False)
    assert math.isnan(unclicked.relative[0])


@pytest.mark.parametrize(
    ("seen", "clicked", "share"),
    [
        ((1000, 1), (300, 1), 0.01),
        ((1000, 50), (20, 0), 0.5),
        ((100, 100), (300, 0), 0.5),
        ((0, 0), (5, 0), 0.5),
        ((100, 100), (100, 100), 0.9),
    ],
)
def test_whatever_was_counted_rates_and_their_ratio_are_possible(seen, clicked, share):
    """Of few clusters, or where clicks came whose views were counted elsewhere."""
    rows = np.zeros(2, int), np.arange(2), np.arange(2), np.array(seen), np.array(clicked)
    found = compare_variants(*rows, share=share)
    assert 0 <= found.live_rate <= 1 + 1e-9
    assert -1e-9 <= found.other_rate <= 1 + 1e-9
    assert -1 <= found.low <= found.difference <= found.high <= 1
    assert not found.decided
    assert not found.relative[1] < -1


def test_a_variant_of_no_or_of_all_lists_is_refused():
    with pytest.raises(ValueError, match="share 1"):
        compare_variants(*draw(1), share=1)


def test_the_worse_variant_is_found_as_well():
    found = compare_variants(*draw(2, -0.4))
    assert isinstance(found, Comparison)
    assert found.decided
    assert found.high < 0

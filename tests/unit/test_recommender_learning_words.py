"""What editors read about learned weights."""

from dataclasses import replace

import numpy as np

from recommender.learning.learned_weights import LearnedWeights
from recommender.learning.learning_words import describe_learning

KINDS = ("meaning", "words", "names", "tags", "mood")
USUAL = [0.4, 0.3, 0.15, 0.15, 0.0]


def learned(now, **values):
    known = {
        "weights": np.ones(5),
        "adopted": True,
        "seeds": 120,
        "folds": 5,
        "default_ndcg10": 0.5,
        "learned_ndcg10": 0.55,
        "gain_low": 0.02,
        "gain_high": 0.08,
        "shares": np.array([USUAL, now]),
    }
    return LearnedWeights(**known | values)


def test_only_changes_that_matter_are_told_the_largest_first():
    said = describe_learning(learned([0.39, 0.16, 0.31, 0.04, 0.1]), KINDS)
    assert said[:-1] == [
        "On this site titles named in the text count double; shared words count half as much as "
        "usual; shared tags count for little; mood count, which they do not without learning."
    ]
    assert "learned from 120 articles" in said[-1]
    assert "0.550, the default ones 0.500" in said[-1]
    assert "+2.0% and +8.0%" in said[-1]


def test_weights_that_hardly_changed_are_told_as_such():
    said = describe_learning(learned(USUAL), KINDS)
    assert said[0] == "On this site all evidence counts about as much as usual."


def test_the_reason_why_the_default_stays_is_told():
    (unsure,) = describe_learning(learned(USUAL, adopted=False, gain_low=-0.02), KINDS)
    assert unsure.startswith("The default weights are used.")
    assert "-2.0% and +8.0%" in unsure
    (chance,) = describe_learning(learned(USUAL, adopted=False), KINDS)
    assert "no more than chance gives" in chance
    (few,) = describe_learning(learned(USUAL, adopted=False, seeds=7, folds=0), KINDS)
    assert few.startswith(
        f"{unsure[:29]} 7 articles say what they are related to; at least 20 are needed"
    )


def test_what_clicks_add_is_told_or_why_they_add_nothing():
    unsure = learned(USUAL, adopted=False, gain_low=-0.02)
    told = learned([0.2, 0.5, 0.15, 0.15, 0.0], seeds=300, kept=0.998)
    changes, links, clicks = describe_learning(replace(unsure, clicked=told), KINDS)
    assert "shared words count double" in changes
    assert links.startswith("On articles they were not learned from")
    assert clicks.startswith("Clicks in 300 articles' lists count, too")
    assert "worth 99.8% of what they were" in clicks
    for found, why in (
        ({"gain_low": -0.01}, "not surely more"),
        ({"kept": 0.9}, "lists would be worse by the site's own links"),
        ({"folds": 0, "seeds": 3}, "of 3 articles' lists; at least 20"),
    ):
        refused = learned(USUAL, adopted=False, **found)
        *_, clicks = describe_learning(replace(unsure, clicked=refused), KINDS)
        assert why in clicks

"""What a site prefers among its own articles."""

import numpy as np
import pytest

from recommender.article import Article, to_articles
from recommender.errors import SettingError
from recommender.preferences import Boost, Preferences, newest_day


def article(**values):
    return Article(id="a", title="A", url="/a", **values)


def test_boosts_apply_one_after_another_to_the_articles_they_are_for():
    preferences = Preferences(
        boosts=(
            Boost(field="tags", equals="opinion", factor=0.5),
            Boost(field="ratings.credibility", below=3, factor=0.5),
            Boost(field="language", equals="de", factor=0),
        )
    )
    assert preferences.boost(article()) == 1
    assert preferences.boost(article(tags=("opinion",))) == 0.5
    assert preferences.boost(article(tags=["news", "Opinion"])) == 0.5
    assert preferences.boost(article(tags=("opinion",), ratings={"credibility": 2})) == 0.25
    assert preferences.boost(article(ratings={"credibility": 3})) == 1
    assert preferences.boost(article(language="de")) == 0
    assert not Boost(field="language", equals="", factor=0).applies(article())


@pytest.mark.parametrize(
    ("field", "equals", "value"),
    [
        ("tags", "advertorial", ["Sea", "Advertorial"]),
        ("tags", "Caf\u00e9", ["cafe\u0301"]),
        ("authors", "ana lee", ["Ana Lee"]),
        ("language", "pt-BR", "pt-br"),
        ("language", "pt_br", "pt-br"),
        ("status", "Published", "published"),
    ],
)
def test_a_boost_finds_what_is_spelled_in_another_case(field, equals, value):
    (one,) = to_articles([{"id": "a", "title": "A", field: value}])
    assert Preferences(boosts=(Boost(field=field, equals=equals, factor=0),)).boost(one) == 0


def test_an_article_one_half_life_older_than_the_newest_counts_half():
    none = np.iinfo(np.int32).min
    dates = np.array([100, 70, 40, none, 5_000], dtype=np.int32)
    faded = Preferences(half_life=30).fade(dates, newest_day(dates, today=120))
    assert faded.tolist() == pytest.approx([1, 0.5, 0.25, 1, 1])


def test_without_a_half_life_nothing_ages():
    dates = np.array([1, 2], dtype=np.int32)
    assert Preferences().fade(dates, newest_day(dates, today=9)).tolist() == [1, 1]


@pytest.mark.parametrize(
    "values",
    [
        {"field": "tags", "equals": "x", "factor": 3},
        {"field": "colour", "equals": "x", "factor": 1},
        {"field": "tags", "factor": 1},
        {"field": "ratings.credibility", "factor": 1},
        {"field": "ratings.credibility", "equals": "3", "factor": 1},
        {"field": "tags", "at_least": 3, "factor": 1},
    ],
)
def test_a_boost_that_makes_no_sense_is_refused(values):
    with pytest.raises(SettingError, match=values["field"]):
        Boost(**values)

"""Query strings: what is too much, told twice or unreadable is refused by name."""

from __future__ import annotations

import pytest

from index.query import RelatedQuery
from service.http.problems import ProblemError
from service.http.query_params import (
    check_language,
    parse_query,
    read_article_id,
    read_related_query,
)


def test_a_query_string_may_have_200_parameters() -> None:
    assert len(parse_query(b"&".join(b"p%d=1" % number for number in range(200)))) == 200
    with pytest.raises(ProblemError, match="over 200 parameters"):
        parse_query(b"&".join(b"p%d=1" % number for number in range(201)))


def test_a_parameter_that_is_given_twice_is_refused_and_exclusions_are_not() -> None:
    for asked in (b"id=a&id=b", b"id=a&id=a"):
        with pytest.raises(ProblemError, match="the parameter id is given 2 times"):
            read_article_id(None, parse_query(asked))
    with pytest.raises(ProblemError, match="the parameter limit is given 2 times"):
        read_related_query(parse_query(b"limit=1&limit=1"), RelatedQuery())
    found = read_related_query(parse_query(b"exclude=a&exclude=b"), RelatedQuery())
    assert found.exclude == {"a", "b"}


def test_a_request_without_an_id_is_told_how_to_ask() -> None:
    with pytest.raises(ProblemError, match=r"the parameter id is missing; write /v1/related\?id="):
        read_article_id(None, parse_query(b"limit=3"))


def test_a_hundred_articles_may_be_excluded_and_no_more() -> None:
    def exclude(count: int) -> RelatedQuery:
        return read_related_query({"exclude": [f"a-{n}" for n in range(count)]}, RelatedQuery())

    assert len(exclude(100).exclude) == 100
    with pytest.raises(ProblemError, match="at most 100 ids"):
        exclude(101)


def test_a_language_is_compared_in_lower_case_and_a_wrong_one_is_named() -> None:
    assert check_language("de-AT") == "de-at"
    with pytest.raises(ProblemError, match="language") as error:
        check_language("deutsch, bitte")
    assert "a language tag like en or pt-BR" in str(error.value.detail)

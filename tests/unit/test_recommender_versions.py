"""Versions: which of two titles or ids names the newer one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.versions import version_number


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("Harbour guide 2.0", "Harbour guide 1.9"),
        ("Harbour guide 2.10.1", "Harbour guide 2.9"),
        ("Harbour guide v2", "Harbour guide"),
        ("Harbour guide, version 3", "Harbour guide, version 2.7"),
        ("Harbour guide 2.0", "Harbour guide 2.0-beta"),
        ("The 2025 reader survey is open", "The 2024 reader survey is open"),
        ("12 walks at the sea", "10 walks at the sea"),
        ("Chapter 1: ropes, v2", "Chapter 3: ropes, v1"),
    ],
)
def test_the_higher_version_in_a_title_is_the_newer(newer: str, older: str) -> None:
    assert version_number(newer, "a") > version_number(older, "a")


def test_the_id_says_it_where_the_title_does_not() -> None:
    assert version_number("Survey", "survey-2025") > version_number("Survey", "survey-2024")
    assert version_number("Guide", "docs/v2/guide") > version_number("Guide", "docs/v1/guide")
    assert version_number("Guide", "docs/2.0/guide") > version_number("Guide", "docs/1.9/guide")


@pytest.mark.parametrize(
    "title", ["Ferries, Part 2", "ferries-part-2", "Teil 3: Seile", "Kelp", "Kelp2go", "Episode #4"]
)
def test_the_number_of_a_part_is_no_version(title: str) -> None:
    assert version_number(title, title) == 0


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_version_fits_the_column_of_a_build(title: str, article_id: str) -> None:
    assert 0 <= version_number(title, article_id) < 2**63

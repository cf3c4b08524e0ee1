"""The article and its id."""

from __future__ import annotations

import dataclasses
import datetime as dt
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.article import MAX_ID_BYTES, Article, Section, check_id
from recommender.errors import ArticleError


@pytest.mark.parametrize(
    "article_id",
    [
        "plain-slug",
        "10.1000/j.reef.2026.04.001",
        "2026/05/kelp at dawn.html",
        "über-die-Brücke",
        "記事/一",
        "🦉",
        "...",
        "a?b#c%2Fd",
        "é" * (MAX_ID_BYTES // 2),
    ],
)
def test_ids_with_slashes_spaces_and_any_script_are_kept_as_they_are(article_id: str) -> None:
    assert check_id(article_id) == article_id
    assert Article(id=article_id, title="Kelp", url="/kelp").id == article_id


@pytest.mark.parametrize(
    ("article_id", "reason"),
    [
        ("", "missing"),
        (".", "invalid"),
        ("..", "invalid"),
        (" padded", "invalid"),
        ("padded ", "invalid"),
        ("\u00a0padded", "invalid"),
        ("two\nlines", "invalid"),
        ("nul\0", "invalid"),
        ("c1\x9fcontrol", "invalid"),
        ("\ud800", "invalid"),
        ("é" * (MAX_ID_BYTES // 2) + "x", "too-long"),
    ],
)
def test_an_id_that_cannot_stand_in_a_url_is_refused_with_the_reason(
    article_id: str, reason: str
) -> None:
    with pytest.raises(ArticleError) as caught:
        check_id(article_id, field="supersedes")
    assert caught.value.reason == reason
    assert caught.value.field == "supersedes"
    assert "supersedes" in str(caught.value)


@given(st.text(max_size=300))
def test_an_accepted_id_is_short_printable_unicode(text: str) -> None:
    try:
        accepted = check_id(text)
    except ArticleError:
        return
    assert accepted == text
    assert 1 <= len(accepted.encode()) <= MAX_ID_BYTES
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in accepted)


@pytest.mark.parametrize("title", ["", "  ", "\n\t"])
def test_an_article_without_a_title_is_refused(title: str) -> None:
    with pytest.raises(ArticleError, match="empty title") as caught:
        Article(id="kelp", title=title, url="/kelp")
    assert caught.value.field == "title"


@pytest.mark.parametrize("field", ["visible_from", "visible_until"])
def test_a_time_without_a_zone_is_refused(field: str) -> None:
    naive = {field: dt.datetime(2026, 5, 1, 8)}  # noqa: DTZ001 - what is tested
    with pytest.raises(ArticleError, match=field):
        Article(id="kelp", title="Kelp", url="/kelp", **naive)  # type: ignore[arg-type]  # as above


def test_only_text_that_is_not_blank_counts_as_text() -> None:
    blank = Article(
        id="kelp", title="Kelp", url="/kelp", sections=(Section(text=" \n", heading="Facts"),)
    )
    assert not blank.has_text
    assert dataclasses.replace(blank, sections=(*blank.sections, Section(text="Tall."))).has_text


def test_an_article_cannot_be_changed() -> None:
    article = Article(id="kelp", title="Kelp", url="/kelp")
    with pytest.raises(dataclasses.FrozenInstanceError):
        article.title = "Weed"  # type: ignore[misc]  # what is tested

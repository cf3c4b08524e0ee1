"""Excerpts end at a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.articles.card import MAX_EXCERPT, make_excerpt, read_card, render_card
from recommender.article import Article

# Cut at 100 characters, it would end in "evening tid", as cards do that count characters only.
TEASER = (
    "Find out how a row of buoys taught one harbour to read the wind, the swell and the evening "
    "tides, and which of its neighbours want the same for their own moorings next spring."
)


def test_a_long_text_is_cut_at_a_word_with_an_ellipsis() -> None:
    cut = make_excerpt(TEASER, 100)
    assert TEASER[:100].endswith("evening tides, an")
    assert cut == TEASER[: TEASER.index(", and which")] + "…"
    assert len(cut) <= 100


def test_the_character_that_would_be_cut_in_two_words_is_never_the_last() -> None:
    for limit in range(20, len(TEASER)):
        cut = make_excerpt(TEASER, limit)
        assert len(cut) <= limit
        assert cut.removesuffix("…").split()[-1].strip(",.") in TEASER.replace(",", "").split()


def test_a_text_that_fits_is_left_alone() -> None:
    text = "x" * (MAX_EXCERPT - 1) + "."
    assert make_excerpt(text) == text
    assert make_excerpt("") == ""


def test_white_space_of_any_kind_counts_as_one_space() -> None:
    assert make_excerpt("  tall\n\n kelp\t grows \u00a0 fast ") == "tall kelp grows fast"


@given(st.lists(st.sampled_from(["kelp", "Tides.", "a; b", " ", "\n", "\t  ", "\u00a0" * 9])))
def test_white_space_anywhere_makes_no_difference(parts: list[str]) -> None:
    text = " ".join(parts)
    assert make_excerpt(text, 20) == make_excerpt(" ".join(text.split()), 20)


def test_a_sentence_that_nearly_fills_the_room_is_preferred_to_three_more_words() -> None:
    sentence = "The quiet harbour hears every rope. "
    assert make_excerpt(sentence * 4, 80) == (sentence * 2).strip()


def test_initials_end_no_sentence() -> None:
    text = "The harbour asked the keeper of the U.S. Coast Guard for the heights of all its waves."
    assert make_excerpt(text, 50) == "The harbour asked the keeper of the U.S. Coast…"


def test_a_cut_leaves_no_two_words_of_the_next_clause() -> None:
    clause = "Four years on, the pavement of Quarry Lane is cooler"
    for mark in ("; ", ": ", " — "):
        assert make_excerpt(f"{clause}{mark}what they talk about now", 65) == f"{clause}…"


@pytest.mark.parametrize(
    ("text", "excerpt"),
    [
        ("Epub 2020 Mar 6. Kelp grows.", "Kelp grows."),
        ("eCollection 2021 Jan-Dec. Kelp grows.", "Kelp grows."),
        ("6 March 2020.\nKelp grows.", "Kelp grows."),
        ("Print 2021 May.", ""),
        ("Kelp grew. Print 2021 May. So?", "Kelp grew. Print 2021 May. So?"),
        ("It was 1999. Kelp grew.", "It was 1999. Kelp grew."),
        ("In May 2020 kelp grew. Then it died.", "In May 2020 kelp grew. Then it died."),
        ("Kelp May. 2020 was warm.", "Kelp May. 2020 was warm."),
    ],
)
def test_a_line_of_dates_before_the_text_is_left_out_of_its_excerpt(
    text: str, excerpt: str
) -> None:
    card = render_card(Article(id="a", title="A", url="/a"), text)
    assert read_card(card).excerpt == excerpt


def test_a_short_first_sentence_does_not_end_the_excerpt() -> None:
    cut = make_excerpt("Kelp! " + "tall green kelp " * 20, 80)
    assert len(cut) > 60
    assert cut.endswith("…")


def test_scripts_without_spaces_are_cut_at_a_character() -> None:
    cut = make_excerpt("海" * 300)
    assert cut == "海" * (MAX_EXCERPT - 1) + "…"


@pytest.mark.parametrize(
    "sentence",
    ["乳酸菌が生地を酸っぱくします。", "彼は「もう行くの？」", "هل تعرف الخميرة؟ ", "यह रोटी है। "],  # noqa: RUF001
)
def test_sentences_of_other_scripts_end_an_excerpt_too(sentence: str) -> None:
    limit = 2 * len(sentence) + 5
    assert make_excerpt(sentence * 4, limit) == (sentence * 2).strip()


def test_without_spaces_a_text_is_cut_before_a_comma() -> None:
    text = "鋳物鍋は蒸気を閉じ込めるので、皮がぱりっと割れます。"
    assert make_excerpt(text, 20) == "鋳物鍋は蒸気を閉じ込めるので…"


@given(st.text(max_size=400), st.integers(2, 200))
def test_an_excerpt_fits_and_is_a_beginning_of_the_text(text: str, limit: int) -> None:
    plain = " ".join(text.split())
    cut = make_excerpt(text, limit)
    assert len(cut) <= limit
    if len(plain) <= limit:
        assert cut == plain
    else:
        assert plain.startswith((cut, cut.removesuffix("…")))


@given(st.lists(st.text("abcdefg", min_size=1, max_size=12), min_size=30, max_size=60))
def test_no_word_is_ever_broken(words: list[str]) -> None:
    cut = make_excerpt(" ".join(words))
    shown = cut.removesuffix("…").split()
    assert cut.endswith("…") == (len(shown) < len(words))
    assert shown == words[: len(shown)]
    assert len(shown) >= 5

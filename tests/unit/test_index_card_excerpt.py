"""Excerpts end at a word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from index.articles.card import MAX_EXCERPT, make_excerpt

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


def test_a_sentence_that_nearly_fills_the_room_is_preferred_to_three_more_words() -> None:
    sentence = "The quiet harbour hears every rope. "
    assert make_excerpt(sentence * 4, 80) == (sentence * 2).strip()


def test_a_short_first_sentence_does_not_end_the_excerpt() -> None:
    cut = make_excerpt("Kelp! " + "tall green kelp " * 20, 80)
    assert len(cut) > 60
    assert cut.endswith("…")


def test_scripts_without_spaces_are_cut_at_a_character() -> None:
    cut = make_excerpt("海" * 300)
    assert cut == "海" * (MAX_EXCERPT - 1) + "…"


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

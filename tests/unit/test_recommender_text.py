"""The text preparation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.article import Article, Link, LinkKind, Section
from recommender.boilerplate import Boilerplate
from recommender.text import PreparedText, prepare, prepare_opening, without_link_words

NOTHING = Boilerplate(passages={}, labels={}, headings={})


def test_every_section_is_taken_whole_with_its_heading() -> None:
    long = " ".join(f"word{number}" for number in range(2_000))
    article = Article(
        id="buoy",
        title="A buoy that listens",
        url="/buoy",
        sections=(Section(text="It floats."), Section(heading="How it hears", text=long)),
    )
    prepared = prepare(article, NOTHING)
    assert prepared.title == "A buoy that listens"
    assert prepared.body == f"It floats. How it hears {long}"


def test_headings_and_passages_that_the_site_shares_are_left_out() -> None:
    shared = Boilerplate(passages={"ask the harbour master": 9}, labels={}, headings={"facts": 9})
    article = Article(
        id="buoy",
        title="A buoy",
        url="/buoy",
        sections=(
            Section(
                heading="Facts",
                text="It floats because its hull is full of cork. Ask the harbour master.",
            ),
        ),
    )
    assert prepare(article, shared).body == "It floats because its hull is full of cork."


def test_an_opening_has_no_headings_and_no_more_than_an_excerpt_needs() -> None:
    shared = Boilerplate(passages={"ask the harbour master": 9}, labels={}, headings={})
    texts = ("", "It floats.", "Ask the harbour master.", "It hears. " * 999, "It sings.")
    sections = tuple(Section(heading=f"Part {at}", text=text) for at, text in enumerate(texts))
    opening = prepare_opening(Article(id="a", title="A", url="/a", sections=sections), shared)
    assert opening.startswith("It floats. It hears. It hears.")
    assert len(opening) < 3_000
    assert prepare_opening(Article(id="a", title="A", url="/a"), shared) == ""


def test_a_title_alone_is_a_text() -> None:
    prepared = prepare(Article(id="buoy", title="A buoy", url="/buoy"), NOTHING)
    assert prepared.whole == "A buoy"
    assert prepared.body == ""


def test_the_title_ends_as_a_sentence_before_the_body() -> None:
    assert PreparedText(title="A buoy", body="It floats.").whole == "A buoy. It floats."
    assert PreparedText(title="A buoy?", body="It floats.").whole == "A buoy? It floats."


def test_title_and_body_are_told_apart_by_the_digest() -> None:
    one = PreparedText(title="Buoy", body="sfloat")
    other = PreparedText(title="Buoys", body="float")
    assert one.digest() != other.digest()


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_two_texts_have_the_same_digest_only_if_they_are_the_same(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    # Texts reach the recipe without control characters, so none holds the separator.
    texts = [
        PreparedText(title=title.replace("\0", ""), body=body.replace("\0", ""))
        for title, body in (one, other)
    ]
    assert len(texts[0].digest()) == 16
    assert (texts[0].digest() == texts[1].digest()) == (texts[0] == texts[1])


def masked(text: str, words: str, **more: Any) -> str:
    section = Section(text=text, heading=text)
    link = Link(**{"url": "/kelp", "text": words, "section": 0, **more})
    article = Article(id="a", title=text, url="/a", sections=(section, section), links=(link,))
    after = without_link_words(article)
    assert after.title == text
    assert all(section.text == section.heading for section in after.sections)
    return " | ".join(" ".join(section.text.split()) for section in after.sections)


@pytest.mark.parametrize(
    ("text", "words", "left"),
    [
        ("On kelp\nwaves: kelp waves rise.", "kelp waves", "On : rise."),
        ("Kelp waves, kelpish.", "Kelp", "waves, kelpish."),
        ("Ein Tangwald.", "Tang", "Ein wald."),
        ("海藻の森", "海藻", "の森"),
        ("A (b) c", "(b)", "A c"),
        ("Kelp rises.", "", "Kelp rises."),
        ("Kelp rises.", "urchins", "Kelp rises."),
    ],
)
def test_the_words_of_a_link_are_taken_out_of_its_section(text: str, words: str, left: str) -> None:
    rest = " ".join(text.split())
    assert masked(text, words) == f"{left} | {rest}"
    assert masked(text, words, kind=LinkKind.RELATED) == f"{left} | {rest}"
    assert masked(text, words, section=None) == f"{left} | {left}"


def test_words_of_navigation_and_of_no_section_stay() -> None:
    assert masked("Kelp rises.", "Kelp", kind=LinkKind.APART) == "Kelp rises. | Kelp rises."
    assert masked("Kelp rises.", "Kelp", section=7) == "Kelp rises. | Kelp rises."

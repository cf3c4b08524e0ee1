"""Links in a text: which words of which sentence, and what never becomes a link."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.article import Section
from recommender.text_links import LinkBasis, LinkTarget, LinkText, TextLink

COMMON = {"the", "of", "a", "and", "in", "on", "is", "we", "to", "with"}


def weigh(word: str) -> float:
    return 0.0 if word in COMMON else 3.0


def text(*sections: str, closed: Sequence[Sequence[str]] | None = None) -> LinkText:
    parts = [Section(text=each, heading="Kelp gardens") for each in sections]
    return LinkText(parts, closed or [()] * len(parts), weigh)


def words(links: Sequence[TextLink], *sections: str) -> list[str]:
    return [sections[link.section][slice(*link.words)] for link in links]


KELP = LinkTarget(row=1, score=0.6, title="Kelp gardens of the north")
TRAM = LinkTarget(row=2, score=0.5, title="A tram line", names=("the new night tram",))
STORY = "We sailed on Monday. Divers planted kelp gardens of the far north, and rested."


def test_words_of_the_title_are_linked_where_most_of_them_stand_together() -> None:
    (link,) = text(STORY).find_links([KELP])
    assert words([link], STORY) == ["kelp gardens of the far north"]
    assert STORY[slice(*link.sentence)].startswith("Divers planted")
    assert link.basis is LinkBasis.TITLE
    assert 0 < link.score < KELP.score


def test_a_title_is_found_in_a_script_with_vowel_signs() -> None:
    story = "यह एक दिन है। हम हिन्दी भाषा सीखते हैं।"
    target = LinkTarget(row=1, score=0.6, title="हिन्दी भाषा")
    assert words(text(story).find_links([target]), story) == ["हिन्दी भाषा"]


def test_words_by_which_other_pages_link_to_an_article_are_the_best() -> None:
    story = "A tram came late. It was the new night tram of the line."
    (link,) = text(story).find_links([TRAM])
    assert words([link], story) == ["the new night tram"]
    assert link.basis is LinkBasis.NAME


def test_a_name_is_linked_whole_but_for_the_capital_with_which_a_sentence_begins() -> None:
    target = dataclasses.replace(KELP, title="Care of kelp gardens")
    inside, label = "The Big Kelp Gardens Trust grows it.", "ABSTRACT Kelp gardens grow."
    assert words(text(inside).find_links([target]), inside) == ["Big Kelp Gardens Trust"]
    assert words(text(label).find_links([target]), label) == ["Kelp gardens"]


def test_a_word_or_two_by_which_one_page_links_are_no_name() -> None:
    story = "It was told in blog posts. Then kelp grew."
    once = dataclasses.replace(KELP, names=("blog posts",))
    twice = dataclasses.replace(KELP, names=("blog posts", "Blog posts"))
    assert words(text(story).find_links([once]), story) != ["blog posts"]
    assert words(text(story).find_links([twice]), story) == ["blog posts"]


def test_who_names_a_whole_title_means_the_article_however_loosely_it_is_related() -> None:
    story = "As Kelp gardens of the north told, the town grew on kelp."
    loose = dataclasses.replace(KELP, score=0.02)
    assert words(text(story).find_links([loose]), story) == ["Kelp gardens of the north"]
    assert not text("The town grew on kelp gardens.").find_links([loose])


def test_a_whole_title_is_linked_over_its_comma() -> None:
    story = "Read To ship, you need a yard before you sail."
    target = LinkTarget(row=3, score=0.5, title="To ship, you need a yard")
    assert words(text(story).find_links([target]), story) == ["To ship, you need a yard"]


@pytest.mark.parametrize(
    "story",
    [
        "She wrote “kelp gardens of the north” once.",
        'She wrote "kelp gardens of the north" once.',
        "Sie schrieb „kelp gardens of the north“ einmal.",
        "She wrote ‘it’s kelp gardens of the north’ once.",  # noqa: RUF001
        "She wrote “kelp gardens of the north\n“and” of more.",
        "Sie schrieb »kelp gardens of the north« einmal.",
        "彼は『kelp gardens of the north』と書いた。",
        "Kelp gardens of the north\n=====\nWe sailed.",
        "See [kelp gardens of the north][1] first.",
        "Run `kelp gardens north` first.",
        "```\nkelp gardens of the north\n```",
        "> kelp gardens of the north",
        "## kelp gardens of the north",
        "See [kelp gardens of the north](/kelp).",
        "See https://example.org/kelp-gardens-north/kelp first.",
    ],
)
def test_quotations_code_headings_and_links_are_never_linked(story: str) -> None:
    assert text(story).find_links([KELP]) == []


def test_passages_that_the_source_marks_are_never_linked() -> None:
    closed = [("kelp gardens\nof the far north",)]
    assert text(STORY, closed=closed).find_links([KELP]) == []
    other = f"{STORY} The gardens of the north grow."
    (link,) = text(other, closed=closed).find_links([KELP])
    assert words([link], other) == ["gardens of the north"]


def test_there_is_one_link_to_a_target_and_no_word_is_linked_twice() -> None:
    story = f"{STORY} More kelp gardens of the north. We like kelp gardens of the north."
    again = LinkTarget(row=7, score=0.4, title="Gardens of kelp in the north")
    links = text(story).find_links([KELP, again], most=10)
    assert sorted(link.row for link in links) == [1, 7]
    first, second = sorted(link.words for link in links)
    assert first[1] <= second[0]
    assert len({each.casefold() for each in words(links, story)}) == 2


def test_there_are_at_most_so_many_links_for_a_hundred_words() -> None:
    names = [f"{one}{two}" for one in "bcdfg" for two in ("arn", "elt", "irro", "ove")]
    targets = [
        LinkTarget(row=row, score=0.5, title=f"{name} harbour") for row, name in enumerate(names)
    ]
    story = " ".join(f"We saw the {name} harbour and slept on the boat." for name in names)
    found = text(story)
    assert found.word_count == 200
    assert len(found.find_links(targets)) == 2
    assert len(found.find_links(targets, most=20)) == 20


def test_words_that_other_pages_use_are_varied() -> None:
    story = f"{STORY} Gardens of the north are cold."
    (link,) = text(story).find_links([KELP], used=["Kelp gardens of the far north"])
    assert words([link], story) != ["kelp gardens of the far north"]


def test_plurals_and_genitives_are_the_same_word() -> None:
    story = "We walked in the north's kelp garden."
    assert words(text(story).find_links([KELP]), story) == ["north's kelp garden"]


def test_text_without_spaces_is_linked_too() -> None:
    story = "昨日、海藻の森を歩いた。"
    target = LinkTarget(row=4, score=0.5, title="海藻の森")
    assert words(text(story).find_links([target]), story) == ["海藻の森"]


@given(st.lists(st.text(alphabet='kelp gardens“”"`>#[]()@.,\n海藻', max_size=60), max_size=4))
def test_any_text_gives_links_within_their_sentences(sections: list[str]) -> None:
    for link in text(*sections).find_links([KELP, TRAM], most=9, least=0.0):
        (start, end), (first, last) = link.sentence, link.words
        assert 0 <= start <= first < last <= end <= len(sections[link.section])

"""Phrases: what an article is about, and what two of them share."""

from __future__ import annotations

import numpy as np
import pytest
import stopwordsiso
from hypothesis import given
from hypothesis import strategies as st

from recommender.keyphrases import NO_PHRASE, PER_ARTICLE, Phrases, extract_phrases
from recommender.shared_phrases import (
    MAX_SHARED,
    SharedPhrases,
    distinct_phrases,
    shared_in_lists,
)
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus


def phrases_of(*bodies: str, language: str = "en") -> Phrases:
    texts = [PreparedText(title="", body=body) for body in bodies]
    return extract_phrases(tokenize_corpus(texts), [language])


def names(phrases: Phrases, article: int) -> list[str]:
    return [phrases.names[i] for i in phrases.rows[article].tolist() if i != NO_PHRASE]


def shared_phrases(mine: list[int], theirs: list[int], names: list[str]) -> list[str]:
    return SharedPhrases(mine, names).shared_with(theirs)


def share(phrases: Phrases, one: int, other: int) -> list[str]:
    mine, theirs = phrases.rows[one].tolist(), phrases.rows[other].tolist()
    return shared_phrases(mine, theirs, phrases.names)


KELP = [
    "The kelp forest slows the waves. A kelp forest feeds urchins.",
    "Urchins graze the kelp forest, and waves take the rest.",
    "A choir sings the winter verse of an old song.",
    "The winter verse is what the choir forgets.",
]


def test_articles_about_one_thing_share_its_name_as_a_pair_of_words() -> None:
    phrases = phrases_of(*KELP)
    assert share(phrases, 0, 1)[0] == "kelp forest"
    assert "winter verse" in share(phrases, 2, 3)


def test_articles_about_different_things_share_nothing() -> None:
    phrases = phrases_of(*KELP)
    assert share(phrases, 0, 2) == []


def test_a_pair_never_reaches_across_a_stop_word_or_a_mark() -> None:
    phrases = phrases_of("slow kelp, forest of waves", "old kelp, forest or waves")
    assert {"kelp", "forest", "waves"} <= set(phrases.names)
    assert not {"kelp forest", "forest waves"} & set(phrases.names)


def test_a_pair_that_lacks_its_noun_is_none() -> None:
    bodies = [f"The {kind} bull kelp grows. Rocks {kind}." for kind in ("giant", "giant", "old")]
    phrases = phrases_of(*bodies, *["A bull kelp bed is dark."] * 3)
    assert "bull kelp" in phrases.names
    assert "giant bull" not in phrases.names, "kelp always follows, and mostly nothing before it"


def test_a_pair_that_always_stands_in_a_longer_name_is_called_by_it() -> None:
    scan = "A magnetic resonance imaging scan{} of a shell."
    phrases = phrases_of(*[scan.format(more) for more in ("", "ner", "s")], *["A shell."] * 3)
    assert "magnetic resonance imaging" in phrases.names
    assert not {"magnetic resonance", "resonance imaging"} & set(phrases.names)


@pytest.mark.parametrize(
    "bodies",
    [
        ["A bull kelp bed.", "A bull kelp bed.", "A bull kelp."],
        ["A bull kelp bed.", "A bull kelp bed.", "A bull kelp, bed."],
        ["A bull kelp bed.", "A bull kelp bed.", "A bull kelp forest."],
        ["A bull kelp bed.", "A bull kelp bed."],
        ["A bull kelp of the sea."] * 3,
        ["A bull kelp 17."] * 3,
    ],
    ids=["alone once", "a mark between", "another word", "twice in all", "stop word", "number"],
)
def test_what_may_stand_beside_a_pair_is_no_part_of_its_name(bodies: list[str]) -> None:
    assert "bull kelp" in phrases_of(*bodies, *["A dark shell."] * 3).names


def test_a_long_name_is_spelled_as_it_mostly_is() -> None:
    told = [f"The Kelp Protection Agency {did} it." for did in ("counts", "weighs", "maps", "is")]
    phrases = phrases_of(*told, "A kelp protection agency.", *["An agency: protection, kelp."] * 4)
    assert "Kelp Protection Agency" in phrases.names


def test_a_pair_never_reaches_into_the_next_article() -> None:
    phrases = phrases_of("tall kelp", "forest bell", "tall kelp", "forest bell")
    assert "kelp forest" not in phrases.names
    assert {"tall kelp", "forest bell"} <= set(phrases.names)


def test_stop_words_numbers_and_words_of_reporting_are_no_phrases() -> None:
    body = "The study of 2024 shows that 12 patients and the kelp were measured after 7-8 weeks."
    phrases = phrases_of(body, body)
    assert phrases.names == ["kelp"]


def test_a_word_that_only_one_article_has_cannot_be_shared() -> None:
    phrases = phrases_of("kelp and urchins", "kelp and otters")
    assert set(phrases.names) == {"kelp"}


def test_a_word_that_every_article_of_a_site_uses_explains_nothing() -> None:
    topics = ["kelp", "choir", "bridge", "oven", "ferry", "owl", "tram", "reef"] * 3
    phrases = phrases_of(*(f"harbour news about {topic}" for topic in topics))
    assert "harbour" not in phrases.names
    assert "kelp" in phrases.names
    assert share(phrases, 0, 8) == ["kelp"]


def test_a_word_is_printed_as_it_mostly_is() -> None:
    phrases = phrases_of("NMOSD in adults", "nmosd in children", "NMOSD and vision")
    assert "NMOSD" in phrases.names
    assert "nmosd" not in phrases.names


def test_two_letters_count_only_as_an_acronym() -> None:
    phrases = phrases_of("UV hurts nerves, ox by ox", "UV heals no nerves, ox by ox")
    assert "UV" in phrases.names
    assert "ox" not in phrases.names


NAMED = [
    "Give vitamin D and rest. Hepatitis C is rare. Old T cells wait, and CD4 T cells hunt.",
    "Low vitamin D deficiency. Not hepatitis C, but the T cells, and CD4 T cells.",
    "Vitamin D, vitamin D deficiency. For hepatitis C virus and T cells.",
]


@pytest.mark.parametrize("name", ["vitamin D", "hepatitis C", "T cells"])
def test_a_letter_ends_or_begins_a_name(name: str) -> None:
    assert name.casefold() in [shared.casefold() for shared in phrases_of(*NAMED).names]


@pytest.mark.parametrize("rest", ["D deficiency", "C virus", "CD4 T", "D", "C", "T"])
def test_what_is_left_of_a_longer_name_is_none(rest: str) -> None:
    assert rest.casefold() not in [shared.casefold() for shared in phrases_of(*NAMED).names]


def test_a_name_with_a_letter_is_shared_whole() -> None:
    shared = share(phrases_of(*NAMED), 0, 2)
    assert {"vitamin D", "T cells"} <= set(shared)
    assert not {"vitamin", "cells"} & set(shared)


@pytest.mark.parametrize(
    "body",
    [
        "A kelp is a bed and a kelp. I dive for a kelp I like. Kelp A new bed.",
        "Kelp i, kelp a, kelp d.",
        "Kelp 2 and kelp 40. Dive 3, kelp 7-8.",
    ],
)
def test_a_letter_that_is_a_word_or_in_a_list_names_nothing(body: str) -> None:
    assert {shared.casefold() for shared in phrases_of(body, body).names} <= {"kelp", "bed", "dive"}


def test_capitals_by_themselves_are_another_word_than_small_letters() -> None:
    bodies = ["A vitamin A. Take a vitamin d today.", "A dose of vitamin A and a vitamin d today."]
    names = phrases_of(*bodies).names
    assert "vitamin d" not in [name.casefold() for name in names]


@pytest.mark.parametrize("name", ["C++", "C#"])
def test_a_language_of_programs_keeps_its_signs(name: str) -> None:
    phrases = phrases_of(f"We wrote it in {name}.", f"The {name} standard. Yours, C.")
    assert phrases.names == [name]


def test_a_pair_is_spelled_as_the_pair_mostly_is() -> None:
    tax = "A tax, a tax, the tax."
    phrases = phrases_of(f"{tax} In Tax Court.", f"{tax} The Tax Court.", "A Court, no tax court.")
    assert {"tax", "Court", "Tax Court"} <= set(phrases.names)


def test_initials_are_a_part_of_names_and_no_phrase_alone() -> None:
    body = "A broader U.S. Senate sat, e.g. longer, by the U.S. until 5 p.m. today."
    names = phrases_of(body, f"So {body}").names
    assert "U.S. Senate" in names
    assert not {"U.S.", "U", "broader U", "e.g.", "p.m."} & set(names)


def test_words_of_method_stand_behind_those_of_subjects() -> None:
    method = (
        "A systematic meta-analysis of randomized ozanimod, meta-analysis, randomized controlled."
    )
    phrases = phrases_of(method, method, *[f"Ozanimod of {n}." for n in ("kelp", "reef", "owl")])
    assert share(phrases, 0, 1)[0].casefold() == "ozanimod"
    assert "meta-analysis" in share(phrases, 0, 1)


@pytest.mark.parametrize("languages", [["de"], ["de-at"], []])
def test_stop_words_follow_the_language_named_or_found(languages: list[str]) -> None:
    bodies = ["Der Chor und die Strophe sind nicht das Lied", "Das Lied ist nicht der Chor"]
    corpus = tokenize_corpus([PreparedText(title="", body=body) for body in bodies])
    phrases = extract_phrases(corpus, languages)
    assert {name.casefold() for name in phrases.names} == {"chor", "lied"}
    assert "nicht" in stopwordsiso.stopwords("de")


def test_each_article_keeps_its_best_only() -> None:
    words = " and ".join(f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(90))
    phrases = phrases_of(words, words, "one thing")
    assert phrases.rows.shape == (3, PER_ARTICLE)
    assert phrases.rows.dtype == np.int32
    assert (phrases.rows[:2] != NO_PHRASE).all()
    assert (phrases.rows[2] == NO_PHRASE).all()


def test_shared_phrases_repeat_no_word() -> None:
    listed = ["kelp forest", "kelp", "forests", "urchin"]
    rows = [0, 1, 2, 3, NO_PHRASE]
    assert shared_phrases(rows, rows, listed) == ["kelp forest", "urchin"]


@pytest.mark.parametrize(
    ("first", "again", "other"),
    [
        ("accessibility", "accessible", "accept"),
        ("dependencies", "dependency", "depth"),
        ("Währung", "Währungen", "Wahl"),
        ("elektronische", "elektronischen", "Elektrolyse"),
        ("story", "stories", "stone"),
        ("Einkaufsrechnung", "Einkaufsrechnungen", "Einkaufsgutschrift"),
    ],
)
def test_shared_phrases_repeat_no_word_in_another_form(first: str, again: str, other: str) -> None:
    assert distinct_phrases(range(3), [first, again, other], 9) == [0, 2]
    assert distinct_phrases(range(3), [f"{again} kelp", first, other], 9) == [0, 2]


def test_names_with_signs_or_numbers_that_begin_the_same_are_two() -> None:
    listed = ["get_priority_max", "get_priority_min", "interleukin17", "interleukin23"]
    assert distinct_phrases(range(4), listed, 9) == [0, 1, 2, 3]


def test_one_article_has_phrases_or_none_but_never_fails() -> None:
    assert phrases_of("Kelp slows waves.").rows.shape == (1, PER_ARTICLE)
    assert phrases_of("").names == []


rows = st.lists(st.integers(0, 19), unique=True, max_size=12).map(
    lambda found: found + [NO_PHRASE] * (14 - len(found))
)


@given(rows, rows)
def test_shared_phrases_are_few_in_both_and_the_same_either_way(
    mine: list[int], theirs: list[int]
) -> None:
    listed = [f"{chr(97 + number)}phrase" for number in range(20)]
    shared = shared_phrases(mine, theirs, listed)
    both = (set(mine) & set(theirs)) - {NO_PHRASE}
    assert len(shared) == min(MAX_SHARED, len(both))
    assert set(shared) <= {listed[phrase] for phrase in both}
    assert shared == shared_phrases(theirs, mine, listed)


def test_of_phrases_that_say_a_word_again_the_first_is_kept() -> None:
    names = ["relapse", "Relapses", "relapse rate", "fatigue", "sleep", "fatigue and sleep"]
    assert distinct_phrases(range(6), names, 9) == [0, 3, 4]
    assert distinct_phrases([5, 4, 0], names, 9) == [5, 0]
    assert distinct_phrases(range(6), names, 2) == [0, 3]


@given(st.lists(st.tuples(rows, st.lists(rows, min_size=3, max_size=3)), min_size=1, max_size=5))
def test_lists_share_with_each_article_what_the_two_share(
    lists: list[tuple[list[int], list[list[int]]]],
) -> None:
    listed = [f"{chr(97 + number % 15)}phrase" for number in range(20)]  # some say the same
    mine = np.array([own for own, _ in lists], dtype=np.int32)
    theirs = np.array([others for _, others in lists], dtype=np.int32)
    assert [*shared_in_lists(mine, theirs, listed)] == [
        [shared_phrases(own, other, listed) for other in others] for own, others in lists
    ]

"""A text that is in no build is about what an article of the same words would be about."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.keyphrases import NO_PHRASE, emphasis, extract_phrases, find_known_phrases
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus

BODIES = [
    "Vitamin D and T cells. A systematic view of vitamin D, in a cohort of swimmers.",
    "A systematic view: T cells, vitamin D, swimmers. C++ for a cohort.",
    "C++ and T cells, for swimmers.",
]


def found_in(body: str, names: list[str]) -> list[str]:
    corpus = tokenize_corpus([PreparedText(title="", body=body)])
    weights = np.array([emphasis(name) for name in names], dtype=np.float32)
    (found,) = find_known_phrases(corpus, range(len(names)), names, weights)
    return [names[phrase] for phrase in found.tolist() if phrase != NO_PHRASE]


@pytest.mark.parametrize("row", range(3))
def test_a_text_has_the_phrases_of_its_twin_in_the_corpus(row: int) -> None:
    phrases = extract_phrases(
        tokenize_corpus([PreparedText(title="", body=body) for body in BODIES]), ["en"]
    )
    texts = tokenize_corpus([PreparedText(title="", body=BODIES[at]) for at in (row, 0)])
    everything = range(len(phrases.names))
    found = find_known_phrases(texts, everything, phrases.names, phrases.weights)
    assert found.tolist() == phrases.rows[[row, 0]].tolist()


def test_a_letter_is_found_as_the_capital_that_it_is() -> None:
    assert found_in("Much vitamin D.", ["vitamin D"]) == ["vitamin D"]
    assert found_in("A vitamin a day, vitamin d.", ["vitamin A", "vitamin D"]) == []


def test_words_of_method_come_last() -> None:
    assert found_in("Cohort, cohort, cohort of kelp.", ["cohort", "kelp"]) == ["kelp", "cohort"]


def test_a_name_of_more_than_two_words_is_found_whole() -> None:
    names = ["Kelp Protection Agency", "Kelp Protection Agency", "kelp"]
    assert found_in("The kelp protection agency counts kelp.", names) == names
    assert found_in("Kelp protection, an agency.", names) == ["kelp"]

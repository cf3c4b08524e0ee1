"""What sentences say of pairs of articles: the strongest evidence first, and only what is so."""

from __future__ import annotations

from typing import Any

import pytest

from recommender import Recommender
from recommender.encoder import HashingEncoder

OTHERS = [
    {"id": f"other-{number}", "title": f"{word} bread", "text": f"{word} {number} {word}s rise."}
    for number, word in enumerate(("Rye", "Oat", "Spelt", "Barley", "Corn", "Rice"))
]


def why(one: dict[str, Any], other: dict[str, Any]) -> str:
    """What is said of the second article in the list of the first."""
    site = Recommender(encoder=HashingEncoder(64))
    records = [{"id": "one", **one}, {"id": "other", **other}, *OTHERS]
    site.fit([{**record, "language": "en"} for record in records])
    return site.explain("one", "other").sentence


KELP = {"title": "Kelp and waves", "text": "Tall forests calm the surf."}


def test_a_text_that_names_the_others_title_is_said_to_name_it() -> None:
    urchins = {"title": "Urchins", "text": "They graze. See kelp and waves, our first piece."}
    assert "the text names “Kelp and waves”" in why(urchins, KELP)
    assert "its text names “Kelp and waves”" in why(KELP, urchins)


@pytest.mark.parametrize(
    "text", ["Waves break where kelp and urchins live.", "Kelp. And waves.", "Kelp waves and surf."]
)
def test_a_text_that_has_only_the_titles_words_does_not_name_it(text: str) -> None:
    assert "names" not in why({"title": "Urchins", "text": text}, KELP)


def test_a_title_of_one_telling_word_is_not_named() -> None:
    assert "names" not in why(
        {"title": "Urchins", "text": "All about the kelp."}, {**KELP, "title": "The kelp"}
    )


def test_shared_tags_and_authors_are_named() -> None:
    one = {"title": "Tides", "text": "Moon pull.", "tags": ["Sea", "Moon"], "authors": ["Ann Reed"]}
    other = {"title": "Gulls", "text": "White birds.", "tags": ["sea"], "authors": ["Ann Reed"]}
    assert why(one, other) == "Both are tagged “Sea”, and both are by Ann Reed."


def test_at_most_two_reasons_are_given_the_strongest_first() -> None:
    one = {
        "title": "Kelp farms",
        "text": "Kelp ropes hang in bays.",
        "tags": ["Sea"],
        "authors": ["Ann"],
    }
    other = {
        "title": "Kelp ropes",
        "text": "Kelp ropes in cold bays.",
        "tags": ["Sea"],
        "authors": ["Ann"],
    }
    said = why(one, other)
    assert said.startswith("Both mention “")
    assert said.count("oth ") == 2
    assert said.endswith("both are tagged “Sea”.")


def test_where_nothing_can_be_named_nothing_is() -> None:
    said = why({"title": "Tides", "text": "Moon pull."}, {"title": "Gulls", "text": "White birds."})
    assert said in ("Close in meaning.", "Nothing in common was found.")


def test_words_that_say_nothing_are_not_named() -> None:
    said = why(
        {"title": "Tides", "text": "In 2024 the moon was here, and it is 7 m."},
        {"title": "Gulls", "text": "In 2024 the birds were here, and it was 7 m."},
    )
    assert said in ("Close in meaning.", "Nothing in common was found.")

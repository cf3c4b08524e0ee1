"""What the pages of a site share is learned, and left out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.article import Article, Section
from recommender.boilerplate import Boilerplate, learn_boilerplate, shape, split_sentences

FOOTER = "This page is no advice; ask the harbour master before you sail."
FERRY = "The ferry came in late because its crew had slept."


def article(number: int, *texts: str, heading: str = "") -> Article:
    sections = tuple(Section(text=text, heading=heading) for text in texts)
    return Article(id=f"a{number}", title=f"Title {number}", url=f"/{number}", sections=sections)


def own(number: int) -> str:
    names = ["Alpha", "Bravo", "Cedar", "Delta", "Ebony", "Flint", "Grove", "Heron"]
    return f"the {names[number % 8].lower()} boat number {'x' * (number + 1)} left the quay"


def learn(articles: list[Article]) -> Boilerplate:
    return learn_boilerplate(articles, len(articles))


def test_a_sentence_that_many_articles_repeat_is_removed_and_nothing_else() -> None:
    articles = [article(i, f"{own(i).capitalize()}. {FOOTER}") for i in range(8)]
    boilerplate = learn(articles)
    for i, page in enumerate(articles):
        assert boilerplate.clean(page.sections[0].text) == f"{own(i).capitalize()}."


def test_three_articles_that_say_the_same_share_no_boilerplate() -> None:
    articles = [article(i, f"{own(i)}. {FOOTER}") for i in range(3)]
    assert len(learn(articles)) == 0


def test_on_a_large_site_one_in_two_hundred_is_the_least() -> None:
    articles = [article(i, f"{own(i)}. " + (FOOTER if i < 9 else "")) for i in range(2_000)]
    assert shape(FOOTER) not in learn(articles).passages
    articles[9:10] = [article(9, f"{own(9)}. {FOOTER}")]
    assert learn(articles).passages[shape(FOOTER)] == 10


def test_numbers_case_and_outer_marks_make_no_other_passage() -> None:
    assert shape("— Record 4711, seen 12 times.") == shape("Record 22, SEEN 7 times!")
    articles = [article(i, f"{own(i)}. Record {i * 37}, seen {i} times.") for i in range(6)]
    assert "Record" not in learn(articles).clean(articles[3].sections[0].text)


def test_a_label_before_a_new_beginning_is_removed_from_its_sentence() -> None:
    articles = [article(i, f"AIMS: {own(i).capitalize()}.") for i in range(6)]
    assert learn(articles).clean("AIMS: The last boat stayed.") == "The last boat stayed."


def test_a_first_word_that_belongs_to_its_sentence_is_no_label() -> None:
    articles = [article(i, f"Boats like {own(i)}.") for i in range(8)]
    assert learn(articles).clean("Boats like ours stay.") == "Boats like ours stay."


def test_a_heading_that_all_pages_have_says_nothing_of_one() -> None:
    articles = [article(i, own(i), heading="Key Facts:") for i in range(5)]
    boilerplate = learn(articles)
    assert boilerplate.is_shared_heading("key facts")
    assert not boilerplate.is_shared_heading("How the buoys work")


def test_a_short_line_between_a_shared_passage_and_the_edge_goes_with_it() -> None:
    articles = [article(i, f"{own(i)}.\n{FOOTER}\nDock {own(i)[:8]}.") for i in range(5)]
    cleaned = learn(articles).clean(f"{FERRY}\n{FOOTER}\nDock Nine.")
    assert cleaned == FERRY


@pytest.mark.parametrize(
    "text", ["鋳物鍋は蒸気を閉じ込めます。", "يحفظ القدر البخار.", "הסיר שומר אדים."]
)
def test_letters_without_case_make_no_name_beside_a_shared_passage(text: str) -> None:
    articles = [article(i, f"{own(i)}.\n{FOOTER}") for i in range(5)]
    assert learn(articles).clean(f"{text}\n{FOOTER}") == text


def test_one_article_or_none_has_no_boilerplate() -> None:
    assert len(learn([])) == 0
    assert learn([article(0, f"{FOOTER} {FOOTER}")]).clean(FOOTER) == FOOTER


def test_what_was_learned_survives_being_written_as_json() -> None:
    learned = learn([article(i, f"AIMS: {own(i).title()}. {FOOTER}") for i in range(6)])
    assert learned.labels
    again = Boilerplate(**json.loads(json.dumps(learned.by_kind())))
    text = f"AIMS: {FERRY} {FOOTER}"
    assert again.clean(text) == learned.clean(text) == FERRY


@pytest.mark.parametrize("mark", [".", "!", "?", "…\n", "\n\n"])
def test_sentences_end_at_marks_and_lines(mark: str) -> None:
    assert len(split_sentences(f"One boat{mark} Two boats")) == 2


@pytest.mark.parametrize("sentence", ["He said: “Go home.”", "(It was late.)", "Why [sic]?"])
def test_a_sentence_keeps_the_quotation_marks_and_brackets_that_it_closes(sentence: str) -> None:
    text = f"{sentence} It rained."
    assert split_sentences(text) == [sentence, "It rained."]
    shared = Boilerplate(passages={shape(FOOTER): 9}, labels={}, headings={})
    assert shared.clean(f"{text} {FOOTER}") == text


@pytest.mark.parametrize("name", ["U.S. Web Design", "J.R.R. Tolkien", "tea (e.g. green tea)"])
def test_no_sentence_ends_after_initials(name: str) -> None:
    assert split_sentences(f"They told of {name}. It rained.") == [
        f"They told of {name}.",
        "It rained.",
    ]
    learned = learn([article(i, f"{own(i)} {own(i + 9)} made the {name}.") for i in range(6)])
    assert learned.clean(f"All about the {name}.") == f"All about the {name}."


@given(st.lists(st.text(max_size=80), max_size=12), st.text(max_size=200))
def test_cleaning_only_ever_takes_words_away_in_order(texts: list[str], text: str) -> None:
    learned = learn([article(i, page or "x", page) for i, page in enumerate(texts)])
    left = iter("".join(text.split()))
    assert all(character in left for character in "".join(learned.clean(text).split()))


@given(st.text(alphabet="a1 \n.<²", max_size=40))
def test_every_word_that_holds_a_digit_counts_as_one_number(text: str) -> None:
    words = ["0" if any(c.isdecimal() for c in word) else word for word in text.casefold().split()]
    marks = " \t\r.,;:!?…*_|·•–—-()[]{}<>\"'“”‘’«»"  # noqa: RUF001 - the marks are meant
    assert shape(text) == " ".join(words).strip(marks)


@pytest.mark.parametrize("word", ["A" * 400_000, "<" * 400_000, "a" * 400_000 + " 1"])
def test_a_word_without_end_is_read_once_not_once_per_letter(word: str) -> None:
    shared = Boilerplate(passages={"q": 9}, labels={"Q": 9}, headings={})
    assert shared.clean(word) == word, "a quadratic reading would take a quarter of an hour"
    assert len(shape(word)) <= len(word)


NOUNS = ["Hafen", "Markt", "Fluss", "Wald", "Turm", "Deich", "Garten", "Speicher"]
VERBS = ["studied", "counted", "mapped", "closed", "opened", "painted", "sold", "found"]


@pytest.mark.parametrize(
    "sentence",
    [
        "Let's Encrypt {verb} the certificates of the {name} harbour.",
        "Harbor Light Institute {verb} this for one winter in {name}.",
        "WHO Europe {verb} the boats of {name}.",
        "WordPress {verb} a theme for {name}.",
        "Der {noun} liegt bei {name} an der Elbe, und der Weg dahin ist kurz.",
        "Wenn Sie den {noun} bei {name} suchen, folgen Sie dem Weg.",
        "Auf der {noun}-Seite von {name} steht der Weg, und wie Sie dahin kommen.",
        "Ziel: {noun} und {name}, dazu der Weg an der Elbe.",
        "A total of {number} boats left {name}.",
        "Am {number}. Mai öffnet der {noun} von {name}.",
        "Dr. {name} {verb} the boats, as others do.",
        "Of these, {number} came back to {name}.",
    ],
)
def test_a_part_of_a_sentence_is_never_cut_as_a_label(sentence: str) -> None:
    sentences = [
        sentence.format(verb=VERBS[i], noun=NOUNS[i], name=f"{NOUNS[-i]}stadt", number=40 + i)
        for i in range(8)
    ]
    boilerplate = learn([article(i, text) for i, text in enumerate(sentences)])
    assert [boilerplate.clean(text) for text in sentences] == sentences


@pytest.mark.parametrize("label", ["ABSTRACT", "Key Takeaway", "Summary", "Ziel:", "Objective"])
def test_a_label_before_sentences_of_all_kinds_is_cut(label: str) -> None:
    beginnings = ["The boats", "We saw", "In the bay", "This is", "The quay", "There we", "We met"]
    sentences = [f"{text} {own(i)}, as we saw in the bay." for i, text in enumerate(beginnings)]
    rest = "And in the bay, where this boat is, the others there saw what we met."
    articles = [article(i, f"{label} {text} {rest}") for i, text in enumerate(sentences)]
    boilerplate = learn(articles)
    for text in sentences:
        assert boilerplate.clean(f"{label} {text}") == text

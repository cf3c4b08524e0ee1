"""Evidence: each kind against a slow computation by its definition."""

import numpy as np
import pytest

from recommender.arrays import IN_MEMORY
from recommender.evidence import DEFAULT_WEIGHTS, KINDS, PairData, compare
from recommender.labels import LabelNumbers, Labels, label_row
from recommender.lexical import weigh_terms
from recommender.neighbors import NO_ROW
from recommender.term_counts import CorpusTerms, count_corpus
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus
from recommender.visibility import NO_DAY

TEXTS = [
    PreparedText(title="Kelp and waves", body="Urchins graze where kelp is thin."),
    PreparedText(title="Sea urchins", body="Waves bend over kelp and slow down."),
    PreparedText(title="Otters", body="Otters eat urchins, so kelp grows and waves slow."),
    PreparedText(title="Trams at night", body="The last tram leaves at one."),
    PreparedText(title="A tram or a bike", body="Trams are faster than bikes at night."),
]
TAGS = [["Sea", "kelp"], ["sea"], ["SEA", "otter"], ["city"], ["city", "bike"]]
AUTHORS = [["Ann"], ["Bo"], ["Ann", "Bo"], [], ["Cy"]]
DAYS = np.array([100, 130, NO_DAY, 160, 100], dtype=np.int32)
EVERY = np.tile(np.arange(5, dtype=np.int32), (5, 1))


def kind(name: str) -> int:
    return [one.name for one in KINDS].index(name)


@pytest.fixture(scope="module")
def terms() -> CorpusTerms:
    return count_corpus(tokenize_corpus(TEXTS))


@pytest.fixture(scope="module")
def corpus(terms: CorpusTerms) -> PairData:
    lexical = weigh_terms(terms)
    vectors = np.random.default_rng(1).normal(size=(5, 8)).astype(np.float32)
    tags, authors = LabelNumbers(), LabelNumbers()
    for row in range(5):
        tags.add(row, TAGS[row])
        authors.add(row, AUTHORS[row])
    return PairData(
        embeddings=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        terms=lexical.weights,
        titles=lexical.titles,
        tags=tags.labels().vectors(5, IN_MEMORY, "tags"),
        authors=authors.labels().vectors(5, IN_MEMORY, "authors"),
        days=DAYS,
    )


def words(text: str) -> set[str]:
    return set(text.lower().replace(".", "").replace(",", "").split())


def test_a_text_names_a_title_by_the_idf_of_the_titles_words_that_stand_in_it(
    corpus: PairData,
) -> None:
    found = compare(corpus, corpus, EVERY)
    whole = [words(f"{text.title} {text.body}") for text in TEXTS]
    holders = {word: sum(word in one for one in whole) for one in whole for word in one}
    idf = {word: 0.5 + np.log(6 / (1 + count)) for word, count in holders.items()}
    rarest = max(value for word, value in idf.items() if holders[word] > 1)
    idf = {word: value if holders[word] > 1 else rarest for word, value in idf.items()}
    for one in range(5):
        for other in range(5):
            title = words(TEXTS[other].title)
            share = sum(idf[word] for word in title if word in whole[one] and holders[word] > 1)
            share /= sum(idf[word] for word in title)
            assert found[one, other, kind("names")] == pytest.approx(share, abs=1e-5)
            assert found[other, one, kind("named")] == pytest.approx(share, abs=1e-5)


def test_tags_and_authors_count_by_what_is_shared_and_rare(corpus: PairData) -> None:
    found = compare(corpus, corpus, EVERY)
    tags, authors = found[..., kind("tags")], found[..., kind("authors")]
    assert tags[0, 1] == pytest.approx(1.0)  # "kelp" stands once and says nothing
    assert tags[0, 3] == tags[1, 4] == 0
    assert tags[3, 4] == pytest.approx(1.0)
    assert authors[0, 2] == pytest.approx(2**-0.5)
    assert authors[3].tolist() == [0] * 5


def test_dates_count_by_the_months_between_them(corpus: PairData) -> None:
    found = compare(corpus, corpus, EVERY)[..., kind("dates")]
    assert found[0, 1] == pytest.approx(-np.log(2))
    assert found[0, 4] == 0
    assert np.isnan(found[2]).all()
    assert np.isnan(found[:, 2]).all()


def test_meaning_and_words_are_inner_products(corpus: PairData) -> None:
    found = compare(corpus, corpus, EVERY)
    assert np.allclose(found[..., kind("meaning")], corpus.embeddings @ corpus.embeddings.T)
    assert np.allclose(found[..., kind("words")], (corpus.terms @ corpus.terms.T).toarray())


def test_places_without_a_row_change_nothing(corpus: PairData) -> None:
    rows = np.array([[3, 1, NO_ROW], [NO_ROW, NO_ROW, NO_ROW]], dtype=np.int32)
    found = compare(corpus.take(np.array([0, 4])), corpus, rows)
    assert np.allclose(found[0, :2], compare(corpus, corpus, EVERY)[0, [3, 1]], equal_nan=True)


def test_kinds_without_weight_are_not_computed(corpus: PairData) -> None:
    found = compare(corpus, corpus, EVERY, DEFAULT_WEIGHTS)
    assert np.isnan(found[..., kind("dates")]).all()
    assert np.isfinite(found[..., kind("tags")]).all()


def test_labels_of_a_draft_count_as_those_of_an_article(corpus: PairData) -> None:
    idf = np.array([np.sqrt(np.log(6 / 4)), 0, 0, np.sqrt(np.log(6 / 3)), 0])  # of 5 articles
    draft = label_row([0, 2], idf)  # sea and otter
    assert np.allclose(draft.toarray(), corpus.tags[2].toarray())
    assert label_row([], idf).nnz == 0


def test_labels_weigh_what_was_frozen_and_later_ones_nothing() -> None:
    rows, numbers = np.array([0, 0, 1, 2, 2], np.int32), np.array([0, 1, 0, 1, 2], np.int32)
    frozen = Labels(rows, numbers, 3, np.array([3.0, 4.0]))
    found = frozen.vectors(3, IN_MEMORY, "tags").toarray()
    assert np.allclose(found, [[0.6, 0.8, 0], [1, 0, 0], [0, 1, 0]])

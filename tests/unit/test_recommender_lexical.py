"""Counting and weighing words."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.lexical import apply_weights, weigh_terms
from recommender.neighbors import NO_ROW
from recommender.postings import make_postings, search_postings
from recommender.term_counts import count_corpus, count_terms
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus


def texts(*bodies: str) -> list[PreparedText]:
    return [PreparedText(title="", body=body) for body in bodies]


def weights_of(*bodies: str):
    return weigh_terms(count_corpus(tokenize_corpus(texts(*bodies)))).weights


def test_equal_texts_have_the_largest_similarity_of_all():
    weights = weights_of("kelp forest wave", "kelp forest wave", "kelp bread", "bread oven")
    similar = (weights @ weights.T).toarray()
    assert similar[0, 1] == np.max(similar[0])
    assert similar[0, 1] > similar[0, 2] > similar[0, 3] == 0


def test_a_rare_shared_word_counts_more_than_a_common_one():
    bodies = ["kelp reef", "kelp wall", "reef sand"] + [f"reef stone{i}" for i in range(8)]
    similar = (weights_of(*bodies) @ weights_of(*bodies).T).toarray()
    assert similar[0, 1] > similar[0, 2]


def test_a_shared_pair_counts_more_than_the_same_words_apart():
    weights = weights_of("heat pump", "the heat pump", "pump of heat", "heat", "pump")
    similar = (weights @ weights.T).toarray()
    assert similar[0, 1] > similar[0, 2]


def test_words_that_no_other_article_holds_make_it_less_like_others():
    short, long = (
        (weights @ weights.T).toarray()[0, 1]
        for weights in (
            weights_of("kelp wave", "kelp", "bread"),
            weights_of("kelp wave " + " ".join(f"own{i}" for i in range(30)), "kelp", "bread"),
        )
    )
    assert long < short


def test_no_row_is_longer_than_one():
    weights = weights_of("a bee sees a bee", "bee", "wall of bees", "")
    lengths = np.sqrt(weights.multiply(weights).sum(axis=1))
    assert np.all(lengths <= 1 + 1e-6)
    assert lengths[3] == 0


def test_hyphenated_words_meet_their_parts():
    weights = weights_of(
        "anti-CD20 therapy", "CD20 antibodies", "quiet therapy", "quiet antibodies"
    )
    assert (weights @ weights.T).toarray()[0, 1] > 0


def test_scripts_without_spaces_share_pairs_of_characters():
    weights = weights_of("多発性硬化症の研究", "多発性硬化症", "パンの発酵", "パンの発酵について")
    similar = (weights @ weights.T).toarray()
    assert similar[0, 1] > similar[0, 2]


def test_a_draft_counted_against_a_known_vocabulary_gets_the_same_weights():
    known = count_corpus(
        tokenize_corpus(texts("kelp forest wave", "kelp forest sand", "bread oven", "bread"))
    )
    vectors = weigh_terms(known)
    draft = count_terms(
        tokenize_corpus(texts("kelp forest wave")), known.vocabulary, known.pair_keys
    )
    found = apply_weights(draft, vectors.idf)
    assert np.allclose(found.toarray()[0], vectors.weights.toarray()[0], atol=1e-6)


@settings(max_examples=40)
@given(
    st.lists(
        st.lists(st.sampled_from([f"w{i}" for i in range(30)]), max_size=12).map(" ".join),
        min_size=2,
        max_size=25,
    )
)
def test_candidates_are_the_true_nearest_where_nothing_is_pruned(bodies):
    weights = weights_of(*bodies)
    similar = (weights @ weights.T).toarray()
    answers = search_postings(weights, make_postings(weights), 5).rows
    for row, found in enumerate(answers):
        found = found[found != NO_ROW]
        assert len(set(found.tolist())) == len(found) <= 5
        best = np.sort(similar[row][similar[row] > 0])[::-1][: len(found)]
        assert np.allclose(np.sort(similar[row][found])[::-1], best, atol=1e-5)

"""The words of a build, read back: a draft is weighed as the build weighed its articles."""

from dataclasses import replace

import numpy as np

from index.build.build import CENTERING, Build
from index.building.learn_stage import carried_calibration
from index.files import load_array
from recommender.boilerplate import Boilerplate
from recommender.lexical import apply_weights
from recommender.term_counts import count_terms
from recommender.text import prepare
from recommender.tokenizer import tokenize_corpus
from tests.support.whole_lexicon import load_lexicon


def test_an_article_given_as_a_draft_gets_the_weights_that_the_build_gave_it(sample_build: Build):
    words, pair_keys, lexical = load_lexicon(sample_build)
    boilerplate = Boilerplate(**sample_build.read_json("boilerplate.json"))
    for row in range(0, sample_build.count, 17):
        text = prepare(sample_build.article(row), boilerplate)
        draft = apply_weights(count_terms(tokenize_corpus([text]), words, pair_keys), lexical.idf)
        stored = lexical.weights[row].toarray()
        assert stored.any()
        assert np.allclose(draft.toarray(), stored, atol=1e-5)


def test_words_that_the_build_does_not_know_make_a_draft_less_like_all_of_it(sample_build: Build):
    words, pair_keys, lexical = load_lexicon(sample_build)
    boilerplate = Boilerplate(**sample_build.read_json("boilerplate.json"))
    text = prepare(sample_build.article(0), boilerplate)
    longer = type(text)(title=text.title, body=text.body + " zyxo qwervy plimb drosk" * 3)
    plain, diluted = (
        apply_weights(count_terms(tokenize_corpus([one]), words, pair_keys), lexical.idf)
        for one in (text, longer)
    )
    own = lexical.weights[0]
    assert 0 < (diluted @ own.T).sum() < (plain @ own.T).sum()


def test_the_scale_is_carried_to_the_next_build_of_the_same_model(sample_build: Build):
    encoder = sample_build.manifest.encoder
    centering = load_array(sample_build.checked(CENTERING))
    carried = carried_calibration(sample_build, encoder, centering)
    assert carried is not None
    assert all(deviation > 0 for deviation in carried.deviations)
    other = replace(encoder, sha256="0" * 64)
    assert carried_calibration(sample_build, other, centering) is None
    assert carried_calibration(sample_build, encoder, np.ones((2, encoder.dim))) is None
    assert carried_calibration(None, encoder, centering) is None

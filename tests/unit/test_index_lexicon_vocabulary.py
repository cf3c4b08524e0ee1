"""Words looked up where they lie give the weights that the whole lexicon gives."""

import pytest

from index.build.build import Build
from index.build.lexicon import Vocabulary
from recommender.boilerplate import Boilerplate
from recommender.lexical import apply_weights
from recommender.term_counts import count_terms
from recommender.text import PreparedText, prepare
from recommender.tokenizer import tokenize_corpus
from tests.support.whole_lexicon import load_lexicon

ODD = PreparedText(
    title="Anti-CD20 zyxo, 東京大学 and 2.5 mg",
    body="zyxo zyxo — sleep sleep quality; 睡眠の質 sleep-quality. The the THE.",
)


@pytest.fixture(scope="module")
def vocabulary(sample_build: Build) -> Vocabulary:
    return Vocabulary(sample_build.checked)


def test_a_text_gets_the_weights_that_the_whole_lexicon_gives_it(sample_build, vocabulary):
    words, pair_keys, lexical = load_lexicon(sample_build)
    boilerplate = Boilerplate(**sample_build.read_json("boilerplate.json"))
    texts = [prepare(sample_build.article(row), boilerplate) for row in range(0, 120, 17)]
    corpus = tokenize_corpus([*texts, ODD, PreparedText(title="Zyxo", body="")])
    whole = apply_weights(count_terms(corpus, words, pair_keys), lexical.idf)
    found = vocabulary.weigh(corpus)
    assert found.shape == whole.shape
    assert found.has_sorted_indices
    assert abs(found - whole).max() < 1e-6
    assert found[len(texts)].nnz > 0
    assert found[len(texts) + 1].nnz == 0

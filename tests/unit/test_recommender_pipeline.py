"""Lists and scores are those that docs/relevance.md describes, computed another way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from recommender.encoder import HashingEncoder, embed_texts
from recommender.evidence import KINDS
from recommender.faiss_index import build_index
from recommender.labels import LabelNumbers
from recommender.lexical import weigh_terms
from recommender.parameters import RankingParameters
from recommender.pipeline import CorpusArticles, relate
from recommender.term_counts import count_corpus
from recommender.tokenizer import tokenize_corpus
from tests.support.exact_lists import WEIGHTS, ExactSite, Page, draw_pages

ENCODER = HashingEncoder(48)
NO_DATE = np.iinfo(np.int32).min


def catalogue(pages: list[Page]) -> CorpusArticles:
    texts = [page.text for page in pages]
    embeddings = embed_texts(ENCODER, texts)
    tags, authors = LabelNumbers(), LabelNumbers()
    for row, page in enumerate(pages):
        tags.add(row, page.tags)
        authors.add(row, page.authors)
    days = [NO_DATE if page.day is None else page.day for page in pages]
    return CorpusArticles(
        embeddings=embeddings,
        index=build_index(embeddings),
        lexical=weigh_terms(count_corpus(tokenize_corpus(texts))),
        texts=texts,
        languages=np.array([page.language for page in pages], dtype=np.int32),
        dates=np.array(days, dtype=np.int32),
        tags=tags.labels(),
        authors=authors.labels(),
        superseded={
            row: page.replaces for row, page in enumerate(pages) if page.replaces is not None
        },
        visible=np.array([page.visible for page in pages]),
        weights=np.array([page.weight for page in pages], dtype=np.float32),
    )


def check(seed: int, count: int, depth: int, candidates: int, weights: dict[str, float]) -> None:
    pages = draw_pages(seed, count)
    texts = [page.text for page in pages]
    wholes, titles = (
        ENCODER.encode(some).astype(np.float64)
        for some in ([text.whole for text in texts], [text.title for text in texts])
    )
    options = {
        "depth": depth,
        "recipe": RankingParameters(candidates=candidates),
        "weights": [weights[kind.name] for kind in KINDS],
    }
    found = relate(catalogue(pages), adopt=False, **options)
    listed = found.lists.scores[found.lists.rows >= 0]
    assume(not (listed < 1e-5).any())  # what is as close as by chance may be listed or not
    ranked = [rows[rows >= 0].tolist() for rows in found.candidates.rows]
    exact = ExactSite(pages, wholes, titles, depth, ranked, candidates, weights)
    assume(not exact.unsure)
    assert found.calibration.hub == exact.hub
    assert np.array_equal(np.unique(exact.story, return_inverse=True)[1], found.stories.of)
    lists = [rows[rows >= 0].tolist() for rows in found.lists.rows]
    for row, listed in enumerate(lists):
        exact.check(row, listed, found.lists.scores[row][: len(listed)].tolist())
    expected = exact.adopt(lists)
    assume(not exact.unsure)
    adopted = relate(catalogue(pages), **options).lists.rows
    assert [rows[rows >= 0].tolist() for rows in adopted] == expected


SITES = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "count": st.integers(20, 60),
        "depth": st.sampled_from([9, 50]),
        "candidates": st.sampled_from([64, 12]),
        "weights": st.one_of(
            st.just(WEIGHTS), st.fixed_dictionaries({name: st.floats(0.01, 1) for name in WEIGHTS})
        ),
    }
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(SITES)
def test_lists_are_those_of_the_documented_formulas(site):
    check(**site)


@pytest.mark.full
@pytest.mark.timeout(1_800)
@settings(max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
@given(SITES)
def test_lists_of_many_sites_are_those_of_the_documented_formulas(site):
    check(**site)

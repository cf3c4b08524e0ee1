"""What embeddings say only of their language is found and taken out of them."""

from __future__ import annotations

import numpy as np

from recommender.centering import LEAST_ARTICLES, learn_centering
from recommender.encoder import center, normalized

TOPICS, DIM = 40, 64


def pages(languages: int) -> tuple[np.ndarray, np.ndarray]:
    """The same topics in several languages, each of which lies somewhere else."""
    generator = np.random.default_rng(3)
    topics = generator.normal(size=(TOPICS, DIM))
    places = 12 + 8 * generator.normal(size=(languages, DIM))
    noise = 0.3 * generator.normal(size=(languages, TOPICS, DIM))
    told = topics + places[:, None] + noise
    embeddings = normalized(told.reshape(-1, DIM), origin="test")
    return embeddings, np.repeat(np.arange(1, languages + 1, dtype=np.int32), TOPICS)


def share_found(embeddings: np.ndarray) -> float:
    """How many pages of the first language are nearest to themselves in the second."""
    cosines = embeddings[:TOPICS] @ embeddings[TOPICS : 2 * TOPICS].T
    return float((cosines.argmax(axis=1) == np.arange(TOPICS)).mean())


def test_the_nearest_page_of_another_language_is_the_same_page() -> None:
    embeddings, languages = pages(3)
    centering = learn_centering(embeddings, languages)
    assert centering.shape == (3, DIM)
    centered = center(embeddings, centering, origin="test")
    assert share_found(embeddings) < 0.9
    assert share_found(centered) == 1
    assert np.allclose(np.linalg.norm(centered, axis=1), 1, atol=1e-5)
    alone = center(embeddings[:1], centering, origin="test")  # nobody need know its language
    assert np.allclose(alone, centered[:1], atol=1e-6)


def test_a_corpus_in_one_language_stays_as_it_is() -> None:
    embeddings, languages = pages(2)
    few = np.where(np.arange(len(languages)) >= TOPICS + LEAST_ARTICLES - 1, 0, languages)
    for spoken in (np.ones_like(languages), np.zeros_like(languages), few):
        centering = learn_centering(embeddings, spoken)
        assert len(centering) == 0
        assert center(embeddings, centering, origin="test") is embeddings


def test_an_empty_text_s_zeros_stay() -> None:
    embeddings, languages = pages(2)
    embeddings[5] = 0
    centered = center(embeddings, learn_centering(embeddings, languages), origin="test")
    assert not centered[5].any()
    assert centered[6].any()

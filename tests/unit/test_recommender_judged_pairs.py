"""Judged pairs as training data: nothing in it may repeat the judgment itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from recommender.encoder import Embeddings, HashingEncoder, embed_texts
from recommender.faiss_index import build_index
from recommender.labels import NO_LABELS
from recommender.learning.judged_pairs import JudgedPairs, training_seeds
from recommender.learning.training_seeds import TrainingSeeds
from recommender.lexical import weigh_terms
from recommender.neighbors import no_neighbors
from recommender.pipeline import CorpusArticles, PipelineResult, relate
from recommender.term_counts import CorpusTerms, count_corpus
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus

ENCODER = HashingEncoder(64)
COUNT = 24
SEED, TARGET, COPY = 0, 7, 23


def encode(texts: Sequence[PreparedText]) -> Embeddings:
    return embed_texts(ENCODER, texts)


def texts() -> list[PreparedText]:
    generator = np.random.default_rng(2)
    words = [f"word{number}" for number in range(40)]
    found = [
        PreparedText(
            title=f"heading{row} mark{row}",
            body=" ".join(generator.choice(words, size=30)),
        )
        for row in range(COUNT)
    ]
    seed = found[SEED]
    found[SEED] = replace(seed, body=f"{seed.body} heading{TARGET} mark{TARGET}")
    found[COPY] = found[SEED]
    return found


@pytest.fixture(scope="module")
def related() -> tuple[PipelineResult, CorpusTerms]:
    prepared = texts()
    terms = count_corpus(tokenize_corpus(prepared))
    embeddings = encode(prepared)
    result = relate(
        CorpusArticles(
            embeddings=embeddings,
            index=build_index(embeddings),
            lexical=weigh_terms(terms),
            texts=prepared,
            languages=np.zeros(COUNT, dtype=np.int32),
            dates=np.zeros(COUNT, dtype=np.int32),
            tags=NO_LABELS,
            authors=NO_LABELS,
            superseded={},
            visible=np.ones(COUNT, dtype=bool),
            weights=np.ones(COUNT, dtype=np.float32),
        )
    )
    return result, terms


def judged(*pairs: tuple[int, int, int], linked: Sequence[tuple[int, int]] = ()) -> JudgedPairs:
    seeds, targets, grades = np.array(pairs, dtype=np.int32).T
    return JudgedPairs(
        seeds=seeds,
        targets=targets,
        grades=grades.astype(np.float32),
        linked=np.array(linked, dtype=np.int32).reshape(-1, 2),
        texts={},
        encode=encode,
    )


def trained(found: tuple[PipelineResult, CorpusTerms], pairs: JudgedPairs) -> TrainingSeeds | None:
    result, terms = found
    candidates = no_neighbors(COUNT, COUNT)
    for row in range(COUNT):
        candidates.rows[row, :-1] = np.delete(np.arange(COUNT), row)
        candidates.scores[row, :-1] = np.linspace(3, 1, COUNT - 1)
    return training_seeds(
        pairs,
        result.pairs,
        candidates,
        result.nearest,
        result.stories,
        result.calibration,
        terms,
        weigh_terms(terms).idf,
    )


def evidence_of_target(found: tuple[PipelineResult, CorpusTerms], pairs: JudgedPairs) -> np.ndarray:
    seeds = trained(found, pairs)
    assert seeds is not None
    place = int(np.argmax(seeds.grades[0]))
    assert seeds.grades[0, place] == 1
    return seeds.features[0, place]


def test_the_words_of_a_link_are_no_evidence_for_what_it_leads_to(
    related: tuple[PipelineResult, CorpusTerms],
) -> None:
    pairs = judged((SEED, TARGET, 1))
    whole = texts()[SEED]
    masked = replace(whole, body=whole.body.replace(f"heading{TARGET} mark{TARGET}", ""))
    leaked = evidence_of_target(related, pairs)
    clean = evidence_of_target(related, replace(pairs, texts={SEED: masked}))
    meaning, words, names = 0, 1, 2
    assert clean[names] < leaked[names] - 1
    assert clean[words] < leaked[words]
    assert clean[meaning] < leaked[meaning]


def test_an_article_whose_text_links_to_the_seed_is_left_out(
    related: tuple[PipelineResult, CorpusTerms],
) -> None:
    pairs = judged((SEED, TARGET, 1), (SEED, 5, 1), linked=[(TARGET, SEED)])
    seeds = trained(related, pairs)
    assert seeds is not None
    assert (seeds.grades[0] > 0).sum() == 1
    assert seeds.ideal.tolist() == [1.0]
    assert trained(related, judged((SEED, TARGET, 1), linked=[(TARGET, SEED)])) is None


def test_the_article_itself_and_its_story_are_no_candidates(
    related: tuple[PipelineResult, CorpusTerms],
) -> None:
    result, _ = related
    assert result.stories.of[SEED] == result.stories.of[COPY]
    seeds = trained(related, judged((SEED, TARGET, 1), (SEED, COPY, 1)))
    assert seeds is not None
    assert seeds.valid[0].sum() == COUNT - 2
    assert seeds.ideal.tolist() == [1.0]


def test_grades_count_as_gains_and_of_two_judgments_the_later(
    related: tuple[PipelineResult, CorpusTerms],
) -> None:
    seeds = trained(related, judged((3, 4, 1), (3, 5, 2), (3, 6, 1), (3, 6, 0)))
    assert seeds is not None
    assert sorted(seeds.grades[0][seeds.grades[0] > 0].tolist()) == [1, 3]
    assert seeds.ideal[0] == pytest.approx(3 + 1 / np.log2(3))


def test_seeds_without_a_related_article_teach_nothing(
    related: tuple[PipelineResult, CorpusTerms],
) -> None:
    assert trained(related, judged((3, 4, 0))) is None


def test_of_closed_lists_only_what_was_judged_is_compared(
    related: tuple[PipelineResult, CorpusTerms],
) -> None:
    judged_ones = replace(judged((3, 4, 1), (3, 9, 2), (5, 6, 1)), closed=True)
    seeds = trained(related, judged_ones)
    assert seeds is not None
    assert len(seeds) == 1  # of the other list nothing can be compared
    assert seeds.valid[0].sum() == 2
    assert sorted(seeds.grades[0][seeds.valid[0]].tolist()) == [1, 3]
    opened = trained(related, replace(judged_ones, closed=False))
    assert opened is not None
    alike = seeds.features[0][seeds.valid[0]][:, None] == opened.features[0][opened.grades[0] > 0]
    assert alike.all(axis=2).any(axis=1).all()  # the same evidence, whatever else is judged


def test_too_many_seeds_are_drawn_from() -> None:
    pairs = judged(*((seed, seed + 1, 1) for seed in range(20)))
    some = pairs.draw(5)
    assert len(np.unique(some.seeds)) == 5
    assert some.seeds.tolist() == pairs.draw(5).seeds.tolist()

"""What is each kind of evidence and each step of the ranking worth, and what does it cost?

``python -m benchmarks.ablation --data DIR`` (without it: the sample's series): one kind or step off
in turn, and fixed recipes; nDCG@10 on every judged set, seconds for everything outside the encoder.
What has no gain anywhere would be deleted.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from benchmarks.corpora import (
    CachedEncoder,
    Corpus,
    data_folder,
    family,
    load_corpora,
    say,
    table,
)
from recommender.boilerplate import SAMPLE, learn_boilerplate
from recommender.encoder import TITLE_SHARE, Embeddings, normalized
from recommender.evidence import DEFAULT_WEIGHTS, KINDS
from recommender.faiss_index import build_index
from recommender.labels import LabelNumbers
from recommender.lexical import weigh_terms
from recommender.parameters import DEFAULT_RECIPE, USUAL_WEIGHTS, RankingParameters
from recommender.pipeline import CorpusArticles, relate
from recommender.ranking_metrics import measure_seed
from recommender.sentence_encoder import load_encoder
from recommender.term_counts import CorpusTerms, count_corpus
from recommender.text import PreparedText, prepare
from recommender.tokenizer import tokenize_corpus
from recommender.visibility import day_number

_CHUNK = 4_096  # as a build encodes, so that what it encoded is found in the cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The pipeline with something else.

    Attributes:
        name: For the table.
        recipe: The figures.
        weights: Of each kind of evidence.
        without: The kind of evidence whose weight is 0.
        title_share: See :data:`recommender.encoder.TITLE_SHARE`.
        cleaned: Whether boilerplate is taken out.
        adopt: Whether orphans are given a place.
    """

    name: str
    recipe: RankingParameters = DEFAULT_RECIPE
    weights: Sequence[float] = DEFAULT_WEIGHTS
    without: str = ""
    title_share: float = TITLE_SHARE
    cleaned: bool = True
    adopt: bool = True


def step(name: str, **changed: Any) -> Variant:
    """A variant with other parameters of the ranking."""
    return Variant(name=name, recipe=replace(DEFAULT_RECIPE, **changed))


def fixed(name: str, *, say: float = 0.0, hub: float = 0.0, **weights: float) -> Variant:
    """A recipe that is the same for all sites, without adoption."""
    return Variant(
        name=name,
        recipe=replace(DEFAULT_RECIPE, neighbors_say=say, hub_strengths=(hub,)),
        weights=[weights.get(kind.name, 0.0) for kind in KINDS],
        adopt=False,
    )


VARIANTS = (
    Variant(name="everything"),
    *(
        Variant(
            name=f"no {kind.name}",
            weights=[0.0 if other is kind else USUAL_WEIGHTS[other.name] for other in KINDS],
            without=kind.name,
        )
        for kind in KINDS
        if USUAL_WEIGHTS[kind.name]
    ),
    step("no neighbors' say", neighbors_say=0.0),
    step("no hub correction", hub_strengths=(0.0,)),
    Variant(name="no adoption", adopt=False),
    step("no diversity", diversity=0.0),
    step("no word pairs", pair_share=0.0),
    *(step(f"{count} candidates of each kind", candidates=count) for count in (32, 48, 96)),
    Variant(name="no title embedding", title_share=0.0),
    Variant(name="no boilerplate removal", cleaned=False),
    fixed("0.7 meaning, 0.3 words, full say", meaning=0.7, words=0.3, say=1.0),
    fixed("0.6 meaning, 0.4 words", meaning=0.6, words=0.4),
    fixed("the same, both mentions 0.1", meaning=0.6, words=0.4, names=0.1, named=0.1),
    fixed("the same, hub 0.2", meaning=0.6, words=0.4, names=0.1, named=0.1, hub=0.2),
    fixed("0.65, 0.3, mentions, say 0.3", meaning=0.65, words=0.3, names=0.1, named=0.1, say=0.3),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A corpus encoded once, for all variants."""

    texts: list[PreparedText]
    wholes: Embeddings
    titles: Embeddings
    terms: CorpusTerms


def encode(encoder: CachedEncoder, texts: list[str]) -> Embeddings:
    """Encode in the chunks of a build."""
    parts = [encoder.encode(texts[i : i + _CHUNK]) for i in range(0, len(texts), _CHUNK)]
    return np.concatenate(parts)


def prepare_corpus(corpus: Corpus, encoder: CachedEncoder, *, cleaned: bool) -> Prepared:
    """Texts as a build prepares them, or as they came."""
    texts, articles = corpus.texts, corpus.articles
    if cleaned:
        sample = articles[:: max(1, len(articles) // SAMPLE)]
        boilerplate = learn_boilerplate(sample, len(sample))
        texts = [prepare(article, boilerplate) for article in articles]
    return Prepared(
        texts=texts,
        wholes=encode(encoder, [text.whole for text in texts]),
        titles=encode(encoder, [text.title for text in texts]),
        terms=count_corpus(tokenize_corpus(texts)),
    )


def measure(
    corpus: Corpus, prepared: Prepared, variant: Variant
) -> tuple[dict[str, float], dict[str, float]]:
    """nDCG@10 by judged set; and the seconds that relating took, orphans and the largest hub."""
    mixed = prepared.wholes + variant.title_share * prepared.titles
    embeddings = normalized(mixed, origin="the benchmark")
    count = len(corpus.articles)
    tags, authors = LabelNumbers(), LabelNumbers()
    for row, article in enumerate(corpus.articles):
        tags.add(row, article.tags)
        authors.add(row, article.authors)
    start = time.perf_counter()
    related = relate(
        CorpusArticles(
            embeddings=embeddings,
            index=build_index(embeddings),
            lexical=weigh_terms(prepared.terms, variant.recipe),
            texts=prepared.texts,
            languages=np.zeros(count, dtype=np.int32),
            dates=np.array([day_number(article) for article in corpus.articles], dtype=np.int32),
            tags=tags.labels(),
            authors=authors.labels(),
            superseded={},
            visible=np.ones(count, dtype=bool),
            weights=np.ones(count, dtype=np.float32),
        ),
        recipe=variant.recipe,
        weights=variant.weights,
        adopt=variant.adopt,
    )
    seconds = time.perf_counter() - start
    ids = corpus.ids
    lists = {
        own: [ids[row] for row in rows if row >= 0]
        for own, rows in zip(ids, related.lists.rows, strict=True)
    }
    figures = {
        judged_set: float(
            np.mean([measure_seed(lists[s], grades)[0] for s, grades in some.items()])
        )
        for judged_set, some in corpus.judged.items()
    }
    health = related.health
    orphans, hub = health["orphans"] / count, health["largest_hub"]
    return figures, {"seconds": seconds, "orphans": orphans, "largest_hub": hub}


def main() -> None:
    """Run the benchmark."""
    arguments = data_folder(argparse.ArgumentParser(description=__doc__)).parse_args()
    encoder = CachedEncoder(load_encoder())
    figures: dict[str, dict[str, float]] = {variant.name: {} for variant in VARIANTS}
    health: dict[str, list[dict[str, float]]] = {variant.name: [] for variant in VARIANTS}
    for corpus in load_corpora(arguments.data):
        by_cleaning = {
            cleaned: prepare_corpus(corpus, encoder, cleaned=cleaned) for cleaned in (True, False)
        }
        for variant in VARIANTS:
            label = variant.without if variant.without in ("tags", "authors") else ""
            if label and not any(getattr(article, label) for article in corpus.articles):
                found = {name: figures["everything"][name] for name in corpus.judged}
                state = health["everything"][-1]
            else:
                found, state = measure(corpus, by_cleaning[variant.cleaned], variant)
            figures[variant.name].update(found)
            health[variant.name].append(state)
            say(f"{corpus.name}: {variant.name} {state['seconds']:.1f} s")
    sets = sorted(figures["everything"])
    result: dict[str, dict[str, float]] = {}
    for name, found in figures.items():
        families = [[found[s] for s in some] for _, some in groupby(sets, key=family)]
        states = health[name]
        result[name] = {
            "macro_ndcg10": round(float(np.mean([np.mean(some) for some in families])), 4),
            "seconds": round(sum(state["seconds"] for state in states), 2),
            "orphans": round(float(np.mean([state["orphans"] for state in states])), 4),
            "largest_hub": round(max(state["largest_hub"] for state in states), 4),
        }
    whole = result["everything"]
    rows = [
        [
            name,
            *(f"{figures[name][judged_set]:.4f}" for judged_set in sets),
            f"{some['macro_ndcg10']:.4f}",
            f"{some['macro_ndcg10'] - whole['macro_ndcg10']:+.4f}",
            f"{some['orphans']:.1%}",
            f"{some['largest_hub']:.1%}",
            f"{some['seconds'] - whole['seconds']:+.1f} s",
        ]
        for name, some in result.items()
    ]
    header = ["", *sets, "macro", "change", "orphans, mean", "hub, largest", "time"]
    print(table(header, rows))
    print(json.dumps({"variants": result}))


if __name__ == "__main__":
    main()

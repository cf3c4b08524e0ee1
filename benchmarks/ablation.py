"""What is each stage of the recipe worth, and what does it cost?

``python -m benchmarks.ablation --data DIR`` (without it: the sample's series): one stage off in
turn, nDCG@10 on every judged set, seconds for everything outside the encoder. A stage without gain
would be deleted.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.corpora import CachedEncoder, Corpus, data_folder, load_corpora, say, table
from recommender.article import Article, Section
from recommender.boilerplate import SAMPLE, learn_boilerplate
from recommender.encoder import TITLE_SHARE, Embeddings, normalized
from recommender.faiss_index import build_index
from recommender.parameters import DEFAULT_RECIPE, RankingParameters
from recommender.pipeline import CorpusArticles, relate
from recommender.ranking_metrics import measure_relevance
from recommender.sentence_encoder import load_encoder
from recommender.term_counts import CorpusTerms, count_corpus
from recommender.text import PreparedText, prepare
from recommender.tokenizer import tokenize_corpus

_CHUNK = 4_096  # as a build encodes, so that what it encoded is found in the cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One stage off.

    Attributes:
        name: For the table.
        recipe: The figures.
        title_share: See :data:`recommender.encoder.TITLE_SHARE`.
        cleaned: Whether boilerplate is taken out.
        adopt: Whether orphans are given a place, which is off by default.
    """

    name: str
    recipe: RankingParameters = DEFAULT_RECIPE
    title_share: float = TITLE_SHARE
    cleaned: bool = True
    adopt: bool = False


VARIANTS = (
    Variant(name="everything"),
    Variant(name="no diversity", recipe=replace(DEFAULT_RECIPE, diversity=0.0)),
    Variant(name="no diffusion", recipe=replace(DEFAULT_RECIPE, diffusion_neighbors=0)),
    Variant(name="no word pairs", recipe=replace(DEFAULT_RECIPE, pair_share=0.0)),
    Variant(name="no words", recipe=replace(DEFAULT_RECIPE, dense_weight=1.0)),
    Variant(name="no embeddings", recipe=replace(DEFAULT_RECIPE, dense_weight=0.0)),
    Variant(name="no title embedding", title_share=0.0),
    Variant(name="no boilerplate removal", cleaned=False),
    Variant(name="with orphans adopted", adopt=True),
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
    texts = corpus.texts
    if cleaned:
        articles = [
            Article(id=i, title=text.title, url="/", sections=(Section(text=text.body),))
            for i, text in zip(corpus.ids, texts, strict=True)
        ]
        sample = articles[:: max(1, len(articles) // SAMPLE)]
        boilerplate = learn_boilerplate(sample, len(sample))
        texts = [prepare(article, boilerplate) for article in articles]
    return Prepared(
        texts=texts,
        wholes=encode(encoder, [text.whole for text in texts]),
        titles=encode(encoder, [text.title for text in texts]),
        terms=count_corpus(tokenize_corpus(texts)),
    )


def measure(corpus: Corpus, prepared: Prepared, variant: Variant) -> tuple[dict[str, float], float]:
    """nDCG@10 by judged set, and the seconds that relating took."""
    mixed = prepared.wholes + variant.title_share * prepared.titles
    embeddings = normalized(mixed, origin="the benchmark")
    count = len(corpus.ids)
    start = time.perf_counter()
    related = relate(
        CorpusArticles(
            embeddings=embeddings,
            index=build_index(embeddings),
            terms=prepared.terms,
            texts=prepared.texts,
            languages=np.zeros(count, dtype=np.int32),
            dates=np.zeros(count, dtype=np.int32),
            superseded={},
            visible=np.ones(count, dtype=bool),
            weights=np.ones(count, dtype=np.float32),
        ),
        recipe=variant.recipe,
        adopt=variant.adopt,
    )
    seconds = time.perf_counter() - start
    rows = {article_id: row for row, article_id in enumerate(corpus.ids)}
    figures = {}
    for judged_set, judged in corpus.judged.items():
        lists = {
            seed: [corpus.ids[row] for row in related.lists.rows[rows[seed]] if row >= 0]
            for seed in judged
        }
        figures[judged_set] = measure_relevance(lists, judged).ndcg10.mean
    return figures, seconds


def main() -> None:
    """Run the benchmark."""
    arguments = data_folder(argparse.ArgumentParser(description=__doc__)).parse_args()
    encoder = CachedEncoder(load_encoder())
    figures: dict[str, dict[str, float]] = {variant.name: {} for variant in VARIANTS}
    seconds: dict[str, float] = dict.fromkeys(figures, 0.0)
    for corpus in load_corpora(arguments.data):
        by_cleaning = {
            cleaned: prepare_corpus(corpus, encoder, cleaned=cleaned) for cleaned in (True, False)
        }
        for variant in VARIANTS:
            found, spent = measure(corpus, by_cleaning[variant.cleaned], variant)
            figures[variant.name].update(found)
            seconds[variant.name] += spent
            say(f"{corpus.name}: {variant.name}")
    sets = sorted(figures["everything"])
    macro = {name: float(np.mean([found[s] for s in sets])) for name, found in figures.items()}
    rows = [
        [
            name,
            *(f"{figures[name][judged_set]:.4f}" for judged_set in sets),
            f"{macro[name]:.4f}",
            f"{macro['everything'] - macro[name]:+.4f}",
            f"{seconds['everything'] - seconds[name]:+.1f} s",
        ]
        for name in figures
    ]
    print(table(["", *sets, "macro", "the stage's gain", "its cost"], rows))
    result = {
        name: {"macro_ndcg10": round(macro[name], 4), "seconds": round(seconds[name], 2)}
        for name in figures
    }
    print(json.dumps({"variants": result}))


if __name__ == "__main__":
    main()

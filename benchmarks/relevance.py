"""How good are the lists? AlsoLike against what a site would otherwise do, on judged sets.

``python -m benchmarks.relevance --data DIR`` (without it: the sample's series). Every method ranks
the whole corpus for every seed, an article with at least three related ones (one on a blog), the
seed left out, ties by id. ``alsolike`` is a real build, its lists read as a reader gets them
before pins, hides, the page's own links and fallbacks. ``seconds`` is everything that a method does
for all articles of the corpus, encoding included.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import bm25s
import numpy as np
import scipy.sparse as sp
import tantivy
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.corpora import (
    OUT,
    CachedEncoder,
    Corpus,
    data_folder,
    family,
    load_corpora,
    say,
    table,
)
from index.articles.parse import FieldMapping
from index.articles.record import Record
from index.build.build import Build
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.query import Fallback, RelatedQuery
from index.root.root import Root
from recommender.faiss_index import faiss  # type: ignore[attr-defined]  # with its kernels
from recommender.parameters import SHOWN
from recommender.ranking_metrics import bootstrap_interval, measure_seed
from recommender.relevance_judgments import Qrels
from recommender.sentence_encoder import load_encoder
from recommender.visibility import utc_now
from service.decisions.decision_state import NO_STATE
from service.serving.selection import Origin, select
from service.serving.serving_view import ServingView
from service.settings import Settings

DEEP = 50
RRF_K = 60
METHODS = ("dense", "bm25", "tfidf", "more-like-this", "rrf", "alsolike")

Ranking = np.ndarray
"""Shape (n, up to 100), int: rows best first, -1 at the end."""

Lists = dict[str, list[str]]
"""Article id to the ids of its list, best first."""

Figures = dict[str, Any]
"""Of one judged set: ``seeds``, each method's figures, ``against`` the best other, ``spread``."""


def top(scores: np.ndarray, first_row: int, keep: int = 100) -> Ranking:
    """Best rows of a block of all-pairs scores: itself left out, ties by row."""
    scores = np.array(scores, dtype=np.float32)
    scores[np.arange(len(scores)), first_row + np.arange(len(scores))] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :keep]
    return np.where(np.isfinite(np.take_along_axis(scores, order, axis=1)), order, -1)


def by_blocks(count: int, block: Callable[[slice], np.ndarray]) -> Ranking:
    """Rank all rows, a few hundred at a time."""
    size = 512
    parts = [
        top(block(slice(start, min(start + size, count))), start) for start in range(0, count, size)
    ]
    return np.concatenate(parts)


def dense(corpus: Corpus, encoder: CachedEncoder) -> Ranking:
    """Whole text, one embedding, cosine by FAISS: what most would do."""
    embeddings = encoder.encode([text.whole for text in corpus.texts])
    index = faiss.IndexFlatIP(embeddings.shape[1])
    index.add(embeddings)
    scores, rows = index.search(embeddings, 102)
    order = np.lexsort((rows, -scores), axis=1)
    rows = np.take_along_axis(rows, order, axis=1)
    return np.array([[r for r in row if r != own][:100] for own, row in enumerate(rows)])


def bm25(corpus: Corpus, _: CachedEncoder) -> Ranking:
    """bm25s with its defaults; the article's own words as the query."""
    words = bm25s.tokenize(
        [text.whole for text in corpus.texts], stopwords="en", show_progress=False
    )
    retriever = bm25s.BM25()
    retriever.index(words, show_progress=False)
    names = {number: word for word, number in words.vocab.items()}
    queries = [[names[number] for number in ids] for ids in words.ids]
    return by_blocks(
        len(queries),
        lambda rows: np.stack([retriever.get_scores(query) for query in queries[rows]]),
    )


def tfidf(corpus: Corpus, _: CachedEncoder) -> Ranking:
    """scikit-learn's TF-IDF, English stop words, cosine."""
    vectors = sp.csr_matrix(
        TfidfVectorizer(stop_words="english").fit_transform([t.whole for t in corpus.texts])
    )
    return by_blocks(len(corpus.ids), lambda rows: (vectors[rows] @ vectors.T).toarray())


def more_like_this(corpus: Corpus, _: CachedEncoder) -> Ranking:
    """Tantivy's more-like-this query over title and text, with its defaults."""
    schema = tantivy.SchemaBuilder()
    schema.add_unsigned_field("row", stored=True, indexed=True)
    schema.add_text_field("body", stored=True, tokenizer_name="en_stem")
    index = tantivy.Index(schema.build())
    writer = index.writer(heap_size=256_000_000, num_threads=1)
    for row, text in enumerate(corpus.texts):
        document = tantivy.Document()
        document.add_unsigned("row", row)
        document.add_text("body", text.whole)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()
    ranking = np.full((len(corpus.ids), 100), -1)
    addresses = {}
    for hit in searcher.search(tantivy.Query.all_query(), len(corpus.ids)).hits:
        addresses[searcher.doc(hit[1])["row"][0]] = hit[1]
    rows_of = {(a.segment_ord, a.doc): row for row, a in addresses.items()}
    for row in range(len(corpus.ids)):
        hits = searcher.search(tantivy.Query.more_like_this_query(addresses[row]), 102).hits
        scored = sorted((-score, rows_of[(a.segment_ord, a.doc)]) for score, a in hits)
        found = [other for _, other in scored if other != row][:100]
        ranking[row, : len(found)] = found
    return ranking


def rrf(*rankings: Ranking) -> Ranking:
    """Reciprocal rank fusion (Cormack et al., SIGIR 2009) of lists 100 deep."""
    fused = []
    for lists in zip(*rankings, strict=True):
        scores: dict[int, float] = {}
        for ranked in lists:
            for rank, row in enumerate(ranked, 1):
                if row >= 0:
                    scores[int(row)] = scores.get(int(row), 0.0) + 1 / (RRF_K + rank)
        best = sorted(scores, key=lambda row: (-scores[row], row))[:100]
        fused.append(best + [-1] * (100 - len(best)))
    return np.array(fused)


class CorpusSource:
    """A corpus as a build reads it."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self.name = corpus.name

    def records(self) -> Iterator[Record]:
        """See :class:`index.sources.source.Source`."""
        for article in self._corpus.articles:
            values = {
                "id": article.id,
                "title": article.title,
                "sections": [
                    {"heading": part.heading, "text": part.text} for part in article.sections
                ],
                "tags": list(article.tags),
                "authors": list(article.authors),
                "date": article.date,
            }
            yield Record(location=f"{self.name} {article.id}", values=values)


def build_corpus(corpus: Corpus, encoder: CachedEncoder, folder: Path) -> Build:
    """A real build of a corpus with the default settings."""
    root = Root(folder)
    options = BuildOptions(mapping=FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC")))
    with root.locked("benchmark"):
        manifest = make_build(root, [CorpusSource(corpus)], lambda: encoder, options).manifest
    return root.open(manifest.name)


def read_build(build: Build, corpus: Corpus) -> tuple[Lists, dict[str, float]]:
    """The lists of a build by its ranking alone, and how they spread.

    Returns:
        The lists, :data:`DEEP` long; and ``orphans``, the share of stories with text that no shown
        list holds, ``largest_hub``, the share of shown lists that hold the article which is in
        most, and ``fallback``, the share of places that fallbacks fill where they may.
    """
    defaults = Settings()
    ranked = RelatedQuery(
        limit=DEEP, min_score=defaults.min_score, fallback=Fallback.NONE
    ).by_ranking()
    filled = replace(ranked, limit=SHOWN, fallback=defaults.fallback)
    served, now = ServingView(build, NO_STATE), utc_now()
    lists, inbound, fallbacks, places = {}, Counter[int](), 0, 0
    for row in range(build.count):
        items = [item.row for item in select(served, row, now=now, query=ranked)]
        lists[build.article_id(row)] = [build.article_id(other) for other in items]
        inbound.update(items[:SHOWN])
        if len(items) < SHOWN:
            shown = select(served, row, now=now, query=filled)
            fallbacks += sum(item.origin is Origin.FALLBACK for item in shown)
            places += len(shown)
        else:
            places += SHOWN
    rows = {article_id: row for row, article_id in enumerate(lists)}
    told = {build.story_of[rows[article.id]] for article in corpus.articles if article.has_text}
    shown_stories = {build.story_of[row] for row in inbound}
    spread = {
        "orphans": len(told - shown_stories) / max(len(told), 1),
        "largest_hub": max(inbound.values(), default=0) / build.count,
        "fallback": fallbacks / max(places, 1),
    }
    return lists, {name: round(share, 4) for name, share in spread.items()}


def measure(corpus: Corpus, encoder: CachedEncoder) -> dict[str, Figures]:
    """Every method on every judged set of a corpus."""
    by_method: dict[str, Lists] = {}
    rankings: dict[str, Ranking] = {}
    seconds: dict[str, float] = {}
    methods = {"dense": dense, "bm25": bm25, "tfidf": tfidf, "more-like-this": more_like_this}
    for name, method in methods.items():
        start = encoder.clock()
        rankings[name] = method(corpus, encoder)
        seconds[name] = encoder.clock() - start
        say(f"{corpus.name}: {name} {seconds[name]:.1f} s")
    start = time.perf_counter()
    rankings["rrf"] = rrf(rankings["dense"], rankings["bm25"])
    seconds["rrf"] = seconds["dense"] + seconds["bm25"] + time.perf_counter() - start
    ids = corpus.ids
    for name, ranking in rankings.items():
        by_method[name] = {
            own: [ids[row] for row in rows if row >= 0][:DEEP]
            for own, rows in zip(ids, ranking, strict=True)
        }
    with tempfile.TemporaryDirectory() as folder:
        start, before = encoder.clock(), encoder.seconds
        build = build_corpus(corpus, encoder, Path(folder))
        seconds["alsolike"], encoding = encoder.clock() - start, encoder.seconds - before
        say(f"{corpus.name}: alsolike {seconds['alsolike']:.1f} s, encoding {encoding:.1f} s")
        by_method["alsolike"], spread = read_build(build, corpus)
    return {
        judged_set: compare_methods(by_method, judged, seconds) | {"spread": spread}
        for judged_set, judged in corpus.judged.items()
    }


def compare_methods(
    by_method: dict[str, Lists], judged: Qrels, seconds: dict[str, float]
) -> Figures:
    """The figures of every method on one judged set, and how AlsoLike stands against the best."""
    found: Figures = {"seeds": len(judged)}
    gains = {}
    for name, lists in by_method.items():
        figures = np.array([measure_seed(lists[seed], grades) for seed, grades in judged.items()])
        gains[name] = figures[:, 0]
        ndcg10, p6, recall50 = (round(float(mean), 4) for mean in figures.mean(axis=0))
        spent = round(seconds[name], 1)
        found[name] = {"ndcg10": ndcg10, "p6": p6, "recall50": recall50, "seconds": spent}
    best = max((name for name in gains if name != "alsolike"), key=lambda name: gains[name].mean())
    low, high = bootstrap_interval(gains["alsolike"] - gains[best])
    found["against"] = {"best": best, "low": round(low, 4), "high": round(high, 4)}
    return found


def by_family(results: dict[str, Figures], method: str) -> float:
    """The mean nDCG@10 of a method over the families of sets."""
    families = defaultdict(list)
    for name, figures in results.items():
        families[family(name)].append(figures[method]["ndcg10"])
    return round(float(np.mean([np.mean(some) for some in families.values()])), 4)


def plot(results: dict[str, Figures], path: Path) -> None:
    """Bars of nDCG@10 by set and method."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 3.6))
    width = 0.8 / len(METHODS)
    for place, method in enumerate(METHODS):
        heights = [figures[method]["ndcg10"] for figures in results.values()]
        positions = np.arange(len(results)) + (place - len(METHODS) / 2 + 0.5) * width
        color = "#0b5c55" if method == "alsolike" else plt.get_cmap("Greys")(0.25 + 0.1 * place)
        axes.bar(positions, heights, width, label=method, color=color)
    axes.set_xticks(range(len(results)), list(results))
    axes.set_ylabel("nDCG@10")
    axes.legend(ncols=3, frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, bbox_inches="tight")


def main() -> None:
    """Run the benchmark."""
    arguments = data_folder(argparse.ArgumentParser(description=__doc__)).parse_args()
    encoder = CachedEncoder(load_encoder())
    results: dict[str, Figures] = {}
    for corpus in load_corpora(arguments.data):
        results.update(measure(corpus, encoder))
    results = dict(sorted(results.items()))
    macro = {method: by_family(results, method) for method in METHODS}
    header = ["nDCG@10", "seeds", *METHODS, "alsolike minus the best other, 95 %"]
    rows = [
        [
            name,
            str(figures["seeds"]),
            *(f"{figures[method]['ndcg10']:.4f}" for method in METHODS),
            "{low:+.4f} to {high:+.4f} ({best})".format(**figures["against"]),
        ]
        for name, figures in results.items()
    ]
    print(table(header, [*rows, ["macro", "", *(f"{macro[m]:.4f}" for m in METHODS), ""]]))
    ratio = macro["alsolike"] / macro["rrf"]
    print(f"\nmacro is the mean over families; alsolike is {ratio:.3f} times rrf\n")
    columns = ("orphans", "largest_hub", "fallback")
    header = ["alsolike", "orphans", "largest hub", "places by fallback", "seconds by method"]
    rows = [
        [
            name,
            *(f"{figures['spread'][column]:.1%}" for column in columns),
            ", ".join(f"{method} {figures[method]['seconds']:.0f}" for method in METHODS),
        ]
        for name, figures in results.items()
    ]
    print(table(header, rows))
    plot(results, OUT / "relevance.svg")
    print(f"\nplot: {OUT / 'relevance.svg'}")
    print(json.dumps({"sets": results, "macro_ndcg10": macro, "rrf_ratio": round(ratio, 4)}))


if __name__ == "__main__":
    main()

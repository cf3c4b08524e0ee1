"""How good are the lists? AlsoLike against what a site would otherwise do, on judged sets.

``python -m benchmarks.relevance --data DIR`` (without it: the sample's series). Every method ranks
the whole corpus for every seed with at least three related articles, the seed left out, ties by
id. ``alsolike`` is a real build, its lists read as a reader gets them. ``seconds`` is everything
that a method does for all articles of the corpus, encoding included.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import bm25s
import faiss
import numpy as np
import scipy.sparse as sp
import tantivy
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.corpora import (
    OUT,
    CachedEncoder,
    Corpus,
    data_folder,
    load_corpora,
    say,
    table,
)
from index.articles.parse import FieldMapping
from index.articles.record import Record
from index.build.build import Build
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.query import RelatedQuery
from index.root.root import Root
from recommender.ranking_metrics import measure_relevance
from recommender.sentence_encoder import load_encoder
from service.serving.list_quality import evaluate_build
from service.settings import Settings

DEEP = 50
RRF_K = 60
METHODS = ("dense", "bm25", "tfidf", "more-like-this", "rrf", "alsolike")

Ranking = np.ndarray
"""Shape (n, up to 100), int: rows best first, -1 at the end."""


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
        for article_id, text in zip(self._corpus.ids, self._corpus.texts, strict=True):
            values = {"id": article_id, "title": text.title, "summary": text.body}
            yield Record(location=f"{self.name} {article_id}", values=values)


def build_corpus(corpus: Corpus, encoder: CachedEncoder, folder: Path) -> Build:
    """A real build of a corpus with the default settings."""
    root = Root(folder)
    options = BuildOptions(
        mapping=FieldMapping(fields={}, url_template="/{id}", timezone=ZoneInfo("UTC"))
    )
    with root.locked("benchmark"):
        manifest = make_build(root, [CorpusSource(corpus)], lambda: encoder, options).manifest
    return root.open(manifest.name)


def measure(corpus: Corpus, encoder: CachedEncoder) -> dict[str, dict[str, dict[str, float]]]:
    """Every method on every judged set of a corpus."""
    results: dict[str, dict[str, dict[str, float]]] = {name: {} for name in corpus.judged}
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
    for name, ranking in rankings.items():
        rows = {article_id: row for row, article_id in enumerate(corpus.ids)}
        for judged_set, judged in corpus.judged.items():
            lists = {
                seed: [corpus.ids[r] for r in ranking[rows[seed]] if r >= 0][:DEEP]
                for seed in judged
            }
            found = measure_relevance(lists, judged)
            results[judged_set][name] = {
                "ndcg10": round(found.ndcg10.mean, 4),
                "p6": round(found.p6.mean, 4),
                "recall50": round(found.recall50.mean, 4),
                "seconds": round(seconds[name], 1),
            }
    with tempfile.TemporaryDirectory() as folder:
        start, before = encoder.clock(), encoder.seconds
        build = build_corpus(corpus, encoder, Path(folder))
        spent, encoding = encoder.clock() - start, encoder.seconds - before
        say(f"{corpus.name}: alsolike {spent:.1f} s, of which encoding {encoding:.1f} s")
        defaults = Settings()
        query = RelatedQuery(min_score=defaults.min_score, fallback=defaults.fallback)
        for judged_set, judged in corpus.judged.items():
            figures = evaluate_build(build, judged, query)
            results[judged_set]["alsolike"] = {
                **{name: figures[name] for name in ("ndcg10", "p6", "recall50")},
                "seconds": round(spent, 1),
            }
    return results


def plot(results: dict[str, dict[str, dict[str, float]]], path: Path) -> None:
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
    results: dict[str, dict[str, dict[str, float]]] = {}
    for corpus in load_corpora(arguments.data):
        results.update(measure(corpus, encoder))
    results = dict(sorted(results.items()))
    macro = {
        method: round(sum(f[method]["ndcg10"] for f in results.values()) / len(results), 4)
        for method in METHODS
    }
    rows = [
        [
            method,
            *(f"{results[name][method]['ndcg10']:.4f}" for name in results),
            f"{macro[method]:.4f}",
            *(f"{results[name][method]['seconds']:.0f} s" for name in results),
        ]
        for method in METHODS
    ]
    print("nDCG@10 (then seconds for the whole corpus)\n")
    print(table(["method", *results, "macro", *results], rows))
    plot(results, OUT / "relevance.svg")
    print(f"\nplot: {OUT / 'relevance.svg'}")
    print(json.dumps({"sets": results, "macro_ndcg10": macro}))


if __name__ == "__main__":
    main()

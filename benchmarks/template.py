"""Does what all pages share drown what they are about?

``python -m benchmarks.template --data DIR`` (without it: the sample's series): every text is
wrapped in four fixed headings, ratings and a long footer, as a site of summaries does it. Shown is
what plain dense retrieval and a real build lose by that.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.corpora import CachedEncoder, Corpus, data_folder, load_corpus, say, table
from benchmarks.relevance import build_corpus, dense
from index.query import RelatedQuery
from recommender.article import Section
from recommender.boilerplate import split_sentences
from recommender.ranking_metrics import measure_relevance
from recommender.sentence_encoder import load_encoder
from service.serving.list_quality import evaluate_build
from service.settings import Settings

HEADINGS = (
    "Key Takeaway",
    "What They Found",
    "Who Should Care and Why",
    "Important Considerations",
)
FOOTER = """Reading Research With Care

New findings appear every day, and it is hard to tell which of them will last. What is printed in
Journal {number} may be an early exploration with a handful of participants, or the last step of
work that took decades. Our summaries try to put both into plain words, so that people who live with
a condition, those who look after them and those who treat them can follow what is being learned.

A summary is never the whole story. Samples can be small, methods change, and results that look
clear today may look different tomorrow. Please read the original, linked under More Details, before
you rely on anything here, and talk with the professionals who know you.

We choose from a wide range of work: new therapies, long known practice and everything between. Our
aim is that patients, caregivers and clinicians decide together and well informed. Nothing on this
page is medical advice."""


def wrapped(corpus: Corpus) -> Corpus:
    """The same corpus as pages of a site with a template."""
    bodies = ("\n\n".join(page(text.body, number)) for number, text in enumerate(corpus.texts))
    articles = [
        replace(article, sections=(Section(text=body),))
        for article, body in zip(corpus.articles, bodies, strict=True)
    ]
    return replace(corpus, articles=articles, name=f"{corpus.name}, wrapped")


def page(body: str, number: int) -> Iterator[str]:
    """The parts of one page: ratings, the text under four headings, the footer."""
    yield "Credibility"
    yield "Interest"
    sentences = split_sentences(body)
    for place, heading in enumerate(HEADINGS):
        first, last = (part * len(sentences) // len(HEADINGS) for part in (place, place + 1))
        yield heading
        yield " ".join(sentences[first:last])
    yield FOOTER.format(number=number % 40)


def main() -> None:
    """Run the benchmark."""
    arguments = data_folder(argparse.ArgumentParser(description=__doc__)).parse_args()
    encoder = CachedEncoder(load_encoder())
    figures: dict[str, dict[str, dict[str, float]]] = {}
    corpus = load_corpus(arguments.data, "synergy")
    for name, variant in (("plain", corpus), ("wrapped", wrapped(corpus))):
        for method, found in (("dense", by_dense), ("alsolike", by_build)):
            say(f"{variant.name}: {method}")
            for judged_set, value in found(variant, encoder).items():
                figures.setdefault(judged_set, {}).setdefault(method, {})[name] = value
    rows = []
    for judged_set, methods in sorted(figures.items()):
        for method, values in methods.items():
            values["loss"] = round(1 - values["wrapped"] / values["plain"], 4)
            cells = (f"{values['plain']:.4f}", f"{values['wrapped']:.4f}", f"{values['loss']:.1%}")
            rows.append([judged_set, method, *cells])
    print(table(["set", "method", "as it is", "wrapped", "lost"], rows))
    print(json.dumps(figures))


def by_dense(corpus: Corpus, encoder: CachedEncoder) -> dict[str, float]:
    """nDCG@10 of plain dense retrieval."""
    ranking = dense(corpus, encoder)
    rows = {article_id: row for row, article_id in enumerate(corpus.ids)}
    return {
        name: measure_relevance(
            {seed: [corpus.ids[r] for r in ranking[rows[seed]][:50]] for seed in judged}, judged
        ).ndcg10.mean
        for name, judged in corpus.judged.items()
    }


def by_build(corpus: Corpus, encoder: CachedEncoder) -> dict[str, float]:
    """nDCG@10 of a real build."""
    defaults = Settings()
    query = RelatedQuery(min_score=defaults.min_score, fallback=defaults.fallback)
    with tempfile.TemporaryDirectory() as folder:
        build = build_corpus(corpus, encoder, Path(folder))
        return {
            name: evaluate_build(build, judged, query)["ndcg10"]
            for name, judged in corpus.judged.items()
        }


if __name__ == "__main__":
    main()

"""Is the nearest page in another language the same page?

``python -m benchmarks.translations --data DIR``: corpora of one site in several languages
(``help-de``, ``help-es``, …), in which the same id tells the same page. Raw neighbors by cosine, as
the model gives them and without what only says the language (:mod:`recommender.centering`). Without
such corpora there is nothing to measure. All pages take an hour to encode on two cores; ``--pages``
takes some that all languages have.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from itertools import permutations

import numpy as np

from benchmarks.corpora import CachedEncoder, data_folder, load_corpus, say, table
from recommender.centering import learn_centering
from recommender.encoder import Embeddings, center, embed_texts
from recommender.multilingual import MULTILINGUAL
from recommender.sentence_encoder import load_encoder


def same_page_first(sites: dict[str, dict[str, Embeddings]]) -> dict[str, float]:
    """By direction, the share of pages whose nearest page there is the same; and their mean.

    Args:
        sites: By corpus and page, the embedding.
    """
    shares = {}
    for (one, pages), (other, others) in permutations(sites.items(), 2):
        known, wanted = list(others), [page for page in pages if page in others]
        scores = np.array([pages[page] for page in wanted]) @ np.array([*others.values()]).T
        hits = [known[row] == page for row, page in zip(scores.argmax(axis=1), wanted, strict=True)]
        shares[f"{one} to {other}"] = float(np.mean(hits))
    return {**shares, "mean": float(np.mean([*shares.values()]))} if shares else {}


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--model", default=MULTILINGUAL, help="the model (multilingual)")
    parser.add_argument("--pages", type=int, help="how many that all languages have (all)")
    arguments = parser.parse_args()
    encoder = CachedEncoder(load_encoder(arguments.model), part="-translations")
    raw: dict[str, dict[str, Embeddings]] = {}
    paths = sorted(arguments.data.glob("help-*.jsonl.gz")) if arguments.data else []
    corpora = [load_corpus(arguments.data, path.name.partition(".")[0]) for path in paths]
    if arguments.pages and corpora:
        shared = set.intersection(*(set(corpus.ids) for corpus in corpora))
        first = set(sorted(shared)[: arguments.pages])
        corpora = [
            replace(corpus, articles=[page for page in corpus.articles if page.id in first])
            for corpus in corpora
        ]
    for corpus in corpora:
        embeddings = embed_texts(encoder, corpus.texts)
        raw[corpus.name] = dict(zip(corpus.ids, embeddings, strict=True))
        say(f"{corpus.name}: {len(embeddings)} pages")
    found = {"raw": same_page_first(raw), "centered": {}}
    if found["raw"]:
        whole = np.vstack([[*pages.values()] for pages in raw.values()])
        sizes = [len(pages) for pages in raw.values()]
        centering = learn_centering(whole, np.repeat(np.arange(1, len(raw) + 1), sizes))
        found["centered"] = same_page_first(
            {
                name: {
                    page: center(embedding[None], centering, origin=name)[0]
                    for page, embedding in pages.items()
                }
                for name, pages in raw.items()
            }
        )
    rows = [
        [direction, f"{share:.1%}", f"{found['centered'][direction]:.1%}"]
        for direction, share in found["raw"].items()
    ]
    print(table(["nearest is the same page", "as the model says", "centered"], rows))
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""What does pruning the lexical product lose, and what does it save?

``python -m benchmarks.pruning --data DIR`` (without it: the sample): every article's lexical
candidates, found by its heaviest terms among each term's heaviest articles, against the exact
product of a sample of 500 articles with all others.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from benchmarks.corpora import data_folder, load_corpora, load_corpus, say, table
from recommender.lexical import weigh_terms
from recommender.parallel import equal_blocks, map_in_threads
from recommender.parameters import DEFAULT_RECIPE
from recommender.postings import POSTINGS, QUERY_TERMS, make_postings, search_postings
from recommender.term_counts import count_corpus
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus
from recommender.top_k import top_of_rows

_SAMPLE = 500
_BLOCK = 256


def measure(texts: list[PreparedText]) -> dict[str, float]:
    """Recall of the first 10 and 50, and seconds of both ways for all articles."""
    weights = weigh_terms(count_corpus(tokenize_corpus(texts))).weights
    count = len(texts)
    rows = np.arange(0, count, max(1, count // _SAMPLE))[:_SAMPLE]
    start = time.perf_counter()
    exact = top_of_rows(weights[rows] @ weights.T, 50, skip=rows)
    exact_seconds = (time.perf_counter() - start) * count / len(rows)
    start = time.perf_counter()
    postings, keep = make_postings(weights), DEFAULT_RECIPE.candidates + 1
    blocks = equal_blocks(count, _BLOCK)
    answers = map_in_threads(lambda a, b: search_postings(weights[a:b], postings, keep), blocks)
    found = [set(row.tolist()) for part in answers for row in part.rows]
    seconds = time.perf_counter() - start
    shares = [
        [
            len(found[row] & set(true[:depth].tolist())) / max(1, int((true[:depth] >= 0).sum()))
            for row, true in zip(rows.tolist(), exact.rows, strict=True)
        ]
        for depth in (10, 50)
    ]
    return {
        "articles": count,
        "recall10": round(float(np.mean(shares[0])), 4),
        "recall50": round(float(np.mean(shares[1])), 4),
        "pruned_s": round(seconds, 2),
        "exact_s_extrapolated": round(exact_seconds, 1),
    }


def main() -> None:
    """Run the benchmark."""
    arguments = data_folder(argparse.ArgumentParser(description=__doc__)).parse_args()
    corpora = {corpus.name: corpus.texts for corpus in load_corpora(arguments.data)}
    if arguments.data is not None:
        corpora["arxiv-60k"] = load_corpus(arguments.data, "arxiv-60k").texts
    results = {}
    for name, texts in corpora.items():
        say(name)
        results[name] = measure(texts)
    print(f"{QUERY_TERMS} terms ask, {POSTINGS} articles of a term answer\n")
    header = ["corpus", *next(iter(results.values()))]
    print(table(header, [[name, *map(str, found.values())] for name, found in results.items()]))
    print(json.dumps(results))


if __name__ == "__main__":
    main()

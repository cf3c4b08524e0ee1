"""What do sites gain by learned weights, and with how many judged articles?

``python -m benchmarks.learning --data DIR`` (without it: the sample's series). Every judged set is
built with its judgments as what the site calls related. ``learned`` is nDCG@10 of the candidates of
judged articles that the weights were not learned from, in five folds; where learned weights are not
adopted, it is the default's. The learning curve learns from some seeds, drawn twenty times, and
measures the others. ``random`` counts how often weights are adopted that were learned from the same
judged articles dealt to the seeds by chance.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.corpora import CachedEncoder, Corpus, data_folder, family, load_corpora, say, table
from benchmarks.relevance import CorpusSource
from index.articles.parse import FieldMapping
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.root.root import Root
from recommender import pipeline
from recommender.learning.judged_pairs import SCALES, JudgedPairs, training_seeds
from recommender.learning.learned_weights import FOLDS, LearnedWeights, learn_weights
from recommender.learning.training_seeds import TrainingSeeds
from recommender.sentence_encoder import load_encoder

CURVE = (5, 10, 20, 50, 100, 200)
DRAWS = 20


class Trial:
    """One judged set, with all that a build learns its weights from.

    Args:
        corpus: The corpus; it is built once.
        judged: Seeds to grades.
        encoder: Encodes it.
    """

    def __init__(
        self, corpus: Corpus, judged: dict[str, dict[str, int]], encoder: CachedEncoder
    ) -> None:
        pairs = {(seed, other): g for seed, some in judged.items() for other, g in some.items()}
        options = BuildOptions(
            mapping=FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC")),
            judgments=lambda: pairs,
        )
        with (
            tempfile.TemporaryDirectory() as folder,
            patch.object(pipeline, "training_seeds", self._keep),
            Root(Path(folder)).locked("benchmark"),
        ):
            make_build(Root(Path(folder)), [CorpusSource(corpus)], lambda: encoder, options)

    def _keep(self, judged: JudgedPairs, *rest: Any) -> None:
        self._judged, self.site, self.encode = judged, rest, judged.encode
        seeds = training_seeds(judged, *rest)
        assert seeds is not None
        self.seeds: TrainingSeeds = seeds
        scoring = rest[4]
        self.default = np.array([*scoring.weights, scoring.neighbors])

    def learn(self, seeds: TrainingSeeds) -> LearnedWeights:
        """Learn as a build does."""
        return learn_weights(seeds, self.default, np.array(SCALES))

    def gain(self, known: np.ndarray, unseen: np.ndarray) -> np.ndarray:
        """What unseen seeds gain in nDCG@10 by weights learned from known ones, if adopted."""
        learned, tested = self.learn(self.seeds.take(known)), self.seeds.take(unseen)
        if not learned.adopted:
            return np.zeros(len(unseen))
        return (tested.measure(learned.weights) - tested.measure(self.default))[:, 0]

    def in_folds(self) -> float:
        """The mean gain in five folds."""
        folds = np.random.default_rng(1).permutation(len(self.seeds)) % FOLDS
        parts = [(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in range(FOLDS)]
        return float(np.concatenate([self.gain(*part) for part in parts]).mean())

    def curve(self, size: int) -> float | None:
        """The mean gain by so many seeds; ``None`` if there are not half as many others."""
        if 3 * size > 2 * len(self.seeds):
            return None
        orders = [np.random.default_rng(d).permutation(len(self.seeds)) for d in range(DRAWS)]
        return float(np.mean([self.gain(o[:size], o[size:]).mean() for o in orders]))

    def adopted_by_chance(self, times: int) -> int:
        """How many times of so many weights are adopted that were learned from chance."""
        adopted = 0
        for draw in range(times):
            dealt = np.random.default_rng(draw).permutation(len(self._judged.targets))
            judged = replace(
                self._judged,
                targets=self._judged.targets[dealt],
                grades=self._judged.grades[dealt],
            )
            seeds = training_seeds(judged, *self.site)
            adopted += seeds is not None and self.learn(seeds).adopted
        return adopted


def measure(trial: Trial, chances: int) -> dict[str, Any]:
    """All figures of one judged set."""
    start = time.perf_counter()
    learned = trial.learn(trial.seeds)
    seconds = time.perf_counter() - start
    default = float(trial.seeds.measure(trial.default)[:, 0].mean())
    return {
        "seeds": len(trial.seeds),
        "default": round(default, 4),
        "learned": round(default + trial.in_folds(), 4),
        "adopted": learned.adopted,
        "weights": [round(weight, 2) for weight in learned.weights.tolist()],
        "seconds": round(seconds, 2),
        "curve": {
            size: None if (gain := trial.curve(size)) is None else round(gain, 4) for size in CURVE
        },
        "random": trial.adopted_by_chance(chances),
    }


def macro(results: dict[str, dict[str, Any]], method: str) -> float:
    """The mean over families of their sets' means."""
    families = defaultdict[str, list[float]](list)
    for name, figures in results.items():
        families[family(name)].append(figures[method])
    return float(np.mean([np.mean(some) for some in families.values()]))


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--chances", type=int, default=100, help="draws of judgments by chance")
    arguments = parser.parse_args()
    encoder = CachedEncoder(load_encoder())
    results: dict[str, dict[str, Any]] = {}
    for corpus in load_corpora(arguments.data):
        for name, judged in corpus.judged.items():
            results[name] = measure(Trial(corpus, judged, encoder), arguments.chances)
            say(f"{name}: {results[name]}")
    rows = [
        [
            name,
            *(str(figures[key]) for key in ("seeds", "default", "learned", "adopted")),
            *("" if gain is None else f"{gain:+.4f}" for gain in figures["curve"].values()),
            f"{figures['random']} of {arguments.chances}",
            f"{figures['seconds']:.1f} s",
        ]
        for name, figures in results.items()
    ]
    header = ["set", "seeds", "default", "learned", "adopted", *map(str, CURVE), "random", "time"]
    print(table(header, rows))
    default, learned = macro(results, "default"), macro(results, "learned")
    print(f"\nmacro: {default:.4f}, learned {learned:.4f}, {learned / default:.4f} times as much")
    print(json.dumps(results))


if __name__ == "__main__":
    main()

"""Does what counts of clicks say hold on a simulated site whose truth is known?

``python -m benchmarks.clicks --data DIR`` (without it, weights are learned on the sample). The site
has 500 articles whose popularity falls with the power 0.8 of their rank, 50,000 seen lists in 14
days, hourly blocks, and more readers by day. The click model:

* A seen list is followed with a rate of 16 %, times lognormal effects of the article (0.4), of the
  hour (0.15) and of the article in that hour (0.15), whose mean is 1.
* An item is clicked with the propensity of its position times its attraction, which is lognormal.
* Robots are 1 % of the lists' views: they come in bursts of 20 on one article within an hour and
  follow half of the lists, at any position.
* The variant of an article in an hour is drawn; a better one multiplies all readers' rates.

``power``: how often a true +10 % is found by 50,000 seen lists. ``false_alarms``: of runs without a
difference, looked at daily for 14 days, the share that is ever declared. ``propensity_error``: the
largest relative error of a position's propensity, the mean of 20 sites, after 400,000 seen lists of
a comparison with a tenth of the blocks exploring. ``learned_gain``: how much more lists are
followed by weights learned from 20,000 clicks than by the default, on articles whose clicks were
not learned from; the lists are those of a real corpus without links of its own, the readers weigh
its evidence otherwise than the default. ``refused``: of 100 sites whose readers click without
regard to the evidence, how many keep their weights.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.corpora import CachedEncoder, data_folder, load_corpus, say, table
from benchmarks.learning import Trial
from recommender.clicks.click_judgments import click_judgments
from recommender.clicks.comparison import compare_variants
from recommender.clicks.propensities import position_propensities
from recommender.learning.judged_pairs import SCALES, JudgedPairs, training_seeds
from recommender.learning.learned_weights import LearnedWeights, learn_in_steps
from recommender.learning.training_seeds import TrainingSeeds
from recommender.sentence_encoder import load_encoder

ARTICLES, DAYS, RATE = 500, 14, 0.16
VIEWS = 50_000
PROPENSITIES = np.array([1.0, 0.74, 0.6, 0.5, 0.43, 0.38])
SHOWN = len(PROPENSITIES)
CLICKS = 20_000
EXPLORED = 0.1
ROBOTS, BURST, ROBOTS_FOLLOW = 0.01, 20, 0.5

Rows = list[np.ndarray]
"""Columns of counts, as the functions of :mod:`recommender.clicks` take them."""


def effect(drawn: np.random.Generator, deviation: float, size: Any) -> np.ndarray:
    """Lognormal factors with a mean of 1."""
    return np.exp(drawn.normal(-(deviation**2) / 2, deviation, size))


def popularity(count: int) -> np.ndarray:
    """The share of each article in all views."""
    shares = np.arange(1, count + 1) ** -0.8
    return shares / shares.sum()


def draw_comparison(drawn: np.random.Generator, lift: float, views: int = VIEWS) -> Rows:
    """What is counted in as many days as so many lists take: see :mod:`recommender.clicks`."""
    hours = 24 * max(round(DAYS * views / VIEWS), 1)
    by_hour = 1 + 0.6 * np.sin(2 * np.pi * np.arange(hours) / 24)
    share = np.outer(popularity(ARTICLES), by_hour / by_hour.sum()).ravel()
    seen = drawn.multinomial(round(views * (1 - ROBOTS)), share)
    bursts = drawn.multinomial(round(views * ROBOTS / BURST), share) * BURST
    cells = np.flatnonzero(seen + bursts)
    articles, blocks = np.divmod(cells, hours)
    variants = (drawn.random(len(cells)) < 0.5).astype(np.int8)
    rates = RATE * effect(drawn, 0.4, ARTICLES)[articles] * effect(drawn, 0.15, hours)[blocks]
    rates *= effect(drawn, 0.15, len(cells)) * (1 + lift * variants)
    followed = drawn.binomial(seen[cells], np.minimum(rates, 0.95))
    followed += drawn.binomial(bursts[cells], ROBOTS_FOLLOW)
    return [articles, blocks, variants, (seen + bursts)[cells], followed]


def found_share(lift: float, views: int, runs: int) -> tuple[float, int]:
    """How often a difference is found by so many seen lists; and how many are said to be needed."""
    found = [
        compare_variants(*draw_comparison(np.random.default_rng((1, run)), lift, views))
        for run in range(runs)
    ]
    needed = np.median([some.needed_views(lift) for some in found[:20]])
    return float(np.mean([some.low > 0 for some in found])), int(needed)


def declared_share(runs: int) -> float:
    """How many of so many comparisons of like variants are declared on any of 14 days."""
    declared = 0
    for run in range(runs):
        rows = draw_comparison(np.random.default_rng((2, run)), 0.0)
        days = (rows[1] < 24 * (day + 1) for day in range(DAYS))
        declared += any(compare_variants(*(some[day] for some in rows)).decided for day in days)
    return declared / runs


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickModel:
    """Readers of a site's lists, by positions and attraction.

    Attributes:
        attraction: Shape (articles, candidates), float64: the rate at the first position.
        views: The seen lists of the whole site.
        explored: The share of blocks in which two neighbors are swapped.
    """

    attraction: np.ndarray
    views: int
    explored: float

    def counts(self, drawn: np.random.Generator, *variants: np.ndarray) -> Rows:
        """Articles, numbers of candidates, positions, seen, clicked.

        Args:
            drawn: The generator.
            variants: Each of shape (articles, 6): the lists of one variant, in numbers of
                candidates; all get the same share of the views.
        """
        parts = list(self._counts(drawn, variants))
        return [np.concatenate(some) for some in zip(*parts, strict=True)]

    def _counts(self, drawn: np.random.Generator, variants: tuple[np.ndarray, ...]) -> Iterator:
        count = len(self.attraction)
        shares = drawn.permutation(popularity(count)) / len(variants)
        for lists in variants:
            for swap in range(SHOWN):
                explored = self.explored / (SHOWN - 1) if swap else 1 - self.explored
                shown, seen = lists.copy(), drawn.poisson(self.views * shares * explored)
                if swap:
                    shown[:, [swap - 1, swap]] = shown[:, [swap, swap - 1]]
                for place in range(SHOWN):
                    items = shown[:, place]
                    rates = PROPENSITIES[place] * self.attraction[np.arange(count), items]
                    rates = (1 - ROBOTS) * np.minimum(rates, 0.95) + ROBOTS * ROBOTS_FOLLOW / SHOWN
                    clicked = drawn.binomial(seen, rates)
                    yield np.arange(count), items, np.full(count, place + 1), seen, clicked


def propensity_errors(views: int, compared: bool, explored: float, sites: int = 20) -> float:
    """The largest relative error of a position, the mean of so many sites."""
    errors = []
    for site in range(sites):
        drawn = np.random.default_rng((3, site))
        attraction = RATE / PROPENSITIES.sum() * effect(drawn, 0.6, (ARTICLES, 12))
        live = np.tile(np.arange(SHOWN), (ARTICLES, 1))
        places = np.arange(12) + drawn.normal(0, 2, (ARTICLES, 12))
        other = places.argsort(axis=1)[:, :SHOWN]
        model = ClickModel(attraction=attraction, views=views, explored=explored)
        rows = model.counts(drawn, *([live, other] if compared else [live]))
        found = position_propensities(*rows).values
        errors.append(np.abs(found / PROPENSITIES - 1).max())
    return float(np.mean(errors))


class ClickedSite:
    """A real corpus with readers who are simulated.

    Args:
        trial: The corpus, and what its own judgments teach.
    """

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        candidates = trial.site[1].rows
        self._count = len(candidates)
        rows = np.repeat(np.arange(self._count, dtype=np.int32), candidates.shape[1])
        found = candidates.ravel()
        places = np.tile(np.arange(candidates.shape[1]), self._count)
        kept = found >= 0
        told = self._judged(rows[kept], found[kept], places[kept] + 1.0)  # each by its place
        seeds = training_seeds(told, *trial.site)
        assert seeds is not None
        assert len(seeds) == self._count
        self.seeds: TrainingSeeds = seeds
        self._rows = np.take_along_axis(candidates, seeds.grades.round().astype(int) - 1, axis=1)

    def _judged(
        self, rows: np.ndarray, targets: np.ndarray, gains: np.ndarray, closed: bool = False
    ) -> JudgedPairs:
        return JudgedPairs(
            seeds=rows.astype(np.int32),
            targets=targets.astype(np.int32),
            grades=np.log2(1 + gains),
            linked=np.zeros((0, 2), dtype=np.int32),
            texts={},
            encode=self.trial.encode,
            closed=closed,
        )

    def draw_readers(self, drawn: np.random.Generator, wanted: float) -> np.ndarray:
        """Each candidate's attraction; shape (articles, candidates).

        Args:
            drawn: The generator.
            wanted: How strongly readers go by the evidence, which they weigh otherwise than the
                default, by factors drawn for each kind.
        """
        weights = self.trial.default * np.exp2(drawn.normal(0, 1.5, len(self.trial.default)))
        utility = self.seeds.features @ weights + self.seeds.offsets
        utility -= utility[:, :20].mean(axis=1, keepdims=True)
        utility = np.clip(wanted * utility / utility[:, :20].std(), -4, 4)
        liked = effect(drawn, 0.3, self._count)[self._rows] * effect(drawn, 0.3, utility.shape)
        attraction = np.exp(utility) * liked
        attraction /= attraction[:, :SHOWN].mean(axis=1, keepdims=True)
        return RATE / PROPENSITIES.sum() * attraction * effect(drawn, 0.4, (self._count, 1))

    def learn(
        self,
        drawn: np.random.Generator,
        attraction: np.ndarray,
        articles: np.ndarray,
        own: TrainingSeeds | None = None,
    ) -> LearnedWeights | None:
        """What a build learns from 20,000 clicks in the lists of some articles."""
        model = ClickModel(
            attraction=attraction[articles], views=round(CLICKS / RATE), explored=EXPLORED
        )
        lists = np.tile(np.arange(SHOWN), (len(articles), 1))
        places, items, positions, seen, counts = model.counts(drawn, lists)
        targets = self._rows[articles[places], items]
        rows = (articles[places], targets, positions, seen, counts)
        judged = click_judgments(*rows, position_propensities(*rows))
        clicked = training_seeds(
            self._judged(judged.articles, judged.targets, judged.gains, closed=True),
            *self.trial.site,
        )
        return learn_in_steps(own, clicked, self.trial.default, np.array(SCALES))

    def worth(self, weights: np.ndarray, attraction: np.ndarray) -> np.ndarray:
        """How many clicks a list gets, by the truth; shape (articles,)."""
        scores = self.seeds.features @ weights + self.seeds.offsets
        scores = np.where(self.seeds.valid, scores, -np.inf)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :SHOWN]
        return np.take_along_axis(attraction, best, axis=1) @ PROPENSITIES

    def measure(self, site: int, own: TrainingSeeds | None) -> tuple[bool, float, float]:
        """Learn from the clicks of half of the articles, measure on the others.

        Returns:
            Whether clicks changed the weights; how much more the others' lists are followed then;
            and what lists are worth by the site's own links.
        """
        drawn = np.random.default_rng((4, site))
        attraction = self.draw_readers(drawn, 0.7)
        known, unseen = np.split(drawn.permutation(self._count), [self._count // 2])
        learned = self.learn(drawn, attraction, known, own)
        if learned is None or learned.clicked is None or not learned.clicked.adopted:
            return False, 0.0, 1.0
        first = self.trial.default if own is None else self.trial.learn(own).weights
        before, after = (
            float(self.worth(weights, attraction)[unseen].mean())
            for weights in (first, learned.weights)
        )
        return True, after / before - 1, learned.clicked.kept

    def refuses(self, site: int) -> bool:
        """Whether clicks that disregard the evidence change nothing."""
        drawn = np.random.default_rng((5, site))
        attraction = self.draw_readers(drawn, 0.0)
        learned = self.learn(drawn, attraction, drawn.permutation(self._count))
        return learned is None or learned.clicked is None or not learned.clicked.adopted


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--corpus", default="18f-posts", help="the corpus of the folder")
    parser.add_argument("--runs", type=int, default=1_000, help="comparisons of like variants")
    parser.add_argument("--sites", type=int, default=20, help="sites whose clicks are learned from")
    parser.add_argument("--chances", type=int, default=100, help="sites with random clicks")
    arguments = parser.parse_args()
    runs = max(arguments.runs // 5, 1)
    rows, power = [], 0.0
    for lift in (0.02, 0.05, 0.1):
        share, needed = found_share(lift, VIEWS, runs)
        power = share
        later, _ = found_share(lift, needed, max(runs // 2, 1))
        rows.append([f"+{lift:.0%}", f"{share:.0%}", f"{needed:,}", f"{later:.0%}"])
        say(str(rows[-1]))
    print(table(["true", f"found by {VIEWS:,}", "lists needed for 80 %", "found by these"], rows))
    alarms = declared_share(arguments.runs)
    print(f"\nof {arguments.runs} comparisons of like variants {alarms:.1%} were ever declared\n")
    rows, error = [], 0.0
    for views, compared, explored in (
        (1_000_000, False, 0.1),
        (2_000_000, False, 0.2),
        (100_000, True, 0.1),
        (400_000, True, 0.1),
    ):
        error = propensity_errors(views, compared, explored)
        rows.append([f"{views:,}", "yes" if compared else "no", f"{explored:.0%}", f"{error:.1%}"])
    print(table(["seen lists", "comparison", "explored", "largest error of a position"], rows))
    corpus = load_corpus(arguments.data, "sample" if arguments.data is None else arguments.corpus)
    ((_, judged),) = corpus.judged.items()
    site = ClickedSite(Trial(corpus, judged, CachedEncoder(load_encoder())))
    rows, gain = [], 0.0
    for title, own in (("yes", site.trial.seeds), ("no", None)):
        sites = [site.measure(number, own) for number in range(arguments.sites)]
        adopted, gains, kept = zip(*sites, strict=True)
        gain = float(np.mean(gains))
        worth = "" if own is None else f"{min(kept):.1%}"
        rows.append(
            [title, f"{sum(adopted)} of {len(sites)}", f"{gain:+.1%}", f"{min(gains):+.1%}", worth]
        )
        say(str(rows[-1]))
    header = ["own links", "adopted", "clicks on unseen lists", "at the least", "by own links"]
    print(f"\n{corpus.name}, {CLICKS:,} clicks:\n\n{table(header, rows)}")
    refused = sum(site.refuses(number) for number in range(arguments.chances))
    print(f"\nrandom clicks are refused {refused} of {arguments.chances} times\n")
    result = {
        "power": round(power, 3),
        "false_alarms": round(alarms, 4),
        "propensity_error": round(error, 4),
        "learned_gain": round(gain, 4),
        "refused": refused,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

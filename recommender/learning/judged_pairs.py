"""Pairs of articles that a site or its editors call related, as training data for the weights.

Where the judgment is a link in a text, the text is compared without the words of its links, and
articles whose own text links to the seed are left out: their words would repeat the answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import find_sorted
from recommender.encoder import Embeddings
from recommender.evidence import KINDS, PairData, compare
from recommender.fusion import Calibration, hear_neighbors
from recommender.learning.training_seeds import TrainingSeeds, deal_by_chance, mean_elsewhere
from recommender.lexical import apply_weights
from recommender.neighbors import NO_ROW, Neighbors
from recommender.stories import Stories
from recommender.term_counts import CorpusTerms, count_terms
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus
from recommender.top_k import sort_keys

MOST_SEEDS = 2_000
"""Most judged articles that are learned from, drawn by a fixed seed."""

SCALES = (*(kind.varies for kind in KINDS), 0.2)
"""By how much the learned weight of each kind of evidence, and of the neighbors' say, ordinarily
differs from the default."""

_DRAWN = 11
_BLOCK = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPairs:
    """Pairs of articles that are judged to be related or not, to learn weights of evidence from.

    Attributes:
        seeds: Shape (m,), int32: for each judged pair, the row of the article whose list it is.
        targets: Shape (m,), int32: the row of the article that does, or does not, belong in the
            list.
        grades: Shape (m,), float32: above 0 if related, else 0; the gain is 2 ** grade - 1.
        linked: Shape (l, 2), int32: the rows of the source and the target of each link in a text.
        texts: By row, the texts of articles that must be compared without the words of their links.
        encode: Computes the embeddings of such texts.
        sources: The number of judged pairs by where they come from, such as links or editors.
        closed: Whether only the judged articles of a seed are compared with each other; by default
            all articles that are not judged count as unrelated.
    """

    seeds: NDArray[np.int32]
    targets: NDArray[np.int32]
    grades: NDArray[np.float32]
    linked: NDArray[np.int32]
    texts: Mapping[int, PreparedText]
    encode: Callable[[Sequence[PreparedText]], Embeddings]
    sources: Mapping[str, int] = field(default_factory=dict)
    closed: bool = False

    def draw(self, most: int = MOST_SEEDS) -> "JudgedPairs":
        """Return the pairs of at most ``most`` seeds with a related article, drawn at random.

        The same seeds are drawn each time.
        """
        rows = np.unique(self.seeds[self.grades > 0])
        if len(rows) > most:
            rows = np.sort(np.random.default_rng(_DRAWN).choice(rows, size=most, replace=False))
        kept = np.isin(self.seeds, rows)
        return replace(
            self, seeds=self.seeds[kept], targets=self.targets[kept], grades=self.grades[kept]
        )


def training_seeds(
    judged: JudgedPairs,
    corpus: PairData,
    candidates: Neighbors,
    nearest: NDArray[np.float32],
    stories: Stories,
    scoring: Calibration,
    terms: CorpusTerms,
    idf: NDArray[np.float32],
) -> TrainingSeeds | None:
    """Make the training data: the candidates of judged articles with their evidence and gains.

    Args:
        judged: The judged pairs, of which at most :data:`MOST_SEEDS` seeds are used.
        corpus: The data of all articles.
        candidates: Every article's candidates, scored by the default weights.
        nearest: Shape (n,), float32: how close each article is to its own ten nearest, see
            :func:`recommender.fusion.mean_nearest`.
        stories: Which articles are versions of one story; candidates of a seed's own story are left
            out.
        scoring: The default weights, and the scales of evidence on this site.
        terms: The term counts of the corpus, which give the column of each word.
        idf: Shape (words + pairs,), float32: the square root of each term's idf.

    Returns:
        The seeds (judged articles) in the order of their rows; ``None`` if there are none.
    """
    judged = judged.draw()
    rows = np.unique(judged.seeds)
    if not len(rows):
        return None
    own = _own_data(rows, judged, corpus, terms, idf)
    count = np.int64(len(corpus))
    keys = judged.seeds.astype(np.int64) * count + judged.targets
    keys, last = np.unique(keys[::-1], return_index=True)  # of equal pairs the last counts
    gains = np.exp2(judged.grades[::-1][last].astype(np.float64)) - 1.0
    links = np.unique(judged.linked[:, 0].astype(np.int64) * count + judged.linked[:, 1])
    parts = []
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        seeds, found = rows[block].astype(np.int64), candidates.rows[rows[block]]
        valid = (found != NO_ROW) & (stories.of[found] != stories.of[seeds][:, None])
        valid &= find_sorted(links, found * count + seeds[:, None]) < 0
        place = find_sorted(keys, seeds[:, None] * count + found)
        known = place >= 0
        grades = np.where(known & valid, gains[place], 0.0).astype(np.float32)
        comparable = valid & known if judged.closed else valid
        values = scoring.standardize(compare(own.take(block), corpus, found))
        scores = values @ np.array(scoring.weights, dtype=np.float32)
        order = np.argsort(np.where(valid, sort_keys(scores, found), np.iinfo(np.int64).max))
        heard = hear_neighbors(candidates, _by_order(np.where(valid, found, NO_ROW), order), found)
        paid = scoring.hub * (nearest[np.maximum(found, 0)] - scoring.hub_mean)
        features = np.concatenate([values, heard[..., None]], axis=2)
        full = scores + scoring.neighbors * heard - paid
        order = np.argsort(np.where(comparable, sort_keys(full.astype(np.float32), found), 2**62))
        parts.append(
            [
                np.take_along_axis(features, order[..., None], axis=1),
                *(
                    _by_order(some, order)
                    for some in (-paid.astype(np.float32), grades, comparable, np.maximum(found, 0))
                ),
            ]
        )
    features, offsets, grades, valid, found = (
        np.concatenate(some) for some in zip(*parts, strict=True)
    )
    seed, target = keys // len(corpus), keys % len(corpus)
    own_story = stories.of[seed] == stories.of[target]
    counted = (gains > 0) & ~own_story & (find_sorted(links, target * count + seed) < 0)
    seed, target, gains = seed[counted], target[counted], gains[counted]
    ideal = _ideal(rows, seed, gains)
    if judged.closed:
        popularity = mean_elsewhere(target, gains, found, grades)
        kept = valid.sum(axis=1) > 1
    else:
        popularity = deal_by_chance(np.searchsorted(rows, seed), target, gains, found, grades)
        kept = ideal > 0
    if not kept.any():
        return None
    return TrainingSeeds(
        features=features[kept],
        offsets=offsets[kept],
        grades=grades[kept],
        valid=valid[kept],
        ideal=ideal[kept],
        popularity=popularity[kept],
    )


def _own_data(
    rows: NDArray[np.int32],
    judged: JudgedPairs,
    corpus: PairData,
    terms: CorpusTerms,
    idf: NDArray[np.float32],
) -> PairData:
    """Return what the seeds are compared by: without the words of links where they must not be."""
    own = corpus.take(rows)
    places = [place for place, row in enumerate(rows.tolist()) if row in judged.texts]
    if not places:
        return own
    texts = [judged.texts[row] for row in rows[places].tolist()]
    counts = count_terms(tokenize_corpus(texts), terms.vocabulary, terms.pair_keys)
    embeddings = own.embeddings.copy()
    embeddings[places] = judged.encode(texts)
    both = sp.vstack([own.terms, apply_weights(counts, idf)], format="csr")
    chosen = np.arange(len(rows))
    chosen[places] = len(rows) + np.arange(len(places))
    return replace(own, embeddings=embeddings, terms=both[chosen])


def _ideal(
    rows: NDArray[np.int32], seed: NDArray[np.int64], gains: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the largest discounted gain of ten articles that each seed's list could have."""
    order = np.lexsort((-gains, seed))
    seed, gains = seed[order], gains[order]
    rank = np.arange(len(seed)) - np.searchsorted(seed, seed)
    worth = np.where(rank < 10, gains / np.log2(rank + 2), 0.0)
    ideal = np.bincount(np.searchsorted(rows, seed), weights=worth, minlength=len(rows))
    return ideal.astype(np.float64)


def _by_order(values: NDArray[np.generic], order: NDArray[np.intp]) -> NDArray[Any]:
    return np.take_along_axis(values, order, axis=1)

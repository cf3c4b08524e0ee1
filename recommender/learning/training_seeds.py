"""What weights are learned from: judged articles with the evidence of their candidates."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

_PLACES = 50
_RANKS = np.arange(1.0, _PLACES + 1)
_FIRST_TEN = np.where(_RANKS <= 10, 1.0 / np.log2(_RANKS + 1), 0.0)
_PATIENCE = 0.9 ** (_RANKS - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSeeds:
    """Judged articles (seeds) with their candidates, which are ordered by the default weights.

    Attributes:
        features: Shape (seeds, candidates, kinds), float32: the value of each kind of evidence.
        offsets: Shape (seeds, candidates), float32: the part of each score that does not depend on
            the weights; it is added to the weighted sum of the features.
        grades: Shape (seeds, candidates), float32: the gain of each candidate; 0 if unrelated.
        ideal: Shape (seeds,), float64: the largest discounted gain that a list of ten could have,
            with related articles that are not among the candidates.
        valid: Shape (seeds, candidates), bool: ``False`` where a seed has no more candidates.
        popularity: Shape (seeds, candidates), float32: the gain of each candidate that chance would
            explain, since some articles are related to many; see :func:`deal_by_chance` and
            :func:`mean_elsewhere`.
    """

    features: NDArray[np.float32]
    offsets: NDArray[np.float32]
    grades: NDArray[np.float32]
    ideal: NDArray[np.float64]
    valid: NDArray[np.bool_]
    popularity: NDArray[np.float32]

    def __post_init__(self) -> None:
        shape = self.features.shape[:2]
        if not self.offsets.shape == self.grades.shape == self.valid.shape == shape:
            raise ValueError(f"offsets, grades and valid must have features' shape {shape}")
        if self.ideal.shape != shape[:1] or not (self.ideal > 0).all():
            raise ValueError("ideal must hold exactly one value per seed, each above 0")
        if not (np.isfinite(self.features).all() and np.isfinite(self.offsets).all()):
            raise ValueError("features and offsets must be finite, also where valid is False")

    def __len__(self) -> int:
        return len(self.ideal)

    def take(self, seeds: NDArray[np.intp]) -> "TrainingSeeds":
        """Return some of the seeds, given by their positions, in the given order."""
        return replace(
            self, **{part.name: getattr(self, part.name)[seeds] for part in fields(self)}
        )

    def join(self, others: "TrainingSeeds") -> "TrainingSeeds":
        """Return these seeds followed by others, which must have as many candidates each."""
        names = [part.name for part in fields(self)]
        both = {name: (getattr(self, name), getattr(others, name)) for name in names}
        return TrainingSeeds(**{name: np.concatenate(parts) for name, parts in both.items()})

    def measure(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how good each seed's list is when its candidates are ranked by these weights.

        Of candidates with equal scores, the one that comes first stays first.

        Args:
            weights: Shape (kinds,), float64: the weight of each kind of evidence.

        Returns:
            Shape (seeds, 3), float64, as shares of the ideal: nDCG@10; the rank-biased gain, for
            readers who go on to the next place nine times in ten, which varies less by chance
            (Moffat & Zobel, "Rank-Biased Precision", TOIS 2008); and how much of that gain chance
            explains, since some articles are related to many.
        """
        scores = self.features @ weights.astype(np.float32) + self.offsets
        scores[~self.valid] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, :_PLACES]
        gains = np.take_along_axis(self.grades, best, axis=1)
        chance = np.take_along_axis(self.popularity, best, axis=1)
        places = best.shape[1]
        ten, patience = _FIRST_TEN[:places], _PATIENCE[:places]
        found = np.stack([gains @ ten, gains @ patience, chance @ patience], axis=1)
        return found / self.ideal[:, None]

    def shares(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much each kind of evidence contributes to the differences of scores in lists.

        Args:
            weights: Shape (kinds,), float64: the weight of each kind of evidence.

        Returns:
            Shape (kinds,), float64: each weight times the standard deviation of its evidence inside
            a list, scaled to the sum 1; all 0 if nothing differs.
        """
        inside = self.valid[..., None]
        count = np.maximum(inside.sum(axis=1, keepdims=True), 1)
        means = (self.features * inside).sum(axis=1, keepdims=True) / count
        squares = ((self.features - means) ** 2 * inside / count).sum(axis=(0, 1))
        parts = weights * np.sqrt(squares)
        found: NDArray[np.float64] = parts / max(parts.sum(), 1e-9)
        return found


def deal_by_chance(
    seeds: NDArray[np.integer],
    targets: NDArray[np.integer],
    gains: NDArray[np.floating],
    candidates: NDArray[np.integer],
    grades: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the gain that each candidate would have by chance; shape as ``candidates``, float32.

    It is the mean if the related articles of all other seeds were dealt out at random, and every
    seed got as many as it has. So an article related to many seeds has a high gain by chance.

    Args:
        seeds: Shape (pairs,), int: the position of the seed of each pair of related articles.
        targets: Shape (pairs,), int: the row of the article that is related to the seed.
        gains: Shape (pairs,), float: the gain of that article in the seed's list.
        candidates: Shape (seeds, candidates), int: the rows of each seed's candidates.
        grades: Shape (seeds, candidates), float32: the gain of each candidate for its own seed.
    """
    known = np.bincount(targets, gains, minlength=int(candidates.max(initial=0)) + 1)
    own = np.bincount(seeds, minlength=len(candidates))[:, None]
    dealt = own * (known[candidates] - grades) / np.maximum(len(seeds) - own, 1)
    found: NDArray[np.float32] = dealt.astype(np.float32)
    return found


def mean_elsewhere(
    targets: NDArray[np.integer],
    gains: NDArray[np.floating],
    candidates: NDArray[np.integer],
    grades: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the mean gain of each candidate over the lists of all other seeds that hold it.

    One more list, with a gain of 1, is counted in, so that a candidate that no other list holds
    gets 1. The result has the shape of ``candidates``, float32.

    Args:
        targets: Shape (pairs,), int: the row of each article that is related to a seed.
        gains: Shape (pairs,), float: the gain of that article in the seed's list, above 0.
        candidates: Shape (seeds, candidates), int: the rows of each seed's candidates.
        grades: Shape (seeds, candidates), float32: the gain of each candidate for its own seed.
    """
    size = int(max(candidates.max(initial=0), targets.max(initial=0))) + 1
    known = np.bincount(targets, gains, minlength=size)[candidates] - grades
    others = np.bincount(targets, minlength=size)[candidates] - (grades > 0)
    found: NDArray[np.float32] = ((known + 1) / (others + 1)).astype(np.float32)
    return found

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
    """Judged articles (seeds), each with its candidates, ordered by the default's score.

    Attributes:
        features: Shape (seeds, candidates, kinds), float32: what each kind of evidence says.
        offsets: Shape (seeds, candidates), float32: is added to the weighted sum, not learned.
        grades: Shape (seeds, candidates), float32: the gain of each candidate; 0 if unrelated.
        ideal: Shape (seeds,), float64: the largest possible discounted gain of ten articles,
            among them related articles that are no candidates.
        valid: Shape (seeds, candidates), bool: False where a seed has no more candidates.
        popularity: Shape (seeds, candidates), float32: the gain that each candidate would have on
            the average if the judged articles were dealt to the seeds by chance, see
            :func:`deal_by_chance` and :func:`mean_elsewhere`.
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
            raise ValueError(f"offsets, grades and valid must have the shape {shape}")
        if self.ideal.shape != shape[:1] or not (self.ideal > 0).all():
            raise ValueError("every seed needs an ideal gain above 0")
        if not (np.isfinite(self.features).all() and np.isfinite(self.offsets).all()):
            raise ValueError("features and offsets must be finite, at missing candidates too")

    def __len__(self) -> int:
        return len(self.ideal)

    def take(self, seeds: NDArray[np.intp]) -> "TrainingSeeds":
        """Return some of the seeds, in the given order."""
        return replace(
            self, **{part.name: getattr(self, part.name)[seeds] for part in fields(self)}
        )

    def join(self, others: "TrainingSeeds") -> "TrainingSeeds":
        """Return these seeds and, behind them, others with as many candidates."""
        names = [part.name for part in fields(self)]
        both = {name: (getattr(self, name), getattr(others, name)) for name in names}
        return TrainingSeeds(**{name: np.concatenate(parts) for name, parts in both.items()})

    def measure(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how good each seed's list is when its candidates are ranked by these weights.

        Returns:
            Shape (seeds, 3), float64: nDCG@10; the rank-biased gain, for readers who go on from a
            place to the next nine times of ten, which differs less by accident (Moffat & Zobel,
            "Rank-Biased Precision", TOIS 2008); and how much of that is expected by chance, as some
            articles are judged related to many. All are in units of the ideal. Of equal scores
            the candidate that stands first goes first.
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
        """Return each kind's share in how much the scores of a list's candidates differ.

        Returns:
            Shape (kinds,), float64, sum 1, or 0 if nothing differs: each weight times the standard
            deviation of its evidence inside a list.
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
    """Return the mean gain of each candidate if the other seeds' judged articles were dealt anew.

    Every seed gets as many as it has. What is judged related to many seeds is likely dealt to any.

    Args:
        seeds: Shape (pairs,), int: of each judged related pair the seed's position.
        targets: Shape (pairs,), int: the row of the article judged related to it.
        gains: Shape (pairs,), float: its gain.
        candidates: Shape (seeds, candidates), int: the rows of the candidates.
        grades: Shape (seeds, candidates), float32: the gain of each candidate for the seed itself.
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
    """Return the mean gain of each candidate in other seeds' lists, with a gain of 1 once added.

    It is what a target's attraction wherever it stands lets one expect. The shapes are those of
    :func:`deal_by_chance`, and every gain is above 0.
    """
    size = int(max(candidates.max(initial=0), targets.max(initial=0))) + 1
    known = np.bincount(targets, gains, minlength=size)[candidates] - grades
    others = np.bincount(targets, minlength=size)[candidates] - (grades > 0)
    found: NDArray[np.float32] = ((known + 1) / (others + 1)).astype(np.float32)
    return found

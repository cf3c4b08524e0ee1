"""The ranking parameters, whose defaults are the same for every corpus, and the lengths of lists.

Each default was chosen by measuring quality on three corpora with relevance judgments. It is a
round number, near which quality changes little. ``python -m benchmarks.ablation`` shows how much
each stage adds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingParameters:
    """Parameters by which candidates are found, scored and ordered.

    Attributes:
        dense_weight: Weight of the cosine in a pair's score; the rest, 1 - ``dense_weight``, is
            the weight of the lexical similarity.
        pair_share: The squared length of an article's vector of word pairs, relative to that of
            its vector of words.
        candidates: Number of nearest neighbors by embedding that are scored, and as many by words.
        diffusion_neighbors: Number of nearest neighbors of an article whose scores are added to
            its own; 0 for none.
        diversity: Weight, 0 to 1, of the penalty for similarity to articles higher up in the list;
            :func:`recommender.rerank.diversify` applies it.
    """

    dense_weight: float = 0.7
    pair_share: float = 0.5
    candidates: int = 64
    diffusion_neighbors: int = 30
    diversity: float = 0.1


DEFAULT_RECIPE = RankingParameters()

DEFAULT_DEPTH = 50
"""Length of a stored list: more than a page shows, so that enough articles are left when hidden
ones are removed."""

SHOWN = 6
"""Length of the list that a page shows. Reports count articles that are in no list, or in very
many, by lists of this length."""

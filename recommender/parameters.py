"""The ranking parameters, with one default for every corpus, and the lengths of lists.

Each parameter was chosen by measurement on three judged sets together, never for one of them, and
is a round number on a plateau; ``python -m benchmarks.ablation`` shows what each stage is worth.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingParameters:
    """How candidates are found, scored and ordered.

    Attributes:
        dense_weight: Weight of the embeddings' evidence; the words' weight is the rest to 1.
        pair_share: Weight of all word pairs of an article relative to all of its words, in
            squared length.
        candidates: Neighbors of each kind that are scored.
        diffusion_neighbors: Nearest neighbors whose scores are added in diffusion; 0 for none.
        diversity: Penalty for similarity to articles already chosen; see
            :func:`recommender.rerank.diversify`.
    """

    dense_weight: float = 0.7
    pair_share: float = 0.5
    candidates: int = 64
    diffusion_neighbors: int = 30
    diversity: float = 0.1


DEFAULT_RECIPE = RankingParameters()

DEFAULT_DEPTH = 50
"""Length of a stored list: deeper than anyone shows, so that serving can filter it."""

SHOWN = 6
"""Length of the list that a page shows, and so at which orphans and hubs are counted."""

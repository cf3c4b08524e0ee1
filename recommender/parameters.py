"""The figures of the recipe in one place: one default for every corpus.

Each was chosen by measurement on three judged sets at once, never for one of them, and is a round
number on a plateau; ``python -m benchmarks.ablation`` shows what each stage is worth.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingParameters:
    """How candidates are found, scored and ordered.

    Attributes:
        dense_weight: Weight of the embeddings' evidence; the words' weight is the rest to 1.
        pair_share: What all word pairs of an article weigh beside all of its words, in
            squared length.
        candidates: Neighbors of each kind that are looked at.
        diffusion_neighbors: Nearest neighbors that have a say; 0 for none.
        diversity: How much likeness to articles already chosen counts against one; see
            :func:`recommender.rerank.diversify`.
    """

    dense_weight: float = 0.7
    pair_share: float = 0.5
    candidates: int = 64
    diffusion_neighbors: int = 30
    diversity: float = 0.1


DEFAULT_RECIPE = RankingParameters()

"""The whole way from embeddings and words to related lists, for every article of a corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import Embeddings
from recommender.fusion import (
    Calibration,
    Diffused,
    calibrate,
    diffuse,
    gather_candidates,
)
from recommender.lexical import LexicalVectors, weigh_terms
from recommender.neighbors import NO_ROW, NeighborIndex, Neighbors
from recommender.policy import Lists, adopt_orphans, apply_policy
from recommender.recipe import DEFAULT_RECIPE, Recipe
from recommender.stories import Stories, Texts, find_stories
from recommender.terms import TermCounts

DEFAULT_DEPTH = 50
"""Length of a stored list: deeper than anyone shows, so that serving can filter it."""

SHOWN = 6
"""Length at which orphans and hubs are counted: what a page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A corpus, ready to be related.

    Attributes:
        embeddings: Shape (n, dim), float32, unit rows.
        index: Over the same rows.
        terms: Their term counts.
        texts: Their prepared texts, to tell near-duplicates.
        languages: Shape (n,), int32: language ids, 0 unknown.
        dates: Shape (n,), int32: later is newer, among versions of a story.
        superseded: Row of a newer version to the row of the older.
        visible: Shape (n,), bool: whether readers see it, for counting orphans.
        weights: Shape (n,), float32: see :func:`recommender.policy.apply_policy`.
    """

    embeddings: Embeddings
    index: NeighborIndex
    terms: TermCounts
    texts: Texts
    languages: NDArray[np.int32]
    dates: NDArray[np.int32]
    superseded: Mapping[int, int]
    visible: NDArray[np.bool_]
    weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Related lists and what they rest on.

    Attributes:
        lists: Rows and scores; see :class:`recommender.policy.Lists`.
        stories: Which rows are the same story.
        lexical: Term weights, kept to score drafts.
        calibration: What chance looks like, kept for the same reason.
        health: Figures of the whole catalogue; see :func:`measure_health`.
    """

    lists: Lists
    stories: Stories
    lexical: LexicalVectors
    calibration: Calibration
    health: dict[str, float]


def relate(
    catalogue: Catalogue,
    *,
    depth: int = DEFAULT_DEPTH,
    recipe: Recipe = DEFAULT_RECIPE,
    adopt: bool = False,
    calibration: Calibration | None = None,
) -> Related:
    """Relate every article to all others.

    Args:
        catalogue: The corpus.
        depth: Length of the lists.
        recipe: How candidates are found, scored and ordered.
        adopt: Give orphans a place in a list; see :func:`recommender.policy.adopt_orphans`.
        calibration: Chance as measured for an earlier build, so that scores stay comparable;
            measured anew by default.
    """
    nearest = catalogue.index.search(catalogue.embeddings, recipe.candidates + 1)
    stories = find_stories(nearest, catalogue.texts, catalogue.superseded, catalogue.dates)
    lexical = weigh_terms(catalogue.terms, recipe)
    calibration = calibration or calibrate(catalogue.embeddings, lexical, recipe)
    own = gather_candidates(
        catalogue.embeddings, catalogue.index, lexical, calibration, nearest, recipe
    )
    diffused = diffuse(own, calibration, 2 * depth, recipe)
    lists = apply_policy(
        to_scale(diffused),
        stories=stories,
        languages=catalogue.languages,
        weights=catalogue.weights,
        embeddings=catalogue.embeddings,
        depth=depth,
        diversity=recipe.diversity,
    )
    if adopt and depth > SHOWN:
        adopt_orphans(lists, catalogue.visible, SHOWN)
    return Related(
        lists=lists,
        stories=stories,
        lexical=lexical,
        calibration=calibration,
        health=measure_health(lists, catalogue.visible),
    )


def to_scale(diffused: Diffused) -> Neighbors:
    """Scores on the scale that readers of the API see, from 0 to 1.

    0 is no closer than two random articles of the site, 1 as close as a copy of the article
    would be, 0.5 half-way between. Within a list the order stays the same.
    """
    scores = diffused.neighbors.scores / diffused.of_a_copy[:, None]
    scaled = np.where(np.isfinite(scores), np.clip(scores, 0.0, 1.0), -np.inf)
    return Neighbors(rows=diffused.neighbors.rows, scores=scaled.astype(np.float32))


def measure_health(lists: Lists, visible: NDArray[np.bool_]) -> dict[str, float]:
    """Figures of a whole catalogue.

    Returns:
        ``coverage``: share of visible articles in at least one visible article's shown list;
        ``orphans``: how many are in none; ``largest_hub``: share of shown lists that the most
        linked article is in; ``median_score`` of the first shown; ``empty``: lists without
        any related article.
    """
    count = int(visible.sum())
    if count == 0:
        return {"coverage": 0.0, "orphans": 0, "largest_hub": 0.0, "median_score": 0.0, "empty": 0}
    shown = lists.rows[visible][:, :SHOWN]
    inbound = np.bincount(shown[shown != NO_ROW], minlength=len(visible))[visible]
    first = lists.scores[visible][:, 0]
    found = np.isfinite(first)
    orphans = int((inbound == 0).sum())
    return {
        "coverage": round(1.0 - orphans / count, 4),
        "orphans": orphans,
        "largest_hub": round(float(inbound.max()) / count, 4),
        "median_score": round(float(np.median(first[found])) if found.any() else 0.0, 4),
        "empty": int((~found).sum()),
    }

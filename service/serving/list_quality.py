"""Measures how good the ranking of a build is, before pins, hides and the pages' own links.

The lists are compared with relevance judgments: which articles people found relevant for another.
"""

from dataclasses import replace
from typing import Any, cast

import numpy as np

from index.build.build import Build
from index.files import load_array
from index.query import MAX_LIMIT, RelatedQuery
from recommender.encoder import Embeddings
from recommender.parameters import SHOWN
from recommender.ranking_metrics import (
    Estimate,
    Relevance,
    intra_list_diversity,
    measure_relevance,
)
from recommender.relevance_judgments import Qrels, judged_seeds
from recommender.visibility import utc_now
from service.decisions.decision_state import NO_STATE, DecisionState
from service.serving.selection import select
from service.serving.serving_view import ServingView

_DIVERSITY_LISTS = 2_000


def evaluate_build(
    build: Build, qrels: Qrels, query: RelatedQuery, state: DecisionState = NO_STATE
) -> dict[str, Any]:
    """Measures how well a build's lists agree with relevance judgments, and how varied they are.

    Args:
        build: The build to evaluate.
        qrels: The relevance judgments by article id.
        query: The query of a request without parameters; recall is measured at a higher limit. The
            links of the pages themselves are ignored, since the judgments may come from them.
        state: The editors' decisions, of which only takedowns are applied; none by default.

    Returns:
        A dictionary of JSON values. Over the judged articles: ``ndcg10``, ``p6`` (precision of the
        first six) and ``recall50``, each with its 95 % confidence interval, such as ``ndcg10_95``,
        and ``seeds``, the number of these articles. Over all visible articles: ``coverage``, the
        share that some list shows; ``orphans``, the number that no list shows; ``largest_hub``,
        the share of lists that show the most often shown article; and ``diversity``, how different
        the articles within a list are.

    Raises:
        SourceError: If no judged article has enough relevant articles in the build.
    """
    served, now = ServingView(build, DecisionState(takedowns=state.takedowns)), utc_now()
    query = query.by_ranking()
    deep = replace(query, limit=MAX_LIMIT)
    visible = [row for row in range(build.count) if served.is_visible(row, now)]
    ids = {build.article_id(row): row for row in visible}
    judged = judged_seeds(qrels, set(ids))
    lists = {
        seed: [
            build.article_id(item.row) for item in select(served, ids[seed], now=now, query=deep)
        ]
        for seed in judged
    }
    relevance = measure_relevance(lists, judged)
    shown = np.full((len(visible), SHOWN), -1, dtype=np.int32)
    for place, row in enumerate(visible):
        chosen = select(served, row, now=now, query=replace(query, limit=SHOWN))
        shown[place, : len(chosen)] = [item.row for item in chosen]
    inbound = np.bincount(shown[shown >= 0], minlength=build.count)[visible]
    embeddings = cast("Embeddings", load_array(build.checked("embeddings.npy")))
    step = max(1, len(shown) // _DIVERSITY_LISTS)
    return {
        "build": build.name,
        "seeds": relevance.seeds,
        **flat_figures(relevance),
        "coverage": round(float((inbound > 0).mean()), 4),
        "orphans": int((inbound == 0).sum()),
        "largest_hub": round(float(inbound.max()) / len(visible), 4),
        "diversity": round(intra_list_diversity(shown[::step], embeddings), 4),
    }


def flat_figures(relevance: Relevance) -> dict[str, Any]:
    """Returns nDCG@10, precision@6 and recall@50 as a dictionary of JSON values.

    Each figure has its 95 % confidence interval beside it: ``ndcg10`` and ``ndcg10_95``.
    """
    found: dict[str, Any] = {}
    for name in ("ndcg10", "p6", "recall50"):
        estimate: Estimate = getattr(relevance, name)
        found[name] = round(estimate.mean, 4)
        found[f"{name}_95"] = [round(estimate.low, 4), round(estimate.high, 4)]
    return found

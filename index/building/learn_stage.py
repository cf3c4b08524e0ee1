"""Learning in a build: what weights are learned from, and the record of what was learned."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.articles.article_store import ArticleStore
from index.build.build import CENTERING, LEARNING, Build
from index.build.id_table import IdTable
from index.build.lexicon import load_calibration
from index.build.link_graph import EDITORIAL, LinkFindings, PageLinkKind
from index.building.context import BuildContext
from index.building.link_names import without_words_of_links
from index.files import load_array, write_json
from recommender.boilerplate import Boilerplate
from recommender.clicks.click_judgments import click_judgments
from recommender.clicks.propensities import position_propensities
from recommender.encoder import Embeddings, Fingerprint
from recommender.evidence import KINDS
from recommender.fusion import Calibration
from recommender.learning.judged_pairs import JudgedPairs
from recommender.learning.learning_words import describe_learning
from recommender.pipeline import PipelineResult
from recommender.text import PreparedText, prepare

LEAST_ENCODED = 200
ENCODED_SHARE = 0.05
"""Texts are encoded again, without the words of their links, for at most this share of the
articles, but for at least :data:`LEAST_ENCODED` if there are so many."""

_DRAWN = 11


def judged_pairs(
    context: BuildContext,
    store: ArticleStore,
    boilerplate: Boilerplate,
    found: LinkFindings,
    visible: NDArray[np.bool_],
    encode: Callable[[Sequence[PreparedText]], Embeddings],
) -> JudgedPairs | None:
    """Collect the pairs of visible articles that the site and its editors call related.

    Args:
        context: The build in progress.
        store: The build's articles.
        boilerplate: The passages that many pages share, to remove from texts.
        found: The links between the articles, and the names by which links refer to articles.
        visible: Shape (n,), bool: which articles readers may see.
        encode: Called with texts from which the words of links were removed; returns their
            embeddings.

    Returns:
        The pairs; ``None`` if there are none.
    """
    links = found.links
    sources, targets, kinds = links.sources(), links.targets.values, links.kinds
    shown = visible[sources] & visible[targets]
    in_text = shown & (kinds == PageLinkKind.TEXT)
    linking = np.unique(sources[in_text])
    most = max(LEAST_ENCODED, int(ENCODED_SHARE * len(visible)))
    if len(linking) > most:
        chosen = np.random.default_rng(_DRAWN).choice(linking, size=most, replace=False)
        linking = np.sort(chosen)
    told = shown & np.isin(kinds, EDITORIAL)
    told &= (kinds != PageLinkKind.TEXT) | np.isin(sources, linking)
    ids = IdTable(context.folder)
    pairs = [
        (seed, target, grade)
        for (article, other), grade in context.options.judgments().items()
        if (seed := ids.row(article)) is not None and (target := ids.row(other)) is not None
    ]
    judged = np.array(pairs, dtype=np.int32).reshape(-1, 3)
    judged = judged[visible[judged[:, 0]] & visible[judged[:, 1]]]
    count = Counter(kinds[told].tolist())
    if not told.any() and not len(judged):
        return None
    return JudgedPairs(
        seeds=np.concatenate([sources[told], judged[:, 0]]),
        targets=np.concatenate([targets[told], judged[:, 1]]),
        grades=np.concatenate([np.ones(int(told.sum()), dtype=np.float32), judged[:, 2]]),
        linked=np.stack([sources[in_text], targets[in_text]], axis=1),
        texts={
            row: prepare(without_words_of_links(store[row], found.names), boilerplate)
            for row in linking.tolist()
        },
        encode=encode,
        sources={
            "links in texts": count[PageLinkKind.TEXT],
            "related links of pages": count[PageLinkKind.RELATED],
            "judgments": len(judged),
        },
    )


def clicked_pairs(
    context: BuildContext,
    visible: NDArray[np.bool_],
    encode: Callable[[Sequence[PreparedText]], Embeddings],
) -> JudgedPairs | None:
    """Collect the pairs of visible articles that readers' clicks show to be more or less related.

    Args:
        context: The build in progress.
        visible: Shape (n,), bool: which articles readers may see.
        encode: Called with texts; returns their embeddings.

    Returns:
        The pairs; ``None`` if the clicks tell nothing.
    """
    table = IdTable(context.folder)

    @lru_cache(100_000)
    def shown(article_id: str) -> int | None:
        row = table.row(article_id)
        return row if row is not None and visible[row] else None

    counts = np.fromiter(  # row by row, for they may be many millions
        (
            (article, target, *count)
            for article_id, target_id, *count in context.options.clicks()
            if (article := shown(article_id)) is not None
            and (target := shown(target_id)) is not None
        ),
        dtype=np.dtype((np.int64, 5)),
    )
    articles, targets, positions, seen, clicked = counts.T
    propensities = position_propensities(articles, targets, positions, seen, clicked)
    judged = click_judgments(articles, targets, positions, seen, clicked, propensities)
    if not len(judged.gains):
        return None
    return JudgedPairs(
        seeds=judged.articles,
        targets=judged.targets,
        grades=np.log2(1 + judged.gains),
        linked=np.zeros((0, 2), dtype=np.int32),
        texts={},
        encode=encode,
        sources={"pairs by clicks": len(judged.gains)},
        closed=True,
    )


def save_learning(
    context: BuildContext,
    related: PipelineResult,
    judged: Sequence[JudgedPairs | None],
    previous: Build | None,
) -> dict[str, Any]:
    """Write a record of the learned weights into the build's folder, or copy an earlier build's.

    Args:
        context: The build in progress.
        related: The result of relating the articles.
        judged: The pairs that weights were learned from: of links and judgments, and of clicks.
        previous: The earlier build whose weights are used; ``None`` if they were learned now.

    Returns:
        The record, as JSON values; empty if nothing was ever learned.
    """
    learned, learning = related.learned, dict[str, Any]()
    if previous is not None:
        learning = previous.learning
    elif learned is not None:
        weights = weights_by_name(related.calibration)
        learning = {
            "adopted": learned.changed,
            "sentences": describe_learning(learned, list(weights)),
            "seeds": learned.seeds,
            "sources": {
                name: count
                for some in judged
                if some is not None
                for name, count in some.sources.items()
            },
            "default_ndcg10": round(learned.default_ndcg10, 4),
            "learned_ndcg10": round(learned.learned_ndcg10, 4),
            "gain_99": [round(learned.gain_low, 4), round(learned.gain_high, 4)],
            "folds": learned.folds,
            "weights": weights,
        }
        if (clicked := learned.clicked) is not None:
            learning["clicks"] = {
                "adopted": clicked.adopted,
                "lists": clicked.seeds,
                "gain_99": [round(clicked.gain_low, 4), round(clicked.gain_high, 4)],
                "own_links_kept": round(clicked.kept, 4),
            }
    write_json(context.folder / LEARNING, learning)
    return learning


def weights_by_name(scoring: Calibration) -> dict[str, float]:
    """Return each kind of evidence's weight by name; ``neighbors`` is that of common neighbors."""
    names = [*(kind.name for kind in KINDS), "neighbors"]
    weights = [*scoring.weights, scoring.neighbors]
    return {name: round(weight, 4) for name, weight in zip(names, weights, strict=True)}


def carried_calibration(
    previous: Build | None, encoder: Fingerprint, centering: NDArray[np.float32]
) -> Calibration | None:
    """Return the live build's calibration of scores, so that scores stay comparable.

    Args:
        previous: The live build, if there is one.
        encoder: The encoder of the new build.
        centering: What the new build takes out of embeddings.

    Returns:
        The live build's calibration; ``None`` if there is no live build, or if its encoder or its
        centering is another one, so that scores can't be compared anyway.
    """
    if previous is None or previous.manifest.encoder != encoder:
        return None
    if not np.array_equal(centering, load_array(previous.checked(CENTERING))):
        return None
    return load_calibration(previous.checked)

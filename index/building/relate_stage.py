"""The stage of a build that relates all articles, by weights that are learned or carried over."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from index.articles.article_store import ArticleStore
from index.articles.record import RecordProblem, short
from index.build.build import CENTERING
from index.build.carried_state import load_state
from index.build.link_graph import LinkFindings
from index.build.ragged import Ragged
from index.building.context import BuildContext
from index.building.folder_arrays import FolderWorkspace
from index.building.learn_stage import (
    carried_calibration,
    clicked_pairs,
    judged_pairs,
    save_learning,
)
from index.building.worker_processes import in_processes
from index.files import load_array, save_array, write_json
from recommender.boilerplate import Boilerplate
from recommender.carried import CarriedRelating
from recommender.encoder import Embeddings, Fingerprint
from recommender.evidence import KINDS
from recommender.parameters import USUAL_WEIGHTS
from recommender.pipeline import CorpusArticles, PipelineResult, relate
from recommender.text import PreparedText

RELATED_AT_ONCE = 3
"""Where more than one in this many articles changed, all are related anew. With fewer, scores that
are known save more than it takes to find out which are."""


def relate_articles(
    context: BuildContext,
    store: ArticleStore,
    articles: CorpusArticles,
    boilerplate: Boilerplate,
    links: LinkFindings,
    fingerprint: Fingerprint,
    encode: Callable[[Sequence[PreparedText]], Embeddings],
) -> tuple[PipelineResult, dict[str, Any]]:
    """Relates all articles; in a small build, those whose lists may have changed.

    The live build's calibration is used if it is known and fits, else it is learned anew.

    Args:
        context: The build in progress.
        store: The build's articles.
        articles: What is known of them, a row each.
        boilerplate: The passages that many pages share, which were removed from texts.
        links: The links between the articles, and the names by which links refer to articles.
        fingerprint: The encoder's identity.
        encode: Called with texts from which the words of links were removed; returns their
            embeddings.

    Returns:
        The lists and what was learned; and the record of learning that reports show.
    """
    calibrated = context.previous if context.beside is None else context.beside.calibrated
    if context.options.relearn:
        calibrated = None
    centering = load_array(context.folder / CENTERING)
    carried = carried_calibration(calibrated, fingerprint, centering)
    judged = clicked = None
    if carried is None and context.options.learn and not context.options.weights:
        judged = judged_pairs(context, store, boilerplate, links, articles.visible, encode)
        clicked = clicked_pairs(context, articles.visible, encode)
    weights, spread = {**USUAL_WEIGHTS, **context.options.weights}, context.engine.spread
    related = relate(
        articles,
        depth=context.options.depth,
        weights=[weights[kind.name] for kind in KINDS],
        adopt=context.options.adopt_orphans,
        calibration=carried,
        judged=judged,
        clicked=clicked,
        workspace=FolderWorkspace(context.folder),
        mapper=spread,
        processes=in_processes(spread, few=spread),
        carried=_carried_relating(context),
    )
    _report_apart(context, store, related.stories.apart)
    reused = calibrated if carried is not None else None
    return related, save_learning(context, related, (judged, clicked), reused)


def _carried_relating(context: BuildContext) -> CarriedRelating | None:
    """Returns the lists that a small build takes over, unless they are another version's."""
    live, carried = context.previous, context.carried
    if live is None or carried is None or live.manifest.alsolike != version("alsolike"):
        return None
    kept = int((carried.rows >= 0).sum())
    changed = len(carried.rows) - kept + live.count - kept
    anew = changed * RELATED_AT_ONCE > len(carried.rows)
    return CarriedRelating(load_state(live), carried.rows, anew=anew)


def _report_apart(context: BuildContext, store: ArticleStore, rows: Sequence[int]) -> None:
    """Notes the articles whose translation key other pages of the same language have too."""
    for row in rows:
        article = store[row]
        if article.translation_key is None:  # told by its address
            continue
        context.report.note(
            RecordProblem(
                location=f"article {article.id}",
                field="translation_key",
                reason="same-language",
                message=f"translation_key {short(article.translation_key)} stands on several pages "
                f"in language {article.language or 'unknown'}: they are not taken for translations "
                "of each other; give each page and its translations a key of their own",
            )
        )


def save_related(folder: Path, related: PipelineResult) -> None:
    """Writes the stories, the calibration and the state that a small build goes on from.

    Lists, candidates and postings were written while they were computed.
    """
    save_array(folder / "stories.npy", related.stories.of)
    save_array(folder / "newer.npy", related.stories.newer)
    Ragged(related.stories.members, related.stories.ends).save(folder, "members")
    save_array(folder / "nearest.npy", related.nearest)
    save_array(folder / "close_pairs.npy", related.close)
    save_array(folder / "adopted.npy", related.adopted)
    write_json(folder / "calibration.json", asdict(related.calibration))

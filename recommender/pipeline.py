"""The ranking pipeline: makes every article's related list from embeddings and term counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, Column, Workspace
from recommender.encoder import Embeddings
from recommender.evidence import DEFAULT_WEIGHTS, PairData
from recommender.fusion import (
    Calibration,
    calibrate,
    choose_hub_strength,
    diffuse,
    gather_candidates,
    mean_nearest,
)
from recommender.labels import Labels
from recommender.learning.judged_pairs import SCALES, JudgedPairs, training_seeds
from recommender.learning.learned_weights import LearnedWeights, learn_weights
from recommender.lexical import LexicalVectors
from recommender.neighbors import NO_ROW, NeighborIndex, Neighbors
from recommender.parallel import BlockMapper, equal_blocks, in_turn, map_in_threads
from recommender.parameters import DEFAULT_DEPTH, DEFAULT_RECIPE, SHOWN, RankingParameters
from recommender.postings import make_postings, search_postings
from recommender.rerank import REJECTED, RankedLists, adopt_orphans, rerank
from recommender.stories import Stories, StoryTexts, find_stories
from recommender.term_counts import CorpusTerms
from recommender.translations import StoryLanguages

_BLOCK = 256
_SEARCHED = 8_192

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusArticles:
    """The input of the pipeline: all articles of a corpus, encoded and counted.

    Attributes:
        embeddings: Shape (n, dim), float32, unit rows.
        index: The neighbor index over the embeddings.
        lexical: The articles' term weights, of :func:`recommender.lexical.weigh_terms`.
        texts: The articles' prepared texts, to recognize near-duplicates.
        languages: Shape (n,), int32: language ids; 0 if unknown.
        dates: Shape (n,), int32: days since 1970; of two versions of a story, the later is newer.
        superseded: Maps the row of a newer version to the row of the version it replaces.
        visible: Shape (n,), bool: which articles readers may see.
        tags: The tags of the articles.
        authors: The authors of the articles.
        weights: Shape (n,), float32: the factor by which the site's preferences multiply an
            article's score as a candidate.
        translation_keys: Shape (n,), int64: the same number for all translations of a page; 0 for
            a page without key.
        terms: The articles' term counts; needed only to learn from judged pairs.
        pages: Shape (n,), int64: the same number for articles at one address; ``None`` if unknown.
        versions: Shape (n,), int64: higher for newer versions; ``None`` if unknown.
    """

    embeddings: Embeddings
    index: NeighborIndex
    lexical: LexicalVectors
    texts: StoryTexts
    languages: NDArray[np.int32]
    dates: NDArray[np.int32]
    tags: Labels
    authors: Labels
    superseded: Mapping[int, int]
    visible: NDArray[np.bool_]
    weights: NDArray[np.float32]
    translation_keys: NDArray[np.int64] | None = None
    terms: CorpusTerms | None = None
    pages: NDArray[np.int64] | None = None
    versions: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineResult:
    """The output of the pipeline: related lists, and the data needed to score other texts.

    Attributes:
        lists: The related list of each article, and its rejected candidates.
        stories: The stories of the corpus.
        lexical: Term weights, which a build stores to score drafts.
        calibration: What is frozen of the site for scoring, stored for the same reason.
        pairs: What articles are compared by.
        nearest: Shape (n,), float32: how close each article is to its own ten nearest, see
            :func:`recommender.fusion.mean_nearest`.
        learned: What was learned from judged pairs; ``None`` if nothing was.
        health: Figures about all lists together, from :func:`measure_health`.
    """

    lists: RankedLists
    stories: Stories
    lexical: LexicalVectors
    calibration: Calibration
    pairs: PairData
    nearest: NDArray[np.float32]
    learned: LearnedWeights | None
    health: dict[str, float]


def relate(
    catalogue: CorpusArticles,
    *,
    depth: int = DEFAULT_DEPTH,
    recipe: RankingParameters = DEFAULT_RECIPE,
    weights: Sequence[float] = DEFAULT_WEIGHTS,
    adopt: bool = True,
    calibration: Calibration | None = None,
    judged: JudgedPairs | None = None,
    workspace: Workspace = IN_MEMORY,
    mapper: BlockMapper = map_in_threads,
) -> PipelineResult:
    """Compute the related list of every article of a corpus.

    Args:
        catalogue: The corpus.
        depth: Length of the lists.
        recipe: Ranking parameters.
        weights: Weight of each kind of evidence, unless a calibration says them.
        adopt: Move articles that are in no shown list into one where they fit well.
        calibration: The calibration of an earlier build, to keep scores comparable with it;
            measured on this corpus by default.
        judged: Pairs of articles from which the weights of evidence are learned, unless a
            calibration is given.
        workspace: Stores every array that grows with the corpus. When the function returns, the
            workspace still holds the lists and the postings of the terms.
        mapper: Runs a function on every block of articles; by default on every core of this
            machine.
    """
    nearest = _find_nearest(
        catalogue.embeddings, catalogue.index, recipe.candidates + 1, workspace, mapper
    )
    stories = find_stories(
        nearest,
        catalogue.texts,
        catalogue.superseded,
        catalogue.dates,
        languages=catalogue.languages,
        translation_keys=catalogue.translation_keys,
        pages=catalogue.pages,
        versions=catalogue.versions,
    )
    lexical = catalogue.lexical
    postings = make_postings(lexical.weights, workspace, mapper)
    count = len(catalogue.embeddings)
    pairs = PairData(
        embeddings=catalogue.embeddings,
        terms=lexical.weights,
        titles=lexical.titles,
        tags=catalogue.tags.vectors(count, workspace, "tag_vectors"),
        authors=catalogue.authors.vectors(count, workspace, "author_vectors"),
        days=catalogue.dates,
    )
    scoring = calibration or calibrate(pairs, weights=weights, neighbors=recipe.neighbors_say)
    own = _find_candidates(pairs, postings, scoring, nearest, workspace, mapper)
    close = mean_nearest(own)
    learned = None
    if calibration is None:
        scoring = _choose_hub(scoring, own, close, recipe)
        if judged is not None and catalogue.terms is not None:
            seeds = training_seeds(
                judged, pairs, own, close, stories, scoring, catalogue.terms, lexical.idf
            )
            if seeds is not None:
                default = np.array([*scoring.weights, scoring.neighbors])
                learned = learn_weights(seeds, default, np.array(SCALES))
        if learned is not None and learned.adopted:
            *kinds, neighbors = learned.weights.tolist()
            scoring = replace(scoring, weights=kinds, neighbors=neighbors)
            workspace.drop("candidate_rows", "candidate_scores")
            own = _find_candidates(pairs, postings, scoring, nearest, workspace, mapper)
            close = mean_nearest(own)
            scoring = replace(_choose_hub(scoring, own, close, recipe), neighbors=neighbors)
    workspace.drop("nearest_rows", "nearest_scores")

    languages, embeddings = catalogue.languages, catalogue.embeddings
    story_languages = StoryLanguages(stories.of, stories.members, languages)

    def list_block(start: int, stop: int) -> RankedLists:
        copies = scoring.copy_scores(pairs, start, stop)
        diffused = diffuse(own, close, copies, scoring, 2 * depth, recipe, start=start, stop=stop)
        candidates = to_scale(diffused.neighbors, diffused.copy_scores)
        listed = np.arange(start, start + len(candidates.rows))
        return rerank(
            story_languages.candidates_in(candidates, languages[listed], listed),
            stories=stories,
            languages=languages,
            weights=catalogue.weights,
            embeddings=embeddings,
            depth=depth,
            diversity=recipe.diversity,
            first=start,
        )

    lists = _join_parts(
        RankedLists,
        mapper(list_block, equal_blocks(len(own.rows), _BLOCK), stage="lists"),
        {
            "rows": workspace.column("related_rows", np.int32, depth),
            "scores": workspace.column("related_scores", np.float32, depth),
            "rejected_rows": workspace.column("rejected_rows", np.int32, REJECTED),
            "rejected_reasons": workspace.column("rejected_reasons", np.uint8, REJECTED),
        },
    )
    workspace.drop("candidate_rows", "candidate_scores")
    if adopt and depth > SHOWN:
        adopt_orphans(lists, catalogue.visible, SHOWN)
    return PipelineResult(
        lists=lists,
        stories=stories,
        lexical=lexical,
        calibration=scoring,
        pairs=pairs,
        nearest=close,
        learned=learned,
        health=measure_health(lists, catalogue.visible),
    )


def _choose_hub(
    scoring: Calibration,
    own: Neighbors,
    close: NDArray[np.float32],
    recipe: RankingParameters,
) -> Calibration:
    """Choose the strength of the hub correction, and whether neighbors have a say."""
    hub = choose_hub_strength(own, close, recipe.hub_strengths, recipe.most_hub)
    heard = scoring.neighbors if hub <= recipe.heard_up_to else 0.0
    return replace(scoring, hub=hub, hub_mean=float(close.mean()), neighbors=heard)


def _find_nearest(
    embeddings: Embeddings, index: NeighborIndex, k: int, workspace: Workspace, mapper: BlockMapper
) -> Neighbors:
    """Find the ``k`` nearest rows of every article by embedding."""

    def find(start: int, stop: int) -> Neighbors:
        return index.search(embeddings[start:stop], k)

    blocks = equal_blocks(len(embeddings), _SEARCHED)
    # One block at a time, since FAISS itself uses every core.
    return _join_parts(
        Neighbors,
        in_turn(mapper)(find, blocks, stage="nearest"),
        {
            "rows": workspace.column("nearest_rows", np.int32, k),
            "scores": workspace.column("nearest_scores", np.float32, k),
        },
    )


def _find_candidates(
    pairs: PairData,
    postings: sp.csr_matrix,
    calibration: Calibration,
    nearest: Neighbors,
    workspace: Workspace,
    mapper: BlockMapper,
) -> Neighbors:
    """Find, score and sort every article's candidates by embedding and by words."""
    k = nearest.rows.shape[1]

    def find(start: int, stop: int) -> Neighbors:
        own = pairs.take(slice(start, stop))
        found = search_postings(own.terms, postings, k)
        both = np.concatenate([nearest.rows[start:stop], found], axis=1)
        rows = np.arange(start, stop, dtype=np.int32)
        return gather_candidates(own, pairs, both, calibration, rows)

    return _join_parts(
        Neighbors,
        mapper(find, equal_blocks(len(pairs), _BLOCK), stage="candidates"),
        {
            "rows": workspace.column("candidate_rows", np.int32, 2 * k),
            "scores": workspace.column("candidate_scores", np.float32, 2 * k),
        },
    )


def _join_parts(kind: Callable[..., T], parts: Iterable[T], columns: Mapping[str, Column]) -> T:
    """Join the results of all blocks into one result.

    Args:
        kind: The class of the joined result.
        parts: The results of the blocks, in order.
        columns: For each array of a result, the array of the workspace to append it to.
    """
    for part in parts:
        for name, column in columns.items():
            column.append(getattr(part, name))
    return kind(**{name: column.finish() for name, column in columns.items()})


def to_scale(candidates: Neighbors, copy_scores: NDArray[np.float32]) -> Neighbors:
    """Convert scores to the scale that readers see, from 0 to 1; lists keep their order.

    A score of 0 means no closer than two random articles of the site, 1 as close as a copy of the
    article, and 0.5 halfway between the two.

    Args:
        candidates: Rows and scores, shape (n, k).
        copy_scores: Shape (n,): the score that a copy of each article would get.
    """
    scores = candidates.scores / copy_scores[:, None]
    scaled = np.where(np.isfinite(scores), np.clip(scores, 0.0, 1.0), -np.inf)
    return Neighbors(rows=candidates.rows, scores=scaled.astype(np.float32))


def measure_health(lists: RankedLists, visible: NDArray[np.bool_]) -> dict[str, float]:
    """Measure how well the shown lists of the visible articles cover the corpus.

    Returns:
        ``coverage``: share of visible articles that are in at least one shown list;
        ``orphans``: number of visible articles that are in none; ``largest_hub``: the share of
        shown lists that contain the article which is in most lists; ``median_score``: median of
        the best scores of the lists; ``empty``: number of lists without any related article.
    """
    count = int(visible.sum())
    if count == 0:
        return {"coverage": 0.0, "orphans": 0, "largest_hub": 0.0, "median_score": 0.0, "empty": 0}
    shown = lists.rows[:, :SHOWN][visible]
    inbound = np.bincount(shown[shown != NO_ROW], minlength=len(visible))[visible]
    first = lists.scores[:, 0][visible]
    found = np.isfinite(first)
    orphans = int((inbound == 0).sum())
    return {
        "coverage": round(1.0 - orphans / count, 4),
        "orphans": orphans,
        "largest_hub": round(float(inbound.max()) / count, 4),
        "median_score": round(float(np.median(first[found])) if found.any() else 0.0, 4),
        "empty": int((~found).sum()),
    }

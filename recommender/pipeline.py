"""The ranking pipeline: makes every article's related list from embeddings and term counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.arrays import IN_MEMORY, Workspace
from recommender.candidates import CandidateSearch
from recommender.carried import CarriedRelating, RelatingState, join_rows
from recommender.encoder import Embeddings
from recommender.evidence import DEFAULT_WEIGHTS, PairData
from recommender.fusion import Calibration, calibrate, choose_hub_strength, diffuse, mean_nearest
from recommender.labels import Labels
from recommender.learning.judged_pairs import SCALES, JudgedPairs, training_seeds
from recommender.learning.learned_weights import LearnedWeights, learn_in_steps
from recommender.lexical import LexicalVectors
from recommender.neighbors import NO_ROW, NeighborIndex, Neighbors
from recommender.parallel import BlockMapper, equal_blocks, map_in_threads
from recommender.parameters import DEFAULT_DEPTH, DEFAULT_RECIPE, SHOWN, RankingParameters
from recommender.postings import make_postings, update_postings
from recommender.rerank import REJECTED, RankedLists, adopt_orphans, rerank
from recommender.stories import StoryTexts, close_pairs, find_stories, join_pairs
from recommender.term_counts import CorpusTerms
from recommender.translations import StoryLanguages

_BLOCK = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusArticles:
    """The input of the pipeline: all articles of a corpus, encoded and counted.

    Attributes:
        embeddings: Shape (n, dim), float32, unit rows.
        index: The neighbor index over the embeddings.
        lexical: The articles' term weights, from :func:`recommender.lexical.weigh_terms`.
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
class PipelineResult(RelatingState):
    """The output of the pipeline: related lists, and the data needed to score other texts.

    Attributes:
        calibration: How pairs are scored on this site, which a build stores to score drafts.
        pairs: The data by which articles are compared.
        learned: What was learned from judged pairs; ``None`` if nothing was.
        health: Figures about all lists together, from :func:`measure_health`.
    """

    calibration: Calibration
    pairs: PairData
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
    clicked: JudgedPairs | None = None,
    workspace: Workspace = IN_MEMORY,
    mapper: BlockMapper = map_in_threads,
    processes: BlockMapper = map_in_threads,
    carried: CarriedRelating | None = None,
) -> PipelineResult:
    """Compute the related list of every article of a corpus.

    Args:
        catalogue: The corpus.
        depth: Length of the lists.
        recipe: Ranking parameters.
        weights: Weight of each kind of evidence; ignored if ``calibration`` is given.
        adopt: Whether to move articles that are in no shown list into one where they fit well.
        calibration: The calibration of an earlier build, to keep scores comparable with it;
            measured on this corpus by default.
        judged: Pairs of articles from which the weights of evidence are learned, unless a
            calibration is given.
        clicked: Pairs judged by clicks, which may change the weights further.
        workspace: Stores every array that grows with the corpus. When the function returns, the
            workspace still holds the lists, the candidates and the postings of the terms.
        mapper: Runs a function on every block of articles; by default on every core of this
            machine.
        processes: Does the same with functions that can be pickled, best in other processes.
        carried: The results of an earlier call for the articles that did not change. That call
            must have had the same depth, recipe and calibration, and the term weights and labels of
            ``catalogue`` must have the idf of that call. The result is then the same as if all
            lists were computed anew, and takes a fraction of the time.
    """
    lexical, count = catalogue.lexical, len(catalogue.embeddings)
    pairs = PairData(
        embeddings=catalogue.embeddings,
        terms=lexical.weights,
        titles=lexical.titles,
        tags=catalogue.tags.vectors(count, workspace, "tag_vectors"),
        authors=catalogue.authors.vectors(count, workspace, "author_vectors"),
        days=catalogue.dates,
    )
    if carried is None:
        postings = changes = make_postings(pairs.terms, workspace, mapper)
    else:
        before = carried.state.postings
        postings, changes = update_postings(pairs.terms, before, carried.moved[:-1], workspace)
    search = CandidateSearch(
        pairs,
        catalogue.index,
        postings,
        recipe.candidates + 1,
        carried,
        changes,
        workspace,
        mapper,
        processes,
    )
    close = close_pairs(search.nearest, search.stale)
    stale = np.zeros(count, dtype=bool)
    stale[search.stale] = True
    if carried is not None:
        close = join_pairs([close, carried.close(stale)])
    stories = find_stories(
        close,
        catalogue.texts,
        catalogue.superseded,
        catalogue.dates,
        languages=catalogue.languages,
        translation_keys=catalogue.translation_keys,
        pages=catalogue.pages,
        versions=catalogue.versions,
    )
    scoring = calibration or calibrate(pairs, weights=weights, neighbors=recipe.neighbors_say)
    own = search.candidates(scoring)
    nearest = mean_nearest(own)
    learned = None
    if calibration is None:
        scoring = _choose_hub(scoring, own, nearest, recipe)
        if catalogue.terms is not None:
            site = (pairs, own, nearest, stories, scoring, catalogue.terms, lexical.idf)
            default, scales = np.array([*scoring.weights, scoring.neighbors]), np.array(SCALES)
            own_seeds, clicked_seeds = (
                None if some is None else training_seeds(some, *site) for some in (judged, clicked)
            )
            learned = learn_in_steps(own_seeds, clicked_seeds, default, scales)
        if learned is not None and learned.changed:
            *kinds, neighbors = learned.weights.tolist()
            scoring = replace(scoring, weights=kinds, neighbors=neighbors)
            own = search.candidates(scoring)
            nearest = mean_nearest(own)
            scoring = replace(_choose_hub(scoring, own, nearest, recipe), neighbors=neighbors)
    search.drop()
    if carried is not None:
        known = carried.known >= 0
        nearest[known] = carried.state.nearest[carried.known[known]]
        otherwise = carried.judged_otherwise(stories, catalogue.weights)
        heard = recipe.diffusion_neighbors if scoring.neighbors else 0
        stale = _to_list_again(own, carried.changed(own, search.stale), otherwise, heard)

    languages, embeddings = catalogue.languages, catalogue.embeddings
    story_languages = StoryLanguages(stories.of, stories.members, languages)
    listed = np.flatnonzero(stale)

    def list_block(start: int, stop: int) -> RankedLists:
        rows = listed[start:stop]
        copies = scoring.copy_scores(pairs, rows)
        diffused = diffuse(own, nearest, copies, scoring, 2 * depth, recipe, rows=rows)
        candidates = to_scale(diffused.neighbors, diffused.copy_scores)
        return rerank(
            story_languages.candidates_in(candidates, languages[rows], rows),
            stories=stories,
            languages=languages,
            weights=catalogue.weights,
            embeddings=embeddings,
            depth=depth,
            diversity=recipe.diversity,
            own_rows=rows,
        )

    lists = join_rows(
        RankedLists,
        mapper(list_block, equal_blocks(len(listed), _BLOCK), stage="lists"),
        {
            "rows": workspace.column("related_rows", np.int32, depth),
            "scores": workspace.column("related_scores", np.float32, depth),
            "rejected_rows": workspace.column("rejected_rows", np.int32, REJECTED),
            "rejected_reasons": workspace.column("rejected_reasons", np.uint8, REJECTED),
        },
        listed,
        carried,
        None if carried is None else carried.lists,
    )
    adopted = np.zeros(count, dtype=np.uint16)
    if adopt and depth > SHOWN:
        adopted = adopt_orphans(lists, catalogue.visible, languages, SHOWN)
    return PipelineResult(
        candidates=own,
        nearest=nearest,
        close=close,
        stories=stories,
        postings=postings,
        lists=lists,
        adopted=adopted,
        weights=catalogue.weights,
        calibration=scoring,
        pairs=pairs,
        learned=learned,
        health=measure_health(lists, catalogue.visible),
    )


def _to_list_again(
    own: Neighbors, stale: NDArray[np.bool_], otherwise: NDArray[np.bool_], heard: int
) -> NDArray[np.bool_]:
    """Return which articles' lists may have changed; shape (n,).

    Args:
        own: The candidates of all articles.
        stale: Shape (n,), bool: the articles with other candidates.
        otherwise: Shape (n,), bool: the articles that count otherwise as candidates.
        heard: How many of an article's candidates have a say in its list.
    """

    def holding(marks: NDArray[np.bool_], width: int | None) -> NDArray[np.bool_]:
        padded = np.append(marks, np.False_)  # for NO_ROW
        blocks = equal_blocks(len(marks), _BLOCK * _BLOCK)
        return np.concatenate([padded[own.rows[a:b, :width]].any(axis=1) for a, b in blocks])

    again = stale | otherwise | holding(otherwise, None)
    return again | holding(again, heard)


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

"""Text queries: finds the articles related to a text that is not in the corpus, such as a draft.

The result is the list that a build would have made for an article with this text. As in a build,
the candidates of the text are found and scored, and so are those of its thirty nearest neighbors,
whose scores are added (:mod:`recommender.fusion` states the formula). The one difference is that
the corpus was built without the text: it is no article's candidate, and it affects neither the idf
of words nor the calibration.

The same functions as in a build compute this, for a small corpus of a few hundred rows: row 0 is
the text, and the candidate articles follow in the order of their rows.

Articles that may not be shown (invisible, in another language, on the page already) are left out
after scoring, so they never affect the scores of others. If too few candidates may be shown, more
are searched for among the articles that may.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.evidence import PairData
from recommender.fusion import Calibration, DiffusedScores, diffuse, gather_candidates, mean_nearest
from recommender.neighbors import NO_ROW, NeighborIndex, Neighbors, Rows, no_neighbors
from recommender.parameters import DEFAULT_RECIPE
from recommender.pipeline import to_scale
from recommender.postings import search_postings
from recommender.rerank import RankedLists, rerank
from recommender.stories import Stories, StoryTexts, close_pairs, find_stories
from recommender.text import PreparedText
from recommender.translations import StoryLanguages

_DEEPEST = 8_192
"""Most articles to search for to fill up a list; a Milvus server can return twice as many."""

_FAR = np.float32(0.01)
_NOT_IN_CORPUS = np.array([NO_ROW], dtype=np.int32)
_OWN_ROW = np.zeros(1, dtype=np.int64)
_NO_ROWS, _NO_SCORES = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The articles to which a text is compared, with the data that a build has of them.

    Attributes:
        pairs: The data by which articles are compared.
        index: The neighbor index over the articles' embeddings.
        postings: Shape (terms, n), float32 CSR: the result of
            :func:`recommender.postings.make_postings`.
        calibration: The weights and scales by which pairs are scored.
        nearest: Shape (n,), float32: how close each article is to its own ten nearest, see
            :func:`recommender.fusion.mean_nearest`.
        texts: The prepared text of each row, to recognize near-duplicates.
        stories: Shape (n,), int32: the story of each row; an article's near-duplicates, versions
            and translations are one story.
        story_languages: The members of these stories by language.
        languages: Shape (n,), int32: language ids; 0 if unknown.
        preferences: Shape (n,), float32: the factor by which the site's preferences multiply an
            article's score as a candidate.
    """

    pairs: PairData
    index: NeighborIndex
    postings: sp.csr_matrix
    calibration: Calibration
    nearest: NDArray[np.float32]
    texts: StoryTexts
    stories: NDArray[np.int32]
    story_languages: StoryLanguages
    languages: NDArray[np.int32]
    preferences: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFilter:
    """The articles of a corpus that a list may contain.

    Attributes:
        index: A neighbor index over these articles only.
        rows: Shape (n,), bool: which articles of the corpus a list may contain.
    """

    index: NeighborIndex
    rows: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextQuery:
    """A text to find related articles for, prepared in the same way as the corpus.

    Attributes:
        text: Title and body, without the site's boilerplate.
        pairs: The data by which the text is compared: one row, with the corpus's columns.
        language: The id of the text's language; an unused id if no article of the corpus has this
            language; 0 if unknown.
        without: Shape (any,), int32: rows that are treated as if the corpus did not have them.
    """

    text: PreparedText
    pairs: PairData
    language: int
    without: NDArray[np.int32] = field(default_factory=lambda: _NO_ROWS)


class TextQueryResult:
    """The articles related to a text.

    Args:
        query: The text.
        corpus: The articles to compare it with.

    Attributes:
        same_story: Shape (any,), int32: the rows of near-duplicates of the text, which are left out
            of its lists.
    """

    def __init__(self, query: TextQuery, corpus: Corpus) -> None:
        self._query, self._corpus = query, corpus
        nearest = corpus.index.search(query.pairs.embeddings, DEFAULT_RECIPE.candidates)
        self.same_story = _near_duplicates(query, nearest, corpus)
        found = search_postings(query.pairs.terms, corpus.postings, DEFAULT_RECIPE.candidates).rows
        rows = np.concatenate([nearest.rows, found], axis=1)
        rows[np.isin(rows, query.without)] = NO_ROW
        own = _score_candidates(query, rows, corpus)
        listed = own.scores[own.rows != NO_ROW]
        self._worst = listed[-1] if len(listed) else np.float32(0)
        self._diffused = _diffuse(query, own, corpus)
        self._listed = self._ordered(self._diffused.neighbors)

    def among(
        self, shown: CandidateFilter, depth: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the text's list: the best stories with at least one version that may be shown.

        Args:
            shown: The articles that may be shown.
            depth: Most stories to return; the list is shorter only if fewer are related.

        Returns:
            Rows, int32, best first, and their scores in [0, 1], float32. A row stands for its
            story: if the row itself may not be shown, another version of the story may be.
        """
        stories, languages = self._corpus.stories, self._corpus.languages
        allowed = np.zeros(len(stories), dtype=bool)
        allowed[stories[shown.rows]] = True
        rows, scores = self._listed
        kept = allowed[stories[rows]]
        rows, scores = rows[kept], scores[kept]
        if len(rows) < depth:
            more_rows, more_scores = self._further(shown, allowed, depth - len(rows))
            rows, scores = np.append(rows, more_rows), np.append(scores, more_scores)
            language = self._query.language
            foreign = (languages[rows] != language) & (language > 0)
            order = np.argsort(foreign, kind="stable")
            rows, scores = rows[order], scores[order]
        return rows[:depth], scores[:depth]

    def _further(
        self, shown: CandidateFilter, allowed: NDArray[np.bool_], wanted: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Find more stories, beyond the candidates of the text and of its neighbors.

        A story's score is the one that diffusion gives an article which is nobody's candidate,
        reduced by as much as the story's own score is below that of the text's worst candidate. It
        comes ever closer to 0 and is never below, so that a filter finds all that it lets through.
        """
        query, stories = self._query, self._corpus.stories
        unlisted = self._diffused.unlisted_scores[0]
        known = self._diffused.neighbors.rows
        allowed = allowed.copy()
        allowed[stories[np.append(known[known != NO_ROW], self.same_story)]] = False
        if not allowed.any():
            return _NO_ROWS, _NO_SCORES
        width = DEFAULT_RECIPE.candidates
        while True:
            width = min(4 * width, _DEEPEST)
            nearest = shown.index.search(query.pairs.embeddings, width).rows
            words = search_postings(query.pairs.terms, self._corpus.postings, width, shown.rows)
            found = np.append(nearest, words.rows)
            new = np.unique(stories[found[found != NO_ROW]])
            new = new[allowed[new]]
            if len(new) >= wanted or nearest[0, -1] == NO_ROW or width == _DEEPEST:
                break
        # All versions of a story are scored, even those not found; the story gets the best score.
        rows = np.flatnonzero(np.isin(stories, new)).astype(np.int32)[None]
        scored = _score_candidates(query, rows, self._corpus)
        scores = unlisted + np.minimum(scored.scores - self._worst, 0)
        copy = self._diffused.copy_scores[0]
        far = np.minimum(scores / (_FAR * copy) - 1, 0)  # below the least that is told as it is
        scores = np.maximum(scores, _FAR * copy) * np.exp(far)
        return self._ordered(Neighbors(rows=scored.rows, scores=scores))

    def _ordered(self, candidates: Neighbors) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Rerank scored candidates, and return the rows and scores of the list."""
        scaled = self._corpus.story_languages.candidates_in(
            to_scale(candidates, self._diffused.copy_scores), np.array([self._query.language])
        )
        lists = _rerank(scaled, self._query, self.same_story, self._corpus)
        listed = lists.rows[0] != NO_ROW
        return lists.rows[0, listed], lists.scores[0, listed]


class _LocalRows:
    """New numbers for a few rows of a corpus: 1, 2, … in the order of the rows.

    Number 0 stands for the text of the query.

    Args:
        *parts: Arrays of rows, of any shape, with or without repetitions; :data:`NO_ROW` is
            ignored.
    """

    def __init__(self, *parts: Rows) -> None:
        rows = np.unique(np.concatenate([part.ravel() for part in parts]))
        self.rows: NDArray[np.int32] = rows[rows != NO_ROW]

    def __len__(self) -> int:
        return 1 + len(self.rows)

    def to_local(self, rows: Rows) -> Rows:
        """Convert rows of the corpus to these numbers; :data:`NO_ROW` stays."""
        local = 1 + np.searchsorted(self.rows, rows)
        return np.where(rows == NO_ROW, NO_ROW, local).astype(np.int32)

    def to_corpus(self, local: Rows) -> Rows:
        """Convert these numbers, other than the text's 0, to rows of the corpus."""
        rows = np.append(self.rows, np.int32(NO_ROW))
        return rows[np.where(local == NO_ROW, -1, local - 1)]


def _score_candidates(query: TextQuery, found: Rows, corpus: Corpus) -> Neighbors:
    """Compute the own scores of the text with its candidates, and sort the candidates.

    Args:
        query: The text.
        found: Shape (1, k), int32: the candidates, possibly with repetitions.
        corpus: The articles to compare the text with.
    """
    return gather_candidates(query.pairs, corpus.pairs, found, corpus.calibration, _NOT_IN_CORPUS)


def _diffuse(query: TextQuery, own: Neighbors, corpus: Corpus) -> DiffusedScores:
    """Add to the scores of the text's candidates those that they have with its nearest neighbors.

    Args:
        query: The text.
        own: The text's candidates with their own scores.
        corpus: The articles to compare the text with.
    """
    recipe, keep = DEFAULT_RECIPE, DEFAULT_RECIPE.candidates + 1
    links = own.rows[0, : recipe.diffusion_neighbors if corpus.calibration.neighbors else 0]
    links = links[links != NO_ROW]
    linked = corpus.pairs.take(links)
    nearest = corpus.index.search(np.ascontiguousarray(linked.embeddings), keep)
    found = search_postings(linked.terms, corpus.postings, keep)
    both = np.concatenate([nearest.rows, found.rows], axis=1)
    theirs = gather_candidates(linked, corpus.pairs, both, corpus.calibration, links)
    here = _LocalRows(own.rows, both)
    width = max(own.rows.shape[1], both.shape[1])
    candidates = no_neighbors(len(here), width)
    for places, scored in ((np.zeros(1, dtype=np.int32), own), (here.to_local(links), theirs)):
        candidates.rows[places, : scored.rows.shape[1]] = here.to_local(scored.rows)
        candidates.scores[places, : scored.rows.shape[1]] = scored.scores
    diffused = diffuse(
        candidates,
        np.concatenate([mean_nearest(own), corpus.nearest[here.rows]]),
        corpus.calibration.copy_scores(query.pairs, _OWN_ROW),
        corpus.calibration,
        len(here),
        rows=_OWN_ROW,
    )
    best = Neighbors(rows=here.to_corpus(diffused.neighbors.rows), scores=diffused.neighbors.scores)
    return replace(diffused, neighbors=best)


class _QueryTexts:
    """Prepared texts by row: row 0 is the query's text, and some texts of the corpus follow."""

    def __init__(self, query: PreparedText, rows: Sequence[int], texts: StoryTexts) -> None:
        self._query, self._rows, self._texts = query, rows, texts

    def __getitem__(self, row: int) -> PreparedText:
        return self._texts[self._rows[row - 1]] if row else self._query


def _near_duplicates(query: TextQuery, nearest: Neighbors, corpus: Corpus) -> NDArray[np.int32]:
    """Return the rows that a build would have put into one story with the text."""
    here = _LocalRows(nearest.rows)
    hits = no_neighbors(len(here), nearest.rows.shape[1])
    hits.rows[0], hits.scores[0] = here.to_local(nearest.rows[0]), nearest.scores[0]
    stories = find_stories(
        close_pairs(hits, np.arange(len(here))),
        _QueryTexts(query.text, here.rows.tolist(), corpus.texts),
        superseded={},
        dates=np.zeros(len(here), dtype=np.int32),
        languages=np.append(np.int32(query.language), corpus.languages[here.rows]),
    )
    joined: NDArray[np.int32] = here.rows[stories.of[1:] == stories.of[0]]
    return joined


def _rerank(
    candidates: Neighbors, query: TextQuery, same_story: NDArray[np.int32], corpus: Corpus
) -> RankedLists:
    """Rerank the text's candidates as a build does an article's."""
    here = _LocalRows(candidates.rows)
    story = corpus.stories[here.rows]
    own = np.isin(story, corpus.stories[same_story])
    lists = rerank(
        Neighbors(rows=here.to_local(candidates.rows), scores=candidates.scores),
        stories=Stories(
            of=np.concatenate([[-1], np.where(own, -1, story)]).astype(np.int32),
            members=_NO_ROWS,  # reranking does not read the members
            ends=np.zeros(0, dtype=np.int64),
            newer=_NO_ROWS,
        ),
        languages=np.concatenate([[query.language], corpus.languages[here.rows]]).astype(np.int32),
        weights=np.concatenate([[1.0], corpus.preferences[here.rows]]).astype(np.float32),
        embeddings=np.concatenate([query.pairs.embeddings, corpus.pairs.embeddings[here.rows]]),
        depth=candidates.rows.shape[1],
        own_rows=_OWN_ROW,
    )
    lists.rows[:] = here.to_corpus(lists.rows)
    return lists

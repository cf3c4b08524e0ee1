"""A draft: a text that no build holds, related to a corpus as a build would have related it.

Nothing is approximated that can be had exactly: the draft's candidates are found and scored as
an article's are, and so are those of the thirty neighbors that have a say in its list (see
:mod:`recommender.fusion`): they are searched for anew, since a build keeps no candidates. What is
left is that no article knows of the draft: it is in nobody's candidates, and it counts nothing in
what the corpus says of rare words and of chance.

The build's own functions do all of it, over a corpus of a few hundred rows: the draft, as row 0,
and the articles that come into question, in their own order.

Scores are given before anything is left out: what may be shown (visible, of a language, not on the
page yet) decides which articles a list holds, never how they score. Where too few of those that
come into question may be shown, further ones are searched for among those that may.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.encoder import Embeddings
from recommender.fusion import Calibration, Diffused, diffuse, gather_candidates
from recommender.neighbors import NO_ROW, NeighborIndex, Neighbors, Rows
from recommender.parameters import DEFAULT_RECIPE, RankingParameters
from recommender.pipeline import to_scale
from recommender.postings import answer
from recommender.rerank import RankedLists, rerank
from recommender.stories import Stories, StoryTexts, find_stories
from recommender.text import PreparedText

_DEEPEST = 8_192
"""Most articles that are looked at for a short list; a Milvus server finds twice as many."""

_NO_ROWS, _NO_SCORES = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What a draft is related to: all that a build knew of its articles, most of it mapped.

    Attributes:
        embeddings: Shape (n, dim), float32, unit rows.
        index: Over the same rows.
        weights: Shape (n, terms), float32 CSR: see :class:`recommender.lexical.LexicalVectors`.
        postings: Shape (terms, n), float32 CSR: see :func:`recommender.postings.make_postings`.
        calibration: What chance looks like.
        texts: Prepared texts, to tell near-duplicates.
        stories: Shape (n,), int32: which story a row belongs to.
        languages: Shape (n,), int32: language ids, 0 unknown.
        preferences: Shape (n,), float32: what the site multiplies a candidate's score by.
    """

    embeddings: Embeddings
    index: NeighborIndex
    weights: sp.csr_matrix
    postings: sp.csr_matrix
    calibration: Calibration
    texts: StoryTexts
    stories: NDArray[np.int32]
    languages: NDArray[np.int32]
    preferences: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFilter:
    """Those articles of a corpus that a draft's list may hold.

    Attributes:
        index: Over their rows alone.
        rows: Shape (n,), bool: which of the corpus's they are.
    """

    index: NeighborIndex
    rows: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextQuery:
    """A text as it is compared.

    Attributes:
        text: Title and body, without what the site's pages share.
        embedding: Shape (1, dim), float32, a unit row.
        weights: Shape (1, terms), float32 CSR: over the corpus's columns.
        language: Its id in the corpus, or any other for a language new to it; 0 unknown.
    """

    text: PreparedText
    embedding: Embeddings
    weights: sp.csr_matrix
    language: int


class TextQueryResult:
    """A draft in its place in a corpus.

    Args:
        draft: The text.
        corpus: What it is related to.
        recipe: The one that the corpus was related by.

    Attributes:
        same_story: Rows that are near-duplicates of the draft, and in none of its lists.
    """

    def __init__(
        self, draft: TextQuery, corpus: Corpus, recipe: RankingParameters = DEFAULT_RECIPE
    ) -> None:
        self._draft, self._corpus, self._recipe = draft, corpus, recipe
        nearest = corpus.index.search(draft.embedding, recipe.candidates)
        self.same_story = _near_duplicates(draft.text, nearest, corpus)
        found = answer(draft.weights, corpus.postings, recipe.candidates)
        own = _score_candidates(draft, np.concatenate([nearest.rows, found], axis=1), corpus)
        listed = own.scores[own.rows != NO_ROW]
        self._worst = listed[-1] if len(listed) else np.float32(0)
        self._diffused = _diffuse(own, corpus, recipe)
        self._listed = self._ordered(self._diffused.neighbors)

    def among(
        self, some: CandidateFilter, depth: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The draft's list, of stories of which at least one version is among some articles.

        Args:
            some: Articles that may be shown.
            depth: Most stories; fewer only where fewer are related.

        Returns:
            Rows, best first, and their scores in [0, 1]; a row may be another version of its
            story than the one that may be shown.
        """
        stories, languages = self._corpus.stories, self._corpus.languages
        allowed = np.zeros(len(stories), dtype=bool)
        allowed[stories[some.rows]] = True
        rows, scores = self._listed
        kept = allowed[stories[rows]]
        rows, scores = rows[kept], scores[kept]
        if len(rows) < depth:
            more_rows, more_scores = self._further(some, allowed, depth - len(rows))
            rows, scores = np.append(rows, more_rows), np.append(scores, more_scores)
            language = self._draft.language
            foreign = (languages[rows] != language) & (languages[rows] > 0) & (language > 0)
            order = np.argsort(foreign, kind="stable")
            rows, scores = rows[order], scores[order]
        return rows[:depth], scores[:depth]

    def _further(
        self, some: CandidateFilter, allowed: NDArray[np.bool_], wanted: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """More stories, which neither the draft nor its neighbors name among their candidates.

        Each gets what any article gets that no candidate list holds, less what it is farther
        from the draft than the worst of the draft's own candidates.
        """
        draft, stories, unlisted = self._draft, self._corpus.stories, self._diffused.unlisted
        known = self._diffused.neighbors.rows
        allowed = allowed.copy()
        allowed[stories[np.append(known[known != NO_ROW], self.same_story)]] = False
        if unlisted[0] <= 0 or not allowed.any():
            return _NO_ROWS, _NO_SCORES
        width = self._recipe.candidates
        while True:
            width = min(4 * width, _DEEPEST)
            nearest = some.index.search(draft.embedding, width).rows
            words = answer(draft.weights, self._corpus.postings, width, some.rows)
            found = np.append(nearest, words)
            new = np.unique(stories[found[found != NO_ROW]])
            new = new[allowed[new]]
            if len(new) >= wanted or nearest[0, -1] == NO_ROW or width == _DEEPEST:
                break
        # All versions are scored, whichever were found: a story's score is that of the best.
        rows = np.flatnonzero(np.isin(stories, new)).astype(np.int32)[None]
        scored = _score_candidates(draft, rows, self._corpus)
        scores = unlisted[0] + np.minimum(scored.scores - self._worst, 0)
        return self._ordered(Neighbors(rows=scored.rows, scores=scores))

    def _ordered(self, candidates: Neighbors) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Scored candidates after the build's policy, without what is missing at their end."""
        scaled = to_scale(candidates, self._diffused.of_a_copy)
        lists = _apply_policy(scaled, self._draft, self.same_story, self._corpus, self._recipe)
        listed = lists.rows[0] != NO_ROW
        return lists.rows[0, listed], lists.scores[0, listed]


class _Locale:
    """A few rows of a corpus, renumbered from 1 in their own order; 0 is the draft.

    Args:
        *parts: Rows in any shape, repeated or not; :data:`NO_ROW` for none.
    """

    def __init__(self, *parts: Rows) -> None:
        rows = np.unique(np.concatenate([part.ravel() for part in parts]))
        self.rows: NDArray[np.int32] = rows[rows != NO_ROW]

    def __len__(self) -> int:
        return 1 + len(self.rows)

    def number(self, rows: Rows) -> Rows:
        """Rows of the corpus as they are numbered here."""
        local = 1 + np.searchsorted(self.rows, rows)
        return np.where(rows == NO_ROW, NO_ROW, local).astype(np.int32)

    def name(self, local: Rows) -> Rows:
        """Rows as numbered here, back in the corpus; the draft is never among them."""
        names = np.append(self.rows, np.int32(NO_ROW))
        return names[np.where(local == NO_ROW, -1, local - 1)]


def _score_candidates(draft: TextQuery, found: Rows, corpus: Corpus) -> Neighbors:
    """Candidates of the draft, shape (1, k), repeated or not: each once, scored and sorted."""
    here = _Locale(found)
    scored = gather_candidates(
        np.concatenate([draft.embedding, corpus.embeddings[here.rows]]),
        sp.vstack([draft.weights, corpus.weights[here.rows]], format="csr"),
        here.number(found),
        corpus.calibration,
        0,
    )
    return Neighbors(rows=here.name(scored.rows), scores=scored.scores)


def _diffuse(own: Neighbors, corpus: Corpus, recipe: RankingParameters) -> Diffused:
    """Add what the draft's nearest neighbors think, each by candidates of its own."""
    links = own.rows[0, : recipe.diffusion_neighbors]
    links = links[links != NO_ROW]
    nearest = corpus.index.search(
        np.ascontiguousarray(corpus.embeddings[links]), recipe.candidates + 1
    )
    found = answer(corpus.weights[links], corpus.postings, recipe.candidates + 1)
    both = np.concatenate([nearest.rows, found], axis=1)
    theirs = [
        gather_candidates(
            corpus.embeddings, corpus.weights, both[place : place + 1], corpus.calibration, row
        )
        for place, row in enumerate(links.tolist())
    ]
    here = _Locale(own.rows, both)
    width = max(own.rows.shape[1], both.shape[1])
    rows = np.full((len(here), width), NO_ROW, dtype=np.int32)
    scores = np.full(rows.shape, -np.inf, dtype=np.float32)
    for place, said in zip([0, *here.number(links).tolist()], [own, *theirs], strict=True):
        rows[place, : said.rows.shape[1]] = here.number(said.rows[0])
        scores[place, : said.rows.shape[1]] = said.scores[0]
    diffused = diffuse(
        Neighbors(rows=rows, scores=scores), corpus.calibration, len(here), recipe, start=0, stop=1
    )
    best = Neighbors(rows=here.name(diffused.neighbors.rows), scores=diffused.neighbors.scores)
    return replace(diffused, neighbors=best)


class _WithDraft:
    """The draft's text as row 0, and texts of the corpus after it."""

    def __init__(self, draft: PreparedText, rows: Sequence[int], texts: StoryTexts) -> None:
        self._draft, self._rows, self._texts = draft, rows, texts

    def __getitem__(self, row: int) -> PreparedText:
        return self._texts[self._rows[row - 1]] if row else self._draft


def _near_duplicates(draft: PreparedText, nearest: Neighbors, corpus: Corpus) -> NDArray[np.int32]:
    """Rows that a build would have joined to one story with the draft."""
    here = _Locale(nearest.rows)
    hits = np.full((len(here), nearest.rows.shape[1]), NO_ROW, dtype=np.int32)
    scores = np.full(hits.shape, -np.inf, dtype=np.float32)
    hits[0], scores[0] = here.number(nearest.rows[0]), nearest.scores[0]
    stories = find_stories(
        Neighbors(rows=hits, scores=scores),
        _WithDraft(draft, here.rows.tolist(), corpus.texts),
        superseded={},
        dates=np.zeros(len(here), dtype=np.int32),
    )
    joined: NDArray[np.int32] = here.rows[stories.of[1:] == stories.of[0]]
    return joined


def _apply_policy(
    candidates: Neighbors,
    draft: TextQuery,
    same_story: NDArray[np.int32],
    corpus: Corpus,
    recipe: RankingParameters,
) -> RankedLists:
    """The build's policy over the draft and its candidates."""
    here = _Locale(candidates.rows)
    story = corpus.stories[here.rows]
    own = np.isin(story, corpus.stories[same_story])
    nothing = np.zeros(0, dtype=np.int32)
    lists = rerank(
        Neighbors(rows=here.number(candidates.rows), scores=candidates.scores),
        stories=Stories(
            of=np.concatenate([[-1], np.where(own, -1, story)]).astype(np.int32),
            members=nothing,
            ends=nothing.astype(np.int64),
        ),
        languages=np.concatenate([[draft.language], corpus.languages[here.rows]]).astype(np.int32),
        weights=np.concatenate([[1.0], corpus.preferences[here.rows]]).astype(np.float32),
        embeddings=np.concatenate([draft.embedding, corpus.embeddings[here.rows]]),
        depth=candidates.rows.shape[1],
        diversity=recipe.diversity,
    )
    lists.rows[:] = here.name(lists.rows)
    return lists

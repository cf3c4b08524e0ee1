"""Finds the candidates of articles, which are their nearest by embedding and by words.

After a few articles changed, only those are looked at whose candidates may be others now: new and
changed articles, those that had one of these or a removed one as a candidate, and those to which a
newcomer, or one that gained or lost a posting, is closer than the farthest candidate. Of these,
only pairs that were not scored before are scored.
"""

import functools

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import Workspace
from recommender.carried import BY_MEANING, BY_WORDS, Candidates, CarriedRelating, join_rows
from recommender.encoder import Embeddings
from recommender.evidence import PairData
from recommender.faiss_index import inner_products
from recommender.fusion import Calibration, gather_candidates
from recommender.neighbors import NO_ROW, TIED, NeighborIndex, Neighbors, Rows, sort_hits
from recommender.parallel import BlockMapper, equal_blocks, in_turn
from recommender.postings import may_find_others, search_postings

_BLOCK = 256
_SEARCHED = 8_192
_CELLS = 2**25
_MOST_STALE = 0.5


class CandidateSearch:
    """Finds each article's candidates: the nearest articles by embedding and by words.

    If the results of an earlier run are given, it searches only for the articles whose candidates
    may have changed since.

    Args:
        pairs: The data by which articles are compared.
        index: The neighbor index over the articles' embeddings.
        postings: Shape (terms, n), float32 CSR, for n articles: of each term only its largest
            weights.
        k: Number of articles to find by embedding for each article, and as many by words.
        carried: The articles that did not change since an earlier run, with its results; ``None``
            to search for all articles.
        changes: Shape (terms, n), float32 CSR: the postings gained or lost since that run.
        workspace: Stores the results: arrays named ``candidate_…``, and ``nearest_…``, which
            :meth:`drop` deletes.
        mapper: Runs a function on every block of articles.
        processes: Does the same with functions that can be pickled.

    Attributes:
        stale: Shape (m,), int64, ascending: the rows of the m articles whose candidates are
            searched for.
        nearest: For each of these articles, the ``k`` nearest by embedding, shape (m, k).
    """

    def __init__(
        self,
        pairs: PairData,
        index: NeighborIndex,
        postings: sp.csr_matrix,
        k: int,
        carried: CarriedRelating | None,
        changes: sp.csr_matrix,
        workspace: Workspace,
        mapper: BlockMapper,
        processes: BlockMapper,
    ) -> None:
        self._pairs, self._postings, self._k = pairs, postings, k
        self._carried, self._workspace, self._mapper = carried, workspace, mapper
        self._processes = processes
        self.stale = np.arange(len(pairs))
        if carried is not None:
            self.stale, self._newcomers = self._find_stale(carried, changes)
        # One block at a time, since FAISS itself uses every core.
        self.nearest = join_rows(
            Neighbors,
            in_turn(mapper)(
                functools.partial(self._find_nearest, index),
                equal_blocks(len(self.stale), _SEARCHED),
                stage="nearest",
            ),
            {
                "rows": workspace.column("nearest_rows", np.int32, k),
                "scores": workspace.column("nearest_scores", np.float32, k),
            },
            self.stale,
        )

    def __getstate__(self) -> dict[str, object]:
        """Leave out what other processes don't need to find candidates."""
        return {**vars(self), **dict.fromkeys(("_workspace", "_mapper", "_processes"))}

    def drop(self) -> None:
        """Free the space that the arrays ``nearest_…`` take in the workspace."""
        self._workspace.drop("nearest_rows", "nearest_scores")

    def candidates(self, scoring: Calibration) -> Candidates:
        """Return the candidates of every article, scored by ``scoring`` and sorted, best first.

        Candidates that can't have changed since the earlier run are taken from it.
        """
        column = self._workspace.column
        names = ("rows", "scores", "found_by", "least")
        self._workspace.drop(*(f"candidate_{name}" for name in names))
        return join_rows(
            Candidates,
            self._processes(
                functools.partial(self._find, scoring),
                equal_blocks(len(self.stale), _BLOCK),
                stage="candidates",
            ),
            {
                "rows": column("candidate_rows", np.int32, 2 * self._k),
                "scores": column("candidate_scores", np.float32, 2 * self._k),
                "found_by": column("candidate_found_by", np.uint8, 2 * self._k),
                "least": column("candidate_least", np.float32, 2),
            },
            self.stale,
            self._carried,
            None if self._carried is None else self._carried.candidates,
        )

    def _find(self, scoring: Calibration, start: int, stop: int) -> Candidates:
        rows = self.stale[start:stop].astype(np.int32)
        own = self._pairs.take(rows)
        words = search_postings(own.terms, self._postings, self._k)
        near = Neighbors(rows=self.nearest.rows[start:stop], scores=self.nearest.scores[start:stop])
        both = np.concatenate([near.rows, words.rows], axis=1)
        known = None if self._carried is None else self._carried.scored(rows)
        found = gather_candidates(own, self._pairs, both, scoring, rows, known)
        return Candidates(
            rows=found.rows,
            scores=found.scores,
            found_by=BY_MEANING * _among(found.rows, near.rows)
            + BY_WORDS * _among(found.rows, words.rows),
            least=np.stack([near.scores[:, -1], words.scores[:, -1]], axis=1),
        )

    def _find_stale(
        self, carried: CarriedRelating, changes: sp.csr_matrix
    ) -> tuple[NDArray[np.int64], sp.csr_matrix]:
        """Return the rows that may have other candidates now, and what :func:`_newcomers` does."""
        rows, pairs = carried.rows, self._pairs
        kept = rows >= 0
        least = np.where(kept[:, None], carried.state.candidates.least[rows], np.float32(np.inf))
        newcomers = _newcomers(pairs.embeddings, np.flatnonzero(~kept), least[:, 0])
        marks = np.where(carried.moved < 0, BY_MEANING | BY_WORDS, 0).astype(np.uint8)
        marks[-1] = 0
        stale = ~kept | (np.diff(newcomers.indptr) > 0) | carried.holding(marks)
        if stale.mean() > _MOST_STALE:
            return np.arange(len(rows)), newcomers  # to find out which would take longer
        least[stale, 1] = np.inf
        stale |= may_find_others(pairs.terms, self._postings, changes, least[:, 1], self._mapper)
        return np.flatnonzero(stale), newcomers

    def _find_nearest(self, index: NeighborIndex, start: int, stop: int) -> Neighbors:
        rows = self.stale[start:stop]
        embeddings = self._pairs.embeddings
        if self._carried is None:
            return index.search(embeddings[start:stop], self._k)
        found, sure = self._known_nearest(rows, self._carried)
        rest = np.flatnonzero(~sure)
        if len(rest):
            searched = index.search(np.ascontiguousarray(embeddings[rows[rest]]), self._k)
            found.rows[rest], found.scores[rest] = searched.rows, searched.scores
        return found

    def _known_nearest(
        self, rows: NDArray[np.int64], carried: CarriedRelating
    ) -> tuple[Neighbors, NDArray[np.bool_]]:
        """Return the nearest of some rows among those of the last time and newcomers.

        Returns:
            Rows and scores, shape (q, k); and shape (q,), bool: for which rows these are certainly
            the nearest of all.
        """
        old = carried.candidates(carried.rows[rows])
        kept = np.where(old.found_by & BY_MEANING, old.rows, NO_ROW)
        newcomers = self._newcomers[rows]
        counts = np.diff(newcomers.indptr)
        others = np.full((len(rows), 1 + int(counts.max(initial=0))), NO_ROW, dtype=np.int32)
        others[:, 0] = rows  # an article is its own neighbor
        others[:, 1:][np.arange(others.shape[1] - 1) < counts[:, None]] = newcomers.indices
        known = np.concatenate([kept, others], axis=1)
        embeddings = self._pairs.embeddings
        scores = inner_products(embeddings[rows], embeddings, known)
        least = old.least[:, :1]
        # All others were not among the nearest, so they are no closer than the last one was.
        closer = (kept >= 0).sum(axis=1)
        closer += ((scores > least)[:, kept.shape[1] :] & (others >= 0)).sum(axis=1)
        hits = sort_hits(known, scores)
        found = Neighbors(rows=hits.rows[:, : self._k], scores=hits.scores[:, : self._k])
        sure = (closer >= self._k) | np.isneginf(least[:, 0])
        return found, sure & (carried.rows[rows] >= 0)


def _among(rows: Rows, found: Rows) -> NDArray[np.uint8]:
    """Return for each row whether it is among those that were found for the same article."""
    held: NDArray[np.bool_] = (rows[:, :, None] == found[:, None, :]).any(axis=2)
    held &= rows != NO_ROW
    return held.view(np.uint8)


def _newcomers(
    embeddings: Embeddings, new: NDArray[np.int64], least: NDArray[np.float32]
) -> sp.csr_matrix:
    """Find the new rows that are among the nearest of older ones.

    Args:
        embeddings: Shape (n, dim), float32, unit rows.
        new: The new rows.
        least: Shape (n,), float32: the inner product that a newcomer must have with each row.

    Returns:
        Shape (n, n), CSR: an entry for each older row and newcomer.
    """
    count = len(embeddings)
    rows, columns = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    step = max(1, _CELLS // count)
    for start in range(0, len(new), step):
        some = new[start : start + step]
        column, row = np.nonzero(embeddings[some] @ embeddings.T >= least - TIED)
        pair = some[column].astype(np.int32)[:, None]
        close = inner_products(embeddings[row], embeddings, pair)[:, 0] >= least[row]
        rows.append(row[close])
        columns.append(some[column[close]])
    found = np.concatenate(rows), np.concatenate(columns)
    return sp.csr_matrix((np.ones(len(found[0]), np.int8), found), shape=(count, count))

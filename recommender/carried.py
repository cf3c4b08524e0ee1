"""What relating takes over from the last time: the articles that did not change, and their results.

Each step of the pipeline says for which rows it must compute; the results of all others are carried
over, with rows renumbered. If nothing is carried, a step computes every row.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.arrays import Column
from recommender.neighbors import NO_ROW, Neighbors, Rows
from recommender.parameters import SHOWN
from recommender.rerank import RankedLists, return_orphans
from recommender.stories import ClosePairs, Stories

BY_MEANING, BY_WORDS = 1, 2
"""The bits that say how a candidate was found."""

_CHUNK = 65_536

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates(Neighbors):
    """The candidates of n articles with their scores, and how each candidate was found.

    Attributes:
        found_by: Shape (n, width), uint8: :data:`BY_MEANING` for a candidate found by embedding,
            :data:`BY_WORDS` for one found by words, their sum for one found by both.
        least: Shape (n, 2), float32: for each article, the inner product of the last candidate
            found by embedding, and the score of the last one found by words; ``-inf`` where a
            search had no more articles to find.
    """

    found_by: NDArray[np.uint8]
    least: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatingState:
    """The results for n articles that a later run needs to recompute only what changes.

    Attributes:
        candidates: The candidates of each article.
        nearest: Shape (n,), float32: how close each article is to its own ten nearest, see
            :func:`recommender.fusion.mean_nearest`. The figure stays until the article changes or
            all lists are computed anew, so that a new article changes only lists near it.
        close: Pairs of articles that are near-duplicates, or whose embeddings are as close.
        stories: Which articles are versions of one story (near-duplicates, translations, …).
        postings: Shape (terms, n), float32 CSR: the largest weights of each term in articles.
        lists: The related list of each article, and its rejected candidates.
        adopted: Shape (n,), uint16: for each list, the place from which an orphan (an article in no
            shown list) was moved up; 0 if none was.
        weights: Shape (n,), float32: the factor by which the site's preferences multiply each
            article's score as a candidate.
    """

    candidates: Candidates
    nearest: NDArray[np.float32]
    close: ClosePairs
    stories: Stories
    postings: sp.csr_matrix
    lists: RankedLists
    adopted: NDArray[np.uint16]
    weights: NDArray[np.float32]


class CarriedRelating:
    """The articles that did not change since an earlier run, with the results of that run.

    Args:
        state: The results of the earlier run.
        rows: Shape (n,), int32, ascending but for -1: the row of each article in the earlier run;
            -1 for an article that is new, or changed in anything by which articles are compared
            (text, title, tags, authors, date) or in its language. The address, translation key,
            version and preference weight of an unchanged article, and what it supersedes, may
            have changed.
        anew: Compute everything anew except :attr:`RelatingState.nearest`. The result is the same
            as without it.

    Attributes:
        known: The argument ``rows``, which :attr:`rows` is, too, unless all is computed anew.
        moved: Shape (old n + 1,), int32: for each row of the earlier run, the article's row now; -1
            if it is gone or changed. The last entry is -1, so that row -1 (none) stays -1.
    """

    def __init__(
        self, state: RelatingState, rows: NDArray[np.int32], *, anew: bool = False
    ) -> None:
        self.state, self.known = state, rows
        self.rows = np.full_like(rows, NO_ROW) if anew else rows
        self.moved = np.full(len(state.nearest) + 1, NO_ROW, dtype=np.int32)
        kept = np.flatnonzero(self.rows >= 0)
        self.moved[self.rows[kept]] = kept

    def holding(self, marks: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return which unchanged articles had a marked candidate; shape (n,), bool.

        Args:
            marks: Shape (old n + 1,), uint8: for each row of the earlier run, the ways of being
                found (:data:`BY_MEANING`, :data:`BY_WORDS`) in which it is marked as a candidate;
                0 if in none. The last entry is 0.
        """
        held = np.zeros(len(self.rows), dtype=bool)
        for start in range(0, len(held), _CHUNK):
            here = slice(start, start + _CHUNK)
            old, found = self.rows[here], self.state.candidates
            held[here] = (marks[found.rows[old]] & found.found_by[old]).any(axis=1) & (old >= 0)
        return held

    def candidates(self, old: NDArray[np.int32]) -> Candidates:
        """Return the earlier run's candidates of some articles, renumbered to the rows of now.

        Args:
            old: The rows of these articles in the earlier run.
        """
        found = self.state.candidates
        return Candidates(
            rows=self.moved[found.rows[old]],
            scores=found.scores[old],
            found_by=found.found_by[old],
            least=found.least[old],
        )

    def scored(self, rows: Rows) -> Neighbors:
        """Return the earlier scores of some articles with their candidates, if they still hold.

        Both the article and the candidate must be unchanged; other candidates become -1.

        Args:
            rows: The rows that these articles have now.
        """
        found = self.candidates(self.rows[rows])
        kept = self.rows[rows] >= 0
        return Neighbors(rows=np.where(kept[:, None], found.rows, NO_ROW), scores=found.scores)

    def changed(self, own: Neighbors, stale: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which articles have other candidates than in the earlier run; shape (n,), bool.

        Args:
            own: The candidates of all articles now.
            stale: The rows of the articles whose candidates were searched for anew.
        """
        old = self.candidates(self.rows[stale])
        other = (old.rows != own.rows[stale]) | (old.scores != own.scores[stale])
        found = self.rows < 0
        found[stale] |= other.any(axis=1)
        return found

    def lists(self, old: NDArray[np.int32]) -> RankedLists:
        """Return the earlier related lists of some articles, renumbered to the rows of now.

        An orphan that was moved up in a list is moved back.

        Args:
            old: The rows of these articles in the earlier run.
        """
        lists = self.state.lists
        found = RankedLists(
            rows=self.moved[lists.rows[old]],
            scores=lists.scores[old],
            rejected_rows=self.moved[lists.rejected_rows[old]],
            rejected_reasons=lists.rejected_reasons[old],
        )
        return_orphans(found, self.state.adopted[old], SHOWN)
        return found

    def close(self, stale: NDArray[np.bool_]) -> ClosePairs:
        """Return the earlier run's close pairs of which both articles are unchanged.

        Args:
            stale: Shape (n,), bool: the articles whose neighbors were searched for anew. A pair is
                no longer marked as found from the side of such an article.
        """
        pairs = self.state.close.copy()
        pairs[:, :2] = self.moved[pairs[:, :2]]
        pairs = pairs[(pairs[:, :2] >= 0).all(axis=1)]
        pairs[:, 2] &= ~(stale[pairs[:, 0]] + 2 * stale[pairs[:, 1]])
        return pairs

    def judged_otherwise(self, stories: Stories, weights: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which articles may have another rank in lists than in the earlier run.

        These are new and changed articles, those with another preference weight, and all members
        of a story that gained, lost or changed a member, since a list may show any of them.

        Args:
            stories: The stories now.
            weights: Shape (n,), float32: the preference weight of each article now.

        Returns:
            Shape (n,), bool.
        """
        before = _next_members(self.state.stories)[self.rows]
        other = (self.rows < 0) | (weights != self.state.weights[self.rows])
        other |= self.moved[before] != _next_members(stories)
        changed = np.zeros(len(stories.ends), dtype=bool)
        changed[stories.of[other]] = True
        found: NDArray[np.bool_] = changed[stories.of]
        return found


def _next_members(stories: Stories) -> NDArray[np.int32]:
    """Return for each row the next member of its story; for the last one the first."""
    following = np.roll(stories.members, -1)
    starts = np.concatenate([[0], stories.ends[:-1]]).astype(np.int64)
    following[stories.ends - 1] = stories.members[starts]
    found = np.empty_like(following)
    found[stories.members] = following
    return found


def join_rows(
    kind: Callable[..., T],
    parts: Iterable[T],
    columns: Mapping[str, Column],
    stale: NDArray[np.integer],
    carried: CarriedRelating | None = None,
    carry: Callable[[NDArray[np.int32]], T] | None = None,
) -> T:
    """Join the new results of some rows with the results of an earlier run for all others.

    Args:
        kind: The class of the joined result.
        parts: The new results, one for each block of computed rows, in order.
        columns: For each array of a result, by name, the array of the workspace to append it to.
        stale: The rows that were computed anew, ascending.
        carried: The unchanged articles; ``None`` if all rows were computed anew.
        carry: Returns the earlier results of some articles, given their rows in the earlier run.
    """
    if carried is None or carry is None:
        for part in parts:
            for name, column in columns.items():
                column.append(getattr(part, name))
    else:
        found = list(parts)
        fresh = {
            name: np.concatenate([getattr(part, name) for part in found])
            for name in columns
            if found
        }
        for start in range(0, len(carried.rows), _CHUNK):
            old = carried.rows[start : start + _CHUNK]
            first, last = np.searchsorted(stale, [start, start + len(old)])
            computed = np.zeros(len(old), dtype=bool)
            computed[stale[first:last] - start] = True
            kept = carry(old[~computed])
            for name, column in columns.items():
                others = getattr(kept, name)
                block = np.empty((len(old), *others.shape[1:]), dtype=others.dtype)
                block[~computed] = others
                if first < last:
                    block[computed] = fresh[name][first:last]
                column.append(block)
    return kind(**{name: column.finish() for name, column in columns.items()})

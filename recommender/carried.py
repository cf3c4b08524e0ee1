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
    """The candidates of articles with their own scores, and how they were found.

    Attributes:
        found_by: Shape (n, width), uint8: :data:`BY_MEANING`, :data:`BY_WORDS` or both together.
        least: Shape (n, 2), float32: the least inner product of embeddings, and the least score of
            words, by which an article was found; ``-inf`` where every other one was.
    """

    found_by: NDArray[np.uint8]
    least: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatingState:
    """What is known of n related articles, from which relating can go on when some of them change.

    Attributes:
        candidates: The candidates of each article.
        nearest: Shape (n,), float32: how close each article is to its own ten nearest, see
            :func:`recommender.fusion.mean_nearest`. An article keeps it until it changes itself or
            all are related anew, so that a newcomer changes no list but those near it.
        close: The pairs of articles that are near-duplicates, and those that might have been.
        stories: The stories.
        postings: Shape (terms, n), float32 CSR: the postings of each term.
        lists: The related list of each article, and its rejected candidates.
        adopted: Shape (n,), uint16: the place in each list from which an orphan moved up, else 0.
        weights: Shape (n,), float32: the factors by which scores were multiplied.
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
    """The articles that did not change since the last time, and what is known of them.

    Args:
        state: What the last time left.
        rows: Shape (n,), int32, ascending but for -1: the row that each article had the last time;
            -1 for an article that is new, or changed in anything by which articles are compared
            (text, title, tags, authors, date) or in its language. Its address, translation key,
            version and preference weight, and what it supersedes, may change in any article.
        anew: Compute everything anew, and only keep :attr:`RelatingState.nearest`; carrying over
            gives the same.

    Attributes:
        moved: Shape (old n + 1,), int32: the row that each article has now; -1 if it is gone or
            changed, and at the end for :data:`~recommender.neighbors.NO_ROW`.
    """

    def __init__(
        self, state: RelatingState, rows: NDArray[np.int32], *, anew: bool = False
    ) -> None:
        self.state, self.known = state, rows
        self.rows = np.full_like(rows, NO_ROW) if anew else rows
        self.moved = np.full(len(state.nearest) + 1, NO_ROW, dtype=np.int32)
        kept = np.flatnonzero(self.rows >= 0)
        self.moved[self.rows[kept]] = kept

    def keep(self, old: NDArray[np.generic], new: NDArray[np.generic]) -> None:
        """Overwrite values of this time, shape (n, …), by those that unchanged articles had."""
        new[self.known >= 0] = old[self.known[self.known >= 0]]

    def holding(self, marks: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return which carried articles have a candidate that is marked; shape (n,).

        Args:
            marks: Shape (old n + 1,), uint8: for each old row, the bits that count if it was found
                by them; 0 at the end.
        """
        held = np.zeros(len(self.rows), dtype=bool)
        for start in range(0, len(held), _CHUNK):
            here = slice(start, start + _CHUNK)
            old, found = self.rows[here], self.state.candidates
            held[here] = (marks[found.rows[old]] & found.found_by[old]).any(axis=1) & (old >= 0)
        return held

    def candidates(self, old: NDArray[np.int32]) -> Candidates:
        """Return the candidates that some articles had, as rows of this time."""
        found = self.state.candidates
        return Candidates(
            rows=self.moved[found.rows[old]],
            scores=found.scores[old],
            found_by=found.found_by[old],
            least=found.least[old],
        )

    def scored(self, rows: Rows) -> Neighbors:
        """Return the unchanged candidates that some articles had, if they did not change either."""
        found = self.candidates(self.rows[rows])
        kept = self.rows[rows] >= 0
        return Neighbors(rows=np.where(kept[:, None], found.rows, NO_ROW), scores=found.scores)

    def changed(self, own: Neighbors, stale: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which articles have other candidates than the last time; shape (n,).

        Args:
            own: The candidates of all articles.
            stale: The rows whose candidates were found anew.
        """
        old = self.candidates(self.rows[stale])
        other = (old.rows != own.rows[stale]) | (old.scores != own.scores[stale])
        found = self.rows < 0
        found[stale] |= other.any(axis=1)
        return found

    def lists(self, old: NDArray[np.int32]) -> RankedLists:
        """Return the lists that some articles had before orphans were adopted."""
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
        """Return the close pairs of carried articles.

        Args:
            stale: Shape (n,), bool: the articles whose neighbors were found anew, so that they no
                longer say which rows are close to them.
        """
        pairs = self.state.close.copy()
        pairs[:, :2] = self.moved[pairs[:, :2]]
        pairs = pairs[(pairs[:, :2] >= 0).all(axis=1)]
        pairs[:, 2] &= ~(stale[pairs[:, 0]] + 2 * stale[pairs[:, 1]])
        return pairs

    def judged_otherwise(self, stories: Stories, weights: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which articles count otherwise in lists than the last time; shape (n,).

        These are new ones and those of stories of which a member changed, came or left: a list
        may show any member of a story.
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
    """Join what was computed for some rows with what is carried over for all others.

    Args:
        kind: The class of the joined result.
        parts: The results of blocks of rows, in order.
        columns: For each array of a result, the array of the workspace to append it to.
        stale: The rows that were computed, ascending.
        carried: The articles that are carried; ``None`` if all rows were computed.
        carry: Returns the results of some carried articles, given by their old rows.
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

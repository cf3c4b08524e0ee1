"""Reranking: turns scored candidates into related lists.

The steps are: multiply scores by the site's preferences, such as boosts by tag; put articles in the
same language first; leave out the article's own story; keep one article per story; and reorder the
first articles so that they are less alike.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import Embeddings
from recommender.neighbors import NO_ROW, Neighbors
from recommender.parameters import DEFAULT_RECIPE

if TYPE_CHECKING:  # which loads SciPy; the service needs the reasons alone
    from recommender.stories import Stories

REJECTED = 20
"""Number of rejected candidates that are stored per article, each with the reason."""

_HEAD = 12
_POOL = 24
_CHUNK = 1_024
_ADOPTING = 8_192
_WORTH = 0.7


class RejectReason(enum.IntEnum):
    """The reason why a candidate was left out of a related list."""

    NONE = 0
    OWN_STORY = 1
    SAME_STORY = 2
    TOO_FAR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedLists:
    """The related lists of some articles, and the candidates that were rejected.

    Attributes:
        rows: Shape (n, depth), int32: the rows of each list's articles, best first; -1 fills up the
            end of a shorter list.
        scores: Shape (n, depth), float32, at most 1; ``-inf`` where there is no row.
        rejected_rows: Shape (n, :data:`REJECTED`), int32: the rows of the rejected candidates, best
            first; -1 fills up the end.
        rejected_reasons: Shape (n, :data:`REJECTED`), uint8: the :class:`RejectReason` of each
            rejected row.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    rejected_rows: NDArray[np.int32]
    rejected_reasons: NDArray[np.uint8]


def rerank(
    candidates: Neighbors,
    *,
    stories: Stories,
    languages: NDArray[np.int32],
    weights: NDArray[np.float32],
    embeddings: Embeddings,
    depth: int,
    diversity: float = DEFAULT_RECIPE.diversity,
    own_rows: NDArray[np.integer],
) -> RankedLists:
    """Turn the candidates of some articles into their related lists.

    Args:
        candidates: Rows and scores of each article's candidates, scores in [0, 1], sorted by
            (-score, row).
        stories: Which articles are versions of one story (near-duplicates, translations, …); a list
            shows one of them.
        languages: Shape (n,), int32: language ids; 0 if unknown. If an article's language is
            known, candidates in the same language come before all others.
        weights: Shape (n,), float32 in [0, 2]: the factor by which an article's score as a
            candidate is multiplied; 0 leaves the article out of every list. Lists are sorted by the
            product, and show at most 1 as the score.
        embeddings: Shape (n, dim), float32, unit rows.
        depth: Length of the lists.
        diversity: Weight, 0 to 1, of the penalty for similarity to articles higher up in the list;
            0 sorts by score alone.
        own_rows: Shape (articles,): the row of each article.
    """
    count = len(candidates.rows)
    lists = RankedLists(
        rows=np.full((count, depth), NO_ROW, dtype=np.int32),
        scores=np.full((count, depth), -np.inf, dtype=np.float32),
        rejected_rows=np.full((count, REJECTED), NO_ROW, dtype=np.int32),
        rejected_reasons=np.zeros((count, REJECTED), dtype=np.uint8),
    )
    for start in range(0, count, _CHUNK):
        here = slice(start, min(start + _CHUNK, count))
        own = own_rows[here]
        rows, scores = candidates.rows[here], candidates.scores[here]
        present = rows != NO_ROW
        safe = np.where(present, rows, 0)
        far = np.full_like(scores, -np.inf)
        scores = np.multiply(scores, weights[safe], out=far, where=present)
        order = np.lexsort((rows, -scores, _foreign(rows, own, languages), ~present), axis=1)
        rows = np.take_along_axis(rows, order, axis=1)
        scores = np.take_along_axis(scores, order, axis=1)
        reasons = _reasons(rows, scores, own, stories)
        kept = _move_to_front(reasons == RejectReason.NONE, rows, scores, depth)
        if diversity > 0:
            kept = diversify(*kept, embeddings, diversity, _foreign(kept[0], own, languages))
        found, width = kept[0] != NO_ROW, kept[0].shape[1]
        lists.rows[here, :width] = kept[0]
        lists.scores[here, :width] = np.where(found, np.minimum(kept[1], 1), -np.inf)
        named = (reasons != RejectReason.NONE) & (rows != NO_ROW)
        left = _move_to_front(named, rows, reasons, REJECTED)
        lists.rejected_rows[here, : left[0].shape[1]] = left[0]
        lists.rejected_reasons[here, : left[0].shape[1]] = np.where(left[0] == NO_ROW, 0, left[1])
    return lists


def _foreign(
    rows: NDArray[np.int32], own: NDArray[np.integer], languages: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Return which rows are not known to be in the language of the article whose list they are in.

    If the language of that article is unknown, no row is foreign.
    """
    language = languages[own][:, None]
    foreign: NDArray[np.bool_] = languages[np.where(rows == NO_ROW, 0, rows)] != language
    foreign &= language > 0
    return foreign


def _reasons(
    rows: NDArray[np.int32],
    scores: NDArray[np.float32],
    own: NDArray[np.integer],
    stories: Stories,
) -> NDArray[np.uint8]:
    """Return the ``RejectReason`` of each candidate, shape (articles, k), uint8.

    A candidate that is not rejected has the reason ``NONE``.
    """
    present = rows != NO_ROW
    story = np.where(present, stories.of[rows], -1 - np.arange(rows.shape[1]))
    # The first candidate of each story is kept: a stable sort groups the candidates by story.
    order = np.argsort(story, axis=1, kind="stable")
    ordered = np.take_along_axis(story, order, axis=1)
    again = np.zeros(rows.shape, dtype=bool)
    np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    reasons = np.full(rows.shape, RejectReason.NONE, dtype=np.uint8)
    reasons[again] = RejectReason.SAME_STORY
    reasons[story == stories.of[own][:, None]] = RejectReason.OWN_STORY
    reasons[(scores <= 0) & (reasons == RejectReason.NONE)] = RejectReason.TOO_FAR
    reasons[~present] = RejectReason.TOO_FAR
    return reasons


def _move_to_front(
    chosen: NDArray[np.bool_],
    rows: NDArray[np.int32],
    values: NDArray[np.generic],
    width: int,
) -> tuple[NDArray[np.int32], NDArray[np.generic]]:
    """Move the chosen entries of each row to its front, in order, followed by ``NO_ROW``."""
    order = np.argsort(~chosen, axis=1, kind="stable")[:, :width]
    taken = np.take_along_axis(chosen, order, axis=1)
    moved = np.where(taken, np.take_along_axis(rows, order, axis=1), NO_ROW)
    return moved.astype(np.int32), np.take_along_axis(values, order, axis=1)


def diversify(
    rows: NDArray[np.int32],
    scores: NDArray[np.generic],
    embeddings: Embeddings,
    diversity: float,
    foreign: NDArray[np.bool_],
) -> tuple[NDArray[np.int32], NDArray[np.generic]]:
    """Reorder the first articles of each list by maximal marginal relevance.

    The next article is the one with the largest ``score - diversity * score * closest``, where
    ``closest`` is its largest cosine to an article already chosen (Carbonell & Goldstein, SIGIR
    1998). The penalty is proportional to the score, so that it has the same effect in lists with
    high scores and in lists with low ones. The first article stays first, and articles in the
    list's language stay before all others.

    Args:
        rows: Shape (q, width), best first; -1 at the end.
        scores: Shape (q, width).
        embeddings: Shape (n, dim), float32, unit rows.
        diversity: Weight of the penalty, 0 to 1.
        foreign: Shape (q, width), bool: which articles are not in the language of the list.

    Returns:
        The reordered rows and scores, of the same shapes.
    """
    width = min(_POOL, rows.shape[1])
    if width < 3:
        return rows, scores
    pool, value = rows[:, :width], np.asarray(scores[:, :width], dtype=np.float32)
    present = pool != NO_ROW
    safe = np.where(present, pool, 0)
    vectors = embeddings[safe]
    cosines = np.einsum("qid,qjd->qij", vectors, vectors, optimize=True)
    tier = foreign[:, :width].astype(np.float32)
    value = np.where(present, value, np.float32(-np.inf)) - 10.0 * tier
    each = np.arange(len(pool))
    left = present.copy()
    closest = np.zeros(value.shape, dtype=np.float32)
    positions = np.empty((len(pool), width), dtype=np.int64)
    for step in range(min(_HEAD, width)):
        penalty = diversity * np.maximum(np.where(present, scores[:, :width], 0.0), 0.0) * closest
        worth = np.where(left, value - penalty, -np.inf)
        pick = np.argmax(worth, axis=1)  # of equal ones the first, which ranked higher before
        pick = np.where(left.any(axis=1), pick, step)
        positions[:, step] = pick
        left[each, pick] = False
        closest = np.maximum(closest, cosines[each, pick])
    head = min(_HEAD, width)
    used = np.zeros(pool.shape, dtype=bool)
    np.put_along_axis(used, positions[:, :head], values=True, axis=1)
    rest = np.argsort(used, axis=1, kind="stable")[:, : width - head]
    positions[:, head:] = rest
    new_rows, new_scores = rows.copy(), scores.copy()
    new_rows[:, :width] = np.take_along_axis(pool, positions, axis=1)
    new_scores[:, :width] = np.take_along_axis(scores[:, :width], positions, axis=1)
    return new_rows, new_scores


def adopt_orphans(
    lists: RankedLists, visible: NDArray[np.bool_], languages: NDArray[np.int32], shown: int
) -> NDArray[np.uint16]:
    """Move orphans, articles that are in no shown list, into a shown list where they fit well.

    Each orphan moves to the last shown place of the list in which it is nearest to that place, if
    its score is at least seven tenths of the score of the article that moves down for it. An
    article in the list's language does not move down for one in another. At most one orphan moves
    up in each list. Changes ``lists`` in place.

    Args:
        lists: The lists from :func:`rerank`.
        visible: Shape (n,), bool: the articles that readers can see.
        languages: Shape (n,), int32: language ids; 0 if unknown.
        shown: Length of the list that readers see.

    Returns:
        Shape (n,), uint16: the place in each list from which an orphan moved up; 0 for none.
    """
    linked = np.zeros(len(visible), dtype=bool)
    parts: list[tuple[NDArray[Any], ...]] = []
    for start in range(0, len(visible), _ADOPTING):
        here = slice(start, start + _ADOPTING)
        head = lists.rows[here, :shown][visible[here]]
        linked[head[head != NO_ROW]] = True
    for start in range(0, len(visible), _ADOPTING):
        here = slice(start, start + _ADOPTING)
        rows, scores = lists.rows[here], lists.scores[here]
        homes, places = np.nonzero((rows[:, shown:] != NO_ROW) & visible[here, None])
        places += shown
        targets = rows[homes, places]
        ratio = scores[homes, places] / np.maximum(scores[homes, shown - 1], 1e-6)
        wanted = visible[targets] & ~linked[targets] & (ratio >= _WORTH)
        foreign = _foreign(rows, np.arange(start, start + len(rows)), languages)
        wanted &= ~foreign[homes, places] | foreign[homes, shown - 1]
        found = (start + homes).astype(np.int32), places.astype(np.int16), targets, ratio
        parts.append(tuple(each[wanted] for each in found))
    homes, places, targets, ratio = (np.concatenate(some) for some in zip(*parts, strict=True))
    adopted: set[int] = set()
    moved_from = np.zeros(len(visible), dtype=np.uint16)
    for entry in np.lexsort((homes, targets, -ratio)).tolist():
        home, position, target = int(homes[entry]), int(places[entry]), int(targets[entry])
        if target in adopted or moved_from[home]:
            continue
        for array in (lists.rows, lists.scores):
            moved = array[home, position]
            array[home, shown : position + 1] = array[home, shown - 1 : position]
            array[home, shown - 1] = moved
        adopted.add(target)
        moved_from[home] = position
    return moved_from


def return_orphans(lists: RankedLists, moved_from: NDArray[np.uint16], shown: int) -> None:
    """Undo :func:`adopt_orphans`: move the orphans in some lists back to where they were.

    Args:
        lists: The lists, which are changed in place.
        moved_from: For each list, the place from which an orphan moved up; 0 for none.
        shown: Length of the list that readers see.
    """
    changed = np.flatnonzero(moved_from)
    place, column = moved_from[changed, None].astype(np.int64), np.arange(lists.rows.shape[1])
    order = column + ((column >= shown - 1) & (column < place))
    order = np.where(column == place, shown - 1, order)
    for array in (lists.rows, lists.scores):
        array[changed] = np.take_along_axis(array[changed], order, axis=1)

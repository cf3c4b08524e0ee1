"""What readers see of all lists of a build at once, for figures, gates and comparisons.

One list for one reader is ``service.serving.selection.select``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.ragged import Ragged
from index.query import RelatedQuery, shown_scores
from recommender.neighbors import NO_ROW
from recommender.parameters import SHOWN

_CHUNK = 8_192


def list_heads(
    build: Build, visible: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The first visible articles of every stored list, for figures of a build.

    Readers see less, see :func:`related_lists`.

    Args:
        build: The build.
        visible: Shape (n,): which articles may be shown.

    Returns:
        Rows, shape (n, 6), -1 at the end; and the best score among them, shape (n,),
        ``-inf`` without any.
    """
    head = np.full((build.count, SHOWN), NO_ROW, dtype=np.int32)
    best = np.full(build.count, -np.inf, dtype=np.float32)
    for start in range(0, build.count, _CHUNK):
        some = np.arange(start, min(start + _CHUNK, build.count))
        # Nearly always enough are visible among the first; where not, the whole list.
        for width in (2 * SHOWN, build.related_rows.shape[1]):
            rows = np.asarray(build.related_rows[some, :width])
            scores = build.related_scores[some, :width]
            present = (rows != NO_ROW) & visible[np.where(rows == NO_ROW, 0, rows)]
            head[some], order, taken = _first_present(present, rows, SHOWN)
            kept = np.where(taken, np.take_along_axis(scores, order, axis=1), -np.inf)
            best[some] = kept.max(axis=1)
            some = some[(head[some, -1] == NO_ROW) & (rows[:, -1] != NO_ROW)]
    return head, best


def count_inbound(heads: NDArray[np.int32], visible: NDArray[np.bool_]) -> NDArray[np.int64]:
    """In how many of the visible articles' lists each article stands; shape (n,).

    Args:
        heads: Shape (n, 6): what :func:`list_heads` gave.
        visible: Shape (n,): which articles may be shown.
    """
    shown = heads[visible]
    return np.bincount(shown[shown != NO_ROW], minlength=len(visible))


def related_lists(
    build: Build, now: int, query: RelatedQuery, rows: NDArray[np.int64] | None = None
) -> NDArray[np.int32]:
    """The related articles that readers get, as ``service.serving.selection.select`` has them.

    Without fallbacks and without what editors decided.

    Args:
        build: The build.
        now: Microseconds since 1970 UTC.
        query: What is asked for; its limit and its least score count.
        rows: Shape (m,): whose lists; everyone's by default.

    Returns:
        Rows, shape (m, limit), -1 at the end.
    """
    wanted = np.arange(build.count) if rows is None else rows
    newest = newest_visible(build.visible(now), build.stories, build.members)
    lists = np.full((len(wanted), query.limit), NO_ROW, dtype=np.int32)
    for start in range(0, len(wanted), _CHUNK):
        some = np.arange(start, min(start + _CHUNK, len(wanted)))
        for width in (2 * query.limit, build.related_rows.shape[1]):
            candidates = np.asarray(build.related_rows[wanted[some], :width])
            scores = build.related_scores[wanted[some], :width]
            # A stored list holds each story once, and its own not at all.
            shown = newest[np.where(candidates == NO_ROW, 0, candidates)]
            present = (candidates != NO_ROW) & (shown != NO_ROW)
            present &= shown_scores(scores) >= query.min_score
            lists[some] = _first_present(present, shown, query.limit)[0]
            some = some[(lists[some, -1] == NO_ROW) & (candidates[:, -1] != NO_ROW)]
    return lists


def newest_visible(
    visible: NDArray[np.bool_], stories: NDArray[np.int32], members: Ragged
) -> NDArray[np.int32]:
    """The newest visible version of each row's story, or -1; shape (n,).

    Args:
        visible: Shape (n,): which rows may be shown.
        stories: Shape (n,): which story each belongs to.
        members: Each story's rows, newest version first.
    """
    shown = members.values[visible[members.values]][::-1]
    newest = np.full(len(members), NO_ROW, dtype=np.int32)
    newest[stories[shown]] = shown  # of several the last is kept: the newest
    return newest[stories]


def _first_present(
    present: NDArray[np.bool_], rows: NDArray[np.int32], length: int
) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.bool_]]:
    """The first ``length`` rows of each list that are present, -1 at the end.

    Returns:
        These rows, shape (lists, length); at which positions they stood, and which of those
        positions hold one: both of shape (lists, at most length).
    """
    order = np.argsort(~present, axis=1, kind="stable")[:, :length]
    taken = np.take_along_axis(present, order, axis=1)
    head = np.full((len(rows), length), NO_ROW, dtype=np.int32)
    head[:, : order.shape[1]] = np.where(taken, np.take_along_axis(rows, order, axis=1), NO_ROW)
    return head, order, taken

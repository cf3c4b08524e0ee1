"""Computes the lists that readers see for all articles of a build at once.

Reports, gates and the comparison of builds need them. For a single request,
``service.serving.selection.select`` computes the list.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.ragged import Ragged
from index.query import RelatedQuery, shown_scores
from recommender.neighbors import NO_ROW
from recommender.parameters import SHOWN
from recommender.translations import StoryLanguages

_CHUNK = 8_192


def list_heads(
    build: Build, visible: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the first visible articles of every stored list, for the figures of a build.

    Readers may see fewer: low scores and repeated stories are not left out here, but in
    :func:`related_lists`.

    Args:
        build: The build.
        visible: Shape (n,), bool: which articles may be shown.

    Returns:
        The rows, shape (n, 6), int32, -1 at the end; and the best score of each list, shape (n,),
        float32, ``-inf`` for a list without visible articles.
    """
    head = np.full((build.count, SHOWN), NO_ROW, dtype=np.int32)
    best = np.full(build.count, -np.inf, dtype=np.float32)
    for start in range(0, build.count, _CHUNK):
        some = np.arange(start, min(start + _CHUNK, build.count))
        # The first rows nearly always suffice; the other lists are read as a whole.
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
    """Count, for each article, the lists of visible articles that it is in.

    Args:
        heads: Shape (n, 6): the rows from :func:`list_heads`.
        visible: Shape (n,), bool: which articles may be shown.

    Returns:
        Shape (n,), int64.
    """
    shown = heads[visible]
    return np.bincount(shown[shown != NO_ROW], minlength=len(visible))


def related_lists(
    build: Build, now: int, query: RelatedQuery, rows: NDArray[np.int64] | None = None
) -> NDArray[np.int32]:
    """Return the lists that readers see, before fallbacks and editors' decisions.

    The articles are the same as in ``service.serving.selection.select``.

    Args:
        build: The build.
        now: The time, in microseconds since 1970 UTC.
        query: The query; only its ``limit`` and ``min_score`` have an effect.
        rows: Shape (m,): the rows whose lists to return; all rows by default.

    Returns:
        Rows, shape (m, limit), int32, -1 at the end.
    """
    wanted = np.arange(build.count) if rows is None else rows
    visible = build.visible(now)
    newest = newest_visible(visible, build.stories, build.members)
    members = build.members.values
    spoken = StoryLanguages(build.stories, members[visible[members]], build.languages)
    lists = np.full((len(wanted), query.limit), NO_ROW, dtype=np.int32)
    for start in range(0, len(wanted), _CHUNK):
        some = np.arange(start, min(start + _CHUNK, len(wanted)))
        for width in (2 * query.limit, build.related_rows.shape[1]):
            candidates = np.asarray(build.related_rows[wanted[some], :width])
            scores = build.related_scores[wanted[some], :width]
            # A stored list has each story once, and never the article's own story.
            shown = newest[np.where(candidates == NO_ROW, 0, candidates)]
            shown = spoken.members_in(shown, build.languages[wanted[some]])
            present = (candidates != NO_ROW) & (shown != NO_ROW)
            present &= shown_scores(scores) >= query.min_score
            lists[some] = _first_present(present, shown, query.limit)[0]
            some = some[(lists[some, -1] == NO_ROW) & (candidates[:, -1] != NO_ROW)]
    return lists


def newest_visible(
    visible: NDArray[np.bool_], stories: NDArray[np.int32], members: Ragged
) -> NDArray[np.int32]:
    """Find the newest visible version of each row's story.

    Args:
        visible: Shape (n,), bool: which rows may be shown.
        stories: Shape (n,), int32: the story of each row.
        members: The rows of each story, newest version first.

    Returns:
        Shape (n,), int32: the row of that version; -1 if no version is visible.
    """
    shown = members.values[visible[members.values]][::-1]
    newest = np.full(len(members), NO_ROW, dtype=np.int32)
    newest[stories[shown]] = shown  # the last assignment wins: the newest version
    return newest[stories]


def _first_present(
    present: NDArray[np.bool_], rows: NDArray[np.int32], length: int
) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.bool_]]:
    """Move the present rows of each list to its front, and cut the list to ``length`` rows.

    Args:
        present: Shape (lists, any), bool: which entries of ``rows`` to keep.
        rows: The rows of each list, of the same shape.
        length: Length of the resulting lists.

    Returns:
        The rows, shape (lists, length), -1 at the end; the position that each had in its list; and
        whether it is present. The last two have shape (lists, at most length).
    """
    order = np.argsort(~present, axis=1, kind="stable")[:, :length]
    taken = np.take_along_axis(present, order, axis=1)
    head = np.full((len(rows), length), NO_ROW, dtype=np.int32)
    head[:, : order.shape[1]] = np.where(taken, np.take_along_axis(rows, order, axis=1), NO_ROW)
    return head, order, taken

"""Computes the lists that readers see for all articles of a build at once.

Reports, gates and the comparison of builds need them. For a single request,
``service.serving.selection.select`` computes the list.
"""

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.link_graph import PageLinkKind
from index.build.ragged import Ragged
from index.query import RelatedQuery, SkipLinked, shown_scores
from recommender.neighbors import NO_ROW
from recommender.parameters import SHOWN
from recommender.translations import StoryLanguages

_CHUNK = 8_192


def list_heads(
    build: Build, visible: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the first visible articles of every stored list, for the figures of a build.

    This is the build's own ranking, by which hubs and orphans are counted. Readers may see other
    lists, which :func:`related_lists` returns: there, low scores and repeated stories are left out,
    and the links of the pages count.

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
            rows = build.related_rows[some, :width]
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
        query: The query; its ``exclude``, ``fallback``, ``sort``, ``language`` and filters have no
            effect.
        rows: Shape (m,): the rows whose lists to return; all rows by default.

    Returns:
        Rows, shape (m, limit), int32, -1 at the end.
    """
    wanted = np.arange(build.count) if rows is None else rows
    visible = build.visible(now)
    listed, _, standing = shown_versions(build, visible)
    members = build.members.values
    spoken = StoryLanguages(build.stories, members[listed[members]], build.languages)
    lists = np.full((len(wanted), query.limit), NO_ROW, dtype=np.int32)
    depth = build.related_rows.shape[1]
    for start in range(0, len(wanted), _CHUNK):
        some = np.arange(start, min(start + _CHUNK, len(wanted)))
        for width in (2 * query.limit, depth):
            own = wanted[some]
            # A stored list has each story once, and never the article's own story.
            candidates = build.related_rows[own, :width]
            present = shown_scores(build.related_scores[own, :width]) >= query.min_score
            present &= candidates != NO_ROW
            last = np.zeros_like(present)
            if query.skip_linked is not SkipLinked.OFF:
                linked = build.page_links.of_kind(own, PageLinkKind.TEXT)
                last = _in_stories(build, candidates, *linked)
                if query.skip_linked is SkipLinked.DROP or width < depth:
                    present &= ~last
            if query.site_pins:
                candidates, present, last = _named_first(build, own, candidates, present, last)
            shown = standing[np.where(candidates == NO_ROW, 0, candidates)]
            spoken_here = spoken.members_in(shown, build.languages[own])
            shown = np.where(listed[shown], spoken_here, shown)
            present &= shown != NO_ROW
            lists[some] = _first_present(present, shown, query.limit, last)[0]
            more = (candidates[:, -1] != NO_ROW) | last.any(axis=1)
            some = some[(lists[some, -1] == NO_ROW) & more]
    return lists


def _named_first(
    build: Build,
    own: NDArray[np.int64],
    candidates: NDArray[np.int32],
    present: NDArray[np.bool_],
    last: NDArray[np.bool_],
) -> tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Put before the candidates of each list the rows that its article's page names as related.

    Args:
        build: The build.
        own: Shape (lists,): the rows whose lists these are.
        candidates: Shape (lists, any): the rows in each list, -1 for none.
        present: Which of them to keep; same shape.
        last: Which of them stand after all others; same shape.

    Returns:
        The three last arguments, wider; a story that is named is kept once, where it is named.
    """
    lists, targets = build.page_links.of_kind(own, PageLinkKind.RELATED)
    stories = build.stories[targets]
    _, first = np.unique(lists * build.count + stories, return_index=True)
    first = np.sort(first)
    first = first[stories[first] != build.stories[own[lists[first]]]]
    lists, targets = lists[first], targets[first]
    if not len(lists):
        return candidates, present, last
    places = np.arange(len(lists)) - np.searchsorted(lists, lists)
    named = np.full((len(own), int(places.max()) + 1), NO_ROW, dtype=np.int32)
    named[lists, places] = targets
    present = present & ~_in_stories(build, candidates, lists, targets)
    return (
        np.concatenate([named, candidates], axis=1),
        np.concatenate([named != NO_ROW, present], axis=1),
        np.concatenate([np.zeros_like(named, dtype=np.bool_), last], axis=1),
    )


def _in_stories(
    build: Build,
    candidates: NDArray[np.int32],
    lists: NDArray[np.int64],
    targets: NDArray[np.int32],
) -> NDArray[np.bool_]:
    """Say which candidates belong to stories that belong to the same list.

    Args:
        build: The build.
        candidates: Shape (lists, any): the rows in each list, -1 for none.
        lists: Shape (pairs,): the list that each of ``targets`` belongs to.
        targets: Shape (pairs,): a row of each story.
    """
    if not len(targets):
        return np.zeros(candidates.shape, dtype=np.bool_)
    every = np.arange(len(candidates))[:, np.newaxis] * build.count + build.stories[candidates]
    return np.isin(every, lists * build.count + build.stories[targets])


def shown_versions(
    build: Build, visible: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.int32], NDArray[np.int32]]:
    """Find which versions of articles lists show.

    An article that a boost of 0 keeps out of lists stands for no other version. Where it is named
    itself, by its page or by an editor, it is shown as any other.

    Args:
        build: The build.
        visible: Shape (n,), bool: which articles may be shown.

    Returns:
        Which articles lists may show; and the results of :func:`newest_visible` and
        :func:`standing_for`.
    """
    newest = newest_visible(visible, build.stories, build.members)
    standing = standing_for(visible, newest, build.newer)
    if build.kept_out is None:
        return visible, newest, standing
    listed = visible & ~build.kept_out
    best = newest_visible(listed, build.stories, build.members)
    standing = np.where(build.kept_out, standing, standing_for(listed, best, build.newer))
    return listed, newest, standing


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


def standing_for(
    visible: NDArray[np.bool_], newest: NDArray[np.int32], newer: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Find the version of an article that a list shows: itself, or a newer one that is visible.

    Args:
        visible: Shape (n,), bool: which rows may be shown.
        newest: Shape (n,), int32: the result of :func:`newest_visible`.
        newer: Shape (n,), int32: how many steps each row is older than the newest of its story.

    Returns:
        Shape (n,), int32: the row of the version to show; -1 if no version is visible.
    """
    itself = visible & (newer == newer[newest])
    return np.where(itself, np.arange(len(newest), dtype=np.int32), newest).astype(np.int32)


def _first_present(
    present: NDArray[np.bool_],
    rows: NDArray[np.int32],
    length: int,
    last: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.bool_]]:
    """Move the present rows of each list to its front, and cut the list to ``length`` rows.

    Args:
        present: Shape (lists, any), bool: which entries of ``rows`` to keep.
        rows: The rows of each list, of the same shape.
        length: Length of the resulting lists.
        last: Which of the present rows stand after all others; none by default.

    Returns:
        The rows, shape (lists, length), -1 at the end; the position that each had in its list; and
        whether it is present. The last two have shape (lists, at most length).
    """
    later = ~present if last is None else np.where(present, last, np.uint8(2))
    order = np.argsort(later, axis=1, kind="stable")[:, :length]
    taken = np.take_along_axis(present, order, axis=1)
    head = np.full((len(rows), length), NO_ROW, dtype=np.int32)
    head[:, : order.shape[1]] = np.where(taken, np.take_along_axis(rows, order, axis=1), NO_ROW)
    return head, order, taken

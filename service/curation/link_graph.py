"""Counts how many lists of related articles show each article, and finds those lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.build.link_graph import PageLinkKind
from index.build.shown_lists import count_inbound, list_heads
from index.query import RelatedQuery
from service.decisions.decision_state import OverrideKind
from service.serving.selection import select
from service.serving.serving_view import ServingView

MOST_INBOUND = 200
"""The largest number of lists that are looked through for one article."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkGraph:
    """For each article, the best score in its own list, and how many other lists show it.

    Pins and hides are left out. Both arrays are indexed by row number in the build.

    Attributes:
        best: Shape (n,), float32: the best score in each article's list as shown, ``-inf`` if the
            list is empty.
        inbound: Shape (n,), int64: for each article, in how many visible articles' lists it is
            shown.
    """

    best: NDArray[np.float32]
    inbound: NDArray[np.int64]


def count_link_graph(served: ServingView, visible: NDArray[np.bool_]) -> LinkGraph:
    """Counts for each article the lists that show it, and finds the best score in its own list.

    Args:
        served: The build that holds the lists.
        visible: Shape (n,), bool: which articles may be shown, by row number.
    """
    build = served.build
    heads, best = list_heads(build, visible)
    return LinkGraph(best=best, inbound=count_inbound(heads, visible))


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundLinks:
    """A link to an article from the list of another article.

    Attributes:
        row: The row number, in the build, of the article whose list shows the link.
        position: The position in that list, counted from 1.
    """

    row: int
    position: int


def inbound_links(
    served: ServingView, row: int, now: int, query: RelatedQuery, limit: int
) -> tuple[list[InboundLinks], bool]:
    """Finds the lists that show an article now, as related, pinned or named by the page.

    Each list is selected as for a reader. Lists that show the article only as a fallback don't
    count, since a fallback does not mean that the articles are related.

    Args:
        served: A build with the editors' decisions.
        row: The article's row number in the build.
        now: The current time, in microseconds since 1970 UTC.
        query: What the site asks for by default: how many articles, and which.
        limit: The largest number of links to return.

    Returns:
        The links, those with the best positions first, and whether there may be more.
    """
    build = served.build
    everywhere = build.related_rows.reshape(-1)  # NumPy searches a flat array fastest
    found_at = [
        np.flatnonzero(everywhere == member)
        for member in build.members[int(build.stories[row])].tolist()
    ]
    lists, places = np.divmod(np.concatenate(found_at), build.related_rows.shape[1])
    near = np.argsort(places, kind="stable")
    naming = [other for other, kind in build.page_links.into(row) if kind is PageLinkKind.RELATED]
    candidates = dict.fromkeys([*_pinning(served, row), *naming, *lists[near].tolist()])
    found: list[InboundLinks] = []
    for other in list(candidates)[:MOST_INBOUND]:
        if not served.is_visible(other, now):
            continue
        chosen = select(served, other, now=now, query=query)
        position = next((at for at, item in enumerate(chosen, 1) if item.row == row), None)
        if position is not None and chosen[position - 1].origin != "fallback":
            found.append(InboundLinks(row=other, position=position))
    found.sort(key=lambda link: (link.position, link.row))
    return found[:limit], len(candidates) > MOST_INBOUND or len(found) > limit


def _pinning(served: ServingView, row: int) -> list[int]:
    build, target = served.build, served.build.article_id(row)
    rows = (
        build.row(article_id)
        for article_id, overrides in served.state.overrides.items()
        if overrides[0].kind is OverrideKind.PIN  # an article's pins stand before its hides
        and any(override.target_id == target for override in overrides)
    )
    return [other for other in rows if other is not None]

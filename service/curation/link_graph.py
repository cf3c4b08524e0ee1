"""The links between articles by the lists of a build: figures of all, and one article's inbound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.build.shown_lists import count_inbound, list_heads
from index.query import RelatedQuery
from service.decisions.decision_state import OverrideKind
from service.serving.selection import select
from service.serving.serving_view import ServingView

MOST_INBOUND = 200
"""How many lists are searched for an article at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkGraph:
    """Figures of every article's list, as the stored lists give them without overrides.

    Attributes:
        best: Shape (n,), float32: the best score in each shown list, ``-inf`` without any.
        inbound: Shape (n,), int64: how many shown lists of visible articles each is in.
    """

    best: NDArray[np.float32]
    inbound: NDArray[np.int64]


def count_link_graph(served: ServingView, visible: NDArray[np.bool_]) -> LinkGraph:
    """Look at all lists.

    Args:
        served: The build.
        visible: Shape (n,): which articles may be shown.
    """
    build = served.build
    heads, best = list_heads(build, visible)
    return LinkGraph(best=best, inbound=count_inbound(heads, visible))


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundLinks:
    """A list in which readers see an article.

    Attributes:
        row: The article whose list it is in.
        position: From 1.
    """

    row: int
    position: int


def inbound_links(
    served: ServingView, row: int, now: int, query: RelatedQuery, limit: int
) -> tuple[list[InboundLinks], bool]:
    """The lists in which an article is shown now as related or pinned, by position.

    Each list is selected as for a reader, so this is what the site shows. Fallbacks don't count,
    as they say nothing about the article.

    Args:
        served: A build under what editors decided.
        row: The article.
        now: Microseconds since 1970 UTC.
        query: What the site asks for.
        limit: Most lists to return.

    Returns:
        The lists, and whether there may be more.
    """
    build = served.build
    everywhere = build.related_rows.reshape(-1)  # one long list is looked through fastest
    found_at = [
        np.flatnonzero(everywhere == member)
        for member in build.members[int(build.stories[row])].tolist()
    ]
    lists, places = np.divmod(np.concatenate(found_at), build.related_rows.shape[1])
    near = np.argsort(places, kind="stable")
    candidates = dict.fromkeys([*_pinning(served, row), *lists[near].tolist()])
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
        if overrides[0].kind is OverrideKind.PIN  # pins come first
        and any(override.target_id == target for override in overrides)
    )
    return [other for other in rows if other is not None]

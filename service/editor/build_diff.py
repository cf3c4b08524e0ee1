"""Compares the lists of related articles in two builds, to show them side by side on a page."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from index.build.build import Build
from index.publishing.churn import Churn, compare
from index.query import RelatedQuery
from index.root.root import Root
from recommender.visibility import utc_now
from service.curation.article_row import ArticleRow, read_article_row
from service.decisions.decision_state import DecisionState
from service.serving.selection import SelectedItem, select
from service.serving.serving_view import ServingView


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPosition:
    """One position of an article's list, in a comparison of two builds.

    Attributes:
        item: The article at the position.
        moved: ``in`` if only the list in the newer build shows the article, ``out`` if only the
            list in the older build does; empty if both do.
        pinned: Whether the article is pinned.
    """

    item: ArticleRow
    moved: str
    pinned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedList:
    """An article whose list of related articles differs between two builds.

    Attributes:
        item: The article.
        before: Its list in the older build, with the editors' pins and hides applied.
        after: Its list in the newer build, with the editors' pins and hides applied.
        same: Whether readers see the same list nevertheless, because of pins and hides.
    """

    item: ArticleRow
    before: list[ListPosition]
    after: list[ListPosition]
    same: bool


class BuildDiff:
    """Compares two builds; keeps the last comparison, for the other pages that show it.

    Args:
        root: The folder that holds the builds.
        query: What the site asks for by default: how many articles, and which.
    """

    def __init__(self, root: Root, query: RelatedQuery) -> None:
        self._root, self._query = root, query
        self._lock = threading.Lock()
        self._kept: tuple[tuple[str, str], Build, Build, Churn] | None = None

    def compare(self, old: str, new: str) -> tuple[Build, Build, Churn]:
        """Opens two builds and compares their lists of related articles.

        Args:
            old: The name of the older build.
            new: The name of the newer build.

        Returns:
            The older build, the newer build and the comparison.

        Raises:
            NotFoundError: If a build does not exist.
            BuildError: If a build is damaged.
        """
        with self._lock:
            if self._kept is None or self._kept[0] != (old, new):
                first, second = self._root.open(old), self._root.open(new)
                churn = compare(first, second, now=utc_now(), query=self._query)
                self._kept = (old, new), first, second, churn
            return self._kept[1:]

    def changed(
        self,
        old: Build,
        new: Build,
        churn: Churn,
        state: DecisionState,
        now: int,
        indices: Sequence[int],
    ) -> list[ChangedList]:
        """Returns the lists of some articles in both builds.

        Args:
            old: The older build.
            new: The newer build.
            churn: The comparison of the two builds.
            state: The editors' decisions.
            now: The current time, in microseconds since 1970 UTC.
            indices: Which articles to return, as indices into ``churn.rows``.
        """
        before, after = ServingView(old, state), ServingView(new, state)
        return [
            self._one(before, after, int(churn.old_rows[at]), int(churn.rows[at]), now)
            for at in indices
        ]

    def _one(
        self, before: ServingView, after: ServingView, old_row: int, new_row: int, now: int
    ) -> ChangedList:
        old_items = select(before, old_row, now=now, query=self._query)
        new_items = select(after, new_row, now=now, query=self._query)
        old_ids = [before.build.article_id(each.row) for each in old_items]
        new_ids = [after.build.article_id(each.row) for each in new_items]
        return ChangedList(
            item=read_article_row(after, new_row, now),
            before=_positions(before, old_items, set(new_ids), "out", now),
            after=_positions(after, new_items, set(old_ids), "in", now),
            same=old_ids == new_ids,
        )


def most_changed(churn: Churn) -> list[int]:
    """Returns the articles whose lists changed, most changed first.

    Args:
        churn: The comparison of two builds.

    Returns:
        Indices into ``churn.rows``.
    """
    order = np.lexsort((churn.rows, -churn.replaced))
    return [int(at) for at in order[churn.replaced[order] > 0]]


def figures(churn: Churn) -> dict[str, Any]:
    """Returns the numbers that a page shows about the comparison of two builds, by name.

    Among them are the numbers of articles added and removed, and of lists changed.
    """
    return {
        "added": len(churn.added),
        "removed": len(churn.removed),
        "rewritten": churn.rewritten,
        "compared": len(churn.rows),
        "changed": int((churn.turned > 0).sum()),
        "share": churn.changed,
    }


def _positions(
    served: ServingView, chosen: list[SelectedItem], others: set[str], moved: str, now: int
) -> list[ListPosition]:
    items = [read_article_row(served, each.row, now) for each in chosen]
    return [
        ListPosition(
            item=item,
            moved="" if item.article_id in others else moved,
            pinned=each.origin == "pinned",
        )
        for item, each in zip(items, chosen, strict=True)
    ]

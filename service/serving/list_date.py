"""Says in which build the list in an answer last changed, and how long the answer can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from index.build.build import Build
from index.build.list_dates import CARD, WHOLE, WIDTHS
from index.query import Fallback, RelatedQuery, shown_score
from recommender.neighbors import NO_ROW
from service.serving.selection import Origin, SelectedItem
from service.serving.serving_view import ServingView

_OWN = (Origin.RELATED, Origin.SITE)
"""Why an article is shown if the stored list, or the article's own page, says so."""


class ListDate(NamedTuple):
    """When a list as it is shown last changed; see :mod:`index.build.list_dates`.

    Attributes:
        date: The date of the build in which it last changed.
        column: The column of the build's dates that stands for the part of the stored list that
            is shown.
        lasting: Whether the shown list stays the same as long as that date, for the same decisions
            of editors and within one epoch. It does not if something from elsewhere is shown: a
            fallback, a pinned article, the list of a translation, or what filters let through. Nor
            does it while there are rules, since an article may get or lose a tag.
    """

    date: int
    column: int
    lasting: bool


def list_date(
    served: ServingView, row: int, items: Sequence[SelectedItem], query: RelatedQuery
) -> ListDate:
    """Returns when the list of an article, as it is shown for a query, last changed.

    Args:
        served: The build with the editors' decisions.
        row: The row number of the article.
        items: What :func:`service.serving.selection.select` chose.
        query: The query.
    """
    build = served.build
    dates = build.list_dates
    foreign = [each.row for each in items if each.origin not in _OWN]
    if query.language is not None:
        foreign += build.members.numbers(build.story_of[row])
        listed = max(dates[member][WHOLE] for member in foreign)
        return ListDate(listed, WHOLE, lasting=False)
    if query.is_filtered:  # what stands in the list may have got or lost the tag
        foreign += [other for other in build.related(row)[0] if other != NO_ROW]
        listed = max([dates[row][WHOLE], *(dates[other][CARD] for other in foreign)])
        return ListDate(listed, WHOLE, lasting=False)
    column = _column(build, row, items, query)
    date = max([dates[row][column], *(dates[other][CARD] for other in foreign)])
    settled = len(items) == query.limit or query.fallback is Fallback.NONE
    return ListDate(date, column, lasting=settled and not foreign and not served.state.rules)


def _column(build: Build, row: int, items: Sequence[SelectedItem], query: RelatedQuery) -> int:
    """Returns the column of the part of a stored list that decides what is shown of it."""
    rows, scores = build.related(row)
    if len(items) == query.limit and all(each.origin is not Origin.FALLBACK for each in items):
        stored = rows.tolist()
        shown = [each.row for each in items if each.origin is Origin.RELATED]
        places = [stored.index(one) if one in stored else len(stored) for one in shown]
        last = max(places, default=0)
    else:  # one more than are good enough: one that no longer is stood there
        good = [
            place
            for place, (other, score) in enumerate(zip(rows, scores, strict=True))
            if other != NO_ROW and shown_score(score) >= query.min_score
        ]
        last = max(good, default=-1) + 1
    return next((at for at, width in enumerate(WIDTHS) if last < width), WHOLE)

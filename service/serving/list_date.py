"""Says in which build the list in an answer last changed, and how long the answer can be kept."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from index.build.build import Build
from index.build.list_dates import CARD, WHOLE, WIDTHS
from index.query import Fallback, RelatedQuery, SkipLinked
from recommender.neighbors import NO_ROW
from service.decisions.decision_state import OverrideKind
from service.serving.selection import Origin, SelectedItem
from service.serving.serving_view import ServingView

_OWN = (Origin.RELATED, Origin.SITE)
"""Why an article is shown if the stored list, or the article's own page, says so."""


class ListDate(NamedTuple):
    """In which build the list that a response shows last changed.

    A build stores that date for the beginnings of each list, see :mod:`index.build.list_dates`.

    Attributes:
        date: The build in which the list last changed, as
            :func:`index.build.list_dates.build_date` gives it.
        column: The column of ``build.list_dates`` for the part of the stored list that is shown.
        lasting: Whether a response with this list may be kept for later builds in which that column
            has the same date. It may not if the list shows something that is not in the stored one:
            a fallback, a pinned article, the list of a translation, or what filters let through.
            Nor may it while rules pin or hide by tag, since an article may get or lose a tag, or
            while an article is pinned that can't be shown: a later build may publish it.
    """

    date: int
    column: int
    lasting: bool


def list_date(
    served: ServingView, row: int, items: Sequence[SelectedItem], query: RelatedQuery
) -> ListDate:
    """Returns in which build an article's list, as a query shows it, last changed.

    Args:
        served: The build with the editors' decisions.
        row: The article's row number in the build.
        items: The list, as :func:`service.serving.selection.select` returned it.
        query: The query for which it was selected.
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
    overrides = served.state.overrides.get(build.article_id(row), ())
    foreign += [row for each in overrides if each.kind is OverrideKind.PIN]
    return ListDate(date, column, lasting=settled and not foreign and not served.state.rules)


def _column(build: Build, row: int, items: Sequence[SelectedItem], query: RelatedQuery) -> int:
    """Returns the column of the part of a stored list that decides what is shown of it."""
    if len(items) < query.limit or Origin.FALLBACK in [each.origin for each in items]:
        return WHOLE  # whatever is stored further down may be good enough later
    related = Origin.RELATED  # reading a member of an enumeration takes a while
    shown = [each.row for each in items if each.origin is related]
    linked, named = build.page_links.editorial(row)
    if query.skip_linked is SkipLinked.LAST and linked:
        stories = {build.story_of[one] for one in linked}
        if any(build.story_of[one] in stories for one in shown):
            return WHOLE  # all others were too few
    stored = build.related(row)[0].tolist()
    if query.site_pins:
        shown += named  # they have the scores of their places
    places = [stored.index(one) if one in stored else len(stored) for one in shown]
    return bisect_right(WIDTHS, max(places, default=0))

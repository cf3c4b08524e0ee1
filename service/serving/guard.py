"""Decides which articles a related list may show at the moment of the request."""

from __future__ import annotations

from collections.abc import Sequence

from index.query import RelatedQuery
from recommender.neighbors import NO_ROW
from service.decisions.decision_state import Override, OverrideKind
from service.serving.serving_view import ServingView


class Guard:
    """Decides which articles one list may show: visible, in the language, each story only once.

    Two versions belong to the same story if the newest visible version of their story is in the
    same row. ``test_service_guard`` checks that other code which filters rows agrees with this
    class.

    Args:
        served: The build with the editors' decisions.
        kin: The rows of all versions of the article whose list this is; the list must not show
            that story.
        now: Microseconds since 1970 UTC.
        query: The query; the guard applies its language and its excluded articles.
    """

    def __init__(
        self, served: ServingView, kin: Sequence[int], now: int, query: RelatedQuery
    ) -> None:
        self._build = served.build
        self._visible, self._newest = served.showing(now)[2:]
        self._language = query.language
        self._seen = {NO_ROW}  # stories without a visible row
        for row in kin:
            self._seen.add(self._newest[row])
        # The page already shows these articles, so other versions of them are excluded too.
        for article_id in query.exclude:
            self._leave_out(article_id)

    def is_visible(self, row: int) -> bool:
        """Whether readers may see the article in this row now, whatever else the list shows."""
        return bool(self._visible[row])

    def hide(self, overrides: Sequence[Override]) -> None:
        """Excludes the stories of the articles that editors hid in this list."""
        for override in overrides:
            if override.kind is OverrideKind.HIDE:
                self._leave_out(override.target_id)

    def admit_itself(self, row: int) -> bool:
        """Whether the list may show exactly this version of a story; if so, marks it as shown."""
        newest = self._newest[row]
        if newest in self._seen or not self.is_visible(row) or not self._has_language(row):
            return False
        self._seen.add(newest)
        return True

    def admit(self, candidate: int) -> int | None:
        """Returns the row of the newest visible version of a candidate's story.

        Marks the story as shown. Returns ``None`` if the list shows the story already, or no
        version of the story may be shown.
        """
        newest: int = self._newest[candidate]
        if newest in self._seen:
            return None
        shown = newest
        if self._language is not None:
            members = self._build.members.numbers(self._build.story_of[candidate])
            in_language = (row for row in members if self._visible[row] and self._has_language(row))
            shown = next(in_language, NO_ROW)
            if shown == NO_ROW:
                return None
        self._seen.add(newest)
        return shown

    def _leave_out(self, article_id: str) -> None:
        row = self._build.row(article_id)
        if row is not None:
            self._seen.add(self._newest[row])

    def _has_language(self, row: int) -> bool:
        if self._language is None:
            return True
        return self._build.language_names[self._build.language_of[row]] == self._language

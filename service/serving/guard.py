"""The guard: what of a list may be shown at the moment of the request."""

from __future__ import annotations

from collections.abc import Sequence

from index.query import RelatedQuery
from recommender.neighbors import NO_ROW
from service.decisions.decision_state import Override, OverrideKind
from service.serving.serving_view import ServingView


class Guard:
    """The rule of what may be shown: visible, not shown already, in the language, a story once.

    A story is identified by its newest visible row, as the table of those has to be read anyway.
    ``test_service_guard`` holds other code that filters rows to this class.

    Args:
        served: The build to read, under what editors decided.
        kin: Rows whose stories must not be shown, as the list stands beside them.
        now: Microseconds since 1970 UTC.
        query: What is asked for; its language and its exclusions count here.
    """

    def __init__(
        self, served: ServingView, kin: Sequence[int], now: int, query: RelatedQuery
    ) -> None:
        self._build = served.build
        self._visible, self._newest = served.showing(now)[2:]
        self._language = query.language
        self._seen = {NO_ROW}  # a story that no visible row stands for
        for row in kin:
            self._seen.add(self._newest[row])
        # A page that shows one version of a story already should not be given another.
        for article_id in query.exclude:
            self._leave_out(article_id)

    def is_visible(self, row: int) -> bool:
        """Whether the row itself may be shown now."""
        return bool(self._visible[row])

    def hide(self, overrides: Sequence[Override]) -> None:
        """Keep the stories of hidden articles out of this list."""
        for override in overrides:
            if override.kind is OverrideKind.HIDE:
                self._leave_out(override.target_id)

    def admit_itself(self, row: int) -> bool:
        """Whether this very row may stand for its story, which then has been shown."""
        newest = self._newest[row]
        if newest in self._seen or not self.is_visible(row) or not self._has_language(row):
            return False
        self._seen.add(newest)
        return True

    def admit(self, candidate: int) -> int | None:
        """The newest visible version of the candidate's story, if it has not been shown."""
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

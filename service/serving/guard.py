"""Decides which articles a related list may show at the moment of the request.

A story is shown by its newest visible version in the language of the list: the language that the
query asks for, else that of the article or draft. If the story has no visible version in it, the
newest in any language is shown, unless the query asks for a language.
"""

from __future__ import annotations

from collections.abc import Sequence

from index.query import RelatedQuery
from recommender.neighbors import NO_ROW
from service.decisions.decision_state import Override, OverrideKind
from service.serving.serving_view import ServingView


class Guard:
    """Decides which articles one list may show: visible, in the language, each story only once.

    Two versions, or translations, belong to the same story if the newest visible version of their
    story is in the same row. ``test_service_guard`` checks that other code which filters rows
    agrees with this class.

    Args:
        served: The build with the editors' decisions.
        kin: The rows of all versions of the article whose list this is; the list must not show
            that story.
        now: Microseconds since 1970 UTC.
        query: The query; the guard applies its language and its excluded articles.
        language: The build's id of the language of the article or draft; 0 if unknown.
    """

    def __init__(
        self,
        served: ServingView,
        kin: Sequence[int],
        now: int,
        query: RelatedQuery,
        language: int = 0,
    ) -> None:
        self._build = served.build
        self._visible, self._newest = served.showing(now)[2:]
        self._only_language = query.language is not None
        names = self._build.language_names
        if query.language is not None:
            language = names.index(query.language) if query.language in names else len(names)
        self._language = language
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
        """Returns the row of the version of a candidate's story that the list shows.

        Marks the story as shown. Returns ``None`` if the list shows the story already, or no
        version of the story may be shown.
        """
        newest: int = self._newest[candidate]
        if newest in self._seen:
            return None
        shown, language_of = newest, self._build.language_of
        if self._language and language_of[newest] != self._language:
            for row in self._build.members.numbers(self._build.story_of[candidate]):
                if self._visible[row] and language_of[row] == self._language:
                    shown = row
                    break
            else:
                if self._only_language:
                    return None
        self._seen.add(newest)
        return shown

    def _leave_out(self, article_id: str) -> None:
        row = self._build.row(article_id)
        if row is not None:
            self._seen.add(self._newest[row])

    def _has_language(self, row: int) -> bool:
        return not self._only_language or self._build.language_of[row] == self._language

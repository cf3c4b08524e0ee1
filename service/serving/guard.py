"""Decides which articles may be shown as related at the moment of the request.

Versions and translations of an article are one story, of which one article is shown: the newest
visible one in the language that the query asks for, or else in the language of the article or draft
that the reader has before them; of several equally new ones, the most related. If there is none in
that language, the newest in any language is shown, unless the query asks for a language.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence

from index.build.build import Build
from index.query import Fallback, RelatedQuery
from recommender.neighbors import NO_ROW
from service.decisions.decision_state import Override, OverrideKind
from service.serving.serving_view import ServingView


class Guard:
    """Decides which articles one list may show: visible ones, and only one version of each.

    All versions and translations of an article are one story. A story is identified by the row
    number of its newest visible article. ``test_service_guard`` checks that other code which
    filters articles follows the same rules as this class.

    Args:
        served: The build with the editors' decisions.
        kin: The row numbers of all versions of the article whose list this is; the list must not
            show that story.
        now: The current time, in microseconds since 1970 UTC.
        query: The query, of which this class applies the language and the excluded articles.
        language: The build's number of the language of the article or draft; 0 if unknown.
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
        self._visible, self._newest, self._standing = served.showing(now)[2:]
        self._only_language = query.language is not None
        names = self._build.language_names
        if query.language is not None:
            language = names.index(query.language) if query.language in names else len(names)
        self._language = language
        self._seen = {NO_ROW}  # NO_ROW stands for all stories of which no version is visible
        for row in kin:
            self._seen.add(self._newest[row])
        # The reader's page already shows these articles, so their other versions are excluded too.
        for name in query.exclude:
            self.leave_out(self._build.find(name))

    def is_visible(self, row: int) -> bool:
        """Whether readers may see an article now, no matter what the list shows so far.

        Args:
            row: The article's row number in the build.
        """
        return bool(self._visible[row])

    def hide(self, overrides: Sequence[Override]) -> None:
        """Excludes the articles that editors hid in this list, and all their versions.

        Args:
            overrides: The editors' pins and hides for this list; pins are ignored.
        """
        for override in overrides:
            if override.kind is OverrideKind.HIDE:
                self.leave_out(self._build.row(override.target_id))

    def admit_itself(self, row: int) -> bool:
        """Whether the list may show exactly this article, and not another version of it.

        If so, the article's story counts as shown from now on.

        Args:
            row: The article's row number in the build.
        """
        newest = self._newest[row]
        if newest in self._seen or not self.is_visible(row) or not self._has_language(row):
            return False
        self._seen.add(newest)
        return True

    def admit(self, candidate: int) -> int | None:
        """Chooses the version of an article that the list shows, and counts its story as shown.

        Args:
            candidate: The article's row number in the build.

        Returns:
            The row number of the chosen version; ``None`` if the list shows the story already, or
            no version of it may be shown.
        """
        newest: int = self._newest[candidate]
        if newest in self._seen:
            return None
        shown: int = self._standing[candidate]
        language_of = self._build.language_of
        if self._language and language_of[shown] != self._language:
            for row in self._build.members.numbers(self._build.story_of[candidate]):
                if self._visible[row] and language_of[row] == self._language:
                    shown = row
                    break
            else:
                if self._only_language:
                    return None
        self._seen.add(newest)
        return shown

    def fallbacks(self, choice: Fallback, tags: Callable[[], Sequence[int]]) -> Iterator[int]:
        """Yields the row numbers of articles that may be shown when related articles are too few.

        For fallbacks by tag, the articles that share the rarest tag come first, then those that
        share the next rarest, and so on. The newest articles of the site follow. All are in the
        language of the article or draft; if that is unknown, they are in any language.

        Args:
            choice: Which fallbacks the query asks for.
            tags: Returns the build's numbers of the tags of the article or draft.
        """
        build, language = self._build, self._language
        if language >= len(build.language_names):
            return
        pools: list[Iterable[int]] = [_newest(build, language)]
        if choice is Fallback.TAG:
            pools = [*sorted((build.tagged[tag] for tag in tags()), key=len), *pools]
        for pool in pools:
            for candidate in map(int, pool):  # one at a time, since a pool may hold a million rows
                # One that readers may not see is skipped, even if another version is visible.
                if self.is_visible(candidate) and language in (0, build.language_of[candidate]):
                    shown = self.admit(candidate)
                    if shown is not None:
                        yield shown

    def leave_out(self, row: int | None) -> None:
        """Excludes an article and all its versions.

        Args:
            row: The article's row number in the build; ``None`` changes nothing.
        """
        if row is not None:
            self._seen.add(self._newest[row])

    def _has_language(self, row: int) -> bool:
        return not self._only_language or self._build.language_of[row] == self._language


def _newest(build: Build, language: int) -> Iterable[int]:
    """Returns the row numbers of the articles in one language, newest first.

    Args:
        build: The build that holds the articles.
        language: The build's number of the language; 0 for all languages.
    """
    if language:
        return build.recent[language]
    pools = (map(int, build.recent[one]) for one in range(len(build.recent)))
    return heapq.merge(*pools, key=lambda row: (-build.recency(row), row))

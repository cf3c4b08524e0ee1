"""Decides which articles may be shown as related at the moment of the request.

Versions and translations of an article are one story, of which one article is shown: the newest
visible one in the language that the query asks for, or else in the language of the article or draft
that the reader has before them; of several equally new ones, the most related. If there is none in
that language, the newest in any language is shown, unless the query asks for a language. Those that
the query's filters leave out are never shown, and no older version takes their place.
"""

import heapq
import itertools
import unicodedata
from collections.abc import Callable, Container, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

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
        kin: The row numbers of all versions of the article whose list this is; the list must show
            none of them.
        now: The current time, in microseconds since 1970 UTC.
        query: The query, of which this class applies the language, the filters and the excluded
            articles.
        language: The language of the article or draft, by its number in the build; 0 if unknown.
    """

    def __init__(
        self, served: ServingView, kin: Sequence[int], now: int, query: RelatedQuery, language: int
    ) -> None:
        self._build = served.build
        self._visible, self._listed, self._newest, self._standing = served.showing(now)[2:6]
        self._only_language = query.language is not None
        if query.language is not None:
            language = self._build.language_number(query.language)
        self._language = language
        self._matching = matching_rows(self._build, query, now)
        self._matches = None if self._matching is None else self._matching.data
        self._forbidden: Container[int] = ()
        self._forbidden_tags: Container[int] = ()
        self._seen = {NO_ROW}  # NO_ROW stands for all stories of which no version is visible
        for row in kin:
            self._seen.add(self._newest[row])
        # The reader's page already shows these articles, so their other versions are excluded too.
        # One that readers may not see changes no list, or they could find out that there is one.
        for name in query.exclude:
            named = self._build.find(name)
            if named is not None and self._visible[named]:
                self.leave_out(named)

    def hide(self, overrides: Sequence[Override]) -> None:
        """Excludes the articles that editors hid in this list, and all their versions.

        Args:
            overrides: The editors' pins and hides for this list; pins are ignored.
        """
        for override in overrides:
            if override.kind is OverrideKind.HIDE:
                self.leave_out(self._build.row(override.target_id))

    def forbid(self, stories: Container[int], tags: Container[int] = ()) -> None:
        """Excludes the stories that rules hide, except those that the list shows already.

        Args:
            stories: The numbers of the stories in the build; a story is all versions of an article.
            tags: The tags of which they are all articles, by their numbers in the build.
        """
        self._forbidden, self._forbidden_tags = stories, tags

    def admit_itself(self, row: int) -> bool:
        """Whether the list may show exactly this article, and not another version of it.

        If so, the list may show no other version from now on.

        Args:
            row: The article's row number in the build.
        """
        newest = self._newest[row]
        if newest in self._seen or not self._visible[row]:
            return False
        if self._only_language and self._build.language_of[row] != self._language:
            return False
        if self._forbidden and self._build.story_of[row] in self._forbidden:
            return False
        if self._matches is not None and not self._matches[row]:
            return False
        self._seen.add(newest)
        return True

    def admit(self, candidate: int) -> int | None:
        """Chooses the version of an article that the list shows; later calls refuse all others.

        Args:
            candidate: The article's row number in the build.

        Returns:
            The row number of the chosen version; ``None`` if the list shows a version already, or
            may show none.
        """
        newest: int = self._newest[candidate]
        if newest in self._seen or (
            self._forbidden and self._build.story_of[candidate] in self._forbidden
        ):
            return None
        shown: int = self._standing[candidate]
        if shown == NO_ROW:
            return None
        language, matches = self._language, self._matches
        if (language and self._build.language_of[shown] != language) or (
            matches is not None and not matches[shown]
        ):
            other = self._other_member(shown)
            if other is None:
                return None
            shown = other
        self._seen.add(newest)
        return shown

    def _other_member(self, shown: int) -> int | None:
        """Returns the member of a story that the list shows if its newest one may not fit.

        Args:
            shown: The row number of that newest one.
        """
        build, language, matches = self._build, self._language, self._matches
        members = build.members.numbers(build.story_of[shown])
        members = [row for row in members if self._listed[row]] if self._listed[shown] else []
        own = [row for row in members if build.language_of[row] == language] if language else []
        for group in (own, [] if self._only_language else [shown, *members]):
            for row in group:
                newest = build.newer[row] == build.newer[group[0]]
                if newest and (matches is None or matches[row]):
                    return row
        return None

    def fallbacks(self, choice: Fallback, tags: Callable[[], Sequence[int]]) -> Iterator[int]:
        """Yields the row numbers of articles that may be shown when related articles are too few.

        For fallbacks by tag, the articles that share the rarest tag come first, then those that
        share the next rarest, and so on. The newest articles of the site follow. All are in the
        language of the article or draft; if that is unknown, they are in any language. Where the
        query's filters leave too few of them, those in other languages follow.

        Args:
            choice: Which fallbacks the query asks for.
            tags: Returns the tags of the article or draft, by their numbers in the build.
        """
        build, matching = self._build, self._matching
        languages = [self._language] if self._language < len(build.language_names) else []
        if matching is not None and self._language and not self._only_language:
            languages.append(0)
        for language in languages:
            pools = [_newest(build, language, matching)]
            if choice is Fallback.TAG:
                shown_tags = (tag for tag in tags() if tag not in self._forbidden_tags)
                tagged = [_among(build.tagged[tag], matching) for tag in shown_tags]
                pools = [*sorted(tagged, key=len), *pools]
            for candidate in map(int, itertools.chain.from_iterable(pools)):  # maybe a million rows
                # One that lists may not show is skipped, even if they may show another version.
                if self._listed[candidate] and language in (0, build.language_of[candidate]):
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


def matching_rows(build: Build, query: RelatedQuery, now: int) -> NDArray[np.bool_] | None:
    """Returns which articles of a build pass a query's filters: its tag, source and oldest date.

    Args:
        build: The build, of n articles.
        query: The query; its other options are ignored.
        now: The current time, in microseconds since 1970 UTC.

    Returns:
        Shape (n,), bool, by row number; ``None`` if the query has none of these filters.
    """
    if not query.is_filtered:
        return None
    matching = np.ones(build.count, dtype=np.bool_)
    if query.tag is not None:
        tag = build.tag_numbers.get(unicodedata.normalize("NFC", query.tag).casefold())
        matching[:] = False
        if tag is not None:
            matching[build.tagged[tag]] = True
    if query.source is not None:
        known = query.source in build.source_names
        matching &= build.sources == (build.source_names.index(query.source) if known else -1)
    if (first_day := query.first_day(now)) is not None:
        matching &= build.dates >= first_day
    return matching


def _among(rows: NDArray[np.int32], matching: NDArray[np.bool_] | None) -> NDArray[np.int32]:
    return rows if matching is None else rows[matching[rows]]


def _newest(build: Build, language: int, matching: NDArray[np.bool_] | None) -> Iterable[int]:
    """Returns the row numbers of the articles in one language, newest first.

    Args:
        build: The build that holds the articles.
        language: The build's number of the language; 0 for all languages.
        matching: Which articles may be returned; all if ``None``.
    """
    if language:
        return _among(build.recent[language], matching)
    pools = (map(int, _among(build.recent[one], matching)) for one in range(len(build.recent)))
    return heapq.merge(*pools, key=lambda row: (-build.recency(row), row))

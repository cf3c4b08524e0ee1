"""Finds fallbacks: articles that are shown when too few related articles are good enough."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence

from index.build.build import Build
from index.query import Fallback, RelatedQuery
from service.serving.guard import Guard


def fallback_rows(
    build: Build,
    guard: Guard,
    query: RelatedQuery,
    *,
    language: int,
    tags: Callable[[], Sequence[int]],
) -> Iterator[int]:
    """Yields the row numbers of articles that may be shown when related articles are too few.

    If the query asks for fallbacks by tag, the articles that share the rarest tag come first, then
    those that share the next rarest, and so on. The newest articles of the site follow. All are in
    the language of the article or draft.

    Args:
        build: The build that articles are taken from.
        guard: Decides which articles may be shown; it skips stories that are shown already.
        query: How many articles may be shown, and which.
        language: The build's number of the language of the article or draft whose list is filled; 0
            if its language is unknown, which allows any language.
        tags: Returns the build's numbers of the tags of that article or draft.
    """
    names = build.language_names
    if query.language is not None:
        language = names.index(query.language) if query.language in names else len(names)
    if language >= len(names):
        return
    pools: list[Iterable[int]] = [_newest(build, language)]
    if query.fallback is Fallback.TAG:
        pools = [*sorted((build.tagged[tag] for tag in tags()), key=len), *pools]
    for pool in pools:
        for candidate in map(int, pool):  # one at a time, since a pool may hold a million rows
            # An article that readers may not see is skipped, even if another version is visible.
            if guard.is_visible(candidate) and language in (0, build.language_of[candidate]):
                shown = guard.admit(candidate)
                if shown is not None:
                    yield shown


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

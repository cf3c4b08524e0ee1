"""Fallbacks: what fills a list when too few related articles are good enough."""

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
    """Articles of the same tags, rarest tag first, then the newest; all of the same language.

    Args:
        build: Where articles are taken from.
        guard: Admits each; a story that is shown already is passed over.
        query: What is asked for.
        language: Of the article or draft beside which they stand: its id in the build, 0 if
            unknown, for articles of any language.
        tags: Returns the ids of its tags.
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
        for candidate in map(int, pool):  # one by one: a pool may hold a million rows
            # One that is not visible yet is no news, though an older version of it may be shown.
            if guard.is_visible(candidate) and language in (0, build.language_of[candidate]):
                shown = guard.admit(candidate)
                if shown is not None:
                    yield shown


def _newest(build: Build, language: int) -> Iterable[int]:
    """A language's rows, or those of all for 0, the unknown one; newest first."""
    if language:
        return build.recent[language]
    pools = (map(int, build.recent[one]) for one in range(len(build.recent)))
    return heapq.merge(*pools, key=lambda row: (-build.recency(row), row))

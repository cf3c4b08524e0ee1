"""From a stored list to what a reader sees now: the guard, stories, pins, fallbacks.

Stored lists are deeper than anyone shows and hold articles that may not be visible yet, or no
longer. Here, and only here, a list becomes cards: visibility first, then what editors pinned and
hid, then the newest visible version of each story, once; then, if too few are good enough,
labelled fallbacks.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from index.build.build import Build
from index.build.explanations import phrases_json
from index.query import Fallback, Order, RelatedQuery, shown_score
from recommender.neighbors import NO_ROW
from recommender.shared_phrases import SharedPhrases, shared_phrases
from service.decisions.decision_state import Override
from service.serving.fallbacks import fallback_rows
from service.serving.guard import Guard
from service.serving.serving_view import ServingView


class Origin(enum.StrEnum):
    """Why an article is in a list."""

    RELATED = "related"
    PINNED = "pinned"
    FALLBACK = "fallback"


class SelectedItem(NamedTuple):
    """One article of a list; a tuple, as each request makes many.

    Attributes:
        row: Its row in the build.
        score: In [0, 1]; 0 for a fallback.
        origin: Why it is there.
        explained: Up to four phrases that it shares with the article asked about, as JSON
            strings with commas between.
    """

    row: int
    score: float
    origin: Origin
    explained: bytes

    @property
    def shared_terms(self) -> tuple[str, ...]:
        """The phrases that it shares with the article asked about."""
        return tuple(json.loads(b"[%b]" % self.explained))


class ListContext(NamedTuple):
    """What a list is shown beside: an article of the build, or a text that is in none.

    All numbers are plain ones, in lists or memory views: arrays are too slow to read one by one.
    What few requests need is a function.

    Attributes:
        rows: Related rows, best first; -1 at the end.
        scores: Their scores, in [0, 1].
        kin: Rows of its own story, which must not be shown beside it.
        language: The language's id in the build; one that no article has if the build lacks it.
        tags: Returns the ids of those of its tags that the build knows.
        explain: Returns what it shares with a row; see :attr:`SelectedItem.explained`.
        explained: The same for the first of ``rows``, where that is known.
        overrides: What editors decided for its list, pins by position, then hides.
    """

    rows: Sequence[int]
    scores: Sequence[float]
    kin: Sequence[int]
    language: int
    tags: Callable[[], Sequence[int]]
    explain: Callable[[int], bytes]
    explained: Sequence[bytes] = ()
    overrides: Sequence[Override] = ()


def select(served: ServingView, row: int, *, now: int, query: RelatedQuery) -> list[SelectedItem]:
    """The articles to show beside ``row`` at ``now``.

    Args:
        served: The build to read, under what editors decided.
        row: The article asked about; the caller has checked that it is visible.
        now: Microseconds since 1970 UTC.
        query: What is asked for.
    """
    build = served.build
    rows, scores = build.related(row)
    context = ListContext(
        rows=rows,
        scores=scores,
        kin=(row,),
        language=build.language_of[row],
        tags=lambda: build.tags.numbers(row),
        explain=explainer(build, build.phrases(row)),
        explained=build.explained(row),
        overrides=served.overrides(row, now),
    )
    return select_beside(served, context, now=now, query=query)


def explainer(build: Build, phrases: Sequence[int]) -> Callable[[int], bytes]:
    """A function that returns what a text with these phrases shares with a row, as JSON."""
    page = SharedPhrases(phrases, build.phrase_names)
    return lambda other: phrases_json(page.shared_with(build.phrases(other).tolist()))


def select_beside(
    served: ServingView, context: ListContext, *, now: int, query: RelatedQuery
) -> list[SelectedItem]:
    """The articles to show beside an article or a draft at ``now``.

    Pins that may be shown get their positions first. Hiding an article hides its story, so that no
    near-copy takes its place.
    """
    guard = Guard(served, context.kin, now, query)
    pinned = _pinned(served.build, context, guard, query.limit)
    guard.hide(context.overrides)
    wanted = query.limit - len(pinned)
    chosen = _related(context, guard, query, wanted)
    if len(chosen) < wanted and query.fallback is not Fallback.NONE:
        for shown in fallback_rows(
            served.build, guard, query, language=context.language, tags=context.tags
        ):
            chosen.append(SelectedItem(shown, 0.0, Origin.FALLBACK, b""))
            if len(chosen) == wanted:
                break
    if query.sort is Order.NEWEST:
        chosen.sort(key=lambda item: (-served.build.date_of[item.row], item.row))
    for position, item in pinned:
        chosen.insert(position - 1, item)  # in a short list: at its end
    return chosen


def shared_terms(build: Build, row: int, other: int) -> list[str]:
    """Up to four phrases that two rows share."""
    return shared_phrases(build.phrases(row), build.phrases(other).tolist(), build.phrase_names)


def _pinned(
    build: Build, context: ListContext, guard: Guard, limit: int
) -> list[tuple[int, SelectedItem]]:
    """Pins that may be shown, by position; a pin whose target may not be leaves no gap."""
    pinned: list[tuple[int, SelectedItem]] = []
    for override in context.overrides:
        if override.position is None or override.position > limit or len(pinned) == limit:
            continue
        target = build.row(override.target_id)
        if target is None or not guard.admit_itself(target):
            continue
        rows = list(context.rows)
        score = shown_score(context.scores[rows.index(target)]) if target in rows else 0.0
        item = SelectedItem(target, score, Origin.PINNED, context.explain(target))
        pinned.append((override.position, item))
    return pinned


def _related(
    context: ListContext, guard: Guard, query: RelatedQuery, wanted: int
) -> list[SelectedItem]:
    """The best that may be shown; nearly all the time of a request is spent here."""
    chosen: list[SelectedItem] = []
    admit, least, explained = guard.admit, query.min_score, context.explained
    known = len(explained)
    for place, (candidate, score) in enumerate(zip(context.rows, context.scores, strict=True)):
        if candidate == NO_ROW or len(chosen) == wanted:
            break
        score = shown_score(score)  # so that a limit means what is seen
        if score < least:
            continue  # not the end: a diversified list is not sorted by score
        shown = admit(candidate)
        if shown is not None:
            stored = place < known and shown == candidate
            shared = explained[place] if stored else context.explain(shown)
            chosen.append(SelectedItem(shown, score, Origin.RELATED, shared))
    return chosen

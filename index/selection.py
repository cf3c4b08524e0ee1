"""From a stored list to what a reader sees now: the serve-time guard, stories, pins, fallbacks.

Stored lists are deeper than anyone shows and hold articles that may not be visible yet, or no
longer. Here, and only here, a list becomes cards: visibility first, then what editors pinned and
hid, then the newest visible version of each story, once; then, if too few are good enough,
labelled fallbacks.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from index.build import Build
from index.served import Served
from index.state import Kind, Override
from recommender.neighbors import NO_ROW
from recommender.phrases import shared_phrases

MAX_LIMIT = 50
DEFAULT_LIMIT = 6


class Origin(enum.StrEnum):
    """Why an article is in a list."""

    RELATED = "related"
    PINNED = "pinned"
    FALLBACK = "fallback"


class Fallback(enum.StrEnum):
    """What fills a list when too few related articles are good enough."""

    NONE = "none"
    TAG = "tag"
    NEWEST = "newest"


class Order(enum.StrEnum):
    """In which order the chosen articles are shown."""

    RELEVANCE = "relevance"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one request asks for.

    Attributes:
        limit: Most articles to return, 1 to 50.
        exclude: Article ids that must not appear (the page shows them already).
        min_score: Related articles below this score are left out.
        fallback: ``tag`` fills up with articles of the same tags, then the newest of the
            same language; ``newest`` with the newest only; ``none`` leaves the list short.
        order: Order of the articles chosen; which are chosen does not depend on it.
        language: Only articles of this language; ``None`` for any.
    """

    limit: int = DEFAULT_LIMIT
    exclude: frozenset[str] = field(default_factory=frozenset)
    min_score: float = 0.0
    fallback: Fallback = Fallback.TAG
    order: Order = Order.RELEVANCE
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One article of a list.

    Attributes:
        row: Its row in the build.
        score: In [0, 1]; 0 for a fallback.
        origin: Why it is there.
        shared_terms: Up to four phrases that it shares with the article asked about.
    """

    row: int
    score: float
    origin: Origin
    shared_terms: tuple[str, ...]


def select(served: Served, row: int, *, now: int, wish: Wish) -> list[Chosen]:
    """The articles to show beside ``row`` at ``now``.

    Pins come first to their positions, if they may be shown; what is hidden here takes its
    story along, so that no near-copy steps into its place.

    Args:
        served: The build to read, under what editors decided.
        row: The article asked about; that it is visible itself is the caller's to check.
        now: Microseconds since 1970 UTC.
        wish: What is asked for.
    """
    overrides = served.overrides(row, now)
    guard = _Guard(served, row, now, wish)
    pinned = _pinned(served, row, guard, overrides, wish.limit)
    guard.hide(overrides)
    wanted = wish.limit - len(pinned)
    chosen: list[Chosen] = []
    for shown, score in _related(served.build, row, guard, wish):
        if len(chosen) >= wanted:
            break
        chosen.append(_choose(served.build, row, shown, score, Origin.RELATED))
    if len(chosen) < wanted and wish.fallback is not Fallback.NONE:
        for shown in _fallbacks(served.build, row, guard, wish):
            chosen.append(Chosen(row=shown, score=0.0, origin=Origin.FALLBACK, shared_terms=()))
            if len(chosen) == wanted:
                break
    if wish.order is Order.NEWEST:
        chosen.sort(key=lambda item: (-int(served.build.dates[item.row]), item.row))
    for position, item in pinned:
        chosen.insert(position - 1, item)  # in a short list: at its end
    return chosen


def shared_terms(build: Build, row: int, other: int) -> list[str]:
    """Up to four phrases that two rows share."""
    return shared_phrases(build.phrase_rows[row], build.phrase_rows[other], build.phrase_names)


def _choose(build: Build, row: int, shown: int, score: float, origin: Origin) -> Chosen:
    terms = tuple(shared_terms(build, row, shown))
    return Chosen(row=shown, score=score, origin=origin, shared_terms=terms)


class _Guard:
    """Decides which row, if any, may stand for a story, each story once."""

    def __init__(self, served: Served, row: int, now: int, wish: Wish) -> None:
        self._served = served
        self._build = build = served.build
        self._now = now
        self._seen = {int(build.stories[row])}
        self._language = wish.language
        excluded = (build.row(article_id) for article_id in wish.exclude)
        # A page that shows one version of a story already should not be given another.
        self._seen.update(int(build.stories[found]) for found in excluded if found is not None)

    def is_visible(self, row: int) -> bool:
        """Whether the row itself may be shown now."""
        return self._served.is_visible(row, self._now)

    def hide(self, overrides: list[Override]) -> None:
        """Keep the stories of what is hidden in this list out of it."""
        for override in overrides:
            if override.kind is Kind.HIDE:
                target = self._build.row(override.target_id)
                if target is not None:
                    self._seen.add(int(self._build.stories[target]))

    def admit_itself(self, row: int) -> bool:
        """Whether this very row may stand for its story, which then has been shown."""
        story = int(self._build.stories[row])
        if story in self._seen or not self.is_visible(row) or not self._speaks(row):
            return False
        self._seen.add(story)
        return True

    def admit(self, candidate: int) -> int | None:
        """The newest visible version of the candidate's story, if it has not been shown."""
        build = self._build
        story = int(build.stories[candidate])
        if story in self._seen:
            return None
        for member in build.members[story].tolist():
            if self.is_visible(member) and self._speaks(member):
                self._seen.add(story)
                return int(member)
        return None

    def _speaks(self, row: int) -> bool:
        if self._language is None:
            return True
        return self._build.language_names[int(self._build.languages[row])] == self._language


def _pinned(
    served: Served, row: int, guard: _Guard, overrides: list[Override], limit: int
) -> list[tuple[int, Chosen]]:
    """Pins that may be shown, by position; a pin whose target may not be leaves no gap."""
    build = served.build
    pinned: list[tuple[int, Chosen]] = []
    for override in overrides:
        if override.position is None or override.position > limit or len(pinned) == limit:
            continue
        target = build.row(override.target_id)
        if target is None or not guard.admit_itself(target):
            continue
        places = np.flatnonzero(build.related_rows[row] == target)
        score = round(float(build.related_scores[row, places[0]]), 4) if len(places) else 0.0
        item = _choose(build, row, target, score, Origin.PINNED)
        pinned.append((override.position, item))
    return pinned


def _related(build: Build, row: int, guard: _Guard, wish: Wish) -> Iterator[tuple[int, float]]:
    rows = build.related_rows[row].tolist()
    scores = build.related_scores[row].tolist()
    for candidate, score in zip(rows, scores, strict=True):
        if candidate == NO_ROW:
            return
        score = round(score, 4)  # as it is shown, so that a limit means what is seen
        if score < wish.min_score:
            continue  # not the end: a diversified list is not sorted by score
        shown = guard.admit(candidate)
        if shown is not None:
            yield shown, score


def _fallbacks(build: Build, row: int, guard: _Guard, wish: Wish) -> Iterator[int]:
    """Articles of the same tags, rarest tag first, then the newest of the same language."""
    language = int(build.languages[row])
    if wish.language in build.language_names:
        language = build.language_names.index(wish.language)
    pools = [build.recent[language]]
    if wish.fallback is Fallback.TAG:
        tagged = [build.tagged[tag] for tag in build.tags[row].tolist()]
        pools = [*sorted(tagged, key=len), *pools]
    for pool in pools:
        for candidate in map(int, pool):  # one by one: a pool may hold a million rows
            # One that is not visible yet is no news, though an older version of it may be shown.
            if guard.is_visible(candidate) and int(build.languages[candidate]) == language:
                shown = guard.admit(candidate)
                if shown is not None:
                    yield shown

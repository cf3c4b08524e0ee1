"""Selects the related articles that are shown now, from a longer list in the build.

The lists in a build may hold articles that readers may not see yet, or no longer. All selection
happens here: such articles are dropped, editors' pins and hides are applied, and of several
versions of an article only the newest visible one is shown, in the reader's language if there is
one. What the page itself names as related comes first, what its text links to last. If too few
articles are good enough, fallbacks (by tag, or the newest) fill the list.
"""

import enum
import json
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from index.build.build import Build
from index.build.explanations import phrases_json
from index.query import Fallback, Order, RelatedQuery, SkipLinked, shown_score
from recommender.neighbors import NO_ROW
from recommender.shared_phrases import SharedPhrases
from service.decisions.decision_state import Override
from service.serving.guard import Guard
from service.serving.serving_view import ServingView


class Origin(enum.StrEnum):
    """Why an article is in a list: it is related, pinned, named by the page, or fills the list."""

    RELATED = "related"
    PINNED = "pinned"
    SITE = "site"
    FALLBACK = "fallback"


ORIGIN_PHRASES: Mapping[str, str] = {
    Origin.RELATED: "related by its text",
    Origin.PINNED: "pinned by an editor",
    Origin.SITE: "named by the page itself",
    Origin.FALLBACK: "only to fill the list",
}
"""What people read for each origin, by its value."""


class SelectedItem(NamedTuple):
    """One article in a list of related articles; a tuple, because each request creates many.

    Attributes:
        row: The article's row number in the build.
        score: How related the article is, in [0, 1]; 0 for a fallback.
        origin: Why the article is in the list.
        explained: Up to four phrases that it shares with the article whose list it is in, as
            JSON strings separated by commas, such as ``b'"sea ice","glacier"'``.
    """

    row: int
    score: float
    origin: Origin
    explained: bytes

    @property
    def shared_terms(self) -> tuple[str, ...]:
        """The phrases in :attr:`explained`, as a tuple of texts."""
        return tuple(json.loads(b"[%b]" % self.explained))


class ListContext(NamedTuple):
    """What the articles in a list are selected from, for an article of the build or for a draft.

    All numbers are Python numbers in lists or memory views, because single elements of NumPy
    arrays are slow to read. Values that few requests need are functions.

    Attributes:
        rows: The row numbers of related articles in the build, best first; -1 marks the end.
        scores: The scores of ``rows``, in [0, 1].
        kin: The row numbers of all versions of the article or draft itself, which the list must
            not show.
        language: The language of the article or draft, by its number in the build; if no article of
            the build is in that language, a number that no language has.
        tags: A function that returns the tags of the article or draft, by their numbers in the
            build; tags that are not in the build are left out.
        explain: A function that takes a row number and returns the phrases shared with that
            article, as JSON strings separated by commas.
        explained: The phrases shared with the first of ``rows``, in the same form, as stored in
            the build.
        overrides: The editors' pins by position, then their hides, for this list.
        linked: The row numbers of the articles that the text of the article links to.
        named: The row numbers of the articles that its page names as related, in the page's order.
    """

    rows: Sequence[int]
    scores: Sequence[float]
    kin: Sequence[int]
    language: int
    tags: Callable[[], Sequence[int]]
    explain: Callable[[int], bytes]
    explained: Sequence[bytes] = ()
    overrides: Sequence[Override] = ()
    linked: Sequence[int] = ()
    named: Sequence[int] = ()


def select(served: ServingView, row: int, *, now: int, query: RelatedQuery) -> list[SelectedItem]:
    """Selects the related articles to show for an article of the build.

    Args:
        served: The build with the editors' decisions.
        row: The article's row number; the caller has checked that readers may see the article.
        now: The current time, in microseconds since 1970 UTC.
        query: How many articles may be shown, and which.
    """
    build = served.build
    best = _in_language(served, row, now, query.language)
    rows, scores = build.related(best)
    linked, named = build.page_links.editorial(row)
    context = ListContext(
        rows=rows,
        scores=scores,
        kin=(row,),
        language=build.language_of[row],
        tags=lambda: build.tags.numbers(row),
        explain=explainer(build, build.phrases(best)),
        explained=build.explained(best),
        overrides=served.overrides(row, now),
        linked=linked,
        named=named,
    )
    return select_beside(served, context, now=now, query=query)


def _in_language(served: ServingView, row: int, now: int, language: str | None) -> int:
    """Returns the article's visible translation in the language asked for, or else itself.

    What is related to the translation is told better by its own text.
    """
    build = served.build
    wanted = build.language_of[row] if language is None else build.language_number(language)
    if wanted != build.language_of[row]:
        visible = served.showing(now)[2]
        for member in build.members.numbers(build.story_of[row]):
            if visible[member] and build.language_of[member] == wanted:
                return int(member)
    return row


def explainer(build: Build, phrases: Sequence[int]) -> Callable[[int], bytes]:
    """Returns a function that says which phrases a text shares with an article of the build.

    That function takes the article's row number and returns the phrases as JSON strings separated
    by commas, such as ``b'"sea ice","glacier"'``.

    Args:
        build: The build that holds the articles.
        phrases: The phrases in the text, by their numbers in the build.
    """
    page = SharedPhrases(phrases, build.phrase_names)
    return lambda other: phrases_json(page.shared_with(build.phrases(other).tolist()))


def select_beside(
    served: ServingView, context: ListContext, *, now: int, query: RelatedQuery
) -> list[SelectedItem]:
    """Selects the related articles to show for an article of the build or for a draft.

    Pinned articles that may be shown get their positions first. Hiding an article hides all its
    versions, so that no near-duplicate takes its place. A pin or hide in this list overrides rules
    (for all lists, or those of a tag), and a rule that hides overrides one that pins. The articles
    that the page names as related take the first positions that are free.

    Args:
        served: The build with the editors' decisions.
        context: The candidates and what else is known about the article or draft.
        now: The current time, in microseconds since 1970 UTC.
        query: How many articles may be shown, and which.
    """
    guard = Guard(served, context.kin, now, query, context.language)
    pinned = _pinned(served.build, context, context.overrides, guard, query.limit)
    guard.hide(context.overrides)
    rules = served.rules(context.tags, now)
    guard.forbid(rules.hidden, rules.hidden_tags)
    if rules.pins:
        left = query.limit - len(pinned)
        ruled = _pinned(served.build, context, rules.pins, guard, query.limit)[:left]
        pinned = sorted([*ruled, *pinned], key=operator.itemgetter(0))
    wanted = query.limit - len(pinned)
    named = _named(context, guard, wanted) if context.named and query.site_pins else []
    wanted -= len(named)
    story_of = served.build.story_of
    linked: set[int] | None = None
    if context.linked and query.skip_linked is not SkipLinked.OFF:
        linked = {story_of[row] for row in context.linked}
        if query.skip_linked is SkipLinked.DROP:
            for row in context.linked:
                guard.leave_out(row)
    chosen = _related(context, guard, query, wanted, story_of, linked)
    if len(chosen) < wanted and query.fallback is not Fallback.NONE:
        for shown in guard.fallbacks(query.fallback, context.tags):
            chosen.append(SelectedItem(shown, 0.0, Origin.FALLBACK, b""))
            if len(chosen) == wanted:
                break
    if query.sort is Order.NEWEST:
        chosen.sort(key=lambda item: (-served.build.date_of[item.row], item.row))
    chosen[:0] = named
    for position, item in pinned:
        chosen.insert(position - 1, item)  # if the list is too short, this appends the item
    return chosen


def shared_terms(build: Build, row: int, other: int) -> list[str]:
    """Returns up to four phrases that two articles share.

    Args:
        build: The build that holds the articles.
        row: The row number of one article.
        other: The row number of the other.
    """
    page = SharedPhrases(build.phrases(row), build.phrase_names)
    return page.shared_with(build.phrases(other).tolist())


def _pinned(
    build: Build,
    context: ListContext,
    overrides: Sequence[Override],
    guard: Guard,
    limit: int,
) -> list[tuple[int, SelectedItem]]:
    """Returns the pinned articles that may be shown now, each with its position from 1.

    Other pins are left out; related articles then take their positions.
    """
    pinned: list[tuple[int, SelectedItem]] = []
    for override in overrides:
        if override.position is None or override.position > limit or len(pinned) == limit:
            continue
        target = build.row(override.target_id)
        if target is None or not guard.admit_itself(target):
            continue
        pinned.append((override.position, _chosen_by_hand(context, target, target, Origin.PINNED)))
    return pinned


def _named(context: ListContext, guard: Guard, wanted: int) -> list[SelectedItem]:
    """Selects the first articles that the page names as related and that may be shown."""
    named: list[SelectedItem] = []
    for target in context.named:
        if len(named) == wanted:
            break
        shown = guard.admit(target)
        if shown is not None:
            named.append(_chosen_by_hand(context, target, shown, Origin.SITE))
    return named


def _chosen_by_hand(context: ListContext, target: int, shown: int, origin: Origin) -> SelectedItem:
    rows = list(context.rows)
    place = rows.index(target) if target in rows else None
    score = 0.0 if place is None else shown_score(context.scores[place])
    return SelectedItem(shown, score, origin, context.explain(shown))


def _related(
    context: ListContext,
    guard: Guard,
    query: RelatedQuery,
    wanted: int,
    story_of: memoryview,
    linked: set[int] | None,
) -> list[SelectedItem]:
    """Selects the best related articles that may be shown, at most ``wanted``.

    A request spends nearly all its time here.

    Args:
        context: The candidates.
        guard: Decides which of them may be shown.
        query: The query, of which the least score is applied.
        wanted: Most articles to select.
        story_of: The story of each row.
        linked: The stories that stand after all others; ``None`` for none.
    """
    chosen: list[SelectedItem] = []
    later: list[tuple[int, float]] = []
    admit, least, explained = guard.admit, query.min_score, context.explained
    known = len(explained)
    for place, (candidate, score) in enumerate(zip(context.rows, context.scores, strict=True)):
        if candidate == NO_ROW or len(chosen) == wanted:
            break
        score = shown_score(score)  # rounded as clients see it, for the comparison with the minimum
        if score < least:
            continue  # better scores may follow: lists made more varied are not sorted by score
        if linked is not None and story_of[candidate] in linked:
            later.append((candidate, score))
            continue
        shown = admit(candidate)
        if shown is not None:
            stored = place < known and shown == candidate
            shared = explained[place] if stored else context.explain(shown)
            chosen.append(SelectedItem(shown, score, Origin.RELATED, shared))
    for candidate, score in later:
        if len(chosen) < wanted and (shown := admit(candidate)) is not None:
            chosen.append(SelectedItem(shown, score, Origin.RELATED, context.explain(shown)))
    return chosen

"""A preview of one article's list: what readers see, and why each other candidate is left out."""

import enum
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.link_graph import PageLinkKind
from index.files import Blob, load_array
from index.query import MAX_LIMIT, Fallback, Order, RelatedQuery, SkipLinked
from recommender.neighbors import NO_ROW
from recommender.rerank import RejectReason
from recommender.visibility import NEVER
from service.decisions.decision_state import Override, OverrideKind
from service.errors import importing
from service.serving.list_rules import rows_in
from service.serving.selection import SelectedItem, select, shared_terms
from service.serving.serving_view import ServingView, VisibilityStatus, visibility_status

MOST_INBOUND = 200
"""The largest number of lists that are looked through for one article."""

_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundLinks:
    """A link to an article from the list of another article.

    Attributes:
        row: The row number, in the build, of the article whose list shows the link.
        position: The position in that list, counted from 1.
    """

    row: int
    position: int


def stored_lists(build: Build, rows: Sequence[int]) -> list[list[int]]:
    """Finds the lists that the build stores with a version of each of some articles.

    All lists are read once, however many articles are asked for.

    Args:
        build: The build.
        rows: The articles' row numbers.

    Returns:
        For each article the row numbers of the lists, those first that have it near their top.
    """
    versions = [build.members[int(build.stories[row])] for row in rows]
    related, (count, depth) = build.related_rows, build.related_rows.shape
    wanted = np.zeros(count + 1, dtype=bool)  # the last one stands for -1, which is no row
    wanted[np.concatenate(versions)] = True
    found = np.concatenate(
        [
            at * depth
            + np.flatnonzero(np.take(wanted, related[at : at + _ROWS_AT_ONCE], mode="wrap"))
            for at in range(0, count, _ROWS_AT_ONCE)
        ]
    )
    lists, places = np.divmod(found, depth)
    near = np.argsort(places, kind="stable")
    lists, places = lists[near], places[near]
    held = related[lists, places]
    return [lists[np.isin(held, some)].tolist() for some in versions]


def inbound_links(
    served: ServingView,
    row: int,
    now: int,
    query: RelatedQuery,
    limit: int,
    lists: Sequence[int] | None = None,
) -> tuple[list[InboundLinks], bool]:
    """Finds the lists that show an article now: as related, pinned, or named by the list's page.

    Each list is selected as for a reader. Lists that show the article only as a fallback don't
    count, since a fallback does not mean that the articles are related.

    Args:
        served: A build with the editors' decisions.
        row: The article's row number in the build.
        now: The current time, in microseconds since 1970 UTC.
        query: What the site asks for by default: how many articles, and which.
        limit: The largest number of lists to return.
        lists: What :func:`stored_lists` found for the article; by default it is asked.

    Returns:
        The lists with the article's position in each, best positions first; and whether there may
        be more such lists.
    """
    build = served.build
    lists = stored_lists(build, [row])[0] if lists is None else lists
    naming = [other for other, kind in build.page_links.into(row) if kind is PageLinkKind.RELATED]
    candidates = dict.fromkeys([*_pinning(served, row), *naming, *lists])
    found: list[InboundLinks] = []
    for other in list(candidates)[:MOST_INBOUND]:
        if not served.is_visible(other, now):
            continue
        chosen = select(served, other, now=now, query=query)
        position = next((at for at, item in enumerate(chosen, 1) if item.row == row), None)
        if position is not None and chosen[position - 1].origin != "fallback":
            found.append(InboundLinks(row=other, position=position))
    found.sort(key=lambda link: (link.position, link.row))
    return found[:limit], len(candidates) > MOST_INBOUND or len(found) > limit


def _pinning(served: ServingView, row: int) -> list[int]:
    build, target = served.build, served.build.article_id(row)
    scopes = (
        article_id
        for article_id, overrides in served.state.overrides.items()
        if overrides[0].kind is OverrideKind.PIN  # an article's pins stand before its hides
        and any(override.target_id == target for override in overrides)
    )
    rows = itertools.chain.from_iterable(rows_in(build, scope) for scope in scopes)
    return [*itertools.islice(rows, MOST_INBOUND + 1)]


DEPTH = 30
"""How many of the related articles that the build stores for an article a preview shows."""

_INBOUND = 20


class LeftOut(enum.StrEnum):
    """Why a list of related articles does not show a candidate."""

    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    UNPUBLISHED = "unpublished"
    TAKEN_DOWN = "taken-down"
    HIDDEN_HERE = "hidden-here"
    HIDDEN_BY_RULE = "hidden-by-rule"
    OWN_STORY = "own-story"
    SAME_STORY = "same-story"
    BELOW_MINIMUM = "below-minimum"
    TOO_FAR = "too-far"
    LINKED = "linked"
    BEYOND_LIMIT = "beyond-limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An article that a list might show, and the reason if the list does not.

    Attributes:
        row: The candidate's row number in the build.
        score: How related it is, in [0, 1]; ``None`` for a candidate that was rejected when the
            build was made, since no score is stored then.
        shared_terms: Up to four phrases that both articles contain.
        sentence: Why the two are related.
        position: The position in the list, counted from 1; ``None`` if the list does not show it.
        left_out: Why the list does not show it; ``None`` if it does.
        same_as: If it is left out as ``same-story``, the row number of the version of the same
            article that the list shows instead; else ``None``.
        moment: If it is left out as ``scheduled`` or ``taken-down``, when readers can see it, in
            microseconds since 1970 UTC; else ``None``.
    """

    row: int
    score: float | None
    shared_terms: tuple[str, ...]
    sentence: str
    position: int | None = None
    left_out: LeftOut | None = None
    same_as: int | None = None
    moment: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A pin or hide in a list, and what is known about the article that is pinned or hidden.

    Attributes:
        override: The pin or hide.
        target: The visibility of the pinned or hidden article; ``None`` if the published build
            does not hold it.
        shown: Whether the list shows that article.
    """

    override: Override
    target: VisibilityStatus | None
    shown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The preview of one article's list at one moment.

    Attributes:
        chosen: The list exactly as the site gets it, or would get it if the article were visible.
        sentences: For each article of the list a sentence that says why it is related.
        candidates: The candidates that the build ranked, best first, then those that it rejected.
        overrides: The pins and hides in force that were made for this list, then those of rules.
        inbound: The other lists that show the article, with its position there.
        more_inbound: Whether more lists than these may show the article.
    """

    chosen: list[SelectedItem]
    sentences: list[str]
    candidates: list[Candidate]
    overrides: list[Pinned]
    inbound: list[InboundLinks]
    more_inbound: bool


def make_preview(served: ServingView, row: int, *, now: int, query: RelatedQuery) -> Preview:
    """Returns which articles one article's list shows, and why it leaves out other candidates.

    Args:
        served: A build with the editors' decisions.
        row: The article's row number in the build.
        now: The time of the preview, in microseconds since 1970 UTC.
        query: What the site asks for by default: how many articles, and which.
    """
    chosen = select(served, row, now=now, query=query)
    say_why = _teller(served.build)
    inbound, more = inbound_links(served, row, now, query, _INBOUND)
    return Preview(
        chosen=chosen,
        sentences=say_why(row, [item.row for item in chosen]),
        candidates=_Explanation(served, row, now, query, chosen).all(say_why),
        overrides=_overrides(served, row, now, chosen),
        inbound=inbound,
        more_inbound=more,
    )


_SayWhy = Callable[[int, Sequence[int]], list[str]]


def _teller(build: Build) -> _SayWhy:
    """Returns a function that says why articles are related to one, a sentence for each.

    Where only serving is installed, it says what the build holds of the first of each list, and
    nothing of others.
    """
    try:
        with importing("why links are there can't be read"):
            return build.sentences.among
    except ModuleNotFoundError:

        def stored(row: int, others: Sequence[int]) -> list[str]:
            held = json.loads(Blob(build.checked("sentences.bin"))[row])
            told = dict(zip(build.related(row)[0], held, strict=False))
            return [told.get(other, "") for other in others]

        build.checked("sentences_ends.npy")
        return stored


class _Explanation:
    """Finds the position of each candidate in a list, or the first reason why it is left out."""

    def __init__(
        self, view: ServingView, row: int, now: int, query: RelatedQuery, chosen: list[SelectedItem]
    ) -> None:
        self._served, self._row, self._now, self._query = view, row, now, query
        build = self._build = view.build
        self._positions = {item.row: at for at, item in enumerate(chosen, 1)}
        deep = replace(query, limit=MAX_LIMIT, fallback=Fallback.NONE, sort=Order.RELEVANCE)
        further = select(view, row, now=now, query=deep)
        # By story (all versions of an article), the row number of the version that the list shows,
        # or that a longer list would show.
        self._stands_for: dict[int, int] = {}
        for item in [*chosen, *further]:
            self._stands_for.setdefault(int(build.stories[item.row]), item.row)
        linked, _ = build.page_links.editorial(row)
        self._linked = {int(build.stories[other]) for other in linked}
        self._hidden = view.hidden_here(row, now)
        self._forbidden = view.rules_of(row, now).hidden

    def all(self, say_why: _SayWhy) -> list[Candidate]:
        build, row = self._build, self._row
        stored = build.related_rows[row, :DEPTH].tolist()
        scores = build.related_scores[row, :DEPTH].tolist()
        found: list[tuple[int, float | None, RejectReason | None]] = [
            (other, round(score, 4), None)
            for other, score in zip(stored, scores, strict=True)
            if other != NO_ROW
        ]
        found += [(other, None, why) for other, why in _rejected(build, row)]
        told = say_why(row, [other for other, _, _ in found])
        return [self._explain(*each, why) for each, why in zip(found, told, strict=True)]

    def _explain(
        self, other: int, score: float | None, rejected: RejectReason | None, sentence: str
    ) -> Candidate:
        candidate = Candidate(
            row=other,
            score=score,
            shared_terms=tuple(shared_terms(self._build, self._row, other)),
            sentence=sentence,
            position=self._positions.get(other),
        )
        if candidate.position is not None:
            return candidate
        left_out, moment = self._invisible(other)
        same_as = None
        if left_out is None:
            left_out, same_as = self._passed_over(other, score, rejected)
        return replace(candidate, left_out=left_out, moment=moment, same_as=same_as)

    def _invisible(self, other: int) -> tuple[LeftOut | None, int | None]:
        standing = visibility_status(self._served, other, self._now)
        if standing is VisibilityStatus.VISIBLE:
            return None, None
        moment = None
        if standing is VisibilityStatus.SCHEDULED:
            moment = int(self._build.visibility[other][0])
        elif standing is VisibilityStatus.TAKEN_DOWN:
            until = self._served.state.takedowns[self._build.article_id(other)]
            moment = None if until == NEVER else until
        return LeftOut(standing), moment

    def _passed_over(
        self, other: int, score: float | None, rejected: RejectReason | None
    ) -> tuple[LeftOut, int | None]:
        story = int(self._build.stories[other])
        if story == int(self._build.stories[self._row]):
            return LeftOut.OWN_STORY, None
        if story in self._hidden:
            return LeftOut.HIDDEN_HERE, None
        if story in self._forbidden:
            return LeftOut.HIDDEN_BY_RULE, None
        if rejected is RejectReason.TOO_FAR:
            return LeftOut.TOO_FAR, None
        if score is not None and score < self._query.min_score:
            return LeftOut.BELOW_MINIMUM, None
        stands = self._stands_for.get(story)
        if stands is not None and stands != other:
            return LeftOut.SAME_STORY, stands
        linked = story in self._linked and self._query.skip_linked is not SkipLinked.OFF
        return LeftOut.LINKED if linked else LeftOut.BEYOND_LIMIT, None


def _rejected(build: Build, row: int) -> list[tuple[int, RejectReason]]:
    """Returns the candidates that were rejected when the build was made, best first, and why.

    Args:
        build: The build.
        row: The row number of the article whose candidates these are.

    Returns:
        Pairs of a candidate's row number and the reason.
    """
    rows: NDArray[np.int32] = load_array(build.checked("rejected_rows.npy"))
    reasons: NDArray[np.uint8] = load_array(build.checked("rejected_reasons.npy"))
    return [
        (other, RejectReason(why))
        for other, why in zip(rows[row].tolist(), reasons[row].tolist(), strict=True)
        if other != NO_ROW
    ]


def _overrides(served: ServingView, row: int, now: int, chosen: list[SelectedItem]) -> list[Pinned]:
    seen = {item.row for item in chosen}
    found = []
    rules = served.rules_of(row, now)
    for override in (*served.overrides(row, now), *rules.pins, *rules.hides):
        target = served.build.row(override.target_id)
        found.append(
            Pinned(
                override=override,
                target=None if target is None else visibility_status(served, target, now),
                shown=target in seen,
            )
        )
    return found

"""The preview of one list: what readers see, the candidates, and why each is left out."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.files import load_array
from index.query import MAX_LIMIT, Fallback, Order, RelatedQuery
from recommender.neighbors import NO_ROW
from recommender.rerank import RejectReason
from recommender.visibility import NEVER
from service.curation.link_graph import InboundLinks, inbound_links
from service.decisions.decision_state import Override, OverrideKind
from service.serving.selection import SelectedItem, select, shared_terms
from service.serving.serving_view import ServingView
from service.serving.visibility_status import VisibilityStatus, visibility_status

DEPTH = 30
"""How many stored candidates a preview holds."""

_INBOUND = 20


class LeftOut(enum.StrEnum):
    """Why readers don't see a candidate of a list."""

    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    UNPUBLISHED = "unpublished"
    TAKEN_DOWN = "taken-down"
    HIDDEN_HERE = "hidden-here"
    OWN_STORY = "own-story"
    SAME_STORY = "same-story"
    BELOW_MINIMUM = "below-minimum"
    TOO_FAR = "too-far"
    BEYOND_LIMIT = "beyond-limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A candidate for a list.

    Attributes:
        row: The article.
        score: In [0, 1]; ``None`` for one that the build left out, as it keeps no score of those.
        shared_terms: Up to four phrases that the two share.
        position: Where readers see it, from 1; ``None`` if they don't.
        left_out: Why they don't; ``None`` if they do.
        same_as: The row that readers get for the story of both.
        moment: When one that is ``scheduled`` appears, or one ``taken-down`` returns,
            microseconds since 1970 UTC.
    """

    row: int
    score: float | None
    shared_terms: tuple[str, ...]
    position: int | None = None
    left_out: LeftOut | None = None
    same_as: int | None = None
    moment: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """An override of the list, and whether it has an effect.

    Attributes:
        override: The pin or hide.
        target: Whether readers see its target; ``None`` if the live build has no such article.
        shown: Whether the target is in the list.
    """

    override: Override
    target: VisibilityStatus | None
    shown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Everything about one list at one moment.

    Attributes:
        standing: Whether readers see the article; they get its list only while they do.
        chosen: The list exactly as the site gets it, or would get it.
        candidates: Those that the build ranked, best first, then those that it left out.
        overrides: The overrides of the list that are in force.
        inbound: The lists in which readers see the article.
        more_inbound: Whether there may be more such lists.
    """

    standing: VisibilityStatus
    chosen: list[SelectedItem]
    candidates: list[Candidate]
    overrides: list[Pinned]
    inbound: list[InboundLinks]
    more_inbound: bool


def make_preview(served: ServingView, row: int, *, now: int, query: RelatedQuery) -> Preview:
    """Explain one article's list.

    Args:
        served: A build under what editors decided.
        row: The article.
        now: Microseconds since 1970 UTC.
        query: What the site asks for by default.
    """
    chosen = select(served, row, now=now, query=query)
    inbound, more = inbound_links(served, row, now, query, _INBOUND)
    return Preview(
        standing=visibility_status(served, row, now),
        chosen=chosen,
        candidates=_Explanation(served, row, now, query, chosen).all(),
        overrides=_overrides(served, row, now, chosen),
        inbound=inbound,
        more_inbound=more,
    )


class _Explanation:
    """Says of each candidate where readers see it, or the first reason why they don't."""

    def __init__(
        self,
        served: ServingView,
        row: int,
        now: int,
        query: RelatedQuery,
        chosen: list[SelectedItem],
    ) -> None:
        self._served, self._row, self._now, self._query = served, row, now, query
        build = self._build = served.build
        self._positions = {item.row: at for at, item in enumerate(chosen, 1)}
        deep = replace(query, limit=MAX_LIMIT, fallback=Fallback.NONE, sort=Order.RELEVANCE)
        further = select(served, row, now=now, query=deep)
        # Who stands for each story: what is seen, then what would be if the list went on.
        self._stands_for: dict[int, int] = {}
        for item in [*chosen, *further]:
            self._stands_for.setdefault(int(build.stories[item.row]), item.row)
        hidden = (
            build.row(override.target_id)
            for override in served.overrides(row, now)
            if override.kind is OverrideKind.HIDE
        )
        self._hidden = {int(build.stories[found]) for found in hidden if found is not None}

    def all(self) -> list[Candidate]:
        build, row = self._build, self._row
        stored = build.related_rows[row, :DEPTH].tolist()
        scores = build.related_scores[row, :DEPTH].tolist()
        ranked = [
            self._explain(other, round(score, 4), None)
            for other, score in zip(stored, scores, strict=True)
            if other != NO_ROW
        ]
        return [*ranked, *(self._explain(other, None, why) for other, why in _rejected(build, row))]

    def _explain(self, other: int, score: float | None, rejected: RejectReason | None) -> Candidate:
        candidate = Candidate(
            row=other,
            score=score,
            shared_terms=tuple(shared_terms(self._build, self._row, other)),
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
        if rejected is RejectReason.TOO_FAR:
            return LeftOut.TOO_FAR, None
        if score is not None and score < self._query.min_score:
            return LeftOut.BELOW_MINIMUM, None
        stands = self._stands_for.get(story)
        if stands is not None and stands != other:
            return LeftOut.SAME_STORY, stands
        return LeftOut.BEYOND_LIMIT, None


def _rejected(build: Build, row: int) -> list[tuple[int, RejectReason]]:
    """What the build itself left out of a list, best first."""
    rows = cast("NDArray[np.int32]", load_array(build.checked("rejected_rows.npy")))
    reasons = cast("NDArray[np.uint8]", load_array(build.checked("rejected_reasons.npy")))
    return [
        (other, RejectReason(why))
        for other, why in zip(rows[row].tolist(), reasons[row].tolist(), strict=True)
        if other != NO_ROW
    ]


def _overrides(served: ServingView, row: int, now: int, chosen: list[SelectedItem]) -> list[Pinned]:
    seen = {item.row for item in chosen}
    found = []
    for override in served.overrides(row, now):
        target = served.build.row(override.target_id)
        found.append(
            Pinned(
                override=override,
                target=None if target is None else visibility_status(served, target, now),
                shown=target in seen,
            )
        )
    return found

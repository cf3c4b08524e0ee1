"""Search of the live build for editors: by words, by problems with links, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.search_index import split_words
from index.publishing.churn import compare
from index.query import DEFAULT_LIMIT, RelatedQuery
from index.root.root import Root
from recommender.errors import AlsoLikeError
from service.curation.link_graph import LinkGraph, count_link_graph
from service.curation.spelling import near_spellings
from service.decisions.decision_state import Overrides, differing
from service.serving.serving_view import ServingView
from service.serving.visibility_status import VisibilityStatus, visibility_masks

FEW = 20
"""With fewer hits than these, words of a similar spelling are searched too."""

_NAMED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What an editor searches for; every condition given must hold.

    Attributes:
        words: Beginnings of words in id, title or text; empty for all articles.
        standing: Only articles of this visibility.
        language: Only articles of this language; ``""`` for those of an unknown one.
        tag: Only articles with this tag.
        weak: Only visible articles whose best link scores too little to be shown.
        orphans: Only visible articles that are in nobody's shown list.
        overridden: Only articles in whose lists an editor pinned or hid something.
        changed: Only articles that the last build added, or whose shown list it changed.
    """

    words: str = ""
    standing: VisibilityStatus | None = None
    language: str | None = None
    tag: str | None = None
    weak: bool = False
    orphans: bool = False
    overridden: bool = False
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCounts:
    """How many of the hits each filter would keep.

    Attributes:
        standing: By name.
        weak: See :class:`SearchQuery`; so are the next two.
        orphans: …
        overridden: …
        changed: ``None`` if there is no earlier build to compare with.
        language: By name, the 100 commonest.
        tag: By name, the 100 commonest.
    """

    standing: Mapping[VisibilityStatus, int]
    weak: int
    orphans: int
    overridden: int
    changed: int | None
    language: Mapping[str, int]
    tag: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Hits.

    Attributes:
        rows: The hits of this page; with words the best first, else the newest.
        total: How many there are.
        near: Whether some of them hold only words of a similar spelling.
        counts: How many of all hits each filter would keep.
    """

    rows: list[int]
    total: int
    near: bool
    counts: SearchCounts


class ArticleSearch:
    """Searches the live build; caches the figures of its lists while they are valid.

    Args:
        root: Where the build before the live one is found.
        good_score: From which score on readers are shown an article.
        shown: How many articles of a list they see.
    """

    def __init__(self, root: Root, good_score: float, shown: int = DEFAULT_LIMIT) -> None:
        self._root = root
        self._good_score = good_score
        self._query = RelatedQuery(limit=shown, min_score=good_score)
        self._masks: tuple[tuple[str, str, int, int], dict[str, NDArray[np.bool_]]] | None = None
        self._links: tuple[str, NDArray[np.bool_], LinkGraph] | None = None
        self._changed: tuple[tuple[str, str], NDArray[np.bool_]] | None = None
        self._overridden: tuple[Build, Overrides, NDArray[np.bool_]] | None = None

    def find(
        self, served: ServingView, query: SearchQuery, *, now: int, limit: int, offset: int = 0
    ) -> SearchResult:
        """Search.

        Args:
            served: The live build under what editors decided.
            query: What to look for.
            now: Microseconds since 1970 UTC.
            limit: Most rows to return.
            offset: How many of the first to pass over.
        """
        build = served.build
        masks = self._measure(served, now)
        allowed = _allowed(build, query, masks)
        near = False
        if words := split_words(query.words):
            hits, near = _match(build, words)
            rows = np.array(hits, dtype=np.int64)
            rows = rows[allowed[rows]]
        else:
            rows = np.flatnonzero(allowed)
            rows = rows[np.argsort(-build.dates[rows].astype(np.int64), kind="stable")]
        return SearchResult(
            rows=rows[offset : offset + limit].tolist(),
            total=len(rows),
            near=near,
            counts=_count(build, rows, masks),
        )

    def _measure(self, served: ServingView, now: int) -> dict[str, NDArray[np.bool_]]:
        """A mask of rows for each filter; for ``changed`` only if there is an earlier build."""
        state = served.state
        key = (served.build.name, state.database, state.version, served.epoch(now))
        kept = self._masks
        if kept is None or kept[0] != key:
            by_standing = visibility_masks(served, now)
            visible = by_standing[VisibilityStatus.VISIBLE]
            links = self._count_links(served, visible)
            kept = (
                key,
                {
                    **{str(name): mask for name, mask in by_standing.items()},
                    "weak": visible & (links.best < self._good_score),
                    "orphans": visible & (links.inbound == 0),
                    "overridden": self._mark_overridden(served),
                },
            )
            self._masks = kept
        changed = self._since_the_last(served.build, now)
        return kept[1] if changed is None else {**kept[1], "changed": changed}

    def _count_links(self, served: ServingView, visible: NDArray[np.bool_]) -> LinkGraph:
        """The links of all lists, counted anew only if others may be seen: a pin changes none."""
        name, kept = served.build.name, self._links
        if kept is None or kept[0] != name or not np.array_equal(kept[1], visible):
            kept = self._links = name, visible, count_link_graph(served, visible)
        return kept[2]

    def _mark_overridden(self, served: ServingView) -> NDArray[np.bool_]:
        """The mask of rows with overrides; updates only those that may have changed."""
        build, overrides, kept = served.build, served.state.overrides, self._overridden
        decided = None
        if kept is not None and kept[0] is build:
            decided, mask = differing(overrides, kept[1]), kept[2].copy()
        if decided is None:
            decided, mask = set(overrides), np.zeros(build.count, dtype=bool)
        for article_id in decided:
            row = build.row(article_id)
            if row is not None:
                mask[row] = article_id in overrides
        self._overridden = build, overrides, mask
        return mask

    def _since_the_last(self, build: Build, now: int) -> NDArray[np.bool_] | None:
        """The mask of rows that the live build added, or whose shown list it changed."""
        try:
            pointer = self._root.current()
            if pointer is None or pointer.build != build.name or not pointer.before:
                return None
            before = pointer.before[0].build
            kept = self._changed
            if kept is None or kept[0] != (before, build.name):
                churn = compare(
                    self._root.open(before, verify=False), build, now=now, query=self._query
                )
                changed = np.zeros(build.count, dtype=bool)
                changed[churn.added] = True
                changed[churn.rows[churn.turned > 0]] = True
                kept = self._changed = (before, build.name), changed
            return kept[1]
        except AlsoLikeError:  # it was removed, or is damaged: there is nothing to compare with
            return None


def _allowed(
    build: Build, query: SearchQuery, masks: Mapping[str, NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    allowed = np.ones(build.count, dtype=bool)
    if query.standing is not None:
        allowed &= masks[query.standing]
    for name in ("weak", "orphans", "overridden", "changed"):
        if getattr(query, name):
            allowed &= masks.get(name, False)
    if query.language is not None:
        known = query.language in build.language_names
        language = build.language_names.index(query.language) if known else -1
        allowed &= build.languages == language
    if query.tag is not None:
        tagged = np.zeros(build.count, dtype=bool)
        if query.tag in build.tag_names:
            tagged[build.tagged[build.tag_names.index(query.tag)]] = True
        allowed &= tagged
    return allowed


def _match(build: Build, words: list[str]) -> tuple[list[int], bool]:
    """Rows that hold all words; if few do, also those that hold words of a similar spelling."""
    full_text, typed = build.full_text, [[word] for word in words]
    exact = full_text.holding(typed)
    if len(exact) < FEW:
        spellings = [[word, *near_spellings(full_text, word)] for word in words]
        wider = exact if spellings == typed else full_text.holding(spellings)
        if len(wider) > len(exact):
            known = set(exact)
            ranked = full_text.ranked(spellings, wider)
            return sorted(ranked, key=lambda row: row not in known), True
    return full_text.ranked(typed, exact), False


def _count(
    build: Build, rows: NDArray[np.int64], masks: Mapping[str, NDArray[np.bool_]]
) -> SearchCounts:
    hit = np.zeros(build.count, dtype=bool)
    hit[rows] = True

    def count(name: str) -> int:
        return int(np.count_nonzero(masks[name] & hit))

    languages = np.bincount(build.languages[hit], minlength=len(build.language_names))
    owners = np.repeat(np.arange(build.count), np.diff(build.tags.ends, prepend=0))
    tags = np.bincount(build.tags.values[hit[owners]], minlength=len(build.tag_names))
    return SearchCounts(
        standing={standing: count(standing) for standing in VisibilityStatus},
        weak=count("weak"),
        orphans=count("orphans"),
        overridden=count("overridden"),
        changed=count("changed") if "changed" in masks else None,
        language=_commonest(languages, build.language_names),
        tag=_commonest(tags, build.tag_names),
    )


def _commonest(counts: NDArray[np.int64], names: list[str]) -> dict[str, int]:
    order = np.argsort(-counts, kind="stable")[:_NAMED]
    return {names[at]: int(counts[at]) for at in order.tolist() if counts[at]}

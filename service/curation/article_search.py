"""Lets editors search the published build's articles.

They can search by words, visibility, tag and language, and for articles whose lists need attention.
"""

import enum
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.articles.card import read_card
from index.build.build import Build
from index.build.search_index import RANKED, FullText, split_words
from index.build.shown_lists import count_inbound, list_heads
from index.publishing.churn import compare
from index.query import RelatedQuery
from index.root.root import Root
from recommender.errors import AlsoLikeError
from service.decisions.decision_state import DecisionState
from service.decisions.list_scope import EVERY
from service.serving.list_rules import rows_in
from service.serving.serving_view import (
    ServingView,
    VisibilityStatus,
    visibility_masks,
    visibility_status,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRow:
    """One article in a list for editors, in the JSON API and on the editors' pages.

    Attributes:
        article_id: The site's own id of the article.
        title: The article's title.
        url: The article's URL on the site.
        date: The ISO date, if known; may be in the future.
        language: The BCP 47 language tag, if known.
        tags: The site's tags.
        standing: Whether readers see the article, and if not, why.
    """

    article_id: str
    title: str
    url: str
    date: str | None
    language: str | None
    tags: tuple[str, ...]
    standing: VisibilityStatus


def read_article_row(view: ServingView, row: int, now: int) -> ArticleRow:
    """Reads an article of the published build for a list that editors see.

    Args:
        view: The published build with the editors' decisions.
        row: The article's row number in the build.
        now: The time at which the article's visibility is judged, in microseconds since 1970 UTC.
    """
    build = view.build
    card = read_card(build.cards[row])
    return ArticleRow(
        article_id=card.article_id,
        title=card.title,
        url=card.url,
        date=card.date,
        language=build.language_names[int(build.languages[row])] or None,
        tags=tuple(build.tag_names[tag] for tag in build.tags[row].tolist()),
        standing=visibility_status(view, row, now),
    )


def find_article_row(view: ServingView, article_id: str, now: int) -> ArticleRow | None:
    """Reads an article by its id, as :func:`read_article_row` does; ``None`` if there is none."""
    row = view.build.row(article_id)
    return None if row is None else read_article_row(view, row, now)


def read_title(build: Build, article_id: str) -> str:
    """Returns an article's title; its id instead if the article is not in the build."""
    row = build.row(article_id)
    return article_id if row is None else read_card(build.cards[row]).title


FEW = 20
"""If a search finds fewer articles than this, it also finds those with similarly spelled words."""

MAX_QUERY = 200
"""The most characters of a search's words."""

_NAMED = 100


class SortOrder(enum.StrEnum):
    """The order of the articles that a search finds.

    Articles that readers don't see come last, unless the order is ``NEWEST``.
    """

    NEWEST = "newest"
    WEAKEST = "weakest"
    FEWEST_LISTS = "fewest-lists"
    MOST_LISTS = "most-lists"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """The conditions of a search for articles; a hit meets all conditions that are given.

    Attributes:
        words: Words, or beginnings of words, that the article's id, title or text contains, or its
            address; empty for all articles. The one with this id or address comes first.
        standing: Only articles with this visibility.
        language: Only articles in this language; ``""`` for articles of unknown language.
        tag: Only articles with this tag.
        weak: Only visible articles whose best related article scores too low to be shown.
        orphans: Only visible articles that are shown in no other article's list.
        overridden: Only articles in whose lists an editor has pinned or hidden an article, and
            those that are hidden in all lists.
        changed: Only articles that are new in the published build, or have another list than in
            the build that was published before.
        sort: The order of the hits; ``None`` for the best match first, or without words the newest.
    """

    words: str = ""
    standing: VisibilityStatus | None = None
    language: str | None = None
    tag: str | None = None
    weak: bool = False
    orphans: bool = False
    overridden: bool = False
    changed: bool = False
    sort: SortOrder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCounts:
    """How many of a search's hits would be left if the editor added one more condition.

    Attributes:
        standing: The number of hits with each visibility.
        weak: The number of hits whose best related article scores too low to be shown.
        orphans: The number of hits that are shown in no other article's list.
        overridden: The number of hits in whose lists an editor has pinned or hidden an article.
        changed: The number of hits that are new, or have another list than in the build that was
            published before; ``None`` if there is none to compare with.
        language: The number of hits for each of the 100 most frequent languages.
        tag: The number of hits for each of the 100 most frequent tags.
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
    """One page of the articles that a search found (the hits).

    Attributes:
        rows: The hits' row numbers in the build, in the order that the query asks for.
        total: The number of all hits, on all pages.
        near: Whether some hits lack a word of the query and contain a similarly spelled one.
        counts: For each filter that the search has not used yet, how many hits it would leave.
    """

    rows: list[int]
    total: int
    near: bool
    counts: SearchCounts


class LinkHealth(NamedTuple):
    """How good an article's own list is, and how many other lists show the article.

    Attributes:
        best: The score of the first article of its list, 0 to 1; ``-inf`` if the list is empty.
        lists: The number of other visible articles whose lists show the article.
    """

    best: float
    lists: int


class ArticleSearch:
    """Searches the articles of the published build.

    The rows of the articles that meet a condition (such as "weak" or "changed") are cached until
    another build is published, an editor decides something, or an article appears or disappears.
    The build itself is not kept, so that it is closed once another one replaces it.

    Args:
        root: The folder that holds the builds. The build that was published before is opened, too,
            to find the articles whose lists changed.
        query: The site's default query; an article counts as weak if no score in its list reaches
            ``query.min_score``.
    """

    def __init__(self, root: Root, query: RelatedQuery) -> None:
        self._root = root
        self._query = query
        self._newest: tuple[str, NDArray[np.int64]] | None = None
        self._masks: tuple[tuple[str, str, int, int], dict[str, NDArray[np.bool_]]] | None = None
        self._links: tuple[str, NDArray[np.bool_], tuple[NDArray[Any], NDArray[Any]]] | None = None
        self._changed: tuple[tuple[str, str], NDArray[np.bool_]] | None = None
        self._overridden: tuple[str, DecisionState, int, NDArray[np.bool_]] | None = None

    def find(
        self, served: ServingView, query: SearchQuery, *, now: int, limit: int, offset: int = 0
    ) -> SearchResult:
        """Finds the articles that meet the conditions of a query.

        Args:
            served: The published build with the editors' decisions.
            query: The conditions.
            now: The current time, in microseconds since 1970 UTC.
            limit: The largest number of articles to return.
            offset: The number of hits to skip, for later pages.
        """
        build = served.build
        masks = self._measure(served, now)
        allowed = _allowed(build, query, masks)
        near = False
        if words := split_words(query.words):
            rows, near = _match(build, words, self._newest_first(build))
            if (named := build.find(" ".join(words))) is not None:
                rows = np.concatenate([[named], rows[rows != named]])
        else:
            rows = self._newest_first(build)
        rows = rows[allowed[rows]]
        if query.sort is not None:
            rows = self._sort(build, rows, query.sort, masks[VisibilityStatus.VISIBLE])
        return SearchResult(
            rows=rows[offset : offset + limit].tolist(),
            total=len(rows),
            near=near,
            counts=_count(build, rows, masks),
        )

    def _sort(
        self, build: Build, rows: NDArray[np.int64], order: SortOrder, visible: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        newest = self._newest_first(build)
        rows = newest[np.isin(newest, rows)]
        if order is SortOrder.NEWEST:
            return rows
        best, inbound = self._count_links(build, visible)
        key = best if order is SortOrder.WEAKEST else inbound
        least = -key[rows] if order is SortOrder.MOST_LISTS else key[rows]
        return rows[np.lexsort((least, ~visible[rows]))]

    def _newest_first(self, build: Build) -> NDArray[np.int64]:
        """Returns all row numbers of a build, the newest article first; kept for a build."""
        kept = self._newest
        if kept is None or kept[0] != build.name:
            order = np.argsort(-build.dates.astype(np.int64), kind="stable")
            kept = self._newest = build.name, order
        return kept[1]

    def health(self, served: ServingView, rows: list[int], now: int) -> list[LinkHealth]:
        """Returns for each article how good its own list is, and how many lists show the article.

        The lists are those that the build stores, without editors' pins and hides.

        Args:
            served: The published build with the editors' decisions.
            rows: The articles' row numbers in the build.
            now: The current time, in microseconds since 1970 UTC.
        """
        visible = visibility_masks(served, now)[VisibilityStatus.VISIBLE]
        best, inbound = self._count_links(served.build, visible)
        return [LinkHealth(best=float(best[row]), lists=int(inbound[row])) for row in rows]

    def _measure(self, served: ServingView, now: int) -> dict[str, NDArray[np.bool_]]:
        """Finds out for each condition, such as ``"weak"``, which articles meet it.

        Returns:
            For each condition's name a bool array of shape (n,), indexed by row number. The
            condition ``changed`` is missing if there is no earlier build to compare with.
        """
        state = served.state
        key = (served.build.name, state.database, state.version, served.epoch(now))
        kept = self._masks
        if kept is None or kept[0] != key:
            by_standing = visibility_masks(served, now)
            visible = by_standing[VisibilityStatus.VISIBLE]
            best, inbound = self._count_links(served.build, visible)
            kept = (
                key,
                {
                    **{str(name): mask for name, mask in by_standing.items()},
                    "weak": visible & (best < self._query.min_score),
                    "orphans": visible & (inbound == 0),
                    "overridden": self._mark_overridden(served, now),
                },
            )
            self._masks = kept
        changed = self._since_the_last(served.build, now)
        return kept[1] if changed is None else {**kept[1], "changed": changed}

    def _count_links(
        self, build: Build, visible: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Counts how many lists show each article; cached until the build or a visibility changes.

        Pins and hides are left out.

        Args:
            build: The published build.
            visible: Which articles readers may see, a bool array of shape (n,).

        Returns:
            Two arrays of shape (n,), indexed by row number: the best score in each article's list,
            ``-inf`` if it is empty; and in how many visible articles' lists each is shown.
        """
        kept = self._links
        if kept is None or kept[0] != build.name or not np.array_equal(kept[1], visible):
            heads, best = list_heads(build, visible)
            kept = self._links = build.name, visible, (best, count_inbound(heads, visible))
        return kept[2]

    def _mark_overridden(self, served: ServingView, now: int) -> NDArray[np.bool_]:
        """Finds the articles in whose lists pins or hides are in force, and those hidden in all.

        If one decision follows another, only the articles that it is about are looked up.

        Returns:
            A bool array of shape (n,), indexed by row number.
        """
        build, state, kept = served.build, served.state, self._overridden
        changes, mask = None, np.zeros(build.count, dtype=bool)
        if kept is not None and kept[0] == build.name:
            before, at = np.searchsorted(state.instants, [kept[2], now], side="right")
            if before == at:  # nothing has begun or ended since
                changes = state.changes_since(kept[1])
        if kept is not None and changes is not None:
            mask = kept[3].copy()
        for article_id in state.overrides if changes is None else changes.overrides:
            row = build.row(article_id)
            if row is not None:
                mask[row] = bool(served.overrides(row, now))
        self._overridden = build.name, state, now, mask
        hidden = [
            each.target_id
            for each in state.overrides.get(EVERY, ())
            if each.kind == "hide" and each.holds(now)
        ]
        if hidden:
            mask = mask.copy()
            mask[[row for target in hidden for row in rows_in(build, target)]] = True
        return mask

    def _since_the_last(self, build: Build, now: int) -> NDArray[np.bool_] | None:
        """Finds the articles that are new, or whose lists differ from the build published before.

        Returns:
            A bool array of shape (n,), indexed by row number; ``None`` if there is no earlier build
            or it can't be read.
        """
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
        except AlsoLikeError:  # the earlier build was removed or is damaged
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
        allowed &= build.languages == build.language_number(query.language)
    if query.tag is not None:
        tagged = np.zeros(build.count, dtype=bool)
        number = build.tag_numbers.get(unicodedata.normalize("NFC", query.tag).casefold())
        if number is not None:
            tagged[build.tagged[number]] = True
        allowed &= tagged
    return allowed


def _match(
    build: Build, words: list[str], newest_first: NDArray[np.int64]
) -> tuple[NDArray[np.int64], bool]:
    """Finds the articles that contain all words, best first.

    If there are fewer than :data:`FEW`, articles with similarly spelled words follow. If there are
    too many to rank, they are in the order of ``newest_first``, the build's row numbers.

    Returns:
        The row numbers of the articles, and whether similarly spelled words were used.
    """
    full_text, typed = build.full_text, [[word] for word in words]
    exact = full_text.holding(typed)
    if len(exact) > RANKED:
        exact = newest_first[np.isin(newest_first, exact)]
    if len(exact) < FEW:
        shortest = SHORTEST if len(exact) else SHORTEST - 1
        spellings = [[word, *near_spellings(full_text, word, shortest)] for word in words]
        wider = exact if spellings == typed else full_text.holding(spellings)
        if len(wider) > len(exact):
            ranked = full_text.ranked(spellings, wider)
            return ranked[np.argsort(~np.isin(ranked, exact), kind="stable")], True
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


SHORTEST = 5
"""The fewest letters of a word that is corrected; shorter words resemble too many others.

One letter less is enough where nothing has the word as it was typed.
"""

_MOST = 20
_LAST = "\U0010ffff"
_LATIN = 0x250
"""Code points below this are taken for Latin letters, with or without diacritics."""
_ALPHABET = 0x80
"""The largest distance between the code points of two letters of an alphabet other than Latin."""


def near_spellings(full_text: FullText, word: str, shortest: int = SHORTEST) -> list[str]:
    """Returns beginnings of words in the build that differ from ``word`` by one typing error.

    A typing error is one letter that is wrong, missing, extra, or swapped with the next. Instead of
    comparing all words, the search tries for each beginning of ``word`` which letters follow that
    beginning in the vocabulary. So the search works for every alphabet, and takes one or two
    hundred look-ups for any size of build. Letters far outside the word's own alphabet are skipped,
    since they are unlikely typing errors. A result that begins with an earlier result is omitted.

    Args:
        full_text: The full-text index of the build.
        word: The word as typed.
        shortest: The fewest letters of a word that is corrected; for others the result is empty.
    """
    word = fold(word)
    if len(word) < shortest or not word.isalnum():
        return []
    near: list[str] = []
    for at in reversed(range(len(word))):  # from the end, as errors are rarer at the beginning
        for spelling in _wrong_at(full_text, word, at):
            if spelling != word and not any(map(spelling.startswith, near)):
                near.append(spelling)
            if len(near) == _MOST:
                return near
    return near


def fold(word: str) -> str:
    """Returns a word as the full-text index stores it: in lower case, without diacritics."""
    parts = unicodedata.normalize("NFD", word.lower())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _wrong_at(full_text: FullText, word: str, at: int) -> Iterator[str]:
    """Yields beginnings of words in the index that differ from a word by one typing error.

    Args:
        full_text: The full-text index of the build.
        word: The word as typed, in lower case and without diacritics.
        at: The position of the wrong letter in ``word``, from 0.
    """
    before, after = word[:at], word[at:]
    swapped = [after[1] + after[0] + after[2:]] if len(after) > 1 else []
    for rest in (after[1:], *swapped):
        found = full_text.first_word(before + rest)
        if found is not None and found.startswith(before + rest):
            yield before + rest
    if not after[1:]:
        return  # words with another last letter begin with ``before``, which is yielded above
    # A look-up returns the first word from a spelling on. That word often comes after further
    # spellings too, which then need no look-up of their own.
    found = full_text.first_word(before + "\1")
    last = before + chr(max(_LATIN, ord(max(word)) + _ALPHABET))
    while found is not None and found.startswith(before) and found < last:
        begun = found[: at + 1]
        for spelling in sorted((begun + after[1:], begun + after)):
            if found is not None and found < spelling:
                found = full_text.first_word(spelling)
            if found is not None and found.startswith(spelling):
                yield spelling
        if found is not None and found.startswith(begun):
            found = full_text.first_word(begun + _LAST)

"""Stories: an article with its near-duplicates, other addresses, versions and translations.

A reader should see a story once, in its newest visible version. Which version that is depends on
the time, so a build only stores which rows belong together and in which order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recommender.neighbors import Neighbors
from recommender.text import PreparedText

_COSINE = 0.9
_CONTAINMENT = 0.75
_SHINGLE = 3
_MIN_SHINGLES = 8
_CANDIDATES = 8
_CHUNK = 65_536

ClosePairs = NDArray[np.int32]
"""Pairs of rows that are close by embedding: shape (m, 4), in ascending order of the pairs. The
columns are the lower row; the higher one; 1 if the higher row is among the nearest of the lower, 2
if the lower is among those of the higher, 3 for both; and whether their texts are near-duplicates:
1, 0, or -1 if that was not looked at."""


class StoryTexts(Protocol):
    """A collection of prepared texts, read by row."""

    def __getitem__(self, row: int, /) -> PreparedText:
        """Return the text of one row."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stories:
    """The stories of a corpus: groups of near-duplicates, versions and translations of a page.

    Attributes:
        of: Shape (n,), int32: the story of each row; stories are numbered in the order of their
            lowest rows.
        members: Shape (n,), int32: rows grouped by story, newest version first.
        ends: Shape (stories,), int64: the position in ``members`` at which each story ends.
        newer: Shape (n,), int32: how many steps each row is older than the newest of its story; 0
            for the newest. Members that are equally new are on one step.
        apart: Rows that share a translation key with another page of the same language, so that
            the key joins neither.
    """

    of: NDArray[np.int32]
    members: NDArray[np.int32]
    ends: NDArray[np.int64]
    newer: NDArray[np.int32]
    apart: Sequence[int] = ()


def find_stories(
    close: ClosePairs,
    texts: StoryTexts,
    superseded: Mapping[int, int],
    dates: NDArray[np.int32],
    *,
    languages: NDArray[np.int32],
    translation_keys: NDArray[np.int64] | None = None,
    pages: NDArray[np.int64] | None = None,
    versions: NDArray[np.int64] | None = None,
) -> Stories:
    """Group near-duplicates, versions and translations of the same article into stories.

    Two rows are near-duplicates when their embeddings are close (cosine ≥ 0.9) and 75 % of
    the shorter text's three-word shingles are in the longer one (containment: A. Broder, "On
    the resemblance and containment of documents", 1997). Texts of fewer than eight shingles
    must be equal, so that short teasers are not taken for copies of each other. Rows in two known
    languages are never near-duplicates.

    Rows with the same translation key are one story, but a key never joins two pages of the same
    language, nor two of unknown language: such pages keep the stories that they have without it.

    Args:
        close: The pairs of rows with close embeddings. Whether their texts are near-duplicates is
            written into them.
        texts: Texts without boilerplate, so that a shared footer does not make duplicates.
        superseded: Maps the row of a newer version to the row of the version it replaces.
        dates: Shape (n,), int32: days since 1970. If ``superseded`` does not say which of two rows
            is newer, the one with the later date is.
        languages: Shape (n,), int32: language ids; 0 if unknown.
        translation_keys: Shape (n,), int64: the same number for all translations of a page; 0 for
            a page without key.
        pages: Shape (n,), int64: the same number for rows that are one page of the site, which are
            one story whatever they say.
        versions: Shape (n,), int64: of rows of one story and date, the one with the higher number
            is newer (:func:`recommender.versions.version_number`).
    """
    count = len(dates)
    parent = _lowest_joined(close[close[:, 3] == 1], count)

    def root_of(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    def join(one: int, other: int) -> None:
        low, high = sorted((root_of(one), root_of(other)))
        parent[high] = low

    for pair in np.flatnonzero(close[:, 3] < 0).tolist():
        one, other = close[pair, :2].tolist()
        foreign = languages[one] != languages[other] and languages[one] and languages[other]
        if not foreign and root_of(one) == root_of(other):
            continue
        close[pair, 3] = not foreign and is_near_duplicate(texts[one], texts[other])
        if close[pair, 3]:
            join(one, other)
    for one, other in [*superseded.items(), *_same_pages(pages)]:
        join(one, other)
    apart: list[int] = []
    if translation_keys is not None:
        apart = _join_translations(translation_keys, languages, root_of, join)
    roots = parent
    while not np.array_equal(roots, parent[roots]):
        roots = parent[roots]
    _, of = np.unique(roots, return_inverse=True)
    version = np.zeros(count, dtype=np.int64) if versions is None else versions
    return _by_age(of, superseded, dates, version, apart)


def _lowest_joined(pairs: ClosePairs, count: int) -> NDArray[np.int64]:
    """Return for each row the lowest of those that pairs join it with, over however many pairs."""
    if not len(pairs):
        return np.arange(count)
    # Loaded only here, since it takes a tenth of a second.
    from scipy.sparse.csgraph import connected_components

    graph = sp.coo_matrix((pairs[:, 3], (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, group = connected_components(graph, directed=False)
    _, lowest = np.unique(group, return_index=True)
    joined: NDArray[np.int64] = lowest[group]
    return joined


def _by_age(
    of: NDArray[np.intp],
    superseded: Mapping[int, int],
    dates: NDArray[np.int32],
    version: NDArray[np.int64],
    apart: Sequence[int],
) -> Stories:
    count = len(of)
    generation = _generations(superseded, count)
    days = dates.astype(np.int64)
    members = np.lexsort((np.arange(count), -version, -days, -generation, of))
    ends = np.cumsum(np.bincount(of)).astype(np.int64)
    ages = np.stack([of, generation, days, version])[:, members]
    steps = np.cumsum(np.append(False, (ages[:, 1:] != ages[:, :-1]).any(axis=0))[: len(of)])
    newer = np.empty(count, dtype=np.int32)
    newer[members] = steps - steps[np.concatenate([[0], ends[:-1]]).astype(np.int64)][of[members]]
    return Stories(
        of=of.astype(np.int32),
        members=members.astype(np.int32),
        ends=ends,
        newer=newer,
        apart=apart,
    )


def _same_pages(pages: NDArray[np.int64] | None) -> list[tuple[int, int]]:
    """Return pairs of rows that connect all rows of each page."""
    if pages is None:
        return []
    order = np.argsort(pages, kind="stable")
    same = np.flatnonzero(pages[order[1:]] == pages[order[:-1]])
    return list(zip(order[same].tolist(), order[same + 1].tolist(), strict=True))


def _join_translations(
    keys: NDArray[np.int64],
    languages: NDArray[np.int32],
    root_of: Callable[[int], int],
    join: Callable[[int, int], None],
) -> list[int]:
    """Join the stories of each key's rows, except those with a language in common.

    Returns:
        The rows whose story has a language in common with another story of the same key.
    """
    _, group_of, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    groups: dict[int, list[int]] = {}
    for row in np.flatnonzero((keys != 0) & (sizes[group_of] > 1)).tolist():
        groups.setdefault(int(keys[row]), []).append(row)
    if not groups:
        return []
    spoken = dict.fromkeys((root_of(row) for rows in groups.values() for row in rows), 0)
    for row, language in enumerate(languages.tolist()):
        root = root_of(row)
        if root in spoken:
            spoken[root] |= 1 << language  # a set of languages, as bits
    apart: list[int] = []
    for rows in groups.values():
        roots = dict.fromkeys(map(root_of, rows))
        once = twice = 0
        for root in roots:
            twice |= once & spoken[root]
            once |= spoken[root]
        joined: int | None = None
        for root in roots:
            if spoken[root] & twice:
                apart += [row for row in rows if root_of(row) == root]
            elif joined is None:
                joined = root
            else:
                join(joined, root)
                together = spoken[joined] | spoken[root]
                joined = root_of(root)
                spoken[joined] = together
    return sorted(set(apart))


def is_near_duplicate(one: PreparedText, other: PreparedText) -> bool:
    """Return whether most of the shorter text is contained in the longer one, word for word."""
    first, second = _shingles(one), _shingles(other)
    if min(len(first), len(second)) < _MIN_SHINGLES:
        return one.whole.casefold() == other.whole.casefold()
    return len(first & second) >= _CONTAINMENT * min(len(first), len(second))


def _shingles(text: PreparedText) -> set[int]:
    words = (text.body or text.title).casefold().split()
    return {
        hash(tuple(words[position : position + _SHINGLE]))
        for position in range(len(words) - _SHINGLE + 1)
    }


def close_pairs(nearest: Neighbors, rows: NDArray[np.integer]) -> ClosePairs:
    """Return the pairs of rows whose embeddings are so close that they may be near-duplicates.

    Args:
        nearest: The nearest rows of each of ``rows``, with or without the row itself.
        rows: The rows that are compared with their nearest rows.
    """
    found = [np.empty((0, 4), dtype=np.int32)]
    for start in range(0, len(rows), _CHUNK):
        here = slice(start, start + _CHUNK)
        others, scores = nearest.rows[here, :_CANDIDATES], nearest.scores[here, :_CANDIDATES]
        place, position = np.nonzero((scores >= _COSINE) & (others >= 0))
        one, other = rows[here][place], others[place, position]
        sides = np.where(one < other, 1, 2)
        pairs = np.stack([np.minimum(one, other), np.maximum(one, other), sides, -np.sign(sides)])
        found.append(pairs.T[one != other].astype(np.int32))
    return join_pairs(found)


def join_pairs(parts: Sequence[ClosePairs]) -> ClosePairs:
    """Join lists of close pairs; each pair is kept once, with all that any list says of it."""
    pairs = np.concatenate(parts)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    changes = (pairs[1:, :2] != pairs[:-1, :2]).any(axis=1)
    first = np.flatnonzero(np.concatenate([np.ones(len(pairs[:1]), dtype=bool), changes]))
    joined = pairs[first]
    joined[:, 2] = np.bitwise_or.reduceat(pairs[:, 2], first)
    joined[:, 3] = np.maximum.reduceat(pairs[:, 3], first)
    return joined[joined[:, 2] > 0]


def _generations(superseded: Mapping[int, int], count: int) -> NDArray[np.int64]:
    """Count the older versions of each row; shape (count,), int64.

    If versions replace each other in a cycle, each other row of the cycle counts once.
    """
    generation = np.zeros(count, dtype=np.int64)
    for newer in superseded:
        seen = {newer}
        row = newer
        while row in superseded and superseded[row] not in seen:
            row = superseded[row]
            seen.add(row)
        generation[newer] = len(seen) - 1
    return generation

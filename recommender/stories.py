"""Stories: an article with its near-duplicates, other addresses, versions and translations.

A reader should see a story once, in its newest visible version. Which version that is depends on
the time, so a build only stores which rows belong together and in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.neighbors import Neighbors
from recommender.text import PreparedText

_COSINE = 0.9
_CONTAINMENT = 0.75
_SHINGLE = 3
_MIN_SHINGLES = 8
_CANDIDATES = 8
_CHUNK = 65_536


class StoryTexts(Protocol):
    """A collection of prepared texts, read by row."""

    def __getitem__(self, row: int, /) -> PreparedText:
        """Return the text of one row."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stories:
    """The stories of a corpus: which rows belong together.

    Attributes:
        of: Shape (n,), int32: the story of each row; stories are numbered in the order of their
            lowest rows.
        members: Shape (n,), int32: rows grouped by story, newest version first.
        ends: Shape (stories,), int64: the position in ``members`` at which each story ends.
        newer: Shape (n,), int32: how many different ages of newer members each row's story has; 0
            for a row that nothing is newer than.
        apart: Rows that share a translation key with another page of the same language, so that
            the key joins neither.
    """

    of: NDArray[np.int32]
    members: NDArray[np.int32]
    ends: NDArray[np.int64]
    newer: NDArray[np.int32]
    apart: Sequence[int] = ()


def find_stories(
    neighbors: Neighbors,
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
        neighbors: Each row's nearest rows, with or without itself.
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
    parent = np.arange(count)

    def root_of(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    def join(one: int, other: int) -> None:
        low, high = sorted((root_of(one), root_of(other)))
        parent[high] = low

    for one, other in _close_pairs(neighbors):
        if languages[one] != languages[other] and languages[one] and languages[other]:
            continue
        if root_of(one) != root_of(other) and is_near_duplicate(texts[one], texts[other]):
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
    generation = _generations(superseded, count)
    version = np.zeros(count, dtype=np.int64) if versions is None else versions
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


def _close_pairs(neighbors: Neighbors) -> list[tuple[int, int]]:
    """Return the distinct pairs of close rows, ascending, the lower row of each pair first."""
    found: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    count = len(neighbors.rows)
    for start in range(0, count, _CHUNK):
        rows = neighbors.rows[start : start + _CHUNK, :_CANDIDATES]
        scores = neighbors.scores[start : start + _CHUNK, :_CANDIDATES]
        left, position = np.nonzero((scores >= _COSINE) & (rows >= 0))
        right = rows[left, position].astype(np.int64)
        left += start
        keys = np.minimum(left, right) * count + np.maximum(left, right)
        found.append(np.unique(keys[left != right]))
    first, second = np.divmod(np.unique(np.concatenate(found)), max(count, 1))
    return list(zip(first.tolist(), second.tolist(), strict=True))


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

"""Finds out in which build each list of related articles last changed, by comparing digests.

Most lists are the same in a small build as in the one before. An answer names the build in which
its list last changed, so that its bytes, its ``ETag`` and the kept answer stay the same until then.
"""

import calendar
import functools
import time
from collections.abc import Iterable
from hashlib import blake2b
from typing import cast

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.explanations import SHARED, split_explained
from index.build.link_graph import EDITORIAL, PageLinkKind
from index.build.ragged import Ragged
from index.files import Blob, load_array, save_array
from index.query import shown_scores
from recommender.neighbors import NO_ROW
from recommender.parameters import SHOWN
from recommender.visibility import NEVER

WIDTHS = (SHOWN, 2 * SHOWN, 4 * SHOWN)
"""A change far down a list does not concern an answer that shows its first articles. So for each
list there is a date of its beginnings of these lengths, and then one of the whole."""

WHOLE = len(WIDTHS)
CARD = WHOLE + 1
"""The columns of ``listed_in.npy`` with the dates of the whole list and of the article itself."""

_LISTED = "listed_in.npy"
_DIGESTS = "list_digests.npy"
_CHUNK = 1_024
_SEED = np.uint64(0x9E3779B97F4A7C15)
_TIME = "%Y%m%dT%H%M%SZ"

Digests = NDArray[np.uint64]


def build_date(name: str) -> int:
    """Convert a build's name to a number that orders builds: units of 2**-24 s since 1970."""
    moment, _, fraction = name.partition("-")
    return (calendar.timegm(time.strptime(moment, _TIME)) << 24) + int(fraction, 16)


@functools.lru_cache(maxsize=1_000)
def build_name(date: int) -> str:
    """Convert the result of :func:`build_date` back to the name of the build."""
    return f"{time.strftime(_TIME, time.gmtime(date >> 24))}-{date & 0xFFFFFF:06x}"


def date_lists(build: Build, previous: Build | None) -> None:
    """Write into ``listed_in.npy`` in which build each list, and each article, last changed.

    The array has the shape (n, 5), int64. It holds the :func:`build_date` of the builds in which
    the first 6, 12 and 24 articles of each list, the whole list, and the article itself last
    changed. A list changes if its articles, their scores, the phrases that they share or the times
    at which they are visible do; fallbacks and editors' pins are not part of it.

    Args:
        build: The new build, whose lists are complete.
        previous: The live build to compare it with; ``None`` if all lists are new.
    """
    digests = _digests(build)
    listed = np.full(digests.shape, build_date(build.name), dtype=np.int64)
    if previous is not None:
        old_rows = previous.rows_of(build.ids)
        known = np.flatnonzero(old_rows >= 0)
        before = load_array(previous.checked(_DIGESTS))[old_rows[known]]
        dates = previous.listed_in[old_rows[known]]
        listed[known] = np.where(before == digests[known], dates, listed[known])
    save_array(build.folder / _DIGESTS, digests)
    save_array(build.folder / _LISTED, listed)


def _digests(build: Build) -> Digests:
    """Return a digest of what each column of ``listed_in.npy`` stands for, shape (n, 5)."""
    languages = _hashes(name.encode() for name in build.language_names)
    facts = _mix(_hashes(build.cards), languages[build.languages], build.newer)
    facts = _mix(facts, *build.visibility.T.astype(np.uint64))
    if (kept_out := build.kept_out) is not None:  # which stands for no other version
        facts[kept_out] = _mix(facts[kept_out], kept_out[kept_out])
    shown = build.visibility[:, 0] != NEVER
    facts[~shown] = 0  # whatever a draft says, no reader sees it
    stories = _sums(facts[build.members.values], build.members)
    shared = Blob(build.folder / SHARED)
    own = _mix(facts, stories[build.stories])
    for kind in EDITORIAL:
        lists, targets = build.page_links.of_kind(np.arange(build.count), kind)
        places = np.arange(len(lists)) - np.searchsorted(lists, lists)
        named = _mix(facts[targets], stories[build.stories[targets]])  # others may stand in for it
        if kind is PageLinkKind.RELATED and len(lists):
            wordings = _wordings(build, np.union1d(lists, targets))
            named = _mix(named, wordings[lists], wordings[targets])
        np.add.at(own, lists, _mix(named, np.full(len(lists), kind), places))
    first = _mix(own, _hashes(b"\n".join(split_explained(each)[:SHOWN]) for each in shared))
    explained = _mix(own, _hashes(shared))
    digests = np.empty((build.count, CARD + 1), dtype=np.uint64)
    labels = _sums(_hashes(map(str.encode, build.tag_names))[build.tags.values], build.tags)
    sources = _hashes(map(str.encode, build.source_names))[build.sources]
    digests[:, CARD] = _mix(facts, labels, sources)
    for start in range(0, build.count, _CHUNK):
        some = slice(start, start + _CHUNK)
        rows = build.related_rows[some]
        held = (rows != NO_ROW) & shown[rows]
        scores = (shown_scores(np.where(held, build.related_scores[some], 0)) * 10_000).round()
        places = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)
        entries = _mix(stories[build.stories[rows]], facts[rows], scores, places)
        sums = np.where(held, entries, np.uint64(0)).cumsum(axis=1, dtype=np.uint64)
        for column, width in enumerate((*WIDTHS, rows.shape[1])):
            above = explained[some] if column else first[some]
            digests[some, column] = _mix(above, sums[:, min(width, rows.shape[1]) - 1])
    return digests


def _wordings(build: Build, rows: NDArray[np.integer]) -> Digests:
    """Return a digest of the key phrases, from which shared phrases are found, of some articles.

    Args:
        build: The build.
        rows: The rows of these articles.

    Returns:
        Shape (n,); 0 for other articles.
    """
    names = np.zeros(len(build.phrase_names) + 1, dtype=np.uint64)
    chunks = [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
    used = np.zeros(len(names), dtype=np.bool_)
    for some in chunks:
        used[build.phrase_rows[some]] = True
    used[-1] = False
    numbers = np.flatnonzero(used)
    names[numbers] = _hashes(build.phrase_names[one].encode() for one in numbers.tolist())
    names[-1:] = _hashes([b""])  # of no phrase, whose number is -1
    digests = np.zeros(build.count, dtype=np.uint64)
    for some in chunks:
        digests[some] = _mix(*names[build.phrase_rows[some]].T)
    return digests


def _hashes(texts: Iterable[bytes]) -> Digests:
    joined = bytearray()
    for text in texts:
        joined += blake2b(text, digest_size=8).digest()
    return np.frombuffer(joined, dtype=np.uint64)


def _sums(values: Digests, lists: Ragged) -> Digests:
    """Return the sum of each list's values, which are in the order of the lists."""
    sums = np.concatenate([np.zeros(1, np.uint64), values.cumsum(dtype=np.uint64)])
    starts = np.concatenate([np.zeros(1, np.int64), lists.ends[:-1]])
    return cast("Digests", sums[lists.ends] - sums[starts])


def _mix(first: Digests, *others: NDArray[np.generic]) -> Digests:
    """Return one number for each combination of numbers (the finalizer of SplitMix64)."""
    mixed = first.copy()
    for other in others:
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = (mixed ^ (mixed >> np.uint64(31))) + other.astype(np.uint64) + _SEED
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ (mixed >> np.uint64(27))

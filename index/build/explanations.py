"""Stored explanations: the phrases that an article shares with the first articles of its list.

They are computed once per build, because finding them during a request would take longer than the
rest of the request.
"""

import functools
from collections.abc import Sequence
from json.encoder import encode_basestring
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.build.carried_rows import CarriedRows, blob_writer
from index.files import Blob, Names, load_array
from recommender.neighbors import NO_ROW
from recommender.parallel import BlockMapper, equal_blocks, in_turn, map_in_threads
from recommender.shared_phrases import shared_in_lists

EXPLAINED = 8
"""Articles per list whose shared phrases are stored; those of later ones are found on demand."""

SHARED = "shared.bin"

_CHUNK = 4_096
_COMPARED = 64  # lists, few enough to stay in the cache
_BETWEEN = b"\n"  # never occurs inside a JSON string


def explain_lists(
    folder: Path, spread: BlockMapper = map_in_threads, carried: CarriedRows | None = None
) -> None:
    """Write ``shared.bin``: the phrases that each article shares with the first of its list.

    Args:
        folder: The build's folder, in which the lists and key phrases are already written.
        spread: Runs a function on every block of rows; by default in this process.
        carried: The articles to take over from the live build; phrases are copied from it for lists
            that did not change. ``None`` to find all anew.
    """
    folder = folder.resolve()
    related_rows: NDArray[np.int32] = load_array(folder / "related_rows.npy")
    known = None if carried is None else carried.lists(related_rows[:, :EXPLAINED])
    every = range(len(related_rows))
    fresh = every if known is None else np.flatnonzero(known < 0)

    explain = functools.partial(_explain, folder, fresh)
    writer = blob_writer(folder / SHARED, carried, known)
    blocks = equal_blocks(len(fresh), _CHUNK)
    for block in in_turn(spread)(explain, blocks, stage="explained"):
        for explained in block:
            writer.append(explained)
    writer.close()


def _explain(
    folder: Path, fresh: range | NDArray[np.integer], start: int, stop: int
) -> list[bytes]:
    phrases, related = map(load_array, (folder / "phrases_rows.npy", folder / "related_rows.npy"))
    names = _Kept(Names(Blob(folder / "phrases.bin")))
    explained: list[bytes] = []
    for first in range(start, stop, _COMPARED):
        rows = np.asarray(fresh[first : min(first + _COMPARED, stop)], dtype=np.int64)
        others = related[rows, :EXPLAINED]
        lengths = (others != NO_ROW).sum(axis=1).tolist()  # NO_ROW stands at the end only
        lists = shared_in_lists(phrases[rows], phrases[others], names)
        explained += (
            _BETWEEN.join(map(phrases_json, shared[:length]))
            for shared, length in zip(lists, lengths, strict=True)
        )
    return explained


class _Kept(dict[int, str]):
    """Names that are kept once they were read."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, number: int) -> str:
        name = self[number] = self._names[number]
        return name


def split_explained(stored: bytes) -> list[bytes]:
    """Split the entry of one article in ``shared.bin`` into one part for each related article.

    Each part has the phrases that the two share, as JSON strings separated by commas.
    """
    return stored.split(_BETWEEN)


def phrases_json(phrases: list[str]) -> bytes:
    """Encode phrases as a JSON array without its brackets, on one line."""
    return ",".join(map(encode_basestring, phrases)).encode()

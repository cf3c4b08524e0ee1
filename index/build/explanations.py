"""What an article shares with those at the head of its list, found once per build.

A request would spend more time on this than on everything else together.
"""

from __future__ import annotations

from dataclasses import dataclass
from json.encoder import encode_basestring
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.files import Blob, BlobWriter, Names, load_array
from recommender.neighbors import NO_ROW
from recommender.parallel import BlockMapper, equal_blocks, in_turn, map_in_threads
from recommender.shared_phrases import SharedPhrases

EXPLAINED = 8
"""Places of a list whose shared phrases are stored; what comes after is explained when shown."""

SHARED = "shared.bin"

_CHUNK = 4_096
_BETWEEN = b"\n"  # stands in no JSON string


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedPart:
    """What some rows share, in arrays only, so that blocks can be joined and sent.

    Attributes:
        content: Shape (bytes,), uint8: what ``shared.bin`` holds of one row after another.
        lengths: Shape (rows,), int64: how much of it is each row's.
    """

    content: NDArray[np.uint8]
    lengths: NDArray[np.int64]


def explain_lists(folder: Path, spread: BlockMapper = map_in_threads) -> None:
    """Write ``shared.bin``: for each row, what it shares with each of the first of its list.

    Args:
        folder: The build, with its lists and phrases.
        spread: Works on many rows at once, if not on this machine.
    """
    folder = folder.resolve()
    related_rows = load_array(folder / "related_rows.npy")
    phrase_rows = load_array(folder / "phrases_rows.npy")

    def explain(start: int, stop: int) -> ExplainedPart:
        names = Names(Blob(folder / "phrases.bin"))
        found: list[bytes] = []
        rows, mine = related_rows[start:stop, :EXPLAINED], phrase_rows[start:stop]
        for others, phrases in zip(rows.tolist(), mine.tolist(), strict=True):
            page = SharedPhrases(phrases, names)
            found.append(
                _BETWEEN.join(
                    phrases_json(page.shared_with(phrase_rows[other].tolist()))
                    for other in others
                    if other != NO_ROW
                )
            )
        return ExplainedPart(
            content=np.frombuffer(b"".join(found), dtype=np.uint8),
            lengths=np.array(list(map(len, found)), dtype=np.int64),
        )

    writer = BlobWriter(folder / SHARED)
    for part in in_turn(spread)(
        explain, equal_blocks(len(related_rows), _CHUNK), stage="explained"
    ):
        content, start = part.content.tobytes(), 0
        for length in part.lengths.tolist():
            writer.append(content[start : start + length])
            start += length
    writer.close()


def split_explained(stored: bytes) -> list[bytes]:
    """What :func:`explain_lists` wrote of one row: for each place JSON strings, comma between."""
    return stored.split(_BETWEEN)


def phrases_json(phrases: list[str]) -> bytes:
    """Phrases as they stand in a JSON array, without its brackets; no line breaks in it."""
    return ",".join(map(encode_basestring, phrases)).encode()

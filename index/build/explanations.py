"""The phrases that an article shares with those at the head of its list, found once per build.

A request would spend more time on finding them than on everything else together.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from pathlib import Path

from index.files import Blob, BlobWriter, Names, load_array
from recommender.neighbors import NO_ROW
from recommender.parallel import BlockMapper, equal_blocks, in_turn, map_in_threads
from recommender.shared_phrases import SharedPhrases

EXPLAINED = 8
"""Places of a list whose shared phrases are stored; what comes after is explained when shown."""

SHARED = "shared.bin"

_CHUNK = 4_096
_BETWEEN = b"\n"  # stands in no JSON string


def explain_lists(folder: Path, spread: BlockMapper = map_in_threads) -> None:
    """Write ``shared.bin``: for each row, what it shares with each of the first of its list.

    Args:
        folder: The build, with its lists and phrases.
        spread: Works on many rows at once, if not on this machine.
    """
    folder = folder.resolve()
    related_rows = load_array(folder / "related_rows.npy")
    phrase_rows = load_array(folder / "phrases_rows.npy")

    def explain(start: int, stop: int) -> list[bytes]:
        names = Names(Blob(folder / "phrases.bin"))
        explained: list[bytes] = []
        rows, own = related_rows[start:stop, :EXPLAINED], phrase_rows[start:stop]
        for others, phrases in zip(rows.tolist(), own.tolist(), strict=True):
            page = SharedPhrases(phrases, names)
            explained.append(
                _BETWEEN.join(
                    phrases_json(page.shared_with(phrase_rows[other].tolist()))
                    for other in others
                    if other != NO_ROW
                )
            )
        return explained

    writer = BlobWriter(folder / SHARED)
    blocks = equal_blocks(len(related_rows), _CHUNK)
    for block in in_turn(spread)(explain, blocks, stage="explained"):
        for explained in block:
            writer.append(explained)
    writer.close()


def split_explained(stored: bytes) -> list[bytes]:
    """Split one row of ``shared.bin``: for each article JSON strings, comma between."""
    return stored.split(_BETWEEN)


def phrases_json(phrases: list[str]) -> bytes:
    """Phrases as they stand in a JSON array, without its brackets; no line breaks in it."""
    return ",".join(map(encode_basestring, phrases)).encode()

"""Stored explanations: the phrases that an article shares with the first articles of its list.

They are computed once per build, because finding them during a request would take longer than the
rest of the request.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from pathlib import Path

from index.files import Blob, BlobWriter, Names, load_array
from recommender.neighbors import NO_ROW
from recommender.parallel import BlockMapper, equal_blocks, in_turn, map_in_threads
from recommender.shared_phrases import SharedPhrases

EXPLAINED = 8
"""Articles per list whose shared phrases are stored; those of later ones are found on demand."""

SHARED = "shared.bin"

_CHUNK = 4_096
_BETWEEN = b"\n"  # never occurs inside a JSON string


def explain_lists(folder: Path, spread: BlockMapper = map_in_threads) -> None:
    """Write ``shared.bin``: the phrases that each row shares with the first rows of its list.

    Args:
        folder: The build's folder, in which the lists and key phrases are already written.
        spread: Runs a function on every block of rows; by default in this process.
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
    """Split one row of ``shared.bin`` into one entry per related article.

    Each entry has the shared phrases as JSON strings, separated by commas.
    """
    return stored.split(_BETWEEN)


def phrases_json(phrases: list[str]) -> bytes:
    """Encode phrases as a JSON array without its brackets, on one line."""
    return ",".join(map(encode_basestring, phrases)).encode()

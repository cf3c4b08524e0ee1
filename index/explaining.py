"""What an article shares with those at the head of its list, found once per build.

A request would spend more time on this than on everything else together.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from pathlib import Path

from index.files import Blob, BlobWriter, Names, load_array
from recommender.neighbors import NO_ROW
from recommender.sharing import SharedPhrases

EXPLAINED = 8
"""Places of a list whose shared phrases are stored; what comes after is explained when shown."""

SHARED = "shared.bin"

_CHUNK = 4_096
_BETWEEN = b"\n"  # stands in no JSON string


def explain_lists(folder: Path) -> None:
    """Write ``shared.bin``: for each row, what it shares with each of the first of its list.

    Args:
        folder: The build, with its lists and phrases.
    """
    related_rows = load_array(folder / "related_rows.npy")
    phrase_rows = load_array(folder / "phrases_rows.npy")
    names = Names(Blob(folder / "phrases.bin"))
    writer = BlobWriter(folder / SHARED)
    for start in range(0, len(related_rows), _CHUNK):
        rows = related_rows[start : start + _CHUNK, :EXPLAINED].tolist()
        mine = phrase_rows[start : start + _CHUNK].tolist()
        for others, phrases in zip(rows, mine, strict=True):
            page = SharedPhrases(phrases, names)
            writer.append(
                _BETWEEN.join(
                    phrases_json(page.shared_with(phrase_rows[other].tolist()))
                    for other in others
                    if other != NO_ROW
                )
            )
    writer.close()


def split_explained(stored: bytes) -> list[bytes]:
    """What :func:`explain_lists` wrote of one row: for each place JSON strings, comma between."""
    return stored.split(_BETWEEN)


def phrases_json(phrases: list[str]) -> bytes:
    """Phrases as they stand in a JSON array, without its brackets; no line breaks in it."""
    return ",".join(map(encode_basestring, phrases)).encode()

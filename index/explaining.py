"""What an article shares with those at the head of its list, found once per build.

A request would spend more time on this than on everything else together.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from index.files import load_array, save_array
from recommender.neighbors import NO_ROW
from recommender.sharing import MAX_SHARED, SharedPhrases

EXPLAINED = 8
"""Places of a list whose shared phrases are stored; what comes after is explained when shown."""

SHARED = "shared.npy"

_CHUNK = 4_096


def explain_lists(folder: Path) -> None:
    """Write ``shared.npy``: shape (n, 8 · 4), int32, phrase ids by place; -1 where there are fewer.

    Args:
        folder: The build, with its lists and phrases.
    """
    related_rows = load_array(folder / "related_rows.npy")
    phrase_rows = load_array(folder / "phrases_rows.npy")
    names = json.loads((folder / "phrases.json").read_bytes())
    count = len(related_rows)
    found = np.full((count, EXPLAINED * MAX_SHARED), -1, dtype=np.int32)
    for start in range(0, count, _CHUNK):
        rows = related_rows[start : start + _CHUNK, :EXPLAINED].tolist()
        mine = phrase_rows[start : start + _CHUNK].tolist()
        for at, (others, phrases) in enumerate(zip(rows, mine, strict=True), start):
            page = SharedPhrases(phrases, names)
            for place, other in enumerate(others):
                if other == NO_ROW:
                    break
                shared = page.ids_shared_with(phrase_rows[other].tolist())
                first = place * MAX_SHARED
                found[at, first : first + len(shared)] = shared
    save_array(folder / SHARED, found)

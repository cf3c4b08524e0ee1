"""From an article's id to its row: a hash table in two mapped arrays.

A binary search over the ids would read a dozen of them, each from another place that memory has to
fetch first; here it is the table's entry and as a rule one id.
"""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import numpy as np

from index.build.ragged import Ragged
from index.files import Blob, prefault

_IDS = "ids.bin"
_TABLE = "slots"


def write_id_table(folder: Path) -> None:
    """Write the table of a build whose ids are written."""
    ids = Blob(folder / _IDS)
    slots = np.fromiter((crc32(name) % len(ids) for name in ids), dtype=np.int64, count=len(ids))
    rows = np.arange(len(ids), dtype=np.int32)
    Ragged.grouped(slots, rows, len(ids)).save(folder, _TABLE)


class IdTable:
    """The ids of a build's articles.

    Args:
        folder: The build.

    Attributes:
        ids: The ids by row, ascending by their UTF-8 bytes.
    """

    def __init__(self, folder: Path) -> None:
        self.ids = Blob(folder / _IDS)
        self._slots = Ragged.load(folder, _TABLE)
        prefault(self._slots.values.base)
        prefault(self._slots.ends.base)

    def row(self, article_id: str) -> int | None:
        """The row of an article."""
        wanted = article_id.encode(errors="surrogatepass")  # what is no Unicode is never found
        for row in self._slots.numbers(crc32(wanted) % len(self._slots)):
            if self.ids[row] == wanted:
                return row
        return None

    def article_id(self, row: int) -> str:
        """The id of a row."""
        return self.ids[row].decode()

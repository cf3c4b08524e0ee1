"""The table that maps article ids to rows: a hash table in two memory-mapped arrays.

A look-up reads one entry of the table and usually one id. A binary search would be slower, because
it would read a dozen ids from distant pages of memory.
"""

from array import array
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from index.build.ragged import Ragged
from index.files import Blob

_IDS = "ids.bin"
_TABLE = "slots"


def id_digest(article_id: bytes) -> bytes:
    """Return a digest of six bytes for an article id (in UTF-8), by which any build can find it."""
    return crc32(article_id).to_bytes(4) + blake2b(article_id, digest_size=2).digest()


def write_id_table(folder: Path) -> None:
    """Write the hash table from article ids to rows into a build's folder, from its ``ids.bin``."""
    ids = Blob(folder / _IDS)
    slots = np.fromiter((crc32(name) % len(ids) for name in ids), dtype=np.int64, count=len(ids))
    rows = np.arange(len(ids), dtype=np.int32)
    Ragged.grouped(slots, rows, len(ids)).save(folder, _TABLE)


class IdTable:
    """Finds the row of an article id, and the article id of a row.

    Args:
        folder: The build's folder.

    Attributes:
        ids: The id of each row; ids are sorted by their UTF-8 bytes.
    """

    def __init__(self, folder: Path) -> None:
        self.ids = Blob(folder / _IDS)
        self._slots = Ragged.load(folder, _TABLE)

    def row(self, article_id: str) -> int | None:
        """Return the row of an article, its number in the build; ``None`` if it is not in it."""
        wanted = article_id.encode(errors="surrogatepass")  # invalid Unicode is just not found
        for row in self._slots.numbers(crc32(wanted) % len(self._slots)):
            if self.ids[row] == wanted:
                return row
        return None

    def row_of_digest(self, digest: bytes) -> int | None:
        """Return the row of the article whose id has this :func:`id_digest`; ``None`` for none."""
        for row in self._slots.numbers(int.from_bytes(digest[:4]) % len(self._slots)):
            if id_digest(self.ids[row]) == digest:
                return row
        return None

    def article_id(self, row: int) -> str:
        """Return the id of the article in a row."""
        return self.ids[row].decode()

    def rows_of(self, ids: Iterable[bytes]) -> NDArray[np.int64]:
        """Return the row of each of many sorted article ids; -1 for an unknown id."""
        rows = array("q")
        known = enumerate(self.ids)
        row, known_id = next(known, (0, None))
        for wanted in ids:
            while known_id is not None and known_id < wanted:
                row, known_id = next(known, (0, None))
            rows.append(row if known_id == wanted else -1)
        return np.frombuffer(rows, dtype=np.int64)

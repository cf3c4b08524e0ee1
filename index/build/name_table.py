"""What articles are called by links and requests: addresses, files, ids, slugs and titles.

A build holds the number of each name with the row that it names, sorted, so that a look-up is a
binary search in memory-mapped files.
"""

import hashlib
import re
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.articles.urls import url_key
from index.files import load_array, save_array

ANY_HOST = "path:"
"""Begins the name of an address without its host."""

_ADDRESS = re.compile(r"(?:https?:/)?/", re.IGNORECASE)
_NUMBERS, _ROWS = "names_numbers.npy", "names_rows.npy"
NAME_FILES = (_NUMBERS, _ROWS)
"""The files of a build that hold its names."""


@dataclass(frozen=True, slots=True)
class NameTable:
    """Finds articles by the names that links use: addresses, files, ids, slugs and titles.

    Attributes:
        numbers: Shape (names,), uint64, ascending: the result of :func:`number_of` for each name.
        rows: Shape (names,), int32: the row of the article with each name; of several articles
            that of the one with this very address, or else the lowest row.
    """

    numbers: NDArray[np.uint64]
    rows: NDArray[np.int32]

    def row(self, number: int) -> int | None:
        """Return the row of the article whose name has this number; ``None`` if there is none."""
        numbers = self.numbers.data
        place = bisect_left(numbers, number)
        return self.rows.data[place] if place < len(numbers) and numbers[place] == number else None

    def row_at(self, address: str) -> int | None:
        """Return the row of the article at an address; ``None`` if there is none.

        If the article's own address has no host, it is found under any host; an ``address`` without
        a host finds articles under any host.

        Args:
            address: Absolute (http, https), or relative to the site (``/path``).
        """
        if not _ADDRESS.match(address) or not address.isprintable():
            return None
        keys = dict.fromkeys((spelled_key(address), address_key(address)))
        names = (name for key in keys for name in (key, path_of(key) or f"{ANY_HOST}{key}"))
        return next((row for name in names if (row := self.row(number_of(name))) is not None), None)

    def save(self, folder: Path) -> None:
        """Write the arrays into a build's folder."""
        save_array(folder / _NUMBERS, self.numbers)
        save_array(folder / _ROWS, self.rows)

    @classmethod
    def load(cls, folder: Path) -> "NameTable":
        """Map the arrays that :meth:`save` wrote into memory, read-only."""
        return cls(load_array(folder / _NUMBERS), load_array(folder / _ROWS))


def address_key(url: str) -> str:
    """Return a text that is the same for all spellings of an address that links may use.

    It is :func:`index.articles.urls.url_key` in lower case and without ``www.``: links often differ
    in these from the article's own address.
    """
    return spelled_key(url).casefold()


def spelled_key(url: str) -> str:
    """Return the key of an address with its capitals, in which two articles may differ."""
    key = url_key(url)
    return f"//{key.removeprefix('//www.')}" if key.startswith("//www.") else key


def host_of(key: str) -> str:
    """Return the host in a key that :func:`address_key` made; empty if it has none."""
    return re.split("[/?#]", key[2:], maxsplit=1)[0] if key.startswith("//") else ""


def path_of(key: str) -> str:
    """Return what follows the host in a key of :func:`address_key`; empty if it has no host."""
    host = host_of(key)
    return (key[2 + len(host) :] or "/") if host else ""


def number_of(name: str) -> int:
    """Return a 64-bit hash of a name, which is never 0."""
    digest = hashlib.blake2b(name.encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1

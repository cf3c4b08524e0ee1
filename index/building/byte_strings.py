"""Byte strings in an array, so that they can be joined with those of others, sent and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray


def join_pieces(pieces: Sequence[bytes]) -> NDArray[np.uint8]:
    """All of them, one after another; shape (bytes,)."""
    return np.frombuffer(b"".join(pieces), dtype=np.uint8)


def lengths_of(*columns: Sequence[bytes]) -> NDArray[np.int64]:
    """How long each is, a row for the first of all columns; shape (pieces, columns)."""
    return np.array([list(map(len, column)) for column in columns], dtype=np.int64).T


def cut_pieces(content: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Iterator[bytes]:
    """Each of what :func:`join_pieces` joined."""
    data, start = content.tobytes(), 0
    for length in lengths.tolist():
        yield data[start : start + length]
        start += length

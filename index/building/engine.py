"""Engines run the heavy stages of a build: in this process, or on a cluster.

Both do the same work on the same blocks of rows and hand back the results in the order of the rows,
so that a build does not depend on which of them made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from index.articles.record import Record
from recommender.encoder import Embeddings, Encoder, Progress, embed_texts
from recommender.parallel import BlockMapper, map_in_threads
from recommender.stories import StoryTexts

S = TypeVar("S")
T = TypeVar("T")

_ENCODE_CHUNK = 4_096
_STREAM_CHUNK = 64
_STREAM_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """Texts to encode.

    Attributes:
        load_encoder: Opens the encoder, wherever it is needed.
        encoder: Opened here.
        texts: All prepared texts.
        rows: Shape (m,), int64: which of them.
        digests: Shape (n, 16), uint8: of all texts, to know one again.
        progress: Called with how many more are encoded.
    """

    load_encoder: Callable[[], Encoder]
    encoder: Encoder
    texts: StoryTexts
    rows: NDArray[np.int64]
    digests: NDArray[np.generic]
    progress: Progress = field(default=lambda _: None)


class Engine(Protocol):
    """Runs the heavy stages."""

    def stream(
        self, work: Callable[[Sequence[S]], T], items: Iterable[S], *, stage: str = ""
    ) -> Iterator[T]:
        """The results of ``work`` on batches of the items, in order.

        If ``items`` raises an error, the results of the items before it come first.
        """
        ...

    def encode(self, encoding: Encoding) -> Iterator[tuple[NDArray[np.int64], Embeddings]]:
        """Rows and their embeddings, every row once, in any order."""
        ...

    @property
    def spread(self) -> BlockMapper:
        """Works on blocks of rows; see :func:`recommender.parallel.map_in_threads`."""
        ...

    def finish(self) -> None:
        """Remove results that were kept for going on after a crash: the build is done."""
        ...


class LocalEngine:
    """This process, on all of its cores."""

    def stream(
        self,
        work: Callable[[Sequence[S]], T],
        items: Iterable[S],
        *,
        stage: str = "",  # noqa: ARG002 - see Engine
    ) -> Iterator[T]:
        """See :class:`Engine`."""
        stream = InterruptibleIterator(items)
        rest = iter(stream)
        for chunk in batches_of(rest, _STREAM_CHUNK, _STREAM_BYTES, _size_of):
            yield work(chunk)
        stream.check()

    def encode(self, encoding: Encoding) -> Iterator[tuple[NDArray[np.int64], Embeddings]]:
        """See :class:`Engine`."""
        for start in range(0, len(encoding.rows), _ENCODE_CHUNK):
            rows = encoding.rows[start : start + _ENCODE_CHUNK]
            batch = [encoding.texts[row] for row in rows.tolist()]
            yield rows, embed_texts(encoding.encoder, batch, progress=encoding.progress)

    spread = staticmethod(map_in_threads)

    def finish(self) -> None:
        """See :class:`Engine`; nothing was kept."""


def batches_of(
    items: Iterable[S], count: int, most_bytes: int, size_of: Callable[[S], int]
) -> Iterator[list[S]]:
    """Batches of consecutive items: ``count`` of them, or fewer that make ``most_bytes``."""
    batch: list[S] = []
    size = 0
    for item in items:
        batch.append(item)
        size += size_of(item)
        if len(batch) >= count or size >= most_bytes:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size_of(item: object) -> int:
    """Roughly the bytes of the texts in a record."""
    if isinstance(item, str | bytes):
        return len(item)
    if isinstance(item, Record):
        return _size_of(item.values)
    if isinstance(item, Mapping):
        return sum(map(_size_of, item.values()))
    return sum(map(_size_of, item)) if isinstance(item, list | tuple) else 8


def find_digests(
    digests: NDArray[np.generic], known: NDArray[np.generic]
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which texts are known, by their digests.

    Args:
        digests: Shape (m, 16), uint8: of the texts asked for.
        known: Shape (n, 16), uint8, n at least 1: where they are looked up.

    Returns:
        Whether each is there, and at which position of ``known``; both of shape (m,). Where it is
        not there the position means nothing.
    """
    keys, wanted = (np.ascontiguousarray(each).view("S16").ravel() for each in (known, digests))
    order = np.argsort(keys)
    positions = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    return keys[positions] == wanted, positions


class InterruptibleIterator(Generic[S]):
    """Ends where its items raise an error, which :meth:`check` raises afterwards.

    Args:
        items: May raise.
    """

    def __init__(self, items: Iterable[S]) -> None:
        self._items = items
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[S]:
        try:
            yield from self._items
        except Exception as error:  # noqa: BLE001 - raised by check()
            self._error = error

    def check(self) -> None:
        """Raise the error that the items raised, if any."""
        if self._error is not None:
            raise self._error

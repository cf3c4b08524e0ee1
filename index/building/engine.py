"""Engines, which run the heavy stages of a build in this process or on a cluster.

All engines do the same work on the same blocks of rows, so a build has the same contents whichever
engine made it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from index.building.worker_processes import stream_in_processes
from recommender.encoder import Embeddings, Encoder, Progress, embed_texts
from recommender.parallel import BlockMapper, map_in_threads
from recommender.stories import StoryTexts

S = TypeVar("S")
T = TypeVar("T")

_ENCODE_CHUNK = 16_384
_STREAM_CHUNK = 64
_STREAM_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """A job for an engine: the texts to encode, and the encoder to use.

    Attributes:
        load_encoder: Loads the encoder in another process or on another machine.
        encoder: The encoder, loaded in this process.
        texts: All prepared texts.
        rows: Shape (m,), int64: the rows of the texts to encode.
        digests: Shape (n, 16), uint8: the digests of all texts, which are equal for equal texts.
        progress: Called with the number of texts encoded since the last call.
    """

    load_encoder: Callable[[], Encoder]
    encoder: Encoder
    texts: StoryTexts
    rows: NDArray[np.int64]
    digests: NDArray[np.generic]
    progress: Progress = field(default=lambda _: None)


class Engine(Protocol):
    """Runs the heavy stages of a build."""

    def stream(
        self, work: Callable[[Sequence[S]], T], items: Iterable[S], *, stage: str = ""
    ) -> Iterator[T]:
        """Calls ``work`` on batches of the items, and yields the results in order.

        If iterating over ``items`` raises an error, the results of the earlier items are yielded
        before the error is raised.
        """
        ...

    def encode(self, encoding: Encoding) -> Iterator[tuple[NDArray[np.int64], Embeddings]]:
        """Encodes texts; yields groups of rows with their embeddings.

        Each row comes once; the order is arbitrary.
        """
        ...

    @property
    def spread(self) -> BlockMapper:
        """The function that runs other functions on blocks of rows in parallel.

        It is called like :func:`recommender.parallel.map_in_threads`.
        """
        ...

    def finish(self) -> None:
        """Removes results that were kept to resume the build after a crash.

        Call this when the build is complete.
        """
        ...


class LocalEngine:
    """An engine that runs the stages in this process, on all cores."""

    def stream(
        self,
        work: Callable[[Sequence[S]], T],
        items: Iterable[S],
        *,
        stage: str = "",
    ) -> Iterator[T]:
        """Calls ``work`` on batches of the items; see :meth:`Engine.stream`."""
        stream = InterruptibleIterator(items)
        batches = batches_of(iter(stream), _STREAM_CHUNK, _STREAM_BYTES, _size_of)
        yield from stream_in_processes(work, batches, stage=stage)
        stream.check()

    def encode(self, encoding: Encoding) -> Iterator[tuple[NDArray[np.int64], Embeddings]]:
        """Encodes texts; yields rows and their embeddings, see :meth:`Engine.encode`."""
        for start in range(0, len(encoding.rows), _ENCODE_CHUNK):
            rows = encoding.rows[start : start + _ENCODE_CHUNK]
            batch = [encoding.texts[row] for row in rows.tolist()]
            yield rows, embed_texts(encoding.encoder, batch, progress=encoding.progress)

    spread = staticmethod(map_in_threads)

    def finish(self) -> None:
        """Does nothing, because this engine keeps no results to resume from."""


def batches_of(
    items: Iterable[S], count: int, most_bytes: int, size_of: Callable[[S], int]
) -> Iterator[list[S]]:
    """Groups consecutive items into batches, and yields these.

    Args:
        items: The items.
        count: Most items per batch.
        most_bytes: Size in bytes from which a batch is complete even with fewer items.
        size_of: Returns the size of an item in bytes.
    """
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
    """Estimates the size in bytes of the texts in a record."""
    if isinstance(item, str | bytes):
        return len(item)
    if is_dataclass(item):
        return sum(_size_of(getattr(item, field.name)) for field in fields(item))
    if isinstance(item, Mapping):
        return sum(map(_size_of, item.values()))
    return sum(map(_size_of, item)) if isinstance(item, list | tuple) else 8


def find_digests(
    digests: NDArray[np.generic], known: NDArray[np.generic]
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Finds out which texts are known, by their digests.

    Args:
        digests: Shape (m, 16), uint8: the digests to look up.
        known: Shape (n, 16), uint8, n at least 1: the digests of known texts.

    Returns:
        Whether each digest is known, and its position in ``known``; both of shape (m,). The
        position of an unknown digest has no meaning.
    """
    keys, wanted = (np.ascontiguousarray(each).view("S16").ravel() for each in (known, digests))
    order = np.argsort(keys)
    positions = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    return keys[positions] == wanted, positions


class InterruptibleIterator(Generic[S]):
    """Iterates over items; if this raises an error, iteration just ends, as after the last item.

    Call :meth:`check` afterwards to raise the error.

    Args:
        items: The items; iterating over them may raise an error.
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
        """Raises the error that ended the iteration early; does nothing if there was none."""
        if self._error is not None:
            raise self._error

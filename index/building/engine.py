"""Engines, which run the heavy stages of a build in this process or on a cluster.

All engines do the same work on the same blocks of rows, so a build has the same contents whichever
engine made it.
"""

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import BinaryIO, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from index.building.worker_processes import stream_in_processes
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

    def finish(self, *, small: bool) -> None:
        """Removes results that were kept to resume the build after a crash.

        Call this when the build is complete. After a small build, the embeddings that a full one
        has kept stay for the next full one.
        """
        ...


class KeptEmbeddings:
    """The embeddings that builds which came to no end have written, as far as a new one needs them.

    Iterating over them yields groups of rows with their embeddings.

    Args:
        work: The folder for the results of unfinished builds.
        encoding: The job. Its encoder and texts must be those of the unfinished build; of which
            text an embedding is, its digest says.

    Attributes:
        folder: Where the embeddings of this encoder are; each file is written by :meth:`keep`.
        left: Shape (m,), int64: the rows still to encode, known once the iteration is over.
    """

    def __init__(self, work: Path, encoding: Encoding) -> None:
        fingerprint = repr(encoding.encoder.fingerprint)
        self.folder = work_folder(work, "encoded", fingerprint.encode())
        self.left = encoding.rows
        self._encoding = encoding

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], Embeddings]]:
        for path in sorted(self.folder.glob("*.npz")):
            try:
                digests, embeddings = self.load(path)
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                continue  # it is damaged
            known, positions = find_digests(self._encoding.digests[self.left], digests)
            rows = self.left[known]
            self.left = self.left[~known]
            self._encoding.progress(len(rows))
            yield rows, embeddings[positions[known]]

    @staticmethod
    def keep(folder: Path, digests: NDArray[np.generic], embeddings: Embeddings) -> Path:
        """Writes embeddings with the digests of their texts, shape (m, 16); returns the file."""
        digests = np.ascontiguousarray(digests)
        path = folder / f"{hashlib.blake2b(digests.tobytes(), digest_size=16).hexdigest()}.npz"
        save_result(path, lambda file: np.savez(file, digests=digests, embeddings=embeddings))
        return path

    @staticmethod
    def load(path: Path) -> tuple[NDArray[np.generic], Embeddings]:
        """Reads what :meth:`keep` wrote: digests and embeddings."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return arrays["digests"], arrays["embeddings"]


class LocalEngine:
    """An engine that runs the stages in this process, on all cores.

    Args:
        work: A folder for embeddings that must survive a crash; ``None`` to keep none.
    """

    def __init__(self, work: Path | None = None) -> None:
        self._work = work

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
        kept, left = None, encoding.rows
        if self._work is not None and len(left) > _ENCODE_CHUNK:  # else encoding anew takes little
            kept = KeptEmbeddings(self._work, encoding)
            yield from kept
            left = kept.left
        for start in range(0, len(left), _ENCODE_CHUNK):
            rows = left[start : start + _ENCODE_CHUNK]
            batch = [encoding.texts[row] for row in rows.tolist()]
            embeddings = embed_texts(encoding.encoder, batch, progress=encoding.progress)
            if kept is not None:
                kept.keep(kept.folder, encoding.digests[rows], embeddings)
            yield rows, embeddings

    spread = staticmethod(map_in_threads)

    def finish(self, *, small: bool) -> None:
        """Removes the embeddings that were kept to resume a full build after a crash."""
        if self._work is not None and not small:
            shutil.rmtree(self._work, ignore_errors=True)


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


def work_folder(work: Path, stage: str, what: bytes) -> Path:
    """Returns the folder for results of a stage, which is made if it is missing.

    Args:
        work: The folder for the results of unfinished builds.
        stage: The stage's name.
        what: What the results depend on beside what their files' names say.
    """
    folder = work / f"{stage}-{hashlib.blake2b(what, digest_size=8).hexdigest()}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def save_result(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Writes a file by ``write`` atomically, even if another process writes the same one."""
    beside = path.with_name(f".{path.stem}.{os.uname().nodename}-{os.getpid()}.tmp")
    with beside.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


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

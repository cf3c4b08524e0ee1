"""Runs the heavy stages of a build on a Ray cluster; the only file that imports Ray.

Source records and row numbers are sent through Ray. Texts and arrays are in the root, on a file
system that every machine of the cluster can access. Results are pickled there too, in files named
by the rows or the digest of the records that they were made from. So if a machine fails or the
build is restarted, only the shards in progress must be computed again.
"""

import hashlib
import logging
import os
import pickle
import shutil
import socket
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray reports usage to its makers
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import numpy as np
import ray
import ray.data
from numpy.typing import NDArray

from index.building.engine import (
    Encoding,
    InterruptibleIterator,
    KeptEmbeddings,
    batches_of,
    save_result,
    work_folder,
)
from index.errors import BuildError, UnavailableError
from index.scale_out.ray import mmap_pickle as by_name
from recommender.encoder import Embeddings, embed_texts
from recommender.errors import AlsoLikeError, ModelError
from recommender.parallel import Block

S = TypeVar("S")
T = TypeVar("T")

SHARD = 2_048
"""Rows in a shard: one worker processes a shard at a time, and only this is lost if it dies."""

_AHEAD = 2
_STREAMED = 16 * 1024 * 1024
"""Most bytes of records that are sent to a worker in one batch."""


class RayEngine:
    """An engine that runs the heavy stages on a Ray cluster.

    Args:
        address: ``host:port`` of the cluster's head node, or ``auto``; by default a cluster is
            started on this machine only.
        work: A folder that every machine can access, for results that must survive a crash.

    Attributes:
        worked: For each stage, the seconds that all workers together spent on shards.

    Raises:
        UnavailableError: If there is no cluster at the address.
    """

    def __init__(self, address: str | None, work: Path) -> None:
        _reach(address)
        self._work = work.resolve()
        self.worked: defaultdict[str, float] = defaultdict(float)
        try:
            ray.init(
                address=address or "local",  # by default Ray joins a cluster that it finds
                include_dashboard=None if address else False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UnavailableError(
                f"the Ray cluster at {address} can't be joined: {error}; this machine must run a "
                "node of it (ray start --address=…)"
            ) from error
        logging.getLogger("ray").setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False

    def close(self) -> None:
        """Disconnects from the cluster; a cluster that runs on this machine only is stopped."""
        ray.shutdown()

    def encode(self, encoding: Encoding) -> Iterator[tuple[NDArray[np.int64], Embeddings]]:
        """Encodes texts on the cluster; yields groups of rows with their embeddings."""
        kept = KeptEmbeddings(self._work, encoding)
        yield from kept
        left, folder, fingerprint = kept.left, kept.folder, encoding.encoder.fingerprint
        shards = [left[start : start + SHARD] for start in range(0, len(left), SHARD)]
        if not shards:
            return
        blob = by_name.dumps(
            (encoding.load_encoder, fingerprint, encoding.texts, encoding.digests, folder)
        )
        gpus = _number_of("GPU")
        workers = gpus or _number_of("CPU")
        items = [{"rows": shard.astype(np.int64).tobytes()} for shard in shards]
        encoded = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
            _ShardEncoder,
            fn_constructor_args=(blob,),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(workers, len(shards))),
            num_cpus=0 if gpus else 1,
            num_gpus=1 if gpus else 0,
        )
        with _our_errors():
            for batch in encoded.iter_batches(batch_size=1, prefetch_batches=0):
                rows = np.frombuffer(batch["rows"][0], dtype=np.int64)
                yield rows, KeptEmbeddings.load(folder / str(batch["file"][0]))[1]
                self.worked["encode"] += float(batch["seconds"][0])
                encoding.progress(len(rows))

    def spread(
        self, work: Callable[[int, int], T], blocks: Iterable[Block], *, stage: str = ""
    ) -> Iterator[T]:
        """Runs ``work(start, stop)`` on the cluster for each block; yields the results in order."""
        shards = ((f"{shard[0][0]:012}-{shard[-1][1]:012}", shard) for shard in _shards_of(blocks))
        return self._in_order(stage, by_name.digest(work), work, shards)

    def stream(
        self, work: Callable[[Sequence[S]], T], items: Iterable[S], *, stage: str = ""
    ) -> Iterator[T]:
        """Calls ``work`` on batches of the items on the cluster, and yields the results in order.

        The items themselves are sent through Ray.
        """

        def unpack(batch: Sequence[bytes]) -> T:  # pickled one by one so that their sizes are known
            return work([by_name.loads(item) for item in batch])

        stream = InterruptibleIterator(items)
        shards = (
            (hashlib.blake2b(b"".join(batch), digest_size=16).hexdigest(), [(batch,)])
            for batch in batches_of(map(pickle.dumps, stream), SHARD, _STREAMED, len)
        )
        yield from self._in_order(stage, by_name.digest(work), unpack, shards)
        stream.check()

    def _in_order(
        self, stage: str, what: bytes, work: Callable[..., T], shards: Iterable[tuple[str, Any]]
    ) -> Iterator[T]:
        """Yields the results of all blocks in order; a few shards are processed at the same time.

        Args:
            stage: The stage's name, which is a part of the name of the folder for the results.
            what: A digest of function and data, so that only results made from both are reused.
            work: Called with each block of a shard.
            shards: Each shard's file name and its blocks.
        """
        folder = work_folder(self._work, stage or "work", version("alsolike").encode() + what)
        blob = ray.put(by_name.dumps(work))
        ahead = max(2, _AHEAD * _number_of("CPU"))
        waiting: deque[tuple[Path, Any]] = deque()
        with _our_errors():
            for name, calls in shards:
                path = folder / f"{name}.pickle"
                task = None if path.exists() else _run.remote(blob, calls, str(path))
                waiting.append((path, task))
                if len(waiting) > ahead:
                    yield from self._take(stage, *waiting.popleft())
            while waiting:
                yield from self._take(stage, *waiting.popleft())

    def finish(self, *, small: bool) -> None:
        """Removes the results that were kept to resume the build after a crash.

        Of a small build only those of reading are made here.
        """
        for folder in self._work.glob("read-*") if small else [self._work]:
            shutil.rmtree(folder, ignore_errors=True)

    def _take(self, stage: str, path: Path, task: Any) -> list[Any]:
        """Waits until a shard is processed, and returns the results of its blocks."""
        if task is not None:
            self.worked[stage] += ray.get(task)
        with path.open("rb") as file:
            results: list[Any] = pickle.load(file)  # noqa: S301 - written by the root's builders
        return results


def _reach(address: str | None) -> None:
    """Raises an error if nothing listens at the address; Ray itself would retry for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return  # "auto", or a cluster on this machine only
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise UnavailableError(f"the Ray cluster at {address} can't be joined: {error}") from error


class _ShardEncoder:
    """Encodes one shard after another, with an encoder in a process of its own."""

    def __init__(self, blob: bytes) -> None:
        load_encoder, fingerprint, self._texts, self._digests, self._folder = by_name.loads(blob)
        self._encoder = load_encoder()
        if self._encoder.fingerprint != fingerprint:
            raise ModelError(
                f"machine {os.uname().nodename} of the cluster has the encoder "
                f"{self._encoder.fingerprint}, but the build began with {fingerprint}: install the "
                "same model on every machine, and use --precision float32"
            )

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        rows = np.frombuffer(batch["rows"][0], dtype=np.int64)
        values = embed_texts(self._encoder, [self._texts[row] for row in rows.tolist()])
        written = KeptEmbeddings.keep(self._folder, self._digests[rows], values)
        seconds = time.perf_counter() - began
        return {"rows": batch["rows"], "file": [written.name], "seconds": [seconds]}


_opened: dict[bytes, Callable[..., Any]] = {}
"""Functions that this process unpickled, kept so that it maps a stage's arrays only once."""


@ray.remote(num_cpus=1, max_retries=-1)
def _run(blob: bytes, shard: list[tuple[Any, ...]], path: str) -> float:
    """Processes one shard in a worker, writes the results to ``path``; returns the seconds taken.

    Args:
        blob: The pickled function to call on each block.
        shard: The arguments for each call.
        path: The file for the results.
    """
    began = time.perf_counter()
    key = hashlib.blake2b(blob, digest_size=16).digest()
    if key not in _opened:
        _opened.clear()
        _opened[key] = by_name.loads(blob)
    results = [_opened[key](*call) for call in shard]
    save_result(Path(path), lambda file: pickle.dump(results, file, pickle.HIGHEST_PROTOCOL))
    return time.perf_counter() - began


def _shards_of(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Groups consecutive blocks into shards of :data:`SHARD` rows."""
    shard: list[Block] = []
    for block in blocks:
        shard.append(block)
        if shard[-1][1] - shard[0][0] >= SHARD:
            yield shard
            shard = []
    if shard:
        yield shard


def _number_of(resource: str) -> int:
    """Returns how many of a resource, such as "GPU", all machines of the cluster have together."""
    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return int(found.get(resource, 0))


@contextmanager
def _our_errors() -> Iterator[None]:
    """Raises errors of the code that workers ran unchanged, and Ray's own errors as BuildErrors."""
    try:
        yield
    except AlsoLikeError:
        raise
    except ray.exceptions.RayError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, AlsoLikeError | FileNotFoundError):
            cause = getattr(cause, "cause", None) or cause.__cause__
        if isinstance(cause, AlsoLikeError):
            raise type(cause)(*cause.args) from error
        if isinstance(cause, FileNotFoundError):
            raise BuildError(
                f"a machine of the Ray cluster does not see {cause.filename}: the root must lie on "
                "a file system that all machines share"
            ) from error
        raise BuildError(
            f"the Ray cluster failed: {' '.join(str(error).split())[-400:]}"
        ) from error

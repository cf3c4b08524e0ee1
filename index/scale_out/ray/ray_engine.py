"""Runs the heavy stages of a build on a Ray cluster; the only file that imports Ray.

Records of a source and numbers of rows travel through Ray. Texts and arrays lie in the root, on a
file system that every machine of the cluster sees. Results are written there as well, pickled,
under names that say what they were made from (rows, or a digest of the records): a lost machine, or
a driver that is started again, loses no more than the shards that were being worked on.
"""

from __future__ import annotations

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

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import numpy as np
import ray
import ray.data
from numpy.typing import NDArray

from index.building.engine import Encoding, InterruptibleIterator, batches_of, find_digests
from index.errors import BuildError, UnavailableError
from index.scale_out.ray import mmap_pickle as by_name
from recommender.encoder import Embeddings, embed_texts
from recommender.errors import AlsoLikeError, ModelError
from recommender.parallel import Block

S = TypeVar("S")
T = TypeVar("T")

SHARD = 2_048
"""Rows that a worker works on at once: what is lost if it dies."""

_AHEAD = 2
_STREAMED = 16 * 1024 * 1024
"""Bytes of records that go to a worker together."""


class RayEngine:
    """A Ray cluster.

    Args:
        address: ``host:port`` of its head, or ``auto``; a cluster of this machine alone by default.
        work: A folder that every machine sees, for what a crash must not lose.

    Attributes:
        worked: Seconds by stage that workers spent on shards, in all of their processes together.

    Raises:
        UnavailableError: If there is no such cluster.
    """

    def __init__(self, address: str | None, work: Path) -> None:
        _reach(address)
        self._work = work.resolve()
        self.worked: defaultdict[str, float] = defaultdict(float)
        try:
            ray.init(
                address=address,
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
        """Leave the cluster; one of this machine alone ends."""
        ray.shutdown()

    def encode(self, encoding: Encoding) -> Iterator[tuple[NDArray[np.int64], Embeddings]]:
        """See :class:`index.building.engine.Engine`."""
        fingerprint = encoding.encoder.fingerprint
        folder = self._folder("encoded", repr(fingerprint).encode())
        left = encoding.rows
        for path in sorted(folder.glob("*.pickle")):
            digests, embeddings = _load(path)
            known, positions = find_digests(encoding.digests[left], digests)
            rows = left[known]
            left = left[~known]
            encoding.progress(len(rows))
            yield rows, embeddings[positions[known]]
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
                yield rows, _load(folder / str(batch["file"][0]))[1]
                self.worked["encode"] += float(batch["seconds"][0])
                encoding.progress(len(rows))

    def spread(
        self, work: Callable[[int, int], T], blocks: Iterable[Block], *, stage: str = ""
    ) -> Iterator[T]:
        """See :class:`~index.building.engine.Engine`; blocks make shards of some thousand rows."""
        shards = ((f"{shard[0][0]:012}-{shard[-1][1]:012}", shard) for shard in _shards_of(blocks))
        return self._in_order(stage, by_name.digest(work), work, shards)

    def stream(
        self, work: Callable[[Sequence[S]], T], items: Iterable[S], *, stage: str = ""
    ) -> Iterator[T]:
        """See :class:`~index.building.engine.Engine`; the items themselves travel."""
        stream = InterruptibleIterator(items)
        shards = (
            (hashlib.blake2b(b"".join(batch), digest_size=16).hexdigest(), [(batch,)])
            for batch in batches_of(map(pickle.dumps, stream), SHARD, _STREAMED, len)
        )
        yield from self._in_order(stage, by_name.digest(work), _Unpacking(work), shards)
        stream.check()

    def _in_order(
        self, stage: str, what: bytes, work: Callable[..., T], shards: Iterable[tuple[str, Any]]
    ) -> Iterator[T]:
        """The results of shards' blocks; a few shards are worked on at a time.

        Args:
            stage: Names the folder of the results.
            what: Tells this work from any other.
            work: Called with each block of a shard.
            shards: Each shard's file name, and its blocks.
        """
        folder = self._folder(stage or "work", version("alsolike").encode() + what)
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

    def finish(self) -> None:
        """See :class:`index.building.engine.Engine`."""
        shutil.rmtree(self._work, ignore_errors=True)

    def _take(self, stage: str, path: Path, task: Any) -> list[Any]:
        """The results of a shard's blocks, once they are there."""
        if task is not None:
            self.worked[stage] += ray.get(task)
        results: list[Any] = _load(path)
        return results

    def _folder(self, stage: str, what: bytes) -> Path:
        """The folder of a stage's results for one kind of work."""
        folder = self._work / f"{stage}-{hashlib.blake2b(what, digest_size=8).hexdigest()}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _reach(address: str | None) -> None:
    """Raise at once if nothing listens at the address: Ray would try for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return  # "auto", or this machine alone
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise UnavailableError(f"the Ray cluster at {address} can't be joined: {error}") from error


class _ShardEncoder:
    """An encoder in a process of its own, which encodes shards one after another."""

    def __init__(self, blob: bytes) -> None:
        load_encoder, fingerprint, self._texts, self._digests, self._folder = by_name.loads(blob)
        self._encoder = load_encoder()
        if self._encoder.fingerprint != fingerprint:
            raise ModelError(
                f"machine {os.uname().nodename} of the cluster has the encoder "
                f"{self._encoder.fingerprint}, where the build began with {fingerprint}: the same "
                "model must be on each, and --precision float32 is the same on each"
            )

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        rows = np.frombuffer(batch["rows"][0], dtype=np.int64)
        digests = np.ascontiguousarray(self._digests[rows])
        name = hashlib.blake2b(digests.tobytes(), digest_size=16).hexdigest() + ".pickle"
        values = embed_texts(self._encoder, [self._texts[row] for row in rows.tolist()])
        _save(self._folder / name, (digests, values))
        seconds = time.perf_counter() - began
        return {"rows": batch["rows"], "file": [name], "seconds": [seconds]}


class _Unpacking:
    """Unpickles the items of a batch, which were pickled one by one to know their size."""

    def __init__(self, work: Callable[[Sequence[Any]], Any]) -> None:
        self._work = work

    def __call__(self, batch: Sequence[bytes]) -> Any:
        return self._work([by_name.loads(item) for item in batch])


_opened: dict[bytes, Callable[..., Any]] = {}
"""The work of this process, so that a stage's arrays are mapped once in each."""


@ray.remote(num_cpus=1, max_retries=-1)
def _run(blob: bytes, shard: list[tuple[Any, ...]], path: str) -> float:
    """Work on one shard and write the result; returns the seconds that took."""
    began = time.perf_counter()
    key = hashlib.blake2b(blob, digest_size=16).digest()
    if key not in _opened:
        _opened.clear()
        _opened[key] = by_name.loads(blob)
    _save(Path(path), [_opened[key](*call) for call in shard])
    return time.perf_counter() - began


def _shards_of(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Neighboring blocks, as many as make :data:`SHARD` rows."""
    shard: list[Block] = []
    for block in blocks:
        shard.append(block)
        if shard[-1][1] - shard[0][0] >= SHARD:
            yield shard
            shard = []
    if shard:
        yield shard


def _save(path: Path, result: object) -> None:
    """Write a result in one step, whoever else writes the same one."""
    beside = path.with_name(f".{path.stem}.{os.uname().nodename}-{os.getpid()}.tmp")
    with beside.open("wb") as file:
        pickle.dump(result, file, pickle.HIGHEST_PROTOCOL)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _load(path: Path) -> Any:
    """Read what :func:`_save` wrote, in this build or in one that a crash ended."""
    with path.open("rb") as file:
        return pickle.load(file)  # noqa: S301 - the root is written by nobody but its builders


def _number_of(resource: str) -> int:
    """How many of a resource all machines of the cluster have."""
    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return int(found.get(resource, 0))


@contextmanager
def _our_errors() -> Iterator[None]:
    """Raise a worker's error as it was raised there, and any error of Ray's as a BuildError."""
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
                "a file system that all of them share"
            ) from error
        raise BuildError(
            f"the Ray cluster failed: {' '.join(str(error).split())[-400:]}"
        ) from error

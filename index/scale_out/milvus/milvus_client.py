"""A client of Milvus; the only file that imports pymilvus.

A server is reached by its URL, over one connection that is kept. A path is a folder of
``milvus-lite``, which one process can hold at a time: it is opened for each operation and let go
again, so that commands and the service take turns.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
import numpy as np
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient, MilvusException

from index.errors import BuildError, UnavailableError
from index.scale_out.milvus.milvus_settings import TOKEN_VARIABLE
from recommender.encoder import Embeddings
from recommender.neighbors import NO_ROW, Rows, Scores

T = TypeVar("T")

SEARCH_TIMEOUT = 5.0
"""Seconds after which a search ends with an error."""

_MAKE_TIMEOUT = 600.0
_TURN_TIMEOUT = 10.0
_BATCH_BYTES = 8_000_000  # a message may have 64 MB
_QUERIES = 256
_NOT_FOUND = 100
_UNEXPECTED = 65535
_SETTLES = 3.0
_OPTIONS = {"grpc.use_local_subchannel_pool": 1}  # else a new connection waits as the lost one does

# They log a traceback for every error that they also raise.
for _name in ("pymilvus", "milvus_lite", "grpc._server"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class MilvusColumns:
    """What a collection holds of each row; the row itself is the key.

    Attributes:
        embeddings: Shape (n, dim), float32, unit rows.
        visibility: Shape (n, 2), int64: shown while from <= now < until, microseconds.
        languages: Shape (n,), int32: language ids, 0 unknown.
    """

    embeddings: Embeddings
    visibility: NDArray[np.int64]
    languages: NDArray[np.int32]


class Milvus:
    """A Milvus server, or a folder of ``milvus-lite``.

    Args:
        uri: ``http://host:19530``, ``https://…``, or a path.
        token: For a server that asks for one; from the environment by default.
    """

    def __init__(self, uri: str, token: str | None = None) -> None:
        self.uri = uri
        self._token = os.environ.get(TOKEN_VARIABLE, "") if token is None else token
        self._client: MilvusClient | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Milvus], tuple[str, str]]:
        """Another process opens a connection of its own."""
        return Milvus, (self.uri, self._token)

    def create(self, collection: str, columns: MilvusColumns, index: dict[str, Any]) -> None:
        """Fill a new collection, index and load it; one of that name is replaced.

        Args:
            collection: Its name.
            columns: What it holds.
            index: ``index_type`` and ``params``, as Milvus names them.

        Raises:
            BuildError: If the server refuses, or holds another number of rows afterwards.
        """
        count, dim = columns.embeddings.shape
        with self._session(_MAKE_TIMEOUT) as client:
            client.drop_collection(collection)
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=dim)
            schema.add_field("visible_from", DataType.INT64)
            schema.add_field("visible_until", DataType.INT64)
            schema.add_field("language", DataType.INT32)
            client.create_collection(collection, schema=schema, timeout=_MAKE_TIMEOUT)
            size = max(1, _BATCH_BYTES // (4 * dim + 64))
            for start in range(0, count, size):
                batch = _records(columns, start, min(start + size, count))
                client.insert(collection, batch, timeout=_MAKE_TIMEOUT)
            client.flush(collection, timeout=_MAKE_TIMEOUT)
            params = client.prepare_index_params()
            params.add_index(field_name="embedding", metric_type="IP", **index)
            client.create_index(collection, params, timeout=_MAKE_TIMEOUT)
            client.load_collection(collection, timeout=_MAKE_TIMEOUT)
        held = self.count(collection)
        if held != count:
            raise BuildError(f"{self._at(collection)} holds {held} rows of {count}; build again")

    def count(self, collection: str) -> int:
        """How many rows a collection holds, counted now.

        Raises:
            BuildError: If there is no such collection.
            UnavailableError: If the server does not answer.
        """
        with self._session(_MAKE_TIMEOUT, collection) as client:
            self._load(client, collection)
            found = client.query(
                collection,
                output_fields=["count(*)"],
                consistency_level="Strong",
                timeout=_MAKE_TIMEOUT,
            )
            return int(found[0]["count(*)"])

    def search(
        self,
        collection: str,
        queries: Embeddings,
        width: int,
        *,
        params: dict[str, Any],
        where: str = "",
        timeout: float = SEARCH_TIMEOUT,
    ) -> tuple[Rows, Scores]:
        """Rows and scores of the ``width`` best hits of each query, best first.

        Args:
            collection: Where to look.
            queries: Shape (queries, dim), float32.
            width: How many.
            params: Of the search, as Milvus names them.
            where: A filter over ``visible_from``, ``visible_until`` and ``language``.
            timeout: Seconds to wait for each answer.

        Returns:
            Both of shape (queries, width); -1 and ``-inf`` where there was no further hit.

        Raises:
            UnavailableError: If it can't be searched now, whatever the cause.
        """
        rows = np.full((len(queries), width), NO_ROW, dtype=np.int32)
        scores = np.full((len(queries), width), -np.inf, dtype=np.float32)
        with self._session(timeout, collection) as client:
            if self._is_folder:
                self._load(client, collection)
            for start in range(0, len(queries), _QUERIES):
                found = _once_settled(
                    client.search,
                    collection,
                    data=list(queries[start : start + _QUERIES]),
                    limit=width,
                    filter=where,
                    output_fields=["id"],
                    search_params={"metric_type": "IP", "params": params},
                    # What was counted after loading does not change any more.
                    consistency_level="Eventually",
                    timeout=timeout,
                )
                for row, hits in enumerate(found, start):
                    rows[row, : len(hits)] = hits.ids
                    scores[row, : len(hits)] = hits.distances
        return rows, scores

    def named_by(self, alias: str) -> str | None:
        """The collection that an alias names, if any."""
        with self._session(SEARCH_TIMEOUT) as client:
            return self._named_by(client, alias)

    def point(self, alias: str, collection: str) -> None:
        """Let an alias name a collection, at once and without a gap."""
        with self._session(SEARCH_TIMEOUT, collection) as client:
            named = self._named_by(client, alias)
            if named is None:
                client.create_alias(collection, alias, timeout=SEARCH_TIMEOUT)
            elif named != collection:
                client.alter_alias(collection, alias, timeout=SEARCH_TIMEOUT)

    def drop(self, collection: str, alias: str) -> None:
        """Remove a collection, and the alias if that names it; nothing if it is gone."""
        with self._session(SEARCH_TIMEOUT) as client:
            if self._named_by(client, alias) == collection:
                client.drop_alias(alias, timeout=SEARCH_TIMEOUT)
            client.drop_collection(collection, timeout=SEARCH_TIMEOUT)

    def collections(self) -> list[str]:
        """Names of all collections, sorted."""
        with self._session(SEARCH_TIMEOUT) as client:
            return sorted(client.list_collections(timeout=SEARCH_TIMEOUT))

    @property
    def _is_folder(self) -> bool:
        return "://" not in self.uri

    def _at(self, collection: str) -> str:
        return f"collection {collection} of Milvus at {self.uri}" if collection else self.uri

    @staticmethod
    def _load(client: MilvusClient, collection: str) -> None:
        client.load_collection(collection, timeout=_MAKE_TIMEOUT)

    @staticmethod
    def _named_by(client: MilvusClient, alias: str) -> str | None:
        for collection in client.list_collections(timeout=SEARCH_TIMEOUT):
            found = client.list_aliases(collection, timeout=SEARCH_TIMEOUT)
            if alias in found.get("aliases", []):
                return str(collection)
        return None

    @contextmanager
    def _session(self, timeout: float, collection: str = "") -> Iterator[MilvusClient]:
        """A connected client; its errors in the block are raised as ours, with a message."""
        try:
            with self._turn() if self._is_folder else self._kept(timeout) as client:
                yield client
        except (MilvusException, grpc.RpcError, grpc.FutureTimeoutError) as error:
            self._forget()
            message = getattr(error, "message", None) or str(error)
            if getattr(error, "code", None) == _NOT_FOUND:
                raise BuildError(
                    f"{self._at(collection)} is gone: {message}; build again"
                ) from error
            raise UnavailableError(
                f"{self._at(collection)} can't be used now: {' '.join(message.split())[:300]}"
            ) from error

    @contextmanager
    def _kept(self, timeout: float) -> Iterator[MilvusClient]:
        with self._lock:
            if self._client is None:
                self._client = MilvusClient(
                    self.uri,
                    token=self._token,
                    timeout=min(timeout, SEARCH_TIMEOUT),
                    dedicated=True,
                    grpc_options=_OPTIONS,
                )
            client = self._client
        yield client

    def _forget(self) -> None:
        """Drop the connection, so that the next call opens a new one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextmanager
    def _turn(self) -> Iterator[MilvusClient]:
        """Hold the ``milvus-lite`` folder for one operation; waits until it is free."""
        from milvus_lite.server_manager import server_manager_instance

        path = str(Path(self.uri))
        deadline = time.monotonic() + _TURN_TIMEOUT
        with self._lock:
            while True:
                try:
                    client = MilvusClient(path, dedicated=True)
                    break
                except MilvusException:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)
            try:
                yield client
            finally:
                client.close()
                server_manager_instance.release_server(path)


def _once_settled(ask: Callable[..., T], *args: Any, **options: Any) -> T:
    """Call a server again while it does not yet know a new collection, or a switched alias.

    For a moment it does not know which of its nodes holds the collection ("failed to get
    delegator"); its code for that is the one for any unexpected error.
    """
    deadline = time.monotonic() + _SETTLES
    while True:
        try:
            return ask(*args, **options)
        except MilvusException as error:
            if error.code != _UNEXPECTED or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def _records(columns: MilvusColumns, start: int, stop: int) -> Sequence[dict[str, Any]]:
    embeddings = columns.embeddings[start:stop]
    visibility = columns.visibility[start:stop].tolist()
    languages = columns.languages[start:stop].tolist()
    return [
        {
            "id": start + number,
            "embedding": embeddings[number],
            "visible_from": begin,
            "visible_until": end,
            "language": languages[number],
        }
        for number, (begin, end) in enumerate(visibility)
    ]

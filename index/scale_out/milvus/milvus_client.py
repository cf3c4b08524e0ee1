"""A client for Milvus; the only file that imports pymilvus.

A server is reached by its URL, over one lasting connection. A path names a ``milvus-lite`` folder,
which only one process can open at a time: it is opened for each operation and closed again, so that
commands and the service can take turns.
"""

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

MAKE_TIMEOUT = 600.0
"""Seconds after which making a collection ends with an error."""

_TURN_TIMEOUT = 10.0
_BATCH_BYTES = 8_000_000  # Milvus accepts messages up to 64 MB
_QUERIES = 256
_NOT_FOUND = 100
_UNEXPECTED = 65535
_SETTLES = 3.0
# Otherwise a new connection would wait as long as the old one before it tries to connect again.
_OPTIONS = {"grpc.use_local_subchannel_pool": 1}

# These libraries log a traceback for every error that they also raise.
for _name in ("pymilvus", "milvus_lite", "grpc._server"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class MilvusColumns:
    """The columns of a collection, whose primary key is the row number.

    Attributes:
        embeddings: Shape (n, dim), float32, unit rows.
        visibility: Shape (n, 2), int64: the times from which and until which each row is shown,
            in microseconds since 1970 UTC.
        languages: Shape (n,), int32: language ids; 0 if unknown.
    """

    embeddings: Embeddings
    visibility: NDArray[np.int64]
    languages: NDArray[np.int32]


class Milvus:
    """A client for a Milvus server, or for a folder of ``milvus-lite``.

    Args:
        uri: ``http://host:19530``, ``https://…``, or a path.
        token: The token for a server that asks for one; by default the value of the environment
            variable :data:`~index.scale_out.milvus.milvus_settings.TOKEN_VARIABLE`.
    """

    def __init__(self, uri: str, token: str | None = None) -> None:
        self.uri = uri
        self._token = os.environ.get(TOKEN_VARIABLE, "") if token is None else token
        self._client: MilvusClient | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type["Milvus"], tuple[str, str]]:
        """Pickles only address and token; another process opens its own connection."""
        return Milvus, (self.uri, self._token)

    def create(self, collection: str, columns: MilvusColumns, index: dict[str, Any]) -> None:
        """Creates a collection, fills it, indexes it and loads it for searching.

        A collection with the same name is replaced.

        Args:
            collection: The collection's name.
            columns: The rows to fill it with.
            index: The Milvus options ``index_type`` and ``params`` of the index.

        Raises:
            BuildError: If the server refuses, or the collection has the wrong number of rows
                afterwards.
        """
        count, dim = columns.embeddings.shape
        with self._session(MAKE_TIMEOUT) as client:
            client.drop_collection(collection)
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=dim)
            schema.add_field("visible_from", DataType.INT64)
            schema.add_field("visible_until", DataType.INT64)
            schema.add_field("language", DataType.INT32)
            client.create_collection(collection, schema=schema, timeout=MAKE_TIMEOUT)
            size = max(1, _BATCH_BYTES // (4 * dim + 64))
            for start in range(0, count, size):
                batch = _records(columns, start, min(start + size, count))
                client.insert(collection, batch, timeout=MAKE_TIMEOUT)
            client.flush(collection, timeout=MAKE_TIMEOUT)
            params = client.prepare_index_params()
            params.add_index(field_name="embedding", metric_type="IP", **index)
            client.create_index(collection, params, timeout=MAKE_TIMEOUT)
            client.load_collection(collection, timeout=MAKE_TIMEOUT)
        held = self.count(collection)
        if held != count:
            raise BuildError(
                f"{self._at(collection)} holds only {held} of {count} rows; build again"
            )

    def count(self, collection: str) -> int:
        """Returns the number of rows in a collection.

        Raises:
            BuildError: If there is no such collection.
            UnavailableError: If the server does not answer.
        """
        with self._session(MAKE_TIMEOUT, collection) as client:
            client.load_collection(collection, timeout=MAKE_TIMEOUT)
            found = client.query(
                collection,
                output_fields=["count(*)"],
                consistency_level="Strong",
                timeout=MAKE_TIMEOUT,
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
        """Returns the rows and scores of each query's ``width`` best hits, best first.

        Args:
            collection: The collection to search.
            queries: Shape (queries, dim), float32.
            width: Number of hits per query.
            params: Search parameters for Milvus.
            where: A Milvus filter over ``visible_from``, ``visible_until`` and ``language``; empty
                to search all rows.
            timeout: Seconds to wait for each answer.

        Returns:
            Rows and scores, both of shape (queries, width); -1 and ``-inf`` for missing hits.

        Raises:
            UnavailableError: If the collection can't be searched now, for whatever reason.
        """
        rows = np.full((len(queries), width), NO_ROW, dtype=np.int32)
        scores = np.full((len(queries), width), -np.inf, dtype=np.float32)
        with self._session(timeout, collection) as client:
            if self._is_folder:
                client.load_collection(collection, timeout=MAKE_TIMEOUT)
            for start in range(0, len(queries), _QUERIES):
                found = _once_settled(
                    client.search,
                    collection,
                    data=list(queries[start : start + _QUERIES]),
                    limit=width,
                    filter=where,
                    output_fields=["id"],
                    search_params={"metric_type": "IP", "params": params},
                    # The collection is never changed after it is filled.
                    consistency_level="Eventually",
                    timeout=timeout,
                )
                for row, hits in enumerate(found, start):
                    rows[row, : len(hits)] = hits.ids
                    scores[row, : len(hits)] = hits.distances
        return rows, scores

    def point(self, alias: str, collection: str) -> None:
        """Points an alias at a collection, atomically."""
        with self._session(SEARCH_TIMEOUT, collection) as client:
            named = self._named_by(client, alias)
            if named is None:
                client.create_alias(collection, alias, timeout=SEARCH_TIMEOUT)
            elif named != collection:
                client.alter_alias(collection, alias, timeout=SEARCH_TIMEOUT)

    def drop(self, collection: str, alias: str) -> None:
        """Removes a collection, and the alias if it points to this collection.

        Does nothing if there is no such collection.
        """
        with self._session(SEARCH_TIMEOUT) as client:
            if self._named_by(client, alias) == collection:
                client.drop_alias(alias, timeout=SEARCH_TIMEOUT)
            client.drop_collection(collection, timeout=SEARCH_TIMEOUT)

    def collections(self) -> list[str]:
        """Returns the names of all collections, sorted."""
        with self._session(SEARCH_TIMEOUT) as client:
            return sorted(client.list_collections(timeout=SEARCH_TIMEOUT))

    @property
    def _is_folder(self) -> bool:
        return "://" not in self.uri

    def _at(self, collection: str) -> str:
        return f"collection {collection} of Milvus at {self.uri}" if collection else self.uri

    @staticmethod
    def _named_by(client: MilvusClient, alias: str) -> str | None:
        for collection in client.list_collections(timeout=SEARCH_TIMEOUT):
            found = client.list_aliases(collection, timeout=SEARCH_TIMEOUT)
            if alias in found.get("aliases", []):
                return str(collection)
        return None

    @contextmanager
    def _session(self, timeout: float, collection: str = "") -> Iterator[MilvusClient]:
        """Yields a connected client; turns errors that it raises in the block into BuildErrors."""
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
        """Forgets the connection, so that the next call opens a new one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextmanager
    def _turn(self) -> Iterator[MilvusClient]:
        """Waits until no other process uses the ``milvus-lite`` folder, then opens it.

        Yields a client, and closes the folder at the end of the block.
        """
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
    """Calls a server, and retries while it does not yet know a new collection or a moved alias.

    For a moment the server does not know which of its nodes holds the collection ("failed to get
    delegator"). It reports this with the code that it uses for any unexpected error.
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

"""Makes and opens a build's neighbor index: in its own file, or in a collection of Milvus."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.manifest import IndexEntry
from index.errors import BuildError
from index.files import load_array
from index.scale_out.milvus.milvus_collections import new_collection, read_collection
from index.scale_out.milvus.milvus_settings import MilvusSettings
from recommender.encoder import Embeddings
from recommender.errors import VectorFileError
from recommender.faiss_index import build_index, load_index
from recommender.neighbors import ExactIndex, NeighborIndex, Neighbors
from recommender.visibility import Visibility, visible_at

LOCAL = "index.faiss"


class VectorIndex(NeighborIndex, Protocol):
    """A build's index, which also knows what readers may see."""

    def shown_at(
        self, now: int, *, languages: Collection[int] = (), without: Collection[int] = ()
    ) -> NeighborIndex:
        """The same index without what readers may not see.

        Args:
            now: The moment, microseconds since 1970 UTC.
            languages: Only rows of these, and of unknown language; all of them by default.
            without: Rows that are left out whenever they may be seen, such as those taken down.
        """
        ...


class LocalIndex:
    """An index in this process, mapped from a file, with the visibility of its rows.

    Args:
        path: The index.
        embeddings: Shape (n, dim), float32: the rows that it was made from.
        visibility: Shape (n, 2).
        languages: Shape (n,): ids, 0 unknown.
    """

    def __init__(
        self,
        path: Path,
        embeddings: Embeddings,
        visibility: Visibility,
        languages: NDArray[np.int32],
    ) -> None:
        with _as_build_error():
            self._index = load_index(path, embeddings)
        self._parts = (path.resolve(), embeddings, visibility, languages)
        self._visibility = visibility
        self._languages = languages
        self.kind = self._index.kind
        self.count = self._index.count

    def __reduce__(self) -> tuple[type[LocalIndex], tuple[object, ...]]:
        """Another process opens it anew."""
        return LocalIndex, self._parts

    def search(self, queries: Embeddings, k: int) -> Neighbors:
        """See :class:`~recommender.neighbors.NeighborIndex`."""
        return self._index.search(queries, k)

    def shown_at(
        self, now: int, *, languages: Collection[int] = (), without: Collection[int] = ()
    ) -> NeighborIndex:
        """See :class:`VectorIndex`; exact, since an index may not look where the few are."""
        shown = visible_at(self._visibility, now)
        if languages:
            shown &= np.isin(self._languages, [0, *languages])
        shown[list(without)] = False
        return self._index if shown.all() else ExactIndex(self._parts[1], shown)


@contextmanager
def _as_build_error() -> Iterator[None]:
    try:
        yield
    except VectorFileError as error:
        raise BuildError(str(error)) from error


def make_index(
    folder: Path,
    name: str,
    embeddings: Embeddings,
    visibility: Visibility,
    languages: NDArray[np.int32],
    wanted: MilvusSettings | None = None,
) -> VectorIndex:
    """Index a build's embeddings where they are wanted, and write down where that is.

    Args:
        folder: The build in the making.
        name: The build's name.
        embeddings: Shape (n, dim), float32, unit rows.
        visibility: Shape (n, 2), int64.
        languages: Shape (n,), int32.
        wanted: In Milvus; on this machine by default.

    Raises:
        BuildError: If it can't be written.
        UnavailableError: If Milvus does not answer.
    """
    if wanted is None:
        with _as_build_error():
            build_index(embeddings).save(folder / LOCAL)
        # Read back, its vectors are mapped.
        return LocalIndex(folder / LOCAL, embeddings, visibility, languages)
    stored = new_collection(folder, name, wanted)
    milvus = stored.connect(folder)
    milvus.collections()  # it answers; what never did has nothing to be dropped
    stored.save(folder)  # first, so that a collection of a build that died is found and dropped
    from index.scale_out.milvus.milvus_client import MilvusColumns
    from index.scale_out.milvus.milvus_index import fill_collection

    columns = MilvusColumns(embeddings=embeddings, visibility=visibility, languages=languages)
    filled = fill_collection(milvus, stored.collection, columns)
    stored.model_copy(update={"kind": filled.kind, "effort": filled.effort}).save(folder)
    return filled


def describe_index(folder: Path, kind: str, recall: float) -> IndexEntry:
    """What the manifest says of a build's index."""
    stored = read_collection(folder)
    if stored is None:
        return IndexEntry(kind=kind, recall=recall)
    return IndexEntry(kind=kind, recall=recall, uri=stored.uri, collection=stored.collection)


def open_index(build: Build) -> VectorIndex:
    """The index of a finished build, wherever it lies; a server is asked only by a search.

    Raises:
        BuildError: If its file is damaged.
        SettingError: If it lies in Milvus and the extra is not installed.
    """
    stored = read_collection(build.folder)
    if stored is None:
        embeddings = cast("Embeddings", load_array(build.checked("embeddings.npy")))
        return LocalIndex(build.checked(LOCAL), embeddings, build.visibility, build.languages)
    milvus = stored.connect(build.folder)
    from index.scale_out.milvus.milvus_index import MilvusIndex

    return MilvusIndex(
        milvus,
        stored.collection,
        kind=stored.kind,
        count=build.count,
        dim=build.manifest.encoder.dim,
        effort=stored.effort,
    )

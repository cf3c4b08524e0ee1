"""The neighbor index of a build: made and opened as a local file or as a collection in Milvus."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from index.build.build import Build
from index.build.manifest import IndexEntry
from index.errors import BuildError, raised_as
from index.files import load_array
from index.scale_out.milvus.milvus_collections import new_collection, read_collection
from index.scale_out.milvus.milvus_settings import MilvusSettings
from recommender.encoder import Embeddings
from recommender.errors import VectorFileError
from recommender.faiss_index import build_index, load_index
from recommender.neighbors import ExactIndex, NeighborIndex, Neighbors
from recommender.visibility import Visibility, visible_at

if TYPE_CHECKING:
    from index.scale_out.milvus.milvus_index import MilvusIndex

LOCAL = "index.faiss"


VectorIndex: TypeAlias = "LocalIndex | MilvusIndex"
"""A build's neighbor index, which can be restricted to the articles that readers may see."""


class LocalIndex:
    """A neighbor index in this process, mapped from a file, with the visibility of its rows.

    Args:
        path: The index file.
        embeddings: Shape (n, dim), float32: the rows that were indexed.
        visibility: Shape (n, 2), int64: the times from which and until which each row is shown,
            in microseconds since 1970 UTC.
        languages: Shape (n,), int32: language ids; 0 if unknown.
    """

    def __init__(
        self,
        path: Path,
        embeddings: Embeddings,
        visibility: Visibility,
        languages: NDArray[np.int32],
    ) -> None:
        with raised_as(BuildError, "", VectorFileError):
            self._index = load_index(path, embeddings)
        self._parts = (path.resolve(), embeddings, visibility, languages)
        self.kind = self._index.kind
        self.count = self._index.count

    def __reduce__(self) -> tuple[type["LocalIndex"], tuple[object, ...]]:
        """Pickle only the constructor's arguments: another process opens the index file again."""
        return LocalIndex, self._parts

    def search(self, queries: Embeddings, k: int) -> Neighbors:
        """Return the ``k`` best rows of each query, sorted by (-score, row)."""
        return self._index.search(queries, k)

    def shown_at(
        self,
        now: int,
        *,
        languages: Collection[int] = (),
        without: Collection[int] = (),
        among: NDArray[np.bool_] | None = None,
    ) -> NeighborIndex:
        """Return a neighbor index over only the rows that readers may see.

        It compares a query with every one of these rows, so it misses none.

        Args:
            now: The time, in microseconds since 1970 UTC.
            languages: Ids of the languages to keep; articles of unknown language are always kept.
                All languages by default.
            without: Rows to leave out in any case, such as those that an editor took down.
            among: Shape (n,), bool: the only rows that are wanted. An index on a server may find
                other rows too, which the caller must leave out.
        """
        _, embeddings, visibility, known = self._parts
        shown = visible_at(visibility, now)
        if languages:
            shown &= np.isin(known, [0, *languages])
        shown[list(without)] = False
        if among is not None:
            shown &= among
        return self._index if shown.all() else ExactIndex(embeddings, shown)


def make_index(
    folder: Path,
    name: str,
    embeddings: Embeddings,
    visibility: Visibility,
    languages: NDArray[np.int32],
    wanted: MilvusSettings | None = None,
    like: Path | None = None,
) -> VectorIndex:
    """Index a build's embeddings in a local file or in Milvus, and record where the index is.

    Args:
        folder: The folder of the unfinished build.
        name: The build's name.
        embeddings: Shape (n, dim), float32, unit rows.
        visibility: Shape (n, 2), int64: the times from which and until which each row is shown,
            in microseconds since 1970 UTC.
        languages: Shape (n,), int32: language ids; 0 if unknown.
        wanted: Settings of the Milvus server to use; if ``None``, the index is a local file.
        like: The file of the live build's index, whose training a small build uses again; ``None``
            to train the index on ``embeddings``.

    Raises:
        BuildError: If the index can't be written.
        UnavailableError: If Milvus does not answer.
    """
    if wanted is None:
        with raised_as(BuildError, "", VectorFileError):
            build_index(embeddings, like).save(folder / LOCAL)
        # Opened from the file, so that its vectors are mapped.
        return LocalIndex(folder / LOCAL, embeddings, visibility, languages)
    stored = new_collection(folder, name, wanted)
    milvus = stored.connect(folder)
    milvus.collections()  # fails if the server does not answer: then there is nothing to clean up
    stored.save(folder)  # before filling it, so that after a crash the collection can be dropped
    from index.scale_out.milvus.milvus_client import MilvusColumns
    from index.scale_out.milvus.milvus_index import fill_collection

    columns = MilvusColumns(embeddings=embeddings, visibility=visibility, languages=languages)
    filled = fill_collection(milvus, stored.collection, columns)
    stored.model_copy(update={"kind": filled.kind, "effort": filled.effort}).save(folder)
    return filled


def describe_index(folder: Path, kind: str, recall: float) -> IndexEntry:
    """Return the entry about a build's neighbor index in its manifest.

    Args:
        folder: The build's folder.
        kind: The type of the index.
        recall: The measured share of true neighbors that the index finds.
    """
    stored = read_collection(folder)
    place = {} if stored is None else {"uri": stored.uri, "collection": stored.collection}
    return IndexEntry(kind=kind, recall=recall, **place)


def open_index(build: Build) -> VectorIndex:
    """Open the index of a finished build; a Milvus server is only contacted by the first search.

    Raises:
        BuildError: If the index file is damaged.
        SettingError: If the index is in Milvus and the extra ``milvus`` is not installed.
    """
    stored = read_collection(build.folder)
    if stored is None:
        embeddings: Embeddings = load_array(build.checked("embeddings.npy"))
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

"""Creates, checks and drops the Milvus collections of builds, and moves the alias of the live one.

A build whose vectors are in Milvus has a file ``vectors.json`` instead of ``index.faiss``. Its
collection is filled before the build is finished, and dropped when the build is removed. An alias
points to the live build's collection, for other programs that search these vectors. AlsoLike itself
does not use the alias, but the name of the collection of the build that it serves, so that rows and
vectors match even while the alias is moved.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from index.errors import BuildError, UnavailableError
from index.files import write_json
from index.scale_out.milvus.milvus_settings import MilvusSettings
from recommender.errors import SettingError

if TYPE_CHECKING:
    from index.scale_out.milvus.milvus_client import Milvus

VECTORS = "vectors.json"


log = logging.getLogger("alsolike")


class MilvusCollection(BaseModel):
    """Where a build's vectors are in Milvus: the contents of its file ``vectors.json``.

    Attributes:
        uri: The server's URL, or the path of a ``milvus-lite`` folder; a path inside the root is
            relative to the root.
        collection: The collection's name, made from the build's name.
        alias: The alias that points to the live build's collection.
        kind: Type of the index, known once the collection is filled.
        effort: How many candidates an HNSW search keeps (``ef``); more find more true neighbors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    collection: str
    alias: str
    kind: str = ""
    effort: int = 0

    def connect(self, folder: Path) -> Milvus:
        """Returns a client for the Milvus that holds the collection of the build in ``folder``.

        Raises:
            SettingError: If the extra ``milvus`` is not installed.
        """
        try:
            from index.scale_out.milvus.milvus_client import Milvus
        except ImportError as error:
            raise SettingError(
                f"Milvus needs more packages; run: pip install 'alsolike[milvus]' ({error})"
            ) from error
        return Milvus(self.uri if "://" in self.uri else str(_root(folder) / self.uri))

    def save(self, folder: Path) -> None:
        """Writes ``vectors.json`` into a build's folder."""
        write_json(folder / VECTORS, self.model_dump())


def new_collection(folder: Path, name: str, wanted: MilvusSettings) -> MilvusCollection:
    """Returns the collection in which to store a new build's vectors; creates nothing yet.

    Args:
        folder: The folder of the build in progress.
        name: The build's name.
        wanted: The settings, with the server's URL and the alias.
    """
    uri = wanted.uri or "milvus.db"
    if wanted.uri and "://" not in uri:
        path, root = Path(uri).resolve(), _root(folder).resolve()
        uri = str(path.relative_to(root) if path.is_relative_to(root) else path)
    collection = "build_" + name.replace("-", "_")
    return MilvusCollection(uri=uri, collection=collection, alias=wanted.alias)


def check_milvus(folder: Path, wanted: MilvusSettings) -> None:
    """Checks that Milvus answers, so that a build fails early rather than after all its work.

    Raises:
        SettingError: If the extra ``milvus`` is not installed.
        UnavailableError: If the server does not answer.
    """
    new_collection(folder, "build", wanted).connect(folder).collections()


def read_collection(folder: Path) -> MilvusCollection | None:
    """Reads a build's ``vectors.json``; returns ``None`` if the build's index is in a file.

    Raises:
        BuildError: If the file is damaged.
    """
    path = folder / VECTORS
    try:
        return MilvusCollection.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise BuildError(f"{path} can't be read: {error}; build again") from error


def check_vectors(folder: Path, count: int) -> None:
    """Checks that a build's collection still holds all of its rows.

    Raises:
        BuildError: If the collection is gone, or holds the wrong number of rows.
        UnavailableError: If the server does not answer.
    """
    stored = read_collection(folder)
    if stored is None:
        return
    held = stored.connect(folder).count(stored.collection)
    if held != count:
        raise BuildError(
            f"collection {stored.collection} of Milvus at {stored.uri} holds {held} rows, but "
            f"the build has {count}; build again"
        )


def point_alias(folder: Path) -> dict[str, str]:
    """Points the alias to the collection of a build that just became live.

    The service does not use the alias, so a build can be published or rolled back even if the
    server does not answer. The failure is then logged and noted in the journal, and the next
    command that locks the root tries again.

    Returns:
        An entry for the journal: where the alias now points, or the error.
    """
    try:
        stored = read_collection(folder)
        if stored is None:
            return {}
        stored.connect(folder).point(stored.alias, stored.collection)
    except (BuildError, SettingError) as error:
        log.warning(
            "the build is live, but the alias in Milvus still names the previous build: %s", error
        )
        return {"alias_error": str(error)}
    return {"alias": f"{stored.alias} → {stored.collection}"}


def drop_vectors(folder: Path) -> None:
    """Drops a build's collection, before the build's folder is removed.

    Raises:
        UnavailableError: If the server does not answer, or the extra ``milvus`` is not installed.
            The build's folder must then be kept, because the collection's name is stored nowhere
            else.
    """
    try:
        stored = read_collection(folder)
    except BuildError:  # vectors.json was not written completely, so nothing is in Milvus yet
        return
    if stored is not None:
        try:
            stored.connect(folder).drop(stored.collection, stored.alias)
        except (BuildError, SettingError) as error:
            raise UnavailableError(
                f"build {folder.name} is kept until its vectors in Milvus can be deleted: {error}"
            ) from error


def _root(folder: Path) -> Path:
    return folder.parent.parent

"""Where a build's vectors lie in Milvus, and what publishing, rolling back and pruning do there.

A build in Milvus holds ``vectors.json`` instead of ``index.faiss``. The collection belongs to the
build: it is filled before the build is finished and dropped with it. An alias names the live
build's collection, for whoever else searches these vectors; AlsoLike itself asks the collection of
the build that it serves, so that rows and vectors fit together while an alias is switched.
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
    """The file ``vectors.json``; it holds no secret.

    Attributes:
        uri: The server's URL, or a path of ``milvus-lite``; within the root relative to it.
        collection: Named after the build.
        alias: Names the live build's collection.
        kind: Type of the index, once it is filled.
        effort: How widely it is searched; see
            :class:`index.scale_out.milvus.milvus_index.MilvusIndex`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    collection: str
    alias: str
    kind: str = ""
    effort: int = 0

    def connect(self, folder: Path) -> Milvus:
        """The server that holds the collection of the build in ``folder``.

        Raises:
            SettingError: If the extra ``milvus`` is not installed.
        """
        try:
            from index.scale_out.milvus.milvus_client import Milvus
        except ImportError as error:
            raise SettingError(
                f"an index in Milvus needs the extra: pip install 'alsolike[milvus]' ({error})"
            ) from error
        return Milvus(self.uri if "://" in self.uri else str(_root(folder) / self.uri))

    def save(self, folder: Path) -> None:
        """Write it into a build."""
        write_json(folder / VECTORS, self.model_dump())


def new_collection(folder: Path, name: str, wanted: MilvusSettings) -> MilvusCollection:
    """Where a new build's vectors will lie.

    Args:
        folder: The build in the making.
        name: Its name.
        wanted: The server and the alias.
    """
    uri = wanted.uri or "milvus.db"
    if wanted.uri and "://" not in uri:
        path, root = Path(uri).resolve(), _root(folder).resolve()
        uri = str(path.relative_to(root) if path.is_relative_to(root) else path)
    collection = "build_" + name.replace("-", "_")
    return MilvusCollection(uri=uri, collection=collection, alias=wanted.alias)


def check_milvus(folder: Path, wanted: MilvusSettings) -> None:
    """Check that Milvus answers, before a build's work rather than after it.

    Raises:
        SettingError: If the extra ``milvus`` is not installed.
        UnavailableError: If the server does not answer.
    """
    new_collection(folder, "build", wanted).connect(folder).collections()


def read_collection(folder: Path) -> MilvusCollection | None:
    """What a build's ``vectors.json`` says; ``None`` for a build with an index of its own.

    Raises:
        BuildError: If it is damaged.
    """
    path = folder / VECTORS
    try:
        return MilvusCollection.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise BuildError(f"{path} can't be read: {error}; build again") from error


def check_vectors(folder: Path, count: int) -> None:
    """Check that a build's collection still holds all of its rows.

    Raises:
        BuildError: If it is gone, or holds another number of rows.
        UnavailableError: If the server does not answer.
    """
    stored = read_collection(folder)
    if stored is None:
        return
    held = stored.connect(folder).count(stored.collection)
    if held != count:
        raise BuildError(
            f"collection {stored.collection} of Milvus at {stored.uri} holds {held} rows, "
            f"the build {count}; build again"
        )


def point_alias(folder: Path) -> dict[str, str]:
    """Switch the alias to the collection of a build that just became live.

    Lists do not depend on it, so a server that is away holds up neither a publish nor a rollback:
    what is left to do is logged, written into the journal, and done by the next command that holds
    the root.

    Returns:
        For the journal: what was done, or what went wrong.
    """
    try:
        stored = read_collection(folder)
        if stored is None:
            return {}
        stored.connect(folder).point(stored.alias, stored.collection)
    except (BuildError, SettingError) as error:
        log.warning("the build is live, but its alias in Milvus is not switched yet: %s", error)
        return {"alias_error": str(error)}
    return {"alias": f"{stored.alias} → {stored.collection}"}


def drop_vectors(folder: Path) -> None:
    """Drop a build's collection, before its folder is removed.

    Raises:
        UnavailableError: If the server does not answer; the folder must stay then, as what
            remembers the collection.
    """
    try:
        stored = read_collection(folder)
    except BuildError:  # cut short: nothing was filled yet
        return
    if stored is not None:
        try:
            stored.connect(folder).drop(stored.collection, stored.alias)
        except UnavailableError as error:
            raise UnavailableError(
                f"{folder.name} stays until its vectors can be dropped: {error}"
            ) from error


def _root(folder: Path) -> Path:
    return folder.parent.parent

"""Settings for storing a build's vectors in Milvus."""

from dataclasses import dataclass

TOKEN_VARIABLE = "ALSOLIKE_MILVUS_TOKEN"  # noqa: S105 - a variable's name
"""Environment variable with the server's token (``user:password`` or a key); never stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MilvusSettings:
    """The Milvus server or folder in which to store a build's vectors.

    Attributes:
        uri: The server's URL, as ``http://host:19530``; or the path of a ``milvus-lite`` folder,
            ending in ``.db``; by default such a folder in the root.
        alias: The alias that points to the live build's collection.
    """

    uri: str | None = None
    alias: str = "alsolike"

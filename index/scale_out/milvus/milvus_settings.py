"""Where in Milvus a build's vectors are to lie."""

from __future__ import annotations

from dataclasses import dataclass

TOKEN_VARIABLE = "ALSOLIKE_MILVUS_TOKEN"  # noqa: S105 - a variable's name
"""Holds the server's token, ``user:password`` or a key; it is written nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MilvusSettings:
    """Where in Milvus a build's vectors are to lie.

    Attributes:
        uri: ``http://host:19530``, or a path that ends in ``.db``; in the root by default.
        alias: Names the live build's collection.
    """

    uri: str | None = None
    alias: str = "alsolike"

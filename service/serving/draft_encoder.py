"""The slow half of a draft: model and build opened when they are first needed, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from index.build.build import Build
from index.query import RelatedQuery
from recommender.errors import ModelError
from service.serving.serving_view import ServingView

if TYPE_CHECKING:  # they bring FAISS and sparse matrices, which a process may never need
    from recommender.encoder import Encoder
    from service.serving.drafts import DraftIndex, Placed


class DraftEncoder:
    """Relates drafts to builds; used by one thread at a time.

    Args:
        model: The setting ``model``.
        precision: The setting ``precision``; ``auto`` follows the build.
    """

    def __init__(self, model: str, precision: str) -> None:
        self._model = model
        self._precision = precision
        self._encoder: Encoder | None = None
        self._index: DraftIndex | None = None

    def place(
        self, served: ServingView, fields: Mapping[str, Any], *, now: int, query: RelatedQuery
    ) -> Placed:
        """Find what is related to a draft among what may be shown.

        Args:
            served: The build that it is related to, under what editors decided.
            fields: See :func:`service.serving.drafts.read_draft`.
            now: Microseconds since 1970 UTC.
            query: What is asked for.

        Raises:
            ArticleError: If the draft breaks a rule of the format.
            ModelError: If there is no model, or not the one that the build was made by.
            BuildError: If what is needed of the build is missing or damaged.
        """
        from service.serving.drafts import embed, read_draft

        article = read_draft(fields)
        encoder = self._fitting(served.build)
        index = self._opened(served.build)
        text = index.prepare(article)
        return index.place(article, text, embed(encoder, text), served=served, now=now, query=query)

    def forget(self) -> None:
        """Let go of the build that the last draft was related to; from any thread."""
        self._index = None

    def _opened(self, build: Build) -> DraftIndex:
        from service.serving.drafts import DraftIndex

        index = self._index
        if index is None or index.build is not build:
            self._index = index = None  # first let go of the old one
            self._index = index = DraftIndex(build)
        return index

    def _fitting(self, build: Build) -> Encoder:
        from recommender.sentence_encoder import load_encoder
        from service.serving.drafts import check_encoder

        made_by = build.manifest.encoder
        hashing = made_by.model.startswith("hashing")
        if hashing != self._model.startswith("hashing"):  # said before a model is loaded for it
            raise ModelError(
                f"build {build.name} was made by model {made_by.model!r}, the setting model is "
                f"{self._model!r}: set it to the build's, or rebuild"
            )
        precision = made_by.precision if self._precision == "auto" else self._precision
        if self._encoder is None or self._encoder.fingerprint.precision != precision:
            self._encoder = load_encoder(self._model, precision)
        check_encoder(build, self._encoder.fingerprint)
        return self._encoder

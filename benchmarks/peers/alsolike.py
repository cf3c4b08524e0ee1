"""AlsoLike itself: a build with the default settings, published, behind ``alsolike serve``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.corpora import say
from benchmarks.peers.peer import Peer, size_of
from recommender.text import PreparedText

if TYPE_CHECKING:
    from index.build.build import Build
    from recommender.encoder import Encoder

STORIES = "stories.npy"
"""Which articles are near-duplicates of each other, for measuring everyone's lists."""


class AlsoLike(Peer):
    """A root with its builds; what is asked is what ``alsolike serve`` would answer."""

    call = "GET /v1/related?id=… of alsolike serve: cards, scores, origins, shared terms"
    packages = ("alsolike",)
    encodes = "alsolike"
    keeps_lists = False

    def build(self, ids: Sequence[str], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        self._ids = ids
        self._make(texts)
        np.save(self.folder / STORIES, self._served.build.stories)

    def change(self, rows: Sequence[int], texts: Sequence[PreparedText]) -> None:
        """The nightly build: everything read and related again, only new texts encoded."""
        del rows
        self._make(texts)

    def open(self) -> None:
        """See :class:`Peer`."""
        from index.query import RelatedQuery
        from service.serving.serving_view import ServingView
        from service.settings import Settings

        self._served = ServingView(open_live(self.folder))
        defaults = Settings()
        self._query = RelatedQuery(
            min_score=defaults.min_score, fallback=defaults.fallback
        ).by_ranking()

    def related(self, row: int, limit: int) -> list[int]:
        """See :class:`Peer`."""
        from dataclasses import replace

        from service.serving.selection import select

        query = replace(self._query, limit=limit)
        now = time.time_ns() // 1000
        return [item.row for item in select(self._served, row, now=now, query=query)]

    def command(self, port: int) -> list[str]:
        """See :class:`Peer`."""
        return serve_command(self.folder / "root", port)

    def path(self, article_id: str) -> str:
        """See :class:`Peer`."""
        return f"/v1/related?id={article_id}"

    def disk_bytes(self) -> int:
        """One build: the live one."""
        return size_of(open_live(self.folder).folder)

    def _make(self, texts: Sequence[PreparedText]) -> None:
        from index.articles.parse import FieldMapping
        from index.building.builder import make_build
        from index.building.context import BuildOptions
        from index.errors import GateError
        from index.publishing.gates import Limits
        from index.publishing.publish import publish_build
        from index.root.root import Root
        from index.sources.jsonl_source import JsonlSource

        source = self.folder / "articles.jsonl"
        with source.open("w") as file:
            for article_id, text in zip(self._ids, texts, strict=True):
                record = {"id": article_id, "title": text.title, "summary": text.body}
                file.write(json.dumps(record) + "\n")
        mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
        root = Root(self.folder / "root")
        with root.locked("benchmark"):
            manifest = make_build(
                root,
                [JsonlSource(str(source))],
                lambda: cast("Encoder", self.encoder),
                BuildOptions(mapping=mapping),
            ).manifest
            try:
                publish_build(root, manifest.name, Limits())
            except GateError as error:
                say(str(error))
        say(", ".join(f"{stage} {spent:.2f} s" for stage, spent in manifest.seconds.items()))
        self.open()


def open_live(folder: Path) -> Build:
    """The live build of a run's folder."""
    from index.root.root import Root

    return Root(folder / "root").open()


def shown_ids(folder: Path, ids: Sequence[str]) -> list[str]:
    """Those of the ids that readers may see: others, such as retracted papers, have no list."""
    build, now = open_live(folder), time.time_ns() // 1000
    rows = {article_id: build.row(article_id) for article_id in ids}
    return [one for one, row in rows.items() if row is not None and build.is_visible(row, now)]


def serve_command(root: Path, port: int) -> list[str]:
    """The product's own server, one worker."""
    alsolike = Path(sys.executable).with_name("alsolike")
    return [str(alsolike), "serve", "--root", str(root), "--port", str(port)]


peer = AlsoLike

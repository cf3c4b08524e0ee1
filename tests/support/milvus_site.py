"""A root whose builds keep their vectors in Milvus."""

from __future__ import annotations

from pathlib import Path

from index.building.builder import make_build
from index.building.context import BuildOptions
from index.root.root import Root
from index.scale_out.milvus.milvus_client import SEARCH_TIMEOUT, Milvus
from index.scale_out.milvus.milvus_settings import MilvusSettings
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from tests.support.builds import SAMPLE, plain_mapping, sample_judgments


class Site:
    """A root whose vectors lie in its own ``milvus.db``."""

    def __init__(self, path: Path, wanted: MilvusSettings | None = None) -> None:
        self.root = Root(path)
        self.wanted = wanted or MilvusSettings()
        self.milvus = Milvus(str(path / "milvus.db"))

    def build(self, *, publish: bool = True) -> str:
        with self.root.locked("test"):
            manifest = make_build(
                self.root,
                [JsonlSource(str(SAMPLE / "articles.jsonl"))],
                lambda: HashingEncoder(32),
                BuildOptions(
                    mapping=plain_mapping(), milvus=self.wanted, judgments=sample_judgments
                ),
            ).manifest
            if publish:
                self.root.make_live(self.root.verify(manifest.name))
        return manifest.name

    def collection(self, name: str) -> str:
        collection = self.root.manifest(name).index.collection
        assert collection is not None
        return collection

    @property
    def live(self) -> str | None:
        return self.named_by("alsolike")

    def named_by(self, alias: str) -> str | None:
        with self.milvus._session(SEARCH_TIMEOUT) as client:
            return self.milvus._named_by(client, alias)

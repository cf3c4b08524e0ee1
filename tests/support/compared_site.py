"""A site of the hashing encoder whose live lists are compared with those of a variant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from index.articles.record import Record
from index.build.build import Build
from index.building.changes import Changes
from index.root.comparison import ComparisonState, variant_folder, write_comparison
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from service.settings import Settings
from service.watching.build_run import BuildRun, build_options, run_build


class ComparedSite:
    """A site in a folder.

    Args:
        folder: The folder, new or that of an earlier site.
        records: The articles of its first build, if it is new.
    """

    def __init__(self, folder: Path, records: Sequence[dict[str, Any]] = ()) -> None:
        self.folder = folder
        self.root = Root(folder / "root")
        self.own = Root(variant_folder(self.root.path, "bold"))
        self.settings = Settings(root=self.root.path, model="hashing:64", max_churn=1.0, keep=1)
        if records:
            self.build(records)

    def compare(self, *, share: float = 0.5, block: int = 3600, **settings: Any) -> ComparisonState:
        """Begin to compare with a variant of other settings."""
        comparison = ComparisonState(variant="bold", share=share, block=block, settings=settings)
        write_comparison(self.root.path, comparison)
        return comparison

    def build(self, records: Iterable[dict[str, Any]] | None, **options: Any) -> BuildRun:
        """Build all records, as a nightly build does."""
        sources = []
        if records is not None:
            file = self.folder / "articles.jsonl"
            file.write_text("\n".join(map(json.dumps, records)))
            sources = [JsonlSource(str(file))]
        with self.root.locked("test"):
            return run_build(
                self.root,
                self.settings,
                sources,
                build_options(self.settings, **options),
                lambda: HashingEncoder(64),
                lambda *_: None,
            )

    def change(self, put: Iterable[dict[str, Any]] = (), remove: Iterable[str] = ()) -> BuildRun:
        """Make a small build, as a push does."""
        records = [Record(location=f"change {one['id']}", values=one) for one in put]
        changes = Changes(put={"pushed": records}, remove=frozenset(remove))
        return self.build(None, changes=changes)

    def both(self) -> tuple[Build, Build]:
        """The live build and the variant's build beside it."""
        live = self.root.open()
        return live, self.own.open(live.name)

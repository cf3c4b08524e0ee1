"""A small build: what changed of the live build, and everything else as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from index.articles.record import Record
from index.build.build import Build
from index.building.builder import make_build
from index.building.changes import Changes
from index.building.context import BuildOptions
from index.root.root import Root
from recommender.encoder import HashingEncoder
from recommender.errors import NotFoundError
from tests.support.articles import topical
from tests.support.builds import plain_mapping

BuildRoot = Callable[..., tuple[Root, Build]]
Write = Callable[[Iterable[Any]], Path]


def change(
    root: Root, put: Iterable[dict[str, Any]] = (), remove: Iterable[str] = (), **options: Any
) -> Build:
    """Makes a small build of the live one, and makes it live."""
    records = [Record(location=f"change {record['id']}", values=record) for record in put]
    changes = Changes(put={"pushed": records}, remove=frozenset(remove))
    with root.locked("test"):
        manifest = make_build(
            root,
            [],
            lambda: HashingEncoder(64),
            BuildOptions(mapping=plain_mapping(), changes=changes, **options),
        ).manifest
        root.make_live(root.verify(manifest.name))
    return root.open(manifest.name)


def titles(build: Build) -> dict[str, str]:
    return {article.id: article.title for article in build.articles}


def test_what_is_put_and_removed_changes_and_all_else_stays(
    build_root: BuildRoot, write_jsonl: Write
) -> None:
    records = topical(12)
    root, full = build_root(write_jsonl(records))
    new = {**topical(13)[12], "id": "a new one"}
    renamed = {**records[3], "title": "Renamed, part 4"}
    before = titles(full)
    small = change(root, [new, renamed], [records[5]["id"], "unknown"], pushed=7)
    del before[records[5]["id"]]
    assert titles(small) == {
        **before,
        "a new one": new["title"],
        records[3]["id"]: "Renamed, part 4",
    }
    assert small.manifest.small
    assert small.manifest.full == full.name == full.manifest.full
    assert small.manifest.pushed == 7
    assert small.manifest.sources == [*full.manifest.sources, "pushed"]
    later = change(root, remove=["a new one"])
    assert later.row("a new one") is None
    assert (later.manifest.full, later.manifest.pushed) == (full.name, 7)


def test_a_small_build_needs_a_live_build(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="first build the whole source with: alsolike build"):
        change(Root(tmp_path / "root"), topical(1))

"""Builds made for tests: with the hashing encoder, of the sample corpus or of a test's records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from index.articles.parse import FieldMapping
from index.articles.record import Record
from index.building.builder import make_build
from index.building.changes import Changes
from index.building.context import BuildOptions
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder

SAMPLE = Path(__file__).parents[2] / "index" / "sample"
"""The folder of the sample corpus."""


def plain_mapping() -> FieldMapping:
    """A mapping with the defaults of the settings."""
    return FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))


def sample_judgments() -> dict[tuple[str, str], int]:
    """Articles of the sample that are of one series, to learn weights of evidence from."""
    series = json.loads((SAMPLE / "kin.json").read_text())["series"].values()
    return {(one, other): 1 for some in series for one in some for other in some if one != other}


def publish(root: Root, folder: Path, records: Iterable[Mapping[str, Any]], **options: Any) -> str:
    """Build records with the hashing encoder, make them live, and return the build's name."""
    source = folder / "articles.jsonl"
    source.write_text("\n".join(json.dumps(record) for record in records))
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    with root.locked("test"):
        manifest = make_build(
            root,
            [JsonlSource(str(source))],
            lambda: HashingEncoder(64),
            BuildOptions(mapping=mapping, **options),
        ).manifest
        root.make_live(root.verify(manifest.name))
    return manifest.name


def change(
    root: Root,
    put: Iterable[Mapping[str, Any]] = (),
    remove: Iterable[str] = (),
    **more: Any,
) -> str:
    """Make a small build of records to put and ids to remove, make it live, return its name."""
    records = [Record(location=f"change {record['id']}", values=record) for record in put]
    changes = Changes(put={"pushed": records}, remove=frozenset(remove))
    options = BuildOptions(mapping=plain_mapping(), changes=changes, **more)
    with root.locked("test"):
        name = make_build(root, [], lambda: HashingEncoder(64), options).manifest.name
        root.make_live(root.verify(name))
    return name


def live(root: Root) -> str:
    """The name of the build that is live."""
    pointer = root.current()
    assert pointer is not None
    return pointer.build

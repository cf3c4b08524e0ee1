"""FORMAT_VERSION names what the files of a build look like: neither changes without the other."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from index.build.build import Build
from index.build.manifest import FORMAT_VERSION
from index.root.root import Root

DIGESTS = {7: "620979b37a637727194816a793908df84f00c3d776101c27bd73ffa2f9096fa7"}
"""SHA-256 of what :func:`describe` gives of a build of the present version."""

BY_CONTENT = {
    *("passages", "labels", "headings", "files", "seconds", "quality", "skipped", "notes"),
    "unused_fields",
}
"""JSON objects whose names are those of things, not the format's."""

PREFIXES = re.compile(r", prefix = '[\d ]+'")
"""For beginnings of which lengths SQLite keeps an index: it finds all without, too, but slower."""


def describe(build: Build) -> dict[str, Any]:
    """What a program that opens a build relies on: names, types and keys, but no contents."""
    looks: dict[str, Any] = {path.name: None for path in build.folder.iterdir()}
    for path in build.folder.glob("*.npy"):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        looks[path.name] = [array.dtype.str, array.ndim]
    for path in build.folder.glob("*.json"):
        looks[path.name] = keys(json.loads(path.read_bytes()), deep=2)
    for path in build.folder.glob("*.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            # What FTS5 keeps in tables of its own, words_…, is SQLite's format.
            tables = database.execute("SELECT sql FROM sqlite_master WHERE name NOT LIKE 'words_%'")
            looks[path.name] = sorted(PREFIXES.sub("", sql) for (sql,) in tables)
    looks["cards.bin"] = keys(json.loads(b"{" + build.cards[0] + b"}"), deep=2)
    looks["articles.sqlite"] += keys(json.loads(next(build.articles.kept())), deep=2)
    return looks


def keys(value: Any, *, deep: int) -> list[str]:
    """The names in a JSON object, and of those in it; those that the articles gave are left out."""
    names: list[str] = []
    for name, inner in value.items() if isinstance(value, dict) else ():
        names.append(name)
        if deep > 1 and name not in BY_CONTENT:
            names += (f"{name}.{below}" for below in keys(inner, deep=deep - 1))
    return sorted(names)


def test_a_build_looks_as_its_format_version_says(
    write_jsonl: Callable[..., Path], build_root: Callable[..., tuple[Root, Build]]
) -> None:
    records = [
        {
            "id": f"a{number}",
            "title": f"Kelp {number}",
            "summary": "Kelp grows tall in cold water.",
            "excerpt": "Tall kelp.",
            "image": {"src": "/kelp.svg", "alt": "Kelp"},
            "date": "2026-01-01",
            "tags": ["sea"],
            "language": "en",
        }
        for number in range(5)
    ]
    _, build = build_root(write_jsonl(records))
    looks = describe(build)
    digest = hashlib.sha256(json.dumps(looks, sort_keys=True).encode()).hexdigest()
    assert DIGESTS.get(FORMAT_VERSION) == digest, (
        "the files of a build look different now, so this version must not open older builds: "
        "raise FORMAT_VERSION in index/build/manifest.py and put this digest here: "
        f"{FORMAT_VERSION + 1}: {digest!r}; a build looks like {json.dumps(looks, indent=1)}"
    )

"""A peer's lists put in the place of a build's own, to be served by the same server."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np

from benchmarks.peers.alsolike import open_live, serve_command
from benchmarks.peers.lists import Lists
from benchmarks.peers.load import Load, measure_load
from index.build.build import Build
from index.build.manifest import describe_files, read_manifest, write_manifest
from index.root.root import Root
from recommender.neighbors import NO_ROW


def precomputed_load(
    lists: Lists, ids: Sequence[str], built: Path, folder: Path, seconds: float
) -> Load:
    """What ``alsolike serve`` does with a peer's lists.

    Args:
        lists: The peer's.
        ids: Those to ask for.
        built: AlsoLike's folder for the same corpus.
        folder: The peer's.
        seconds: How long each run of requests lasts.
    """
    root = folder / "precomputed"
    build_with(lists, open_live(built), root)
    paths = [f"/v1/related?id={quote(article_id, safe='')}" for article_id in ids]
    return measure_load(lambda port: serve_command(root, port), paths, folder, seconds)


def build_with(lists: Lists, built: Build, root: Path) -> None:
    """Copy a build into a new root, with other lists, and publish it.

    Args:
        lists: One per row of the build; any depth down to the build's own.
        built: Where ids, cards and all else come from.
        root: Where the copy goes.
    """
    place = Root(root)
    folder = place.path / "builds" / built.name
    shutil.copytree(built.folder, folder)
    depth = built.related_rows.shape[1]
    rows = np.maximum(lists[:, :depth], NO_ROW)  # of some articles no list was asked for
    falling = np.linspace(0.9, 0.1, depth, dtype=np.float32)  # all of them good enough to show
    scores = np.where(rows >= 0, falling, np.float32(-np.inf))
    np.save(folder / "related_rows.npy", rows.astype(built.related_rows.dtype))
    np.save(folder / "related_scores.npy", scores.astype(np.float32))
    manifest = read_manifest(built.folder)
    write_manifest(folder, manifest.model_copy(update={"files": describe_files(folder)}))
    with place.locked("benchmark"):
        place.make_live(place.verify(built.name))

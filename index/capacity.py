"""Warns when a root comes near to what one machine can do; see ``docs/scale.md``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from index.build.manifest import Manifest

NIGHT = 8.0
"""Hours that a nightly build may take."""

NEAR = 0.7
"""Share of what a machine can do from which on a warning is given."""

ENCODE = 2 / 103
"""Core-seconds that encoding an article takes on a CPU."""

WORK = 4_000
"""Bytes per article that lie beside a build while it is made."""


def mapped_bytes(articles: int, dim: int) -> float:
    """Bytes that searching wants in memory: embeddings, and codes of a quarter byte a value."""
    return articles * (4 * dim + dim / 4 + 8)


def near_limits(manifest: Manifest, keep: int, folder: Path) -> list[str]:
    """The limits of this machine that a root comes near to, each with the next step.

    Args:
        manifest: A build's, by whose size and seconds the root is judged.
        keep: How many builds stay.
        folder: The root.
    """
    found: list[str] = []
    seconds = dict(manifest.seconds)
    encode = seconds.pop("encode", 0.0)
    each = encode / manifest.encoded if manifest.encoded >= 1_000 else ENCODE / _cores()
    hours = (sum(seconds.values()) + manifest.count * each) / 3600
    if hours > NEAR * NIGHT and not manifest.encoder.model.startswith("hashing"):
        found.append(
            f"a build from scratch takes about {hours:.1f} hours here, a night has {NIGHT:.0f}: "
            "next, build on more machines (alsolike build --engine ray)"
        )
    size = sum(entry.bytes for entry in manifest.files.values())
    usage = shutil.disk_usage(folder)
    root = size * (keep + 3) + manifest.count * WORK
    if root > NEAR * usage.total:
        found.append(
            f"{keep + 3} builds of this size take {root / 1e9:.1f} GB of the disk's "
            f"{usage.total / 1e9:.1f}: next, a larger disk or a smaller setting keep"
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    mapped = mapped_bytes(manifest.count, manifest.encoder.dim)
    if mapped > NEAR * memory and manifest.index.uri is None:
        found.append(
            f"searching wants {mapped / 1e9:.1f} GB of vectors in the memory's "
            f"{memory / 1e9:.1f}: next, vectors in Milvus (alsolike build --index milvus)"
        )
    return found


def _cores() -> int:
    return len(os.sched_getaffinity(0))

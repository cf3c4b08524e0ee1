"""Warns when a site approaches the limits of one machine, which ``docs/scale.md`` describes."""

import shutil
from pathlib import Path

from index.build.manifest import Manifest
from recommender.machine import usable_cores, usable_memory

NIGHT = 8.0
"""Hours that a nightly build may take."""

NEAR = 0.7
"""Share of a limit of the machine; a warning is given when it is exceeded."""

ENCODE = 0.056
"""Time to encode an abstract on a CPU with bfloat16 but without AMX, in core-seconds.

It counts only until a build has encoded 1,000 articles, whose time says what this machine takes."""

WORK = 4_000
"""Bytes of temporary files per article while a build is made."""


def mapped_bytes(articles: int, dim: int) -> float:
    """Return how many bytes of memory searching needs for the embeddings of all articles.

    For each value of an embedding, these are a float32 and a code of two bits.

    Args:
        articles: The number of articles.
        dim: The dimension of their embeddings.
    """
    return articles * (4 * dim + dim / 4 + 8)


def near_limits(manifest: Manifest, keep: int, folder: Path) -> list[str]:
    """Return a warning for each limit of this machine that a site approaches, and what to do next.

    Args:
        manifest: The manifest of a build; later builds are assumed to be as large and as slow.
        keep: Number of builds that are kept on disk.
        folder: The folder that holds the builds.
    """
    found: list[str] = []
    seconds = dict(manifest.seconds)
    encode = seconds.pop("encode", 0.0)
    each = encode / manifest.encoded if manifest.encoded >= 1_000 else ENCODE / usable_cores()
    hours = (sum(seconds.values()) + manifest.count * each) / 3600
    if hours > NEAR * NIGHT and not manifest.encoder.model.startswith("hashing"):
        found.append(
            f"a build from scratch takes about {hours:.1f} hours here; a night has {NIGHT:.0f}. "
            "Build on several machines: alsolike build --engine ray"
        )
    size = sum(entry.bytes for entry in manifest.files.values())
    usage = shutil.disk_usage(folder)
    root = size * (keep + 3) + manifest.count * WORK
    if root > NEAR * usage.total:
        found.append(
            f"{keep + 3} builds of this size take {root / 1e9:.1f} GB of the disk's "
            f"{usage.total / 1e9:.1f} GB. Use a larger disk or lower the setting keep"
        )
    memory = usable_memory()
    mapped = mapped_bytes(manifest.count, manifest.encoder.dim)
    if mapped > NEAR * memory and manifest.index.uri is None:
        found.append(
            f"searching needs {mapped / 1e9:.1f} GB of memory for vectors, of "
            f"{memory / 1e9:.1f} GB in all. Store them in Milvus: alsolike build --index milvus"
        )
    return found

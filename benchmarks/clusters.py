"""Builds in processes of their own, here or on a Ray cluster of this machine; not a benchmark.

``python -m benchmarks.clusters`` is one of these processes: see :func:`build`.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.corpora import SAMPLE, say
from index.articles.parse import FieldMapping
from index.build.build import Build
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.root.root import Root
from index.scale_out.open_engine import open_engine
from index.sources.configured_source import ConfiguredSource
from index.sources.jsonl_source import JsonlSource
from recommender.sentence_encoder import load_encoder

_PARTS = {
    "words": ("words", "terms", "phrases", "best-phrases"),
    "relate": ("nearest", "weights", "postings", "candidates", "lists"),
    "write": ("explained",),
}
"""Stages of a build to what is worked on in them, by the names that workers count under."""

_CLUSTER = """
import os, sys
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
from ray.cluster_utils import Cluster

size = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
cluster = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
for _ in range(int(sys.argv[1]) - 1):
    cluster.add_node(**size)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@contextmanager
def cluster(nodes: int) -> Iterator[str]:
    """A Ray cluster of some nodes on this machine, of one CPU each; gives its address."""
    with subprocess.Popen(
        [sys.executable, "-c", _CLUSTER, str(nodes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    ) as keeper:
        assert keeper.stdout is not None
        yield keeper.stdout.readline().strip()
        keeper.communicate()


def write_source(data: Path | None, copies: int, path: Path) -> None:
    """Synergy or the sample, as often as wanted, each time with other ids and texts."""
    if data is None:
        lines = (SAMPLE / "articles.jsonl").read_text().splitlines()
    else:
        with gzip.open(data / "synergy.jsonl.gz", "rt") as file:
            lines = file.readlines()
    with path.open("w") as out:
        for copy in range(copies):
            for line in lines:
                record = json.loads(line)
                if copy:
                    words = record.get("text", "").split()
                    np.random.default_rng(copy).shuffle(words)
                    record |= {"id": f"{record['id']}-{copy}", "text": " ".join(words)}
                out.write(json.dumps(record) + "\n")


def open_build(folder: Path) -> Build:
    """The build in ``builds/NAME`` of a root."""
    return Root(folder.parents[1]).open(folder.name)


def build(
    source: Path, root: Path, *, engine: str = "local", address: str = "", model: str
) -> dict[str, Any]:
    """One build in a process of its own.

    Args:
        source: See :func:`write_source`.
        root: A new root.
        engine: ``local`` or ``ray``.
        address: Of a cluster's head; of this machine alone by default.
        model: Name, folder or ``hashing:DIM``.

    Returns:
        ``build``, the folder; ``articles``; ``seconds`` by stage; ``worked``, of these on workers,
        in all of their processes together; ``used``, processors' time by stage of this process
        alone, its threads included; ``opened``, seconds to join or to start the cluster;
        ``whole``, from the start of the process to its end; ``bytes`` of the build; ``peak_mb``.
    """
    command = [sys.executable, "-m", "benchmarks.clusters"]
    command += [str(source), str(root), engine, address, model]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    found["whole"] = time.perf_counter() - began
    worked = found["worked"]
    for stage, parts in _PARTS.items():
        worked[stage] = sum(worked.pop(part, 0.0) for part in parts)
    say(json.dumps(found))
    return found


class _ProcessorTime:
    """What a process uses by stage: on a busy machine that says more than the time it takes."""

    def __init__(self) -> None:
        self._begun: list[tuple[str, float]] = [("", 0.0)]

    def look(self, stage: str, _done: int, _total: int | None) -> None:
        """As a build's progress."""
        if stage != self._begun[-1][0]:
            self._begun.append((stage, time.process_time()))

    def seconds(self) -> dict[str, float]:
        """By stage."""
        self.look("", 0, None)
        return {
            stage: round(after - before, 3)
            for (stage, before), (_, after) in itertools.pairwise(self._begun[1:])
        }


def main() -> None:
    """Build, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("source", "root", "engine", "address", "model"):
        parser.add_argument(name)
    asked = parser.parse_args()
    root = Root(Path(asked.root))
    with Path(asked.source).open() as file:
        fields = {} if "sections" in file.readline() else {"summary": "text"}
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    began = time.perf_counter()
    with (
        root.locked("benchmark"),
        open_engine(asked.engine, address=asked.address or None, root=root.path) as engine,
    ):
        opened = time.perf_counter() - began
        used = _ProcessorTime()
        manifest = make_build(
            root,
            [ConfiguredSource(source=JsonlSource(asked.source), fields=fields)],
            lambda: load_encoder(asked.model),
            BuildOptions(mapping=mapping, engine=engine),
            used.look,
        ).manifest
        figures = {
            "build": str(root.folder(manifest.name)),
            "articles": manifest.count,
            "seconds": manifest.seconds,
            "worked": dict(getattr(engine, "worked", {})),
            "used": used.seconds(),
            "opened": round(opened, 3),
            "bytes": sum(entry.bytes for entry in manifest.files.values()),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

"""Do the formulas of ``docs/scale.md`` hold, and what do they say of a million articles?

``python -m benchmarks.capacity [--data DIR] [--copies 1]``: builds a corpus in this process, on a
Ray cluster of one node and on one of two, each node with one CPU and processes of its own. What the
one node did, stage by stage and apart for workers and driver, foretells the two; both are printed
beside what the two did. Embeddings are those of a hashing encoder. Then the plan for 1, 10 and 100
million articles, by the rates of :mod:`index.capacity`.

Without ``--data`` it runs on the sample, to show that it does: most of that is starting processes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.corpora import SAMPLE, data_folder, say, table
from index.articles import FieldMapping
from index.build import Build
from index.builder import make_build
from index.capacity import (
    MEASURED,
    Machines,
    build_seconds,
    disk_bytes,
    mapped_bytes,
    milvus_bytes,
)
from index.engine import open_engine
from index.making import BuildOptions
from index.root import Root
from index.sources.jsonl import JsonlSource
from recommender.encoder import HashingEncoder

_STAGES = ("prepare", "encode", "words", "relate")
_RELATE = ("nearest", "candidates", "lists")
_KEEP = 5
_PLANS = {
    1_000_000: (Machines(cores=2), Machines(cores=16), Machines(nodes=2, cores=16)),
    10_000_000: (Machines(cores=16), Machines(nodes=4, cores=16), Machines(nodes=8, cores=32)),
    100_000_000: (Machines(nodes=8, cores=32), Machines(nodes=32, cores=32)),
}
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
    """A Ray cluster of some nodes on this machine; gives its address."""
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
    """The corpus, as often as wanted, each time with other ids and titles."""
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


def build_one(source: Path, root: Path, address: str) -> None:
    """In a process of its own: one build, its figures as JSON on stdout."""
    place = Root(root)
    mapping = FieldMapping(
        fields={"summary": "text"}, url_template="/{id}", timezone=ZoneInfo("UTC")
    )
    if "sections" in source.open().readline():
        mapping = FieldMapping(fields={}, url_template="/{id}", timezone=ZoneInfo("UTC"))
    kind = "ray" if address else "local"
    with place.locked("benchmark"), open_engine(kind, address=address, root=root) as engine:
        manifest, _ = make_build(
            place,
            [JsonlSource(str(source))],
            lambda: HashingEncoder(MEASURED.dim),
            BuildOptions(mapping=mapping, engine=engine),
        )
    print(
        json.dumps(
            {
                "build": str(place.folder(manifest.name)),
                "articles": manifest.count,
                "seconds": manifest.seconds,
                "worked": dict(getattr(engine, "worked", {})),
                "bytes": sum(entry.bytes for entry in manifest.files.values()),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
            }
        )
    )


def run(source: Path, root: Path, address: str = "") -> dict[str, Any]:
    """One build in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.capacity"]
    command += ["--one", str(source), str(root), address]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    worked = found["worked"]
    worked["relate"] = sum(worked.pop(stage, 0.0) for stage in _RELATE)
    say(json.dumps(found))
    return found


def foretell(one: dict[str, Any], nodes: int) -> dict[str, float]:
    """What a build takes on some nodes, from what it took on one: workers share, the driver not."""
    return {
        stage: seconds - one["worked"].get(stage, 0.0) * (1 - 1 / nodes)
        for stage, seconds in one["seconds"].items()
    }


def check(local: dict[str, Any], one: dict[str, Any], two: dict[str, Any]) -> list[list[str]]:
    """Stages, and all of them: in this process, on one node, on two as foretold and as they did."""
    expected = foretell(one, 2)
    stages = [*local["seconds"]]
    rows = []
    for stage in [*_STAGES, "the rest", "all"]:
        some = {"the rest": [s for s in stages if s not in _STAGES], "all": stages}.get(
            stage, [stage]
        )
        cells = [sum(found["seconds"].get(s, 0.0) for s in some) for found in (local, one)]
        cells.append(sum(one["worked"].get(s, 0.0) for s in some))
        cells += [sum(expected.get(s, 0.0) for s in some)]
        cells += [sum(two["seconds"].get(s, 0.0) for s in some)]
        rows.append([stage, *(f"{cell:.1f}" for cell in cells)])
    return rows


def plan() -> list[list[str]]:
    """A row for each size and each kind of machines."""
    rows = []
    for articles, choices in _PLANS.items():
        for machines in choices:
            first = build_seconds(articles, machines)
            nightly = build_seconds(articles, machines, changed=0.01)
            rows.append(
                [
                    f"{articles:,}",
                    f"{machines.nodes} with {machines.cores} cores",
                    f"{sum(first.values()) / 3600:.1f}",
                    f"{first['encode'] / 3600:.1f}",
                    f"{sum(nightly.values()) / 3600:.1f}",
                    f"{disk_bytes(articles, _KEEP) / 1e9:,.0f}",
                    f"{articles * MEASURED.memory / 1e9:,.0f}",
                    f"{mapped_bytes(articles) / 1e9:,.0f}",
                    f"{milvus_bytes(articles) / 1e9:,.0f}",
                ]
            )
    return rows


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--copies", type=int, default=1, help="how often the corpus is built upon")
    parser.add_argument("--plan", action="store_true", help="only the plan, which measures nothing")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        source, root, address = arguments.one
        build_one(Path(source), Path(root), address)
        return
    header = ["articles", "machines", "first build, h", "encoding, h", "nightly, h", "disk, GB"]
    header += ["memory of the driver, GB", "mapped, GB", "Milvus, GB"]
    say(table(header, plan()))
    if arguments.plan:
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = folder / "articles.jsonl"
        write_source(arguments.data, arguments.copies, source)
        local = run(source, folder / "local")
        with cluster(1) as address:
            one = run(source, folder / "one", address)
        with cluster(2) as address:
            two = run(source, folder / "two", address)
        lists = [Build(Path(found["build"])).related_rows for found in (local, one, two)]
        same = all(np.array_equal(lists[0], other) for other in lists[1:])
        say(f"{local['articles']:,} articles; the lists of all three are equal: {same}\n")
        header = ["seconds", "this process, 2 cores", "one node", "… of these its worker"]
        header += ["two nodes, foretold", "two nodes"]
        say(table(header, check(local, one, two)))
        each = local["bytes"] / local["articles"]
        say(f"{each:,.0f} bytes an article; this process had {local['peak_mb']} MB at most")
        print(
            json.dumps(
                {
                    "articles": local["articles"],
                    "equal_lists": same,
                    "local_s": round(sum(local["seconds"].values()), 1),
                    "one_node_s": round(sum(one["seconds"].values()), 1),
                    "one_node_workers_s": round(sum(one["worked"].values()), 1),
                    "two_nodes_foretold_s": round(sum(foretell(one, 2).values()), 1),
                    "two_nodes_s": round(sum(two["seconds"].values()), 1),
                }
            )
        )


if __name__ == "__main__":
    main()

"""Do the formulas of ``docs/scale.md`` hold, and what do they say of a million articles?

``python -m benchmarks.capacity [--data DIR] [--copies 1]``: builds a corpus in one process, on a
Ray cluster of one node and on one of two, each node with one CPU and processes of its own. Stage by
stage it is printed what :mod:`index.capacity` says, what the one node's build foretells of the two
(workers share their part, the driver keeps its own), and what was measured. Embeddings are those of
a hashing encoder, of which the formulas say nothing. Then the plan for 1, 10 and 100 million
articles.

Without ``--data`` it runs on the sample, to show that it does: most of that is starting processes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.capacity_formulas import (
    MEASURED,
    Machines,
    build_seconds,
    disk_bytes,
    milvus_bytes,
)
from benchmarks.clusters import build, cluster, open_build, write_source
from benchmarks.corpora import data_folder, say, table
from index.capacity import mapped_bytes

_STAGES = ("read", "prepare", "encode", "words", "relate", "write", "search")
_ENCODER = f"hashing:{MEASURED.dim}"
_KEEP = 5
_PLANS = {
    1_000_000: (Machines(cores=2), Machines(cores=16), Machines(nodes=2, cores=16)),
    10_000_000: (Machines(cores=16), Machines(nodes=4, cores=16), Machines(nodes=8, cores=32)),
    100_000_000: (Machines(nodes=8, cores=32), Machines(nodes=32, cores=32)),
}


def foretell(one: dict[str, Any], nodes: int) -> dict[str, float]:
    """What a build takes on some nodes, from what it took on one: workers share, the driver not."""
    return {
        stage: seconds - one["worked"].get(stage, 0.0) * (1 - 1 / nodes)
        for stage, seconds in one["seconds"].items()
    }


def check(local: dict[str, Any], one: dict[str, Any], two: dict[str, Any]) -> list[list[str]]:
    """Stages, and all of them: in one process, on one node, on two; foretold and measured."""
    expected = foretell(one, 2)
    formulas = [build_seconds(one["articles"], Machines(nodes=n, cores=1)) for n in (1, 2)]
    for formula in formulas:
        del formula["encode"], formula["publish"]  # of another encoder; not done here
    stages = [*local["seconds"]]
    rows = []
    for stage in [*_STAGES, "the rest", "all", "all but encode"]:
        some = {
            "the rest": [s for s in stages if s not in _STAGES],
            "all": stages,
            "all but encode": [s for s in stages if s != "encode"],
        }.get(stage, [stage])
        columns = [
            local["seconds"],
            formulas[0],
            one["seconds"],
            one["worked"],
            formulas[1],
            expected,
            two["seconds"],
        ]
        cells = [f"{sum(column.get(s, 0.0) for s in some):.1f}" for column in columns]
        if "encode" in some:
            cells[1] = cells[4] = ""
        rows.append([stage, *cells])
    return rows


def reading(builds: Mapping[str, dict[str, Any]]) -> list[list[str]]:
    """What reading and the full-text index take of processors' time, in µs an article."""
    rows = []
    for name, found in builds.items():
        each = 1e6 / found["articles"]
        driver, workers = found["used"]["read"] * each, found["worked"].get("read", 0.0) * each
        waited = found["seconds"]["search"] * each
        rows.append([name, f"{driver:.0f}", f"{workers:.0f}", f"{waited:.0f}"])
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
                    f"{disk_bytes(articles, _KEEP, cluster=machines.nodes > 1) / 1e9:,.0f}",
                    f"{articles * MEASURED.memory / 1e9:,.0f}",
                    f"{mapped_bytes(articles, MEASURED.dim) / 1e9:,.0f}",
                    f"{milvus_bytes(articles) / 1e9:,.0f}",
                ]
            )
    return rows


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--copies", type=int, default=1, help="how often the corpus is built upon")
    parser.add_argument("--plan", action="store_true", help="only the plan, which measures nothing")
    arguments = parser.parse_args()
    header = ["articles", "machines", "first build, h", "encoding, h", "nightly, h", "disk, GB"]
    header += ["memory of the driver, GB", "mapped, GB", "Milvus, GB"]
    say(table(header, plan()))
    if arguments.plan:
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = folder / "articles.jsonl"
        write_source(arguments.data, arguments.copies, source)
        local = build(source, folder / "local", model=_ENCODER)
        on = []
        for nodes in (1, 2):
            with cluster(nodes) as address:
                root = folder / str(nodes)
                on.append(build(source, root, engine="ray", address=address, model=_ENCODER))
        one, two = on
        lists = [open_build(Path(found["build"])).related_rows for found in (local, one, two)]
        same = all(np.array_equal(lists[0], other) for other in lists[1:])
        say(f"{local['articles']:,} articles; the lists of all three are equal: {same}\n")
        header = ["seconds", "one process, 2 cores", "one node, formula", "one node"]
        header += [
            "… of these its worker",
            "two nodes, formula",
            "two nodes, foretold",
            "two nodes",
        ]
        say(table(header, check(local, one, two)))
        header = ["reading, µs an article", "the driver", "its workers", "waiting for full text"]
        builds = {"one process, 2 cores": local, "one node": one, "two nodes": two}
        say(table(header, reading(builds)))
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
                    "driver_reads_us": round(1e6 * two["used"]["read"] / two["articles"]),
                }
            )
        )


if __name__ == "__main__":
    main()

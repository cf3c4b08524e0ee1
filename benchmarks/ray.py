"""What does ``--engine ray`` cost on one machine, and does it give the same lists?

``python -m benchmarks.ray [--data DIR] [--model hashing:384]``: the same articles built without
Ray and on a cluster of this machine alone, each in a process of its own: seconds by stage, how many
of these workers worked, and what the start of processes takes. Then how far the lists differ, by
row and against judgments; by a hashing encoder they don't, ``--model all-MiniLM-L6-v2`` is the one
to ask.

Without ``--data`` it runs on the sample, to show that it does.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clusters import build, open_build, write_source
from benchmarks.corpora import Judged, data_folder, load_corpus, say, table
from index.build.build import Build
from index.files import load_array
from index.query import Fallback, RelatedQuery
from service.serving.list_quality import evaluate_build


def compare_lists(local: Build, there: Build, judged: Judged) -> dict[str, Any]:
    """How far two builds of the same articles agree."""
    mine, theirs = (
        np.asarray(load_array(build.checked("embeddings.npy"))) for build in (local, there)
    )
    ours, others = local.related_rows[:, :10], there.related_rows[:, :10]
    query = RelatedQuery(fallback=Fallback.NONE)
    ndcg = {
        name: [evaluate_build(build, qrels, query)["ndcg10"] for build in (local, there)]
        for name, qrels in judged.items()
    }
    return {
        "equal_lists": bool(np.array_equal(local.related_rows, there.related_rows)),
        "equal_scores": bool(np.array_equal(local.related_scores, there.related_scores)),
        "top10_same": round(float((ours == others).mean()), 4),
        "lowest_cosine": round(float(np.einsum("ij,ij->i", mine, theirs).min()), 6),
        "ndcg10": ndcg,
        "ndcg10_difference": max(abs(one - other) for one, other in ndcg.values()),
    }


def compare_seconds(local: dict[str, Any], there: dict[str, Any]) -> list[list[str]]:
    """A row for each stage, and for what is no stage."""
    cores = len(os.sched_getaffinity(0))
    rows = []
    for stage, seconds in local["seconds"].items():
        theirs = there["seconds"][stage]
        worked = there["worked"].get(stage, 0.0)
        cells = [seconds, theirs, theirs - seconds, worked, theirs - worked / cores]
        rows.append([stage, *(f"{cell:.1f}" for cell in cells)])
    sums = [sum(found["seconds"].values()) for found in (local, there)]
    opened = there["opened"]
    rest = [found["whole"] - total for found, total in zip((local, there), sums, strict=True)]
    used = [found["used"]["read"] for found in (local, there)]
    cells = [*used, used[1] - used[0]]
    rows.append(["read, this process's own", *(f"{cell:.2f}" for cell in cells), "", ""])
    rows.append(["join the cluster", "", f"{opened:.1f}", f"{opened:.1f}", "", ""])
    rows.append(
        [
            "start and end of the process",
            f"{rest[0]:.1f}",
            f"{rest[1] - opened:.1f}",
            f"{rest[1] - opened - rest[0]:.1f}",
            "",
            "",
        ]
    )
    wholes = [found["whole"] for found in (local, there)]
    rows.append(["all", *(f"{whole:.1f}" for whole in [*wholes, wholes[1] - wholes[0]]), "", ""])
    return rows


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--model", default="hashing:384", help="encoder (hashing:384)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = folder / "articles.jsonl"
        write_source(arguments.data, 1, source)
        local = build(source, folder / "local", model=arguments.model)
        there = build(source, folder / "ray", engine="ray", model=arguments.model)
        builds = [open_build(Path(found["build"])) for found in (local, there)]
        found = compare_lists(builds[0], builds[1], load_corpus(arguments.data, "synergy").judged)
    say(
        f"{local['articles']:,} articles, {arguments.model}, {len(os.sched_getaffinity(0))} cores\n"
    )
    header = ["seconds", "this process", "Ray", "more", "on workers, all processes"]
    header += ["Ray, without what workers did"]
    say(table(header, compare_seconds(local, there)))
    print(
        json.dumps(
            {
                "articles": local["articles"],
                "local_s": round(local["whole"], 1),
                "ray_s": round(there["whole"], 1),
                **found,
            }
        )
    )


if __name__ == "__main__":
    main()

"""Reads a source on a Ray cluster slowly enough to be killed in the midst of it.

``python -m tests.support.slow_source FOLDER SOURCE ADDRESS``; run by ``test_ray_reading.py``.
Leaves a line in ``FOLDER/parsed-PID.log`` for each record that a process made.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from index.articles.record import Record, RecordProblem
from index.build.build import Build
from index.building.context import BuildContext, BuildOptions
from index.building.engine import Engine
from index.building.read_stage import read_sources
from index.root.root import Root
from index.scale_out.open_engine import open_engine
from index.sources.jsonl_source import JsonlSource
from index.sources.source import Source
from tests.support.builds import plain_mapping


@dataclass(frozen=True)
class SlowLines:
    """Lines that take their time to be made into records."""

    path: str
    log: Path

    @property
    def name(self) -> str:
        return self.path

    def records(self) -> Iterator[Record | RecordProblem]:
        lines, parse = self.parted()
        return map(parse, lines)

    def parted(self) -> tuple[Iterator[Any], Callable[[Any], Record | RecordProblem]]:
        lines, parse = JsonlSource(self.path).parted()
        return lines, partial(_slowly, self.log, parse)


def _slowly(
    log: Path, parse: Callable[[Any], Record | RecordProblem], line: Any
) -> Record | RecordProblem:
    time.sleep(0.02)
    with (log / f"parsed-{os.getpid()}.log").open("a") as lines:
        lines.write(f"{line[0]}\n")
    return parse(line)


def read_into(
    folder: Path,
    sources: list[Source],
    engine: Engine,
    *,
    previous: Build | None = None,
    **options: Any,
) -> BuildContext:
    """Only the first stage of a build."""
    folder.mkdir()
    making = BuildContext(
        root=Root(folder),
        folder=folder,
        options=BuildOptions(mapping=plain_mapping(), engine=engine, **options),
        previous=previous,
        progress=lambda _stage, _done, _total: None,
    )
    read_sources(making, sources)
    return making


if __name__ == "__main__":
    from index.scale_out.ray import ray_engine
    from tests.support.slow_source import SlowLines as Importable

    place = Path(sys.argv[1])
    ray_engine.SHARD = 8
    with open_engine("ray", address=sys.argv[3], root=place) as cluster:
        source = Importable(path=sys.argv[2], log=place)
        read_into(place / f"build-{os.getpid()}", [source], cluster)
    sys.stdout.write(str(place / f"build-{os.getpid()}"))

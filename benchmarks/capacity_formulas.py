"""What a number of articles takes: the formulas of ``docs/scale.md``.

Seconds of a stage are ``articles · core-seconds / cores``, for what runs on all machines at once,
plus what the one that drives the build does alone; bytes are per article. The rates are CPU time
of a build of 7,000 abstracts of 180 words, 384 wide, on a core of a small cloud machine with
bfloat16 but without AMX, beyond 100,000 articles of one of a million by ``benchmarks.scale``; other
texts and machines have others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from index.capacity import ENCODE, WORK
from recommender.faiss_index import FLAT_LIMIT

_DISTRIBUTED = ("read", "prepare", "words", "relate", "write")
_NOT_BESIDE = ("read", "report", "publish")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What one article takes.

    Attributes:
        spread: Core-seconds by stage, of what every machine of a cluster can do; searching aside.
        exact: Core-seconds of comparing it with another article, up to 100,000 of them.
        index: Seconds of indexing it beyond these, of the machine that drives the build alone.
        lists: Core-seconds of searching inverted lists, by the square root of their articles.
        alone: Seconds by stage, of what only the machine can do that drives the build.
        search: Seconds of its full-text index, which one core makes beside the other stages, from
            the end of reading to the report.
        encode: Core-seconds of encoding on a CPU.
        disk: Bytes of a build.
        work: Bytes beside it while it is made.
        shards: Bytes of what a cluster keeps until it is made.
        memory: Bytes of anonymous memory at the peak, on the machine that drives the build.
        dim: Width of an embedding.
    """

    spread: Mapping[str, float] = field(
        default_factory=lambda: {
            "read": 155e-6,
            "prepare": 340e-6,
            "words": 205e-6,
            "relate": 415e-6,
            "write": 345e-6,
        }
    )
    alone: Mapping[str, float] = field(
        default_factory=lambda: {
            "read": 55e-6,
            "prepare": 50e-6,
            "words": 80e-6,
            "write": 10e-6,
            "report": 20e-6,
            "publish": 10e-6,
        }
    )
    search: float = 130e-6
    exact: float = 17e-9
    index: float = 55e-6
    lists: float = 0.55e-6
    encode: float = ENCODE
    disk: float = 15_000
    work: float = WORK
    shards: float = 18_000
    memory: float = 1_500
    dim: int = 384


MEASURED = Rates()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """What a build runs on.

    Attributes:
        nodes: How many machines.
        cores: Of each.
        gpus: All together.
        gpu_rate: Articles a second that one of them encodes.
    """

    nodes: int = 1
    cores: int = 2
    gpus: int = 0
    gpu_rate: float = 0.0


def build_seconds(
    articles: int, machines: Machines, rates: Rates = MEASURED, *, changed: float = 1.0
) -> dict[str, float]:
    """Seconds by stage.

    Args:
        articles: How many.
        machines: On what.
        rates: What each takes.
        changed: Share of the texts that are new to the live build and must be encoded.

    Returns:
        Of ``search`` only what is left to wait for when all other stages are done.
    """
    cores = machines.nodes * machines.cores
    found = {stage: articles * each for stage, each in rates.alone.items()}
    for stage in _DISTRIBUTED:
        found[stage] = found.get(stage, 0.0) + articles * rates.spread[stage] / cores
    search = rates.exact * articles if articles <= FLAT_LIMIT else rates.lists * articles**0.5
    found["relate"] += articles * search / cores
    found["index"] = 0.0 if articles <= FLAT_LIMIT else articles * rates.index
    encoded = articles * changed
    if machines.gpus:
        found["encode"] = encoded / (machines.gpus * machines.gpu_rate)
    else:
        found["encode"] = encoded * rates.encode / cores
    beside = sum(seconds for stage, seconds in found.items() if stage not in _NOT_BESIDE)
    found["search"] = max(0.0, articles * rates.search - beside)
    return found


def disk_bytes(
    articles: int, keep: int, rates: Rates = MEASURED, *, cluster: bool = False
) -> float:
    """Bytes of a root: the builds that stay, live and before included, and one in the making."""
    making = rates.work + (rates.shards if cluster else 0)
    return articles * (rates.disk * (keep + 3) + making)


def milvus_bytes(articles: int, rates: Rates = MEASURED, *, links: int = 16) -> float:
    """Memory of Milvus for one collection: vectors, the graph's links, and scalars to filter by."""
    return articles * (4 * rates.dim + 8 * links + 32)

"""A Ray cluster of two machines, each in processes of its own, one of which can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SOON = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}
"""A dead machine is given up after seconds, not half a minute; nothing else changes."""

_SERVE = """
import os, sys
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
from ray.cluster_utils import Cluster

size = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
cluster = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
other = cluster.add_node(**size)
print(cluster.address, flush=True)
for line in sys.stdin:  # until whoever started this is done, or gone
    if line == "kill\\n":
        cluster.remove_node(other, allow_graceful=False)
    else:
        other = cluster.add_node(**size)
    print("done", flush=True)
cluster.shutdown()
"""


class RayCluster:
    """Two nodes with one CPU each.

    Attributes:
        address: Of the head; a driver joins it there.
    """

    def __init__(self, keeper: subprocess.Popen[str]) -> None:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        self._said, self._told = keeper.stdout, keeper.stdin
        self.address = self._said.readline().strip()
        self._whole = True

    def kill_the_other_node(self) -> None:
        """With everything that runs there; no driver does."""
        self._tell("kill")
        self._whole = False

    def replace_a_dead_node(self) -> None:
        """Add another node if one was killed."""
        if not self._whole:
            self._tell("add")
        self._whole = True

    def _tell(self, what: str) -> None:
        self._told.write(f"{what}\n")
        self._told.flush()
        assert self._said.readline() == "done\n"


@contextmanager
def ray_cluster(log: Path) -> Iterator[RayCluster]:
    environment = {**os.environ, **_SOON, "PYTHONPATH": str(Path(__file__).parents[2])}
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        ) as keeper,
    ):
        try:
            yield RayCluster(keeper)
        finally:
            assert keeper.stdin is not None
            keeper.stdin.close()
            keeper.wait(60)

"""Opens the engine that runs the heavy stages of a build: this process, or a Ray cluster."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from index.building.engine import Engine, LocalEngine
from recommender.errors import SettingError


@contextmanager
def open_engine(kind: str, *, address: str | None, root: Path) -> Iterator[Engine]:
    """Opens the engine that runs a build's heavy stages; closes it at the end of the block.

    Args:
        kind: ``"local"`` or ``"ray"``.
        address: ``host:port`` of a Ray cluster's head node; by default a cluster is started on this
            machine only.
        root: The root's folder, on a file system that every machine of the cluster can access.

    Raises:
        SettingError: If the extra ``ray`` is not installed.
        UnavailableError: If there is no cluster at the address.
    """
    if kind == "local":
        yield LocalEngine(root / "work")
        return
    try:
        from index.scale_out.ray.ray_engine import RayEngine
    except ImportError as error:
        raise SettingError(
            f"the engine ray needs more packages; run: pip install 'alsolike[ray]' ({error})"
        ) from error
    # Ray reports lost machines on stdout, but stdout is for results.
    with redirect_stdout(sys.stderr):
        engine = RayEngine(address, root / "work")
        try:
            yield engine
        finally:
            engine.close()

"""The demo as a process: the service with the sample corpus, and its site."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.service_process import alsolike, free_ports, get, until


@contextmanager
def demo(folder: Path, **environment: str) -> Iterator[tuple[str, str, subprocess.Popen[bytes]]]:
    """A running demo: the service's address, the site's, and its process."""
    port = free_ports()
    arguments = ("demo", "--model", "hashing:256", "--port", str(port))
    with alsolike(*arguments, folder=folder, environment=environment) as process:
        service = f"http://127.0.0.1:{port}"
        until(lambda: (answer := get(f"{service}/readyz")) and answer.status == 200)
        yield service, f"http://127.0.0.1:{port + 1}", process

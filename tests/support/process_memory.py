"""How much memory this process holds, as Linux counts it."""

from __future__ import annotations

from pathlib import Path


def status(name: str) -> int:
    """A figure of this process's memory in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024
